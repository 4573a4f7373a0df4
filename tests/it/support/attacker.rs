//! What somebody tries who has a user of the broker, or may read the Secrets of one namespace.

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{Api, ResourceExt, api::ListParams};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
    },
    types::FieldTable,
};
use omotes_operator::testing::wire::NamespaceKey;

use super::bed::{Space, cluster, kubectl, variable};

impl Space {
    /// A connection with the credentials that anybody finds who may read Secrets in this namespace.
    pub(crate) async fn thief(&self) -> Connection {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.name);
        let data = secrets.get("omotes-courier").await.unwrap().data.unwrap();
        let uri = String::from_utf8(data["amqp-uri"].0.clone()).unwrap();
        Connection::connect(&uri, ConnectionProperties::default()).await.unwrap()
    }

    /// The key of this namespace, as anybody finds it who may read Secrets here.
    pub(crate) async fn key(&self) -> NamespaceKey {
        namespace_key(&self.name).await
    }
}

/// The current key of a namespace whose jobs have run.
pub(crate) async fn namespace_key(namespace: &str) -> NamespaceKey {
    let secrets: Api<Secret> = Api::namespaced(cluster().await, namespace);
    let data = secrets.get("omotes-courier").await.unwrap().data.unwrap();
    let keys: Vec<_> = data.iter().filter(|(name, _)| name.starts_with("key-")).collect();
    let [(_, key)] = keys[..] else { panic!("one key: {:?}", data.keys()) };
    NamespaceKey::from_bytes(&key.0).unwrap()
}

/// Publishes `body`. Tells whether some queue took it.
pub(crate) async fn publish(channel: &Channel, exchange: &str, key: &str, body: &[u8]) -> lapin::Result<bool> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions { mandatory: true, immediate: false }, BasicProperties::default());
    let confirmation = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?.await?;
    Ok(matches!(confirmation, Confirmation::Ack(None)))
}

/// What somebody may try at the broker.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Crime {
    Consume,
    Get,
    Purge,
    Delete,
    Declare,
    DeclareExchange,
    /// Binds a queue to the couriers' exchange.
    Bind,
    /// Binds a queue to the exchange of the broker's own events.
    BindEvents,
    /// Publishes to the default exchange, which reaches every queue.
    Publish,
    /// Publishes to an exchange of this name.
    PublishTo,
}

async fn commit(crime: Crime, target: &str, channel: &Channel) -> lapin::Result<()> {
    let (name, key, arguments) = (target.into(), "#".into(), FieldTable::default());
    match crime {
        Crime::Consume => {
            channel.basic_consume(name, "".into(), BasicConsumeOptions::default(), arguments).await.map(drop)
        }
        Crime::Get => channel.basic_get(name, BasicGetOptions::default()).await.map(drop),
        Crime::Purge => channel.queue_purge(name, QueuePurgeOptions::default()).await.map(drop),
        Crime::Delete => channel.queue_delete(name, QueueDeleteOptions::default()).await.map(drop),
        Crime::Declare => {
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(name, durable, arguments).await.map(drop)
        }
        Crime::DeclareExchange => {
            channel.exchange_declare(name, ExchangeKind::Topic, ExchangeDeclareOptions::default(), arguments).await
        }
        Crime::Bind => {
            channel.queue_bind(name, "omotes.courier".into(), key, QueueBindOptions::default(), arguments).await
        }
        Crime::BindEvents => {
            channel.queue_bind(name, "amq.rabbitmq.event".into(), key, QueueBindOptions::default(), arguments).await
        }
        Crime::PublishTo => publish(channel, target, "progress", b"forged").await.map(drop),
        Crime::Publish => publish(channel, "", target, b"forged").await.map(drop),
    }
}

/// Asserts that the broker refuses this to whoever is connected.
pub(crate) async fn assert_refused(crime: Crime, target: &str, connection: &Connection) {
    let outcome = commit(crime, target, &connection.create_channel().await.unwrap()).await;
    let text = outcome.as_ref().map_or_else(ToString::to_string, |()| "done".to_owned());
    assert!(text.contains("ACCESS_REFUSED") || text.contains("ACCESS-REFUSED"), "{crime:?} {target:?}: {text}");
}

/// How many progress messages the operator's pods have dropped, as their metrics say.
pub(crate) async fn rejected(space: &Space) -> u64 {
    let namespace = variable("OMOTES_NAMESPACE");
    let pods: Api<Pod> = Api::namespaced(space.client.clone(), &namespace);
    let operators = ListParams::default().labels("app.kubernetes.io/name=omotes-operator");
    let mut sum = 0;
    for pod in pods.list(&operators).await.unwrap().items {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{}:8080/proxy/metrics", pod.name_any());
        let (read, text) = kubectl(&["get", "--raw", &path], None);
        assert!(read, "{text}");
        let count = text.lines().find_map(|line| line.strip_prefix("omotes_progress_rejected_total "));
        sum += count.unwrap_or_else(|| panic!("no such metric: {text}")).parse::<u64>().unwrap();
    }
    sum
}

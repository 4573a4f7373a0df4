//! A client that speaks as the OMOTES SDK does: it asks for the workflows, submits jobs, and deletes them.

use std::time::Duration;

use futures::StreamExt;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, PostParams},
};
use lapin::{
    BasicProperties, Channel, Connection, Consumer, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};
use omotes_operator::testing::{
    api::{OmotesJob, OmotesWorkflow},
    wire::AvailableWorkflows,
};
use prost::Message;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    bed::{PATIENCE, cluster, merged, pod_spec, variable},
    client::{Listener, connect, queues},
    until,
    wire::{submission_of, text, with},
};

const EXCHANGE: &str = "omotes_exchange";
/// As the SDK does where nobody says anything else: 48 hours.
const QUEUE_TTL_MS: i64 = 172_800_000;
/// How many jobs are removed at once.
const REMOVED_AT_ONCE: usize = 16;

/// One client.
pub(crate) struct Sdk {
    pub connection: Connection,
    channel: Channel,
    broadcasts: Consumer,
}

impl Sdk {
    /// A client that has declared what it shares with the operator.
    pub(crate) async fn start() -> Self {
        let connection = connect().await;
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let exchange = ExchangeDeclareOptions::default();
        channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Direct, exchange, FieldTable::default()).await.unwrap();
        declare(&channel, "job_submissions", QueueDeclareOptions::durable(), FieldTable::default()).await;
        let own = format!("available_workflows.{:016x}", fastrand::u64(..));
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(own.as_str().into(), exclusive, FieldTable::default()).await.unwrap();
        bind(&channel, &own, "available_workflows").await;
        let consume = BasicConsumeOptions::default();
        let broadcasts =
            channel.basic_consume(own.as_str().into(), "".into(), consume, FieldTable::default()).await.unwrap();
        Self { connection, channel, broadcasts }
    }

    /// Asks which workflows there are.
    pub(crate) async fn ask(&self) {
        self.publish("request_available_workflows", b"").await;
    }

    /// The next broadcast, within `limit`.
    pub(crate) async fn broadcast(&mut self, limit: Duration) -> AvailableWorkflows {
        let next = timeout(limit, self.broadcasts.next()).await;
        let delivery = next.unwrap_or_else(|_| panic!("no broadcast within {limit:?}")).unwrap().unwrap();
        delivery.ack(BasicAckOptions::default()).await.unwrap();
        AvailableWorkflows::decode(delivery.data.as_slice()).unwrap()
    }

    /// Waits for a broadcast that has, or has not, a workflow of this type.
    pub(crate) async fn hears(&mut self, type_name: &str, offered: bool) -> AvailableWorkflows {
        loop {
            let broadcast = self.broadcast(Duration::from_secs(30)).await;
            if broadcast.workflows.iter().any(|workflow| workflow.type_name == type_name) == offered {
                return broadcast;
            }
        }
    }

    /// Declares the queues of a job, as before its submission.
    pub(crate) async fn declare_queues(&self, uuid: &str) {
        for queue in queues(uuid) {
            let mut ttl = FieldTable::default();
            ttl.insert("x-expires".into(), AMQPValue::LongLongInt(QUEUE_TTL_MS));
            declare(&self.channel, &queue, QueueDeclareOptions::durable(), ttl).await;
        }
    }

    /// Submits a job and waits on its queues; `more` are further fields of the submission.
    pub(crate) async fn submit(&self, workflow_type: &str, esdl: &[u8], more: &[u8]) -> (String, Listener) {
        let uuid = new_uuid();
        self.declare_queues(&uuid).await;
        let listener = Listener::attach(&uuid).await;
        self.send(&uuid, workflow_type, esdl, more).await;
        (uuid, listener)
    }

    /// The same over this client's own channel.
    pub(crate) async fn submit_here(&self, workflow_type: &str, esdl: &[u8]) -> Listener {
        let uuid = new_uuid();
        self.declare_queues(&uuid).await;
        let listener = Listener::on(&self.channel, &uuid).await;
        self.send(&uuid, workflow_type, esdl, b"").await;
        listener
    }

    async fn send(&self, uuid: &str, workflow_type: &str, esdl: &[u8], more: &[u8]) {
        self.publish("job_submissions", &with(&submission_of(uuid, workflow_type, esdl), more)).await;
    }

    /// Asks for the deletion of a job.
    pub(crate) async fn delete(&self, uuid: &str) {
        self.publish("job_deletions", &text(1, uuid.as_bytes())).await;
    }

    /// Publishes anything, and waits until the broker has it.
    pub(crate) async fn publish(&self, key: &str, body: &[u8]) {
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let properties = BasicProperties::default().with_delivery_mode(2);
        let sent = self.channel.basic_publish(EXCHANGE.into(), key.into(), options, body, properties).await.unwrap();
        sent.await.unwrap();
    }

    /// Waits until nothing is left on the operator's queues.
    pub(crate) async fn drained(&self) {
        for queue in ["job_submissions", "job_deletions"] {
            until(&format!("{queue} is empty"), PATIENCE, || async {
                match super::broker::depths().await.get(queue) {
                    Some(0) => Ok(()),
                    left => Err(format!("{left:?} messages")),
                }
            })
            .await;
        }
    }
}

async fn declare(channel: &Channel, queue: &str, options: QueueDeclareOptions, arguments: FieldTable) {
    channel.queue_declare(queue.into(), options, arguments).await.unwrap();
    bind(channel, queue, queue).await;
}

async fn bind(channel: &Channel, queue: &str, key: &str) {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), EXCHANGE.into(), key.into(), options, FieldTable::default()).await.unwrap();
}

/// A uuid as clients write it.
pub(crate) fn new_uuid() -> String {
    let digits = format!("{:032x}", fastrand::u128(..));
    format!("{}-{}-4{}-8{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

/// A workflow of a test's own, in the namespace of the gateway's jobs.
pub(crate) struct Offer {
    pub type_name: String,
    pub jobs: Api<OmotesJob>,
    pub workflows: Api<OmotesWorkflow>,
}

impl Offer {
    /// A workflow whose jobs run a shell script.
    pub(crate) async fn new(test: &str, script: &str) -> Self {
        Self::of(test, script, &json!({})).await
    }

    /// The same, with a changed spec.
    pub(crate) async fn of(test: &str, script: &str, patch: &Value) -> Self {
        let client: Client = cluster().await;
        let namespace = variable("OMOTES_JOB_NAMESPACE");
        let name = format!("{}-{:06x}", test.replace('_', "-"), fastrand::u32(..0x0100_0000));
        let spec = json!({"typeName": name, "description": test, "template": {"spec": pod_spec(script)}});
        let workflow = json!({
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesWorkflow",
            "metadata": {"name": name},
            "spec": merged(spec, patch),
        });
        let workflows = Api::namespaced(client.clone(), &namespace);
        workflows.create(&PostParams::default(), &serde_json::from_value(workflow).unwrap()).await.unwrap();
        Self { type_name: name, jobs: Api::namespaced(client, &namespace), workflows }
    }

    /// Waits until the job called so is there.
    pub(crate) async fn stored(&self, uuid: &str) -> OmotesJob {
        until(&format!("OmotesJob {uuid} is stored"), PATIENCE, || async {
            self.jobs.get_opt(uuid).await.unwrap().ok_or_else(|| "there is none".to_owned())
        })
        .await
    }

    /// Waits until the job called so is gone.
    pub(crate) async fn gone(&self, uuid: &str) {
        until(&format!("OmotesJob {uuid} is gone"), PATIENCE, || async {
            match self.jobs.get_opt(uuid).await.unwrap() {
                None => Ok(()),
                Some(job) => Err(serde_json::to_string(&(&job.metadata, &job.status)).unwrap()),
            }
        })
        .await;
    }

    /// Removes the workflow and its jobs.
    pub(crate) async fn remove(self) {
        self.workflows.delete(&self.type_name, &DeleteParams::default()).await.unwrap();
        let jobs = self.jobs.list(&kube::api::ListParams::default()).await.unwrap();
        let ours = |job: &&OmotesJob| job.spec.workflow_ref.as_ref().is_some_and(|known| known.name == self.type_name);
        let each = futures::stream::iter(jobs.items.iter().filter(ours));
        each.for_each_concurrent(REMOVED_AT_ONCE, async |job| {
            let _ = self.jobs.delete(&job.name_any(), &DeleteParams::default()).await;
            self.gone(&job.name_any()).await;
        })
        .await;
    }
}

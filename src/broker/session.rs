//! What can be done with one open connection.
//!
//! Ring: shell.
//!
//! A soft error ends a channel for all who use it. So everything that may fail by design – a missing queue, other
//! arguments, a queue in use – has a channel of its own among the [`Errands`]; results have one of their own each; only
//! the many small messages to clients share one.
//!
//! Guarantees: no operation here gives up by itself; its caller bounds it in time, and may drop it at any moment.

use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ExchangeKind};
use tokio::sync::{Mutex, watch};

use super::endpoint::Endpoint;
use super::errands::Errands;
use super::error::{BrokerError, is_missing, is_still_wanted};
use super::management::{Management, Sight};
use super::{DeleteCondition, Deletion, Outgoing, QueueSight, Routing};
use crate::topology::{Argument, Binding, COURIER_EXCHANGE, LEADER_QUEUE, QueueDeclaration};
use crate::wire::{CommitRecord, Digest};

/// Reply code and text of a normal close.
pub(super) const GOOD_BYE: (u16, &str) = (200, "OK");

/// Few messages end their channel: those that are too large, or not allowed.
const USED_NUMBERS: usize = 8;

/// The connection that holds the leader queue, and what goes with it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) endpoint: Endpoint,
    pub(super) opened: Timestamp,
    pub(super) management: Option<Management>,
    errands: Errands,
    light: Mutex<Option<Channel>>,
    over: watch::Sender<bool>,
}

impl Session {
    pub(super) fn new(connection: Connection, endpoint: Endpoint, management: Option<Management>, name: &str) -> Self {
        Self {
            errands: Errands::new(endpoint.clone(), name),
            connection,
            endpoint,
            opened: Timestamp::now(),
            management,
            light: Mutex::new(None),
            over: watch::Sender::new(false),
        }
    }

    /// Ends what still runs on this connection, and closes it.
    pub(super) async fn close(&self) {
        self.over.send_replace(true);
        self.errands.end();
        // Fails when it is broken already, which is as good.
        let _ = self.connection.close(GOOD_BYE.0, GOOD_BYE.1.into()).await;
    }

    /// Waits until this connection is given up.
    pub(super) async fn over(&self) {
        // Fails when the session is dropped, which is as good.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// A channel of the connection that holds the leader queue.
    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        // See `errands`: the number of a channel that was ended answers once more with its error.
        for _ in 0..USED_NUMBERS {
            if let Ok(channel) = self.connection.create_channel().await {
                return Ok(channel);
            }
        }
        self.over.send_replace(true);
        Err(BrokerError::unreachable("the connection opens no more channels, so it is replaced"))
    }

    pub(super) async fn confirming_channel(&self) -> Result<Channel, BrokerError> {
        let channel = self.channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(channel)
    }

    /// The channel that small messages share, opened again if one of them ended it.
    async fn light_channel(&self) -> Result<Channel, BrokerError> {
        let mut light = self.light.lock().await;
        if let Some(channel) = light.as_ref().filter(|channel| channel.status().connected()) {
            return Ok(channel.clone());
        }
        Ok(light.insert(self.confirming_channel().await?).clone())
    }

    /// A channel of its own for one errand, which may end it.
    pub(super) async fn errand(&self) -> Result<Channel, BrokerError> {
        self.errands.channel().await
    }

    /// Takes the queue whose holder alone speaks to clients.
    pub(super) async fn claim_leadership(&self) -> Result<(), BrokerError> {
        let arguments = table([("x-queue-type", Argument::Text("classic"))]);
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        self.channel().await?.queue_declare(LEADER_QUEUE.into(), options, arguments).await?;
        Ok(())
    }

    /// Declares the exchange that couriers publish to.
    pub(super) async fn declare_exchange(&self) -> Result<(), BrokerError> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let channel = self.channel().await?;
        Ok(channel
            .exchange_declare(COURIER_EXCHANGE.into(), ExchangeKind::Direct, options, FieldTable::default())
            .await?)
    }

    /// Declares and binds queues, all at once on one channel.
    pub(super) async fn ensure_queues(&self, queues: &[QueueDeclaration]) -> Result<(), BrokerError> {
        let channel = self.errand().await?;
        try_join_all(queues.iter().map(|queue| declare(&channel, queue))).await?;
        let bindings = queues.iter().filter_map(|queue| Some((queue.name.as_str(), queue.binding.as_ref()?)));
        try_join_all(bindings.map(|(queue, binding)| bind(&channel, queue, binding))).await?;
        self.errands.reuse(channel);
        Ok(())
    }

    /// Looks at a queue, which renews its lease.
    pub(super) async fn look_up(&self, queue: &str) -> Result<QueueSight, BrokerError> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let declared = self.errand().await?.queue_declare(name(queue)?, options, FieldTable::default()).await;
        match declared {
            Ok(seen) => Ok(QueueSight::Present { messages: seen.message_count(), consumers: seen.consumer_count() }),
            Err(error) if is_missing(&error) => Ok(QueueSight::Missing),
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes a small message.
    pub(super) async fn publish(&self, queue: &str, message: &Outgoing) -> Result<Routing, BrokerError> {
        publish(&self.light_channel().await?, queue, message).await
    }

    /// Publishes a message of any size.
    pub(super) async fn publish_result(&self, queue: &str, message: &Outgoing) -> Result<Routing, BrokerError> {
        publish(&self.confirming_channel().await?, queue, message).await
    }

    /// Puts a message into `queue`, and removes those that are there.
    pub(super) async fn store(&self, queue: &QueueDeclaration, body: Bytes) -> Result<(), BrokerError> {
        self.ensure_queues(std::slice::from_ref(queue)).await?;
        let options = QueuePurgeOptions::default();
        self.errand().await?.queue_purge(name(&queue.name)?, options).await?;
        let message = Outgoing { body, message_id: None };
        match publish(&self.confirming_channel().await?, &queue.name, &message).await? {
            Routing::Routed => Ok(()),
            Routing::Unroutable => Err(BrokerError::unreachable(format!("queue {} was just removed", queue.name))),
        }
    }

    /// The message that the record vouches for. It stays in the queue; others are removed from it.
    pub(super) async fn fetch_output(&self, queue: &str, record: &CommitRecord) -> Result<Option<Bytes>, BrokerError> {
        let channel = self.errand().await?;
        loop {
            let message = match channel.basic_get(name(queue)?, BasicGetOptions::default()).await {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(None),
                Err(error) if is_missing(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let acker = message.delivery.acker.clone();
            if let Some(body) = vouched(message.delivery.data.into(), record).await {
                // Unacknowledged messages return to their queue when the channel closes.
                channel.close(GOOD_BYE.0, GOOD_BYE.1.into()).await?;
                return Ok(Some(body));
            }
            acker.ack(BasicAckOptions::default()).await?;
        }
    }

    /// Deletes queues that nobody consumes, all at once on one channel where they are classic and unused, as they should be.
    pub(super) async fn delete_unused(&self, queues: &[String]) -> Result<Vec<Deletion>, BrokerError> {
        let channel = self.errand().await?;
        let unused = QueueDeleteOptions { if_unused: true, ..QueueDeleteOptions::default() };
        let all =
            queues.iter().map(async |queue| Ok::<_, BrokerError>(channel.queue_delete(name(queue)?, unused).await?));
        if try_join_all(all).await.is_ok() {
            self.errands.reuse(channel);
            return Ok(vec![Deletion::Deleted; queues.len()]);
        }
        // The first refusal ended the channel for all of them.
        let mut deletions = Vec::new();
        for queue in queues {
            deletions.push(self.delete_queue(queue, DeleteCondition::IfUnused).await?);
        }
        Ok(deletions)
    }

    /// Deletes a queue, if the condition holds.
    pub(super) async fn delete_queue(&self, queue: &str, condition: DeleteCondition) -> Result<Deletion, BrokerError> {
        let if_empty = condition == DeleteCondition::IfUnusedAndEmpty;
        match condition {
            DeleteCondition::Always => self.delete(queue, QueueDeleteOptions::default()).await,
            _ if self.is_known_classic(queue).await => {
                self.delete(queue, QueueDeleteOptions { if_unused: true, if_empty, nowait: false }).await
            }
            DeleteCondition::IfUnused | DeleteCondition::IfUnusedAndEmpty => {
                self.look_and_delete(queue, if_empty).await
            }
        }
    }

    async fn delete(&self, queue: &str, options: QueueDeleteOptions) -> Result<Deletion, BrokerError> {
        match self.errand().await?.queue_delete(name(queue)?, options).await {
            Ok(_) => Ok(Deletion::Deleted),
            Err(error) if is_missing(&error) => Ok(Deletion::Deleted),
            Err(error) if is_still_wanted(&error) => Ok(Deletion::StillWanted),
            Err(error) => Err(error.into()),
        }
    }

    /// A conditional delete of a quorum queue ends the whole connection. So where the type is not known the condition is
    /// looked at first; what a client does in the millisecond between is lost to it, but nobody else.
    async fn look_and_delete(&self, queue: &str, if_empty: bool) -> Result<Deletion, BrokerError> {
        match self.look_up(queue).await? {
            QueueSight::Present { messages, .. } if if_empty && messages > 0 => Ok(Deletion::StillWanted),
            QueueSight::Present { consumers: 0, .. } => self.delete(queue, QueueDeleteOptions::default()).await,
            QueueSight::Present { .. } => Ok(Deletion::StillWanted),
            QueueSight::Missing => Ok(Deletion::Deleted),
        }
    }

    async fn is_known_classic(&self, queue: &str) -> bool {
        let Some(management) = &self.management else { return false };
        matches!(management.queue(queue).await, Sight::Present(facts) if facts.is_classic)
    }
}

/// Declares a queue, without its binding.
async fn declare(channel: &Channel, queue: &QueueDeclaration) -> Result<(), BrokerError> {
    channel.queue_declare(name(&queue.name)?, QueueDeclareOptions::durable(), table(queue.arguments())).await?;
    Ok(())
}

/// Binds a queue.
async fn bind(channel: &Channel, queue: &str, binding: &Binding) -> Result<(), BrokerError> {
    let key = name(&binding.routing_key)?;
    Ok(channel
        .queue_bind(name(queue)?, binding.exchange.into(), key, QueueBindOptions::default(), FieldTable::default())
        .await?)
}

/// Publishes to a queue through the default exchange: clients' bindings to other exchanges do not survive a restart of
/// the broker, the queues do. Without `mandatory` the broker would confirm and drop what has no queue.
async fn publish(channel: &Channel, queue: &str, message: &Outgoing) -> Result<Routing, BrokerError> {
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    let confirm = channel
        .basic_publish(ShortString::default(), name(queue)?, options, &message.body, message.properties()?)
        .await?;
    routing(&confirm.await?)
}

/// What a confirmation says. An unroutable message is acknowledged too, after its return.
pub(crate) fn routing(confirmation: &Confirmation) -> Result<Routing, BrokerError> {
    match confirmation {
        Confirmation::Ack(None) => Ok(Routing::Routed),
        Confirmation::Ack(Some(_)) => Ok(Routing::Unroutable),
        Confirmation::Nack(_) | Confirmation::NotRequested => {
            Err(BrokerError::unreachable("the broker could not store the message"))
        }
    }
}

impl Outgoing {
    fn properties(&self) -> Result<BasicProperties, BrokerError> {
        let persistent = BasicProperties::default().with_delivery_mode(2);
        Ok(match &self.message_id {
            Some(id) => persistent.with_message_id(name(id)?),
            None => persistent,
        })
    }
}

/// The body, if it is the one that the record vouches for.
async fn vouched(body: Bytes, record: &CommitRecord) -> Option<Bytes> {
    if body.len() as u64 != record.bytes {
        return None;
    }
    let hashed = body.clone();
    let digest = tokio::task::spawn_blocking(move || Digest::of(&hashed)).await.ok()?;
    (digest == record.sha256).then_some(body)
}

/// AMQP's names have at most 255 bytes.
pub(super) fn name(text: &str) -> Result<ShortString, BrokerError> {
    ShortString::try_new(text)
        .map_err(|_| BrokerError::Refused { reason: format!("a name of {} bytes is too long: {text}", text.len()) })
}

fn table(arguments: impl IntoIterator<Item = (&'static str, Argument)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Integer(number) => AMQPValue::LongLongInt(number),
            Argument::Text(text) => AMQPValue::LongString(text.into()),
        };
        table.insert(name.into(), value);
    }
    table
}

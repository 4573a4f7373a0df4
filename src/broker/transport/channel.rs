//! A channel, and all that is asked of the broker on one.
//!
//! Ring: shell.

use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ExchangeKind};

use super::super::terms::DeleteCondition;
use super::confirm::Confirm;
use super::consumer::Consumer;
use super::delivery::Delivery;
use super::error::AmqpError;
#[cfg(feature = "testing")]
use super::simulated;
use super::values::{GOOD_BYE, name, table};
use crate::topology::Argument;

/// By which the broker lists a consumer of this program.
const CONSUMER_TAG: &str = "omotes-operator";
/// AMQP's delivery modes.
const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

/// A channel. An error that the broker answers with ends it for all its clones.
#[derive(Clone, Debug)]
pub(crate) struct Channel(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Lapin(lapin::Channel),
    #[cfg(feature = "testing")]
    Simulated(simulated::Channel),
}

/// How long a queue lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueLife {
    /// It outlives connection and broker.
    Durable,
    /// It is exclusive to its connection, and goes with that.
    Connection,
    /// It is exclusive to its connection, and goes with its last consumer.
    Consumer,
}

/// What a queue holds and has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueCounts {
    pub(crate) messages: u32,
    pub(crate) consumers: u32,
}

/// A message to be published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publication<'a> {
    /// The default exchange has no name.
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    /// Whether the broker tells when no queue takes it.
    pub(crate) is_mandatory: bool,
    /// Whether it outlives the broker.
    pub(crate) is_persistent: bool,
    pub(crate) message_id: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

impl Channel {
    /// Says good-bye. Unacknowledged messages return to their queues.
    pub(crate) async fn close(&self) -> Result<(), AmqpError> {
        match &self.0 {
            Inner::Lapin(channel) => Ok(channel.close(GOOD_BYE.0, GOOD_BYE.1.into()).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => Ok(channel.close().await?),
        }
    }

    /// Whether it lives, as far as this side knows.
    pub(crate) fn is_connected(&self) -> bool {
        match &self.0 {
            Inner::Lapin(channel) => channel.status().connected(),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => channel.is_connected(),
        }
    }

    /// Has the broker confirm what is published on it from now on.
    pub(crate) async fn confirm_select(&self) -> Result<(), AmqpError> {
        match &self.0 {
            Inner::Lapin(channel) => Ok(channel.confirm_select(ConfirmSelectOptions::default()).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => Ok(channel.confirm_select().await?),
        }
    }

    /// Declares a direct exchange.
    pub(crate) async fn declare_exchange(&self, exchange: &str, is_durable: bool) -> Result<(), AmqpError> {
        let (exchange, kind) = (name(exchange)?, ExchangeKind::Direct);
        let options = ExchangeDeclareOptions { durable: is_durable, ..ExchangeDeclareOptions::default() };
        match &self.0 {
            Inner::Lapin(channel) => {
                Ok(channel.exchange_declare(exchange, kind, options, FieldTable::default()).await?)
            }
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => Ok(channel.exchange_declare(exchange, kind, options).await?),
        }
    }

    /// Declares a queue.
    pub(crate) async fn declare_queue(
        &self,
        queue: &str,
        life: QueueLife,
        arguments: &[(&'static str, Argument)],
    ) -> Result<(), AmqpError> {
        let (queue, options) = (name(queue)?, life.into());
        match &self.0 {
            Inner::Lapin(channel) => drop(channel.queue_declare(queue, options, table(arguments)).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => drop(channel.queue_declare(queue, options, table(arguments)).await?),
        }
        Ok(())
    }

    /// Looks at a queue, which renews its lease. One that is missing is an error.
    pub(crate) async fn look_at_queue(&self, queue: &str) -> Result<QueueCounts, AmqpError> {
        let queue = name(queue)?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        match &self.0 {
            Inner::Lapin(channel) => {
                let seen = channel.queue_declare(queue, options, FieldTable::default()).await?;
                Ok(QueueCounts { messages: seen.message_count(), consumers: seen.consumer_count() })
            }
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => Ok(channel.queue_declare(queue, options, FieldTable::default()).await?.into()),
        }
    }

    /// Binds a queue to an exchange.
    pub(crate) async fn bind_queue(&self, queue: &str, exchange: &str, routing_key: &str) -> Result<(), AmqpError> {
        let key = name(routing_key)?;
        let (queue, exchange) = (name(queue)?, name(exchange)?);
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        match &self.0 {
            Inner::Lapin(channel) => Ok(channel.queue_bind(queue, exchange, key, options, arguments).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => Ok(channel.queue_bind(queue, exchange, key).await?),
        }
    }

    /// Removes all messages from a queue that wait in it.
    pub(crate) async fn purge_queue(&self, queue: &str) -> Result<(), AmqpError> {
        let queue = name(queue)?;
        match &self.0 {
            Inner::Lapin(channel) => drop(channel.queue_purge(queue, QueuePurgeOptions::default()).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => drop(channel.queue_purge(queue).await?),
        }
        Ok(())
    }

    /// Deletes a queue; where the condition does not hold, that is an error.
    pub(crate) async fn delete_queue(&self, queue: &str, condition: DeleteCondition) -> Result<(), AmqpError> {
        let (queue, options) = (name(queue)?, condition.into());
        match &self.0 {
            Inner::Lapin(channel) => drop(channel.queue_delete(queue, options).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => drop(channel.queue_delete(queue, options).await?),
        }
        Ok(())
    }

    /// The first message of a queue, to be acknowledged.
    pub(crate) async fn get(&self, queue: &str) -> Result<Option<Delivery>, AmqpError> {
        let queue = name(queue)?;
        match &self.0 {
            Inner::Lapin(channel) => {
                let message = channel.basic_get(queue, BasicGetOptions::default()).await?;
                Ok(message.map(|message| message.delivery.into()))
            }
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => {
                Ok(channel.basic_get(queue, BasicGetOptions::default()).await?.map(Delivery::from))
            }
        }
    }

    /// Begins to consume a queue, of which `prefetch` messages come before one of them is acknowledged.
    pub(crate) async fn consume(&self, queue: &str, prefetch: u16) -> Result<Consumer, AmqpError> {
        match &self.0 {
            Inner::Lapin(channel) => {
                channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
                let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
                Ok(channel.basic_consume(name(queue)?, CONSUMER_TAG.into(), options, arguments).await?.into())
            }
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => {
                channel.basic_qos(prefetch).await?;
                let options = BasicConsumeOptions::default();
                Ok(channel.basic_consume(name(queue)?, CONSUMER_TAG.into(), options).await?.into())
            }
        }
    }

    /// Publishes a message. What becomes of it is a future of its own, which does not hold the body.
    pub(crate) async fn publish(&self, message: Publication<'_>) -> Result<Confirm, AmqpError> {
        let (exchange, key) = (name(message.exchange)?, name(message.routing_key)?);
        let options = BasicPublishOptions { mandatory: message.is_mandatory, immediate: false };
        let properties = message.properties()?;
        match &self.0 {
            Inner::Lapin(channel) => {
                Ok(channel.basic_publish(exchange, key, options, message.body, properties).await?.into())
            }
            #[cfg(feature = "testing")]
            Inner::Simulated(channel) => {
                Ok(channel.basic_publish(exchange, key, options, message.body, properties)?.into())
            }
        }
    }
}

impl Publication<'_> {
    fn properties(&self) -> Result<BasicProperties, AmqpError> {
        let mode = if self.is_persistent { PERSISTENT } else { TRANSIENT };
        let properties = BasicProperties::default().with_delivery_mode(mode);
        Ok(match self.message_id {
            Some(id) => properties.with_message_id(name(id)?),
            None => properties,
        })
    }
}

impl From<lapin::Channel> for Channel {
    fn from(channel: lapin::Channel) -> Self {
        Self(Inner::Lapin(channel))
    }
}

#[cfg(feature = "testing")]
impl From<simulated::Channel> for Channel {
    fn from(channel: simulated::Channel) -> Self {
        Self(Inner::Simulated(channel))
    }
}

#[cfg(feature = "testing")]
impl From<simulated::Counts> for QueueCounts {
    fn from(seen: simulated::Counts) -> Self {
        // As the protocol has room for it.
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { messages: count(seen.messages), consumers: count(seen.consumers) }
    }
}

impl From<QueueLife> for QueueDeclareOptions {
    fn from(life: QueueLife) -> Self {
        let (durable, exclusive, auto_delete) = match life {
            QueueLife::Durable => (true, false, false),
            QueueLife::Connection => (false, true, false),
            QueueLife::Consumer => (false, true, true),
        };
        Self { durable, exclusive, auto_delete, ..Self::default() }
    }
}

impl From<DeleteCondition> for QueueDeleteOptions {
    fn from(condition: DeleteCondition) -> Self {
        let (if_unused, if_empty) = match condition {
            DeleteCondition::Always => (false, false),
            DeleteCondition::IfUnused => (true, false),
            DeleteCondition::IfUnusedAndEmpty => (true, true),
        };
        Self { if_unused, if_empty, nowait: false }
    }
}

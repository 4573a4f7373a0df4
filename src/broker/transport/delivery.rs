//! A message from a queue.
//!
//! Ring: shell.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::AMQPValue;

use super::error::AmqpError;
#[cfg(feature = "testing")]
use super::simulated;

/// A message from a queue, which the broker has until it is acknowledged or rejected.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) body: Bytes,
    /// By which it came to its queue. The default one has no name.
    pub(crate) exchange: String,
    /// Whether it was delivered before.
    pub(crate) redelivered: bool,
    pub(crate) properties: Properties,
    pub(crate) acker: Acker,
}

/// What a message says beside its body.
#[derive(Debug, Default)]
pub(crate) struct Properties(BasicProperties);

/// Settles one message. It keeps no channel open, and settles nothing once that is closed.
#[derive(Debug)]
pub(crate) struct Acker(Inner);

#[derive(Debug)]
enum Inner {
    Lapin(lapin::Acker),
    #[cfg(feature = "testing")]
    Simulated(simulated::Acker),
}

impl Properties {
    /// The text in a header.
    pub(crate) fn text(&self, header: &str) -> Option<String> {
        match self.header(header)? {
            AMQPValue::LongString(text) => Some(text.to_string()),
            AMQPValue::ShortString(text) => Some(text.to_string()),
            _ => None,
        }
    }

    /// The number in a header.
    pub(crate) fn integer(&self, header: &str) -> Option<i64> {
        match self.header(header)? {
            AMQPValue::LongLongInt(number) => Some(*number),
            AMQPValue::Timestamp(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    fn header(&self, name: &str) -> Option<&AMQPValue> {
        self.0.headers().as_ref()?.inner().get(name)
    }
}

impl Acker {
    /// Lets the broker forget the message.
    pub(crate) async fn ack(&self) -> Result<(), AmqpError> {
        match &self.0 {
            Inner::Lapin(acker) => acker.ack(BasicAckOptions::default()).await?,
            #[cfg(feature = "testing")]
            Inner::Simulated(acker) => acker.ack()?,
        };
        Ok(())
    }

    /// Refuses the message; it does not come again.
    pub(crate) async fn reject(&self) -> Result<(), AmqpError> {
        match &self.0 {
            Inner::Lapin(acker) => acker.reject(BasicRejectOptions { requeue: false }).await?,
            #[cfg(feature = "testing")]
            Inner::Simulated(acker) => acker.reject(BasicRejectOptions { requeue: false })?,
        };
        Ok(())
    }
}

impl From<lapin::message::Delivery> for Delivery {
    fn from(delivery: lapin::message::Delivery) -> Self {
        let lapin::message::Delivery { data, exchange, redelivered, properties, acker, .. } = delivery;
        Self {
            body: data.into(),
            exchange: exchange.into(),
            redelivered,
            properties: properties.into(),
            acker: Acker(Inner::Lapin(acker)),
        }
    }
}

#[cfg(feature = "testing")]
impl From<simulated::Delivery> for Delivery {
    fn from(delivery: simulated::Delivery) -> Self {
        let simulated::Delivery { delivered, acker } = delivery;
        let simulated::Delivered { body, exchange, redelivered, properties, .. } = delivered;
        Self { body, exchange, redelivered, properties: properties.into(), acker: Acker(Inner::Simulated(acker)) }
    }
}

impl From<BasicProperties> for Properties {
    fn from(properties: BasicProperties) -> Self {
        Self(properties)
    }
}

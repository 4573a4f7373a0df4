//! Messages, as they lie in a queue and as they come from it.
//!
//! Ring: shell; plain values.

use std::sync::Arc;

use bytes::Bytes;
use lapin::BasicProperties;
use tokio::time::Instant;

/// What was published. All queues that have it share it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
}

/// A message in one queue.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) message: Arc<Message>,
    /// Whether it was delivered before.
    pub(super) redelivered: bool,
    /// It is dropped then, once it is the first of its queue.
    pub(super) expires_at: Option<Instant>,
}

/// A message on its way to a client.
#[derive(Debug)]
pub(crate) struct Delivered {
    pub(crate) body: Bytes,
    pub(crate) exchange: String,
    pub(crate) redelivered: bool,
    pub(crate) properties: BasicProperties,
    /// Its number on the channel.
    pub(super) tag: u64,
}

impl Stored {
    pub(super) fn bytes(&self) -> usize {
        self.message.body.len()
    }

    pub(super) fn delivered(&self, tag: u64) -> Delivered {
        let Message { exchange, properties, body, .. } = &*self.message;
        let (body, exchange, properties) = (body.clone(), exchange.clone(), properties.clone());
        Delivered { body, exchange, redelivered: self.redelivered, properties, tag }
    }
}

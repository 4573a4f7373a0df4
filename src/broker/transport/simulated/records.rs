//! What the broker knows of its clients.
//!
//! Ring: shell; plain values.

use std::collections::BTreeMap;

use lapin::{Error, Event};
use tokio::sync::mpsc::UnboundedSender;

use super::message::{Delivered, Stored};

/// Of a connection, a channel, a consumer or a queue. None is used twice.
pub(super) type Id = u64;
/// What a consumer gets.
pub(super) type DeliverySender = UnboundedSender<Result<Delivered, Error>>;

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) connection: Id,
    /// None for what is asked on the connection itself.
    pub(super) channel: Option<Id>,
}

/// A connection.
pub(super) struct Connection {
    pub(super) name: String,
    pub(super) user: String,
    /// Why it ended, once it has.
    pub(super) end: Option<Error>,
    pub(super) listeners: Vec<UnboundedSender<Event>>,
    /// Whether the broker reads nothing from it.
    pub(super) is_blocked: bool,
}

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) connection: Id,
    /// Why it ended, once it has.
    pub(super) end: Option<Error>,
    /// Of the next consumer.
    pub(super) prefetch: u16,
    pub(super) confirms: bool,
    pub(super) last_tag: u64,
    pub(super) unsettled: BTreeMap<u64, Unsettled>,
}

impl Channel {
    pub(super) fn new(connection: Id) -> Self {
        Self { connection, end: None, prefetch: 0, confirms: false, last_tag: 0, unsettled: BTreeMap::new() }
    }
}

/// A message that was delivered and is not settled.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) queue: String,
    pub(super) queue_id: Id,
    pub(super) place: u64,
    pub(super) stored: Stored,
    /// None where it was fetched.
    pub(super) consumer: Option<Id>,
}

/// A consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) origin: Origin,
    pub(super) queue: String,
    pub(super) tag: String,
    pub(super) settles_at_once: bool,
    /// Zero: any number.
    pub(super) prefetch: u16,
    pub(super) unsettled: u16,
    pub(super) deliveries: DeliverySender,
}

impl Consumer {
    pub(super) fn has_room(&self) -> bool {
        self.prefetch == 0 || self.unsettled < self.prefetch
    }
}

//! The words in which the operator and its broker talk.
//!
//! Ring: shell; plain values.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

use super::transport::Connector;
use crate::result::Deleter;
use crate::wire::CourierMessage;

/// Where the broker is. All files are read again at each attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// `amqp_uri_file` holds `amqp(s)://user:password@host:port/vhost`.
    pub amqp_uri_file: PathBuf,
    /// `management_uri_file` holds `http(s)://user:password@host:port`; while it is missing results may come twice after a
    /// crash.
    pub management_uri_file: Option<PathBuf>,
    /// `ca_file` holds the only certificate authorities to source; while it is missing those of the system are.
    pub ca_file: Option<PathBuf>,
    /// `requires_tls` refuses URIs that are not encrypted.
    pub requires_tls: bool,
    /// `connection_name` is how the broker lists the connection.
    pub connection_name: String,
    /// `connector` carries the connections.
    pub connector: Connector,
}

/// Whether the broker can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerState {
    /// Connected and leading.
    Ready {
        /// Since when.
        since: Timestamp,
    },
    /// Connected, but the broker takes no messages: it has no memory or disk left.
    Blocked {
        /// Since when.
        since: Timestamp,
        /// The broker's own words.
        reason: String,
    },
    /// Not connected, or not leading.
    Unreachable {
        /// Since when.
        since: Timestamp,
        /// The last reason, for people.
        reason: String,
    },
}

/// What the broker has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum BrokerEvent {
    /// The broker can be used (again): what was declared before may be gone.
    Connected,
    /// It takes messages again; all that was declared is still there.
    Unblocked,
    /// It cannot be used any more.
    Lost,
    /// A courier's message. Whether to believe it is for the receiver to decide.
    Courier {
        /// The namespace whose key its sender has; absent where it came by the key that all couriers have.
        namespace: Option<Arc<str>>,
        /// What it says.
        message: CourierMessage,
    },
    /// A queue of a job was deleted.
    QueueDeleted {
        /// Its name.
        queue: String,
        /// By whom.
        by: Deleter,
        /// When, by the broker's clock.
        at: Timestamp,
    },
}

/// What was found of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It.
    Output(Bytes),
    /// Neither the queue, or nothing of the job's in it.
    Absent,
    /// Its queue holds other messages, too, which may be of any size: they are looked through once that may be.
    Crowded,
}

/// What was seen of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueSight {
    /// It is there.
    Present {
        /// Messages that wait in it.
        messages: u32,
        /// Who consumes it.
        consumers: u32,
    },
    /// The broker says that there is no such queue.
    Missing,
}

/// A message to be published. It is persistent and has no headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// `body` of the message.
    pub body: Bytes,
    /// `message_id` by which a receiver knows a message that comes twice.
    pub message_id: Option<String>,
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Into the queue; the broker confirmed it.
    Routed,
    /// Nowhere: there is no such queue. The broker dropped it.
    Unroutable,
}

/// When to delete a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteCondition {
    /// Whatever is in it and whoever consumes it.
    Always,
    /// Only if nobody consumes it; what is in it goes with it.
    IfUnused,
    /// Only if nobody consumes it and nothing is in it.
    IfUnusedAndEmpty,
}

/// What became of a queue that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone, or was before.
    Deleted,
    /// Somebody consumes it, or something is in it.
    StillWanted,
}

/// What a refusal to delete a queue may rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalSource {
    /// The management API's counts of consumers and messages, which are up to five seconds old: the caller tries again.
    Statistics,
    /// The broker's own answer: no other try follows.
    Broker,
}

//! What the broker says of a queue.

use std::fmt;

use jiff::Timestamp;

/// What the management API says of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum QueueLookup {
    /// It is there.
    Present(QueueFacts),
    /// The API answers that it is not there.
    Absent,
    /// No answer, or one that says nothing about the queue.
    Unreachable(String),
}

/// The numbers of one queue; absent while the broker has not counted yet, or when it does not count. They are up to
/// [`published::STATISTICS_LAG`](super::published::STATISTICS_LAG) old, and a restart of the broker resets the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueFacts {
    /// `messages` in it, those that a client has taken and not acknowledged included.
    pub messages: Option<u64>,
    /// `published` is how many messages were routed to it. A queue that rejects publications counts the rejected ones, too.
    pub published: Option<u64>,
    /// `acknowledged` is how many messages its consumers took for good: acknowledged, or delivered without a need for that.
    pub acknowledged: Option<u64>,
    /// `consumers` that it has.
    pub consumers: Option<u64>,
    /// `is_classic`: only classic queues know conditional deletion.
    pub is_classic: bool,
    /// `expires_ms` is how long it lives unused by its argument; `None` where for ever, or as long as a policy says.
    pub expires_ms: Option<i64>,
    /// `lease_ms` is how long it lives unused by its argument and its policy, of which the shorter holds; `None` where for
    /// ever.
    pub lease_ms: Option<i64>,
    /// `limits` in force, by its arguments and its policies.
    pub limits: QueueLimits,
}

impl QueueFacts {
    /// Whether something was ever published to it or taken from it.
    #[must_use]
    pub(crate) fn was_used(&self) -> bool {
        self.published.unwrap_or(0) > 0 || self.acknowledged.unwrap_or(0) > 0
    }
}

/// How much a queue holds, by its arguments and its effective policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueLimits {
    /// `max_length` in messages.
    pub max_length: Option<u64>,
    /// `max_length_bytes` of all messages that wait.
    pub max_length_bytes: Option<u64>,
    /// `overflow`: what becomes of a message over these limits.
    pub overflow: Overflow,
}

impl QueueLimits {
    /// Whether there is a limit.
    #[must_use]
    pub(crate) fn are_any(&self) -> bool {
        self.max_length.is_some() || self.max_length_bytes.is_some()
    }
}

/// What a queue does with what it does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It drops the oldest messages.
    #[default]
    DropHead,
    /// It refuses the newest one with a nack.
    RejectPublish,
}

/// Who deleted a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleter {
    /// The operator's own user.
    Operator,
    /// The broker: the queue was unused for its time to live.
    Expiry,
    /// An administrator, by `rabbitmqctl`.
    Administrator,
    /// Another user of the broker: the client that read its result.
    Other(String),
}

impl fmt::Display for Deleter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator"),
            Self::Expiry => f.write_str("its time to live"),
            Self::Administrator => f.write_str("an administrator"),
            Self::Other(user) => write!(f, "user {user}"),
        }
    }
}

/// The deletion of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueDeletion {
    /// `by` whom.
    pub by: Deleter,
    /// `at` what time, by the broker's clock.
    pub at: Timestamp,
}

/// The last attempt of this process to publish a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishAttempt {
    /// The broker has not answered yet.
    InFlight,
    /// It is in the queue.
    Published {
        /// When the broker said so.
        at: Timestamp,
    },
    /// The broker refused it: it is not in the queue.
    Refused {
        /// When.
        at: Timestamp,
    },
    /// It went nowhere, or the connection ended before the broker answered.
    Failed {
        /// When.
        at: Timestamp,
    },
}

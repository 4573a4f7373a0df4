//! The part of an `OmotesJob` that says how its queues on RabbitMQ are kept.
//!
//! The doc comments here are what `kubectl explain ojob.spec.queues` prints.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OmotesJobStatus;

/// QueuePolicy says how the job's three queues on RabbitMQ are kept.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuePolicy {
    /// declare says who makes the queues. Ensure (the default): the operator does. Never: the client owns them; the
    /// operator only publishes to those that are there. It cannot change.
    #[serde(default)]
    pub declare: QueueDeclare,

    /// expireAfterSeconds is how long the queues live when nobody uses them, counted from the end of the job (while it
    /// lives the operator renews them): 1 to 315360000 (ten years, RabbitMQ's limit). Default 172800 (48 hours). It cannot
    /// change.
    #[serde(default = "two_days")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub expire_after_seconds: i64,

    /// deletionPolicy says when the queues go before that: AfterResultConsumed (the default: what is left of them, seconds
    /// after the result was read), Delete (at the end of the job, read or not) or Retain (never). A queue that somebody
    /// consumes stays until nobody does. It can change at any time.
    #[serde(default)]
    pub deletion_policy: QueueDeletionPolicy,

    /// cleanupTimeoutSeconds is how long a broker that is away may delay the deletion of this resource: 1 to 86400 (a day). An
    /// operator that has just started, or just lost the broker, waits for it for 30 s in any case.
    /// Default 300. After that the client is not told any more, and the queues go by their own time to live. It can change
    /// at any time.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1, max = 86_400))]
    pub cleanup_timeout_seconds: i64,
}

impl Default for QueuePolicy {
    fn default() -> Self {
        Self {
            declare: QueueDeclare::default(),
            expire_after_seconds: two_days(),
            deletion_policy: QueueDeletionPolicy::default(),
            cleanup_timeout_seconds: five_minutes(),
        }
    }
}

fn two_days() -> i64 {
    172_800
}

fn five_minutes() -> i64 {
    300
}

/// QueueDeclare says who makes the job's queues.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum QueueDeclare {
    /// The operator declares them.
    #[default]
    Ensure,
    /// The client owns them.
    Never,
}

/// QueueDeletionPolicy says when the queues go before their time to live is over.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum QueueDeletionPolicy {
    /// Once the result was read.
    #[default]
    AfterResultConsumed,
    /// Never.
    Retain,
    /// At the end of the job.
    Delete,
}

impl OmotesJobStatus {
    /// Until when the operator keeps a result that reached nobody; `None` where there is no such result.
    #[must_use]
    pub fn kept_until(&self) -> Option<Timestamp> {
        self.result.as_ref().filter(|result| !result.routed && result.published_time.is_some())?;
        self.queues.as_ref()?.expire_time.as_ref().map(|time| time.0)
    }

    /// Whether the operator still keeps such a result at `now`.
    #[must_use]
    pub(crate) fn keeps_result(&self, now: Timestamp) -> bool {
        self.kept_until().is_some_and(|until| now < until)
    }
}

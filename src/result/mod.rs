//! A job's one result: whether it is published, read, refused or kept. Pure.
//!
//! Ring: core. The shell collects the facts ([`facts`]): what the management API, the event exchange and the broker's
//! confirmations say. The rules are here: [`published`] after a crash or a lost connection, [`read`] once the job has
//! ended, [`refused`] where a queue does not take the result, [`held`] before a job uses its result queue.
//!
//! Guarantees: *unknown* is never *published*, *read* or *absent*; a nack is no publication; a count of zero alone proves
//! no delivery.

pub mod facts;
pub mod held;
pub mod published;
pub mod read;
pub mod refused;

use jiff::Timestamp;

use crate::api::{OmotesJob, time::after};

pub use facts::Deleter;
pub(crate) use facts::{QueueDeletion, QueueFacts, QueueLookup};
pub use published::Evidence;
pub use read::{QueueEnd, ResultQueue};
pub use refused::Obstacle;

/// When a broker that is away has delayed the deletion of `job` for long enough; `None` while the job is not deleted.
#[must_use]
pub(crate) fn cleanup_deadline(job: &OmotesJob) -> Option<Timestamp> {
    Some(after(job.metadata.deletion_timestamp.as_ref()?.0, job.spec.queues.cleanup_timeout_seconds))
}

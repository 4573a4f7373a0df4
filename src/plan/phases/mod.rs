//! The phases of a job's life, each with the plan for it.
//!
//! Ring: core. [`super::plan`] chooses between them.

pub(super) mod client_queues;
pub(super) mod completion;
pub mod courier;
pub mod failed_pass;
pub(super) mod finalize;
pub(super) mod refusal;
pub(super) mod release;
pub(super) mod retry;
pub(super) mod run;
pub(super) mod slot;
pub(super) mod start;
pub(super) mod stop;
pub(super) mod suspend;
pub(super) mod ttl;
pub(super) mod undelivered_results;
pub(super) mod warm;
pub(super) mod winding;
pub(super) mod workflow;

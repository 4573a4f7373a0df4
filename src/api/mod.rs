//! The custom resources: their types, their schema, and the names that everything else agrees on.
//!
//! Ring: api. Nothing here knows a client, a clock or a decision.

#![cfg_attr(feature = "testing", expect(unreachable_pub, reason = "KubeSchema repeats each struct inside a function"))]

pub mod bounds;
pub mod condition;
pub mod crd;
pub mod finalizers;
pub mod job;
pub mod limits;
pub mod names;
pub mod parameter;
pub mod queues;
pub mod reason;
pub mod retention;
pub mod retry;
pub mod status;
pub mod stop;
mod template;
pub mod time;
pub mod workflow;

pub use job::{OmotesJob, OmotesJobSpec};
pub use reason::Reason;
pub use status::OmotesJobStatus;
pub use workflow::{OmotesWorkflow, OmotesWorkflowSpec, OmotesWorkflowStatus, SlotsStatus};

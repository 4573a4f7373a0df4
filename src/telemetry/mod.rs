//! What the operator says of itself: metrics with closed labels, and logs with the job in the span.
//!
//! Ring: shell.

mod labels;
mod logs;
mod metrics;
mod problems;

pub(crate) use logs::{Format, init as init_logs};
pub(crate) use metrics::HeldMessage;
pub(crate) use metrics::Metrics;
pub(crate) use problems::Topic;

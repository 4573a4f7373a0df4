//! What the operator says of itself: metrics with closed labels, and logs with the job in the span.
//!
//! Ring: shell.

mod logs;
mod metrics;

pub use logs::{Format, init as init_logs};
pub use metrics::Metrics;

//! Carries out what was decided of a job: every write to Kubernetes and to the broker that a plan asks for.
//!
//! Ring: shell.

mod allowance;
mod declare;
mod job;
mod pod;
mod remove;
mod results;
mod steps;

pub(super) use steps::{carry_out, execute};

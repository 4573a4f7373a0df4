//! What the controller offers to those that ask for jobs.
//!
//! Ring: shell.

mod execute;
mod jobs;

pub(crate) use jobs::JobsHandle;

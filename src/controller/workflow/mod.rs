//! Looks after workflows, and the pods that wait for their jobs.
//!
//! Ring: shell.

mod execute;
mod memory;
mod observe;
mod pass;

pub(super) use pass::look_after;

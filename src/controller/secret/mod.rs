//! The courier's credentials in the namespaces that run jobs.
//!
//! Ring: shell. A job in a fresh namespace works, because its first job brings the Secret along. Rotated credentials come to
//! the namespaces of pods that run or wait within [`rotation::LOOK_EVERY`], and to others with their next job.

mod execute;
mod rotation;

pub(super) use execute::ensure;
pub(super) use rotation::follow_rotations;

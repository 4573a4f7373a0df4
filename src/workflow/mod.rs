//! What a workflow means: which parameters its jobs may have, what an accepted job keeps of it, who has a seat, how
//! many pods wait for one, and what the operator does for the workflow itself.
//!
//! Ring: core. No async, no clock, no environment, no input or output.
//!
//! # Guarantees
//! - An accepted job is what its revision says, whatever becomes of the workflow.
//! - A seat is given only while there are fewer holders than seats, a slot of a pool while there are fewer than its max,
//!   and both in the order of the turns.

pub(crate) mod advance;
pub(crate) mod import;
pub mod parameters;
pub mod pool;
pub mod revision;
pub mod seats;
pub mod slots;
pub mod step;

pub(crate) use parameters::check;
pub use revision::Revision;

//! What this process knows: a store for each thing that is known, and [`State`], which holds them all.
//!
//! Ring: shell. Nothing here asks or writes to Kubernetes or the broker.

mod cache;
mod catalog;
mod changes;
mod claims;
mod job_key;
mod lists;
mod memory;
mod promises;
mod promising;
mod seating;
mod seats;
mod secrets;
mod skewed_nodes;
mod slim;
mod stores;
mod touched;
mod triggers;

pub(crate) use cache::{Change, drive};
pub(crate) use job_key::JobKey;
pub(crate) use lists::Scope;
pub(crate) use memory::{Allowance, AttemptMemory, Delivered, JobMemory};
pub(crate) use seats::{Key, is_of, key_of};
pub(crate) use secrets::{CourierSecrets, digest};
pub(crate) use slim::inline_of;
pub(crate) use stores::State;

//! What this process remembers of one workflow. All of it may be lost.
//!
//! Ring: shell.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::{plan::facts::failure::Failure, workflow::pool::Trouble};

/// How often a pool is looked at where nothing happens: its Secret may be gone.
pub(super) const LOOK_PERIOD: SignedDuration = SignedDuration::from_secs(60);

/// What this process remembers of one workflow.
#[derive(Default)]
pub(super) struct WorkflowMemory {
    pub(super) passed: Option<Timestamp>,
    pub(super) written: Option<Timestamp>,
    pub(super) idle: HashMap<String, Timestamp>,
    pub(super) pool: PoolMemory,
    /// Why passes over it fail, and whether that is shown.
    pub(super) failure: Option<(Failure, bool)>,
}

/// What a process remembers of one pool.
#[derive(Default)]
pub(super) struct PoolMemory {
    pub(super) trouble: Trouble,
    pub(super) looked: Option<Timestamp>,
}

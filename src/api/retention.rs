//! The part of an `OmotesJob` that says what becomes of its pods.
//!
//! The doc comments here are what `kubectl explain ojob.spec.…` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// PodRetentionPolicy says which pods stay until the job goes.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum PodRetentionPolicy {
    /// All that ended by themselves, as in batch/v1.
    #[default]
    Retain,
    /// Those of attempts that did not succeed.
    RetainOnFailure,
    /// None: each goes as soon as its end is recorded.
    Delete,
}

/// ForceDeletionPolicy says when a pod is given up whose node does not confirm its end.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForceDeletionPolicy {
    /// afterSeconds is how long after the end of its grace period a pod that is to stop, and of which its node says
    /// nothing, is taken to have ended: 60 to 315360000 (ten years). Choose it longer than any outage of a node's network
    /// that you expect: if the node comes back later, its program may have run beside the next attempt's.
    #[schemars(range(min = 60, max = 315_360_000))]
    pub after_seconds: i64,
}

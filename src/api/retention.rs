//! The part of an `OmotesJob` that says how long its pods and the resource itself stay.
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

/// TtlPolicy says when this resource goes, by how the job ended.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TtlPolicy {
    /// afterSucceededSeconds is for a job that succeeded: 0 (at once) to 315360000 (ten years). Left out,
    /// ttlSecondsAfterFinished holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub after_succeeded_seconds: Option<i64>,

    /// afterFailedSeconds is for a job that failed: 0 to 315360000. Left out, ttlSecondsAfterFinished holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub after_failed_seconds: Option<i64>,

    /// afterAbortedSeconds is for a job that was aborted: 0 to 315360000. Left out, ttlSecondsAfterFinished holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub after_aborted_seconds: Option<i64>,

    /// action is Delete (the default), which removes the resource and with it its pods, or CleanUp, which removes its pods
    /// and queues and keeps the resource as a record: a manifest that is applied again then runs nothing twice.
    #[serde(default)]
    pub action: TtlAction,
}

/// TtlAction is what follows when a job's time is over.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum TtlAction {
    /// The resource goes, with all that belongs to it.
    #[default]
    Delete,
    /// All that belongs to it goes, and the resource stays.
    CleanUp,
}

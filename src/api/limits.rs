//! The limits that an attempt of an `OmotesJob` was started with, as its status records them.
//!
//! The doc comments here are what `kubectl explain ojob.status.limits` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stop::Heartbeat;

/// AttemptLimits are the limits and defaults that an attempt was started with.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptLimits {
    /// maxRunSeconds bounds how long the job runs, over all attempts. Absent without a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_run_seconds: Option<i64>,

    /// secondsPerResource is what each resource of spec.expectedDuration counts.
    pub seconds_per_resource: i64,

    /// bufferSeconds is added to spec.expectedDuration.
    pub buffer_seconds: i64,

    /// startDeadlineSeconds is how long the program may take to start. Absent without a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_deadline_seconds: Option<i64>,

    /// terminationGracePeriodSeconds is how long the program has from SIGTERM to SIGKILL.
    pub termination_grace_period_seconds: i64,

    /// flushSeconds is how long the courier may take to send the output. Absent without a courier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flush_seconds: Option<i64>,

    /// heartbeat is what the program must show of its progress. Absent where it need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,
}

//! The part of an `OmotesJob` that says what follows a failed attempt.
//!
//! The doc comments here are what `kubectl explain ojob.spec.…` prints. Names and meanings are batch/v1's.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Retry says how long the operator waits before the next attempt.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("self.initialSeconds <= self.maxSeconds")
        .message("spec.retry.initialSeconds must not be more than maxSeconds: lower it, or raise maxSeconds"),
)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// initialSeconds is the wait after the first failed attempt; it doubles with each: 1 to 86400 (a day). Default 10. Up
    /// to half of each wait is left out at random, so that jobs that failed together do not start together.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 86_400))]
    pub initial_seconds: i64,

    /// maxSeconds is the longest wait: 1 to 86400 (a day). Default 300.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 1, max = 86_400))]
    pub max_seconds: i64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { initial_seconds: ten(), max_seconds: five_minutes() }
    }
}

fn ten() -> i64 {
    10
}

fn five_minutes() -> i64 {
    300
}

/// PodFailurePolicy says which failures are tried again, with batch/v1's meaning.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodFailurePolicy {
    /// rules are looked at in order; the first that fits decides, and none later. At most 20. Where none fits a failure
    /// counts towards backoffLimit, unless it was a disruption, which does not.
    #[schemars(length(max = 20))]
    pub rules: Vec<PodFailurePolicyRule>,
}

/// PodFailurePolicyRule is one rule. Exactly one of onExitCodes and onPodConditions is set.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("has(self.onExitCodes) != has(self.onPodConditions)")
        .message("a rule of spec.podFailurePolicy needs exactly one of onExitCodes and onPodConditions"),
)]
#[serde(rename_all = "camelCase")]
pub struct PodFailurePolicyRule {
    /// action is what follows: FailJob (the job fails at once), Ignore (another attempt, which does not count towards
    /// backoffLimit) or Count (another attempt, which counts).
    pub action: PodFailureAction,

    /// onExitCodes fits a pod with a container that exited so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_exit_codes: Option<OnExitCodes>,

    /// onPodConditions fits a pod with one of these conditions. At most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 20))]
    pub on_pod_conditions: Option<Vec<OnPodCondition>>,
}

/// PodFailureAction is what follows a failure.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
pub enum PodFailureAction {
    /// The job fails.
    FailJob,
    /// Another attempt, which is not counted.
    Ignore,
    /// Another attempt, which is counted.
    Count,
}

/// OnExitCodes fits a pod with a container that exited so. Exit code 0 never fits.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("self.operator != 'In' || !(0 in self.values)")
        .message("spec.podFailurePolicy: exit code 0 is no failure, so operator In cannot have it among its values: leave it out"),
)]
#[serde(rename_all = "camelCase")]
pub struct OnExitCodes {
    /// containerName is a container or init container of the template. Left out, any of them fits. One that ended after the
    /// main container says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub container_name: Option<String>,

    /// operator is In or NotIn.
    pub operator: ExitCodesOperator,

    /// values are exit codes, each once: 0 to 255. At least one and at most 255.
    #[schemars(length(min = 1, max = 255), inner(range(min = 0, max = 255)), extend("x-kubernetes-list-type" = "set"))]
    pub values: Vec<i32>,
}

/// ExitCodesOperator relates an exit code to the values.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
pub enum ExitCodesOperator {
    /// It is one of them.
    In,
    /// It is none of them.
    NotIn,
}

/// OnPodCondition fits a pod that has this condition.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OnPodCondition {
    /// type of the condition, such as DisruptionTarget.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 316))]
    pub type_: String,

    /// status of the condition: True (the default), False or Unknown.
    #[serde(default = "holds")]
    #[schemars(length(max = 16))]
    pub status: String,
}

fn holds() -> String {
    "True".to_owned()
}

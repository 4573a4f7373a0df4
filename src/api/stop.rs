//! The part of an `OmotesJob` that says when and how it is stopped: limits, heartbeat, abort; and in its status how far that
//! has come.
//!
//! The doc comments here are what `kubectl explain ojob.spec.…` prints.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// ExpectedDuration bounds how long the program runs.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("!has(self.secondsPerResource) || self.numResources * self.secondsPerResource <= 315360000")
        .message("spec.expectedDuration is longer than ten years: lower numResources or secondsPerResource"),
)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedDuration {
    /// numResources is how many parts the computation has, such as the assets of an energy system: 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub num_resources: i64,

    /// secondsPerResource is how long each of them takes: 1 to 315360000 (ten years). Left out, the operator's own default
    /// holds: 20, unless its administrator set another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub seconds_per_resource: Option<i64>,

    /// bufferSeconds is added to the whole: 0 to 315360000 (ten years). Left out, the operator's own default holds: 1200,
    /// unless its administrator set another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub buffer_seconds: Option<i64>,
}

/// Heartbeat says what happens when the program does not tell its progress any more.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// timeoutSeconds is the longest time between two lines of progress, and before the first: 1 to 315360000 (ten
    /// years). Time in which nobody could listen, because the operator or the broker was away, does not count.
    #[schemars(range(min = 1, max = 315_360_000))]
    pub timeout_seconds: i64,

    /// onTimeout is Report (the default), which sets the condition ProgressStalled until there is progress again, or Abort,
    /// which stops the job: it fails, and its message says how far it had come.
    #[serde(default)]
    pub on_timeout: OnTimeout,
}

/// OnTimeout is what follows from a missed heartbeat.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum OnTimeout {
    /// The condition ProgressStalled is set.
    #[default]
    Report,
    /// The job is stopped.
    Abort,
}

/// Abort stops the job.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Abort {
    /// mode is Graceful (the default): SIGTERM, the template's terminationGracePeriodSeconds, then SIGKILL; or Immediate:
    /// SIGTERM and, a second later, SIGKILL. It holds for whatever stops the job. It can change from Graceful to Immediate;
    /// once status.abort.stage is Signalled that comes too late for kubelets up to 1.37, which keep to the grace period
    /// that they began.
    #[serde(default)]
    pub mode: AbortMode,

    /// afterSeconds lets a program that runs go on undisturbed for so long first: 0 (the default) to 315360000 (ten
    /// years). If it ends meanwhile, it has ended by itself. It can be lowered.
    #[serde(default)]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub after_seconds: i64,

    /// reason is for people; the client hears it, too. At most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
}

/// AbortMode is how much time a program has when it is told to stop.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum AbortMode {
    /// Its grace period.
    #[default]
    Graceful,
    /// One second.
    Immediate,
}

/// ExitCodes are the codes by which the program says why it ended. It finds them in its environment as
/// OMOTES_EXIT_CODE_SOFT_ABORTED and OMOTES_EXIT_CODE_LIMIT_REACHED.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("!has(self.limitReached) || self.limitReached != self.softAborted")
        .message("spec.exitCodes.softAborted and limitReached must differ: choose another code for one of them"),
)]
#[serde(rename_all = "camelCase")]
pub struct ExitCodes {
    /// softAborted is the code of a program that stopped softly: 1 to 255. Default 10.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 255))]
    pub soft_aborted: i32,

    /// limitReached is the code of a program that stopped at a limit of its own, a solver's time limit for instance: 1 to
    /// 255. Its job ends as at a deadline. Left out, no code means that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub limit_reached: Option<i32>,
}

impl Default for ExitCodes {
    fn default() -> Self {
        Self { soft_aborted: ten(), limit_reached: None }
    }
}

fn ten() -> i32 {
    10
}

/// AbortStatus says why the job is or was stopped, and how far that has come.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbortStatus {
    /// stage: Requested (decided, the program is undisturbed until stopTime), Signalled (the kubelet was asked to stop the
    /// pod: SIGTERM), then Stopped (it ended by itself), Killed (at the end of its grace) or Unconfirmed (its node did
    /// not answer, so it may still run).
    pub stage: AbortStage,

    /// cause of the stop, one word.
    pub cause: AbortCause,

    /// reason of the stop, a sentence for people with the numbers in it.
    pub reason: String,

    /// mode: Graceful gives the program its grace period, Immediate one second.
    pub mode: AbortMode,

    /// requestedTime is when the operator decided on it.
    pub requested_time: Time,

    /// stopTime is the full second just after which the program is told to stop. What it did before is its own: a program
    /// that exited with 0 before this second has succeeded.
    pub stop_time: Time,

    /// killTime is the end of the program's grace period.
    pub kill_time: Time,
}

/// AbortStage is how far a stop has come.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
pub enum AbortStage {
    /// Decided; nobody has told the program yet.
    Requested,
    /// The kubelet was asked to stop the pod.
    Signalled,
    /// The program ended within its grace period, or had never started.
    Stopped,
    /// The program was killed at the end of its grace period.
    Killed,
    /// Nobody confirmed the program's end: its node does not answer.
    Unconfirmed,
}

/// AbortCause is why a job is stopped.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
pub enum AbortCause {
    /// It ran for longer than spec.expectedDuration or spec.maxRunSeconds allow.
    DeadlineExceeded,
    /// It did not start within spec.startDeadlineSeconds.
    StartDeadlineExceeded,
    /// It said nothing of its progress for spec.heartbeat.timeoutSeconds.
    NoProgress,
    /// spec.abort asks for it.
    Requested,
    /// The resource was deleted.
    Deleted,
    /// spec.suspend asks for it; another attempt follows when it does not any more.
    Suspended,
}

impl AbortCause {
    /// Whether the job ends with it, in contrast to the attempt alone.
    #[must_use]
    pub(crate) fn is_final(self) -> bool {
        self != Self::Suspended
    }

    /// Whether somebody asked for it, in contrast to a limit that the job ran into.
    #[must_use]
    pub(crate) fn is_wish(self) -> bool {
        matches!(self, Self::Requested | Self::Deleted | Self::Suspended)
    }
}

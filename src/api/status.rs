//! The status of an `OmotesJob`: what the operator says of it.
//!
//! The doc comments here are what `kubectl explain ojob.status.…` prints.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::AttemptLimits;
pub use super::stop::{AbortCause, AbortStage, AbortStatus};

/// OmotesJobStatus is what the operator says of the job.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OmotesJobStatus {
    /// jobId is the job's UUID on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,

    /// observedGeneration is the generation of the spec that this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// clientStatus is what the job's client was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_status: Option<ClientStatus>,

    /// phase sums the conditions up: Pending, Queued, Suspended, Running, Aborting, Succeeded, Failed or Aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// conditions: Accepted, QueuesReady, Suspended, Running, ProgressStalled, CourierConnected, Complete, Failed, PodTerminated,
    /// ResultPublished, CleanedUp, and kstatus' Reconciling and Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// workflowRevision names the ControllerRevision with the workflow as it was when the job was accepted. The job keeps to
    /// it, whatever becomes of the workflow. Absent for a job with a template of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_revision: Option<String>,

    /// attempt counts the pods that this job has had, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i32>,

    /// attempts that have ended, the last ten at most, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptStatus>,

    /// failures counts the attempts that failed by their own fault, for spec.backoffLimit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<i32>,

    /// disruptions counts the attempts that the cluster ended and that another attempt followed without counting as a
    /// failure; after 20 of them further ones count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruptions: Option<i32>,

    /// retryTime is when the next attempt may begin, after one that failed, after a suspension or once there is a seat;
    /// startDeadlineSeconds counts from it. Absent while none is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_time: Option<Time>,

    /// activeSeconds is how long the program ran in the attempts that have ended, for spec.maxRunSeconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_seconds: Option<i64>,

    /// podName is the pod of the current or last attempt, in the job's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,

    /// startTime is when the program of the current attempt started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,

    /// deadlineTime is when the program is told to stop: startTime + expectedDuration, or + what is left of maxRunSeconds,
    /// whichever comes first. Absent where the job has no limit, and until it runs. It changes only when the spec does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_time: Option<Time>,

    /// limits are those in force when the current attempt got its pod. They hold until it has ended: no other defaults of
    /// the operator and no later edit change them, except that spec.expectedDuration can be raised and spec.maxRunSeconds
    /// lowered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<AttemptLimits>,

    /// completionTime is when the program ended; where it never ran, when the job was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,

    /// expirationTime is when this resource goes, or what belongs to it, by spec.ttlSecondsAfterFinished or spec.ttlPolicy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,

    /// progress is what the program last said of its progress; updated every ten seconds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,

    /// abort says why the job is or was stopped, and how far that has come. Absent where nobody and nothing stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<AbortStatus>,

    /// termination says how the program ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination: Option<Termination>,

    /// queues are the job's queues on the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queues: Option<QueuesStatus>,

    /// result is what the waiting client was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<JobResultStatus>,
}

/// ClientStatus is what the job's client was told last on its status queue: Enqueued, after REGISTERED, or Running. What it
/// was told it is not told again. Absent before, and where an earlier version of the operator told it.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
pub enum ClientStatus {
    /// REGISTERED and ENQUEUED.
    Enqueued,
    /// RUNNING.
    Running,
}

/// Phase sums the conditions up.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
pub enum Phase {
    /// Not accepted yet, or its queues are not there yet.
    Pending,
    /// The job waits for its pod, or for the pod to start.
    Queued,
    /// spec.suspend keeps the job from running.
    Suspended,
    /// The program runs, or has ended and its result is on the way.
    Running,
    /// The program is to stop; status.abort says why and how far that has come.
    Aborting,
    /// The program exited with 0 and its output is complete.
    Succeeded,
    /// The job ended without success.
    Failed,
    /// The job was stopped on request.
    Aborted,
}

impl Phase {
    /// Every phase, for closed metric labels.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Queued,
        Self::Suspended,
        Self::Running,
        Self::Aborting,
        Self::Succeeded,
        Self::Failed,
        Self::Aborted,
    ];

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Aborted)
    }

    /// The name in `status.phase`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Queued => "Queued",
            Self::Suspended => "Suspended",
            Self::Running => "Running",
            Self::Aborting => "Aborting",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }
}

/// Progress is what the program last said of its progress.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// percent done, 0 to 100.
    pub percent: i32,

    /// message of the program, at most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// lastUpdateTime is when the operator wrote it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Time>,

    /// estimatedCompletionTime is when the program would be done if it went on as it did since startTime. Absent before
    /// the first percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_completion_time: Option<Time>,
}

/// AttemptStatus is the evidence of one attempt that has ended.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptStatus {
    /// number of the attempt, from 1.
    pub number: i32,

    /// podName is the attempt's pod; it may be gone.
    pub pod_name: String,

    /// nodeName is the node that it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,

    /// startTime is when its program started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,

    /// completionTime is when its program ended; where it never ran, when that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,

    /// cause of its end, one word.
    pub cause: TerminationCause,

    /// disruption is what of the cluster ended it. Absent where it ended by itself or the operator stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disruption: Option<Disruption>,

    /// exitCode of its main container, where it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,

    /// message: a sentence for people, with the program's last words where it left any. At most 1024 bytes.
    pub message: String,
}

/// Disruption is what of the cluster ended an attempt.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
pub enum Disruption {
    /// The node lost its power or the container's status, or Kubernetes gave the node up.
    NodeLost,
    /// The node was short of memory and evicted the pod.
    MemoryPressure,
    /// The node was short of something else and evicted the pod.
    NodePressure,
    /// The kubelet terminated the pod: the node shut down, for instance.
    TerminatedByKubelet,
    /// The pod made room for one that is more important.
    Preempted,
    /// The node refused to admit the pod.
    AdmissionRefused,
    /// The pod was deleted, or evicted through the apiserver, and not by the operator.
    PodDeleted,
}

impl Disruption {
    /// Whether the program may have brought it about: it may have taken its node's memory.
    #[must_use]
    pub(crate) fn is_suspect(self) -> bool {
        matches!(self, Self::NodeLost | Self::MemoryPressure)
    }
}

/// Termination says how the program ended.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Termination {
    /// cause of the end, one word.
    pub cause: TerminationCause,

    /// exitCode of the main container, where it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,

    /// signal that ended the main container, where its exit code tells one: 9 for 137, 15 for 143.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,

    /// message: a sentence for people, with the program's last words where it left any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// TerminationCause is why a job ended, one word.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
pub enum TerminationCause {
    /// The program exited with 0 and its output, if any, was handed over.
    Completed,
    /// The program exited with another code.
    Error,
    /// The kernel killed the program, or a part of it, because the container was out of memory.
    OOMKilled,
    /// The program was told to stop and ended within its grace period, or says by its exit code that it stopped softly.
    SoftAborted,
    /// The program was told to stop and was killed at the end of its grace period.
    KilledAfterGrace,
    /// The program says by its exit code that it hit its own limit, or the kubelet stopped the pod at its
    /// activeDeadlineSeconds.
    DeadlineExceeded,
    /// The program never ran.
    NeverStarted,
    /// The node evicted the pod, because it was short of something or the pod exceeded its own storage limit.
    Evicted,
    /// The cluster ended the attempt: its node shut down or was lost, the pod was preempted or deleted, or it vanished.
    Disrupted,
    /// The pod's node did not confirm that the pod was stopped.
    NodeLost,
    /// The program succeeded, and its output did not reach the broker.
    OutputLost,
    /// The program succeeded, and its output could not be read or is not what it must be.
    OutputUnreadable,
    /// The program succeeded, and its output is larger than the broker, or any queue for the result, takes.
    OutputTooLarge,
    /// The input that the job refers to is not there.
    InputMissing,
    /// The job was refused and did not run.
    Refused,
}

impl TerminationCause {
    /// The name in `status.termination.cause`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.reason().as_str()
    }
}

/// QueuesStatus says what has become of the job's queues on the broker.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuesStatus {
    /// names of the progress, status and result queues.
    #[serde(default)]
    pub names: Vec<String>,

    /// state of the result queue: Ensured (it is there, or will be), Consumed (the broker counts a delivery of the result, or
    /// its client deleted the queue), Expired (nobody read the result for expireAfterSeconds), Deleted (somebody removed it,
    /// and nobody knows whether the result was read) or Gone (the queue is empty and the broker counts no delivery: a
    /// policy, a message TTL or a purge removed the result; the queues are left to their TTL).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<QueuesState>,

    /// reason of the state, for people: who deleted the queue, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,

    /// expireTime is when the queues go if nobody uses them: spec.queues.expireAfterSeconds after the result was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_time: Option<Time>,
}

/// QueuesState is what has become of the result queue.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, Hash, JsonSchema)]
pub enum QueuesState {
    /// It is there, or will be.
    #[default]
    Ensured,
    /// The result was read.
    Consumed,
    /// Nobody read the result, and its time to live is over.
    Expired,
    /// Somebody removed it, and nobody knows whether the result was read.
    Deleted,
    /// The result left its queue without a delivery that the broker counts.
    Gone,
}

/// JobResultStatus is what the waiting client was told.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobResultStatus {
    /// type of the JobResult: SUCCEEDED, ERROR, CANCELLED or TIMEOUT.
    #[serde(rename = "type")]
    pub type_: JobResultType,

    /// messageId is the AMQP message-id of the result; the same one whenever it is sent again.
    pub message_id: String,

    /// publishedTime is when the broker confirmed it, or when it was found to be there after a change of leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_time: Option<Time>,

    /// routed is false when the result queue was gone or refused the result, and the result reached nobody.
    pub routed: bool,

    /// sizeBytes of the output ESDL; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,

    /// sha256 of the output ESDL, in hexadecimal digits; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,

    /// messages that the program left for its client, the first ten, at most 256 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}

/// ResultType is the type of a JobResult.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobResultType {
    /// The job succeeded.
    Succeeded,
    /// The job failed.
    Error,
    /// The job was stopped on request, or at its deadline where the operator says so in this way.
    Cancelled,
    /// The job was stopped at its deadline.
    Timeout,
}

//! `OmotesJob`: what a user asks for and what the operator says of it.
//!
//! The doc comments here are what `kubectl explain ojob.…` prints: each begins with its field's name and gives unit,
//! range and default.

use k8s_openapi::{
    api::core::v1::{ConfigMapKeySelector, PodTemplateSpec, SecretKeySelector},
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Ten years, the longest `x-expires` that RabbitMQ takes (315 360 000 000 ms).
pub const MAX_SECONDS: i64 = 315_360_000;

/// OmotesJobSpec is what a user asks for. Once the job is accepted only ttlSecondsAfterFinished can change.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "omotes.io",
    version = "v1alpha1",
    kind = "OmotesJob",
    plural = "omotesjobs",
    singular = "omotesjob",
    shortname = "ojob",
    category = "all",
    category = "omotes",
    namespaced,
    status = "OmotesJobStatus",
    derive = "PartialEq",
    doc = "OmotesJob runs one long, expensive computation in a pod, with three RabbitMQ queues that tell its client how it goes and how it ended.",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Progress", type_ = "integer", json_path = ".status.progress.percent", description = "Percent done, as the program says"),
    printcolumn(name = "Result", type_ = "string", json_path = ".status.result.type", description = "What the client was told"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Attempt", type_ = "integer", priority = 1, json_path = ".status.attempt"),
    printcolumn(name = "Pod", type_ = "string", priority = 1, json_path = ".status.podName"),
    printcolumn(name = "Cause", type_ = "string", priority = 1, json_path = ".status.termination.cause"),
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters, because it becomes a label of the job's pod: choose a shorter name").reason(Reason::FieldValueInvalid),
)]
#[cfg_attr(test, kube(cel))]
#[x_kube(
    validation = Rule::new("has(self.jobId) == has(oldSelf.jobId) && (!has(self.jobId) || self.jobId == oldSelf.jobId)")
        .message("spec.jobId cannot change, because it names the queues that a client waits on: create another OmotesJob instead"),
    validation = Rule::new("has(self.jobReference) == has(oldSelf.jobReference) && (!has(self.jobReference) || self.jobReference == oldSelf.jobReference)")
        .message("spec.jobReference cannot change: create another OmotesJob instead"),
    validation = Rule::new("has(self.input) == has(oldSelf.input) && (!has(self.input) || self.input == oldSelf.input)")
        .message("spec.input cannot change, because a running job has read it: create another OmotesJob instead"),
    validation = Rule::new("self.template == oldSelf.template")
        .message("spec.template cannot change: delete this OmotesJob and create another one"),
    validation = Rule::new("self.queues == oldSelf.queues")
        .message("spec.queues cannot change, because RabbitMQ cannot change the arguments of a queue: create another OmotesJob instead"),
    validation = Rule::new("self.courier == oldSelf.courier")
        .message("spec.courier cannot change: create another OmotesJob instead"),
    validation = Rule::new("!has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy == 'Never'")
        .message("spec.template.spec.restartPolicy must be Never or left out: the operator decides whether a job runs again"),
    validation = Rule::new("self.template.spec.containers.all(c, !has(c.restartPolicy) && !has(c.restartPolicyRules))")
        .message("spec.template.spec.containers must not set restartPolicy or restartPolicyRules: the operator decides whether a job runs again"),
    validation = Rule::new("self.template.spec.containers.all(c, !c.name.startsWith('omotes-courier')) && (!has(self.template.spec.initContainers) || self.template.spec.initContainers.all(c, !c.name.startsWith('omotes-courier')))")
        .message("container names that start with omotes-courier belong to the operator: rename the container"),
    validation = Rule::new("!has(self.template.spec.volumes) || self.template.spec.volumes.all(v, !v.name.startsWith('omotes-'))")
        .message("volume names that start with omotes- belong to the operator: rename the volume"),
    validation = Rule::new("self.template.spec.containers.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, m.mountPath != '/omotes' && !m.mountPath.startsWith('/omotes/')))")
        .message("the operator mounts the job's files at /omotes: mount your volume somewhere else"),
)]
#[serde(rename_all = "camelCase")]
pub struct OmotesJobSpec {
    /// jobId is the UUID of the job on the wire, lower-case and with dashes; it names the job's queues
    /// jobs.<jobId>.progress, .status and .result. Left out, it is the UID of this resource; status.jobId always has it.
    /// It cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"), length(max = 36))]
    pub job_id: Option<String>,

    /// template of the pod that runs the job, with batch/v1's meaning.
    #[schemars(schema_with = "super::template::schema")]
    #[serde(deserialize_with = "super::template::deserialize")]
    pub template: PodTemplateSpec,

    /// jobReference is a name for people, shown to the program in job.json. At most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub job_reference: Option<String>,

    /// input is what the program finds under /omotes/input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,

    /// queues says how the job's three queues on RabbitMQ are kept.
    #[serde(default)]
    pub queues: QueuePolicy,

    /// courier is the operator's sidecar that carries progress and output from the pod to the broker.
    #[serde(default)]
    pub courier: Courier,

    /// ttlSecondsAfterFinished removes this resource so many seconds after the job ended: 0 (at once) to 315360000
    /// (ten years). Left out, the resource stays until somebody deletes it. It can change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub ttl_seconds_after_finished: Option<i64>,
}

/// Input is what the program finds under /omotes/input.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// parameters is a JSON object that the program finds as /omotes/input/parameters.json. Its numbers are doubles,
    /// as in OMOTES' protocol: 3 arrives as 3.0. At most 64 KiB as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub parameters: Option<Map<String, Value>>,

    /// esdl is the energy system that the program finds as /omotes/input/input.esdl.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub esdl: Option<EsdlSource>,
}

/// EsdlSource says where the input ESDL comes from. Exactly one of its fields is set.
#[derive(KubeSchema, Serialize, Deserialize, Debug, Clone, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("[has(self.configMapKeyRef), has(self.secretKeyRef), has(self.inline)].filter(x, x).size() == 1")
        .message("spec.input.esdl needs exactly one of configMapKeyRef, secretKeyRef and inline"),
)]
#[serde(rename_all = "camelCase")]
pub struct EsdlSource {
    /// configMapKeyRef names a key of a ConfigMap in the job's namespace. The operator itself never reads it: it is
    /// mounted into the job's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "key_reference")]
    pub config_map_key_ref: Option<ConfigMapKeySelector>,

    /// secretKeyRef names a key of a Secret in the job's namespace. The operator itself never reads it: it is mounted
    /// into the job's pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "key_reference")]
    pub secret_key_ref: Option<SecretKeySelector>,

    /// inline is the ESDL itself, at most 128 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 131_072))]
    pub inline: Option<String>,
}

/// QueuePolicy says how the job's three queues on RabbitMQ are kept.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuePolicy {
    /// declare says who makes the queues. Ensure (the default): the operator does. Never: the client owns them; the
    /// operator only publishes to those that are there.
    #[serde(default)]
    pub declare: QueueDeclare,

    /// expireAfterSeconds is how long the queues live when nobody uses them, counted from the end of the job (while it
    /// lives the operator renews them): 1 to 315360000 (ten years, RabbitMQ's limit). Default 172800 (48 hours).
    #[serde(default = "two_days")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub expire_after_seconds: i64,
}

impl Default for QueuePolicy {
    fn default() -> Self {
        Self { declare: QueueDeclare::default(), expire_after_seconds: two_days() }
    }
}

fn two_days() -> i64 {
    172_800
}

/// QueueDeclare says who makes the job's queues.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub enum QueueDeclare {
    /// The operator declares them.
    #[default]
    Ensure,
    /// The client owns them.
    Never,
}

/// Courier is the operator's sidecar in the job's pod.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Courier {
    /// enabled adds the courier to the pod (the default). Without it the job has no progress and no output: its
    /// outcome comes from the pod alone.
    #[serde(default = "yes")]
    pub enabled: bool,

    /// flushSeconds is how long the courier may take to hand the output to the broker after the program ended, for
    /// instance while the broker restarts: 5 to 3600. Default 120. The pod's grace period is at least this long.
    #[serde(default = "two_minutes")]
    #[schemars(range(min = 5, max = 3600))]
    pub flush_seconds: i64,
}

impl Default for Courier {
    fn default() -> Self {
        Self { enabled: yes(), flush_seconds: two_minutes() }
    }
}

fn yes() -> bool {
    true
}

fn two_minutes() -> i64 {
    120
}

fn any_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn key_reference(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "required": ["name", "key"],
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 253, "description": "name of the object in the job's namespace."},
            "key": {"type": "string", "minLength": 1, "maxLength": 253, "description": "key whose value is the ESDL."},
            "optional": {"type": "boolean", "description": "optional is accepted for compatibility and has no effect: the input must be there."},
        },
    })
}

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

    /// phase sums the conditions up: Pending, Queued, Running, Succeeded, Failed or Aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// conditions: Accepted, QueuesReady, Running, Complete, Failed, PodTerminated, ResultPublished, and kstatus'
    /// Reconciling and Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// attempt counts the pods that this job has had, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i32>,

    /// podName is the pod of the current or last attempt, in the job's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,

    /// startTime is when the program started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,

    /// completionTime is when the program ended; where it never ran, when the job was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,

    /// progress is what the program last said of its progress; updated every ten seconds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,

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

/// Phase sums the conditions up.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema)]
pub enum Phase {
    /// Not accepted yet, or its queues are not there yet.
    Pending,
    /// The job waits for its pod, or for the pod to start.
    Queued,
    /// The program runs, or has ended and its result is on the way.
    Running,
    /// The program exited with 0 and its output is complete.
    Succeeded,
    /// The job ended without success.
    Failed,
    /// The job was stopped on request.
    Aborted,
}

impl Phase {
    /// Every phase, for closed metric labels.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Aborted];

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
            Self::Running => "Running",
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
    /// The job was deleted or aborted, and its pod ended after the signal.
    SoftAborted,
    /// The job was deleted or aborted, and its pod was killed at the end of its grace period.
    KilledAfterGrace,
    /// The program never ran.
    NeverStarted,
    /// The node evicted the pod.
    Evicted,
    /// Somebody else deleted the pod, or it vanished.
    Disrupted,
    /// The program succeeded, and its output did not reach the broker.
    OutputLost,
    /// The program succeeded, and its output could not be read or is not what it must be.
    OutputUnreadable,
    /// The program succeeded, and its output is larger than the broker takes.
    OutputTooLarge,
    /// The input that the job refers to is not there.
    InputMissing,
    /// The job was refused and did not run.
    Refused,
}

impl TerminationCause {
    /// Every cause, for closed metric labels.
    pub const ALL: [Self; 13] = [
        Self::Completed,
        Self::Error,
        Self::OOMKilled,
        Self::SoftAborted,
        Self::KilledAfterGrace,
        Self::NeverStarted,
        Self::Evicted,
        Self::Disrupted,
        Self::OutputLost,
        Self::OutputUnreadable,
        Self::OutputTooLarge,
        Self::InputMissing,
        Self::Refused,
    ];

    /// The name in `status.termination.cause`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Error => "Error",
            Self::OOMKilled => "OOMKilled",
            Self::SoftAborted => "SoftAborted",
            Self::KilledAfterGrace => "KilledAfterGrace",
            Self::NeverStarted => "NeverStarted",
            Self::Evicted => "Evicted",
            Self::Disrupted => "Disrupted",
            Self::OutputLost => "OutputLost",
            Self::OutputUnreadable => "OutputUnreadable",
            Self::OutputTooLarge => "OutputTooLarge",
            Self::InputMissing => "InputMissing",
            Self::Refused => "Refused",
        }
    }
}

/// QueuesStatus names the job's queues on the broker.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueuesStatus {
    /// names of the progress, status and result queues.
    #[serde(default)]
    pub names: Vec<String>,
}

/// JobResultStatus is what the waiting client was told.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobResultStatus {
    /// type of the JobResult: SUCCEEDED, ERROR or CANCELLED.
    #[serde(rename = "type")]
    pub type_: ResultType,

    /// messageId is the AMQP message-id of the result; the same one whenever it is sent again.
    pub message_id: String,

    /// publishedTime is when the broker confirmed it, or when it was found to be there after a change of leader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_time: Option<Time>,

    /// routed is false when the result queue was gone and the result reached nobody.
    pub routed: bool,

    /// sizeBytes of the output ESDL; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<i64>,
}

/// ResultType is the type of a JobResult.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResultType {
    /// The job succeeded.
    Succeeded,
    /// The job failed.
    Error,
    /// The job was stopped on request.
    Cancelled,
}

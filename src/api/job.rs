//! `OmotesJob`: what a user asks for.
//!
//! The doc comments here are what `kubectl explain ojob.…` prints: each begins with its field's name and gives unit,
//! range and default.

#![expect(rustdoc::invalid_html_tags, reason = "what describes a field in the CRD is plain text")]

use k8s_openapi::api::core::v1::{ConfigMapKeySelector, PodTemplateSpec, SecretKeySelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    queues::QueuePolicy,
    retention::{ForceDeletionPolicy, PodRetentionPolicy, TtlPolicy},
    retry::{PodFailurePolicy, Retry},
    status::{OmotesJobStatus, Phase},
    stop::{Abort, ExitCodes, ExpectedDuration, Heartbeat},
};

/// OmotesJobSpec is what a user asks for. Of a job that exists only abort, suspend, maxRunSeconds, expectedDuration,
/// priority, podRetentionPolicy, forceDeletionPolicy, queues.deletionPolicy, queues.cleanupTimeoutSeconds, ttlSecondsAfterFinished
/// and ttlPolicy can change; each says how.
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
    printcolumn(name = "Deadline", type_ = "string", json_path = ".status.deadlineTime", description = "When the program is told to stop"),
    printcolumn(name = "Result", type_ = "string", json_path = ".status.result.type", description = "What the client was told"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Workflow", type_ = "string", priority = 1, json_path = ".spec.workflowRef.name"),
    printcolumn(name = "Attempt", type_ = "integer", priority = 1, json_path = ".status.attempt"),
    printcolumn(name = "Pod", type_ = "string", priority = 1, json_path = ".status.podName"),
    printcolumn(name = "Cause", type_ = "string", priority = 1, json_path = ".status.termination.cause"),
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters, because it becomes a label of the job's pod: choose a shorter name").reason(Reason::FieldValueInvalid),
    validation = Rule::new("(has(self.spec.priority) == has(oldSelf.spec.priority) && (!has(self.spec.priority) || self.spec.priority == oldSelf.spec.priority)) || !has(oldSelf.status) || !has(oldSelf.status.phase) || oldSelf.status.phase in ['Pending', 'Queued', 'Suspended']").message("spec.priority can change only while the job waits: this one has begun or ended"),
)]
#[cfg_attr(test, kube(cel))]
#[x_kube(
    validation = Rule::new("has(self.jobId) == has(oldSelf.jobId) && (!has(self.jobId) || self.jobId == oldSelf.jobId)")
        .message("spec.jobId cannot change, because it names the queues that a client waits on: create another OmotesJob instead"),
    validation = Rule::new("has(self.jobReference) == has(oldSelf.jobReference) && (!has(self.jobReference) || self.jobReference == oldSelf.jobReference)")
        .message("spec.jobReference cannot change: create another OmotesJob instead"),
    validation = Rule::new("has(self.input) == has(oldSelf.input) && (!has(self.input) || self.input == oldSelf.input)")
        .message("spec.input cannot change, because a running job has read it: create another OmotesJob instead"),
    validation = Rule::new("has(self.template) != has(self.workflowRef)")
        .message("spec needs exactly one of workflowRef and template: name an OmotesWorkflow, or give the pod here"),
    validation = Rule::new("has(self.template) == has(oldSelf.template) && (!has(self.template) || self.template == oldSelf.template)")
        .message("spec.template cannot change: delete this OmotesJob and create another one"),
    validation = Rule::new("has(self.workflowRef) == has(oldSelf.workflowRef) && (!has(self.workflowRef) || self.workflowRef == oldSelf.workflowRef)")
        .message("spec.workflowRef cannot change: create another OmotesJob instead"),
    validation = Rule::new("self.queues.declare == oldSelf.queues.declare && self.queues.expireAfterSeconds == oldSelf.queues.expireAfterSeconds")
        .message("spec.queues.declare and expireAfterSeconds cannot change, because RabbitMQ cannot change the arguments of a queue: create another OmotesJob instead"),
    validation = Rule::new("has(self.courier) == has(oldSelf.courier) && (!has(self.courier) || self.courier == oldSelf.courier)")
        .message("spec.courier cannot change: create another OmotesJob instead"),
    validation = Rule::new("has(self.expectedDuration) == has(oldSelf.expectedDuration) && (!has(self.expectedDuration) || self.expectedDuration == oldSelf.expectedDuration || (has(oldSelf.maxRunSeconds) && self.expectedDuration.numResources >= oldSelf.expectedDuration.numResources && has(self.expectedDuration.secondsPerResource) == has(oldSelf.expectedDuration.secondsPerResource) && (!has(self.expectedDuration.secondsPerResource) || self.expectedDuration.secondsPerResource >= oldSelf.expectedDuration.secondsPerResource) && has(self.expectedDuration.bufferSeconds) == has(oldSelf.expectedDuration.bufferSeconds) && (!has(self.expectedDuration.bufferSeconds) || self.expectedDuration.bufferSeconds >= oldSelf.expectedDuration.bufferSeconds)))")
        .message("spec.expectedDuration can only be raised, number by number, and only where spec.maxRunSeconds was given from the start: the pod's own time limit follows the latter and cannot be raised. Create another OmotesJob instead, or stop this one with spec.abort"),
    validation = Rule::new("has(self.maxRunSeconds) == has(oldSelf.maxRunSeconds) && (!has(self.maxRunSeconds) || self.maxRunSeconds <= oldSelf.maxRunSeconds)")
        .message("spec.maxRunSeconds can only be lowered: to stop a job that has none, set spec.abort"),
    validation = Rule::new("has(self.startDeadlineSeconds) == has(oldSelf.startDeadlineSeconds) && (!has(self.startDeadlineSeconds) || self.startDeadlineSeconds == oldSelf.startDeadlineSeconds)")
        .message("spec.startDeadlineSeconds cannot change: create another OmotesJob instead, or stop this one with spec.abort"),
    validation = Rule::new("has(self.heartbeat) == has(oldSelf.heartbeat) && (!has(self.heartbeat) || self.heartbeat == oldSelf.heartbeat)")
        .message("spec.heartbeat cannot change: create another OmotesJob instead"),
    validation = Rule::new("has(self.exitCodes) == has(oldSelf.exitCodes) && (!has(self.exitCodes) || self.exitCodes == oldSelf.exitCodes)")
        .message("spec.exitCodes cannot change, because the program was told of them: create another OmotesJob instead"),
    validation = Rule::new("has(self.backoffLimit) == has(oldSelf.backoffLimit) && (!has(self.backoffLimit) || self.backoffLimit == oldSelf.backoffLimit) && has(self.retry) == has(oldSelf.retry) && (!has(self.retry) || self.retry == oldSelf.retry) && has(self.podFailurePolicy) == has(oldSelf.podFailurePolicy) && (!has(self.podFailurePolicy) || self.podFailurePolicy == oldSelf.podFailurePolicy)")
        .message("spec.backoffLimit, spec.retry and spec.podFailurePolicy cannot change: create another OmotesJob instead"),
    validation = Rule::new("has(self.managedBy) == has(oldSelf.managedBy) && (!has(self.managedBy) || self.managedBy == oldSelf.managedBy)")
        .message("spec.managedBy cannot change, because two controllers would run the job: create another OmotesJob instead"),
    validation = Rule::new("!has(self.podFailurePolicy) || !has(self.template) || self.podFailurePolicy.rules.all(r, !has(r.onExitCodes) || !has(r.onExitCodes.containerName) || self.template.spec.containers.exists(c, c.name == r.onExitCodes.containerName) || (has(self.template.spec.initContainers) && self.template.spec.initContainers.exists(c, c.name == r.onExitCodes.containerName)))")
        .message("spec.podFailurePolicy names a container that spec.template does not have: correct containerName, or leave it out"),
    validation = Rule::new("!has(oldSelf.abort) || (has(self.abort) && (self.abort.mode == oldSelf.abort.mode || oldSelf.abort.mode == 'Graceful') && self.abort.afterSeconds <= oldSelf.abort.afterSeconds && has(self.abort.reason) == has(oldSelf.abort.reason) && (!has(self.abort.reason) || self.abort.reason == oldSelf.abort.reason))")
        .message("spec.abort cannot be taken back or made gentler: its mode can go from Graceful to Immediate and its afterSeconds down. Create another OmotesJob instead"),
    validation = Rule::new("!has(self.heartbeat) || !has(self.courier) || self.courier.enabled")
        .message("spec.heartbeat needs the courier, which carries progress: leave spec.heartbeat out, or set spec.courier.enabled to true"),
    validation = Rule::new("!has(self.template) || (has(self.courier) && !self.courier.enabled) || !((has(self.template.spec.shareProcessNamespace) && self.template.spec.shareProcessNamespace) || (has(self.template.spec.hostPID) && self.template.spec.hostPID))")
        .message("spec.template.spec.shareProcessNamespace and hostPID would let the program stop its courier: leave them out, or set spec.courier.enabled to false"),
)]
#[serde(rename_all = "camelCase")]
pub struct OmotesJobSpec {
    /// jobId is the UUID of the job on the wire, lower-case and with dashes; it names the job's queues
    /// jobs.<jobId>.progress, .status and .result. Left out, it is the UID of this resource; status.jobId always has it.
    /// While the result of an earlier job with this id is unread, the job waits. It cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"), length(max = 36))]
    pub job_id: Option<String>,

    /// workflowRef names the OmotesWorkflow that says how the job runs. Exactly one of workflowRef and template is set. A job
    /// whose workflow is not there waits for it. It cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_ref: Option<WorkflowRef>,

    /// template of the pod that runs the job, with batch/v1's meaning.
    #[schemars(schema_with = "super::template::schema")]
    #[serde(default, deserialize_with = "super::template::deserialize_given", skip_serializing_if = "Option::is_none")]
    pub template: Option<PodTemplateSpec>,

    /// priority among the jobs of a workflow that wait for a seat: High, Medium (the default) or Low. Twelve hours of waiting
    /// are worth one class. The chart can give each a PriorityClass, which then holds for the pod. It can change while the
    /// job waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,

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

    /// courier is the operator's sidecar that carries progress and output from the pod to the broker. Left out, the
    /// workflow's holds, else the defaults of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier: Option<Courier>,

    /// expectedDuration bounds how long the program runs: numResources x secondsPerResource + bufferSeconds after its
    /// start it is told to stop. It can only be raised, and only where maxRunSeconds was given from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_duration: Option<ExpectedDuration>,

    /// maxRunSeconds bounds how long the job runs, whatever is expected of it: 1 to 315360000 (ten years). It can only be
    /// lowered. Left out, the workflow's holds, else the operator's own default, which is none unless its administrator set
    /// one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub max_run_seconds: Option<i64>,

    /// startDeadlineSeconds is how long after its creation the program must have started, for instance because no node
    /// takes the pod or its image cannot be pulled: 1 to 315360000 (ten years). After that the job fails with the cause
    /// NeverStarted. Left out, the workflow's holds, else the operator's own default, which is none unless its
    /// administrator set one. While a job waits for its workflow or a seat it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub start_deadline_seconds: Option<i64>,

    /// heartbeat says what happens when the program does not tell its progress any more. It needs the courier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,

    /// abort stops the job. It can be set at any time, and not be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,

    /// backoffLimit is how many attempts may fail before the job does: 0 (the first failure is the job's) to 1000. Left
    /// out, the workflow's holds, else 0. An attempt that the cluster ended – its node was drained, say, or its pod deleted – is not counted, and is
    /// always followed by another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub backoff_limit: Option<i32>,

    /// retry says how long the operator waits before the next attempt. Left out, the workflow's holds, else the defaults of
    /// its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,

    /// podFailurePolicy says which failures are tried again, with batch/v1's meaning. Left out, all are, up to
    /// backoffLimit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_failure_policy: Option<PodFailurePolicy>,

    /// suspend keeps the job from running: no pod is made, and one that is there is stopped as at a deadline. The clocks
    /// of startDeadlineSeconds and maxRunSeconds stand still meanwhile, the queues stay, and backoffLimit does not count it.
    /// Set to false again, another attempt follows at once. Default false. It can change at any time.
    #[serde(default)]
    pub suspend: bool,

    /// managedBy names the controller that runs this job, as in batch/v1: a domain-prefixed path of at most 63 characters.
    /// Left out, or omotes.io/omotes-operator, it is this operator; with any other value this operator leaves the job
    /// alone. It cannot change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 63),
        regex(
            pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/[A-Za-z0-9/%:@._~!$&'()*+,;=-]+$"
        )
    )]
    pub managed_by: Option<String>,

    /// podRetentionPolicy says which pods stay until the job goes, so that their logs can be read: Retain (the default:
    /// all that ended by themselves), RetainOnFailure or Delete. A pod that was stopped goes in any case. It can change at
    /// any time, and then holds for the last pod and for those to come.
    #[serde(default)]
    pub pod_retention_policy: PodRetentionPolicy,

    /// forceDeletionPolicy says when a pod is given up whose node does not confirm its end. Left out, never: the next
    /// attempt waits until the node answers, or until somebody says that it is dead (kubectl delete pod --force, or the
    /// taint node.kubernetes.io/out-of-service). It can change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force_deletion_policy: Option<ForceDeletionPolicy>,

    /// exitCodes are the codes by which the program says why it ended. Left out, the workflow's hold, else the defaults of
    /// its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_codes: Option<ExitCodes>,

    /// ttlSecondsAfterFinished removes this resource so many seconds after the job ended: 0 (at once) to 315360000
    /// (ten years). Left out, the resource stays until somebody deletes it. A result that nobody has read stays in its queue
    /// all the same. It can change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub ttl_seconds_after_finished: Option<i64>,

    /// ttlPolicy says when this resource goes by how the job ended, and what goes. It can change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_policy: Option<TtlPolicy>,
}

impl OmotesJob {
    /// Whether it has ended, as far as its status says.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.status.as_ref().and_then(|status| status.phase).is_some_and(Phase::is_terminal)
    }
}

impl OmotesJobSpec {
    /// The courier's part, with its defaults.
    #[must_use]
    pub fn courier(&self) -> Courier {
        self.courier.clone().unwrap_or_default()
    }

    /// The exit codes, with their defaults.
    #[must_use]
    pub(crate) fn exit_codes(&self) -> ExitCodes {
        self.exit_codes.clone().unwrap_or_default()
    }

    /// The waits between attempts, with their defaults.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.retry.clone().unwrap_or_default()
    }
}

/// WorkflowRef names an OmotesWorkflow in the job's namespace.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowRef {
    /// name of the OmotesWorkflow: its metadata.name, not its typeName.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// Priority among the jobs that wait for a seat.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
pub enum Priority {
    /// After the others.
    Low,
    /// Where nobody says anything.
    #[default]
    Medium,
    /// Before the others.
    High,
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
    validation = Rule::new("[has(self.configMapKeyRef), has(self.secretKeyRef), has(self.inline), has(self.fromBroker)].filter(x, x).size() == 1")
        .message("spec.input.esdl needs exactly one of configMapKeyRef, secretKeyRef, inline and fromBroker"),
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

    /// fromBroker says that the ESDL waits at RabbitMQ, where the gateway put it: for jobs that came over AMQP only. Any
    /// other job is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_broker: Option<FromBroker>,
}

/// FromBroker has no fields: where the ESDL is follows from the job's name.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
pub struct FromBroker {}

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

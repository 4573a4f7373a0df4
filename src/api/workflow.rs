//! `OmotesWorkflow`: a type of job that clients may ask for.
//!
//! The doc comments here are what `kubectl explain owf.…` prints: each begins with its field's name and gives unit, range
//! and default.

use k8s_openapi::{api::core::v1::PodTemplateSpec, apimachinery::pkg::apis::meta::v1::Condition};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    job::Courier,
    parameter::Parameter,
    retry::{PodFailurePolicy, Retry},
    stop::{ExitCodes, ExpectedDuration, Heartbeat},
};

/// OmotesWorkflowSpec is a type of job. All of it can change but typeName; a job that was accepted keeps to what the
/// workflow was then, except for maxConcurrentJobs, slots, suspend and warmPool, which hold for all jobs at once.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[kube(
    group = "omotes.io",
    version = "v1alpha1",
    kind = "OmotesWorkflow",
    plural = "omotesworkflows",
    singular = "omotesworkflow",
    shortname = "owf",
    category = "omotes",
    namespaced,
    status = "OmotesWorkflowStatus",
    derive = "PartialEq",
    doc = "OmotesWorkflow is a type of job that clients may ask for: its parameters, the pod that runs it, and how many may run at once.",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.typeName", description = "What clients ask for"),
    printcolumn(name = "Waiting", type_ = "integer", json_path = ".status.waitingJobs"),
    printcolumn(name = "Running", type_ = "integer", json_path = ".status.runningJobs"),
    printcolumn(name = "Pool", type_ = "string", json_path = ".spec.slots.pool", description = "The slots that it shares"),
    printcolumn(name = "Slots", type_ = "integer", json_path = ".status.slots.max", description = "Jobs of the pool that may run at once"),
    printcolumn(name = "Used", type_ = "integer", json_path = ".status.slots.inUse", description = "Slots that have a job, of any workflow"),
    printcolumn(name = "Warm", type_ = "integer", json_path = ".status.readyWarmPods", description = "Pods that wait for a job"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Seats", type_ = "integer", priority = 1, json_path = ".spec.maxConcurrentJobs"),
    printcolumn(name = "Accepted", type_ = "string", priority = 1, json_path = ".status.conditions[?(@.type==\"Accepted\")].status"),
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name must have at most 63 characters, because it becomes a label: choose a shorter name").reason(Reason::FieldValueInvalid),
)]
#[cfg_attr(test, kube(cel))]
#[x_kube(
    validation = Rule::new("self.typeName == oldSelf.typeName")
        .message("spec.typeName cannot change, because clients ask for it: create another OmotesWorkflow instead"),
    validation = Rule::new("self.parameters.all(p, p.constraints.all(c, c.otherKeyName != p.keyName && self.parameters.exists(q, q.keyName == c.otherKeyName)))")
        .message("a constraint of spec.parameters must name another parameter of this workflow: correct its otherKeyName"),
    validation = Rule::new("!has(self.jobDefaults.maxRunSeconds) || !has(self.jobMaxima.maxRunSeconds) || self.jobDefaults.maxRunSeconds <= self.jobMaxima.maxRunSeconds")
        .message("spec.jobDefaults.maxRunSeconds is more than spec.jobMaxima.maxRunSeconds: lower the one or raise the other"),
    validation = Rule::new("!has(self.jobDefaults.heartbeat) || !has(self.jobDefaults.courier) || self.jobDefaults.courier.enabled")
        .message("spec.jobDefaults.heartbeat needs the courier, which carries progress: leave it out, or set spec.jobDefaults.courier.enabled to true"),
    validation = Rule::new("(has(self.jobDefaults.courier) && !self.jobDefaults.courier.enabled) || !((has(self.template.spec.shareProcessNamespace) && self.template.spec.shareProcessNamespace) || (has(self.template.spec.hostPID) && self.template.spec.hostPID))")
        .message("spec.template.spec.shareProcessNamespace and hostPID would let the program stop its courier: leave them out, or set spec.jobDefaults.courier.enabled to false"),
    validation = Rule::new("!has(self.warmPool) || (has(self.template.metadata) && has(self.template.metadata.annotations) && 'omotes.io/warm' in self.template.metadata.annotations && self.template.metadata.annotations['omotes.io/warm'] == 'wait-for-input')")
        .message("spec.warmPool is for programs that wait for /omotes/input/input.esdl: annotate spec.template with omotes.io/warm: wait-for-input if this one does, or leave spec.warmPool out"),
    validation = Rule::new("!has(self.warmPool) || !has(self.jobDefaults.courier) || self.jobDefaults.courier.enabled")
        .message("spec.warmPool needs the courier, which brings the input: leave it out, or set spec.jobDefaults.courier.enabled to true"),
)]
#[serde(rename_all = "camelCase")]
pub struct OmotesWorkflowSpec {
    /// typeName is what clients ask for: 1 to 128 printable ASCII characters without spaces. In a namespace the oldest
    /// OmotesWorkflow with a name has it; any other is not accepted. It cannot change.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[!-~]+$"))]
    pub type_name: String,

    /// description is a name for people, shown by clients. At most 1024 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub description: String,

    /// parameters are what a job may give in spec.input.parameters. A job that gives anything else is refused. At most 32.
    #[serde(default)]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["keyName"]))]
    pub parameters: Vec<Parameter>,

    /// undeclaredParameters says what becomes of a job that gives a parameter which spec.parameters does not have: Refuse
    /// (the default) refuses the job, PassOn gives the parameter to the program as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeclared_parameters: Option<UndeclaredParameters>,

    /// template of the pod that runs a job, as in OmotesJob.
    #[schemars(schema_with = "super::template::schema")]
    #[serde(deserialize_with = "super::template::deserialize")]
    pub template: PodTemplateSpec,

    /// jobDefaults are for jobs that say nothing themselves. They are what depends on the program and not on the single
    /// job; a client that asks over AMQP can say none of it but maxRunSeconds.
    #[serde(default)]
    pub job_defaults: JobDefaults,

    /// jobMaxima are the most that a job may ask for.
    #[serde(default)]
    pub job_maxima: JobMaxima,

    /// maxConcurrentJobs is how many jobs may have a pod at once, the seats of a licence for instance: 1 to 10000. Left
    /// out, any number. The others wait: those with the higher spec.priority go first, and among equals the older. Twelve
    /// hours of waiting are worth one class of priority, so that nobody waits for ever. Lowered, no job is stopped; none
    /// starts until there are fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub max_concurrent_jobs: Option<i32>,

    /// slots are shared with other workflows, as where one solver licence serves several types of job. A job starts only
    /// when its workflow allows it (maxConcurrentJobs) and a slot of the pool is free. The jobs of all workflows of a
    /// pool take turns by spec.priority and age, as those of one workflow do; a job that waits for its own workflow holds
    /// up no job of another. A job has its slot until every container of its pod has ended, also when its workflow
    /// changes or is removed meanwhile. All of it can change at any time. Left out, the workflow shares nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<Slots>,

    /// suspend starts no more jobs; those that run go on, and new ones wait. Default false.
    #[serde(default)]
    pub suspend: bool,

    /// warmPool keeps pods that have been started and wait for a job, so that a job runs within a second. Each runs one job.
    /// It is for programs that wait for their input: see size. A job whose ESDL is in a ConfigMap or a Secret, that has none,
    /// or whose pod would differ (exitCodes, courier.flushSeconds, the PriorityClass of its priority) gets a pod of its own,
    /// and so does every job while no warm pod is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_pool: Option<WarmPool>,
}

/// Slots are a number of jobs that several workflows of a namespace may run at once, all together. They are part of the
/// workflows, and no kind of their own, so that what limits a workflow stands in one manifest.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slots {
    /// pool is the name of what is shared: every OmotesWorkflow of the namespace with this pool counts. 1 to 63 lower-case
    /// letters, digits and dashes, as it becomes a label of pods (omotes.io/slot-pool). A pool exists while a workflow
    /// names it or one of its jobs runs. After a change, jobs that run count for the former pool and for the new one until
    /// they end, so that neither a pool with another name nor another licence is used more often than it may be.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub pool: String,

    /// max is how many jobs of the pool may have a pod at once: 1 to 10000. Give the same number in every workflow of the
    /// pool. Where they differ the lowest holds, because too many would break a licence and too few only wait; the
    /// condition SlotsConsistent says so. To raise it, raise it in all of them; lowered in one, it holds at once, stops no
    /// job, and none starts until there are fewer.
    #[schemars(range(min = 1, max = 10_000))]
    pub max: i32,
}

/// undeclaredParameters says what becomes of a job that gives a parameter which spec.parameters does not have: Refuse
/// (the default) refuses the job, PassOn gives the parameter to the program as it is.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
pub enum UndeclaredParameters {
    /// A job that gives one is refused.
    #[default]
    Refuse,
    /// The program gets them as they are.
    PassOn,
}

/// WarmPool are pods that wait for a job.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WarmPool {
    /// size is how many pods wait: 1 to 100, and never more than maxConcurrentJobs or slots.max. A pod that waits has no
    /// slot; it gets one with its job. Each takes what the template requests.
    /// The program must wait until /omotes/input/input.esdl is there, which comes last and complete; it finds all else of its
    /// job in /omotes/input/job.json and parameters.json, not in its environment. The template says that it does by the
    /// annotation omotes.io/warm: wait-for-input.
    #[schemars(range(min = 1, max = 100))]
    pub size: i32,
}

/// JobDefaults are for jobs that say nothing themselves; each has the name and the meaning of the field of OmotesJob.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobDefaults {
    /// expectedDuration bounds how long the program runs, as in OmotesJob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_duration: Option<ExpectedDuration>,

    /// maxRunSeconds bounds how long the job runs: 1 to 315360000 (ten years). Left out, it is jobMaxima.maxRunSeconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub max_run_seconds: Option<i64>,

    /// startDeadlineSeconds is how long the program may take to start: 1 to 315360000 (ten years). While a job waits for a
    /// seat it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub start_deadline_seconds: Option<i64>,

    /// heartbeat says what happens when the program does not tell its progress any more. It needs the courier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Heartbeat>,

    /// backoffLimit is how many attempts may fail before the job does: 0 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub backoff_limit: Option<i32>,

    /// retry says how long the operator waits before the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,

    /// podFailurePolicy says which failures are tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_failure_policy: Option<PodFailurePolicy>,

    /// exitCodes are the codes by which the program says why it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_codes: Option<ExitCodes>,

    /// courier is the operator's sidecar that carries progress and output from the pod to the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub courier: Option<Courier>,
}

/// JobMaxima are the most that a job may ask for. A job that asks for more is refused: it gets Accepted=False.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobMaxima {
    /// maxRunSeconds is the most that a job may give as its spec.maxRunSeconds: 1 to 315360000 (ten years). Left out, a job
    /// may ask for anything. The one maximum, because a job that holds a seat for longer is what hurts the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 315_360_000))]
    pub max_run_seconds: Option<i64>,
}

/// OmotesWorkflowStatus is what the operator says of the workflow; it is written every five seconds at most.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OmotesWorkflowStatus {
    /// observedGeneration is the generation of the spec that this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// currentRevision names the ControllerRevision that a job gets which is accepted now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_revision: Option<String>,

    /// waitingJobs counts the jobs that have not ended and have no pod.
    #[serde(default)]
    pub waiting_jobs: i32,

    /// runningJobs counts the jobs that have a pod, or are about to.
    #[serde(default)]
    pub running_jobs: i32,

    /// finishedJobs counts the jobs that have ended and are still there.
    #[serde(default)]
    pub finished_jobs: i32,

    /// slots is how the pool of spec.slots is used, by all its workflows. Left out without spec.slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<SlotsStatus>,

    /// readyWarmPods counts the pods that have started and wait for a job.
    #[serde(default)]
    pub ready_warm_pods: i32,

    /// conditions: Accepted (clients may ask for it), Ready (a job that is made now can start, once there is a seat) and,
    /// with a warmPool, WarmPoolReady (so many pods wait as are wanted), with slots, SlotsConsistent (the workflows of the
    /// pool agree on its max).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// SlotsStatus is how a pool of slots is used.
#[derive(Serialize, Deserialize, Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlotsStatus {
    /// pool is the name of the pool.
    pub pool: String,

    /// max is how many jobs of the pool may have a pod at once: the lowest max of its workflows.
    pub max: i32,

    /// inUse counts the jobs that have a slot. More than max after max was lowered.
    pub in_use: i32,

    /// waiting counts the jobs of the pool's workflows that wait for their turn, without those of suspended workflows.
    pub waiting: i32,
}

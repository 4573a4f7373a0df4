//! Names that cross a boundary: labels, finalizers, containers, files. One place, so that the chart, the courier and
//! the controller cannot drift apart.

use std::fmt;

use kube::ResourceExt;

use super::OmotesJob;

/// The API group of every kind of this operator.
pub const GROUP: &str = "omotes.io";
/// The field manager of every write, and the value of [`LABEL_MANAGED_BY`].
pub const OPERATOR: &str = "omotes-operator";
/// The value of `spec.managedBy` that means this operator.
pub const MANAGED_BY: &str = "omotes.io/omotes-operator";

/// Marks the objects that this operator made; its pod watch selects on it.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The name of the `OmotesJob` that a pod belongs to.
pub const LABEL_JOB_NAME: &str = "omotes.io/job-name";
/// The `jobId` on the wire: `kubectl get pods -l omotes.io/job-id=…`.
pub const LABEL_JOB_ID: &str = "omotes.io/job-id";
/// The `OmotesWorkflow` that a pod's job is of, or that a ControllerRevision is of.
pub const LABEL_WORKFLOW: &str = "omotes.io/workflow";
/// Which attempt of its job a pod is, counted from 1.
pub const LABEL_ATTEMPT: &str = "omotes.io/attempt";
/// The `OmotesWorkflow` in whose warm pool a pod waits for a job; it goes when the pod gets one.
pub const LABEL_WARM_POOL: &str = "omotes.io/warm-pool";

/// On an `OmotesJob`: its pod, its queues and its client have been taken care of when this goes.
pub const FINALIZER_CLEANUP: &str = "omotes.io/cleanup";
/// On a pod: its exit codes are stored in the job's status when this goes.
pub const FINALIZER_EXIT_RECORDED: &str = "omotes.io/exit-recorded";
/// Kubernetes' own, on what is deleted in the foreground until its dependents are gone.
pub const FINALIZER_FOREGROUND: &str = "foregroundDeletion";

/// The pod annotation whose value the downward API shows as `/omotes/input/job.json`.
pub const ANNOTATION_JOB: &str = "omotes.io/job";
/// The pod annotation behind `/omotes/input/parameters.json`.
pub const ANNOTATION_PARAMETERS: &str = "omotes.io/parameters";
/// The pod annotation behind `/omotes/input/input.esdl` of an inline ESDL.
pub const ANNOTATION_INPUT_ESDL: &str = "omotes.io/input-esdl";
/// The pod annotation from which the courier of a warm pod learns which job the pod got.
pub const ANNOTATION_ASSIGNMENT: &str = "omotes.io/assignment";
/// How often the kubelet was told again that a warm pod has a job.
pub const ANNOTATION_NUDGES: &str = "omotes.io/assignment-nudges";
/// What the courier of a warm pod said when it could not bring its job's input: the pod is stopped for that.
pub const ANNOTATION_INPUT_MISSING: &str = "omotes.io/input-missing";
/// What a warm pod is like, as a checksum: it is given only to a job that would get just such a pod.
pub const ANNOTATION_WARM_FORM: &str = "omotes.io/warm-form";
/// By this annotation of a template, with the value [`WAIT_FOR_INPUT`], a program says that its pod may be started before
/// there is a job for it.
pub const ANNOTATION_WARM: &str = "omotes.io/warm";
/// The program waits until `/omotes/input/input.esdl` is there, and reads nothing of its job before.
pub const WAIT_FOR_INPUT: &str = "wait-for-input";
/// Standard annotation that names a pod's main container.
pub const ANNOTATION_DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The annotation of an `OmotesJob` by which somebody asks for its result, which is kept because its client's queue was gone:
/// the operator makes the queue again and passes the result on. Its value does not matter.
pub const ANNOTATION_REPUBLISH_RESULT: &str = "omotes.io/republish-result";

/// The init container that prepares `/omotes` and checks the input.
pub const CONTAINER_COURIER_INPUT: &str = "omotes-courier-input";
/// The native sidecar that carries progress and output to the broker.
pub const CONTAINER_COURIER: &str = "omotes-courier";
/// Volumes whose names start so are the operator's own.
pub const VOLUME_PREFIX: &str = "omotes-";
/// Where the job's files are, in main and in the courier.
pub const ROOT: &str = "/omotes";

/// The Secret with the courier's broker credentials in each namespace that runs jobs.
pub const SECRET_COURIER: &str = "omotes-courier";
/// The Secret in the operator's own namespace with the key of all capabilities.
pub const SECRET_KEY: &str = "omotes-operator-key";

/// The identity of a job on the wire: a lower-case, dashed UUID. It names the job's queues.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(String);

impl JobId {
    /// The id of `job`: as recorded in its status, else as its spec asks, else its UID.
    #[must_use]
    pub fn of(job: &OmotesJob) -> Self {
        let recorded = job.status.as_ref().and_then(|status| status.job_id.clone());
        Self(recorded.or_else(|| job.spec.job_id.clone()).unwrap_or_else(|| job.uid().unwrap_or_default()))
    }

    /// The id that stands on the wire so.
    #[must_use]
    pub fn from_wire(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of the pod that is made for `attempt` (counted from 1) of the job called `job`.
#[must_use]
pub fn pod_name(job: &str, attempt: i32) -> String {
    format!("{job}-{attempt}")
}

/// The pod that was chosen for the current attempt of `job`, as stored before anything was done with it. `None` where none
/// was: what the status says of the last attempt is not of this one.
#[must_use]
pub fn chosen_pod(job: &OmotesJob) -> Option<String> {
    let status = job.status.as_ref()?;
    let number = status.attempt.unwrap_or(1);
    let is_former =
        |name: &String| status.attempts.iter().any(|attempt| attempt.number != number && attempt.pod_name == *name);
    status.pod_name.clone().filter(|name| !is_former(name))
}

/// The name of the pod of attempt `number` (counted from 1) of `job`: the one that was chosen, else the one that is made.
#[must_use]
pub fn pod_of(job: &OmotesJob, number: i32) -> String {
    let status = job.status.as_ref();
    let is_current = status.and_then(|status| status.attempt).unwrap_or(1) == number;
    let ended = status.and_then(|status| status.attempts.iter().find(|attempt| attempt.number == number));
    let known = ended.map(|attempt| attempt.pod_name.clone()).or_else(|| chosen_pod(job).filter(|_| is_current));
    known.unwrap_or_else(|| pod_name(&job.name_any(), number))
}

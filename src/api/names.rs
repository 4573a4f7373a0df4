//! Names that cross a boundary: labels, finalizers, containers, files. One place, so that the chart, the courier and
//! the controller cannot drift apart.

use std::fmt;

use kube::ResourceExt;

use super::OmotesJob;

/// The field manager of every write, and the value of [`LABEL_MANAGED_BY`].
pub const OPERATOR: &str = "omotes-operator";
/// The value of `spec.managedBy` that means this operator.
pub(crate) const MANAGED_BY: &str = "omotes.io/omotes-operator";

/// Marks the objects that this operator made; its pod watch selects on it.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The name of the `OmotesJob` that a pod belongs to.
pub const LABEL_JOB_NAME: &str = "omotes.io/job-name";
/// The `jobId` on the wire: `kubectl get pods -l omotes.io/job-id=…`.
pub const LABEL_JOB_ID: &str = "omotes.io/job-id";
/// The `OmotesWorkflow` that a pod's job is of, or that a ControllerRevision is of.
pub const LABEL_WORKFLOW: &str = "omotes.io/workflow";
/// The pool of slots (`spec.slots.pool` of its workflow) that a pod was started in, and counts for until it has ended.
pub const LABEL_SLOT_POOL: &str = "omotes.io/slot-pool";
/// Which attempt of its job a pod is, counted from 1.
pub(crate) const LABEL_ATTEMPT: &str = "omotes.io/attempt";
/// The `OmotesWorkflow` in whose warm pool a pod waits for a job; it goes when the pod gets one.
pub const LABEL_WARM_POOL: &str = "omotes.io/warm-pool";

/// On an `OmotesJob`: its pod, its queues and its client have been taken care of when this goes.
pub const FINALIZER_CLEANUP: &str = "omotes.io/cleanup";
/// On a pod: its exit codes are stored in the job's status when this goes.
pub(crate) const FINALIZER_EXIT_RECORDED: &str = "omotes.io/exit-recorded";
/// Kubernetes' own, on what is deleted in the foreground until its dependents are gone.
pub const FINALIZER_FOREGROUND: &str = "foregroundDeletion";

/// The pod annotation whose value the downward API shows as `/omotes/input/job.json`.
pub(crate) const ANNOTATION_JOB: &str = "omotes.io/job";
/// The pod annotation behind `/omotes/input/parameters.json`.
pub(crate) const ANNOTATION_PARAMETERS: &str = "omotes.io/parameters";
/// The pod annotation behind `/omotes/input/input.esdl` of an inline ESDL.
pub(crate) const ANNOTATION_INPUT_ESDL: &str = "omotes.io/input-esdl";
/// The pod annotation from which the courier of a warm pod learns which job the pod got.
pub(crate) const ANNOTATION_ASSIGNMENT: &str = "omotes.io/assignment";
/// The pod annotation by which the operator asks the courier to send the output although other containers run on; the
/// courier reads it as the file `flush`.
pub const ANNOTATION_FLUSH: &str = "omotes.io/flush";
/// How often the kubelet was told again that a warm pod has a job.
pub(crate) const ANNOTATION_NUDGES: &str = "omotes.io/assignment-nudges";
/// What the courier of a warm pod said when it could not bring its job's input: the pod is stopped for that.
pub const ANNOTATION_INPUT_MISSING: &str = "omotes.io/input-missing";
/// What a warm pod is like, as a checksum: it is given only to a job that would get just such a pod.
pub(crate) const ANNOTATION_WARM_FORM: &str = "omotes.io/warm-form";
/// When the credentials of a pod's courier were rotated: the change has its kubelet mount them at once.
pub(crate) const ANNOTATION_CREDENTIALS_TIME: &str = "omotes.io/credentials-time";
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

/// The annotation of an `OmotesJob` with the id of the key, in the Secret [`SECRET_COURIER`] of its namespace, under which its
/// input at the broker is sealed. Without it the input is as the client sent it: an earlier version stored it.
pub const ANNOTATION_INPUT_KEY: &str = "omotes.io/input-key";

/// The init container that prepares `/omotes` and checks the input.
pub const CONTAINER_COURIER_INPUT: &str = "omotes-courier-input";
/// The native sidecar that carries progress and output to the broker.
pub const CONTAINER_COURIER: &str = "omotes-courier";
/// Volumes whose names start so are the operator's own.
pub(crate) const VOLUME_PREFIX: &str = "omotes-";
/// Where the job's files are, in main and in the courier.
pub(crate) const ROOT: &str = "/omotes";

/// The Secret with the courier's broker credentials in each namespace that runs jobs.
pub const SECRET_COURIER: &str = "omotes-courier";
/// What a file with a key of the namespace is called in [`SECRET_COURIER`], by the key's id.
#[must_use]
pub(crate) fn courier_key_file(id: &str) -> String {
    format!("key-{id}")
}

/// The Secret in the operator's own namespace with the key of all capabilities.
pub const SECRET_KEY: &str = "omotes-operator-key";

/// Whether this operator made `object`, as far as its labels say: a user may have changed them.
#[must_use]
pub(crate) fn is_managed(object: &impl ResourceExt) -> bool {
    object.labels().get(LABEL_MANAGED_BY).is_some_and(|manager| manager == OPERATOR)
}

/// What selects the objects for which [`is_managed`] holds.
#[must_use]
pub(crate) fn managed_selector() -> String {
    format!("{LABEL_MANAGED_BY}={OPERATOR}")
}

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
    pub(crate) fn from_wire(id: &str) -> Self {
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

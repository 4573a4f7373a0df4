//! Everything that a decision may look at. Filled by the shell once a pass, the time included.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::sync::{Arc, LazyLock};

use crate::{
    api::{
        OmotesJob, OmotesJobStatus, Reason,
        condition::{self, ConditionType},
        finalizers,
        names::{self, JobId},
        queues::QueueDeclare,
        status::{ClientStatus, Phase},
    },
    plan::facts::failure::Failure,
    pods::{self, Attempt, Settings},
    result::ResultQueue,
    topology::{self, QueueDeclaration},
    wire::{ProgressLine, TerminationRecord},
    workflow::{Revision, seats::Seat},
};

/// What was seen of something: that it is there, that it is not there, or nothing at all. Only of a pod it can be unlisted.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight<T> {
    /// It is there.
    Known(T),
    /// It is known not to be there: the apiserver said so, or the watch showed its end.
    Absent,
    /// The watch does not show it, and the apiserver was not asked. It may be there: its creation was answered to nobody, its
    /// labels were changed, a list missed it. It may be created, which the apiserver does once; nothing may be concluded.
    Unlisted,
    /// It could not be looked at, or its creation may still come through; nothing may be concluded from that.
    Unreachable,
}

/// How long a broker must be away, or refuse, before a job that is overdue to go does without it. A new leader begins without
/// a connection, and waits for the queue of a former one whose node is lost for up to 20 s.
pub(crate) const SHORTEST_ABSENCE: SignedDuration = SignedDuration::from_secs(30);

/// The facts of one pass over one job.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The time of this pass.
    pub now: Timestamp,
    /// The job.
    pub job: Arc<OmotesJob>,
    /// Whose `jobId` it is.
    pub claim: Claim,
    /// What it has of the workflow that it refers to; its part of the spec is filled into `job`.
    pub workflow: WorkflowSight,
    /// Whether it has a seat of its workflow.
    pub seat: Seat,
    /// The pool of slots that its workflow shares, as it was when the job asked for a seat.
    pub slot_pool: Option<String>,
    /// Whether there is a pod that waits for it.
    pub warm: WarmSight,
    /// The pod of the current attempt.
    pub pod: Sight<Arc<Pod>>,
    /// Whether this process made that pod, tried to, or saw it, and has not seen its end.
    pub was_pod_made: bool,
    /// The pod of the attempt before, where there was one.
    pub former: Sight<Arc<Pod>>,
    /// Whether the broker can be used now.
    pub broker: BrokerSight,
    /// Since when that is so, as far as this process knows.
    pub broker_since: Timestamp,
    /// What this process has told the client, as far as the stored status may not say so.
    pub told: Option<ClientStatus>,
    /// Whether the courier's Secret is known to be in the job's namespace.
    pub courier_secret: Preparation,
    /// What this process knows of the job's queues.
    pub queues: Preparation,
    /// Why passes over the job fail, as far as this process knows.
    pub failure: Option<Failure>,
    /// Why the apiserver lately refused the job's pod.
    pub pod_refusal: Option<Refusal>,
    /// The output that the courier left with the broker. Looked at only when the job has ended.
    pub output: Sight<Bytes>,
    /// Whether the client has been told how the job ended.
    pub result: ResultSight,
    /// When this process saw the pod of the current attempt in a state which proves that main ended with 0 by itself
    /// ([`super::pod_state::ended_by_itself`]); a successor does not know.
    pub ended_by_itself: Option<Timestamp>,
    /// Whether the courier of a pod that had waited has told that the job's input is there.
    pub has_input: bool,
    /// What the courier has said became of the output, once main had ended.
    pub record: Option<TerminationRecord>,
    /// When this process first saw that main of the current attempt had ended before its pod.
    pub main_ended: Option<Timestamp>,
    /// The newest progress.
    pub progress: Option<ProgressReport>,
    /// When the last message of this attempt's courier came, as far as this process knows.
    pub courier_heard: Option<Timestamp>,
    /// Since when this process could hear progress. Means nothing while the broker is away.
    pub listening_since: Timestamp,
    /// What is known of the result queue of a job that has ended.
    pub result_queue: ResultQueue,
    /// Whether the queues of a job that has ended were removed.
    pub removal: Removal,
    /// What became of a result that was kept, when the operator last passed it on.
    pub redelivery: RedeliveryState,
    /// The pods of earlier attempts. Looked at only when they are to go.
    pub retained: Vec<Arc<Pod>>,
    /// What Kubernetes' Events say of a pod that does not start.
    pub pod_events: Option<PodEvents>,
}

/// What Kubernetes' Events say of a pod that does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodEvents {
    /// When they were looked at.
    pub looked: Timestamp,
    /// How often.
    pub looks: u32,
    /// The newest warning, unless the kubelet got further since.
    pub warning: Option<PodWarning>,
}

/// A warning about a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodWarning {
    /// The reason of the Event: `FailedMount`, say.
    pub reason: String,
    /// Its note.
    pub message: String,
}

/// Whose the `jobId` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// This job's.
    Ours,
    /// That of another job: its name, or that it is of another namespace.
    TakenBy(String),
}

/// What a job has of its workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkflowSight {
    /// It has a template of its own.
    None,
    /// The revision that it was accepted with.
    Pinned(Arc<Revision>),
    /// The revision that it would be accepted with now.
    Current(Arc<Revision>),
    /// There is no such workflow.
    Missing,
    /// The workflow is there, and takes no jobs yet.
    NotReady,
    /// The revision that it was accepted with is gone, although the operator keeps those that are pinned.
    Lost,
}

impl WorkflowSight {
    /// The revision that the job follows.
    #[must_use]
    pub fn revision(&self) -> Option<&Arc<Revision>> {
        match self {
            Self::Pinned(revision) | Self::Current(revision) => Some(revision),
            Self::None | Self::Missing | Self::NotReady | Self::Lost => None,
        }
    }

    /// `job` with what it leaves out and its workflow says.
    #[must_use]
    pub fn complete(&self, job: OmotesJob) -> OmotesJob {
        match self.revision() {
            Some(revision) => revision.complete(job),
            None => job,
        }
    }
}

/// What a job has of its workflow's warm pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WarmSight {
    /// Nobody has asked yet.
    Unasked,
    /// The pod of this name, which no other job gets.
    Promised(String),
    /// There is none that is ready, and just what the job needs.
    None,
    /// The apiserver refuses to give it one.
    Refused,
}

/// Whether the broker can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerSight {
    /// Connected, and it takes messages.
    Ready,
    /// Connected, and it takes no messages: it is short of memory or disk. Leases can be renewed. The reason is a sentence
    /// for people.
    Blocked(String),
    /// Not connected. The reason is a sentence for people.
    Unreachable(String),
    /// Connected, and it refuses again and again what a deleted job needs, whose time for that is over. The reason is a
    /// sentence for people.
    Refusing(String),
}

impl BrokerSight {
    /// Why nobody can be told anything, where that is so.
    #[must_use]
    pub(crate) fn obstacle(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Blocked(why) | Self::Unreachable(why) | Self::Refusing(why) => Some(why),
        }
    }

    /// The reason of a condition that something waits for the broker, or was given up.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Blocked(_) => Reason::BrokerBlocked,
            Self::Refusing(_) => Reason::BrokerRefused,
            Self::Ready | Self::Unreachable(_) => Reason::BrokerUnreachable,
        }
    }
}

/// Something that must be there before a pod can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preparation {
    /// This process has not seen to it yet.
    Unknown,
    /// It was there at that time.
    Ready(Timestamp),
    /// It was refused.
    Refused(Refusal),
    /// The queue of the result is that of another job, whose result may be unread. Nothing of it may be touched.
    Occupied {
        /// What is in it, and the remedy.
        refusal: Refusal,
        /// When to look again.
        retry_at: Timestamp,
    },
}

/// A refusal that trying again at once would not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The reason of the condition and the Event.
    pub reason: Reason,
    /// What was refused and what to do, for people.
    pub message: String,
}

/// Whether the client has been told how the job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultSight {
    /// Nobody has told it.
    Unsent,
    /// It was told.
    Sent {
        /// When the broker confirmed it, or when the evidence was found.
        at: Timestamp,
        /// Whether it reached a queue.
        routed: bool,
    },
    /// Its queue does not take it.
    Refused(RefusedResult),
    /// It cannot be known yet; look again at that time.
    Unknown(Timestamp),
}

/// A result that its queue does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedResult {
    /// `at` what time.
    pub at: Timestamp,
    /// `why`, with the limit and the size where they are known.
    pub why: String,
    /// `kept`: the operator's own queue took it.
    pub kept: bool,
    /// `had_output`: the message had the job's output in it.
    pub had_output: bool,
}

/// What became of a result that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedeliveryState {
    /// This pass has not passed it on.
    Untried,
    /// It cannot be known yet whether it was passed on before; look again at that time.
    TooEarly(Timestamp),
    /// It has reached its queue at that time.
    Done(Timestamp),
    /// Its queue was gone again.
    Unroutable,
    /// Its queue refused it; offer it again at that time.
    Refused(Timestamp),
    /// Nothing is kept any more.
    Lost,
}

/// Whether the queues of a job that has ended were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// This process has not tried.
    Untried,
    /// Somebody consumed one of them at that time.
    Refused(Timestamp),
    /// They are gone.
    Done,
}

/// What the program last said of its progress.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressReport {
    /// 0 to 1.
    pub fraction: f64,
    /// What the program says it does.
    pub message: String,
    /// When the operator last heard it.
    pub heard: Timestamp,
    /// Whether the client has been told.
    pub sent: bool,
}

impl ProgressReport {
    /// What `line`, which came now, makes of the report `before` it. A client is not told the same again.
    #[must_use]
    pub fn after(before: Option<&Self>, line: ProgressLine, now: Timestamp) -> Self {
        let ProgressLine { progress: fraction, message } = line;
        let report = Self { fraction, message, heard: now, sent: false };
        let sent = before.is_some_and(|before| before.sent && before.says_the_same(&report));
        Self { sent, ..report }
    }

    /// Whether a client that was told `other` knows this.
    #[must_use]
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.fraction.to_bits() == other.fraction.to_bits() && self.message == other.message
    }
}

impl Observed {
    /// Takes in a newer version of the job, as the apiserver tells it.
    pub(crate) fn learn_job(&mut self, job: OmotesJob) {
        let pinned = job.status.as_ref().and_then(|status| status.workflow_revision.as_ref());
        if let (WorkflowSight::Current(revision), Some(_)) = (&self.workflow, pinned) {
            self.workflow = WorkflowSight::Pinned(Arc::clone(revision));
        }
        self.job = Arc::new(self.workflow.complete(job));
    }

    /// The job's identity on the wire.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        JobId::of(&self.job)
    }

    /// The job's UID.
    #[must_use]
    pub fn uid(&self) -> String {
        self.job.uid().unwrap_or_default()
    }

    /// The number of the current attempt, counted from 1.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        attempt_of(&self.job)
    }

    /// Whether a program of the job was seen running, in this attempt or an earlier one.
    #[must_use]
    pub(crate) fn was_running(&self) -> bool {
        let status = self.status();
        status.start_time.is_some() || status.attempts.iter().any(|attempt| attempt.start_time.is_some())
    }

    /// The status as stored; a job that has none has an empty one.
    #[must_use]
    pub fn status(&self) -> &OmotesJobStatus {
        static EMPTY: LazyLock<OmotesJobStatus> = LazyLock::new(OmotesJobStatus::default);
        self.job.status.as_ref().unwrap_or(&EMPTY)
    }

    /// The status to begin a new one with: as stored, with what this process has told the client since.
    pub(crate) fn new_status(&self) -> OmotesJobStatus {
        let mut status = self.status().clone();
        status.client_status = status.client_status.max(self.told);
        status
    }

    /// The phase as stored.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.job.status.as_ref().and_then(|status| status.phase)
    }

    /// Whether the job has ended and its status says so.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.job.has_ended()
    }

    /// Whether the job holds the operator's finalizer.
    #[must_use]
    pub(crate) fn has_finalizer(&self) -> bool {
        finalizers::has(&*self.job, names::FINALIZER_CLEANUP)
    }

    /// Whether the status says that the operator runs this job. Nothing else does: a user can write a finalizer.
    #[must_use]
    pub(crate) fn is_accepted(&self) -> bool {
        let said =
            self.job.status.as_ref().and_then(|status| condition::get(&status.conditions, ConditionType::Accepted));
        said.is_some_and(|said| said.status == "True")
    }

    /// Whether the job has yet to find out that the queue of its result is its own. Nobody else can have used one that is
    /// named after the resource's UID, and a job that was queued, or has or had a pod, has found it out.
    #[must_use]
    pub(crate) fn is_to_take_queue(&self) -> bool {
        let conditions = &self.status().conditions;
        let ready = condition::get(conditions, ConditionType::QueuesReady).is_some_and(|known| known.status == "True");
        let has_pod = self.own_pod().is_some() || names::chosen_pod(&self.job).is_some();
        self.job.spec.job_id.is_some() && !ready && !has_pod && self.attempt() == 1 && !self.was_running()
    }

    /// Whether the queue of the job's result is known to be another job's.
    #[must_use]
    pub(crate) fn is_queue_occupied(&self) -> bool {
        matches!(self.queues, Preparation::Occupied { .. })
    }

    /// When somebody asked for the job's deletion.
    #[must_use]
    pub fn deletion(&self) -> Option<Timestamp> {
        self.job.metadata.deletion_timestamp.as_ref().map(|time| time.0)
    }

    /// The current attempt, for its pod.
    #[must_use]
    pub fn current(&self) -> Attempt<'_> {
        self.numbered(self.attempt())
    }

    fn numbered(&self, number: i32) -> Attempt<'_> {
        let workflow = self.workflow.revision().map(|revision| revision.spec.type_name.as_str());
        Attempt { job: &self.job, number, workflow, slot_pool: self.slot_pool.as_deref() }
    }

    /// The queue that the courier's output goes to, where the job has a courier.
    #[must_use]
    pub fn output_queue(&self, settings: &Settings) -> Option<QueueDeclaration> {
        self.output_queue_of(self.attempt(), self.own_pod().map(|pod| &**pod), settings)
    }

    /// What that queue may be called, whichever key it was made with.
    #[must_use]
    pub fn output_queue_names(&self, settings: &Settings) -> Vec<String> {
        let names = || self.current().output_queue_names(settings);
        self.job.spec.courier().enabled.then(names).unwrap_or_default()
    }

    /// The same of the attempt with that number, whose pod this is.
    #[must_use]
    pub(crate) fn output_queue_of(
        &self,
        number: i32,
        pod: Option<&Pod>,
        settings: &Settings,
    ) -> Option<QueueDeclaration> {
        self.job.spec.courier().enabled.then(|| self.numbered(number).output_queue(pod, settings))
    }

    /// The name of the queue with the job's input, where it came over the broker.
    #[must_use]
    pub fn input_queue(&self, settings: &Settings) -> Option<String> {
        pods::input_queue(&self.job, &settings.keys)
    }

    /// The queue that keeps the job's result while its client's queue is gone.
    #[must_use]
    pub fn kept_queue(&self) -> QueueDeclaration {
        topology::kept_queue(&self.uid(), self.job.spec.queues.expire_after_seconds)
    }

    /// Whether the operator makes and removes the client's queues.
    #[must_use]
    pub(crate) fn owns_queues(&self) -> bool {
        self.job.spec.queues.declare == QueueDeclare::Ensure
    }
}

/// The number of the current attempt of `job`, counted from 1.
#[must_use]
pub fn attempt_of(job: &OmotesJob) -> i32 {
    job.status.as_ref().and_then(|status| status.attempt).unwrap_or(1)
}

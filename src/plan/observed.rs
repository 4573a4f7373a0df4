//! Everything that a decision may look at. Filled by the shell once a pass, the time included.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJob, OmotesJobStatus,
        names::{self, JobId},
        queues::QueueDeclare,
        status::Phase,
    },
    pods::{self, Attempt, Settings},
    topology::{self, QueueDeclaration},
    workflow::{Revision, seats::Seat},
};

/// What was seen of something: that it is there, that it is not there, or nothing at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight<T> {
    /// It is there.
    Known(T),
    /// It is known not to be there.
    Absent,
    /// It could not be looked at; nothing may be concluded from that.
    Unreachable,
}

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
    /// Whether there is a pod that waits for it.
    pub warm: WarmSight,
    /// The pod of the current attempt.
    pub pod: Sight<Arc<Pod>>,
    /// The pod of the attempt before, where there was one.
    pub former: Sight<Arc<Pod>>,
    /// Whether the broker can be used now.
    pub broker: BrokerSight,
    /// Whether the courier's Secret is known to be in the job's namespace.
    pub courier_secret: Preparation,
    /// What this process knows of the job's queues.
    pub queues: Preparation,
    /// Why the apiserver lately refused the job's pod.
    pub pod_refusal: Option<Refusal>,
    /// The output that the courier left with the broker. Looked at only when the job has ended.
    pub output: Sight<Bytes>,
    /// Whether the client has been told how the job ended.
    pub result: ResultSight,
    /// Whether the courier of a pod that had waited has told that the job's input is there.
    pub has_input: bool,
    /// The newest progress.
    pub progress: Option<ProgressReport>,
    /// Since when this process could hear progress. Means nothing while the broker is away.
    pub listening_since: Timestamp,
    /// What is known of the result queue of a job that has ended.
    pub result_queue: ResultQueue,
    /// Whether the queues of a job that has ended were removed.
    pub removal: Removal,
    /// What became of a result that was kept, when the operator last passed it on.
    pub redelivery: Redelivery,
    /// The pods of earlier attempts. Looked at only when they are to go.
    pub retained: Vec<Arc<Pod>>,
    /// What Kubernetes' Events say keeps the pod from starting. Looked at only when the start is overdue.
    pub trouble: Option<String>,
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
}

impl BrokerSight {
    /// Why nobody can be told anything, where that is so.
    #[must_use]
    pub fn obstacle(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Blocked(why) | Self::Unreachable(why) => Some(why),
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
}

/// A refusal that trying again at once would not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// A PascalCase fact, used as a condition's reason.
    pub reason: &'static str,
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
    /// It cannot be known yet; look again at that time.
    Unknown(Timestamp),
}

/// What is known of the result queue of a job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultQueue {
    /// Nothing yet.
    Unknown,
    /// The result waits in it.
    Unread,
    /// It is empty, as seen at that time.
    Read(Timestamp),
    /// It is not there any more.
    Gone {
        /// How it came to that.
        how: QueueEnd,
        /// When that happened, or was seen.
        at: Timestamp,
    },
}

/// How a queue came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueEnd {
    /// Its time to live was over.
    Expiry,
    /// The operator removed it.
    ByOperator,
    /// Another user of the broker did: the client that read its result.
    ByUser(String),
    /// Nobody told.
    Unknown,
}

/// What became of a result that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redelivery {
    /// This pass has not passed it on.
    Untried,
    /// It cannot be known yet whether it was passed on before; look again at that time.
    TooEarly(Timestamp),
    /// It has reached its queue at that time.
    Done(Timestamp),
    /// Its queue was gone again.
    Unroutable,
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
    /// When the operator heard it.
    pub heard: Timestamp,
    /// Whether the client has been told.
    pub sent: bool,
}

impl Observed {
    /// Takes in a newer version of the job, as the apiserver tells it.
    pub fn learn_job(&mut self, job: OmotesJob) {
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

    /// Whether a program of the job was seen running, in this attempt or an earlier one; then its client has heard so.
    #[must_use]
    pub fn was_running(&self) -> bool {
        let status = self.status();
        status.start_time.is_some() || status.attempts.iter().any(|attempt| attempt.start_time.is_some())
    }

    /// The status as stored; a job that has none has an empty one.
    #[must_use]
    pub fn status(&self) -> OmotesJobStatus {
        self.job.status.clone().unwrap_or_default()
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
    pub fn has_finalizer(&self) -> bool {
        self.job.finalizers().iter().any(|finalizer| finalizer == names::FINALIZER_CLEANUP)
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
        Attempt { job: &self.job, number, workflow }
    }

    /// The queue that the courier's output goes to, where the job has a courier.
    #[must_use]
    pub fn output_queue(&self, settings: &Settings) -> Option<QueueDeclaration> {
        self.output_queue_of(self.attempt(), settings)
    }

    /// The same of the attempt with that number.
    #[must_use]
    pub fn output_queue_of(&self, number: i32, settings: &Settings) -> Option<QueueDeclaration> {
        let spec = &self.job.spec;
        let capability = || self.numbered(number).capability(settings);
        spec.courier().enabled.then(|| topology::output_queue(&capability(), spec.queues.expire_after_seconds))
    }

    /// The name of the queue with the job's input, where it came over the broker.
    #[must_use]
    pub fn input_queue(&self, settings: &Settings) -> Option<String> {
        pods::input_queue(&self.job, &settings.capability_key)
    }

    /// The queue that keeps the job's result while its client's queue is gone.
    #[must_use]
    pub fn kept_queue(&self) -> QueueDeclaration {
        topology::kept_queue(&self.uid(), self.job.spec.queues.expire_after_seconds)
    }

    /// Whether the operator makes and removes the client's queues.
    #[must_use]
    pub fn owns_queues(&self) -> bool {
        self.job.spec.queues.declare == QueueDeclare::Ensure
    }
}

/// The number of the current attempt of `job`, counted from 1.
#[must_use]
pub fn attempt_of(job: &OmotesJob) -> i32 {
    job.status.as_ref().and_then(|status| status.attempt).unwrap_or(1)
}

//! Every effect that the operator can have, as a value.

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::{
    api::{OmotesJobStatus, Reason, status::ClientStatus},
    result::refused::KeptBecause,
    topology::QueueDeclaration,
    wire::JobStatus,
};

pub(crate) mod client;
pub(crate) mod pod;
pub(crate) mod queues;
pub(crate) mod wait;

/// One effect. The shell executes them in order and stops at the first that fails; the next pass plans anew.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Puts the operator's finalizer on the job. From here on something outside may exist.
    AddFinalizer,
    /// Puts the courier's credentials into the job's namespace.
    EnsureCourierSecret,
    /// Declares the queues that the operator makes, and renews the lease of those that the client made.
    EnsureQueues {
        /// Made by the operator, or made again.
        declare: Vec<QueueDeclaration>,
        /// Only looked at, which renews their lease; may be missing.
        renew: Vec<String>,
        /// The queue of the result, where the job has yet to find out that it is its own. While it is another job's nothing
        /// is done.
        takes: Option<QueueDeclaration>,
    },
    /// Tells the client a status, where it listens.
    PublishStatus {
        /// The job's status queue.
        queue: String,
        /// The job's identity on the wire.
        job_id: String,
        /// What to say.
        status: JobStatus,
    },
    /// Tells the client how far the job is, where it listens.
    PublishProgress {
        /// The job's progress queue.
        queue: String,
        /// The job's identity on the wire.
        job_id: String,
        /// 0 to 1.
        fraction: f64,
        /// What the program says it does.
        message: String,
    },
    /// Asks for a seat of the job's workflow; whether there is one is seen afterwards.
    TakeSeat,
    /// Asks for a pod that waits for a job; whether there is one is seen afterwards.
    TakeWarmPod,
    /// Gives a pod that waits to the job.
    AssignPod {
        /// The pod.
        name: String,
        /// The merge patch; it holds only for the pod as it was seen.
        patch: Value,
    },
    /// Notes something on the pod, which also has its kubelet look at it again.
    AnnotatePod {
        /// The pod.
        name: String,
        /// The merge patch.
        patch: Value,
    },
    /// Has the kubelet end what is left of the pod, whose main has ended, by lowering its `activeDeadlineSeconds`: so the pod
    /// and the logs of its containers stay.
    EndPod {
        /// The pod.
        name: String,
        /// The merge patch.
        patch: Value,
    },
    /// Writes the owner of the pod again, which someone removed.
    RestoreOwner {
        /// The pod.
        name: String,
        /// The merge patch.
        patch: Value,
    },
    /// Asks the apiserver for a pod that the watch does not show; what there is is seen afterwards.
    LookUpPod {
        /// The pod.
        name: String,
    },
    /// Makes the job's pod.
    CreatePod(Box<Pod>),
    /// Asks the kubelet to stop the pod.
    DeletePod {
        /// The pod.
        name: String,
        /// It must still be this one …
        uid: String,
        /// … and unchanged since it was looked at: it may have ended.
        resource_version: String,
        /// How long it has from SIGTERM to the kill; `None` is the pod's own time, which lets the courier flush.
        grace_seconds: Option<u32>,
    },
    /// Tells the client how the job ended; where its queue is gone or refuses it, keeps that for it.
    PublishResult(FinalMessage),
    /// Passes on a result that is kept. It stays kept until the status says that it has reached its queue.
    DeliverKept {
        /// The operator's queue that keeps it.
        kept: String,
        /// The job's result queue.
        queue: String,
        /// The same one as ever.
        message_id: String,
        /// Why it was kept.
        because: KeptBecause,
    },
    /// Stores the status.
    PatchStatus(Box<OmotesJobStatus>),
    /// Says something that a user must act on. Follows the status that says the same.
    Warn {
        /// What happened, in one word.
        reason: Reason,
        /// A sentence for people.
        note: String,
    },
    /// Takes the operator's finalizer off the pod: its exit codes are stored.
    ReleasePod {
        /// The pod.
        name: String,
        /// It must still be this one.
        uid: String,
    },
    /// Removes a queue of the operator's own: with the job's input, a courier's output, or a result that is kept.
    DeleteOwnQueue(String),
    /// Removes queues of the client that nobody consumes.
    DeleteClientQueues {
        /// Those that go with whatever is in them.
        queues: Vec<String>,
        /// Those that stay if a message is in them.
        if_empty: Vec<String>,
    },
    /// Removes the job, because its time to live is over.
    DeleteJob {
        /// It must still be this one …
        uid: String,
        /// … and unchanged: its time to live may have been raised.
        resource_version: String,
    },
    /// Lets the job go.
    RemoveFinalizer,
}

impl Step {
    /// Whether it may bring a large message into memory that is not there before.
    #[must_use]
    pub fn may_be_large(&self) -> bool {
        matches!(self, Self::DeliverKept { .. })
    }

    /// Whether it gives the job's input to its pod.
    #[must_use]
    pub(crate) fn brings_input(&self) -> bool {
        matches!(self, Self::CreatePod(_) | Self::AssignPod { .. })
    }

    /// Whether it may show a pod of the job that was not seen before: one that runs shows that no result was sent, and one
    /// that has ended needs to be asked about.
    #[must_use]
    pub(crate) fn finds_pod(&self) -> bool {
        matches!(self, Self::LookUpPod { .. } | Self::CreatePod(_) | Self::AssignPod { .. })
    }
}

/// The one message that says how the job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalMessage {
    /// The job's result queue.
    pub queue: String,
    /// The same one whenever the message is sent again.
    pub message_id: String,
    /// The `JobResult`.
    pub body: Bytes,
    /// Where it is kept if that queue is gone or refuses it.
    pub kept: QueueDeclaration,
    /// Whether the job's output is in it.
    pub has_output: bool,
}

/// What to do now, and when to look again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The effects, in order.
    pub steps: Vec<Step>,
    /// The nearest instant at which time alone changes the decision.
    pub wake: Option<Timestamp>,
}

impl Plan {
    /// Has each status say what the client was told by the steps before it.
    pub(crate) fn with_told(mut self) -> Self {
        let mut told = None;
        for step in &mut self.steps {
            match step {
                Step::PublishStatus { status, .. } => told = told.max(client_status(*status)),
                Step::PatchStatus(status) => status.client_status = status.client_status.max(told),
                _ => {}
            }
        }
        self
    }

    /// Nothing to do until something changes.
    #[must_use]
    pub fn idle() -> Self {
        Self::default()
    }

    /// Nothing to do before `wake`.
    #[must_use]
    pub fn wait(wake: Timestamp) -> Self {
        Self { steps: Vec::new(), wake: Some(wake) }
    }

    /// These effects, then plan again.
    #[must_use]
    pub fn steps(steps: Vec<Step>) -> Self {
        Self { steps, wake: None }
    }

    /// The same, looking again at `wake`, where there is one, at the latest.
    #[must_use]
    pub(crate) fn by_any(self, wake: Option<Timestamp>) -> Self {
        match wake {
            Some(wake) => self.by(wake),
            None => self,
        }
    }

    /// The same, looking again at `wake` at the latest.
    #[must_use]
    pub fn by(mut self, wake: Timestamp) -> Self {
        self.wake = Some(self.wake.map_or(wake, |earlier| earlier.min(wake)));
        self
    }
}

/// What a client that was sent `status` has heard of the way to its program.
#[must_use]
pub fn client_status(status: JobStatus) -> Option<ClientStatus> {
    match status {
        JobStatus::Enqueued => Some(ClientStatus::Enqueued),
        JobStatus::Running => Some(ClientStatus::Running),
        JobStatus::Registered | JobStatus::Finished | JobStatus::Cancelled => None,
    }
}

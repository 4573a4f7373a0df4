//! Every effect that the operator can have, as a value.

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::{api::OmotesJobStatus, topology::QueueDeclaration, wire::JobStatus};

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
    /// Tells the client how the job ended; where its queue is gone, keeps that for it.
    PublishResult(FinalMessage),
    /// Passes on a result that was kept, and forgets it once it has reached its queue.
    DeliverKept {
        /// The operator's queue that keeps it.
        kept: String,
        /// The job's result queue.
        queue: String,
        /// The same one as ever.
        message_id: String,
    },
    /// Stores the status.
    PatchStatus(Box<OmotesJobStatus>),
    /// Says something that a user must act on. Follows the status that says the same.
    Warn {
        /// A PascalCase fact.
        reason: &'static str,
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

/// The one message that says how the job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalMessage {
    /// The job's result queue.
    pub queue: String,
    /// The same one whenever the message is sent again.
    pub message_id: String,
    /// The `JobResult`.
    pub body: Bytes,
    /// Where it is kept if that queue is gone.
    pub kept: QueueDeclaration,
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
    pub fn by_any(self, wake: Option<Timestamp>) -> Self {
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

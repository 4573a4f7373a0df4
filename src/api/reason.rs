//! The reasons of conditions and Events, in one closed list with a sentence each.
//!
//! Ring: api. The README's table of reasons and the label `reason` of `omotes_warnings_total` are made from it. The
//! reasons of a waiting pod that the scheduler and the kubelet give are passed on as they are, and are not in it.

use std::{borrow::Cow, fmt};

use super::status::{AbortCause, TerminationCause};

/// Declares the reasons, their sentences and the list of all of them from one table.
macro_rules! reasons {
    ($($name:ident: $sentence:literal,)+) => {
        /// Why a condition holds or does not, or what an Event reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $sentence] $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the README's table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in `reason` of a condition or an Event.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What it means, in one sentence.
            #[cfg(test)]
            #[must_use]
            pub(crate) const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)+
                }
            }
        }
    };
}

// In alphabetical order, so that additions of different changes seldom meet.
reasons! {
    Aborted: "`spec.abort` or a deletion stopped the job.",
    Accepted: "The operator runs this job, or the workflow takes jobs.",
    Agreed: "Every workflow of the pool gives the same `spec.slots.max`.",
    ApiServerError: "The apiserver does not answer, or answers with an error; the message has its words.",
    ArgumentsDiffer: "A queue of the job exists with other arguments, which RabbitMQ cannot change.",
    AttemptDisrupted: "The cluster ended an attempt, which is not counted as a failure, and another one follows.",
    AttemptFailed: "An attempt failed and another one follows.",
    BrokerBlocked: "RabbitMQ takes no messages: it is short of memory or disk.",
    BrokerFailed: "RabbitMQ did not answer a request in time, or the connection broke.",
    BrokerLimitReached: "A limit of the vhost, such as `max-queues`, is reached.",
    BrokerRefused: "RabbitMQ refuses a request; the message has its words.",
    BrokerUnreachable: "RabbitMQ cannot be reached.",
    CleanupGivenUp: "The job was removed while RabbitMQ was unreachable: its queues are left to their TTL.",
    ClockSkew: "The clock of the pod's node is wrong by more than 5 s.",
    Completed: "The program exited with 0 and its output reached the broker.",
    Confirmed: "The broker confirmed the result.",
    ConfirmedLate: "The result was kept by the operator first and reached its queue later.",
    ConfirmedWithoutOutput: "No queue takes the result with its output: the broker confirmed an ERROR result without it.",
    Connected: "Messages of the job's courier arrive again.",
    CourierExposed: "The program shares its processes with the courier, and could stop it.",
    CourierNotConnected: "No message of the job's courier arrives: its progress and output do not reach the broker.",
    CredentialsUnreadable: "The operator cannot read the credentials that couriers get.",
    DeadlineExceeded: "The program ran for longer than a limit allows.",
    Declared: "The job's queues exist.",
    Disrupted: "The cluster ended the attempt, or another user deleted its pod.",
    DuplicateJobId: "`spec.jobId` belongs to an older job.",
    DuplicateTypeName: "`spec.typeName` belongs to an older workflow.",
    Ended: "The program has ended.",
    Error: "The program exited with another code than 0, or an init container failed.",
    Evicted: "The node evicted the pod.",
    Forbidden: "The operator lacks a permission.",
    HeartbeatWithoutCourier: "`spec.heartbeat` needs the courier, which is turned off.",
    InUse: "A queue of the job has a consumer, or a message that may be unread.",
    InlineEsdlTooLarge: "`spec.input.esdl.inline` is too large: use a ConfigMap or Secret.",
    InputMissing: "The input that the job refers to does not exist.",
    InternalError: "A fault of the operator; the message helps to report it.",
    Invalid: "The apiserver refuses an object, or does not find what it names; the message has its words.",
    InvalidParameters: "The parameters contradict those that the workflow declares, or its declaration contradicts itself.",
    KilledAfterGrace: "The program was stopped and had to be killed at the end of its grace period.",
    LimitTooLong: "A limit is longer than the workflow or the operator allows.",
    LimitsContradict: "Two limits of the job contradict each other.",
    Lost: "The result queue was gone, and the queue in which the operator kept the result is gone, too.",
    MaxDiffers: "The workflows of a pool give different `spec.slots.max`: the lowest holds.",
    MessagesRejected: "Messages of clients cannot be parsed, or carry no valid job UUID.",
    NamespaceTerminating: "The namespace is being deleted.",
    NeverStarted: "The program never ran.",
    NoInputAtBroker: "`spec.input.esdl.fromBroker` is for jobs that the gateway creates.",
    NoProgress: "The program reported no progress for longer than `spec.heartbeat.timeoutSeconds`.",
    NodeLost: "The pod's node did not confirm that the pod has stopped.",
    NotReady: "The job's queues are not declared yet.",
    NotStarted: "The program has not started yet.",
    NotWanted: "The workflow takes no jobs now, so its warm pool is empty.",
    OOMKilled: "The program ran out of memory: raise `resources.limits.memory`.",
    OutputLost: "The program succeeded, and its output did not reach the broker.",
    OutputRefused: "No queue takes the result with its output: the client gets an ERROR result without it.",
    OutputTooLarge: "The output is larger than the broker, or any queue for the result, takes.",
    OutputUnreadable: "The output is not UTF-8, not a plain file, or not readable by the courier.",
    ParametersTooLarge: "`spec.input.parameters` is too large: use the ESDL or a volume.",
    PodNameTaken: "Another pod has the name of the job's pod.",
    PodRefused: "Kubernetes refuses the pod; the message has its own words.",
    PodStarting: "The pod is bound to a node and starts.",
    PodsFail: "The pods of the warm pool fail; the message has the last failure.",
    PolicyDenied: "An admission webhook or policy denies an object; the message has its words.",
    ProbeOnMain: "A probe or hook of the main container makes the kubelet kill the program: use `spec.heartbeat`.",
    QueuesRemoved: "No queue of the job is left.",
    QuotaExceeded: "A ResourceQuota of the namespace is used up; the job goes on when it allows more.",
    Ready: "The workflow's jobs can start, or its warm pool is complete.",
    Refused: "The job was not accepted, or a policy changed the container of its program.",
    ResourcesRefused: "A LimitRange or ResourceQuota forbids requests or limits of a container.",
    ResultExpired: "The result was not read before its TTL was over.",
    ResultGivenUp: "The job was removed while RabbitMQ did not answer; the message says whether its client was told.",
    ResultGone: "The result left its queue without a delivery: a message TTL, a length limit or a purge removed it.",
    ResultLost: "The result queue was gone, and the queue in which the operator kept the result is gone, too.",
    ResultQueueDeleted: "The result queue was deleted before the result was read.",
    ResultQueueInUse: "The result queue is that of an earlier job with this jobId, whose result may be unread.",
    ResultRefused: "The result queue refuses the result; the message has the limit and the size.",
    ResultUnconfirmed: "Whether the result queue has the result is not known yet: the broker has not answered.",
    ResultUnroutable: "The result queue was gone when the result was published: the operator keeps the result.",
    Resumed: "`spec.suspend` is false again.",
    Retrying: "An attempt failed and another one follows; the message has both.",
    Seated: "The job has a seat of its workflow and waits for its pod.",
    SecretFailed: "The courier's Secret cannot be put into the namespace; the message has the error.",
    SecretNameTaken: "The courier's Secret cannot be put into the namespace: another Secret has its name.",
    SoftAborted: "The program was stopped and ended in its grace period.",
    StartDeadlineExceeded: "The program did not start within `spec.startDeadlineSeconds`.",
    Started: "The program runs.",
    Starting: "Pods of the warm pool are starting.",
    Suspended: "`spec.suspend` is true.",
    Terminated: "Every container of the job's pod has ended.",
    Unconfirmed: "The job has ended for its client, and its pod may still run on a node that does not answer.",
    Undecodable: "The operator cannot decode the resource and ignores it until it changes.",
    Unroutable: "The result queue was gone when the result was published.",
    WaitingForSeat: "Every seat of the workflow, or every slot of its pool, is taken.",
    WebhookFailed: "An admission webhook that must be asked cannot be called.",
    WorkflowNotAccepted: "The job's workflow is not accepted.",
    WorkflowNotFound: "The job's workflow does not exist.",
    WorkflowRevisionLost: "The ControllerRevision that the job was accepted with was removed.",
    WorkflowSuspended: "The job's workflow is suspended.",
}

impl Reason {
    /// Those of a pass over a job that fails. What shows one goes with the first pass that comes to rest.
    pub const FAILURES: [Self; 13] = [
        Self::ApiServerError,
        Self::BrokerFailed,
        Self::BrokerLimitReached,
        Self::BrokerRefused,
        Self::CredentialsUnreadable,
        Self::Forbidden,
        Self::InternalError,
        Self::Invalid,
        Self::NamespaceTerminating,
        Self::PolicyDenied,
        Self::QuotaExceeded,
        Self::ResourcesRefused,
        Self::WebhookFailed,
    ];

    /// Whether it may pass without a change of the job: it waits then, and is not stalled.
    #[must_use]
    pub fn waits(self) -> bool {
        use Reason::{ApiServerError, BrokerFailed, BrokerLimitReached, QuotaExceeded, WebhookFailed};
        matches!(self, ApiServerError | BrokerFailed | BrokerLimitReached | QuotaExceeded | WebhookFailed)
    }
}

impl AbortCause {
    /// The reason of the condition and the Event that report it.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::DeadlineExceeded => Reason::DeadlineExceeded,
            Self::StartDeadlineExceeded => Reason::StartDeadlineExceeded,
            Self::NoProgress => Reason::NoProgress,
            Self::Requested | Self::Deleted | Self::Suspended => Reason::Aborted,
        }
    }
}

impl TerminationCause {
    /// The reason of the condition that reports it.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Completed => Reason::Completed,
            Self::Error => Reason::Error,
            Self::OOMKilled => Reason::OOMKilled,
            Self::SoftAborted => Reason::SoftAborted,
            Self::KilledAfterGrace => Reason::KilledAfterGrace,
            Self::DeadlineExceeded => Reason::DeadlineExceeded,
            Self::NeverStarted => Reason::NeverStarted,
            Self::Evicted => Reason::Evicted,
            Self::Disrupted => Reason::Disrupted,
            Self::NodeLost => Reason::NodeLost,
            Self::OutputLost => Reason::OutputLost,
            Self::OutputUnreadable => Reason::OutputUnreadable,
            Self::OutputTooLarge => Reason::OutputTooLarge,
            Self::InputMissing => Reason::InputMissing,
            Self::Refused => Reason::Refused,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<Reason> for Cow<'static, str> {
    fn from(reason: Reason) -> Self {
        Cow::Borrowed(reason.as_str())
    }
}

impl PartialEq<Reason> for String {
    fn eq(&self, reason: &Reason) -> bool {
        self == reason.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "| reason | meaning |\n|---|---|\n";

    #[test]
    fn the_readme_has_every_reason_with_its_sentence() {
        let row = |known: &Reason| format!("| `{known}` | {} |\n", known.sentence());
        let table = Reason::ALL.iter().map(row).collect::<Vec<_>>().concat();
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once(BEGIN).expect("README.md has a table of reasons");
        let written = &rest[..rest.find("\n\n").map_or(rest.len(), |end| end + 1)];
        assert!(written == table, "the rows of README.md under \"| reason | meaning |\" are to be:\n{table}");
    }

    #[test]
    fn names_are_in_order_and_sentences_are_sentences() {
        assert!(Reason::ALL.is_sorted_by(|one, next| one.as_str() < next.as_str()));
        for reason in Reason::ALL {
            let sentence = reason.sentence();
            assert!(
                sentence.ends_with('.') && !sentence.contains('|') && sentence.len() <= 110,
                "{reason}: {sentence}"
            );
        }
    }
}

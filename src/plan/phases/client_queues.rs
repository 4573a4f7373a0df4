//! What becomes of a job's queues once the job has ended: its result is read, or it expires; then what is left of them goes.
//!
//! Nobody renews their lease from here on. The broker removes them when it is over; the operator does where the broker
//! began to count anew, because it was restarted.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        queues::QueueDeletionPolicy,
        status::{QueuesState, QueuesStatus},
        time::{after, whole_second},
    },
    plan::{
        facts::observed::{BrokerSight, Observed, Removal},
        phases::undelivered_results,
        status::ResultDelivery,
        steps::{Plan, Step, queues},
    },
    result::{QueueEnd, ResultQueue, read::Fate},
    topology,
};

/// How long the broker's statistics may be behind what clients do. A queue that is consumed may look unused until then, and
/// the broker would refuse its deletion and log that as a fault.
const STATISTICS_LAG: SignedDuration = SignedDuration::from_secs(6);
/// How much later than the broker the operator removes queues whose time to live is over.
const AGE_MARGIN: SignedDuration = SignedDuration::from_secs(10);
/// The shortest and the longest time between two attempts to remove queues that somebody consumes.
const SHORTEST_WAIT: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(600);
const KEPT: &str =
    "the result queue was gone when the result was published; the operator keeps the result until expireTime";
const REFUSED_KEPT: &str = "the result queue refuses the result; the operator keeps the result until expireTime";
const REFUSED: &str = "the result queue refuses the result, and so does the operator's own queue: there is no result";
const GIVEN_UP: &str = "the job had to go while the broker could not be used: there is no result";

/// Plans for the queues of a job that has ended.
pub(crate) fn plan(observed: &Observed) -> Plan {
    let status = observed.status();
    let Some(queues) = status.queues.as_ref().filter(|_| !observed.is_cleaned_up() && observed.has_finalizer()) else {
        return Plan::idle();
    };
    if let Some(plan) = undelivered_results::plan(observed) {
        return plan;
    }
    let fate = fate(observed, status, queues);
    let removal = removal_due(observed, queues, &fate).filter(|_| observed.broker == BrokerSight::Ready);
    match (removal, observed.removal) {
        (Some(due), _) if due > observed.now => tell(observed, queues, fate, None).by(due),
        (Some(_), Removal::Refused(at)) if observed.now < at + patience(observed, status) => {
            let why = "a queue of the job is consumed, or has a message that may be unread; the operator tries again";
            let in_use = ConditionUpdate::no(Reason::InUse, why);
            tell(observed, queues, fate, Some(in_use)).by(at + patience(observed, status))
        }
        (Some(_), Removal::Done) => {
            let gone = ConditionUpdate::yes(Reason::QueuesRemoved, "the queues of the job are gone");
            tell(observed, queues, at_last(observed, queues, fate), Some(gone))
        }
        (Some(_), Removal::Untried | Removal::Refused(_)) => Plan::steps(removal_of(observed, queues, &fate)),
        (None, _) => tell(observed, queues, fate, None),
    }
}

fn fate(observed: &Observed, status: &OmotesJobStatus, queues: &QueuesStatus) -> Fate {
    let stored = Fate { state: queues.state.unwrap_or_default(), reason: queues.reason.clone() };
    let open = matches!(stored.state, QueuesState::Ensured | QueuesState::Deleted);
    if open && status.kept_until().is_some_and(|until| until <= observed.now) {
        return Fate::of_end(&QueueEnd::Expiry, true);
    }
    let (ResultQueue::Read(at) | ResultQueue::Emptied(at) | ResultQueue::Gone { at, .. }) = &observed.result_queue
    else {
        return stored;
    };
    let published = status.result.as_ref().is_some_and(|result| result.routed);
    let old = observed.result_since().is_none_or(|since| *at < since);
    if !published || old || stored.state != QueuesState::Ensured {
        return stored;
    }
    match &observed.result_queue {
        ResultQueue::Gone { how, at } => Fate::of_end(how, is_overdue(observed, *at, queues)),
        ResultQueue::Emptied(_) => Fate::emptied(),
        ResultQueue::Read(_) | ResultQueue::Unread | ResultQueue::Unknown => {
            Fate { state: QueuesState::Consumed, reason: None }
        }
    }
}

/// Whether the queue's time to live was over at `at`. The broker counts from the lease, which may have been that old when
/// the result was published.
fn is_overdue(observed: &Observed, at: Timestamp, queues: &QueuesStatus) -> bool {
    queues.expire_time.as_ref().is_some_and(|due| at + queues::oldest_lease(observed) >= due.0)
}

/// From when on the queues may go, where that is known. Those of a client have a time to live of its own, and are left to
/// it in the end.
fn removal_due(observed: &Observed, queues: &QueuesStatus, fate: &Fate) -> Option<Timestamp> {
    let policy = observed.job.spec.queues.deletion_policy;
    let old = too_old_at(queues);
    if !observed.owns_queues() && old.is_some_and(|old| old <= observed.now) {
        return None;
    }
    let aged = || old.filter(|_| observed.owns_queues());
    match (policy, fate.state) {
        (QueueDeletionPolicy::Retain, _)
        | (QueueDeletionPolicy::AfterResultConsumed, QueuesState::Ensured | QueuesState::Gone) => aged(),
        (QueueDeletionPolicy::Delete | QueueDeletionPolicy::AfterResultConsumed, _) => {
            let ended = observed.status().completion_time.as_ref().map_or(observed.now, |time| time.0);
            Some(ended + STATISTICS_LAG)
        }
    }
}

/// When the queues are older than they may get, even if their broker counts anew.
fn too_old_at(queues: &QueuesStatus) -> Option<Timestamp> {
    queues.expire_time.as_ref().map(|due| due.0 + AGE_MARGIN)
}

/// A client that stays for days is not asked every few seconds whether it is still there.
fn patience(observed: &Observed, status: &OmotesJobStatus) -> SignedDuration {
    let ended = status.completion_time.as_ref().map_or(observed.now, |time| time.0);
    let tenth = observed.now.duration_since(ended).as_secs() / 10;
    SignedDuration::from_secs(tenth).clamp(SHORTEST_WAIT, LONGEST_WAIT)
}

/// A result that was read by the broker's count alone goes only if its queue is empty when the broker removes it.
fn removal_of(observed: &Observed, queues: &QueuesStatus, fate: &Fate) -> Vec<Step> {
    let all = topology::client_queues(observed.job_id().as_str());
    let aged = too_old_at(queues).is_some_and(|old| old <= observed.now);
    let unproven = (fate.is_counted() || observed.is_lost()) && !aged;
    let stays = |queue: &String| !observed.owns_queues() || unproven && topology::is_result_queue(queue);
    let (if_empty, queues) = all.into_iter().partition(stays);
    let kept = observed.may_keep_result().then(|| Step::DeleteOwnQueue(observed.kept_queue().name));
    kept.into_iter().chain([Step::DeleteClientQueues { queues, if_empty }]).collect()
}

/// What has become of a result that was there when the operator removed its queue.
fn at_last(observed: &Observed, queues: &QueuesStatus, fate: Fate) -> Fate {
    match fate.state {
        QueuesState::Ensured => Fate::of_end(&QueueEnd::ByOperator, is_overdue(observed, observed.now, queues)),
        QueuesState::Consumed | QueuesState::Expired | QueuesState::Deleted | QueuesState::Gone => fate,
    }
}

/// Stores what is news, and warns of a result that nobody will read.
fn tell(observed: &Observed, queues: &QueuesStatus, fate: Fate, cleaned_up: Option<ConditionUpdate>) -> Plan {
    let stored = observed.status();
    let before = condition::get(&stored.conditions, ConditionType::CleanedUp);
    let same = cleaned_up.as_ref().is_none_or(|verdict| before.is_some_and(|known| known.reason == verdict.reason));
    let Fate { state, reason } = fate;
    let changed = state != queues.state.unwrap_or_default();
    if same && !changed {
        return Plan::idle();
    }
    let lost = match state {
        QueuesState::Expired => Some(Reason::ResultExpired),
        QueuesState::Deleted if observed.job.spec.queues.deletion_policy != QueueDeletionPolicy::Delete => {
            Some(Reason::ResultQueueDeleted)
        }
        QueuesState::Gone => Some(Reason::ResultGone),
        QueuesState::Ensured | QueuesState::Consumed | QueuesState::Deleted => None,
    };
    let result = topology::result_queue(observed.job_id().as_str());
    let note = format!("queue {result}: {}", reason.as_deref().unwrap_or_default());
    let warning = lost.filter(|_| changed).map(|reason| Step::Warn { reason, note });
    let mut status = OmotesJobStatus {
        queues: Some(QueuesStatus { state: Some(state), reason, ..queues.clone() }),
        ..observed.new_status()
    };
    if let Some(verdict) = cleaned_up {
        observed.set(&mut status, ConditionType::CleanedUp, verdict);
    }
    Plan::steps([Step::PatchStatus(Box::new(status))].into_iter().chain(warning).collect())
}

impl Observed {
    /// Whether nothing of the job is left at the broker, and its status says so.
    #[must_use]
    pub fn is_cleaned_up(&self) -> bool {
        let conditions = &self.status().conditions;
        condition::get(conditions, ConditionType::CleanedUp).is_some_and(|known| known.status == "True")
    }

    /// What the status says of the queues when the result was delivered so.
    pub(crate) fn ended_queues(&self, delivery: &ResultDelivery) -> QueuesStatus {
        let (at, state, reason) = match delivery {
            ResultDelivery::Sent { at, routed: true } => (Some(*at), QueuesState::Ensured, None),
            ResultDelivery::Sent { at, routed: false } => (Some(*at), QueuesState::Deleted, Some(KEPT)),
            ResultDelivery::Refused(refused) if refused.kept => {
                (Some(refused.at), QueuesState::Ensured, Some(REFUSED_KEPT))
            }
            ResultDelivery::Refused(refused) => (Some(refused.at), QueuesState::Ensured, Some(REFUSED)),
            ResultDelivery::Withheld | ResultDelivery::GivenUp => (None, QueuesState::Deleted, Some(GIVEN_UP)),
        };
        let expire_time = at.map(|at| Time(after(whole_second(at), self.job.spec.queues.expire_after_seconds)));
        let names = topology::client_queues(self.job_id().as_str());
        QueuesStatus { names, state: Some(state), reason: reason.map(str::to_owned), expire_time }
    }
}

//! A result that reached nobody, because its client's queue was gone or refused it: it is kept until its own time to live is
//! over, and passed on when the queue is there again and takes it, or when somebody asks for that.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        names,
        queues::QueueDeletionPolicy,
        time::whole_second,
    },
    plan::{
        facts::observed::{BrokerSight, Observed, RedeliveryState},
        status::ResultDelivery,
        steps::{Plan, Step, queues},
    },
    result::{ResultQueue, refused::KeptBecause},
    topology,
};

const LOST: &str = "the result queue was gone, and the operator's own queue that kept the result is, too";

/// Plans for a result that is kept; `None` where none is.
pub(crate) fn plan(observed: &Observed) -> Option<Plan> {
    let until =
        observed.kept_until().filter(|_| observed.job.spec.queues.deletion_policy != QueueDeletionPolicy::Delete)?;
    match observed.redelivery {
        RedeliveryState::Done(at) => {
            // Kept until that is stored: a successor without a management API finds no other trace of it.
            let stored = Step::PatchStatus(Box::new(observed.delivered_status(at)));
            return Some(Plan::steps(vec![stored, Step::DeleteOwnQueue(observed.kept_queue().name)]));
        }
        RedeliveryState::Lost => {
            let note = LOST.to_owned();
            let stored = Step::PatchStatus(Box::new(observed.lost_status()));
            return Some(Plan::steps(vec![stored, Step::Warn { reason: Reason::ResultLost, note }]));
        }
        RedeliveryState::TooEarly(retry) => return Some(Plan::wait(retry.min(until))),
        RedeliveryState::Unroutable => return Some(Plan::wait(until)),
        RedeliveryState::Refused(retry) if observed.now < retry => return Some(Plan::wait(retry.min(until))),
        RedeliveryState::Untried | RedeliveryState::Refused(_) => {}
    }
    let asked = observed.job.annotations().contains_key(names::ANNOTATION_REPUBLISH_RESULT);
    let is_there =
        matches!(observed.result_queue, ResultQueue::Read(_) | ResultQueue::Emptied(_) | ResultQueue::Unread);
    if observed.broker != BrokerSight::Ready || !(asked || is_there) {
        return Some(Plan::wait(until));
    }
    let made = (asked && !is_there && observed.owns_queues()).then(|| queues::result_queue(observed));
    let deliver = Step::DeliverKept {
        kept: observed.kept_queue().name,
        queue: topology::result_queue(observed.job_id().as_str()),
        message_id: observed.result_message_id(),
        because: observed.kept_because(),
    };
    Some(Plan::steps(made.into_iter().chain([deliver]).collect()))
}

impl Observed {
    /// Whether the operator's queue may have a result of this job: one that reached nobody, or that was just passed on, or
    /// that a former leader kept before the broker refused all, or answered nothing any more.
    pub(crate) fn may_keep_result(&self) -> bool {
        let published = |reason| self.is_published_with(reason);
        let unknown = self.status().result.as_ref().is_some_and(|result| result.published_time.is_none());
        self.status().kept_until().is_some()
            || published(Reason::ConfirmedLate)
            || published(Reason::ResultRefused)
            || unknown && !published(Reason::ResultQueueInUse)
    }

    fn kept_because(&self) -> KeptBecause {
        if self.is_published_with(Reason::ResultRefused) { KeptBecause::Refused } else { KeptBecause::Unroutable }
    }

    /// Until when the operator keeps it.
    fn kept_until(&self) -> Option<Timestamp> {
        self.status().kept_until().filter(|until| self.now < *until && !self.is_cleaned_up())
    }

    /// From when on what happens to the result queue says something of the result in it.
    pub(crate) fn result_since(&self) -> Option<Timestamp> {
        let status = self.status();
        if self.is_published_with(Reason::ConfirmedLate) {
            return status.result.as_ref()?.published_time.as_ref().map(|time| time.0);
        }
        // When the result was found to be there after a crash, it may have been read before that.
        let exited = status.termination.as_ref().is_some_and(|end| end.exit_code.is_some());
        let ended = status.completion_time.clone().filter(|_| exited).or_else(|| self.job.creation_timestamp());
        ended.map(|time| time.0)
    }

    /// Whether the operator's queue lost a result that was kept, which may have been passed on.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_published_with(Reason::Lost)
    }

    fn is_published_with(&self, reason: Reason) -> bool {
        let conditions = &self.status().conditions;
        condition::get(conditions, ConditionType::ResultPublished).is_some_and(|known| known.reason == reason)
    }

    fn delivered_status(&self, at: Timestamp) -> OmotesJobStatus {
        let mut status = self.new_status();
        if let Some(result) = &mut status.result {
            result.routed = true;
            result.published_time = Some(Time(whole_second(at)));
        }
        status.queues = Some(self.ended_queues(&ResultDelivery::Sent { at, routed: true }));
        let told = "its queue was there again, and the broker confirmed the result";
        self.set(&mut status, ConditionType::ResultPublished, ConditionUpdate::yes(Reason::ConfirmedLate, told));
        status
    }

    fn lost_status(&self) -> OmotesJobStatus {
        let mut status = self.new_status();
        if let Some(queues) = &mut status.queues {
            queues.expire_time = None;
            queues.reason = Some(LOST.to_owned());
        }
        self.set(&mut status, ConditionType::ResultPublished, ConditionUpdate::no(Reason::Lost, LOST));
        status
    }
}

//! A result that reached nobody, because its client's queue was gone: it is kept until its own time to live is over, and
//! passed on when the queue is there again, or when somebody asks for that.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJobStatus,
        condition::{self, ConditionType, Verdict},
        names,
        queues::QueueDeletionPolicy,
    },
    limits::whole_second,
    topology,
};

use super::{
    observed::{BrokerSight, Observed, Redelivery, ResultQueue},
    start,
    step::{Plan, Step},
};

/// The reason of `ResultPublished` of a result that was passed on later than it was published first.
const CONFIRMED_LATE: &str = "ConfirmedLate";

const LOST: &str = "the result queue was gone, and the operator's own queue that kept the result is, too";

/// Plans for a result that is kept; `None` where none is.
pub(super) fn plan(observed: &Observed) -> Option<Plan> {
    let until =
        observed.kept_until().filter(|_| observed.job.spec.queues.deletion_policy != QueueDeletionPolicy::Delete)?;
    match observed.redelivery {
        Redelivery::Done(at) => {
            return Some(Plan::steps(vec![Step::PatchStatus(Box::new(observed.delivered_status(at)))]));
        }
        Redelivery::Lost => {
            let note = LOST.to_owned();
            let stored = Step::PatchStatus(Box::new(observed.lost_status()));
            return Some(Plan::steps(vec![stored, Step::Warn { reason: "ResultLost", note }]));
        }
        Redelivery::TooEarly(retry) => return Some(Plan::wait(retry.min(until))),
        Redelivery::Unroutable => return Some(Plan::wait(until)),
        Redelivery::Untried => {}
    }
    let asked = observed.job.annotations().contains_key(names::ANNOTATION_REPUBLISH_RESULT);
    let is_there = matches!(observed.result_queue, ResultQueue::Read(_) | ResultQueue::Unread);
    if observed.broker != BrokerSight::Ready || !(asked || is_there) {
        return Some(Plan::wait(until));
    }
    let made = (asked && !is_there && observed.owns_queues()).then(|| start::result_queue(observed));
    let deliver = Step::DeliverKept {
        kept: observed.kept_queue().name,
        queue: topology::result_queue(observed.job_id().as_str()),
        message_id: observed.result_message_id(),
    };
    Some(Plan::steps(made.into_iter().chain([deliver]).collect()))
}

impl Observed {
    /// Whether the result of this job reached nobody and was kept, perhaps until now.
    pub(super) fn has_kept_result(&self) -> bool {
        self.status().kept_until().is_some()
    }

    /// Until when the operator keeps it.
    fn kept_until(&self) -> Option<Timestamp> {
        self.status().kept_until().filter(|until| self.now < *until && !self.is_cleaned_up())
    }

    /// From when on what happens to the result queue says something of the result in it.
    pub(super) fn result_since(&self) -> Option<Timestamp> {
        let status = self.status();
        let late = condition::get(&status.conditions, ConditionType::ResultPublished)
            .is_some_and(|known| known.reason == CONFIRMED_LATE);
        if late {
            return status.result?.published_time.map(|time| time.0);
        }
        // When the result was found to be there after a crash, it may have been read before that.
        let exited = status.termination.is_some_and(|end| end.exit_code.is_some());
        let ended = status.completion_time.filter(|_| exited).or_else(|| self.job.creation_timestamp());
        ended.map(|time| time.0)
    }

    fn delivered_status(&self, at: Timestamp) -> OmotesJobStatus {
        let mut status = self.status();
        if let Some(result) = &mut status.result {
            result.routed = true;
            result.published_time = Some(Time(whole_second(at)));
        }
        status.queues = Some(self.ended_queues(Some(whole_second(at)), true));
        let told = "its queue was there again, and the broker confirmed the result";
        self.set(&mut status, ConditionType::ResultPublished, Verdict::yes(CONFIRMED_LATE, told));
        status
    }

    fn lost_status(&self) -> OmotesJobStatus {
        let mut status = self.status();
        if let Some(queues) = &mut status.queues {
            queues.expire_time = None;
            queues.reason = Some(LOST.to_owned());
        }
        self.set(&mut status, ConditionType::ResultPublished, Verdict::no("Lost", LOST));
        status
    }
}

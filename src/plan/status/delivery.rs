//! What the status says of a result that reached its queue, or did not.

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        status::Phase,
    },
    plan::{
        facts::observed::{BrokerSight, Observed, RefusedResult},
        status::ResultDelivery,
    },
    pods::Settings,
    topology,
};

/// What is said of a result whose queue is another job's.
pub(crate) const WITHHELD: &str =
    "the result queue is that of an earlier job with this jobId, whose result is unread: the client was not told";

impl Observed {
    /// What `ResultPublished` says of a result that was delivered so.
    pub(crate) fn published_verdict(&self, delivery: &ResultDelivery) -> ConditionUpdate {
        match (delivery, self.left_out_output()) {
            (ResultDelivery::Sent { routed: true, .. }, None) => {
                ConditionUpdate::yes(Reason::Confirmed, "the broker confirmed the result")
            }
            (ResultDelivery::Sent { routed: true, .. }, Some(why)) => ConditionUpdate::yes(
                Reason::ConfirmedWithoutOutput,
                format!("the broker confirmed the result, which tells the failure and has no output: {why}"),
            ),
            (ResultDelivery::Sent { routed: false, .. }, _) => {
                ConditionUpdate::no(Reason::Unroutable, "the result queue was gone: the result reached nobody")
            }
            (ResultDelivery::Refused(refused), _) => ConditionUpdate::no(Reason::ResultRefused, self.refusal(refused)),
            (ResultDelivery::Withheld, _) => ConditionUpdate::no(Reason::ResultQueueInUse, WITHHELD),
            (ResultDelivery::GivenUp, _) => {
                let silent = self.broker == BrokerSight::Ready;
                let reason = if silent { Reason::ResultUnconfirmed } else { self.broker.reason() };
                ConditionUpdate::no(reason, self.why_given_up())
            }
        }
    }

    /// Why nobody waits any longer for a result to reach its queue.
    pub(crate) fn why_given_up(&self) -> String {
        let seconds = self.job.spec.queues.cleanup_timeout_seconds;
        let (why, told) = match self.broker.obstacle() {
            Some(why) => (why, "the client was not told"),
            None => ("the result queue does not answer", "whether the client was told is not known"),
        };
        format!("the job was deleted and its cleanupTimeoutSeconds ({seconds}) are over: {why}; {told}")
    }

    /// That no queue takes the result, why, and what becomes of the result.
    pub(crate) fn refusal(&self, refused: &RefusedResult) -> String {
        let queue = topology::result_queue(self.job_id().as_str());
        let then = if refused.kept {
            format!(
                "The operator keeps the result for {} s, while the resource is there, and offers it again: raise the limit, or read what is in the queue",
                self.job.spec.queues.expire_after_seconds
            )
        } else {
            "The operator's own queue refuses it, too, so the client was not told: a policy that limits queues must spare jobs.* and omotes.kept.*".to_owned()
        };
        format!("{queue} refuses the result: {}. {then}", refused.why)
    }

    /// Why the output was left out of the result, as stored before that was sent.
    pub(crate) fn left_out_output(&self) -> Option<String> {
        let conditions = &self.status().conditions;
        let known = condition::get(conditions, ConditionType::ResultPublished)?;
        let left_out =
            [Reason::OutputRefused, Reason::ConfirmedWithoutOutput].iter().any(|reason| known.reason == *reason);
        left_out.then(|| known.message.clone())
    }

    /// The status of a job whose output no queue takes, stored before its client is told so.
    pub(crate) fn output_refused_status(&self, settings: &Settings, why: &str) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        status.phase = status.phase.or(Some(Phase::Running));
        self.set(&mut status, ConditionType::ResultPublished, ConditionUpdate::no(Reason::OutputRefused, why));
        status
    }
}

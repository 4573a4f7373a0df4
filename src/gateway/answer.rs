//! The answer to a submission that becomes no job: one result, as from a job.
//!
//! Ring: shell.

use jiff::Timestamp;
use tracing::{debug, info, warn};

use crate::{
    broker::{Outgoing, Routing},
    intake::{SubmissionRefusal, Tombstone},
    result::Evidence,
    topology::{result_queue, status_queue},
    wire::{JobResult, JobStatus, JobStatusUpdate, ResultType},
};

use super::{
    attempt::{SubmissionAttempt, SubmissionOutcome},
    delay::{Delay, broker_delay},
    shared::Gateway,
};

impl Gateway {
    /// Tells the client of `uuid` that its submission was cancelled.
    pub(super) async fn cancel(&self, uuid: &str, attempt: SubmissionAttempt<'_>) -> Result<SubmissionOutcome, Delay> {
        let said = "the job was deleted by its client before it began";
        self.answer(uuid, ResultType::Cancelled, said, attempt).await?;
        self.tombstones().put(uuid, Tombstone::Answered, self.clock.now());
        info!("a submission was deleted by its client before it came");
        Ok(SubmissionOutcome::Cancelled)
    }

    /// Tells the client of `uuid` why its submission cannot be a job.
    pub(super) async fn refuse(
        &self,
        uuid: &str,
        refusal: SubmissionRefusal,
        attempt: SubmissionAttempt<'_>,
    ) -> Result<SubmissionOutcome, Delay> {
        let SubmissionRefusal { reason, logs } = attempt.refused.note(refusal);
        self.answer(uuid, ResultType::Error, logs, attempt).await?;
        info!(reason = reason.as_str(), logs, "a submission was refused, and its client told why");
        Ok(SubmissionOutcome::Refused(*reason))
    }

    /// Tells the client of `uuid` how its job ended, unless somebody has. Where it does not listen nobody can be told.
    async fn answer(
        &self,
        uuid: &str,
        type_: ResultType,
        logs: &str,
        attempt: SubmissionAttempt<'_>,
    ) -> Result<(), Delay> {
        let (queue, message_id) = (result_queue(uuid), format!("{uuid}-answer"));
        if attempt.seen_before && self.was_answered(&queue, &message_id).await? {
            return Ok(());
        }
        if type_ == ResultType::Cancelled {
            let body = JobStatusUpdate::new(uuid, JobStatus::Cancelled).to_body();
            match self.broker.publish(&status_queue(uuid), Outgoing { body, message_id: None }).await {
                Err(error) if error.ends_update(&self.broker.state()) => {
                    self.metrics.count_refused("status", error.category());
                }
                told => drop(told.map_err(broker_delay("telling the client a status"))?),
            }
        }
        let body = JobResult::without_output(uuid, type_, logs).to_body();
        let message = Outgoing { body, message_id: Some(message_id) };
        match self.broker.publish_result(&queue, message).await {
            Ok(routing) => debug!(queue, routed = routing == Routing::Routed, "answered a submission"),
            Err(error) => {
                let category = error.category();
                let obstacle = attempt.answer_nacks.obstacle(error, self.clock.now());
                let obstacle = obstacle.map_err(broker_delay("telling the client how its job ended"))?;
                // Nothing keeps it, for there is no job.
                self.metrics.count_refused("result", category);
                warn!(queue, %obstacle, "the client of a submission cannot be answered");
            }
        }
        Ok(())
    }

    async fn was_answered(&self, queue: &str, message_id: &str) -> Result<bool, Delay> {
        let evidence = self.broker.result_evidence(queue, message_id, Timestamp::UNIX_EPOCH).await;
        match evidence.map_err(broker_delay("asking whether the client was answered"))? {
            Evidence::Published => Ok(true),
            Evidence::NotPublished | Evidence::QueueGone | Evidence::Unavailable => Ok(false),
            Evidence::Unknown { .. } => Err(Delay::TooEarly),
        }
    }
}

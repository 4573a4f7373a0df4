//! The answer to a submission that becomes no job: one result, as from a job.
//!
//! Ring: shell.

use jiff::Timestamp;
use tracing::debug;

use crate::{
    broker::{Evidence, Outgoing},
    topology::{result_queue, status_queue},
    wire::{JobResult, JobStatus, JobStatusUpdate, ResultType},
};

use super::{Delay, Gateway, broker_delay};

impl Gateway {
    /// Tells the client of `uuid` how its job ended, unless somebody has. Where it does not listen nobody can be told.
    pub(super) async fn answer(
        &self,
        uuid: &str,
        type_: ResultType,
        logs: &str,
        seen_before: bool,
    ) -> Result<(), Delay> {
        let queue = result_queue(uuid);
        if seen_before && self.was_answered(&queue).await? {
            return Ok(());
        }
        if type_ == ResultType::Cancelled {
            let body = JobStatusUpdate::new(uuid, JobStatus::Cancelled).to_body();
            let told = self.context.broker.publish(&status_queue(uuid), Outgoing { body, message_id: None }).await;
            told.map_err(broker_delay("telling the client a status"))?;
        }
        let body = JobResult::without_output(uuid, type_, logs).to_body();
        let message = Outgoing { body, message_id: Some(format!("{uuid}-answer")) };
        let told = self.context.broker.publish_result(&queue, message).await;
        let routing = told.map_err(broker_delay("telling the client how its job ended"))?;
        debug!(queue, ?routing, "answered a submission");
        Ok(())
    }

    async fn was_answered(&self, queue: &str) -> Result<bool, Delay> {
        let evidence = self.context.broker.result_evidence(queue, Timestamp::UNIX_EPOCH).await;
        match evidence.map_err(broker_delay("asking whether the client was answered"))? {
            Evidence::Published => Ok(true),
            Evidence::NotPublished | Evidence::QueueGone | Evidence::Unavailable => Ok(false),
            Evidence::Unknown { .. } => Err(Delay::TooEarly),
        }
    }
}

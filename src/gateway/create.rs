//! The job of a submission: its input goes to the broker, then the job to the apiserver.
//!
//! Ring: shell.
//!
//! Guarantees: a job whose input is at the broker is there only after its input, and where the job is not made in the end
//! its input is removed. An input that a crash leaves behind goes by its time to live, or by the sweep.

use std::sync::Arc;

use jiff::Timestamp;
use kube::{
    ResourceExt,
    api::{DeleteParams, Preconditions},
    core::Status,
};
use tracing::info;

use crate::{
    api::OmotesJob,
    broker::DeleteCondition,
    controller::as_operator,
    intake::{Poison, Refusal, RefusalReason, Rejection, Standing, Tombstone},
    topology::{self, QueueDeclaration},
    wire::JobSubmission,
};

use super::{
    Delay, Gateway, broker_delay, kube_delay,
    submissions::{Outcome, standing_of},
};

/// Whether the apiserver, or an admission webhook, will not take this job however often it is asked.
fn is_refusal(status: &Status) -> bool {
    matches!(status.code, 400 | 422) || (status.code == 403 && status.message.starts_with("admission webhook"))
}

impl Gateway {
    /// Stores `job` and what it reads.
    pub(super) async fn create(
        &self,
        submission: &JobSubmission,
        job: &OmotesJob,
        seen_before: bool,
    ) -> Result<Outcome, Delay> {
        let queue = self.input_queue(&submission.uuid);
        let stored = self.context.broker.store(&queue, submission.esdl.clone()).await;
        stored.map_err(broker_delay("putting the job's input to the broker"))?;
        match self.context.jobs_in(&self.placement.namespace).create(&as_operator(), job).await {
            Ok(job) => self.created(job).await,
            Err(kube::Error::Api(status)) if status.is_already_exists() => self.was_there(&queue, job).await,
            Err(kube::Error::Api(status)) if is_refusal(&status) => {
                self.remove(&queue).await?;
                let logs = format!("the job cannot be made: {}", status.message);
                self.refuse(&submission.uuid, Refusal { reason: RefusalReason::JobRefused, logs }, seen_before).await
            }
            Err(error) => Err(kube_delay("storing the job")(error)),
        }
    }

    fn input_queue(&self, uuid: &str) -> QueueDeclaration {
        let key = &self.context.settings.capability_key;
        topology::input_queue(&key.input_capability(&self.placement.namespace, uuid))
    }

    /// A job of that name was made by another process that has just ended, or by somebody else.
    async fn was_there(&self, queue: &QueueDeclaration, wanted: &OmotesJob) -> Result<Outcome, Delay> {
        let jobs = self.context.jobs_in(&self.placement.namespace);
        let job = jobs.get(&wanted.name_any()).await;
        let job = job.map_err(kube_delay("looking at the job that is there already"))?;
        let ended = job.has_ended();
        let standing = standing_of(&job);
        if ended || standing != Standing::Stored {
            self.remove(queue).await?;
        }
        if standing == Standing::Stored {
            self.delete_if_marked(&job).await?;
        }
        let poison =
            Rejection { poison: Poison::UuidTaken, detail: format!("OmotesJob {} has another id", job.name_any()) };
        self.context.learn(&Arc::new(job));
        Ok(if standing == Standing::Stored { Outcome::Stored } else { Outcome::Rejected(poison) })
    }

    async fn created(&self, job: OmotesJob) -> Result<Outcome, Delay> {
        info!("stored the job of a submission");
        let job = Arc::new(job);
        self.context.learn(&job);
        // The cache knows it from here on, so a deletion finds it there, or has left its mark before.
        self.delete_if_marked(&job).await?;
        Ok(Outcome::Created)
    }

    /// Deletes a job whose deletion overtook its submission.
    async fn delete_if_marked(&self, job: &OmotesJob) -> Result<(), Delay> {
        let tombstone = self.tombstones().of(&job.name_any(), Timestamp::now());
        if tombstone == Some(Tombstone::Unanswered) {
            self.delete(job).await?;
        }
        Ok(())
    }

    /// A submission whose job is there already, perhaps from an earlier attempt that did not come to its end.
    pub(super) async fn stored(&self, uuid: &str) -> Result<Outcome, Delay> {
        if self.tombstones().of(uuid, Timestamp::now()) == Some(Tombstone::Unanswered) {
            let job = self.context.jobs_in(&self.placement.namespace).get_opt(uuid).await;
            if let Some(job) = job.map_err(kube_delay("looking at the job that is to be deleted"))? {
                self.delete_if_marked(&job).await?;
            }
        }
        Ok(Outcome::Stored)
    }

    /// Removes the input that an earlier attempt may have left, now that there will be no job.
    pub(super) async fn forget_input(&self, uuid: &str) -> Result<(), Delay> {
        self.remove(&self.input_queue(uuid)).await
    }

    /// Deletes a job, which tells its client. One that is gone already is deleted, too.
    pub(super) async fn delete(&self, job: &OmotesJob) -> Result<(), Delay> {
        let exactly = Preconditions { uid: job.uid(), resource_version: None };
        let how = DeleteParams { preconditions: Some(exactly), ..DeleteParams::default() };
        match self.context.jobs_in(&self.placement.namespace).delete(&job.name_any(), &how).await {
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            deleted => drop(deleted.map_err(kube_delay("deleting the job"))?),
        }
        self.tombstones().put(&job.name_any(), Tombstone::Answered, Timestamp::now());
        Ok(())
    }

    async fn remove(&self, queue: &QueueDeclaration) -> Result<(), Delay> {
        let removed = self.context.broker.delete_queue(&queue.name, DeleteCondition::Always).await;
        removed.map(drop).map_err(broker_delay("removing an input that no job reads"))
    }
}

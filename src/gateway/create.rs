//! The job of a submission: its input goes to the broker, then the job to the apiserver.
//!
//! Ring: shell.
//!
//! Guarantees: a job whose input is at the broker is there only after its input, and where the job is not made in the end
//! its input is removed. An input that a crash leaves behind goes by its time to live, or by the sweep.

use std::sync::Arc;

use bytes::Bytes;
use kube::{ResourceExt, core::Status};
use tracing::{info, warn};

use crate::{
    api::OmotesJob,
    broker::DeleteCondition,
    denial::Denial,
    intake::{self, Poison, RefusalReason, RejectedMessage, SubmissionRefusal, Tombstone, UuidState},
    result::Obstacle,
    topology::{self, QueueDeclaration},
    wire::{JobSubmission, NONCE_BYTES},
};

use super::{
    attempt::{SubmissionAttempt, SubmissionOutcome},
    delay::{Delay, broker_delay, kube_delay},
    line::Number,
    shared::Gateway,
    standing::standing_of,
};

impl Gateway {
    /// Stores `job` and what it reads.
    pub(super) async fn create(
        &self,
        submission: &JobSubmission,
        job: &OmotesJob,
        attempt: SubmissionAttempt<'_>,
    ) -> Result<SubmissionOutcome, Delay> {
        if attempt.number.is_room_scarce()
            && let Some(refusal) = self.look_for_room(job, attempt.number).await?
        {
            return self.refuse(&submission.uuid, refusal, attempt).await;
        }
        let queue = self.input_queue(&submission.uuid);
        let job = &*Box::new(intake::sealed_by(job.clone(), self.key.id()));
        if let Err(error) = self.broker.store(&queue, self.seal(submission)?).await {
            let obstacle = attempt.input_nacks.obstacle(error, self.clock.now());
            let obstacle = obstacle.map_err(broker_delay("putting the job's input to the broker"))?;
            self.remove(&queue).await?;
            return self.refuse(&submission.uuid, input_refused(submission.esdl.len(), &obstacle), attempt).await;
        }
        match self.jobs.create(job).await {
            Ok(job) => self.created(job).await,
            Err(kube::Error::Api(status)) if status.is_already_exists() => self.was_there(&queue, job).await,
            Err(kube::Error::Api(status)) if is_refusal(&status) => {
                self.remove(&queue).await?;
                self.refuse(&submission.uuid, job_refused(&status.message), attempt).await
            }
            Err(error) => {
                let delay = kube_delay("storing the job")(error);
                if matches!(delay, Delay::NoRoom(_)) {
                    self.remove(&queue).await?;
                }
                Err(delay)
            }
        }
    }

    /// Asks, without storing anything, whether the apiserver would take `job`, while some submission waits for room: what is
    /// refused is refused at once, and all else waits for its turn.
    async fn look_for_room(&self, job: &OmotesJob, number: &Number) -> Result<Option<SubmissionRefusal>, Delay> {
        match self.jobs.try_to_create(job).await {
            Err(kube::Error::Api(status)) => match Denial::of(&status) {
                Some(Denial::Policy) => return Ok(Some(job_refused(&status.message))),
                // With 400 a webhook may refuse the trial, and not the job.
                Some(Denial::Invalid) if status.code == 422 => return Ok(Some(job_refused(&status.message))),
                Some(Denial::Quota) => return Err(Delay::NoRoom(status.message)),
                _ => {}
            },
            tried => drop(tried.map_err(kube_delay("asking whether there is room for the job"))?),
        }
        if number.is_first() { Ok(None) } else { Err(Delay::NoRoom("an earlier submission waits for room".to_owned())) }
    }

    /// The ESDL as only the couriers of the jobs' namespace can read it.
    fn seal(&self, submission: &JobSubmission) -> Result<Bytes, Delay> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Delay::Random)?;
        Ok(self.key.seal_input(&submission.uuid, &submission.esdl, nonce).into())
    }

    fn input_queue(&self, uuid: &str) -> QueueDeclaration {
        topology::input_queue(&self.key.input_label(uuid))
    }

    /// A job of that name was made by another process that has just ended, or by somebody else.
    async fn was_there(&self, queue: &QueueDeclaration, wanted: &OmotesJob) -> Result<SubmissionOutcome, Delay> {
        let job = self.jobs.read(&wanted.name_any()).await;
        let job = job.map_err(kube_delay("looking at the job that is there already"))?;
        let ended = job.has_ended();
        let standing = standing_of(&job);
        if ended || standing != UuidState::Stored {
            self.remove(queue).await?;
        }
        if standing == UuidState::Stored {
            self.delete_if_marked(&job).await?;
        }
        let rejection = RejectedMessage::new(Poison::UuidTaken, format!("OmotesJob {} has another id", job.name_any()));
        self.jobs.learn(&Arc::new(job));
        Ok(if standing == UuidState::Stored {
            SubmissionOutcome::Stored
        } else {
            SubmissionOutcome::Rejected(rejection)
        })
    }

    async fn created(&self, job: OmotesJob) -> Result<SubmissionOutcome, Delay> {
        info!("stored the job of a submission");
        let job = Arc::new(job);
        self.jobs.learn(&job);
        // The cache knows it from here on, so a deletion finds it there, or has left its mark before.
        self.delete_if_marked(&job).await?;
        Ok(SubmissionOutcome::Created)
    }

    /// Deletes a job whose deletion overtook its submission.
    async fn delete_if_marked(&self, job: &OmotesJob) -> Result<(), Delay> {
        let tombstone = self.tombstones().of(&job.name_any(), self.clock.now());
        if tombstone == Some(Tombstone::Unanswered) {
            self.delete(job).await?;
        }
        Ok(())
    }

    /// A submission whose job is there already, perhaps from an earlier attempt that did not come to its end.
    pub(super) async fn stored(&self, uuid: &str) -> Result<SubmissionOutcome, Delay> {
        if self.tombstones().of(uuid, self.clock.now()) == Some(Tombstone::Unanswered) {
            let job = self.jobs.look_up(uuid).await;
            if let Some(job) = job.map_err(kube_delay("looking at the job that is to be deleted"))? {
                self.delete_if_marked(&job).await?;
            }
        }
        Ok(SubmissionOutcome::Stored)
    }

    /// Removes the input that an earlier attempt may have left, now that there will be no job.
    pub(super) async fn forget_input(&self, uuid: &str) -> Result<(), Delay> {
        self.remove(&self.input_queue(uuid)).await
    }

    /// Deletes a job, which tells its client. One that is gone already is deleted, too. One that the apiserver refuses to
    /// delete goes on, and the apiserver's words are returned.
    pub(super) async fn delete(&self, job: &OmotesJob) -> Result<Option<String>, Delay> {
        match self.jobs.delete(job).await {
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(kube::Error::Api(status)) if is_refusal(&status) => {
                warn!(name = job.name_any(), reason = status.message, "a deletion is refused; the job goes on");
                self.tombstones().remove(&job.name_any());
                return Ok(Some(status.message));
            }
            deleted => drop(deleted.map_err(kube_delay("deleting the job"))?),
        }
        self.tombstones().put(&job.name_any(), Tombstone::Answered, self.clock.now());
        Ok(None)
    }

    async fn remove(&self, queue: &QueueDeclaration) -> Result<(), Delay> {
        let removed = self.broker.delete_queue(&queue.name, DeleteCondition::Always).await;
        removed.map(drop).map_err(broker_delay("removing an input that no job reads"))
    }
}

/// Whether the apiserver, or a policy, refuses the object as it is.
fn is_refusal(status: &Status) -> bool {
    Denial::of(status).is_some_and(Denial::is_of_the_object)
}

fn job_refused(words: &str) -> SubmissionRefusal {
    SubmissionRefusal::new(RefusalReason::JobRefused, format!("the job cannot be made: {words}"))
}

fn input_refused(bytes: usize, obstacle: &Obstacle) -> SubmissionRefusal {
    let logs = format!("the broker does not take the ESDL of {bytes} bytes: {obstacle}");
    SubmissionRefusal::new(RefusalReason::InputRefused, logs)
}

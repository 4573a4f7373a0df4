//! Submissions: read, judged, and stored or answered, a few at a time.
//!
//! Ring: shell.

use futures::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::Instant;
use tracing::{Instrument as _, info, info_span};

use crate::{
    api::{OmotesJob, names::JobId},
    broker::{BrokerError, Inbox, Incoming},
    intake::{self, Facts, Refusal, RefusalReason, Rejection, Standing, Tombstone, Verdict},
    topology::{ClientQueue, result_queue},
    wire::{JobSubmission, ResultType},
};

use super::{Delay, Gateway, kube_delay, persist};

/// What became of a submission.
pub(super) enum Outcome {
    /// Its job is stored.
    Created,
    /// It was taken before.
    Stored,
    /// Its client was told that it was cancelled.
    Cancelled,
    /// Its client was told why it cannot be.
    Refused(RefusalReason),
    /// Nobody was told.
    Rejected(Rejection),
}

/// Takes submissions until the consumer ends. What is here at once is bounded by the prefetch.
pub(super) async fn hear(gateway: &Gateway, mut inbox: Inbox) -> BrokerError {
    let mut in_hand = FuturesUnordered::new();
    loop {
        let taken = tokio::select! {
            message = inbox.next() => message.map(|message| in_hand.push(take(gateway, message))),
            Some(taken) = in_hand.next() => taken,
        };
        if let Err(error) = taken {
            return error;
        }
    }
}

async fn take(gateway: &Gateway, message: Incoming) -> Result<(), BrokerError> {
    let received = Instant::now();
    let _waiting = gateway.context.metrics.submission_waits();
    let submission = match intake::read_submission(message.body.clone()) {
        Ok(submission) => submission,
        Err(rejection) => return gateway.reject(ClientQueue::Submissions, message, &rejection).await,
    };
    let mut seen_before = message.redelivered;
    let settling = persist("a submission", || {
        let seen = std::mem::replace(&mut seen_before, true);
        attempt(gateway, &submission, seen)
    });
    let outcome = settling.instrument(info_span!("submission", id = submission.uuid)).await;
    if let Outcome::Rejected(rejection) = outcome {
        return gateway.reject(ClientQueue::Submissions, message, &rejection).await;
    }
    gateway.note(&outcome, received);
    message.done().await
}

/// One attempt to do what a submission asks for. `seen_before`: somebody may have acted on it.
async fn attempt(gateway: &Gateway, submission: &JobSubmission, seen_before: bool) -> Result<Outcome, Delay> {
    let _turn = gateway.turn(&submission.uuid).ok_or(Delay::InHand)?;
    let standing = gateway.standing(&submission.uuid, seen_before).await?;
    let tombstone = gateway.tombstones().of(&submission.uuid, Timestamp::now());
    let workflows = gateway.workflows();
    let time_to_live_ms = gateway.context.broker.time_to_live_ms(&result_queue(&submission.uuid)).await;
    let facts = Facts { standing, tombstone, time_to_live_ms, workflows: &workflows };
    let verdict = intake::judge(submission, facts, &gateway.placement);
    let no_job = matches!(verdict, Verdict::Cancelled | Verdict::Refused(_) | Verdict::Rejected(_));
    if seen_before && no_job && standing == Standing::New {
        gateway.forget_input(&submission.uuid).await?;
    }
    match verdict {
        Verdict::Create(job) => gateway.create(submission, &job, seen_before).await,
        Verdict::Stored => gateway.stored(&submission.uuid).await,
        Verdict::Cancelled => gateway.cancel(&submission.uuid, seen_before).await,
        Verdict::Refused(refusal) => gateway.refuse(&submission.uuid, refusal, seen_before).await,
        Verdict::Rejected(rejection) => Ok(Outcome::Rejected(rejection)),
    }
}

impl Gateway {
    /// Whose a uuid is. The cache has every job that this process made; one that another process made just before it ended
    /// may not be there yet.
    async fn standing(&self, uuid: &str, seen_before: bool) -> Result<Standing, Delay> {
        if let Some(holder) = self.context.claims.holder(uuid) {
            let ours = holder.namespace.as_deref() == Some(&self.placement.namespace);
            let job = self.context.jobs.get(&self.placement.namespace, &holder.name).filter(|_| ours);
            return Ok(job.as_deref().map_or(Standing::Taken, standing_of));
        }
        if let Some(job) = self.context.jobs.get(&self.placement.namespace, uuid) {
            return Ok(standing_of(&job));
        }
        if !seen_before {
            return Ok(Standing::New);
        }
        let jobs = self.context.jobs_in(&self.placement.namespace);
        let job = jobs.get_opt(uuid).await.map_err(kube_delay("looking whether the job is there already"))?;
        Ok(job.as_ref().map_or(Standing::New, standing_of))
    }

    async fn cancel(&self, uuid: &str, seen_before: bool) -> Result<Outcome, Delay> {
        let said = "the job was deleted by its client before it began";
        self.answer(uuid, ResultType::Cancelled, said, seen_before).await?;
        self.tombstones().put(uuid, Tombstone::Answered, Timestamp::now());
        info!("a submission was deleted by its client before it came");
        Ok(Outcome::Cancelled)
    }

    pub(super) async fn refuse(&self, uuid: &str, refusal: Refusal, seen_before: bool) -> Result<Outcome, Delay> {
        let Refusal { reason, logs } = refusal;
        self.answer(uuid, ResultType::Error, &logs, seen_before).await?;
        info!(reason = reason.as_str(), logs, "a submission was refused, and its client told why");
        Ok(Outcome::Refused(reason))
    }

    fn note(&self, outcome: &Outcome, received: Instant) {
        let metrics = &self.context.metrics;
        match outcome {
            Outcome::Created => {
                metrics.observe_intake(received.elapsed());
                metrics.count_submission("Created", "");
            }
            Outcome::Stored => metrics.count_submission("Stored", ""),
            Outcome::Cancelled => metrics.count_submission("Cancelled", ""),
            Outcome::Refused(reason) => metrics.count_submission("Refused", reason.as_str()),
            // Counted with the message that was rejected.
            Outcome::Rejected(_) => {}
        }
    }
}

/// Whose `job` is: one that came over AMQP is named by its uuid, and reads its input at the broker.
pub(super) fn standing_of(job: &OmotesJob) -> Standing {
    let esdl = job.spec.input.as_ref().and_then(|input| input.esdl.as_ref());
    let came = esdl.is_some_and(|esdl| esdl.from_broker.is_some()) && JobId::of(job).as_str() == job.name_any();
    if came { Standing::Stored } else { Standing::Taken }
}

//! Submissions: read, judged, and stored or answered, a few at a time.
//!
//! Ring: shell.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::{Instrument as _, info_span};

use crate::{
    broker::{BrokerError, Incoming},
    intake::{self, Facts, SubmissionVerdict, UuidState},
    topology::{ClientQueue, result_queue},
    wire::JobSubmission,
};

use super::{
    attempt::{NackCount, Refused, SubmissionAttempt, SubmissionOutcome},
    delay::Delay,
    line::Place,
    patience::Patience,
    shared::Gateway,
};

/// Takes a submission.
pub(super) async fn take(gateway: Arc<Gateway>, message: Incoming, place: Place) -> Result<(), BrokerError> {
    let received = Instant::now();
    let _waiting = gateway.metrics.submission_waits();
    let submission = match intake::read_submission(message.body.clone()) {
        Ok(submission) => submission,
        Err(rejection) => return gateway.reject(ClientQueue::Submissions, message, &rejection).await,
    };
    let outcome = settle(&gateway, &submission, message.redelivered, place)
        .instrument(info_span!("submission", id = submission.uuid))
        .await;
    if let SubmissionOutcome::Rejected(rejection) = outcome {
        return gateway.reject(ClientQueue::Submissions, message, &rejection).await;
    }
    gateway.note(&outcome, received);
    message.done().await
}

async fn settle(gateway: &Gateway, submission: &JobSubmission, redelivered: bool, place: Place) -> SubmissionOutcome {
    let mut seen_before = redelivered;
    let number = place.number().clone();
    let (input_nacks, answer_nacks, refused) = <(NackCount, NackCount, Refused)>::default();
    let mut patience = Patience::new(gateway, place);
    let settled = patience.persist("a submission", || {
        let seen_before = std::mem::replace(&mut seen_before, true);
        let attempt = SubmissionAttempt {
            seen_before,
            number: &number,
            input_nacks: &input_nacks,
            answer_nacks: &answer_nacks,
            refused: &refused,
        };
        try_once(gateway, submission, attempt)
    });
    settled.await
}

async fn try_once(
    gateway: &Gateway,
    submission: &JobSubmission,
    attempt: SubmissionAttempt<'_>,
) -> Result<SubmissionOutcome, Delay> {
    let _turn = gateway.turn(&submission.uuid).ok_or(Delay::InHand)?;
    let standing = gateway.standing(&submission.uuid, attempt.seen_before).await?;
    let tombstone = gateway.tombstones().of(&submission.uuid, gateway.clock.now());
    let workflows = gateway.workflows();
    let time_to_live_ms = gateway.broker.time_to_live_ms(&result_queue(&submission.uuid)).await;
    let facts = Facts { standing, tombstone, time_to_live_ms, workflows: &workflows };
    let verdict = attempt.refused.over(intake::judge(submission, facts, &gateway.placement));
    let no_job = matches!(
        verdict,
        SubmissionVerdict::Cancelled | SubmissionVerdict::Refused(_) | SubmissionVerdict::Rejected(_)
    );
    if attempt.seen_before && no_job && standing == UuidState::New {
        gateway.forget_input(&submission.uuid).await?;
    }
    match verdict {
        SubmissionVerdict::Create(job) => gateway.create(submission, &job, attempt).await,
        SubmissionVerdict::Stored => gateway.stored(&submission.uuid).await,
        SubmissionVerdict::Cancelled => gateway.cancel(&submission.uuid, attempt).await,
        SubmissionVerdict::Refused(refusal) => gateway.refuse(&submission.uuid, refusal, attempt).await,
        SubmissionVerdict::Rejected(rejection) => Ok(SubmissionOutcome::Rejected(rejection)),
    }
}

impl Gateway {
    fn note(&self, outcome: &SubmissionOutcome, received: Instant) {
        let metrics = &self.metrics;
        match outcome {
            SubmissionOutcome::Created => {
                metrics.observe_intake(received.elapsed());
                metrics.count_submission("Created", "");
            }
            SubmissionOutcome::Stored => metrics.count_submission("Stored", ""),
            SubmissionOutcome::Cancelled => metrics.count_submission("Cancelled", ""),
            SubmissionOutcome::Refused(reason) => metrics.count_submission("Refused", reason.as_str()),
            // Counted with the message that was rejected.
            SubmissionOutcome::Rejected(_) => {}
        }
    }
}

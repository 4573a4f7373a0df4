//! One attempt at a submission, what all attempts at it know, and what becomes of it.
//!
//! Ring: shell.

use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::Timestamp;

use crate::{
    broker::BrokerError,
    intake::{RefusalReason, RejectedMessage, SubmissionRefusal, SubmissionVerdict},
    result::{Obstacle, refused::Nacks},
};

use super::line::Number;

/// What became of a submission.
pub(super) enum SubmissionOutcome {
    /// Its job is stored.
    Created,
    /// It was taken before.
    Stored,
    /// Its client was told that it was cancelled.
    Cancelled,
    /// Its client was told why it cannot be.
    Refused(RefusalReason),
    /// Nobody was told.
    Rejected(RejectedMessage),
}

/// One of the attempts to do what a submission asks for.
#[derive(Clone, Copy)]
pub(super) struct SubmissionAttempt<'a> {
    /// Somebody may have acted on it before.
    pub(super) seen_before: bool,
    pub(super) number: &'a Number,
    pub(super) input_nacks: &'a NackCount,
    pub(super) answer_nacks: &'a NackCount,
    pub(super) refused: &'a Refused,
}

/// The nacks to one message, in all attempts.
#[derive(Default)]
pub(super) struct NackCount(Mutex<Option<Nacks>>);

impl NackCount {
    /// Why the queue does not take the message; the error while it may still.
    pub(super) fn obstacle(&self, error: BrokerError, now: Timestamp) -> Result<Obstacle, BrokerError> {
        error.obstacle(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), now)
    }
}

/// Why the client gets an error, from the first time on that it was to be told: the broker may have the answer although it
/// did not say so, and an error and a job are one answer too many.
#[derive(Default)]
pub(super) struct Refused(OnceLock<SubmissionRefusal>);

impl Refused {
    /// The refusal that the client gets: the first one.
    pub(super) fn note(&self, refusal: SubmissionRefusal) -> &SubmissionRefusal {
        self.0.get_or_init(|| refusal)
    }

    /// What is to be done, when the submission was judged anew. A second one with the same uuid may have become a job.
    pub(super) fn over(&self, verdict: SubmissionVerdict) -> SubmissionVerdict {
        match (verdict, self.0.get()) {
            (
                SubmissionVerdict::Create(_) | SubmissionVerdict::Cancelled | SubmissionVerdict::Refused(_),
                Some(refusal),
            ) => SubmissionVerdict::Refused(refusal.clone()),
            (verdict, _) => verdict,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(logs: &str) -> SubmissionRefusal {
        SubmissionRefusal::new(RefusalReason::JobRefused, logs.to_owned())
    }

    /// A client that is being told an error gets no job beside it.
    #[test]
    fn a_refusal_stands_once_it_was_to_be_told() {
        let job = json!({"metadata": {"name": "uuid"}, "spec": {}});
        let create = || SubmissionVerdict::Create(serde_json::from_value(job.clone()).unwrap());
        let refused = Refused::default();
        assert!(matches!(refused.over(create()), SubmissionVerdict::Create(_)));
        refused.note(refusal("the first"));
        assert_eq!(refused.note(refusal("the second")).logs, "the first");
        for verdict in [create(), SubmissionVerdict::Cancelled, SubmissionVerdict::Refused(refusal("the second"))] {
            assert!(
                matches!(refused.over(verdict), SubmissionVerdict::Refused(refusal) if refusal.logs == "the first")
            );
        }
        assert!(
            matches!(refused.over(SubmissionVerdict::Stored), SubmissionVerdict::Stored),
            "another submission became a job"
        );
    }
}

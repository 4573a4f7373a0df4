//! What became of the results that this process published itself.
//!
//! Ring: shell.
//!
//! A publish whose caller gave up may still arrive, minutes later when the broker was short of memory. So it is followed
//! to its end whoever still waits for it, and until then nobody publishes the same result again.
//!
//! Guarantees: bounded. An entry is kept for a minute after its end, by when the broker's own statistics show it. A refusal
//! is told: to the caller that waits for it, or else to the next one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::error::BrokerError;
use super::terms::Routing;
use crate::result::facts::PublishAttempt;

/// Ten times as long as statistics lag.
const KEPT: Duration = Duration::from_secs(60);

/// The attempts of this process, by queue: the newest.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    attempts: Mutex<HashMap<String, LedgerEntry>>,
}

#[derive(Debug)]
struct LedgerEntry {
    message_id: String,
    attempt: PublishAttempt,
    /// Why the broker refused it, until somebody is told.
    untold: Option<BrokerError>,
}

impl Ledger {
    /// Notes that an attempt begins.
    ///
    /// # Errors
    /// The refusal of the attempt before, where nobody was told; [`BrokerError::Unanswered`] while one is under way.
    pub(super) fn begin(&self, queue: &str, message_id: &str, now: Timestamp) -> Result<(), BrokerError> {
        let mut attempts = self.lock();
        attempts.retain(|_, entry| ended(entry.attempt).is_none_or(|at| at + KEPT > now));
        match attempts.get_mut(queue) {
            Some(LedgerEntry { attempt: PublishAttempt::InFlight, .. }) => {
                let reason = "an earlier publication of this result is still under way".to_owned();
                return Err(BrokerError::Unanswered { reason, publishing: true });
            }
            Some(entry) if entry.message_id == message_id => entry.untold.take().map_or(Ok(()), Err)?,
            Some(_) | None => {}
        }
        let entry = LedgerEntry { message_id: message_id.to_owned(), attempt: PublishAttempt::InFlight, untold: None };
        attempts.insert(queue.to_owned(), entry);
        Ok(())
    }

    /// Notes how the attempt ended.
    pub(super) fn settle(&self, queue: &str, message_id: &str, outcome: &Result<Routing, BrokerError>, at: Timestamp) {
        let untold = outcome.as_ref().err().filter(|error| error.is_refusal()).cloned();
        let entry = LedgerEntry { message_id: message_id.to_owned(), attempt: attempt_of(outcome, at), untold };
        self.lock().insert(queue.to_owned(), entry);
    }

    /// Notes that the caller knows how the attempt ended.
    pub(super) fn told(&self, queue: &str, message_id: &str) {
        if let Some(entry) = self.lock().get_mut(queue).filter(|entry| entry.message_id == message_id) {
            entry.untold = None;
        }
    }

    /// What became of this message. That of an earlier job with the same jobId is another one.
    pub(super) fn of(&self, queue: &str, message_id: &str) -> Option<PublishAttempt> {
        self.lock().get(queue).filter(|entry| entry.message_id == message_id).map(|entry| entry.attempt)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, LedgerEntry>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attempt_of(outcome: &Result<Routing, BrokerError>, at: Timestamp) -> PublishAttempt {
    match outcome {
        Ok(Routing::Routed) => PublishAttempt::Published { at },
        Err(error) if error.is_refusal() => PublishAttempt::Refused { at },
        Ok(Routing::Unroutable) | Err(_) => PublishAttempt::Failed { at },
    }
}

/// When the broker answered, or the connection ended.
fn ended(attempt: PublishAttempt) -> Option<Timestamp> {
    match attempt {
        PublishAttempt::InFlight => None,
        PublishAttempt::Published { at } | PublishAttempt::Refused { at } | PublishAttempt::Failed { at } => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_result_is_published_by_one_at_a_time() {
        let ledger = Ledger::default();
        assert_eq!(ledger.begin("q", "m", NOW), Ok(()));
        assert_eq!(ledger.begin("q", "m", NOW).unwrap_err().category(), "Unanswered");
        assert_eq!(ledger.begin("other", "m", NOW), Ok(()));
        ledger.settle("q", "m", &Err(BrokerError::unreachable("x")), NOW);
        assert_eq!(ledger.begin("q", "m", NOW), Ok(()));
    }

    #[test]
    fn an_earlier_jobs_result_is_another_ones() {
        let ledger = Ledger::default();
        assert_eq!(ledger.begin("q", "earlier", NOW), Ok(()));
        ledger.settle("q", "earlier", &Ok(Routing::Routed), NOW);
        assert_eq!(ledger.of("q", "later"), None);
        assert_eq!(ledger.of("q", "earlier"), Some(PublishAttempt::Published { at: NOW }));
    }

    #[test]
    fn an_end_is_kept_for_a_minute_and_an_attempt_under_way_for_ever() {
        let ledger = Ledger::default();
        assert_eq!((ledger.begin("q", "m", NOW), ledger.begin("slow", "m", NOW)), (Ok(()), Ok(())));
        ledger.settle("q", "m", &Ok(Routing::Routed), NOW);
        assert_eq!(ledger.of("q", "m"), Some(PublishAttempt::Published { at: NOW }));
        assert_eq!(ledger.begin("later", "m", NOW + KEPT), Ok(()));
        assert_eq!(ledger.of("q", "m"), None);
        assert_eq!(ledger.of("slow", "m"), Some(PublishAttempt::InFlight));
    }

    #[test]
    fn a_refusal_is_told_once() {
        let refused = || {
            let ledger = Ledger::default();
            assert_eq!(ledger.begin("q", "m", NOW), Ok(()));
            ledger.settle("q", "m", &Err(BrokerError::Nacked), NOW);
            ledger
        };
        let ledger = refused();
        assert_eq!(ledger.begin("q", "m", NOW), Err(BrokerError::Nacked));
        assert_eq!(ledger.of("q", "m"), Some(PublishAttempt::Refused { at: NOW }));
        assert_eq!(ledger.begin("q", "m", NOW), Ok(()));
        let ledger = refused();
        ledger.told("q", "m");
        assert_eq!(ledger.begin("q", "m", NOW), Ok(()));
        assert_eq!(refused().begin("q", "another", NOW), Ok(()));
        assert_eq!(refused().begin("q", "m", NOW + KEPT), Ok(()), "it is as good as forgotten");
    }
}

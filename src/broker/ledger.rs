//! What became of the results that this process published itself.
//!
//! Ring: shell.
//!
//! A publish whose caller gave up may still arrive, minutes later when the broker was short of memory. So it is followed
//! to its end whoever still waits for it, and until then nobody publishes the same result again.
//!
//! Guarantees: bounded. An entry is kept for a minute after its end, by when the broker's own statistics show it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Ten times as long as statistics lag.
const KEPT: Duration = Duration::from_secs(60);

/// The last attempt to publish a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The broker has not answered yet.
    InFlight,
    /// It is in the queue.
    Published {
        /// When the broker said so.
        at: Timestamp,
    },
    /// The broker did not take it, or broke off before it answered.
    Failed {
        /// When.
        at: Timestamp,
    },
}

/// The attempts of this process, by queue.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    attempts: Mutex<HashMap<String, Attempt>>,
}

impl Ledger {
    /// Notes that an attempt begins. False when one is already under way.
    pub(super) fn begin(&self, queue: &str, now: Timestamp) -> bool {
        let mut attempts = self.lock();
        attempts.retain(|_, attempt| attempt.ended().is_none_or(|at| at + KEPT > now));
        if attempts.get(queue) == Some(&Attempt::InFlight) {
            return false;
        }
        attempts.insert(queue.to_owned(), Attempt::InFlight);
        true
    }

    /// Notes how the attempt ended.
    pub(super) fn settle(&self, queue: &str, attempt: Attempt) {
        self.lock().insert(queue.to_owned(), attempt);
    }

    pub(super) fn of(&self, queue: &str) -> Option<Attempt> {
        self.lock().get(queue).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    fn ended(self) -> Option<Timestamp> {
        match self {
            Self::InFlight => None,
            Self::Published { at } | Self::Failed { at } => Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_published_by_one_at_a_time() {
        let ledger = Ledger::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(ledger.begin("q", now));
        assert!(!ledger.begin("q", now));
        assert!(ledger.begin("other", now));
        ledger.settle("q", Attempt::Failed { at: now });
        assert!(ledger.begin("q", now));
    }

    #[test]
    fn an_end_is_kept_for_a_minute_and_an_attempt_under_way_for_ever() {
        let ledger = Ledger::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(ledger.begin("q", now) && ledger.begin("slow", now));
        ledger.settle("q", Attempt::Published { at: now });
        assert_eq!(ledger.of("q"), Some(Attempt::Published { at: now }));
        assert!(ledger.begin("later", now + KEPT));
        assert_eq!(ledger.of("q"), None);
        assert_eq!(ledger.of("slow"), Some(Attempt::InFlight));
    }
}

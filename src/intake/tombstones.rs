//! Jobs that clients deleted, for the submissions that come after the deletion.
//!
//! A deletion can overtake its submission, because they come by two queues; and a submission can come once more after the
//! job that it made was deleted. Bounded in number and time. It is lost when the operator ends: a submission that a
//! deletion overtook is behind it by the moment that one queue is ahead of the other, and to keep that over a restart would
//! cost a write for every deletion.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// More deletions than clients send in [`KEPT`]; 2 MB.
const MOST: usize = 10_000;
/// Longer than the apiserver is away for an upgrade, while submissions wait.
const KEPT: SignedDuration = SignedDuration::from_mins(15);

/// What is known of a job that was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tombstone {
    /// There was no such job; whoever submits it is told that it was cancelled.
    Unanswered,
    /// Its client was told, or is being told by the job that is going.
    Answered,
}

/// The newest deletions.
#[derive(Debug, Default)]
pub(crate) struct Tombstones {
    by_id: HashMap<String, (Timestamp, Tombstone)>,
    oldest_first: VecDeque<(Timestamp, String)>,
}

impl Tombstones {
    /// Notes that the job with this id was deleted.
    pub(crate) fn put(&mut self, id: &str, tombstone: Tombstone, now: Timestamp) {
        self.forget_old(now);
        self.by_id.insert(id.to_owned(), (now, tombstone));
        self.oldest_first.push_back((now, id.to_owned()));
    }

    /// What is known of the job with this id.
    pub(crate) fn of(&mut self, id: &str, now: Timestamp) -> Option<Tombstone> {
        self.forget_old(now);
        self.by_id.get(id).map(|(_, tombstone)| *tombstone)
    }

    /// Forgets a deletion that was none.
    pub(crate) fn remove(&mut self, id: &str) {
        self.by_id.remove(id);
    }

    fn forget_old(&mut self, now: Timestamp) {
        while let Some((at, _)) = self.oldest_first.front()
            && (self.oldest_first.len() >= MOST || *at + KEPT <= now)
            && let Some((at, id)) = self.oldest_first.pop_front()
        {
            // It may have been put again since.
            if self.by_id.get(&id).is_some_and(|(newest, _)| *newest == at) {
                self.by_id.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_deletion_is_known_for_a_while_from_its_last() {
        let mut tombstones = Tombstones::default();
        tombstones.put("a", Tombstone::Unanswered, at(0));
        tombstones.put("a", Tombstone::Answered, at(100));
        assert_eq!(tombstones.of("a", at(999)), Some(Tombstone::Answered));
        assert_eq!(tombstones.of("a", at(1000)), None);
        assert_eq!(tombstones.of("b", at(1000)), None);
        assert!(tombstones.by_id.is_empty() && tombstones.oldest_first.is_empty());
    }

    #[test]
    fn the_newest_are_known() {
        let mut tombstones = Tombstones::default();
        for number in 0..=MOST {
            tombstones.put(&number.to_string(), Tombstone::Unanswered, at(0));
        }
        assert_eq!(tombstones.of("0", at(0)), None);
        assert!(tombstones.by_id.len() <= MOST && tombstones.oldest_first.len() <= MOST);
    }
}

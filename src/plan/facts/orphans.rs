//! Queues that belong to nobody: which they are, and when they may go.
//!
//! A queue is one of the operator's by its name alone, and an orphan where no job has that name. The job may be one that is
//! about to be made, or that another operator runs; so an orphan is left alone for a while, and only reported unless an
//! administrator wants otherwise.

use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashSet};

use crate::topology::{self, QueueKind};

/// Everything that says which queues are wanted.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The ids of all jobs.
    pub job_ids: HashSet<String>,
    /// The names of the operator's own queues for them: inputs, outputs of their attempts, and results that are kept.
    pub own_queues: HashSet<String>,
}

/// A queue that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name.
    pub name: String,
    /// Messages in it; `None` where nobody knows.
    pub messages: Option<u64>,
    /// How long it lives unused, in milliseconds.
    pub expires_ms: Option<i64>,
}

/// What one sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Queues that belong to nobody.
    pub orphans: Vec<String>,
    /// Those of them that are old enough to go, and whether only if they are empty.
    pub removable: Vec<(String, bool)>,
}

/// Since when each orphan is known. Bounded by the number of queues.
#[derive(Debug, Default)]
pub(crate) struct Orphans(BTreeMap<String, Timestamp>);

impl Orphans {
    /// Judges the queues that were `listed` before `wanted` was: a job that is made meanwhile is in the latter.
    pub(crate) fn judge(
        &mut self,
        listed: &[Listed],
        wanted: &Wanted,
        now: Timestamp,
        grace: SignedDuration,
    ) -> Finding {
        let orphans: Vec<&Listed> = listed.iter().filter(|queue| is_orphan(queue, wanted)).collect();
        let names: HashSet<&str> = orphans.iter().map(|queue| queue.name.as_str()).collect();
        self.0.retain(|name, _| names.contains(name.as_str()));
        let mut finding = Finding::default();
        for queue in orphans {
            let since = *self.0.entry(queue.name.clone()).or_insert(now);
            let expired = is_expired(queue, since, now);
            if queue.messages != Some(0) && !expired {
                continue;
            }
            finding.orphans.push(queue.name.clone());
            if since + grace <= now {
                finding.removable.push((queue.name.clone(), !expired));
            }
        }
        finding
    }
}

fn is_orphan(queue: &Listed, wanted: &Wanted) -> bool {
    match topology::kind_of(&queue.name) {
        Some(QueueKind::Own) => !wanted.own_queues.contains(&queue.name),
        Some(QueueKind::Client(id)) => !wanted.job_ids.contains(id),
        None => false,
    }
}

/// Whether what is in an orphan is not wanted any more. A result that nobody has read outlives its job for its own time to
/// live; without one it stays.
fn is_expired(queue: &Listed, since: Timestamp, now: Timestamp) -> bool {
    let is_result = topology::is_result_queue(&queue.name);
    let lived = queue.expires_ms.is_some_and(|ms| since + SignedDuration::from_millis(ms) <= now);
    !is_result || lived
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVING: &str = "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10";
    const GONE: &str = "1c0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a11";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn listed(name: &str) -> Listed {
        Listed { name: name.to_owned(), messages: Some(0), expires_ms: Some(10_000) }
    }

    fn wanted() -> Wanted {
        let [output, input] = ["output", "input"].map(|kind| format!("omotes.{kind}.00112233445566778899aabbccddeeff"));
        Wanted { job_ids: HashSet::from([LIVING.to_owned()]), own_queues: HashSet::from([output, input]) }
    }

    #[test]
    fn only_queues_of_jobs_that_are_not_there_are_orphans() {
        let grace = SignedDuration::from_secs(60);
        for (name, orphan) in [
            (format!("jobs.{LIVING}.result"), false),
            (format!("jobs.{GONE}.result"), true),
            (format!("jobs.{GONE}.status"), true),
            (format!("jobs.{GONE}.input"), false),
            ("jobs.my-own.status".to_owned(), false),
            ("job_submissions".to_owned(), false),
            ("omotes.output.00112233445566778899aabbccddeeff".to_owned(), false),
            ("omotes.output.ff112233445566778899aabbccddeeff".to_owned(), true),
            ("omotes.output.theirs".to_owned(), false),
            ("omotes.input.00112233445566778899aabbccddeeff".to_owned(), false),
            ("omotes.input.ff112233445566778899aabbccddeeff".to_owned(), true),
            (format!("omotes.kept.{LIVING}"), true),
            ("omotes.kept.theirs".to_owned(), false),
            ("omotes.events".to_owned(), false),
        ] {
            let finding = Orphans::default().judge(&[listed(&name)], &wanted(), at(0), grace);
            assert_eq!((finding.orphans.len(), finding.removable.len()), (usize::from(orphan), 0), "{name}");
        }
    }

    #[test]
    fn an_orphan_goes_after_its_grace_and_an_unread_result_after_its_time_to_live() {
        let mut orphans = Orphans::default();
        let grace = SignedDuration::from_secs(5);
        let unread = Listed { messages: Some(1), ..listed(&format!("jobs.{GONE}.result")) };
        let queues = [unread, listed(&format!("jobs.{GONE}.status"))];
        let mut removable = |second: i64, queues: &[Listed]| {
            let finding = orphans.judge(queues, &wanted(), at(second), grace);
            finding.removable.into_iter().map(|(_, only_if_empty)| only_if_empty).collect::<Vec<_>>()
        };
        assert_eq!(removable(100, &queues), Vec::<bool>::new());
        assert_eq!(removable(104, &queues), Vec::<bool>::new());
        assert_eq!(removable(105, &queues), [false]);
        assert_eq!(removable(110, &queues), [false, false]);
        assert_eq!(removable(111, &queues[1..]), [false]);
        assert_eq!(removable(112, &queues), [false], "one that came back has its grace anew");
    }
}

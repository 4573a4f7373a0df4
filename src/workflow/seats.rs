//! Which jobs of a workflow have a seat, and whose turn is next. [`super::slots`] has the slots that workflows share.
//!
//! Ring: core. The holders are the jobs that have a pod, as the cache shows, and those that are about to; after a restart
//! they follow from the pods alone. Nothing here is stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::api::{OmotesJob, OmotesWorkflowSpec, job::Priority};

/// How much waiting is worth one class of priority. Jobs take hours: with less a day of Low jobs would go before whatever
/// is urgent, with more a Low job would wait for days behind others that came later.
pub(crate) const CLASS_SECONDS: i64 = 43_200;
/// How long at least what a job was told of its place holds: where jobs start in quick succession each start would
/// otherwise be a write for each that waits.
pub(crate) const PLACE_PERIOD: SignedDuration = SignedDuration::from_secs(10);

/// What a job has of its workflow's seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// Nobody has asked yet.
    Unknown,
    /// A seat is kept for it, or it needs none.
    Taken,
    /// There is none; so many wait before it.
    Full {
        /// What there is none of.
        limit: Limit,
        /// How many, as it was told first within [`PLACE_PERIOD`].
        ahead: usize,
        /// When it is told another place; `None` where [`place`] has no other words for it.
        renewed: Option<Timestamp>,
    },
    /// The workflow is suspended.
    Suspended,
}

/// What keeps a job from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Its workflow's own `maxConcurrentJobs`.
    Workflow,
    /// The slots that its workflow shares with others.
    Pool,
}

/// The answer to a job that asks for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeatAnswer {
    /// What it has.
    pub seat: Seat,
    /// The pool whose slot it has, or waits for, where its workflow is in one.
    pub pool: Option<String>,
    /// What has changed for others with it; `None` where their places are the same.
    pub moved: Option<Freed>,
}

/// What a workflow allows now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How many of its jobs may have a seat; `None` is any number.
    pub seats: Option<usize>,
    /// The slots that it shares with others.
    pub slots: Option<PoolTerms>,
    /// Whether no job may start.
    pub suspended: bool,
}

/// What a workflow says of the pool that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolTerms {
    /// The name of the pool.
    pub pool: String,
    /// How many jobs of the pool may have a slot.
    pub max: usize,
}

impl Terms {
    /// What a workflow with this spec allows.
    #[must_use]
    pub(crate) fn of(spec: &OmotesWorkflowSpec) -> Self {
        let number = |given: i32| usize::try_from(given).unwrap_or(0);
        let slots = spec.slots.as_ref();
        Self {
            seats: spec.max_concurrent_jobs.map(number),
            slots: slots.map(|slots| PoolTerms { pool: slots.pool.clone(), max: number(slots.max) }),
            suspended: spec.suspend,
        }
    }

    /// The name of the pool that it shares.
    #[must_use]
    pub(crate) fn pool(&self) -> Option<&String> {
        self.slots.as_ref().map(|slots| &slots.pool)
    }
}

/// When it is whose turn: the smaller goes first. It does not depend on the time, so that the order of two jobs never
/// changes by itself: a job of a lower class is as one of the next class that came [`CLASS_SECONDS`] later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    rank: i64,
    created: i64,
    /// The job's name, which tells those apart that came in the same second.
    pub name: String,
    /// The job's UID.
    pub uid: String,
}

impl Turn {
    /// When it is the turn of `job`.
    #[must_use]
    pub(crate) fn of(job: &OmotesJob) -> Self {
        let created = job.creation_timestamp().map_or(i64::MAX / 2, |time| time.0.as_second());
        let classes = match job.spec.priority.unwrap_or_default() {
            Priority::High => 0,
            Priority::Medium => 1,
            Priority::Low => 2,
        };
        let rank = created.saturating_add(classes * CLASS_SECONDS);
        Self { rank, created, name: job.name_any(), uid: job.uid().unwrap_or_default() }
    }
}

/// The holders of one workflow's seats and those that wait for one, by UID of the job.
#[derive(Debug, Default)]
pub(super) struct SeatQueue {
    holders: BTreeMap<String, Holder>,
    /// How many holders count for each pool that one was started in.
    started: BTreeMap<String, usize>,
    waiting: BTreeSet<Turn>,
    turns: HashMap<String, WaitingJob>,
}

/// One that waits.
#[derive(Debug)]
pub(super) struct WaitingJob {
    pub(super) turn: Turn,
    pub(super) told: Option<Told>,
}

/// What a job was told of its place, and since when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) limit: Limit,
    pub(super) ahead: usize,
    at: Timestamp,
}

impl Told {
    /// What one is told that was told `before`, now that `ahead` wait before it; and when that changes.
    pub(super) fn next(
        before: Option<Self>,
        (limit, ahead): (Limit, usize),
        now: Timestamp,
    ) -> (Self, Option<Timestamp>) {
        match before {
            Some(told) if told.limit == limit && place(told.ahead) == place(ahead) => (told, None),
            Some(told) if now < told.at + PLACE_PERIOD => (told, Some(told.at + PLACE_PERIOD)),
            _ => (Self { limit, ahead, at: now }, None),
        }
    }
}

/// A job that has a seat, and a slot of the pool that it was started in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// The UID of its pod; `None` while the pod is about to be made.
    pod: Option<String>,
    pool: Option<String>,
}

/// What became free when a job lost its seat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Freed {
    /// The pool that the job was started in; its workflow may be in another one by now.
    pub pool: Option<String>,
}

impl SeatQueue {
    pub(super) fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.waiting.iter()
    }

    /// How many wait whose turn is before `turn`.
    pub(super) fn ahead(&self, turn: &Turn) -> usize {
        self.waiting.range(..turn).count()
    }

    pub(super) fn held(&self) -> usize {
        self.holders.len()
    }

    /// How many holders were started in `pool`.
    pub(super) fn started_in(&self, pool: &str) -> usize {
        self.started.get(pool).copied().unwrap_or(0)
    }

    /// Every pool that a holder was started in.
    pub(super) fn pools(&self) -> impl Iterator<Item = &String> {
        self.started.keys()
    }

    pub(super) fn waits(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn insert(&mut self, entry: WaitingJob) {
        self.waiting.insert(entry.turn.clone());
        self.turns.insert(entry.turn.uid.clone(), entry);
    }

    pub(super) fn remove(&mut self, uid: &str) -> Option<WaitingJob> {
        let entry = self.turns.remove(uid)?;
        self.waiting.remove(&entry.turn);
        Some(entry)
    }

    /// Keeps a seat for a job whose pod is about to be made. Also where a pod is known: a job that asks has none that
    /// lives, and the end of the former must not free the seat of the next. Returns what it held in another pool.
    pub(super) fn reserve(&mut self, uid: String, pool: Option<String>) -> Option<Freed> {
        self.hold(uid, Holder { pod: None, pool })
    }

    /// Notes a pod of the job with this UID, and the pool that the pod was started in. Returns what the job held in another
    /// pool.
    pub(super) fn pod_lives(&mut self, job: &str, pod: &str, pool: Option<&String>) -> Option<Freed> {
        self.hold(job.to_owned(), Holder { pod: Some(pod.to_owned()), pool: pool.cloned() })
    }

    /// Notes that a job has no pod that lives, whatever was known of one. Returns what it held.
    pub(super) fn vacate(&mut self, uid: &str) -> Option<Freed> {
        self.free(uid, |_| true)
    }

    /// Notes that a job has a pod by its status, which need not be seen yet.
    pub(super) fn keep(&mut self, uid: &str, pool: Option<String>) {
        if !self.is_holder(uid) {
            self.hold(uid.to_owned(), Holder { pod: None, pool });
        }
    }

    /// Notes that a job has no pod and is not about to. Returns what was kept for it.
    pub(super) fn give_back(&mut self, uid: &str) -> Option<Freed> {
        self.free(uid, |holder| holder.pod.is_none())
    }

    /// Notes that a pod of the job with this UID has ended. Returns what it held.
    pub(super) fn pod_ended(&mut self, job: &str, pod: &str) -> Option<Freed> {
        self.free(job, |holder| holder.pod.as_deref() == Some(pod))
    }

    /// Whether the job with this UID has a seat.
    pub(super) fn is_holder(&self, uid: &str) -> bool {
        self.holders.contains_key(uid)
    }

    /// Whether nothing is known of it.
    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    fn hold(&mut self, uid: String, holder: Holder) -> Option<Freed> {
        let pool = holder.pool.clone();
        if let Some(pool) = &pool {
            *self.started.entry(pool.clone()).or_default() += 1;
        }
        let former = self.holders.insert(uid, holder)?;
        Some(self.uncount(former)).filter(|freed| freed.pool != pool)
    }

    fn free(&mut self, uid: &str, meant: impl FnOnce(&Holder) -> bool) -> Option<Freed> {
        self.holders.get(uid).filter(|holder| meant(holder))?;
        self.holders.remove(uid).map(|holder| self.uncount(holder))
    }

    fn uncount(&mut self, holder: Holder) -> Freed {
        let Holder { pool, pod: _ } = holder;
        if let Some(pool) = &pool {
            let count = self.started_in(pool).saturating_sub(1);
            self.started.retain(|known, left| {
                *left = if known == pool { count } else { *left };
                *left > 0
            });
        }
        Freed { pool }
    }
}

/// Whether the words for the place of the job that is the `at`th of those that wait (from 0) may change when one starts.
pub(super) fn is_shown(at: usize) -> bool {
    at <= PLACES || BOUNDS.iter().any(|bound| at == *bound || at + 1 == *bound)
}

/// Up to where a place is told exactly: each start changes those, and each change is a write.
const PLACES: usize = 10;
/// What is told of places further behind.
const BOUNDS: [usize; 3] = [PLACES, 100, 1000];

/// How many wait before a job, in words that do not change with each start.
#[must_use]
pub fn place(ahead: usize) -> String {
    match BOUNDS.iter().rev().find(|bound| ahead >= **bound) {
        Some(bound) => format!("at least {bound} jobs wait before this one"),
        None if ahead == 1 => "1 job waits before this one".to_owned(),
        None if ahead == 0 => "this one is next".to_owned(),
        None => format!("{ahead} jobs wait before this one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn turn(name: &str, created: i64, priority: Option<&str>) -> Turn {
        let created = jiff::Timestamp::from_second(1_800_000_000 + created).unwrap().to_string();
        let job: OmotesJob = serde_json::from_value(json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": created},
            "spec": {"workflowRef": {"name": "w"}, "priority": priority},
        }))
        .unwrap();
        Turn::of(&job)
    }

    #[test]
    fn priority_goes_first_then_age_and_half_a_day_is_a_class() {
        let half_a_day = CLASS_SECONDS;
        let mut turns = [
            turn("low, two classes older", -2 * half_a_day - 1, Some("Low")),
            turn("high", 0, Some("High")),
            turn("high, later", 5, Some("High")),
            turn("medium, almost a class older", 6 - half_a_day, None),
            turn("medium", 0, Some("Medium")),
            turn("medium, of the same second", 0, None),
            turn("low", 0, Some("Low")),
        ];
        let sorted: Vec<String> = turns.iter().map(|turn| turn.name.clone()).collect();
        turns.reverse();
        turns.sort();
        assert_eq!(turns.map(|turn| turn.name).to_vec(), sorted);
    }

    #[test]
    fn a_place_far_behind_is_told_roughly() {
        for (ahead, words) in [
            (0, "this one is next"),
            (1, "1 job waits"),
            (9, "9 jobs wait"),
            (57, "at least 10 jobs wait"),
            (100, "at least 100 jobs wait"),
            (4000, "at least 1000 jobs wait"),
        ] {
            assert!(place(ahead).starts_with(words), "{ahead}: {}", place(ahead));
        }
    }

    #[test]
    fn holders_are_counted_for_the_pool_they_were_started_in() {
        let mut queue = SeatQueue::default();
        let pool = |name: &str| Some(name.to_owned());
        queue.reserve("a".to_owned(), pool("p"));
        queue.reserve("b".to_owned(), None);
        queue.pod_lives("a", "pod", pool("p").as_ref());
        queue.pod_lives("c", "other", pool("q").as_ref());
        assert_eq!((queue.held(), queue.started_in("p"), queue.started_in("q")), (3, 1, 1));
        assert_eq!([queue.pod_ended("a", "former"), queue.give_back("a")], [None, None]);
        assert_eq!(queue.pod_ended("a", "pod"), Some(Freed { pool: pool("p") }));
        assert_eq!(queue.give_back("b"), Some(Freed::default()));
        assert_eq!((queue.held(), queue.pools().cloned().collect::<Vec<_>>()), (1, vec!["q".to_owned()]));
    }
}

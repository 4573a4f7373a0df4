//! Who has a seat of a workflow, and whose turn is next.
//!
//! Ring: core. The holders are the jobs that have a pod, as the cache tells, and those that are about to; after a restart
//! the pods alone tell it. Nothing here is stored.
//!
//! # Guarantees
//! A seat is given only while there are fewer holders than seats, and to one of the first in the order of their turns.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::api::{OmotesJob, job::Priority};

/// How much waiting is worth one class of priority. Jobs take hours: with less a day of Low jobs would go before whatever
/// is urgent, with more a Low job would wait for days behind others that came later.
pub const CLASS_SECONDS: i64 = 43_200;
/// How long at least what a job was told of its place holds: where jobs start in quick succession each start would
/// otherwise be a write for each that waits.
pub const PLACE_PERIOD: SignedDuration = SignedDuration::from_secs(10);

/// What a job has of its workflow's seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// Nobody has asked yet.
    Unknown,
    /// A seat is kept for it, or it needs none.
    Taken,
    /// There is none; so many wait before it.
    Full {
        /// How many, as it was told first within [`PLACE_PERIOD`].
        ahead: usize,
        /// When it is told another place; `None` where [`place`] has no other words for it.
        renewed: Option<Timestamp>,
    },
    /// The workflow is suspended.
    Suspended,
}

/// The answer to a job that asks for a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// What it has.
    pub seat: Seat,
    /// Whether the places of others have changed with it.
    pub moved: bool,
}

/// What a workflow allows now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How many jobs may have a seat; `None` is any number.
    pub seats: Option<usize>,
    /// Whether no job may start.
    pub suspended: bool,
}

/// When it is whose turn: the smaller goes first. It does not depend on the time, so that the order of two jobs never
/// changes by itself: a job of a lower class is as one of the next class that came [`CLASS_SECONDS`] later.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
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
    pub fn of(job: &OmotesJob) -> Self {
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
pub struct Queue {
    holders: BTreeMap<String, Holder>,
    waiting: BTreeSet<Turn>,
    turns: HashMap<String, Entry>,
}

/// One that waits.
#[derive(Debug)]
struct Entry {
    turn: Turn,
    told: Option<Told>,
}

/// What a job was told of its place, and since when.
#[derive(Debug, Clone, Copy)]
struct Told {
    ahead: usize,
    at: Timestamp,
}

impl Told {
    /// What one is told that was told `before`, now that `ahead` wait before it; and when that changes.
    fn next(before: Option<Self>, ahead: usize, now: Timestamp) -> (Self, Option<Timestamp>) {
        match before {
            Some(told) if place(told.ahead) == place(ahead) => (told, None),
            Some(told) if now < told.at + PLACE_PERIOD => (told, Some(told.at + PLACE_PERIOD)),
            _ => (Self { ahead, at: now }, None),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Holder {
    /// Its pod is about to be made.
    Reserved,
    /// The pod with this UID lives.
    Pod(String),
}

impl Queue {
    /// Asks for a seat for the job whose turn is `turn`; where there is none it waits from now on.
    pub fn ask(&mut self, turn: Turn, terms: Terms, now: Timestamp) -> Answer {
        let before = self.remove(&turn.uid);
        let mut seat = self.seat(&turn, terms);
        let mut told = None;
        if let Seat::Full { ahead, renewed } = &mut seat {
            let (next, change) = Told::next(before.as_ref().and_then(|before| before.told), *ahead, now);
            (*ahead, *renewed, told) = (next.ahead, change, Some(next));
        }
        let waits = seat != Seat::Taken;
        let moved = before.map(|before| before.turn) != Some(turn.clone()).filter(|_| waits);
        if waits {
            self.insert(Entry { turn, told });
        } else {
            // Also where a pod is known: whoever asks has none that lives, and its end must not free the seat of the next.
            self.holders.insert(turn.uid, Holder::Reserved);
        }
        Answer { seat, moved }
    }

    fn seat(&self, turn: &Turn, terms: Terms) -> Seat {
        let ahead = self.waiting.range(..turn).count();
        match terms {
            _ if self.is_holder(&turn.uid) => Seat::Taken,
            Terms { suspended: true, .. } => Seat::Suspended,
            Terms { seats: Some(seats), .. } if ahead >= seats.saturating_sub(self.holders.len()) => {
                Seat::Full { ahead, renewed: None }
            }
            Terms { .. } => Seat::Taken,
        }
    }

    /// The names of all that wait, in the order of their turns.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        self.waiting.iter().map(|turn| turn.name.clone()).collect()
    }

    /// Notes that a job waits, at its turn.
    pub fn enter(&mut self, turn: Turn) {
        self.remove(&turn.uid);
        self.insert(Entry { turn, told: None });
    }

    /// Notes that a job does not wait any more. Tells whether it did.
    pub fn leave(&mut self, uid: &str) -> bool {
        self.remove(uid).is_some()
    }

    fn insert(&mut self, entry: Entry) {
        self.waiting.insert(entry.turn.clone());
        self.turns.insert(entry.turn.uid.clone(), entry);
    }

    fn remove(&mut self, uid: &str) -> Option<Entry> {
        let entry = self.turns.remove(uid)?;
        self.waiting.remove(&entry.turn);
        Some(entry)
    }

    /// Notes that a job has no pod and is not about to. Tells whether a seat was kept for it.
    pub fn give_back(&mut self, uid: &str) -> bool {
        let reserved = self.holders.get(uid) == Some(&Holder::Reserved);
        reserved && self.holders.remove(uid).is_some()
    }

    /// Notes a pod of the job with this UID.
    pub fn pod_lives(&mut self, job: &str, pod: &str) {
        self.holders.insert(job.to_owned(), Holder::Pod(pod.to_owned()));
    }

    /// Notes that a pod of the job with this UID has ended. Tells whether it held the seat.
    pub fn pod_ended(&mut self, job: &str, pod: &str) -> bool {
        let held = matches!(self.holders.get(job), Some(Holder::Pod(known)) if known == pod);
        held && self.holders.remove(job).is_some()
    }

    /// Whether the job with this UID has a seat.
    #[must_use]
    pub fn is_holder(&self, uid: &str) -> bool {
        self.holders.contains_key(uid)
    }

    /// The names of the jobs to look at after a change: those that may start, or whose [`place`] in words has changed.
    #[must_use]
    pub fn concerned(&self, seats: Option<usize>) -> Vec<String> {
        let free = seats.map_or(usize::MAX, |seats| seats.saturating_sub(self.holders.len()));
        let shown = |at: usize| at <= free.max(PLACES) || BOUNDS.iter().any(|bound| at == *bound || at + 1 == *bound);
        self.waiting.iter().enumerate().filter(|(at, _)| shown(*at)).map(|(_, turn)| turn.name.clone()).collect()
    }

    /// Whether nothing is known of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }
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
    use proptest::prelude::*;
    use serde_json::json;

    fn job(name: &str, created: i64, priority: Option<&str>) -> OmotesJob {
        let created = jiff::Timestamp::from_second(1_800_000_000 + created).unwrap().to_string();
        serde_json::from_value(json!({
            "metadata": {"name": name, "uid": name, "creationTimestamp": created},
            "spec": {"workflowRef": {"name": "w"}, "priority": priority},
        }))
        .unwrap()
    }

    fn turn(name: &str, created: i64, priority: Option<&str>) -> Turn {
        Turn::of(&job(name, created, priority))
    }

    const OPEN: Terms = Terms { seats: Some(1), suspended: false };
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn full(ahead: usize) -> Seat {
        Seat::Full { ahead, renewed: None }
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
    fn a_freed_seat_is_the_next_ones_whoever_asks_first() {
        let mut now = NOW;
        let mut ask = |queue: &mut Queue, turn, terms| {
            now += PLACE_PERIOD;
            queue.ask(turn, terms, now).seat
        };
        let mut queue = Queue::default();
        let (first, second, third) = (turn("a", 0, None), turn("b", 1, None), turn("c", 2, Some("High")));
        assert_eq!(ask(&mut queue, first.clone(), OPEN), Seat::Taken);
        assert_eq!(ask(&mut queue, first, OPEN), Seat::Taken, "asking again changes nothing");
        queue.pod_lives("a", "pod");
        assert_eq!(ask(&mut queue, second.clone(), OPEN), full(0));
        assert_eq!(ask(&mut queue, third.clone(), OPEN), full(0));
        assert_eq!(ask(&mut queue, second.clone(), OPEN), full(1));
        assert!(!queue.pod_ended("a", "a former pod") && queue.pod_ended("a", "pod"));
        assert_eq!(queue.concerned(OPEN.seats), ["c", "b"]);
        assert_eq!(ask(&mut queue, second.clone(), OPEN), full(1));
        assert_eq!(ask(&mut queue, third.clone(), Terms { suspended: true, ..OPEN }), Seat::Suspended);
        assert_eq!(ask(&mut queue, third, OPEN), Seat::Taken);
        assert!(queue.give_back("c") && !queue.give_back("c"));
        assert_eq!(ask(&mut queue, second, OPEN), Seat::Taken);
    }

    #[test]
    fn the_end_of_a_pod_that_is_told_late_frees_no_seat_of_the_next_attempt() {
        let mut queue = Queue::default();
        queue.ask(turn("a", 0, None), OPEN, NOW);
        queue.pod_lives("a", "first");
        assert_eq!(queue.ask(turn("a", 0, None), OPEN, NOW).seat, Seat::Taken);
        assert!(!queue.pod_ended("a", "first"));
        assert_eq!(queue.ask(turn("b", 0, None), OPEN, NOW).seat, full(0));
    }

    #[test]
    fn a_place_is_told_anew_after_a_while_only() {
        let mut queue = Queue::default();
        let (names, late) = (["a", "b", "c", "d"], NOW + PLACE_PERIOD);
        for (created, name) in (0_i64..).zip(names) {
            queue.ask(turn(name, created, None), OPEN, NOW);
        }
        queue.leave("b");
        let ask = |queue: &mut Queue, now| queue.ask(turn("d", 3, None), OPEN, now).seat;
        let held = Seat::Full { ahead: 2, renewed: Some(late) };
        assert_eq!([ask(&mut queue, NOW), ask(&mut queue, late - SignedDuration::from_secs(1))], [held, held]);
        assert_eq!([ask(&mut queue, late), ask(&mut queue, late)], [full(1), full(1)]);
        queue.leave("c");
        assert_eq!(ask(&mut queue, late + PLACE_PERIOD), full(0), "the first change after a long wait is told at once");
        assert!(queue.give_back("a"));
        assert_eq!(ask(&mut queue, late + PLACE_PERIOD), Seat::Taken, "a seat is given at once");
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

    /// What can happen to one of five jobs.
    #[derive(Debug, Clone)]
    enum Event {
        Ask,
        PodMade,
        PodEnded,
        GivenUp,
        Prioritized(u8),
        Seats(usize),
    }

    proptest! {
        /// Never more holders than seats but after a lowering, never a start before one whose turn is earlier while there
        /// is but one seat, and a place that is held is told anew in time.
        #[test]
        fn seats_are_kept_and_given_in_turn(
            created in proptest::collection::vec(0_i64..100_000, 5),
            history in proptest::collection::vec((0_usize..5, prop_oneof![
                4 => Just(Event::Ask), 2 => Just(Event::PodMade), 2 => Just(Event::PodEnded), 1 => Just(Event::GivenUp),
                1 => (0_u8..3).prop_map(Event::Prioritized), 1 => (0_usize..4).prop_map(Event::Seats),
            ]), 0..80),
        ) {
            let (mut queue, mut terms, mut now) = (Queue::default(), OPEN, NOW);
            let mut jobs: Vec<OmotesJob> = created.iter().enumerate().map(|(at, created)| job(&at.to_string(), *created, None)).collect();
            for (at, event) in history {
                let uid = at.to_string();
                now += PLACE_PERIOD / 4;
                match event {
                    Event::Ask => {
                        let (held, before) = (queue.holders.len(), queue.is_holder(&uid));
                        let turn = Turn::of(&jobs[at]);
                        let earlier = queue.waiting.iter().filter(|other| **other < turn && other.uid != uid).count();
                        let seat = queue.ask(turn, terms, now).seat;
                        let free = terms.seats.unwrap().saturating_sub(held);
                        prop_assert_eq!(seat == Seat::Taken, before || earlier < free);
                        match seat {
                            Seat::Full { ahead, renewed: None } => prop_assert_eq!(place(ahead), place(earlier)),
                            Seat::Full { renewed: Some(at), .. } => prop_assert!(now < at && at <= now + PLACE_PERIOD),
                            Seat::Unknown | Seat::Taken | Seat::Suspended => {}
                        }
                    }
                    Event::PodMade if queue.is_holder(&uid) => queue.pod_lives(&uid, "pod"),
                    Event::PodMade => {}
                    Event::PodEnded => drop(queue.pod_ended(&uid, "pod")),
                    Event::GivenUp => drop((queue.give_back(&uid), queue.leave(&uid))),
                    Event::Prioritized(class) => {
                        jobs[at].spec.priority = Some([Priority::Low, Priority::Medium, Priority::High][usize::from(class)]);
                    }
                    Event::Seats(seats) => terms.seats = Some(seats),
                }
                prop_assert_eq!(queue.waiting.len(), queue.turns.len());
                prop_assert!(queue.waiting.iter().all(|turn| !queue.is_holder(&turn.uid)));
                let free = terms.seats.unwrap().saturating_sub(queue.holders.len());
                let startable: Vec<_> = queue.waiting.iter().take(free).map(|turn| turn.name.clone()).collect();
                let concerned = queue.concerned(terms.seats);
                prop_assert!(startable.iter().all(|name| concerned.contains(name)));
            }
        }
    }
}

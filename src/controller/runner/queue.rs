//! Which pass is next: those that are due, those to which something happened, and those that wait for their time.
//!
//! Ring: shell. Bounded by the number of jobs: each is in it once.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    time::Duration,
};

use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::time::{DelayQueue, delay_queue};

/// A longer wait is cut to this, which does no harm: timers do not reach far into the future.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many that are due have their turn before one to which something happened, where there are both.
const DUE_IN_ROW: u32 = 3;

/// The passes to make.
pub(super) struct WorkQueue<K> {
    timers: DelayQueue<K>,
    timer_of: HashMap<K, delay_queue::Key>,
    due: Turns<K>,
    happened: Turns<K>,
    places: HashMap<K, PassState>,
    turn: u64,
    due_in_row: u32,
}

/// In the order of their turns, and since when each waits.
type Turns<K> = BTreeMap<u64, (K, Instant)>;

/// Where a job is that does not only wait for its time.
#[derive(Clone, Copy)]
enum PassState {
    /// In the line of those that are due.
    Due,
    /// In the line of those to which something happened, with this turn.
    Happened(u64),
    /// A pass over it runs; whether something happened to it meanwhile.
    Running { again: bool },
}

impl<K> Default for WorkQueue<K> {
    fn default() -> Self {
        Self {
            timers: DelayQueue::new(),
            timer_of: HashMap::new(),
            due: BTreeMap::new(),
            happened: BTreeMap::new(),
            places: HashMap::new(),
            turn: 0,
            due_in_row: 0,
        }
    }
}

impl<K: Clone + Eq + Hash> WorkQueue<K> {
    /// Whether no pass can be made now.
    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.happened.is_empty()
    }

    /// Whether a job waits for its time.
    pub(super) fn has_timers(&self) -> bool {
        !self.timers.is_empty()
    }

    /// Something happened to `key`.
    pub(super) fn add(&mut self, key: K) {
        match self.places.get_mut(&key) {
            Some(PassState::Due | PassState::Happened(_)) => {}
            Some(PassState::Running { again }) => *again = true,
            None => self.line_up(key),
        }
    }

    fn line_up(&mut self, key: K) {
        self.turn += 1;
        self.places.insert(key.clone(), PassState::Happened(self.turn));
        self.happened.insert(self.turn, (key, Instant::now()));
    }

    /// Waits until the time of a job has come. Does nothing where none waits.
    pub(super) async fn expire(&mut self) {
        let Some(expired) = self.timers.next().await else { return };
        let key = expired.into_inner();
        self.timer_of.remove(&key);
        let waiting = match self.places.insert(key.clone(), PassState::Due) {
            Some(PassState::Happened(turn)) => self.happened.remove(&turn).map(|(_, since)| since),
            Some(PassState::Due | PassState::Running { .. }) | None => None,
        };
        self.turn += 1;
        self.due.insert(self.turn, (key, waiting.unwrap_or_else(Instant::now)));
    }

    /// The job whose pass is next, and how long it has waited for that.
    pub(super) fn take(&mut self) -> Option<(K, Duration)> {
        let happened_first = self.due.is_empty() || (self.due_in_row >= DUE_IN_ROW && !self.happened.is_empty());
        let line = if happened_first { &mut self.happened } else { &mut self.due };
        let (_, (key, since)) = line.pop_first()?;
        self.due_in_row = if happened_first { 0 } else { self.due_in_row + 1 };
        if let Some(timer) = self.timer_of.remove(&key) {
            self.timers.remove(&timer);
        }
        self.places.insert(key.clone(), PassState::Running { again: false });
        Some((key, since.elapsed()))
    }

    /// The pass over `key` has ended; another is due after so long, should nothing happen before.
    pub(super) fn done(&mut self, key: &K, again_after: Option<Duration>) {
        if matches!(self.places.remove(key), Some(PassState::Running { again: true })) {
            self.line_up(key.clone());
        }
        if let Some(wait) = again_after {
            let timer = self.timers.insert(key.clone(), wait.min(LONGEST_WAIT));
            self.timer_of.insert(key.clone(), timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn both_lines_have_their_turns_and_each_key_one_place() {
        let mut queue = WorkQueue::default();
        for (key, seconds) in [("d1", 1), ("d2", 2), ("d3", 3), ("d4", 4), ("d5", 5)] {
            queue.add(key);
            queue.take().unwrap();
            queue.done(&key, Some(Duration::from_secs(seconds)));
        }
        for key in ["a", "d2", "b", "a"] {
            queue.add(key);
        }
        for _ in 0..5 {
            queue.expire().await;
        }
        assert!(!queue.has_timers());
        let order: Vec<_> = std::iter::from_fn(|| queue.take().map(|(key, _)| key)).collect();
        assert_eq!(order, ["d1", "d2", "d3", "a", "d4", "d5", "b"]);
        for key in &order {
            queue.done(key, None);
        }
        assert!(queue.is_empty() && queue.places.is_empty() && queue.timer_of.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_happens_during_a_pass_leads_to_one_more() {
        let mut queue = WorkQueue::default();
        queue.add("a");
        assert_eq!(queue.take().unwrap().0, "a");
        queue.add("a");
        queue.add("a");
        assert!(queue.is_empty());
        queue.done(&"a", Some(Duration::MAX));
        assert_eq!(queue.take().unwrap().0, "a");
        assert!(!queue.has_timers(), "the pass asks for its own");
        queue.done(&"a", None);
        assert!(queue.take().is_none() && queue.is_empty());
    }
}

//! Messages that wait here while later ones go on: for room in a quota, or for an answer of the apiserver's or the broker's
//! that may change.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - Jobs are stored in the order of their submissions as far as those wait for room in a quota.
//! - What waits here is bounded in number and bytes; all else waits at the broker, in its order.

use std::{
    collections::BTreeSet,
    future::pending,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::{sync::Notify, time::timeout};
use tracing::error;

use crate::{task, telemetry::HeldMessage};

/// So many messages wait here while later ones go on …
const MOST_HELD: usize = 64;
/// … and so many bytes of them, beside the few that are being worked on.
const MOST_HELD_BYTES: usize = 64 * 1024 * 1024;

/// The messages of one queue that are here.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<Contents>,
    changed: Notify,
}

#[derive(Default)]
struct Contents {
    next: u64,
    for_room: BTreeSet<u64>,
    held: usize,
    held_bytes: usize,
}

/// The number of one message, in the order in which they came.
#[derive(Clone)]
pub(super) struct Number {
    line: Arc<Line>,
    number: u64,
}

/// The place of one message, as long as it is here.
pub(super) struct Place {
    number: Number,
    bytes: usize,
    held: Option<HeldMessage>,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, Contents> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place behind all others, of a message with so many bytes.
    pub(super) fn place(self: &Arc<Self>, bytes: usize) -> Place {
        let mut state = self.state();
        state.next += 1;
        Place { number: Number { line: Arc::clone(self), number: state.next }, bytes, held: None }
    }

    /// Takes a message of so many bytes. Where that panics it waits here, which `hold` counts, and no other ends with it: the next
    /// connection brings it again.
    pub(super) async fn keep_where_it_panics<T>(
        self: &Arc<Self>,
        taking: impl Future<Output = T>,
        bytes: usize,
        hold: impl FnOnce() -> HeldMessage,
    ) -> T {
        let panic = match AssertUnwindSafe(taking).catch_unwind().await {
            Ok(taken) => return taken,
            Err(panic) => panic,
        };
        let reason = task::words_of(&*panic);
        error!(
            reason,
            "a client's message made the operator panic, which is a bug of the operator; the message waits, and is tried again after the next connection to the broker"
        );
        let mut place = self.place(bytes);
        place.hold(Some(hold()));
        pending().await
    }

    /// Whether one more message may be fetched past those that wait, while `here` of them are here and `most` may be worked
    /// on at once.
    pub(super) fn lets_pass(&self, here: usize, most: usize) -> bool {
        let state = self.state();
        let working = here.saturating_sub(state.held);
        (1..MOST_HELD).contains(&state.held) && state.held_bytes < MOST_HELD_BYTES && working < most
    }
}

impl Number {
    /// Whether some message waits for room: then the apiserver is asked before an input is stored for nothing.
    pub(super) fn is_room_scarce(&self) -> bool {
        !self.line.state().for_room.is_empty()
    }

    /// Whether no earlier message waits for room.
    pub(super) fn is_first(&self) -> bool {
        self.line.state().for_room.first().is_none_or(|first| self.number <= *first)
    }

    /// Notes that it waits for room.
    pub(super) fn wait_for_room(&self) {
        self.line.state().for_room.insert(self.number);
    }

    /// Waits until it is the first that waits for room, and not longer than `limit`.
    pub(super) async fn turn(&self, limit: Duration) {
        let first = async {
            loop {
                let changed = self.line.changed.notified();
                if self.is_first() {
                    return;
                }
                changed.await;
            }
        };
        drop(timeout(limit, first).await);
    }
}

impl Place {
    /// Its number.
    pub(super) fn number(&self) -> &Number {
        &self.number
    }

    /// Lets later messages go on while this one waits, which `held` counts; or no more.
    pub(super) fn hold(&mut self, held: Option<HeldMessage>) {
        let before = std::mem::replace(&mut self.held, held).is_some();
        let mut state = self.number.line.state();
        match (before, self.held.is_some()) {
            (false, true) => {
                state.held += 1;
                state.held_bytes += self.bytes;
            }
            (true, false) => {
                state.held = state.held.saturating_sub(1);
                state.held_bytes = state.held_bytes.saturating_sub(self.bytes);
            }
            _ => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hold(None);
        let Number { line, number } = &self.number;
        line.state().for_room.remove(number);
        line.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    #[tokio::test(start_paused = true)]
    async fn room_is_given_in_the_order_of_arrival() {
        let line = Arc::new(Line::default());
        let places = [(); 3].map(|()| line.place(1));
        let [first, second, third] = [0, 1, 2].map(|at: usize| places[at].number().clone());
        assert!(!first.is_room_scarce() && third.is_first());
        second.wait_for_room();
        first.wait_for_room();
        assert!(third.is_room_scarce());
        assert_eq!([first.is_first(), second.is_first(), third.is_first()], [true, false, false]);
        let waiting = async {
            second.turn(Duration::from_secs(60)).await;
            second.is_first()
        };
        let [leaves, _stays, _comes] = places;
        let (is_first, ()) = tokio::join!(waiting, async { drop(leaves) });
        assert!(is_first && !third.is_first());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_panics_waits_and_others_pass_it() {
        let (line, metrics) = (Arc::new(Line::default()), Metrics::default());
        let panics = line.keep_where_it_panics(async { panic!("as a test") }, 1, || metrics.hold("Panicked"));
        let others = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert!(line.lets_pass(1, 2));
            line.keep_where_it_panics(async { 7 }, 1, || metrics.hold("Panicked")).await
        };
        tokio::select! {
            () = panics => panic!("it is done"),
            number = others => assert_eq!(number, 7),
        }
    }

    #[test]
    fn later_messages_go_on_within_bounds() {
        let (line, metrics) = (Arc::new(Line::default()), Metrics::default());
        let held = || Some(metrics.hold("Quota"));
        let mut places: Vec<_> = (0..MOST_HELD).map(|_| line.place(1024)).collect();
        assert!(!line.lets_pass(1, 2), "nothing waits");
        places[0].hold(held());
        assert_eq!([line.lets_pass(1, 2), line.lets_pass(3, 2)], [true, false], "two are worked on already");
        for place in &mut places {
            place.hold(held());
        }
        assert!(!line.lets_pass(MOST_HELD, 2));
        places.clear();
        let mut large = line.place(MOST_HELD_BYTES);
        large.hold(held());
        assert!(!line.lets_pass(1, 2));
        large.hold(None);
        assert_eq!(line.state().held_bytes, 0);
    }
}

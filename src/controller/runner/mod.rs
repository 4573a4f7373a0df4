//! Makes passes over jobs: when something happened to a job, and when its last pass asked for another one.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - There is one pass over a job at a time. What happens to the job meanwhile leads to another one.
//! - Passes run in tasks of their own, on all cores, and no more of them at once than there are slots.
//! - A pass that is due goes before those to which something happened, however many these are; [`queue`] keeps both in turns.
//! - A slow pass delays no other, and one that panics ends no other.

mod queue;
mod room;

use std::{collections::HashMap, fmt::Display, hash::Hash, pin::pin, time::Duration};

use futures::{Stream, StreamExt};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::error;

use crate::task::of_replica;

use queue::WorkQueue;

pub(crate) use room::{Room, Rooms};

/// How long after a panic the next pass over its job follows: what led to it may have changed.
const AFTER_PANIC: Duration = Duration::from_secs(60);

/// Makes passes over what `triggers` names until `shutdown` completes; passes that are under way are finished.
///
/// `pass` gets the room that it may take, and how long it has waited for that; it returns after how long another pass is
/// due, should nothing happen before. `None` is never.
pub(crate) async fn run<K, P>(
    triggers: impl Stream<Item = K>,
    rooms: Rooms,
    pass: impl Fn(K, Room, Duration) -> P,
    shutdown: impl Future<Output = ()>,
) where
    K: Clone + Display + Eq + Hash + Send + 'static,
    P: Future<Output = Option<Duration>> + Send + 'static,
{
    let (mut triggers, mut shutdown) = (pin!(triggers), pin!(shutdown));
    let mut queue = WorkQueue::<K>::default();
    let mut passes = Passes { tasks: JoinSet::new(), keys: HashMap::new() };
    loop {
        tokio::select! {
            // What ends goes before what begins, and what is due before that; triggers do no more than fill the queue.
            biased;
            () = &mut shutdown => break,
            Some((key, again_after)) = passes.next() => queue.done(&key, again_after),
            () = queue.expire(), if queue.has_timers() => {}
            room = rooms.enter(), if !queue.is_empty() => {
                if let Some((key, waited)) = queue.take() {
                    passes.spawn(key.clone(), pass(key, room, waited));
                }
            }
            Some(key) = triggers.next() => queue.add(key),
        }
    }
    while passes.next().await.is_some() {}
}

/// The passes that are under way.
struct Passes<K> {
    tasks: JoinSet<Option<Duration>>,
    keys: HashMap<Id, K>,
}

impl<K: Display> Passes<K> {
    fn spawn(&mut self, key: K, pass: impl Future<Output = Option<Duration>> + Send + 'static) {
        let id = self.tasks.spawn(of_replica(pass)).id();
        self.keys.insert(id, key);
    }

    /// The next one that ends, and after how long another is due; `None` while there is none.
    async fn next(&mut self) -> Option<(K, Option<Duration>)> {
        let ended = self.tasks.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let key = self.keys.remove(&id)?;
        let again_after = match ended {
            Ok((_, again_after)) => again_after,
            Err(error) => {
                let seconds = AFTER_PANIC.as_secs();
                error!(job = %key, %error, seconds, "a pass panicked, which is a bug of the operator; it is tried again");
                Some(AFTER_PANIC)
            }
        };
        Some((key, again_after))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use futures::stream;
    use tokio::{
        sync::{Notify, mpsc},
        time::{Instant, sleep, timeout},
    };

    use super::*;

    /// Runs `pass` over the `keys`, for as long as `limit`.
    async fn run_for<P: Future<Output = Option<Duration>> + Send + 'static>(
        keys: impl IntoIterator<Item = u32>,
        slots: u16,
        limit: Duration,
        pass: impl Fn(u32) -> P,
    ) {
        let triggers = stream::iter(keys).chain(stream::pending());
        let pass = |key, room, _| {
            let pass = pass(key);
            async move {
                let _room: Room = room;
                pass.await
            }
        };
        run(triggers, Rooms::new(slots), pass, sleep(limit)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_passes_at_once_than_there_are_slots() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        run_for(0..100, 3, Duration::from_secs(60), |_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                now.fetch_sub(1, Ordering::Relaxed);
                None
            }
        })
        .await;
        assert_eq!((now.load(Ordering::Relaxed), most.load(Ordering::Relaxed)), (0, 3));
    }

    /// Each of 10,000 takes a tenth of a second, and one of them wants another pass after a second.
    #[tokio::test(start_paused = true)]
    async fn what_is_due_goes_before_a_backlog() {
        let (began, passed) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        run_for(0..10_000, 1, Duration::from_secs(5), |key| {
            let passed = Arc::clone(&passed);
            async move {
                let is_again = key == 0 && began.elapsed() > Duration::from_millis(500);
                passed.lock().unwrap().extend(is_again.then(|| began.elapsed()));
                sleep(Duration::from_millis(100)).await;
                (key == 0 && !is_again).then_some(Duration::from_secs(1))
            }
        })
        .await;
        let [again] = passed.lock().unwrap()[..] else { panic!("{passed:?}") };
        assert!(again < Duration::from_millis(1250), "{again:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_pass_delays_no_other() {
        let others = Arc::new(AtomicUsize::new(0));
        let slow = timeout(
            Duration::from_secs(20),
            run_for(0..100, 2, Duration::MAX, |key| {
                let others = Arc::clone(&others);
                async move {
                    if key == 0 {
                        sleep(Duration::from_secs(3600)).await;
                    }
                    sleep(Duration::from_millis(100)).await;
                    others.fetch_add(1, Ordering::Relaxed);
                    None
                }
            }),
        );
        assert!(slow.await.is_err());
        assert_eq!(others.load(Ordering::Relaxed), 99);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_ends_no_other_pass_and_is_tried_again() {
        let (panics, others) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        run_for(0..10, 1, 5 * AFTER_PANIC / 2, |key| {
            let (panics, others) = (Arc::clone(&panics), Arc::clone(&others));
            async move {
                let counter = if key == 3 { &panics } else { &others };
                counter.fetch_add(1, Ordering::Relaxed);
                assert_ne!(key, 3, "as a test");
                None
            }
        })
        .await;
        assert_eq!((panics.load(Ordering::Relaxed), others.load(Ordering::Relaxed)), (3, 9));
    }

    /// Two passes, one after the other, and none after the end.
    #[tokio::test(start_paused = true)]
    async fn what_happens_meanwhile_leads_to_another_pass() {
        let (sender, receiver) = mpsc::unbounded_channel();
        let triggers = stream::unfold(receiver, async |mut receiver: mpsc::UnboundedReceiver<u32>| {
            Some((receiver.recv().await?, receiver))
        });
        let (passes, ending) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let began = Instant::now();
        let pass = |_, room: Room, _| {
            let (passes, sender, ending) = (Arc::clone(&passes), sender.clone(), Arc::clone(&ending));
            async move {
                let _room = room;
                let from = began.elapsed().as_secs();
                for key in [7, 7, 7] {
                    sender.send(key).unwrap();
                }
                if from > 0 {
                    ending.notify_one();
                }
                sleep(Duration::from_secs(2)).await;
                passes.lock().unwrap().push((from, began.elapsed().as_secs()));
                Some(Duration::ZERO)
            }
        };
        sender.send(7).unwrap();
        run(triggers, Rooms::new(4), pass, ending.notified()).await;
        assert_eq!(*passes.lock().unwrap(), [(0, 2), (2, 4)], "the one under way is finished");
    }
}

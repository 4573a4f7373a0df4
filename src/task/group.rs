//! The tasks of one simulated replica, as one: killed like a process by SIGKILL, stopped and continued like one by SIGSTOP
//! and SIGCONT.
//!
//! Ring: shell. For simulations alone.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures::future::Either;
use tokio::task_local;

task_local! {
    /// The group of the task that is polled.
    static CURRENT: Tasks;
}

/// The tasks of one replica: those that were spawned here, and those that these spawn.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Mutex<GroupState>>);

#[derive(Debug, Default)]
enum GroupState {
    #[default]
    Running,
    /// What to wake when it runs again.
    Frozen(Vec<Waker>),
    Killed,
}

impl Tasks {
    /// Starts the first task of a replica, or one more that is not spawned by another of its tasks.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(OfGroup { tasks: self.clone(), task: Box::pin(task) });
    }

    /// Polls no task any more. As little is dropped as when a process is killed.
    pub fn kill(&self) {
        *self.state() = GroupState::Killed;
    }

    /// Polls no task until [`Tasks::thaw`]. Time goes on.
    pub fn freeze(&self) {
        let mut state = self.state();
        if matches!(*state, GroupState::Running) {
            *state = GroupState::Frozen(Vec::new());
        }
    }

    /// Goes on where [`Tasks::freeze`] stopped.
    pub fn thaw(&self) {
        let mut state = self.state();
        if let GroupState::Frozen(wakers) = &mut *state {
            let wakers = std::mem::take(wakers);
            *state = GroupState::Running;
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Whether the replica was killed, or ended by a panic.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        matches!(*self.state(), GroupState::Killed)
    }

    /// The group of the task that calls this.
    pub(super) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    fn state(&self) -> MutexGuard<'_, GroupState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a task may be polled now; one that is frozen is woken later.
    fn runs(&self, waker: &Waker) -> bool {
        match &mut *self.state() {
            GroupState::Running => true,
            GroupState::Frozen(wakers) => {
                if !wakers.iter().any(|known| known.will_wake(waker)) {
                    wakers.push(waker.clone());
                }
                false
            }
            GroupState::Killed => false,
        }
    }
}

/// Puts `task` into the group of the task that calls this, where that is in one.
pub(super) fn with_current<T>(
    task: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send + 'static {
    match Tasks::current() {
        Some(tasks) => Either::Left(OfGroup { tasks, task: Box::pin(task) }),
        None => Either::Right(task),
    }
}

/// A task that is polled only while its group runs.
struct OfGroup<F> {
    tasks: Tasks,
    task: Pin<Box<F>>,
}

impl<F: Future> Future for OfGroup<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        if !self.tasks.runs(context.waker()) {
            return Poll::Pending;
        }
        let tasks = self.tasks.clone();
        CURRENT.sync_scope(tasks, || self.task.as_mut().poll(context))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use tokio::time::{Instant, sleep};

    use super::super::{spawn, spawn_vital};
    use super::*;

    /// A replica with a task that counts seconds, spawned by another of its tasks; what it counted, and when at last.
    fn counting() -> (Tasks, Arc<AtomicU32>, Arc<AtomicU32>) {
        let (tasks, counted, last) = (Tasks::default(), Arc::<AtomicU32>::default(), Arc::<AtomicU32>::default());
        let (count, at, began) = (Arc::clone(&counted), Arc::clone(&last), Instant::now());
        tasks.spawn(async move {
            spawn_vital("counting", async move {
                loop {
                    sleep(Duration::from_secs(1)).await;
                    count.fetch_add(1, Ordering::Relaxed);
                    at.store(u32::try_from(began.elapsed().as_secs()).unwrap(), Ordering::Relaxed);
                }
            });
        });
        (tasks, counted, last)
    }

    /// A little after so many seconds.
    async fn wait(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
        sleep(Duration::from_millis(10)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_killed_is_never_polled_again() {
        let (tasks, counted, _) = counting();
        let (_, others, _) = counting();
        wait(3).await;
        tasks.kill();
        tasks.thaw();
        wait(3).await;
        assert_eq!([counted, others].map(|count| count.load(Ordering::Relaxed)), [3, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_frozen_goes_on_where_it_was() {
        let (tasks, counted, last) = counting();
        wait(3).await;
        tasks.freeze();
        wait(7).await;
        assert_eq!(counted.load(Ordering::Relaxed), 3);
        tasks.thaw();
        wait(0).await;
        assert_eq!([&counted, &last].map(|number| number.load(Ordering::Relaxed)), [4, 10], "its time was over");
        wait(2).await;
        assert_eq!(counted.load(Ordering::Relaxed), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_of_a_vital_task_ends_its_replica_alone() {
        let ((tasks, counted, _), (others, ..)) = (counting(), counting());
        tasks.spawn(async {
            spawn_vital("doomed", async {
                sleep(Duration::from_millis(1500)).await;
                panic!("as a test");
            });
        });
        wait(3).await;
        assert_eq!([tasks.is_killed(), others.is_killed()], [true, false]);
        assert_eq!(counted.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_of_another_task_ends_nothing_else() {
        let (tasks, counted, _) = counting();
        tasks.spawn(async {
            let doomed = spawn("doomed", async { panic!("as a test") });
            assert!(doomed.await.is_err_and(|error| error.is_panic()));
        });
        wait(3).await;
        assert!(!tasks.is_killed());
        assert_eq!(counted.load(Ordering::Relaxed), 3);
    }
}

//! Tasks of their own: all but the passes of the controller's runner begin here.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - A panic never passes in silence. In a task that lives as long as the replica it ends the replica, so that another one
//!   takes over: half a replica would hold the lease, and miss what that task did.
//! - All tasks of a replica that begin here belong to one group, which a simulation can kill and freeze. Other builds have no
//!   groups.

#[cfg(feature = "testing")]
mod group;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, resume_unwind},
};

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tracing::error;

#[cfg(feature = "testing")]
pub use group::Tasks;

/// Starts a task for one effect, whose panic is logged and ends nothing else.
pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    start(task, move |reason| {
        error!(task = name, reason, "a task panicked, which is a bug of the operator; what it did is left undone");
    })
}

/// Starts a task that lives as long as the replica, whose panic ends the replica.
pub(crate) fn spawn_vital<T: Send + 'static>(
    name: &'static str,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    start(task, move |reason| {
        error!(
            task = name,
            reason,
            "a task that the operator needs panicked, which is a bug of the operator; this process ends, and another replica takes over"
        );
        end_replica();
    })
}

fn start<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
    panicked: impl FnOnce(&str) + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(of_replica(async move {
        let ended = AssertUnwindSafe(task).catch_unwind().await;
        ended.unwrap_or_else(|panic| {
            panicked(words_of(&*panic));
            // Whoever awaits the task learns of it, too.
            resume_unwind(panic)
        })
    }))
}

/// Puts what runs in a task of its own into the group of the task that starts it.
#[cfg(feature = "testing")]
pub(crate) fn of_replica<T>(
    task: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send + 'static {
    group::with_current(task)
}

/// Puts what runs in a task of its own into the group of the task that starts it: the process is the only one.
#[cfg(not(feature = "testing"))]
pub(crate) fn of_replica<T>(
    task: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = T> + Send + 'static {
    task
}

/// Ends the replica of the task that calls it: the process, where that is no simulated one.
pub(crate) fn end_replica() {
    #[cfg(feature = "testing")]
    if let Some(tasks) = Tasks::current() {
        return tasks.kill();
    }
    std::process::exit(1);
}

/// What a panic says.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without words")
}

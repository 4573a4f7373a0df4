//! The jobs that something happened to: a bounded set of keys, in the order in which they first came.
//!
//! Ring: shell. Bounded by the number of jobs, because a key is in it at most once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use futures::Stream;
use tokio::sync::Notify;

use super::job_key::JobKey;

/// Jobs to look at.
#[derive(Default)]
pub(crate) struct Triggers {
    queue: Mutex<TriggerQueue>,
    added: Notify,
}

#[derive(Default)]
struct TriggerQueue {
    order: VecDeque<JobKey>,
    known: HashSet<JobKey>,
}

impl Triggers {
    /// Has `job` looked at soon.
    pub(crate) fn add(&self, job: JobKey) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.known.insert(job.clone()) {
            queue.order.push_back(job);
        }
        drop(queue);
        self.added.notify_one();
    }

    fn next(&self) -> Option<JobKey> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let job = queue.order.pop_front()?;
        queue.known.remove(&job);
        Some(job)
    }

    /// The keys as a stream.
    pub(crate) fn stream(self: Arc<Self>) -> impl Stream<Item = JobKey> {
        futures::stream::unfold(self, |triggers| async move {
            loop {
                let added = triggers.added.notified();
                if let Some(job) = triggers.next() {
                    drop(added);
                    return Some((job, triggers));
                }
                added.await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[tokio::test]
    async fn a_key_is_queued_once_and_in_order() {
        let triggers = Arc::new(Triggers::default());
        for name in ["a", "b", "a"] {
            triggers.add(JobKey::new("ns", name));
        }
        let stream = Arc::clone(&triggers).stream();
        futures::pin_mut!(stream);
        let first = stream.next().await.unwrap();
        triggers.add(JobKey::new("ns", "a"));
        let rest: Vec<_> = stream.take(2).map(|key| key.name).collect().await;
        assert_eq!((first.name.as_str(), rest), ("a", vec!["b".to_owned(), "a".to_owned()]));
    }
}

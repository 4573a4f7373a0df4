//! What becomes of jobs' queues at the broker: heard from its events, and seen in the list of all queues.
//!
//! Ring: shell. Guarantees: no lease is renewed by looking; without an ended job whose result is unread nothing is asked.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tracing::{debug, warn};

use crate::{
    api::{
        OmotesJob,
        names::{FINALIZER_CLEANUP, JobId},
        status::QueuesState,
    },
    broker::{BrokerState, Deleter, ListedQueue},
    plan::observed::{QueueEnd, ResultQueue},
    topology,
};

use super::context::Context;

/// How often the list is looked at while a result waits to be read …
const PERIOD: Duration = Duration::from_secs(5);
/// … and how much longer than the broker takes for it at least.
const SHARE: u32 = 10;

/// The broker's number of messages may be that old: two seconds of a quorum queue, and a published time has whole seconds.
const COUNT_LAG: SignedDuration = SignedDuration::from_secs(3);
/// More than the clocks of the broker and of this machine differ.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Takes in that `queue` was deleted.
pub(super) fn deleted(context: &Context, queue: &str, by: Deleter, at: Timestamp) {
    let holder = topology::job_of_queue(queue).and_then(|id| context.claims.holder(id));
    let Some(job) = holder.and_then(|job| context.jobs.store().get(&job)) else { return };
    debug!(queue, ?by, "a queue of a job was deleted");
    // Whoever it was: the operator's sweep may have come just before the job.
    let lost = !job.has_ended();
    let is_result = topology::is_result_queue(queue);
    context.memories.change(&job.uid().unwrap_or_default(), |memory| {
        if lost {
            memory.lose_queues();
        }
        if is_result {
            memory.result_queue = ResultQueue::Gone { how: by.into(), at };
        }
    });
    if lost || is_result {
        context.trigger(ObjectRef::from_obj(&*job));
    }
}

/// Looks after the results that wait to be read, and those that wait for their queue, until it is aborted.
pub(super) async fn look_after(context: Arc<Context>) {
    let mut missing = HashSet::new();
    let mut told = false;
    loop {
        let began = Instant::now();
        let unread: Vec<_> =
            context.jobs.store().state().into_iter().filter(|job| is_unread(job) || is_kept(job)).collect();
        missing.retain(|uid| unread.iter().any(|job| job.metadata.uid.as_ref() == Some(uid)));
        let usable = matches!(context.broker.state(), BrokerState::Ready { .. } | BrokerState::Blocked { .. });
        if !unread.is_empty() && usable {
            let at = Timestamp::now();
            match context.broker.list_queues().await {
                Ok(Some(queues)) => compare(&context, &unread, &queues, at, &mut missing).await,
                Ok(None) if told => {}
                Ok(None) => {
                    told = true;
                    warn!(
                        "without the broker's management API nobody knows which results were read; queues go by their own time to live"
                    );
                }
                Err(error) => debug!(%error, "could not look at the queues; the operator tries again"),
            }
        }
        tokio::time::sleep(PERIOD.max(began.elapsed() * SHARE)).await;
    }
}

/// Whether the result of `job` is in its queue, as far as the status knows.
fn is_unread(job: &OmotesJob) -> bool {
    let Some(status) = job.status.as_ref().filter(|_| job.has_ended()) else { return false };
    let held = job.finalizers().iter().any(|finalizer| finalizer == FINALIZER_CLEANUP);
    let state = status.queues.as_ref().and_then(|queues| queues.state);
    held && state == Some(QueuesState::Ensured) && status.result.as_ref().is_some_and(|result| result.routed)
}

/// Whether the result of `job` is kept until its queue is there again.
fn is_kept(job: &OmotesJob) -> bool {
    let held = job.finalizers().iter().any(|finalizer| finalizer == FINALIZER_CLEANUP);
    let status = job.status.as_ref().filter(|_| held && job.has_ended());
    status.is_some_and(|status| status.keeps_result(Timestamp::now()))
}

async fn compare(
    context: &Context,
    unread: &[Arc<OmotesJob>],
    queues: &[ListedQueue],
    at: Timestamp,
    missing: &mut HashSet<String>,
) {
    let messages: HashMap<&str, Option<u64>> =
        queues.iter().map(|queue| (queue.name.as_str(), queue.messages)).collect();
    for job in unread {
        let (queue, uid) = (topology::result_queue(JobId::of(job).as_str()), job.uid().unwrap_or_default());
        let Some(count) = messages.get(queue.as_str()) else {
            // The event that says who deleted it may be under way, and a list may be short of one.
            let seen_missing = !is_kept(job) && !missing.insert(uid.clone());
            if seen_missing && context.broker.is_gone(&queue).await {
                let how = how_it_went(context, &queue, published(job));
                learn(context, job, ResultQueue::Gone { how, at });
            }
            continue;
        };
        missing.remove(&uid);
        if is_kept(job) {
            learn(context, job, ResultQueue::Unread);
        } else if *count == Some(0) && at >= published(job) + COUNT_LAG {
            learn(context, job, ResultQueue::Read(at));
        }
    }
}

fn learn(context: &Context, job: &OmotesJob, sight: ResultQueue) {
    context.memories.change(&job.uid().unwrap_or_default(), |memory| memory.result_queue = sight);
    context.trigger(ObjectRef::from_obj(job));
}

/// When the result was published, in whole seconds.
fn published(job: &OmotesJob) -> Timestamp {
    let result = job.status.as_ref().and_then(|status| status.result.as_ref());
    result.and_then(|result| result.published_time.as_ref()).map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// How the queue went that `published` was put into; a deletion before that was of another queue of that name.
fn how_it_went(context: &Context, queue: &str, published: Timestamp) -> QueueEnd {
    let deletion = context.broker.deletion_of(queue).filter(|(_, at)| *at + CLOCK_MARGIN >= published);
    deletion.map_or(QueueEnd::Unknown, |(by, _)| by.into())
}

impl From<Deleter> for QueueEnd {
    fn from(by: Deleter) -> Self {
        match by {
            Deleter::Operator => Self::ByOperator,
            Deleter::Expiry => Self::Expiry,
            Deleter::Other(user) => Self::ByUser(user),
        }
    }
}

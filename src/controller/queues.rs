//! What becomes of jobs' queues at the broker: heard from its events, and seen in the list of all queues.
//!
//! Ring: shell. Guarantees: no lease is renewed by looking; without an ended job whose result is unread nothing is asked.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::{
    api::{
        OmotesJob, finalizers,
        names::{FINALIZER_CLEANUP, JobId},
        status::QueuesState,
    },
    broker::{BrokerState, ListedQueue},
    result::{
        Deleter, QueueEnd, ResultQueue,
        read::{is_counted, of_empty},
    },
    topology,
};

use super::{
    context::Context,
    state::{JobKey, State},
};

/// How often the list is looked at while a result waits to be read …
const PERIOD: Duration = Duration::from_secs(5);
/// … and how much longer than the broker takes for it at least.
const SHARE: u32 = 10;

/// More than the clocks of the broker and of this machine differ.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Takes in that `queue` was deleted.
pub(super) fn deleted(state: &State, queue: &str, by: Deleter, at: Timestamp) {
    let holder = topology::job_of_queue(queue).and_then(|id| state.claims.holder(id));
    let Some(job) = holder.and_then(|job| state.jobs.get(&job.namespace, &job.name)) else { return };
    debug!(queue, by = %by, "a queue of a job was deleted");
    // Whoever it was: the operator's sweep may have come just before the job.
    let lost = !job.has_ended();
    let is_result = topology::is_result_queue(queue);
    state.memories.change(&job.uid().unwrap_or_default(), |memory| {
        if lost {
            memory.lose_queues();
        }
        if is_result {
            memory.result_queue = ResultQueue::Gone { how: by.into(), at };
        }
    });
    if lost || is_result {
        state.trigger(JobKey::of(&job));
    }
}

/// What was seen of result queues in earlier lists, by the UIDs of their jobs.
#[derive(Debug, Default)]
struct Sightings {
    missing: HashSet<String>,
    /// Since when a queue is empty.
    empty: HashMap<String, Timestamp>,
}

impl Sightings {
    /// Forgets all but `jobs`.
    fn retain(&mut self, jobs: &[Arc<OmotesJob>]) {
        let is_there = |uid: &String| jobs.iter().any(|job| job.metadata.uid.as_ref() == Some(uid));
        self.missing.retain(is_there);
        self.empty.retain(|uid, _| is_there(uid));
    }
}

/// Looks after the results that wait to be read, and those that wait for their queue, until it is aborted.
pub(super) async fn look_after(context: Arc<Context>) {
    let mut seen = Sightings::default();
    let (mut told, mut failing) = (false, false);
    loop {
        let (began, at) = (Instant::now(), context.clock.now());
        let unread = context.state.jobs.filtered(|job| is_unread(job) || is_kept(job, at));
        seen.retain(&unread);
        let usable = matches!(context.clients.broker.state(), BrokerState::Ready { .. } | BrokerState::Blocked { .. });
        if !unread.is_empty() && usable {
            match context.clients.broker.list_queues().await {
                Ok(Some(queues)) => {
                    if std::mem::take(&mut failing) {
                        info!("the queues can be listed again, and which results were read is known");
                    }
                    compare(&context, &unread, &queues, at, &mut seen).await;
                }
                Ok(None) if told => {}
                Ok(None) => {
                    told = true;
                    warn!(
                        "without the broker's management API nobody knows which results were read; queues go by their own time to live"
                    );
                }
                Err(error) if !std::mem::replace(&mut failing, true) => {
                    let remedy = error.remedy();
                    warn!(%error, "the queues cannot be listed, so nobody knows which results were read. {remedy}; the operator tries again");
                }
                Err(error) => debug!(%error, "the queues still cannot be listed; the operator tries again"),
            }
        }
        tokio::time::sleep(PERIOD.max(began.elapsed() * SHARE)).await;
    }
}

/// Whether the result of `job` is in its queue, as far as the status knows.
fn is_unread(job: &OmotesJob) -> bool {
    let Some(status) = job.status.as_ref().filter(|_| job.has_ended()) else { return false };
    let held = finalizers::has(job, FINALIZER_CLEANUP);
    let state = status.queues.as_ref().and_then(|queues| queues.state);
    held && state == Some(QueuesState::Ensured) && status.result.as_ref().is_some_and(|result| result.routed)
}

/// Whether the result of `job` is kept until its queue is there again.
fn is_kept(job: &OmotesJob, now: Timestamp) -> bool {
    let held = finalizers::has(job, FINALIZER_CLEANUP);
    let status = job.status.as_ref().filter(|_| held && job.has_ended());
    status.is_some_and(|status| status.keeps_result(now))
}

async fn compare(
    context: &Context,
    unread: &[Arc<OmotesJob>],
    queues: &[ListedQueue],
    at: Timestamp,
    seen: &mut Sightings,
) {
    let messages: HashMap<&str, Option<u64>> =
        queues.iter().map(|queue| (queue.name.as_str(), queue.messages)).collect();
    for job in unread {
        let (queue, uid) = (topology::result_queue(JobId::of(job).as_str()), job.uid().unwrap_or_default());
        let Some(count) = messages.get(queue.as_str()) else {
            seen.empty.remove(&uid);
            // The event that says who deleted it may be under way, and a list may be short of one.
            let seen_missing = !is_kept(job, at) && !seen.missing.insert(uid);
            if seen_missing && context.clients.broker.is_gone(&queue).await {
                let how = how_it_went(context, &queue, published(job));
                learn(&context.state, job, ResultQueue::Gone { how, at });
            }
            continue;
        };
        seen.missing.remove(&uid);
        if is_kept(job, at) {
            learn(&context.state, job, ResultQueue::Unread);
        } else if *count == Some(0) && is_counted(published(job), at) {
            let since = *seen.empty.entry(uid).or_insert(at);
            look_into(context, job, &queue, since).await;
        } else {
            seen.empty.remove(&uid);
        }
    }
}

/// Finds out whether a result queue that is empty since `since` was read.
async fn look_into(context: &Context, job: &OmotesJob, queue: &str, since: Timestamp) {
    let Ok(Some(lookup)) = context.clients.broker.look_at(queue).await else { return };
    if let Some(sight) = of_empty(&lookup, since, context.clock.now()) {
        learn(&context.state, job, sight);
    }
}

fn learn(state: &State, job: &OmotesJob, sight: ResultQueue) {
    state.memories.change(&job.uid().unwrap_or_default(), |memory| memory.result_queue = sight);
    state.trigger(JobKey::of(job));
}

/// When the result was published, in whole seconds.
fn published(job: &OmotesJob) -> Timestamp {
    let result = job.status.as_ref().and_then(|status| status.result.as_ref());
    result.and_then(|result| result.published_time.as_ref()).map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// How the queue went that `published` was put into; a deletion before that was of another queue of that name.
fn how_it_went(context: &Context, queue: &str, published: Timestamp) -> QueueEnd {
    let deletion = context.clients.broker.deletion_of(queue).filter(|(_, at)| *at + CLOCK_MARGIN >= published);
    deletion.map_or(QueueEnd::Unknown, |(by, _)| by.into())
}

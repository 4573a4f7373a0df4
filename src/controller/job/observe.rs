//! Reads what a decision needs, once a pass. Writes nothing but this process's memory.
//!
//! Ring: shell.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::api::{core::v1::Pod, events::v1::Event};
use kube::{
    Api, ResourceExt,
    api::{ListParams, ObjectList},
};
use tokio::time::timeout;
use tracing::debug;

use crate::{
    api::{
        OmotesJob,
        names::{self, JobId},
    },
    broker::{BrokerState, Fetched},
    controller::{
        context::Context,
        error::{Error, kube_error},
        state::{Delivered, State, key_of},
    },
    plan::{
        Observed,
        facts::{
            failure::Failure,
            lookups::{Inquiry, inquiry},
            observed::{
                BrokerSight, PodEvents, PodWarning, Preparation, ResultSight, SHORTEST_ABSENCE, Sight, WarmSight,
                WorkflowSight, attempt_of,
            },
            owner, winding,
        },
    },
    result::Evidence,
    topology,
    wire::OutputMark,
    words::kube_words,
    workflow::{Revision, seats::Seat},
};

/// Outputs over this many bytes pass through memory one at a time.
const LARGE_OUTPUT_BYTES: u64 = 1024 * 1024;

/// More Events than a pod that does not start has.
const MAX_POD_EVENTS: u32 = 100;
/// How long a pass waits for its turn to look at Events.
const TURN_WAIT: Duration = Duration::from_millis(100);
/// The kubelet's Events of a pod whose sandbox and volumes are there.
const PROGRESS: [&str; 4] = ["Pulling", "Pulled", "Created", "Started"];

/// What this process knows of `job`, at `now`. Nothing is asked for, so nothing can fail.
pub(crate) fn recall(job: &OmotesJob, now: Timestamp, context: &Context) -> Observed {
    let workflow = workflow_sight(job, &context.state);
    let job = Arc::new(workflow.complete(job.clone()));
    let namespace = job.namespace().unwrap_or_default();
    let uid = job.uid().unwrap_or_default();
    let pod = sight_of_pod(&job, attempt_of(&job), &context.state);
    let own = pod.of(&job);
    if let Some(pod) = own {
        context.state.memories.witness_end(&job, pod, now);
    }
    let memory = context.state.memories.of_attempt(&uid, attempt_of(&job));
    let former = sight_of_pod(&job, attempt_of(&job) - 1, &context.state);
    let broker = context.clients.broker.state();
    let has_pod = own.is_some();
    let pod_name = names::pod_of(&job, attempt_of(&job));
    if let Some(pod) = own
        && !memory.pods.has_seen(&pod_name, pod.metadata.uid.as_deref().unwrap_or_default())
    {
        context.state.memories.change(&uid, |memory| memory.pods.is_there(&pod_name, pod.uid()));
    }
    let courier_secret = if !has_pod && job.spec.courier().enabled {
        context.state.secrets.sight(&namespace)
    } else {
        Preparation::Unknown
    };
    Observed {
        now,
        claim: context.state.claims.of(&job),
        workflow,
        seat: Seat::Unknown,
        slot_pool: None,
        warm: WarmSight::Unasked,
        was_pod_made: has_pod || memory.pods.was_made(&pod_name),
        pod: pod.clone(),
        former,
        broker: broker_sight(&broker),
        broker_since: since(&broker),
        told: memory.told,
        courier_secret,
        queues: memory.of_attempt.queues,
        failure: memory.failure,
        pod_refusal: memory.of_attempt.pod_refusal,
        output: Sight::Unreachable,
        result: ResultSight::Unsent,
        ended_by_itself: memory.ended_by_itself.filter(|(known, _)| is_uid_of(&pod, known)).map(|(_, at)| at),
        has_input: memory.of_attempt.has_input,
        record: memory.of_attempt.record,
        main_ended: memory.of_attempt.main_ended,
        progress: memory.of_attempt.progress,
        courier_heard: memory.courier.filter(|(attempt, _)| *attempt == attempt_of(&job)).map(|(_, heard)| heard),
        listening_since: listening_since(context),
        result_queue: memory.result_queue,
        removal: memory.removal,
        redelivery: memory.redelivery,
        retained: Vec::new(),
        pod_events: memory.of_attempt.pod_events,
        job,
    }
}

/// Asks for everything else that concerns the job; `None` where it has a large output, and none may be in memory.
pub(crate) async fn observe(
    mut observed: Observed,
    context: &Context,
    may_be_large: bool,
) -> Result<Option<Observed>, Error> {
    let memory = context.state.memories.of(&observed.uid());
    if observed.is_to_be_cleaned_up() {
        observed.retained = retained(&observed, &context.state);
    }
    note_refusals(&mut observed, memory.failure.as_ref());
    if observed.main_ended.is_none() && winding::is_winding(&observed) {
        observed.main_ended = Some(observed.now);
        context.state.memories.change(&observed.uid(), |memory| memory.of_attempt.main_ended = observed.main_ended);
    }
    match inquiry(&observed, &context.settings) {
        Inquiry::Alive => witness(&observed, &memory.result, &context.state),
        Inquiry::Unstarted => {
            witness(&observed, &memory.result, &context.state);
            look_at_events(&mut observed, context).await;
        }
        // A former leader may have sent the result of a job whose main has ended.
        Inquiry::Winding | Inquiry::Unseen | Inquiry::Settled => {}
        Inquiry::Ending { finished, output: mark, needs_output } => {
            observed.result = result(&observed, memory.result, finished, context).await?;
            if mark.is_none() && needs_output {
                observed.output = Sight::Absent;
            }
            if let Some(mark) = mark.filter(|_| !matches!(observed.result, ResultSight::Unknown(_))) {
                if mark.most_bytes() > LARGE_OUTPUT_BYTES && !may_be_large {
                    return Ok(None);
                }
                let fetched = match output(&observed, &mark, context, may_be_large).await {
                    // Messages of a program that failed are worth one more try.
                    Err(_) if !needs_output && memory.failures > 0 => Some(Sight::Unreachable),
                    fetched => fetched?,
                };
                let Some(output) = fetched else { return Ok(None) };
                observed.output = output;
            }
        }
    }
    Ok(Some(observed))
}

pub(crate) fn is_uid_of(pod: &Sight<Arc<Pod>>, uid: &str) -> bool {
    matches!(pod, Sight::Known(pod) if pod.metadata.uid.as_deref() == Some(uid))
}

/// The pod of attempt `number` of `job`, whoever owns it.
pub(crate) fn sight_of_pod(job: &OmotesJob, number: i32, state: &State) -> Sight<Arc<Pod>> {
    if number <= 0 {
        return Sight::Absent;
    }
    let name = names::pod_of(job, number);
    match state.pods.get(&job.namespace().unwrap_or_default(), &name) {
        Some(pod) => Sight::Known(pod),
        None if state.memories.of(&job.uid().unwrap_or_default()).pods.is_gone(&name) => Sight::Absent,
        None => Sight::Unlisted,
    }
}

/// Asks the apiserver for the pod called `name`, which the watch does not show.
pub(crate) async fn look_up_pod(name: &str, observed: &Observed, context: &Context) -> Result<Sight<Arc<Pod>>, Error> {
    let pods = context.clients.pods_in(&observed.job.namespace().unwrap_or_default());
    let found = pods.get_opt(name).await;
    let found = found.map_err(kube_error("looking up the job's pod"))?;
    let mut sight = Sight::Absent;
    context.state.memories.change(&observed.uid(), |memory| match found {
        Some(pod) => {
            if owner::is_of(&pod, &observed.job) {
                memory.pods.is_there(name, pod.uid());
            }
            sight = Sight::Known(Arc::new(pod));
        }
        None if memory.pods.is_missing(name, context.clock.now()) => {}
        None => sight = Sight::Unreachable,
    });
    debug!(pod = name, found = matches!(sight, Sight::Known(_)), "looked up a pod that the watch does not show");
    Ok(sight)
}

fn workflow_sight(job: &OmotesJob, state: &State) -> WorkflowSight {
    let Some((namespace, name)) = key_of(job) else { return WorkflowSight::None };
    let read = |revision: &str| state.revisions.get(&namespace, revision).and_then(|stored| Revision::read(&stored));
    if let Some(pinned) = job.status.as_ref().and_then(|status| status.workflow_revision.as_ref()) {
        return read(pinned).map_or(WorkflowSight::Lost, |revision| WorkflowSight::Pinned(Arc::new(revision)));
    }
    let Some(workflow) = state.catalog.cache.get(&namespace, &name) else { return WorkflowSight::Missing };
    if !state.catalog.accepts(&workflow) {
        return WorkflowSight::NotReady;
    }
    let current = read(&Revision::of(&workflow).name);
    current.map_or(WorkflowSight::NotReady, |revision| WorkflowSight::Current(Arc::new(revision)))
}

/// A job that is seen alive while this process holds the leader queue has no result yet, and no other process can send
/// one. Without that queue another could: a former leader that was paused, and goes on.
pub(crate) fn witness(observed: &Observed, known: &Delivered, state: &State) {
    if *known == Delivered::Unknown && observed.broker == BrokerSight::Ready {
        state.memories.change(&observed.uid(), |memory| memory.result = Delivered::No);
    }
}

/// Since when couriers could be heard.
fn listening_since(context: &Context) -> Timestamp {
    match context.clients.broker.state() {
        BrokerState::Ready { since } => since.max(context.since),
        BrokerState::Blocked { .. } | BrokerState::Unreachable { .. } => context.since,
    }
}

/// The pods of all attempts of a job that are still there.
fn retained(observed: &Observed, state: &State) -> Vec<Arc<Pod>> {
    let namespace = observed.job.metadata.namespace.as_ref();
    state.pods.filtered(|pod| pod.metadata.namespace.as_ref() == namespace && owner::is_of(pod, &observed.job))
}

/// Looks at the Events of the job's pod, one pod at a time. A courtesy to who reads the status: failing to get them fails
/// nothing.
async fn look_at_events(observed: &mut Observed, context: &Context) {
    let Sight::Known(pod) = &observed.pod else { return };
    let (namespace, uid) = (pod.namespace().unwrap_or_default(), pod.uid().unwrap_or_default());
    let events: Api<Event> = Api::namespaced(context.clients.client.clone(), &namespace);
    let about = ListParams::default().fields(&format!("regarding.uid={uid}")).limit(MAX_POD_EVENTS);
    let (looks, known) = observed.pod_events.take().map_or((0, None), |known| (known.looks, known.warning));
    // Many pods that start late must not hold up other passes: the next look of this one will do.
    let (looks, warning) = match timeout(TURN_WAIT, context.event_lists.acquire()).await {
        Err(_) => (looks, known),
        Ok(_alone) => (looks.saturating_add(1), listed(events.list(&about).await)),
    };
    let seen = Some(PodEvents { looked: observed.now, looks, warning });
    context.state.memories.change(&observed.uid(), |memory| memory.of_attempt.pod_events.clone_from(&seen));
    observed.pod_events = seen;
}

fn listed(events: kube::Result<ObjectList<Event>>) -> Option<PodWarning> {
    let events = events.inspect_err(|error| debug!(error = kube_words(error), "could not read the pod's Events"));
    newest_warning(events.ok()?.items)
}

/// What keeps a pod from starting: its newest warning, unless the kubelet got further since.
fn newest_warning(mut events: Vec<Event>) -> Option<PodWarning> {
    // Numbers of one etcd, in whose order the Events were written.
    let version =
        |event: &Event| event.resource_version().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    events.sort_by_key(version);
    let further = |event: &Event| event.reason.as_ref().is_some_and(|reason| PROGRESS.contains(&reason.as_str()));
    let since = events.iter().rposition(further).map_or(0, |last| last + 1);
    let warning = events.into_iter().skip(since).rfind(|event| event.type_.as_deref() == Some("Warning"))?;
    Some(PodWarning { reason: warning.reason?, message: warning.note.unwrap_or_default() })
}

/// A broker that is there and refuses for a while what a deleted job needs must not hold the job for ever, either.
fn note_refusals(observed: &mut Observed, failure: Option<&Failure>) {
    let overdue = observed.cleanup_deadline().is_some_and(|deadline| observed.now >= deadline);
    let lasts = |known: &&Failure| known.is_brokers() && observed.now >= known.since + SHORTEST_ABSENCE;
    if let Some(failure) = failure.filter(|_| overdue && observed.broker == BrokerSight::Ready).filter(lasts) {
        observed.broker = BrokerSight::Refusing(failure.message.clone());
        observed.broker_since = failure.since;
    }
}

fn since(state: &BrokerState) -> Timestamp {
    match state {
        BrokerState::Ready { since } | BrokerState::Blocked { since, .. } | BrokerState::Unreachable { since, .. } => {
            *since
        }
    }
}

fn broker_sight(state: &BrokerState) -> BrokerSight {
    match state {
        BrokerState::Ready { .. } => BrokerSight::Ready,
        BrokerState::Blocked { since, reason } => {
            BrokerSight::Blocked(format!("RabbitMQ takes no messages since {since}: {reason}"))
        }
        BrokerState::Unreachable { reason, .. } => BrokerSight::Unreachable(reason.clone()),
    }
}

async fn result(
    observed: &Observed,
    known: Delivered,
    finished: Option<Timestamp>,
    context: &Context,
) -> Result<ResultSight, Error> {
    match known {
        Delivered::No => Ok(ResultSight::Unsent),
        Delivered::Yes { at, routed } => Ok(ResultSight::Sent { at, routed }),
        Delivered::Refused(refused) => Ok(ResultSight::Refused(refused)),
        Delivered::Unknown if observed.broker != BrokerSight::Ready => Ok(ResultSight::Unsent),
        Delivered::Unknown => evidence(observed, finished, context).await,
    }
}

async fn evidence(observed: &Observed, finished: Option<Timestamp>, context: &Context) -> Result<ResultSight, Error> {
    let queue = topology::result_queue(JobId::of(&observed.job).as_str());
    let since = finished.or_else(|| observed.job.creation_timestamp().map(|time| time.0)).unwrap_or(observed.now);
    let evidence = context
        .clients
        .broker
        .result_evidence(&queue, &observed.result_message_id(), since)
        .await
        .map_err(|source| Error::Broker { doing: "asking whether the result was already sent", source })?;
    Ok(match evidence {
        Evidence::Published => {
            // What the broker knows of it may be gone before the status says so.
            let known = Delivered::Yes { at: observed.now, routed: true };
            context.state.memories.change(&observed.uid(), |memory| memory.result = known);
            ResultSight::Sent { at: observed.now, routed: true }
        }
        Evidence::NotPublished | Evidence::QueueGone | Evidence::Unavailable => ResultSight::Unsent,
        Evidence::Unknown { retry_at } => ResultSight::Unknown(retry_at),
    })
}

/// What the courier sent; `None` where it is among messages of any size, and none may be in memory.
async fn output(
    observed: &Observed,
    mark: &OutputMark,
    context: &Context,
    may_be_large: bool,
) -> Result<Option<Sight<Bytes>>, Error> {
    let Some(queue) = observed.output_queue(&context.settings).filter(|_| observed.broker == BrokerSight::Ready) else {
        return Ok(Some(Sight::Unreachable));
    };
    let fetched = context
        .clients
        .broker
        .fetch_output(&queue.name, mark, may_be_large)
        .await
        .map_err(|source| Error::Broker { doing: "fetching the job's output", source })?;
    Ok(match fetched {
        Fetched::Output(body) => Some(Sight::Known(body)),
        Fetched::Absent => Some(Sight::Absent),
        Fetched::Crowded => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_warning_counts_until_the_kubelet_gets_further() {
        let event = |version: &str, type_: &str, reason: &str| -> Event {
            serde_json::from_value(
                json!({"metadata": {"resourceVersion": version}, "type": type_, "reason": reason, "note": "n"}),
            )
            .unwrap()
        };
        let (scheduled, mount) = (event("9", "Normal", "Scheduled"), event("10", "Warning", "FailedMount"));
        let words = |events: Vec<Event>| newest_warning(events).map(|warning| warning.reason);
        assert_eq!(words(vec![mount.clone(), scheduled.clone()]).as_deref(), Some("FailedMount"));
        let sandbox = event("100", "Warning", "FailedCreatePodSandBox");
        assert_eq!(words(vec![mount.clone(), sandbox]).as_deref(), Some("FailedCreatePodSandBox"));
        assert_eq!(words(vec![mount, scheduled, event("11", "Normal", "Pulling")]), None);
    }
}

//! Reads what a decision needs, once a pass. Writes nothing but this process's memory.
//!
//! Ring: shell.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::api::{core::v1::Pod, events::v1::Event};
use kube::{Api, ResourceExt, api::ListParams};
use tokio::sync::OwnedSemaphorePermit;
use tracing::debug;

use crate::{
    api::{OmotesJob, names, names::JobId},
    broker::{BrokerState, Evidence},
    plan::{
        Observed,
        attempt::is_owned_by,
        inquiry::{Inquiry, inquiry},
        observed::{BrokerSight, Preparation, Redelivery, ResultSight, Sight, WarmSight, WorkflowSight, attempt_of},
    },
    topology,
    wire::CommitRecord,
    workflow::{Revision, seats::Seat},
};

use super::{context::Context, error::Error, memory::Delivered, seats::key_of};

/// Outputs over this many bytes pass through memory one at a time.
const LARGE_OUTPUT_BYTES: u64 = 1024 * 1024;

/// More kinds of trouble than keep one pod from starting.
const MAX_WARNINGS: u32 = 50;

/// One pass over one job.
pub(crate) struct Pass {
    /// What was seen.
    pub(crate) observed: Observed,
    /// Held while a large output is in memory.
    _large: Option<OwnedSemaphorePermit>,
}

/// Looks at everything that concerns `job`.
pub(crate) async fn observe(job: Arc<OmotesJob>, context: &Context) -> Result<Pass, Error> {
    let now = Timestamp::now();
    let workflow = workflow_sight(&job, context);
    let job = Arc::new(workflow.complete((*job).clone()));
    let namespace = job.namespace().unwrap_or_default();
    let memory = context.memories.of(&job.uid().unwrap_or_default());
    let pod = sight_of_pod(&job, attempt_of(&job), context);
    let former = sight_of_pod(&job, attempt_of(&job) - 1, context);
    let has_pod = matches!(&pod, Sight::Known(pod) if is_owned_by(pod, &job.uid().unwrap_or_default()));
    let courier_secret =
        if !has_pod && job.spec.courier().enabled { context.secrets.sight(&namespace) } else { Preparation::Unknown };
    let mut observed = Observed {
        now,
        claim: context.claims.of(&job),
        workflow,
        seat: Seat::Unknown,
        warm: WarmSight::Unasked,
        pod,
        former,
        broker: broker_sight(&context.broker.state()),
        courier_secret,
        queues: memory.queues,
        pod_refusal: memory.pod_refusal,
        output: Sight::Unreachable,
        result: ResultSight::Unsent,
        has_input: memory.has_input,
        progress: memory.progress,
        listening_since: listening_since(context),
        result_queue: memory.result_queue,
        removal: memory.removal,
        redelivery: Redelivery::Untried,
        retained: Vec::new(),
        trouble: None,
        job,
    };
    if observed.is_to_be_cleaned_up() {
        observed.retained = retained(&observed, context);
    }
    observed.broker = observed.broker.clone().unless_refusing(&observed, memory.failures);
    let mut large = None;
    match inquiry(&observed, &context.settings) {
        Inquiry::Alive => witness(&observed, memory.result, context),
        Inquiry::Unstarted => {
            witness(&observed, memory.result, context);
            observed.trouble = trouble(&observed, context).await;
        }
        Inquiry::Settled => {}
        Inquiry::Ending { finished, output: record } => {
            observed.result = result(&observed, memory.result, finished, context).await?;
            let record = record.filter(|_| !matches!(observed.result, ResultSight::Unknown(_)));
            if let Some(record) = record {
                large = reserve(&record, context).await;
                observed.output = output(&observed, &record, context).await?;
            }
        }
    }
    Ok(Pass { observed, _large: large })
}

/// The pod of attempt `number` of `job`, whoever owns it.
pub(crate) fn sight_of_pod(job: &OmotesJob, number: i32, context: &Context) -> Sight<Arc<Pod>> {
    let pod = context.pods.get(&job.namespace().unwrap_or_default(), &names::pod_of(job, number));
    pod.filter(|_| number > 0).map_or(Sight::Absent, Sight::Known)
}

fn workflow_sight(job: &OmotesJob, context: &Context) -> WorkflowSight {
    let Some((namespace, name)) = key_of(job) else { return WorkflowSight::None };
    let read = |revision: &str| context.revisions.get(&namespace, revision).and_then(|stored| Revision::read(&stored));
    if let Some(pinned) = job.status.as_ref().and_then(|status| status.workflow_revision.as_ref()) {
        return read(pinned).map_or(WorkflowSight::Lost, |revision| WorkflowSight::Pinned(Arc::new(revision)));
    }
    let Some(workflow) = context.catalog.cache.get(&namespace, &name) else { return WorkflowSight::Missing };
    if !context.catalog.accepts(&workflow) {
        return WorkflowSight::NotReady;
    }
    let current = read(&Revision::of(&workflow).name);
    current.map_or(WorkflowSight::NotReady, |revision| WorkflowSight::Current(Arc::new(revision)))
}

/// A job that is seen alive while this process holds the leader queue has no result yet, and no other process can send
/// one. Without that queue another could: a former leader that was paused, and goes on.
fn witness(observed: &Observed, known: Delivered, context: &Context) {
    if known == Delivered::Unknown && observed.broker == BrokerSight::Ready {
        context.memories.change(&observed.uid(), |memory| memory.result = Delivered::No);
    }
}

/// Since when couriers could be heard.
fn listening_since(context: &Context) -> Timestamp {
    match context.broker.state() {
        BrokerState::Ready { since } => since.max(context.since),
        BrokerState::Blocked { .. } | BrokerState::Unreachable { .. } => context.since,
    }
}

/// The pods of all attempts of a job that are still there.
fn retained(observed: &Observed, context: &Context) -> Vec<Arc<Pod>> {
    let (namespace, uid) = (observed.job.metadata.namespace.as_ref(), observed.uid());
    context.pods.store().state_filter(|pod| pod.metadata.namespace.as_ref() == namespace && is_owned_by(pod, &uid))
}

/// The newest warning about the job's pod. A courtesy to who reads the message: failing to get it fails nothing.
async fn trouble(observed: &Observed, context: &Context) -> Option<String> {
    let Sight::Known(pod) = &observed.pod else { return None };
    let events: Api<Event> = Api::namespaced(context.client.clone(), &pod.namespace()?);
    let about = format!("regarding.uid={},type=Warning", pod.uid()?);
    let warnings = events.list(&ListParams::default().fields(&about).limit(MAX_WARNINGS)).await;
    let warnings = warnings.inspect_err(|error| debug!(%error, "could not read the pod's Events")).ok()?.items;
    let newest =
        warnings.into_iter().max_by_key(|event| event.metadata.resource_version.clone().unwrap_or_default())?;
    Some(format!("{}: {}", newest.reason.unwrap_or_default(), newest.note.unwrap_or_default()))
}

impl BrokerSight {
    /// A broker that is there and refuses what a deleted job needs must not hold the job for ever, either.
    fn unless_refusing(self, observed: &Observed, failures: u32) -> Self {
        let overdue = observed.cleanup_deadline().is_some_and(|deadline| observed.now >= deadline);
        if overdue && failures > 0 {
            return Self::Unreachable(format!("RabbitMQ refused what this job needs {failures} times in a row"));
        }
        self
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
        Delivered::Unknown if observed.broker != BrokerSight::Ready => Ok(ResultSight::Unsent),
        Delivered::Unknown => evidence(observed, finished, context).await,
    }
}

async fn evidence(observed: &Observed, finished: Option<Timestamp>, context: &Context) -> Result<ResultSight, Error> {
    let queue = topology::result_queue(JobId::of(&observed.job).as_str());
    let since = finished.or_else(|| observed.job.creation_timestamp().map(|time| time.0)).unwrap_or(observed.now);
    let evidence = context
        .broker
        .result_evidence(&queue, since)
        .await
        .map_err(|source| Error::Broker { doing: "asking whether the result was already sent", source })?;
    Ok(match evidence {
        Evidence::Published => ResultSight::Sent { at: observed.now, routed: true },
        Evidence::NotPublished | Evidence::QueueGone | Evidence::Unavailable => ResultSight::Unsent,
        Evidence::Unknown { retry_at } => ResultSight::Unknown(retry_at),
    })
}

async fn reserve(record: &CommitRecord, context: &Context) -> Option<OwnedSemaphorePermit> {
    if record.bytes <= LARGE_OUTPUT_BYTES {
        return None;
    }
    Arc::clone(&context.large_output).acquire_owned().await.ok()
}

async fn output(observed: &Observed, record: &CommitRecord, context: &Context) -> Result<Sight<Bytes>, Error> {
    let Some(queue) = observed.output_queue(&context.settings).filter(|_| observed.broker == BrokerSight::Ready) else {
        return Ok(Sight::Unreachable);
    };
    let body = context
        .broker
        .fetch_output(&queue.name, record)
        .await
        .map_err(|source| Error::Broker { doing: "fetching the job's output", source })?;
    Ok(body.map_or(Sight::Absent, Sight::Known))
}

//! Carries out what was decided: every write of the operator, to Kubernetes and to the broker, is here.
//!
//! Ring: shell. Each step tells what was learned from it, so that the next plan of the same pass builds on it.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    runtime::events::{Event, EventType},
};
use serde_json::json;
use tracing::{debug, info};

use crate::{
    api::{
        OmotesJob, OmotesJobStatus, names,
        status::{AbortStage, Phase},
    },
    broker::{self, BrokerError, DeleteCondition, Deletion, Outgoing, Routing},
    plan::{
        Observed, Step,
        observed::{Preparation, Redelivery, Refusal, Removal, ResultQueue, ResultSight, Sight},
        step::FinalMessage,
    },
    topology::QueueDeclaration,
    wire::{JobProgressUpdate, JobStatusUpdate},
    workflow::seats::Seat,
};

use super::{
    allowance,
    context::{Context, as_operator},
    error::{Error, is_refusal},
    memory::Delivered,
    observe::sight_of_pod,
};

/// Carries out `steps` in order, and stops at the first that fails.
pub(crate) async fn execute(steps: Vec<Step>, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    for step in steps {
        carry_out(step, observed, context).await?;
    }
    Ok(())
}

async fn carry_out(step: Step, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    match step {
        Step::AddFinalizer => set_finalizer(true, observed, context).await,
        Step::RemoveFinalizer => set_finalizer(false, observed, context).await,
        Step::EnsureCourierSecret => ensure_courier_secret(observed, context).await,
        Step::EnsureQueues { declare, renew } => ensure_queues(&declare, &renew, observed, context).await,
        Step::PublishStatus { queue, job_id, status } => {
            let body = JobStatusUpdate::new(&job_id, status).to_body();
            tell(&queue, body, "telling the client a status", context).await
        }
        Step::PublishProgress { queue, job_id, fraction, message } => {
            if allowance::may_tell(&queue, observed, context).await? {
                let body = JobProgressUpdate { uuid: job_id, progress: fraction, message }.to_body();
                tell(&queue, body, "telling the client the progress", context).await?;
            }
            mark_progress_sent(observed, context);
            Ok(())
        }
        Step::TakeSeat => {
            observed.seat = context.take_seat(observed);
            Ok(())
        }
        Step::TakeWarmPod => {
            observed.warm = context.take_warm_pod(observed);
            Ok(())
        }
        Step::AssignPod { name, patch } => context.assign_pod(&name, &patch, observed).await,
        Step::AnnotatePod { name, patch } => context.annotate_pod(&name, &patch, observed).await,
        Step::CreatePod(pod) => create_pod(&pod, observed, context).await,
        Step::DeletePod { name, uid, resource_version, grace_seconds } => {
            let how = DeleteParams { grace_period_seconds: grace_seconds, ..exactly(uid, resource_version) };
            delete_pod(&name, &how, observed, context).await
        }
        Step::PublishResult(message) => publish_result(message, observed, context).await,
        Step::DeliverKept { kept, queue, message_id } => {
            deliver_kept(&kept, &queue, message_id, observed, context).await
        }
        Step::PatchStatus(status) => patch_status(*status, observed, context).await,
        Step::Warn { reason, note } => warn(reason, note, observed, context).await,
        Step::ReleasePod { name, uid } => {
            let pod = release_pod(&namespace(observed), &name, &uid, context).await?;
            learn_pod(&name, pod.map(Arc::new), observed);
            Ok(())
        }
        Step::DeleteOwnQueue(queue) => delete_queue(&queue, DeleteCondition::Always, context).await.map(drop),
        Step::DeleteClientQueues { queues, if_empty } => {
            delete_client_queues(&queues, &if_empty, observed, context).await
        }
        Step::DeleteJob { uid, resource_version } => delete_job(uid, resource_version, observed, context).await,
    }
}

fn namespace(observed: &Observed) -> String {
    observed.job.namespace().unwrap_or_default()
}

fn kube_error(doing: &'static str) -> impl FnOnce(kube::Error) -> Error {
    move |source| Error::Kube { doing, source }
}

fn broker_error(doing: &'static str) -> impl FnOnce(BrokerError) -> Error {
    move |source| Error::Broker { doing, source }
}

/// Takes in a newer version of the job.
fn learn_job(mut job: OmotesJob, observed: &mut Observed, context: &Context) {
    job.managed_fields_mut().clear();
    context.jobs.wrote(&job);
    let known = context.jobs.get(&namespace(observed), &job.name_any());
    if known.is_some_and(|known| known.metadata.uid == job.metadata.uid) {
        context.claims.apply(&job);
    } else {
        context.claims.remove(&job);
    }
    observed.learn_job(job);
}

/// Takes in what became of the pod called `name`.
fn learn_pod(name: &str, pod: Option<Arc<Pod>>, observed: &mut Observed) {
    observed.retained.retain(|known| known.name_any() != name);
    let sight = pod.map_or(Sight::Absent, Sight::Known);
    if name == names::pod_of(&observed.job, observed.attempt()) {
        observed.pod = sight;
    } else if name == names::pod_of(&observed.job, observed.attempt() - 1) {
        observed.former = sight;
    }
}

async fn set_finalizer(wanted: bool, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let mut finalizers: Vec<String> =
        observed.job.finalizers().iter().filter(|known| *known != names::FINALIZER_CLEANUP).cloned().collect();
    if wanted {
        finalizers.push(names::FINALIZER_CLEANUP.to_owned());
    }
    // The resource version makes it a compare-and-swap: no finalizer of anybody else is lost.
    let version = observed.job.resource_version();
    let patch = json!({"metadata": {"uid": observed.uid(), "resourceVersion": version, "finalizers": finalizers}});
    let api = context.jobs_in(&namespace(observed));
    let job = api
        .patch(&observed.job.name_any(), &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(kube_error(if wanted { "taking the job on" } else { "letting the job go" }))?;
    if !wanted {
        info!("the job is let go: nothing of it is left");
    }
    learn_job(job, observed, context);
    Ok(())
}

async fn ensure_courier_secret(observed: &mut Observed, context: &Context) -> Result<(), Error> {
    observed.courier_secret = context.secrets.ensure(&context.client, &namespace(observed), observed.now).await?;
    Ok(())
}

async fn ensure_queues(
    declare: &[QueueDeclaration],
    renew: &[String],
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let losses = context.memories.of(&observed.uid()).losses;
    let declared = match context.broker.ensure_queues(declare).await {
        Ok(()) => context.broker.look_up(renew).await.map(|_| ()),
        refused => refused,
    };
    observed.queues = match declared {
        Ok(()) => Preparation::Ready(observed.now),
        Err(error @ BrokerError::ArgumentsDiffer { .. }) => {
            // The refusal of one kept the others from being declared: those that are there keep their lease.
            let names: Vec<String> =
                declare.iter().map(|queue| queue.name.clone()).chain(renew.iter().cloned()).collect();
            context.broker.look_up(&names).await.map_err(broker_error("renewing the lease of the job's queues"))?;
            Preparation::Refused(Refusal {
                at: observed.now,
                reason: "ArgumentsDiffer",
                message: format!(
                    "a queue of this job exists with other arguments, and RabbitMQ cannot change them: {error}. Delete the queue, or set spec.queues as it was declared"
                ),
            })
        }
        Err(error) => return Err(broker_error("declaring the job's queues")(error)),
    };
    let queues = observed.queues.clone();
    context.memories.change(&observed.uid(), |memory| {
        memory.ensured_queues(losses, queues);
        if !declare.is_empty() {
            memory.result_queue = ResultQueue::Unknown;
        }
    });
    Ok(())
}

/// Where the client listens; a queue that is not there means that it does not.
async fn tell(queue: &str, body: bytes::Bytes, doing: &'static str, context: &Context) -> Result<(), Error> {
    let routing =
        context.broker.publish(queue, Outgoing { body, message_id: None }).await.map_err(broker_error(doing))?;
    debug!(queue, ?routing, "{doing}");
    Ok(())
}

fn mark_progress_sent(observed: &mut Observed, context: &Context) {
    let Some(report) = &mut observed.progress else { return };
    report.sent = true;
    let heard = report.heard;
    context.memories.change(&observed.uid(), |memory| {
        if let Some(known) = memory.progress.as_mut().filter(|known| known.heard == heard) {
            known.sent = true;
        }
    });
}

async fn create_pod(pod: &Pod, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let api = context.pods_in(&namespace(observed));
    let refusal = match api.create(&as_operator(), pod).await {
        Ok(pod) => {
            info!(pod = pod.name_any(), "created the job's pod");
            context.metrics.count_cold_start();
            context.wrote_pod(&pod);
            observed.pod = Sight::Known(Arc::new(pod));
            None
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() || is_refusal(&status) => Some(Refusal {
            at: observed.now,
            reason: if status.is_already_exists() { "PodNameTaken" } else { "PodRefused" },
            message: format!(
                "Kubernetes refuses the job's pod: {}. The operator tries again every minute",
                status.message
            ),
        }),
        Err(error) => return Err(kube_error("creating the job's pod")(error)),
    };
    if refusal.is_some() {
        observed.seat = Seat::Unknown;
        context.give_seat_back(&observed.job);
    }
    context.memories.change(&observed.uid(), |memory| memory.pod_refusal.clone_from(&refusal));
    observed.pod_refusal = refusal;
    Ok(())
}

/// Deletes an object only if it is still as it was seen.
pub(super) fn exactly(uid: String, resource_version: String) -> DeleteParams {
    DeleteParams {
        preconditions: Some(Preconditions { uid: Some(uid), resource_version: Some(resource_version) }),
        ..DeleteParams::default()
    }
}

async fn delete_pod(name: &str, how: &DeleteParams, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let api = context.pods_in(&namespace(observed));
    let deleted = api.delete(name, how).await.map_err(kube_error("stopping the job's pod"))?;
    info!(pod = name, "asked the kubelet to stop the job's pod");
    // A second request only hurries the kubelet, and one after the job's end only cleans up.
    let stopped = observed.status().abort.filter(|abort| abort.stage == AbortStage::Requested);
    if let Some(abort) = stopped.filter(|_| !observed.is_terminal()) {
        context.metrics.observe_stop_delay(Timestamp::now().duration_since(abort.stop_time.0));
    }
    let left = deleted.left();
    if let Some(pod) = &left {
        context.wrote_pod(pod);
    }
    learn_pod(name, left.map(Arc::new), observed);
    Ok(())
}

async fn publish_result(message: FinalMessage, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let FinalMessage { queue, message_id, body, kept } = message;
    let bytes = body.len();
    let message = Outgoing { body, message_id: Some(message_id) };
    // What was seen of the queue before tells nothing of the result.
    forget_result_queue(observed, context);
    let was_known = context.memories.of(&observed.uid()).result != Delivered::Unknown;
    let outcome = match context.broker.publish_result(&queue, message.clone()).await {
        Ok(Routing::Unroutable) => context.broker.keep_result(&kept, message).await.map(|()| Routing::Unroutable),
        // A former leader may have kept it, when the queue was not there.
        Ok(Routing::Routed) if !was_known => {
            context.broker.delete_queue(&kept.name, DeleteCondition::Always).await.map(|_| Routing::Routed)
        }
        outcome => outcome,
    };
    let at = Timestamp::now();
    let delivered = match &outcome {
        Ok(routing) => Delivered::Yes { at, routed: *routing == Routing::Routed },
        // It may have arrived; the broker's side knows when it can tell.
        Err(_) => Delivered::Unknown,
    };
    context.memories.change(&observed.uid(), |memory| memory.result = delivered);
    let routing = outcome.map_err(broker_error("telling the client how the job ended"))?;
    info!(queue, bytes, ?routing, "told the client how the job ended");
    observed.result = ResultSight::Sent { at, routed: routing == Routing::Routed };
    Ok(())
}

async fn deliver_kept(
    kept: &str,
    queue: &str,
    message_id: String,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let _alone = context.large_output.acquire().await;
    let delivery = context.broker.deliver_kept(kept, queue, message_id).await;
    let delivery = delivery.map_err(broker_error("passing on a result that was kept"))?;
    info!(queue, ?delivery, "tried to pass on a result that was kept");
    observed.redelivery = match delivery {
        broker::Redelivery::Delivered => Redelivery::Done(Timestamp::now()),
        broker::Redelivery::Unroutable => Redelivery::Unroutable,
        broker::Redelivery::TooEarly(retry_at) => Redelivery::TooEarly(retry_at),
        broker::Redelivery::NothingKept => Redelivery::Lost,
    };
    forget_result_queue(observed, context);
    Ok(())
}

fn forget_result_queue(observed: &mut Observed, context: &Context) {
    context.memories.change(&observed.uid(), |memory| memory.result_queue = ResultQueue::Unknown);
    observed.result_queue = ResultQueue::Unknown;
}

async fn patch_status(status: OmotesJobStatus, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let before = observed.phase();
    let patch = json!({
        "apiVersion": OmotesJob::api_version(&()),
        "kind": OmotesJob::kind(&()),
        // With the version it is a compare-and-swap: a former leader that was paused overwrites nothing newer.
        "metadata": {"uid": observed.uid(), "resourceVersion": observed.job.resource_version()},
        "status": status,
    });
    let job = context
        .jobs_in(&namespace(observed))
        .patch_status(&observed.job.name_any(), &PatchParams::apply(names::OPERATOR).force(), &Patch::Apply(&patch))
        .await
        .map_err(kube_error("storing the job's status"))?;
    let (attempt, pod) = (observed.attempt(), names::pod_of(&observed.job, observed.attempt()));
    learn_job(job, observed, context);
    if observed.attempt() != attempt {
        begin_anew(observed, context);
    } else if names::pod_of(&observed.job, attempt) != pod {
        observed.pod = sight_of_pod(&observed.job, attempt, context);
    }
    if observed.phase() != before {
        log_transition(observed, context);
    }
    Ok(())
}

/// Another attempt has its own pod, output queue and progress.
fn begin_anew(observed: &mut Observed, context: &Context) {
    observed.former = std::mem::replace(&mut observed.pod, Sight::Absent);
    observed.queues = Preparation::Unknown;
    observed.has_input = false;
    observed.progress = None;
    observed.pod_refusal = None;
    context.memories.change(&observed.uid(), |memory| {
        memory.queues = Preparation::Unknown;
        memory.has_input = false;
        memory.progress = None;
        memory.pod_refusal = None;
    });
}

fn log_transition(observed: &Observed, context: &Context) {
    let status = observed.status();
    let phase = status.phase.map_or("", Phase::as_str);
    let cause = status.termination.as_ref().map(|termination| termination.cause.as_str()).unwrap_or_default();
    info!(phase, cause, "the job's phase is {phase}");
    let published = status.result.and_then(|result| result.published_time);
    if let Some((ended, published)) = status.completion_time.zip(published) {
        context.metrics.observe_result_delay(published.0.duration_since(ended.0));
    }
}

async fn warn(reason: &'static str, note: String, observed: &Observed, context: &Context) -> Result<(), Error> {
    tracing::warn!(reason, "{note}");
    context.metrics.count_warning(reason);
    let event = Event {
        type_: EventType::Warning,
        reason: reason.to_owned(),
        note: Some(note.chars().take(1000).collect()),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    // An Event is a courtesy: the status says the same, so failing to write one fails nothing.
    if let Err(error) = context.recorder.publish(&event, &observed.job.object_ref(&())).await {
        debug!(%error, reason, "could not write an Event");
    }
    Ok(())
}

/// Takes the operator's finalizer off a pod; `None` when the pod is gone with it.
pub(crate) async fn release_pod(
    namespace: &str,
    name: &str,
    uid: &str,
    context: &Context,
) -> Result<Option<Pod>, Error> {
    let patch =
        json!({"metadata": {"uid": uid, "$deleteFromPrimitiveList/finalizers": [names::FINALIZER_EXIT_RECORDED]}});
    match context.pods_in(namespace).patch(name, &PatchParams::default(), &Patch::Strategic(&patch)).await {
        Ok(pod) => {
            context.wrote_pod(&pod);
            let gone = pod.metadata.deletion_timestamp.is_some() && pod.finalizers().is_empty();
            Ok((!gone).then_some(pod))
        }
        // Gone, or another pod of that name: nothing of ours is there any more.
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(error) => Err(kube_error("releasing the job's pod")(error)),
    }
}

async fn delete_client_queues(
    queues: &[String],
    if_empty: &[String],
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let doing = "removing the queues of the job";
    let mut deletions = context.broker.delete_unused(queues).await.map_err(broker_error(doing))?;
    for queue in if_empty {
        deletions.push(delete_queue(queue, DeleteCondition::IfUnusedAndEmpty, context).await?);
    }
    let wanted = deletions.contains(&Deletion::StillWanted);
    let removal = if wanted { Removal::Refused(observed.now) } else { Removal::Done };
    observed.removal = removal;
    context.memories.change(&observed.uid(), |memory| memory.removal = removal);
    Ok(())
}

async fn delete_queue(queue: &str, condition: DeleteCondition, context: &Context) -> Result<Deletion, Error> {
    let deletion =
        context.broker.delete_queue(queue, condition).await.map_err(broker_error("removing a queue of the job"))?;
    debug!(queue, ?deletion, "asked for the removal of a queue");
    Ok(deletion)
}

async fn delete_job(
    uid: String,
    resource_version: String,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let api = context.jobs_in(&namespace(observed));
    let deleted = api
        .delete(&observed.job.name_any(), &exactly(uid, resource_version))
        .await
        .map_err(kube_error("removing the job at the end of its time to live"))?;
    info!("removed the job: its time to live is over");
    match deleted.left() {
        Some(job) => learn_job(job, observed, context),
        None => observed.job = Arc::new(finished(&observed.job)),
    }
    Ok(())
}

/// The job as it is once the apiserver has removed it: nothing holds it any more.
fn finished(job: &OmotesJob) -> OmotesJob {
    let mut job = job.clone();
    job.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::now()));
    job.finalizers_mut().clear();
    job
}

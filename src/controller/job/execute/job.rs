//! Writes the job itself, and Events about it.
//!
//! Ring: shell.

use std::sync::Arc;

use jiff::Timestamp;
use kube::{
    Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tracing::info;

use crate::{
    api::{OmotesJob, OmotesJobStatus, Reason, names, status::Phase},
    controller::{
        context::Context,
        error::{Error, kube_error},
        execute::{exactly, warn_of},
        job::observe::sight_of_pod,
        state::{AttemptMemory, State},
    },
    plan::Observed,
    words::masked,
};

/// Takes in a newer version of the job.
fn learn_job(mut job: OmotesJob, observed: &mut Observed, state: &State) {
    job.managed_fields_mut().clear();
    state.jobs.wrote(&job);
    if state.knows(&job) {
        state.claims.apply(&job);
    } else {
        state.claims.remove(&job);
    }
    observed.learn_job(job);
}

/// Takes the job on, or lets it go.
pub(super) async fn set_finalizer(wanted: bool, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let mut finalizers: Vec<String> =
        observed.job.finalizers().iter().filter(|known| *known != names::FINALIZER_CLEANUP).cloned().collect();
    if wanted {
        finalizers.push(names::FINALIZER_CLEANUP.to_owned());
    }
    // The resource version makes it a compare-and-swap: no finalizer of anybody else is lost.
    let version = observed.job.resource_version();
    let patch = json!({"metadata": {"uid": observed.uid(), "resourceVersion": version, "finalizers": finalizers}});
    let api = context.clients.jobs_in(&observed.job.namespace().unwrap_or_default());
    let job = api
        .patch(&observed.job.name_any(), &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(kube_error(if wanted { "taking the job on" } else { "letting the job go" }))?;
    if !wanted {
        info!("the job is let go: nothing of it is left");
    }
    learn_job(job, observed, &context.state);
    Ok(())
}

/// Stores the job's status.
pub(super) async fn patch_status(
    status: OmotesJobStatus,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let before = observed.phase();
    let patch = json!({
        "apiVersion": OmotesJob::api_version(&()),
        "kind": OmotesJob::kind(&()),
        // With the version it is a compare-and-swap: a former leader that was paused overwrites nothing newer.
        "metadata": {"uid": observed.uid(), "resourceVersion": observed.job.resource_version()},
        "status": status,
    });
    let job = context
        .clients
        .jobs_in(&observed.job.namespace().unwrap_or_default())
        .patch_status(&observed.job.name_any(), &PatchParams::apply(names::OPERATOR).force(), &Patch::Apply(&patch))
        .await
        .map_err(kube_error("storing the job's status"))?;
    let (attempt, pod) = (observed.attempt(), names::pod_of(&observed.job, observed.attempt()));
    learn_job(job, observed, &context.state);
    if observed.attempt() != attempt {
        begin_anew(observed, &context.state);
    } else if names::pod_of(&observed.job, attempt) != pod {
        observed.pod = sight_of_pod(&observed.job, attempt, &context.state);
    }
    if observed.phase() != before {
        log_transition(observed, context);
    }
    Ok(())
}

/// Another attempt has its own pod, output queue and progress.
fn begin_anew(observed: &mut Observed, state: &State) {
    let next = sight_of_pod(&observed.job, observed.attempt(), state);
    observed.former = std::mem::replace(&mut observed.pod, next);
    observed.was_pod_made = false;
    // All of its fields, so that none is left of the attempt that has ended.
    let AttemptMemory { number, queues, pod_refusal, has_input, record, main_ended, progress, pod_events } =
        AttemptMemory::new(observed.attempt());
    (observed.queues, observed.pod_refusal, observed.has_input) = (queues, pod_refusal, has_input);
    (observed.record, observed.main_ended) = (record, main_ended);
    (observed.progress, observed.pod_events) = (progress, pod_events);
    state.memories.of_attempt(&observed.uid(), number);
}

fn log_transition(observed: &Observed, context: &Context) {
    let status = observed.status();
    let phase = status.phase.map_or("", Phase::as_str);
    let cause = status.termination.as_ref().map(|termination| termination.cause.as_str()).unwrap_or_default();
    let exit_code = status.termination.as_ref().and_then(|termination| termination.exit_code);
    info!(phase, cause, exit_code, "the job's phase is {phase}");
    let published = status.result.as_ref().and_then(|result| result.published_time.as_ref());
    if let Some((ended, published)) = status.completion_time.as_ref().zip(published) {
        context.metrics.observe_result_delay(published.0.duration_since(ended.0));
    }
}

/// Warns of `reason` in the log, and in an Event about the job.
pub(super) async fn warn(reason: Reason, note: String, observed: &Observed, context: &Context) -> Result<(), Error> {
    let note = masked(&note);
    tracing::warn!(%reason, "{note}");
    context.metrics.count_warning(reason);
    warn_of(reason, &note, &observed.job.object_ref(&()), context).await;
    Ok(())
}

/// Removes the job at the end of its time to live.
pub(super) async fn delete(
    uid: String,
    resource_version: String,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let api = context.clients.jobs_in(&observed.job.namespace().unwrap_or_default());
    let deleted = api
        .delete(&observed.job.name_any(), &exactly(uid, resource_version))
        .await
        .map_err(kube_error("removing the job at the end of its time to live"))?;
    info!("removed the job: its time to live is over");
    match deleted.left() {
        Some(job) => learn_job(job, observed, &context.state),
        None => observed.job = Arc::new(finished(&observed.job, context.clock.now())),
    }
    Ok(())
}

/// The job as it is once the apiserver has removed it: nothing holds it any more.
fn finished(job: &OmotesJob, now: Timestamp) -> OmotesJob {
    let mut job = job.clone();
    job.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now));
    job.finalizers_mut().clear();
    job
}

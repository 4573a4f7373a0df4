//! Makes, changes and removes the job's pods.
//!
//! Ring: shell.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::Value;
use tracing::{info, warn};

use crate::{
    api::{Reason, names, status::AbortStage},
    controller::{
        context::Context,
        error::{Error, kube_error},
        execute::{as_operator, release_pod},
        job::observe::{is_uid_of, look_up_pod, witness},
    },
    denial::Denial,
    plan::{
        Observed,
        facts::{
            observed::{Refusal, Sight, WarmSight},
            presence,
        },
    },
    words::kube_words,
    workflow::seats::Seat,
};

fn namespace(observed: &Observed) -> String {
    observed.job.namespace().unwrap_or_default()
}

/// Takes in what became of the pod called `name`.
fn learn_pod(name: &str, sight: Sight<Arc<Pod>>, observed: &mut Observed) {
    observed.retained.retain(|known| known.name_any() != name);
    if name == names::pod_of(&observed.job, observed.attempt()) {
        observed.pod = sight;
    } else if name == names::pod_of(&observed.job, observed.attempt() - 1) {
        observed.former = sight;
    }
}

/// Looks the pod called `name` up, which the watch does not show.
pub(super) async fn look_up(name: &str, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let sight = look_up_pod(name, observed, context).await?;
    learn_pod(name, sight, observed);
    if let Some(pod) = observed.own_pod() {
        context.state.memories.witness_end(&observed.job, pod, observed.now);
    }
    let witnessed = context.state.memories.of(&observed.uid()).ended_by_itself;
    observed.ended_by_itself = witnessed.filter(|(known, _)| is_uid_of(&observed.pod, known)).map(|(_, at)| at);
    Ok(())
}

/// Makes the job's pod.
pub(super) async fn create(pod: &Pod, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let api = context.clients.pods_in(&namespace(observed));
    let (name, uid) = (pod.name_any(), observed.uid());
    // Without an answer it may be there.
    context.state.memories.change(&uid, |memory| memory.pods.makes(&name));
    observed.was_pod_made = true;
    let refusal = match api.create(&as_operator(), pod).await {
        Ok(pod) => {
            info!(pod = name, "created the job's pod");
            context.metrics.count_cold_start();
            context.state.memories.change(&uid, |memory| memory.pods.is_there(&name, pod.uid()));
            context.state.wrote_pod(&pod);
            observed.pod = Sight::Known(Arc::new(pod));
            witness(observed, &context.state.memories.of(&uid).result, &context.state);
            None
        }
        Err(error) => no_pod_made(&name, error, observed, context).await?,
    };
    if refusal.is_some() {
        observed.seat = Seat::Unknown;
        observed.was_pod_made = context.state.memories.of(&uid).pods.was_made(&name);
        if !observed.was_pod_made {
            context.state.give_seat_back(&observed.job);
        }
    }
    context.state.memories.change(&uid, |memory| memory.of_attempt.pod_refusal.clone_from(&refusal));
    observed.pod_refusal = refusal;
    Ok(())
}

/// What the job waits with its pod for, where its creation failed so; `None` where the pod is there already: its creation
/// had no answer before.
async fn no_pod_made(
    name: &str,
    error: kube::Error,
    observed: &mut Observed,
    context: &Context,
) -> Result<Option<Refusal>, Error> {
    let refusal = pod_refusal(&error, observed.now);
    let is_answer = matches!(&error, kube::Error::Api(status) if status.code < 500 || Denial::of(status).is_some());
    context.state.memories.change(&observed.uid(), |memory| {
        if is_answer { memory.pods.is_refused() } else { memory.pods.misses_answer(context.clock.now()) }
    });
    let is_taken = refusal.as_ref().is_some_and(|refusal| refusal.reason == Reason::PodNameTaken);
    if is_taken {
        observed.pod = look_up_pod(name, observed, context).await?;
    }
    match (observed.own_pod(), &observed.pod) {
        (Some(pod), _) => {
            info!(pod = name, "the job's pod is there already");
            context.state.seat_pod(pod, true);
            Ok(None)
        }
        // The other one went in between.
        (None, Sight::Absent | Sight::Unlisted | Sight::Unreachable) if is_taken => {
            Err(kube_error("creating the job's pod")(error))
        }
        (None, _) => refusal.map(Some).ok_or_else(|| kube_error("creating the job's pod")(error)),
    }
}

/// What the job waits with its pod for, where the apiserver refuses the pod; `None` for an error that is none of the pod.
fn pod_refusal(error: &kube::Error, at: Timestamp) -> Option<Refusal> {
    let kube::Error::Api(status) = error else { return None };
    let (reason, remedy) = match Denial::of(status) {
        Some(Denial::Webhook) => return None,
        Some(denial @ Denial::Quota) => (denial.reason(), denial.remedy()),
        Some(denial) => (Reason::PodRefused, denial.remedy()),
        None if status.is_already_exists() => (Reason::PodNameTaken, "Delete the other pod"),
        None => return None,
    };
    let message = format!(
        "Kubernetes refuses the job's pod: {}. {remedy}; the operator tries again within a minute",
        kube_words(error)
    );
    Some(Refusal { at, reason, message })
}

/// Has the kubelet stop the pod called `name`.
pub(super) async fn delete(
    name: &str,
    how: &DeleteParams,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let api = context.clients.pods_in(&namespace(observed));
    let deleted = api.delete(name, how).await.map_err(kube_error("stopping the job's pod"))?;
    info!(pod = name, "asked the kubelet to stop the job's pod");
    // A second request only hurries the kubelet, and one after the job's end only cleans up.
    let stopped = observed.status().abort.as_ref().filter(|abort| abort.stage == AbortStage::Requested);
    if let Some(abort) = stopped.filter(|_| !observed.is_terminal()) {
        context.metrics.observe_stop_delay(context.clock.now().duration_since(abort.stop_time.0));
    }
    let left = deleted.left();
    if let Some(pod) = &left {
        context.state.wrote_pod(pod);
    }
    if left.is_none() {
        context.state.memories.change(&observed.uid(), |memory| memory.pods.has_gone(name));
    }
    learn_pod(name, left.map_or(Sight::Absent, |pod| Sight::Known(Arc::new(pod))), observed);
    Ok(())
}

/// Gives the pod called `name` to the job.
pub(super) async fn assign(name: &str, patch: &Value, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    match patch_pod(name, patch, observed, context).await {
        Ok(true) => {
            info!(pod = name, "gave the job a pod that had waited for it");
            context.metrics.count_warm_start();
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(kube::Error::Api(status)) if Denial::of(&status).is_some_and(Denial::is_final) => {
            warn!(
                pod = name,
                "Kubernetes refuses to give the job a pod that waits, so it gets its own: {}", status.message
            );
            observed.warm = WarmSight::Refused;
            Ok(())
        }
        Err(error) => Err(kube_error("giving the job a pod that waits")(error)),
    }
}

/// Notes something on the pod called `name`. One that is gone is seen by its watch.
pub(super) async fn annotate(
    name: &str,
    patch: &Value,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let patched = patch_pod(name, patch, observed, context).await;
    if patched.map_err(kube_error("noting something on the job's pod"))? {
        info!(pod = name, note = %patch["metadata"]["annotations"], "noted something on the job's pod");
    }
    Ok(())
}

/// Writes the owner of the pod called `name` again.
pub(super) async fn restore_owner(
    name: &str,
    patch: &Value,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let patched = patch_pod(name, patch, observed, context).await;
    if patched.map_err(kube_error("restoring the owner of the job's pod"))? {
        warn!(pod = name, "someone removed the owner reference of the job's pod; wrote it again");
    }
    Ok(())
}

/// Has the kubelet end what is left of the pod called `name`.
pub(super) async fn end(name: &str, patch: &Value, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let patched = patch_pod(name, patch, observed, context).await;
    if patched.map_err(kube_error("ending the other containers of the job's pod"))? {
        info!(pod = name, "main has ended; asked the kubelet to end the other containers of the job's pod");
    }
    Ok(())
}

/// Changes the pod called `name`, and takes in what became of it. Tells whether it was there.
async fn patch_pod(name: &str, patch: &Value, observed: &mut Observed, context: &Context) -> Result<bool, kube::Error> {
    let pods = context.clients.pods_in(&namespace(observed));
    match pods.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(pod) => {
            context.state.wrote_pod(&pod);
            observed.pod = Sight::Known(Arc::new(pod));
            Ok(true)
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            context.state.memories.change(&observed.uid(), |memory| memory.pods.has_gone(name));
            observed.pod = Sight::Absent;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Takes the operator's finalizer off the pod called `name`.
pub(super) async fn release(name: &str, uid: &str, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let pod = release_pod(&namespace(observed), name, uid, context).await?;
    if pod.as_ref().is_some_and(|pod| !presence::is_listed(pod)) {
        // Nothing of the operator's holds it any more, so that it need not be looked up again.
        context.state.memories.change(&observed.uid(), |memory| memory.pods.has_gone(name));
    }
    learn_pod(name, pod.map_or(Sight::Absent, |pod| Sight::Known(Arc::new(pod))), observed);
    Ok(())
}

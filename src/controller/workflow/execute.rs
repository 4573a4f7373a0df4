//! Every write to Kubernetes that is for a workflow: its revisions, its status, and the pods that wait for its jobs.
//!
//! Ring: shell.

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;
use tracing::{debug, info, warn};

use crate::{
    api::{OmotesWorkflow, OmotesWorkflowStatus, Reason, names},
    controller::{
        context::Context,
        error::{Error, kube_error},
        execute::{as_operator, exactly},
        secret,
        state::Key,
    },
    denial::Denial,
    plan::facts::observed::Preparation,
    pods::warm,
    workflow::{advance::ObservedWorkflow, pool, step::WorkflowStep},
};

use super::memory::{LOOK_PERIOD, PoolMemory, WorkflowMemory};

/// Carries out a step.
pub(super) async fn execute(
    context: &Context,
    (namespace, name): &Key,
    memory: &mut WorkflowMemory,
    step: WorkflowStep,
    workflow: Option<&OmotesWorkflow>,
) -> Result<(), Error> {
    let revisions: Api<ControllerRevision> = Api::namespaced(context.clients.client.clone(), namespace);
    match step {
        WorkflowStep::CreateRevision(revision) => {
            let made = revisions
                .create(&as_operator(), &revision)
                .await
                .map_err(kube_error("making the workflow's revision"))?;
            info!(namespace, workflow = name, revision = made.name_any(), "made a revision of the workflow");
            context.state.revisions.wrote(&made);
            context.state.trigger_unpinned(namespace, name);
        }
        WorkflowStep::DeleteRevision { name: revision, uid, resource_version } => {
            let gone = revisions.delete(&revision, &exactly(uid, resource_version)).await;
            match gone {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(kube_error("removing a revision that no job has any more")(error)),
                Ok(_) => info!(namespace, workflow = name, revision, "removed a revision that no job has any more"),
            }
            if let Some(known) = context.state.revisions.get(namespace, &revision) {
                context.state.revisions.forget_written(&known);
            }
        }
        WorkflowStep::CreateWarmPod(pod) => create_warm_pod(namespace, &pod, &mut memory.pool, context).await?,
        WorkflowStep::DeleteWarmPod { name, uid, resource_version, failure } => {
            let how = exactly(uid, resource_version);
            delete_warm_pod(namespace, &name, how, failure, &mut memory.pool, context).await?;
        }
        WorkflowStep::PatchStatus(status) => {
            memory.written = Some(context.clock.now());
            patch_status(context, namespace, workflow, *status).await?;
        }
    }
    Ok(())
}

/// Stores the status of `workflow`.
pub(super) async fn patch_status(
    context: &Context,
    namespace: &str,
    workflow: Option<&OmotesWorkflow>,
    status: OmotesWorkflowStatus,
) -> Result<(), Error> {
    let Some(workflow) = workflow else { return Ok(()) };
    let patch = json!({
        "apiVersion": OmotesWorkflow::api_version(&()),
        "kind": OmotesWorkflow::kind(&()),
        "metadata": {"uid": workflow.uid(), "resourceVersion": workflow.resource_version()},
        "status": status,
    });
    let api: Api<OmotesWorkflow> = Api::namespaced(context.clients.client.clone(), namespace);
    let how = PatchParams::apply(names::OPERATOR).force();
    let mut stored = api
        .patch_status(&workflow.name_any(), &how, &Patch::Apply(&patch))
        .await
        .map_err(kube_error("storing the workflow's status"))?;
    stored.managed_fields_mut().clear();
    context.state.catalog.cache.wrote(&stored);
    Ok(())
}

/// Brings the courier's Secret along where pods are to wait, and takes in what those are made of then.
pub(super) async fn prepare_pool(observed: &mut ObservedWorkflow, memory: &mut PoolMemory, context: &Context) {
    let Some(workflow) = &observed.workflow else { return };
    let key = (workflow.namespace().unwrap_or_default(), workflow.name_any());
    if pool::wanted(workflow) > 0 && has_secret((&key.0, &key.1), memory, observed.now, context).await {
        observed.pool.form = pool::form(workflow, &context.settings);
    }
    observed.pool.trouble = memory.trouble.clone();
}

/// Whether the courier's Secret is there for pods that are started now.
async fn has_secret(
    (namespace, workflow): (&str, &str),
    memory: &mut PoolMemory,
    now: Timestamp,
    context: &Context,
) -> bool {
    let known = context.state.secrets.is_known(namespace);
    let wait = if known { memory.looked.map(|looked| looked + LOOK_PERIOD) } else { memory.trouble.until };
    if wait.is_some_and(|until| now < until) {
        return known;
    }
    memory.looked = Some(now);
    match secret::ensure(namespace, now, context).await {
        Ok(Preparation::Refused(refusal)) => {
            memory.trouble.grow(now, refusal.reason, refusal.message, fastrand::f64());
        }
        Ok(Preparation::Ready(_) | Preparation::Unknown | Preparation::Occupied { .. }) => {
            memory.trouble.forgive(Reason::SecretFailed);
        }
        Err(error) => {
            warn!(namespace, workflow, %error, "pods that would wait for a job cannot be made; the operator tries again");
            memory.trouble.grow(now, Reason::SecretFailed, error.to_string(), fastrand::f64());
        }
    }
    context.state.secrets.is_known(namespace)
}

/// Makes a pod that waits. A refusal is remembered, and another try comes later.
async fn create_warm_pod(namespace: &str, pod: &Pod, memory: &mut PoolMemory, context: &Context) -> Result<(), Error> {
    if memory.trouble.until.is_some_and(|until| context.clock.now() < until) {
        return Ok(());
    }
    match context.clients.pods_in(namespace).create(&as_operator(), pod).await {
        Ok(pod) => {
            debug!(namespace, pod = pod.name_any(), "made a pod that waits for a job");
            memory.trouble.forgive(Reason::PodRefused);
            context.state.wrote_pod(&pod);
            Ok(())
        }
        Err(kube::Error::Api(status)) if Denial::of(&status).is_some() => {
            let message = format!("Kubernetes refuses the pod: {}", status.message);
            let workflow = pod.labels().get(names::LABEL_WARM_POOL);
            warn!(namespace, workflow, "a pod that would wait for a job cannot be made: {message}");
            memory.trouble.grow(context.clock.now(), Reason::PodRefused, message, fastrand::f64());
            Ok(())
        }
        Err(error) => Err(kube_error("making a pod that waits for a job")(error)),
    }
}

/// Removes a pod that has no job.
async fn delete_warm_pod(
    namespace: &str,
    name: &str,
    how: DeleteParams,
    failure: Option<String>,
    memory: &mut PoolMemory,
    context: &Context,
) -> Result<(), Error> {
    let how = DeleteParams { grace_period_seconds: Some(warm::GRACE_SECONDS), ..how };
    let left = match context.clients.pods_in(namespace).delete(name, &how).await {
        Ok(deleted) => deleted.left(),
        Err(kube::Error::Api(status)) if status.is_not_found() => None,
        Err(error) => return Err(kube_error("removing a pod that waits for a job")(error)),
    };
    if let Some(failure) = failure {
        warn!(namespace, pod = name, "a pod that was to wait for a job has ended: {failure}");
        memory.trouble.grow(context.clock.now(), Reason::PodsFail, format!("pod {name}: {failure}"), fastrand::f64());
    }
    match (left, context.state.pods.get(namespace, name)) {
        (Some(pod), _) => context.state.wrote_pod(&pod),
        (None, Some(gone)) => context.state.pods.forget_written(&gone),
        (None, None) => {}
    }
    Ok(())
}

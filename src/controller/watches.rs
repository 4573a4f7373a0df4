//! The watches on jobs, pods, workflows and their revisions, and what follows from each change.
//!
//! Ring: shell.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::future::join_all;
use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};
use kube::{
    Api, Resource, ResourceExt,
    core::{DeserializeGuard, error_boundary::InvalidObject},
    runtime::{
        events::{Event, EventType},
        reflector::ObjectRef,
        watcher,
    },
};
use tracing::{error, info, warn};

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    plan::attempt,
};

use super::{
    cache::{self, Change},
    context::Context,
    execute,
};

/// Watches until it is aborted.
pub(super) async fn run(context: Arc<Context>, namespaces: Vec<String>) {
    let scopes: Vec<Option<String>> =
        if namespaces.is_empty() { vec![None] } else { namespaces.into_iter().map(Some).collect() };
    let pending = Arc::new(AtomicUsize::new(4 * scopes.len()));
    let watches = scopes.into_iter().map(|scope| {
        let jobs = watch_jobs(Arc::clone(&context), scope.clone(), Arc::clone(&pending));
        let pods = watch_pods(Arc::clone(&context), scope.clone(), Arc::clone(&pending));
        let workflows = watch_workflows(Arc::clone(&context), scope.clone(), Arc::clone(&pending));
        let revisions = watch_revisions(Arc::clone(&context), scope, Arc::clone(&pending));
        async { tokio::join!(jobs, pods, workflows, revisions) }
    });
    join_all(watches).await;
}

fn scoped<K>(context: &Context, scope: Option<&String>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    scope.map_or_else(
        || Api::all(context.client.clone()),
        |namespace| Api::namespaced(context.client.clone(), namespace),
    )
}

/// Notes that one more list is complete; after the last, pods without a job are let go.
fn synced(context: &Arc<Context>, pending: &AtomicUsize) {
    let left = pending.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
    if left == Ok(1) {
        info!(jobs = context.jobs.store().len(), pods = context.pods.store().len(), "the caches are in sync");
        context.metrics.set_synced();
        context.catalog.set_synced();
        context.pods.store().state().iter().for_each(|pod| release_orphan(context, pod));
        context.seat_waiting();
        context.keep_promises();
        context.touch_all_workflows();
        context.trigger_all();
    }
}

async fn watch_jobs(context: Arc<Context>, scope: Option<String>, pending: Arc<AtomicUsize>) {
    let api: Api<DeserializeGuard<OmotesJob>> = Api::all(context.client.clone());
    let api = scope.as_ref().map_or(api, |namespace| Api::namespaced(context.client.clone(), namespace));
    let mut first = true;
    cache::drive(&context.jobs, watcher(api, watcher::Config::default()), |change| match change {
        Change::Applied(job) => {
            context.claims.apply(&job);
            context.touch_workflow_of(&job);
            context.trigger(ObjectRef::from_obj(&job));
        }
        Change::Deleted(job) => forget(&context, &job),
        Change::Undecodable(object) => report_undecodable(&context, object),
        Change::Synced if std::mem::take(&mut first) => synced(&context, &pending),
        Change::Synced => {}
        Change::Failed(error) => report_failure("OmotesJobs", &error),
    })
    .await;
}

async fn watch_pods(context: Arc<Context>, scope: Option<String>, pending: Arc<AtomicUsize>) {
    let api = scoped::<DeserializeGuard<Pod>>(&context, scope.as_ref());
    let selector = format!("{}={}", names::LABEL_MANAGED_BY, names::OPERATOR);
    let mut first = true;
    cache::drive(&context.pods, watcher(api, watcher::Config::default().labels(&selector)), |change| match change {
        Change::Applied(pod) => {
            context.seat_pod(&pod, true);
            pod_changed(&context, &pod);
        }
        Change::Deleted(pod) => {
            context.seat_pod(&pod, false);
            pod_changed(&context, &pod);
        }
        Change::Undecodable(object) => {
            warn!(name = object.metadata.name, error = object.error, "a pod cannot be decoded and is ignored");
        }
        Change::Synced if std::mem::take(&mut first) => synced(&context, &pending),
        Change::Synced => {}
        Change::Failed(error) => report_failure("pods", &error),
    })
    .await;
}

fn pod_changed(context: &Arc<Context>, pod: &Pod) {
    release_orphan(context, pod);
    job_of(pod).filter(|job| context.jobs.store().get(job).is_some()).into_iter().for_each(|job| context.trigger(job));
}

async fn watch_workflows(context: Arc<Context>, scope: Option<String>, pending: Arc<AtomicUsize>) {
    let api = scoped::<DeserializeGuard<OmotesWorkflow>>(&context, scope.as_ref());
    let mut first = true;
    let mut generations = HashMap::new();
    cache::drive(&context.catalog.cache, watcher(api, watcher::Config::default()), |change| match change {
        Change::Applied(workflow) => {
            // A status of our own is no news.
            let generation = workflow.metadata.generation;
            if generations.insert(workflow.uid(), generation) != Some(generation) {
                context.workflow_changed(&workflow);
            }
        }
        Change::Deleted(workflow) => {
            generations.remove(&workflow.uid());
            context.workflow_changed(&workflow);
        }
        Change::Undecodable(object) => {
            let InvalidObject { error, metadata } = object;
            error!(
                namespace = metadata.namespace,
                name = metadata.name,
                error,
                "an OmotesWorkflow cannot be decoded and is ignored"
            );
        }
        Change::Synced if std::mem::take(&mut first) => synced(&context, &pending),
        Change::Synced => {}
        Change::Failed(error) => report_failure("OmotesWorkflows", &error),
    })
    .await;
}

async fn watch_revisions(context: Arc<Context>, scope: Option<String>, pending: Arc<AtomicUsize>) {
    let api = scoped::<DeserializeGuard<ControllerRevision>>(&context, scope.as_ref());
    let selector = format!("{}={},{}", names::LABEL_MANAGED_BY, names::OPERATOR, names::LABEL_WORKFLOW);
    let mut first = true;
    cache::drive(
        &context.revisions,
        watcher(api, watcher::Config::default().labels(&selector)),
        |change| match change {
            Change::Applied(revision) | Change::Deleted(revision) => revision_changed(&context, &revision),
            Change::Undecodable(object) => {
                warn!(
                    name = object.metadata.name,
                    error = object.error,
                    "a ControllerRevision cannot be decoded and is ignored"
                );
            }
            Change::Synced if std::mem::take(&mut first) => synced(&context, &pending),
            Change::Synced => {}
            Change::Failed(error) => report_failure("ControllerRevisions", &error),
        },
    )
    .await;
}

fn revision_changed(context: &Context, revision: &ControllerRevision) {
    let Some(name) = revision.labels().get(names::LABEL_WORKFLOW) else { return };
    let namespace = revision.namespace().unwrap_or_default();
    context.trigger_unpinned(&namespace, name);
    context.workflows.touch((namespace, name.clone()));
}

/// The job that a pod is for: its owner, else the one that would have a pod of this name and waits for it to go.
fn job_of(pod: &Pod) -> Option<ObjectRef<OmotesJob>> {
    let name = pod.name_any();
    let job = attempt::owner(pod)
        .map(|owner| owner.name.as_str())
        .or_else(|| name.rsplit_once('-').map(|(job, _attempt)| job))?;
    Some(ObjectRef::new(job).within(&pod.namespace()?))
}

fn forget(context: &Arc<Context>, job: &OmotesJob) {
    context.claims.remove(job);
    context.unseat(job);
    context.forget_promise(job);
    context.touch_workflow_of(job);
    context.memories.forget(&job.uid().unwrap_or_default());
    let uid = job.uid().unwrap_or_default();
    let orphans = context.pods.store().state_filter(|pod| pod.owner_references().iter().any(|owner| owner.uid == uid));
    for pod in orphans {
        release_orphan(context, &pod);
    }
}

/// A pod that is being deleted and whose job is gone must not wait for anybody to record its exit.
fn release_orphan(context: &Arc<Context>, pod: &Pod) {
    let held = attempt::is_held(pod);
    let orphaned = context.metrics.is_synced() && context.owner_of(pod).is_none();
    if !(held && orphaned && pod.metadata.deletion_timestamp.is_some()) {
        return;
    }
    let (namespace, name, uid) = (pod.namespace().unwrap_or_default(), pod.name_any(), pod.uid().unwrap_or_default());
    let context = Arc::clone(context);
    tokio::spawn(async move {
        match execute::release_pod(&namespace, &name, &uid, &context).await {
            Ok(_) => info!(namespace, pod = name, "let go of a pod whose job is gone"),
            Err(error) => warn!(namespace, pod = name, %error, "could not let go of a pod whose job is gone"),
        }
    });
}

fn report_failure(kind: &str, failure: &watcher::Error) {
    warn!(error = %failure, "watching {kind} failed; the operator tries again");
}

fn report_undecodable(context: &Arc<Context>, object: InvalidObject) {
    let InvalidObject { error, metadata } = object;
    error!(
        namespace = metadata.namespace,
        name = metadata.name,
        error,
        "an OmotesJob cannot be decoded and is left alone until it changes"
    );
    let reference = k8s_openapi::api::core::v1::ObjectReference {
        api_version: Some(OmotesJob::api_version(&()).into_owned()),
        kind: Some(OmotesJob::kind(&()).into_owned()),
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        ..Default::default()
    };
    let event = Event {
        type_: EventType::Warning,
        reason: "Undecodable".to_owned(),
        note: Some(
            format!("the operator cannot read this job and leaves it alone: {error}").chars().take(1000).collect(),
        ),
        action: "Decode".to_owned(),
        secondary: None,
    };
    let context = Arc::clone(context);
    tokio::spawn(async move {
        if let Err(error) = context.recorder.publish(&event, &reference).await {
            warn!(%error, "could not write an Event");
        }
    });
}

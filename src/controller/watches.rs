//! The watches on jobs and pods, and what follows from each change.
//!
//! Ring: shell.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
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
    api::{OmotesJob, names},
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
    let pending = Arc::new(AtomicUsize::new(2 * scopes.len()));
    let watches = scopes.into_iter().map(|scope| {
        let jobs = watch_jobs(Arc::clone(&context), scope.clone(), Arc::clone(&pending));
        let pods = watch_pods(Arc::clone(&context), scope, Arc::clone(&pending));
        async { tokio::join!(jobs, pods) }
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
        context.pods.store().state().iter().for_each(|pod| release_orphan(context, pod));
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
        Change::Applied(pod) | Change::Deleted(pod) => {
            release_orphan(&context, &pod);
            job_of(&pod)
                .filter(|job| context.jobs.store().get(job).is_some())
                .into_iter()
                .for_each(|job| context.trigger(job));
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

/// The job that a pod of this name would be for, whoever owns the pod: a job waits for one that has its pod's name.
fn job_of(pod: &Pod) -> Option<ObjectRef<OmotesJob>> {
    let name = pod.name_any();
    let (job, _attempt) = name.rsplit_once('-')?;
    Some(ObjectRef::new(job).within(&pod.namespace()?))
}

fn forget(context: &Arc<Context>, job: &OmotesJob) {
    context.claims.remove(job);
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

//! The watches on jobs, pods, workflows and their revisions, and what follows from each change.
//!
//! Ring: shell.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::future::join_all;
use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};
use kube::{
    Api, Resource, ResourceExt,
    core::{DeserializeGuard, error_boundary::InvalidObject},
    runtime::watcher,
};
use tracing::{debug, error, info, warn};

use crate::{
    api::{OmotesJob, OmotesWorkflow, Reason, names},
    backoff::spread,
    plan::facts::{owner, pod_state},
    task,
    words::kube_words,
};

use super::{
    context::Context,
    execute::{publish_apart, release_pod, warning},
    news,
    state::{Change, JobKey, Scope, drive},
};

/// How often pods are looked for that could not be released when their job went.
const RELEASE_INTERVAL: Duration = Duration::from_secs(60);

/// So many objects come at once in a list: a job may have a megabyte, and a page is in memory several times.
const PAGE: u32 = 200;

/// How long a watch lasts, give or take a quarter; another one follows where it was. One whose connection died without a word
/// ends five seconds later, and what happened meanwhile is seen then.
const WATCH_DURATION: Duration = Duration::from_secs(60);

/// A watch as each of these is.
fn limited() -> watcher::Config {
    watcher::Config { timeout: u32::try_from(spread(WATCH_DURATION).as_secs()).ok(), ..watcher::Config::default() }
}

/// What is watched: each of these namespaces, or all.
pub(super) fn scopes(namespaces: &[String]) -> Vec<Scope> {
    if namespaces.is_empty() { vec![None] } else { namespaces.iter().cloned().map(Some).collect() }
}

/// Watches until it is aborted.
pub(super) async fn run(context: Arc<Context>, namespaces: Vec<String>) {
    let releasing = release_orphans(Arc::clone(&context));
    let forgetting = news::forget_namespaces(Arc::clone(&context));
    let watches = scopes(&namespaces).into_iter().map(|scope| {
        let jobs = watch_jobs(Arc::clone(&context), scope.clone());
        let pods = watch_pods(Arc::clone(&context), scope.clone());
        let workflows = watch_workflows(Arc::clone(&context), scope.clone());
        let revisions = watch_revisions(Arc::clone(&context), scope);
        async { tokio::join!(jobs, pods, workflows, revisions) }
    });
    tokio::join!(join_all(watches), releasing, forgetting);
}

fn scoped<K>(context: &Context, scope: Option<&String>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    scope.map_or_else(
        || Api::all(context.clients.client.clone()),
        |namespace| Api::namespaced(context.clients.client.clone(), namespace),
    )
}

/// Notes that one more list of `scope` is complete; after its last the scope's jobs are worked on.
fn synced(context: &Arc<Context>, scope: &Scope) {
    if context.state.lists.complete_one(scope) {
        begin(context);
    }
}

/// Begins, or goes on with another namespace, once every list is complete or refused; pods without a job are released.
fn begin(context: &Arc<Context>) {
    if !context.state.lists.are_decided() {
        return;
    }
    info!(jobs = context.state.jobs.store().len(), pods = context.state.pods.store().len(), "the caches are in sync");
    context.metrics.set_synced();
    context.state.catalog.set_synced();
    context.state.pods.all().iter().for_each(|pod| release_orphan(context, pod));
    context.state.seat_waiting();
    context.state.seat_running();
    context.state.keep_promises();
    context.state.touch_all_workflows();
    context.state.trigger_all();
}

async fn watch_jobs(context: Arc<Context>, scope: Scope) {
    let api: Api<DeserializeGuard<OmotesJob>> = Api::all(context.clients.client.clone());
    let api = scope.as_ref().map_or(api, |namespace| Api::namespaced(context.clients.client.clone(), namespace));
    let mut first = true;
    drive(&context.state.jobs, watcher(api, limited().page_size(PAGE)), |change| match change {
        Change::Applied(job) => {
            news::listen_to(&context, &job);
            context.state.claims.apply(&job);
            context.state.touch_workflow_of(&job);
            context.state.trigger(JobKey::of(&job));
        }
        Change::Deleted(job) => forget(&context, &job),
        Change::Undecodable(object) => report_undecodable(&context, object),
        Change::Synced => listed(&context, &scope, std::mem::take(&mut first)),
        Change::Failed(error) => report_failure(&context, &scope, "OmotesJobs", &error),
    })
    .await;
}

async fn watch_pods(context: Arc<Context>, scope: Scope) {
    let api = scoped::<DeserializeGuard<Pod>>(&context, scope.as_ref());
    let selector = names::managed_selector();
    let mut first = true;
    let config = limited().labels(&selector).page_size(PAGE);
    drive(&context.state.pods, watcher(api, config), |change| match change {
        Change::Applied(pod) => {
            context.state.seat_pod(&pod, true);
            pod_changed(&context, &pod);
        }
        Change::Deleted(pod) => {
            context.state.pod_left(&pod);
            pod_changed(&context, &pod);
        }
        Change::Undecodable(object) => {
            warn!(
                namespace = object.metadata.namespace,
                name = object.metadata.name,
                error = object.error,
                "a pod cannot be decoded and is ignored"
            );
        }
        Change::Synced => listed(&context, &scope, std::mem::take(&mut first)),
        Change::Failed(error) => report_failure(&context, &scope, "pods", &error),
    })
    .await;
}

fn pod_changed(context: &Arc<Context>, pod: &Pod) {
    // The next version may hide what this one proves.
    if let Some(job) = context.state.owner_of(pod) {
        context.state.memories.witness_end(&job, pod, context.clock.now());
    }
    release_orphan(context, pod);
    job_of(pod)
        .filter(|job| context.state.jobs.get(&job.namespace, &job.name).is_some())
        .into_iter()
        .for_each(|job| context.state.trigger(job));
}

async fn watch_workflows(context: Arc<Context>, scope: Scope) {
    let api = scoped::<DeserializeGuard<OmotesWorkflow>>(&context, scope.as_ref());
    let mut first = true;
    let mut generations = HashMap::new();
    drive(&context.state.catalog.cache, watcher(api, limited()), |change| match change {
        Change::Applied(workflow) => {
            // A status of our own is no news.
            let generation = workflow.metadata.generation;
            if generations.insert(workflow.uid(), generation) != Some(generation) {
                context.state.workflow_changed(&workflow);
            }
        }
        Change::Deleted(workflow) => {
            generations.remove(&workflow.uid());
            context.state.workflow_changed(&workflow);
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
        Change::Synced => listed(&context, &scope, std::mem::take(&mut first)),
        Change::Failed(error) => report_failure(&context, &scope, "OmotesWorkflows", &error),
    })
    .await;
}

async fn watch_revisions(context: Arc<Context>, scope: Scope) {
    let api = scoped::<DeserializeGuard<ControllerRevision>>(&context, scope.as_ref());
    let selector = format!("{},{}", names::managed_selector(), names::LABEL_WORKFLOW);
    let mut first = true;
    drive(&context.state.revisions, watcher(api, limited().labels(&selector)), |change| match change {
        Change::Applied(revision) | Change::Deleted(revision) => revision_changed(&context, &revision),
        Change::Undecodable(object) => {
            warn!(
                namespace = object.metadata.namespace,
                name = object.metadata.name,
                error = object.error,
                "a ControllerRevision cannot be decoded and is ignored"
            );
        }
        Change::Synced => listed(&context, &scope, std::mem::take(&mut first)),
        Change::Failed(error) => report_failure(&context, &scope, "ControllerRevisions", &error),
    })
    .await;
}

fn revision_changed(context: &Context, revision: &ControllerRevision) {
    let Some(name) = revision.labels().get(names::LABEL_WORKFLOW) else { return };
    let namespace = revision.namespace().unwrap_or_default();
    context.state.trigger_unpinned(&namespace, name);
    context.state.workflows.touch((namespace, name.clone()));
}

/// The job that a pod is for: its owner, else the one that would have a pod of this name and waits for it to go.
fn job_of(pod: &Pod) -> Option<JobKey> {
    let name = pod.name_any();
    let job = owner::job_name(pod).or_else(|| name.rsplit_once('-').map(|(job, _attempt)| job))?;
    Some(JobKey::new(pod.namespace()?, job))
}

fn forget(context: &Arc<Context>, job: &OmotesJob) {
    context.state.forget(job);
    let uid = job.uid().unwrap_or_default();
    let orphans = context.state.pods.filtered(|pod| pod.owner_references().iter().any(|owner| owner.uid == uid));
    for pod in orphans {
        release_orphan(context, &pod);
    }
}

/// A pod that is being deleted and whose job is gone must not wait for anybody to record its exit.
fn release_orphan(context: &Arc<Context>, pod: &Pod) {
    let ends = pod.metadata.deletion_timestamp.is_some() && pod_state::is_held(pod);
    let is_listed = || context.state.lists.is_complete(&pod.namespace().unwrap_or_default());
    if !(ends && is_listed() && context.state.owner_of(pod).is_none()) {
        return;
    }
    let (namespace, name, uid) = (pod.namespace().unwrap_or_default(), pod.name_any(), pod.uid().unwrap_or_default());
    let context = Arc::clone(context);
    task::spawn("release of a pod", async move {
        match release_pod(&namespace, &name, &uid, &context).await {
            Ok(_) => info!(namespace, pod = name, "let go of a pod whose job is gone"),
            Err(error) => {
                warn!(namespace, pod = name, %error, "could not let go of a pod whose job is gone; the operator tries again within a minute or so");
            }
        }
    });
}

/// Releases again and again what could not be released when it became an orphan.
async fn release_orphans(context: Arc<Context>) {
    loop {
        tokio::time::sleep(spread(RELEASE_INTERVAL)).await;
        context.state.pods.all().iter().for_each(|pod| release_orphan(&context, pod));
    }
}

/// Takes in that a list is complete, the `first` of its kind or one more.
fn listed(context: &Arc<Context>, scope: &Scope, first: bool) {
    if let Some(namespace) = scope {
        context.metrics.note_watched(namespace);
    }
    if first {
        synced(context, scope);
    }
}

/// A namespace that is gone or may not be looked into holds up no other; any other failure may be of the apiserver itself.
fn report_failure(context: &Arc<Context>, scope: &Scope, kind: &str, failure: &watcher::Error) {
    let error = words_of(failure);
    // The apiserver has forgotten where the watch was, as it does every few minutes: the list begins anew.
    if matches!(failure, watcher::Error::WatchError(status) if status.code == 410) {
        return debug!(error, "the watch of {kind} begins anew");
    }
    match scope.as_ref().filter(|_| is_refused(failure)) {
        None => warn!(error, "watching {kind} failed; the operator tries again"),
        Some(namespace) => {
            let problem = format!(
                "the apiserver refuses to list what is in it ({kind}: {error}). Create the namespace and the operator's Role in it, or take it out of watchNamespaces"
            );
            if context.metrics.note_unwatched(namespace, problem) {
                warn!(
                    namespace,
                    kind, error, "a namespace cannot be watched; the others are, and the operator tries again"
                );
            }
            if context.state.lists.refuse(scope) {
                begin(context);
            }
        }
    }
}

fn words_of(failure: &watcher::Error) -> String {
    match failure {
        watcher::Error::InitialListFailed(source)
        | watcher::Error::WatchStartFailed(source)
        | watcher::Error::WatchFailed(source) => kube_words(source),
        watcher::Error::WatchError(status) => status.message.clone(),
        watcher::Error::NoResourceVersion => failure.to_string(),
    }
}

fn is_refused(failure: &watcher::Error) -> bool {
    let code = match failure {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => status.code,
        watcher::Error::WatchError(status) => status.code,
        _ => return false,
    };
    matches!(code, 403 | 404)
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
    let note = format!("the operator cannot read this job and leaves it alone: {error}");
    let event = warning(Reason::Undecodable, &note, "Decode");
    publish_apart(event, reference, &context.clients.recorder);
}

//! Looks after workflows: their revisions, their status, and what follows for their jobs when they change.
//!
//! Ring: shell. One pass is: observe, `workflow::advance::plan`, execute, until the plan is empty. Passes are made one
//! after the other, and of one workflow not more often than five times a second.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde_json::json;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::{
    api::{OmotesJob, OmotesWorkflow, OmotesWorkflowStatus, names},
    workflow::{
        advance::{HeldRevision, JobCounts, ObservedWorkflow, WorkflowStep, plan},
        pool::{self, Pool},
    },
};

use super::{
    context::{Context, as_operator},
    error::{Category, Error},
    execute::exactly,
    seats::{Key, is_of, key_of},
    warm::{LOOK_PERIOD, PoolMemory},
};

/// The shortest time between two passes over one workflow.
const PASS_PERIOD: SignedDuration = SignedDuration::from_millis(200);
/// How long after a failed pass the next one comes.
const RETRY_PERIOD: SignedDuration = SignedDuration::from_secs(5);
/// More rounds than a pass needs: a revision, warm pods removed, warm pods made, and the status.
const MAX_ROUNDS: usize = 5;

/// The workflows that something happened to, each at most once, with the time of its next pass. Bounded by the number of
/// workflows and of jobs.
#[derive(Default)]
pub(crate) struct Touched {
    due: Mutex<HashMap<Key, Timestamp>>,
    added: Notify,
}

impl Touched {
    /// Has a workflow looked at soon.
    pub(crate) fn touch(&self, key: Key) {
        self.touch_at(key, Timestamp::now());
    }

    fn touch_at(&self, key: Key, time: Timestamp) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.entry(key).and_modify(|known| *known = time.min(*known)).or_insert(time);
        drop(due);
        self.added.notify_one();
    }

    fn take_due(&self, now: Timestamp) -> Vec<Key> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<Key> = due.iter().filter(|(_, time)| **time <= now).map(|(key, _)| key.clone()).collect();
        due.retain(|_, time| *time > now);
        keys
    }

    fn next(&self) -> Option<Timestamp> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).values().min().copied()
    }
}

/// What this process remembers of one workflow.
#[derive(Default)]
struct Memory {
    passed: Option<Timestamp>,
    written: Option<Timestamp>,
    idle: HashMap<String, Timestamp>,
    pool: PoolMemory,
}

/// Looks after workflows until it is aborted.
pub(super) async fn look_after(context: Arc<Context>) {
    let mut memories: HashMap<Key, Memory> = HashMap::new();
    loop {
        let added = context.workflows.added.notified();
        let now = Timestamp::now();
        // What was not listed yet would look as if it were gone.
        let due = if context.metrics.is_synced() { context.workflows.take_due(now) } else { Vec::new() };
        for key in due {
            attend(&context, key, &mut memories).await;
        }
        let next = context.workflows.next().filter(|_| context.metrics.is_synced());
        tokio::select! {
            () = added => {}
            () = sleep_until(next) => {}
        }
    }
}

async fn sleep_until(time: Option<Timestamp>) {
    match time {
        Some(time) => {
            let wait = Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
            tokio::time::sleep(wait).await;
        }
        None => std::future::pending().await,
    }
}

async fn attend(context: &Context, key: Key, memories: &mut HashMap<Key, Memory>) {
    let now = Timestamp::now();
    let memory = memories.entry(key.clone()).or_default();
    if let Some(due) = memory.passed.map(|passed| passed + PASS_PERIOD).filter(|due| now < *due) {
        context.workflows.touch_at(key, due);
        return;
    }
    memory.passed = Some(now);
    match pass(context, &key, memory).await {
        Ok(Some(wake)) => context.workflows.touch_at(key, wake),
        Ok(None) if memory.idle.is_empty() && context.catalog.cache.get(&key.0, &key.1).is_none() => {
            memories.remove(&key);
        }
        Ok(None) => {}
        // A kubelet wrote to a pod that is to go, or a job got it.
        Err(error) if error.category() == Category::Conflict => context.workflows.touch_at(key, now + PASS_PERIOD),
        Err(error) => {
            let (namespace, name) = &key;
            warn!(namespace, name, %error, "a pass over a workflow failed; the operator tries again");
            context.workflows.touch_at(key, now + RETRY_PERIOD);
        }
    }
}

async fn pass(context: &Context, key: &Key, memory: &mut Memory) -> Result<Option<Timestamp>, Error> {
    for _ in 0..MAX_ROUNDS {
        let observed = observe(context, key, memory).await;
        let plan = plan(&observed);
        if plan.steps.is_empty() {
            return Ok(plan.wake.into_iter().chain(next_look(&observed)).min());
        }
        for step in plan.steps {
            execute(context, key, memory, step, observed.workflow.as_deref()).await?;
        }
    }
    Err(Error::Restless(MAX_ROUNDS))
}

/// When the pool is looked at though nothing happens.
fn next_look(observed: &ObservedWorkflow) -> Option<Timestamp> {
    let pool = observed.workflow.as_ref().filter(|workflow| pool::wanted(workflow) > 0);
    pool.map(|_| observed.now + LOOK_PERIOD)
}

async fn observe(context: &Context, key: &Key, memory: &mut Memory) -> ObservedWorkflow {
    let now = Timestamp::now();
    let (namespace, name) = key;
    let jobs = context.jobs.store().state_filter(|job| is_of(job, key));
    let pinned: HashSet<&str> =
        jobs.iter().filter_map(|job| job.status.as_ref()?.workflow_revision.as_deref()).collect();
    let revisions = context.revisions.store().state_filter(|revision| {
        revision.metadata.namespace.as_ref() == Some(namespace)
            && revision.labels().get(names::LABEL_WORKFLOW) == Some(name)
    });
    memory.idle.retain(|known, _| {
        !pinned.contains(known.as_str()) && revisions.iter().any(|revision| revision.name_any() == *known)
    });
    let held = revisions.into_iter().map(|object| {
        let revision = object.name_any();
        let idle = || *memory.idle.entry(revision.clone()).or_insert(now);
        let idle_since = (!pinned.contains(revision.as_str())).then(idle);
        HeldRevision { object, idle_since }
    });
    let revisions = held.collect();
    let workflow = context.catalog.cache.get(namespace, name);
    let rival = workflow.as_ref().and_then(|workflow| context.catalog.rival(workflow));
    let pool = match &workflow {
        Some(workflow) => context.look_at_pool(workflow, &mut memory.pool, now).await,
        None => Pool::default(),
    };
    let jobs = count(context, key, &jobs);
    ObservedWorkflow { now, workflow, rival, revisions, jobs, pool, written: memory.written }
}

fn count(context: &Context, key: &Key, jobs: &[Arc<OmotesJob>]) -> JobCounts {
    let mut counts = JobCounts::default();
    for job in jobs {
        let ended = job.has_ended();
        let holds = context.seats.is_holder(key, &job.uid().unwrap_or_default());
        match (holds, ended) {
            (true, _) => counts.running += 1,
            (false, true) => counts.finished += 1,
            (false, false) => counts.waiting += 1,
        }
    }
    counts
}

async fn execute(
    context: &Context,
    (namespace, name): &Key,
    memory: &mut Memory,
    step: WorkflowStep,
    workflow: Option<&OmotesWorkflow>,
) -> Result<(), Error> {
    let revisions: Api<ControllerRevision> = Api::namespaced(context.client.clone(), namespace);
    match step {
        WorkflowStep::CreateRevision(revision) => {
            let made =
                revisions.create(&as_operator(), &revision).await.map_err(failed("making the workflow's revision"))?;
            info!(namespace, workflow = name, revision = made.name_any(), "made a revision of the workflow");
            context.revisions.wrote(&made);
            context.trigger_unpinned(namespace, name);
        }
        WorkflowStep::DeleteRevision { name: revision, uid, resource_version } => {
            let gone = revisions.delete(&revision, &exactly(uid, resource_version)).await;
            match gone {
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(failed("removing a revision that no job has any more")(error)),
                Ok(_) => info!(namespace, workflow = name, revision, "removed a revision that no job has any more"),
            }
            if let Some(known) = context.revisions.get(namespace, &revision) {
                context.revisions.forget_written(&known);
            }
        }
        WorkflowStep::CreateWarmPod(pod) => context.create_warm_pod(namespace, &pod, &mut memory.pool).await?,
        WorkflowStep::DeleteWarmPod { name, uid, resource_version, failure } => {
            let how = exactly(uid, resource_version);
            context.delete_warm_pod(namespace, &name, how, failure, &mut memory.pool).await?;
        }
        WorkflowStep::PatchStatus(status) => {
            memory.written = Some(Timestamp::now());
            patch_status(context, namespace, workflow, *status).await?;
        }
    }
    Ok(())
}

fn failed(doing: &'static str) -> impl FnOnce(kube::Error) -> Error {
    move |source| Error::Kube { doing, source }
}

async fn patch_status(
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
    let api: Api<OmotesWorkflow> = Api::namespaced(context.client.clone(), namespace);
    let how = PatchParams::apply(names::OPERATOR).force();
    let mut stored = api
        .patch_status(&workflow.name_any(), &how, &Patch::Apply(&patch))
        .await
        .map_err(failed("storing the workflow's status"))?;
    stored.managed_fields_mut().clear();
    context.catalog.cache.wrote(&stored);
    Ok(())
}

impl Context {
    /// What follows when `workflow` was made, edited or removed.
    pub(crate) fn workflow_changed(&self, workflow: &OmotesWorkflow) {
        let namespace = workflow.namespace().unwrap_or_default();
        self.catalog.changed();
        self.call_waiting(&(namespace.clone(), workflow.name_any()));
        self.workflows.touch((namespace.clone(), workflow.name_any()));
        self.trigger_unpinned(&namespace, &workflow.name_any());
        // Whether others are accepted may depend on this one.
        for other in self.catalog.of(&namespace) {
            if other.spec.type_name == workflow.spec.type_name {
                self.trigger_unpinned(&namespace, &other.name_any());
                self.workflows.touch((namespace.clone(), other.name_any()));
            }
        }
    }

    /// Has the jobs looked at that wait for the workflow itself.
    pub(crate) fn trigger_unpinned(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        let waits = |job: &OmotesJob| {
            let status = job.status.as_ref();
            is_of(job, &key)
                && status.is_none_or(|status| status.workflow_revision.is_none() && status.completion_time.is_none())
        };
        for job in self.jobs.store().state_filter(waits) {
            self.trigger(ObjectRef::from_obj(&*job));
        }
    }

    /// Has the workflow of `job` looked at.
    pub(crate) fn touch_workflow_of(&self, job: &OmotesJob) {
        if let Some(key) = key_of(job) {
            self.workflows.touch(key);
        }
    }

    /// Has every workflow looked at, and what is left of those that are gone.
    pub(crate) fn touch_all_workflows(&self) {
        let jobs = self.jobs.store().state().iter().filter_map(|job| key_of(job)).collect::<Vec<_>>();
        let workflows = self.catalog.cache.store().state();
        let workflows = workflows.iter().filter_map(|workflow| Some((workflow.namespace()?, workflow.name_any())));
        let revisions = self.revisions.store().state();
        let revisions = revisions.iter().filter_map(|revision| {
            Some((revision.namespace()?, revision.labels().get(names::LABEL_WORKFLOW)?.clone()))
        });
        jobs.into_iter().chain(workflows).chain(revisions).for_each(|key| self.workflows.touch(key));
    }
}

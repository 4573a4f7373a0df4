//! What every pass works with.
//!
//! Ring: shell.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::PostParams,
    runtime::{events::Recorder, reflector::ObjectRef},
};
use tokio::sync::Semaphore;

use crate::{
    api::{OmotesJob, names},
    broker::Broker,
    plan::{Settings, attempt},
    telemetry::Metrics,
};

use super::{
    cache::Cache, catalog::Catalog, claims::Claims, memory::Memories, seats::Seats, secret::CourierSecrets,
    triggers::Triggers, warm::Promises, workflows::Touched,
};

/// How the operator makes an object.
pub(crate) fn as_operator() -> PostParams {
    PostParams { field_manager: Some(names::OPERATOR.to_owned()), dry_run: false }
}

/// What every pass works with. One per leadership.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) broker: Broker,
    pub(crate) settings: Settings,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) recorder: Recorder,
    pub(crate) jobs: Cache<OmotesJob>,
    pub(crate) pods: Cache<Pod>,
    pub(crate) revisions: Cache<ControllerRevision>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) seats: Seats,
    pub(crate) workflows: Touched,
    pub(crate) promises: Promises,
    pub(crate) claims: Claims,
    pub(crate) memories: Memories,
    pub(crate) secrets: CourierSecrets,
    pub(crate) triggers: Arc<Triggers>,
    /// Since when this process leads.
    pub(crate) since: Timestamp,
    /// Held by the one pass that has a large output in memory.
    pub(crate) large_output: Arc<Semaphore>,
}

impl Context {
    /// Takes in the answer to a write of ours to `pod`.
    pub(crate) fn wrote_pod(&self, pod: &Pod) {
        self.pods.wrote(pod);
        let there = pod.namespace().and_then(|namespace| self.pods.get(&namespace, &pod.name_any()));
        self.seat_pod(pod, there.is_some_and(|there| there.metadata.uid == pod.metadata.uid));
    }

    /// The jobs of one namespace.
    pub(crate) fn jobs_in(&self, namespace: &str) -> Api<OmotesJob> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The pods of one namespace.
    pub(crate) fn pods_in(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Has `job` looked at soon. Nothing is decided before every list is complete: a job whose pod was not listed yet
    /// looks as if it had none.
    pub(crate) fn trigger(&self, job: ObjectRef<OmotesJob>) {
        if self.metrics.is_synced() {
            self.triggers.add(job);
        }
    }

    /// Takes in a job that this process has made, or has just read.
    pub(crate) fn learn(&self, job: &Arc<OmotesJob>) {
        let mut job = (**job).clone();
        job.managed_fields_mut().clear();
        self.jobs.wrote(&job);
        self.claims.apply(&job);
        self.touch_workflow_of(&job);
        self.trigger(ObjectRef::from_obj(&job));
    }

    /// Has every job looked at.
    pub(crate) fn trigger_all(&self) {
        self.jobs.store().state().iter().for_each(|job| self.trigger(ObjectRef::from_obj(&**job)));
    }

    /// The job that owns `pod`, if it is there and still the same.
    pub(crate) fn owner_of(&self, pod: &Pod) -> Option<Arc<OmotesJob>> {
        let owner = attempt::owner(pod)?;
        let job = self.jobs.get(&pod.namespace()?, &owner.name)?;
        attempt::is_owned_by(pod, &job.uid()?).then_some(job)
    }
}

//! All that this process knows, of all jobs, pods and workflows.
//!
//! Ring: shell.

use std::sync::Arc;

use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};
use kube::ResourceExt;

use crate::{api::OmotesJob, clock::Clock, plan::facts::owner};

use super::{
    cache::Cache,
    catalog::Catalog,
    claims::Claims,
    job_key::JobKey,
    lists::{Lists, Scope},
    memory::Memories,
    promises::Promises,
    seats::{Seats, key_of},
    secrets::CourierSecrets,
    skewed_nodes::SkewedNodes,
    touched::Touched,
    triggers::Triggers,
};

/// All that this process knows, and what it is to look at. One per leadership.
pub(crate) struct State {
    pub(crate) lists: Lists,
    pub(crate) jobs: Cache<OmotesJob>,
    pub(crate) pods: Cache<Pod>,
    pub(crate) revisions: Cache<ControllerRevision>,
    pub(crate) catalog: Catalog,
    pub(crate) seats: Arc<Seats>,
    pub(crate) workflows: Touched,
    pub(super) clock: Clock,
    pub(crate) promises: Promises,
    pub(crate) claims: Claims,
    pub(crate) memories: Memories,
    pub(crate) skewed_nodes: SkewedNodes,
    pub(crate) secrets: CourierSecrets,
    pub(crate) triggers: Arc<Triggers>,
}

impl State {
    /// Nothing is known yet of `scopes`.
    pub(crate) fn new(scopes: Vec<Scope>, secrets: CourierSecrets, clock: Clock) -> Self {
        Self {
            lists: Lists::new(scopes),
            jobs: Cache::new(),
            pods: Cache::new(),
            revisions: Cache::new(),
            catalog: Catalog::default(),
            seats: Arc::default(),
            workflows: Touched::new(clock),
            clock,
            promises: Promises::default(),
            claims: Claims::default(),
            memories: Memories::default(),
            skewed_nodes: SkewedNodes::default(),
            secrets,
            triggers: Arc::default(),
        }
    }

    /// Has `job` looked at soon. Nothing is decided before its namespace is listed: a job whose pod was not listed
    /// yet looks as if it had none.
    pub(crate) fn trigger(&self, job: JobKey) {
        if self.lists.is_complete(&job.namespace) {
            self.triggers.add(job);
        }
    }

    /// Has every job looked at.
    pub(crate) fn trigger_all(&self) {
        self.jobs.all().iter().for_each(|job| self.trigger(JobKey::of(job)));
    }

    /// Has the workflow of `job` looked at.
    pub(crate) fn touch_workflow_of(&self, job: &OmotesJob) {
        if let Some(key) = key_of(job) {
            self.workflows.touch(key);
        }
    }

    /// Whether `job` is there, as far as is known, and no successor of that name.
    pub(crate) fn knows(&self, job: &OmotesJob) -> bool {
        let known = self.jobs.get(&job.namespace().unwrap_or_default(), &job.name_any());
        known.is_some_and(|known| known.metadata.uid == job.metadata.uid)
    }

    /// The job that owns `pod`, if it is there and still the same.
    pub(crate) fn owner_of(&self, pod: &Pod) -> Option<Arc<OmotesJob>> {
        let job = self.jobs.get(&pod.namespace()?, owner::job_name(pod)?)?;
        owner::is_of(pod, &job).then_some(job)
    }
}

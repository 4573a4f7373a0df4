//! What follows for all that is known when a job, a pod or a workflow was made, changed, or went.
//!
//! Ring: shell.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJob, OmotesWorkflow, finalizers},
    plan::facts::{pod_state, presence},
};

use super::{
    job_key::JobKey,
    seats::{is_of, key_of, labelled_key},
    stores::State,
};

impl State {
    /// Takes in the answer to a write of ours to `pod`. One that the watch does not show is not kept: nothing would tell
    /// what becomes of it.
    pub(crate) fn wrote_pod(&self, pod: &Pod) {
        let there = if presence::is_listed(pod) { self.pods.wrote(pod) } else { !finalizers::is_gone(pod) };
        if there {
            self.seat_pod(pod, true);
        } else {
            self.pod_gone(pod);
        }
    }

    /// Takes in the watch's word that `pod` is deleted. While the operator's finalizer holds it, it has only left the
    /// watch, because its labels were changed or a list missed it: its job looks it up.
    pub(crate) fn pod_left(&self, pod: &Pod) {
        if !pod_state::is_held(pod) || self.owner_of(pod).is_none() {
            self.pod_gone(pod);
        }
    }

    fn pod_gone(&self, pod: &Pod) {
        self.seat_pod(pod, false);
        // A released pod whose labels were changed leaves the watch, too, and nobody asks for it again.
        if let Some(uid) = self.owner_of(pod).and_then(|job| job.uid()) {
            self.memories.change(&uid, |memory| memory.pods.has_gone(&pod.name_any()));
        }
    }

    /// Takes in a job that this process has made, or has just read.
    pub(crate) fn learn(&self, job: &Arc<OmotesJob>) {
        let mut job = (**job).clone();
        job.managed_fields_mut().clear();
        if !self.jobs.wrote(&job) {
            return;
        }
        self.claims.apply(&job);
        self.touch_workflow_of(&job);
        self.trigger(JobKey::of(&job));
    }

    /// Forgets all about `job`, which is gone. Whatever was going on about it meanwhile may have noted something anew, and
    /// calls this at its own end.
    pub(crate) fn forget(&self, job: &OmotesJob) {
        self.claims.remove(job);
        self.unseat(job);
        self.forget_promise(job);
        self.touch_workflow_of(job);
        self.memories.forget(&job.uid().unwrap_or_default());
    }

    /// What follows when `workflow` was made, edited or removed.
    pub(crate) fn workflow_changed(&self, workflow: &OmotesWorkflow) {
        let namespace = workflow.namespace().unwrap_or_default();
        self.catalog.changed();
        self.terms_changed(&(namespace.clone(), workflow.name_any()));
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
        for job in self.jobs.filtered(waits) {
            self.trigger(JobKey::of(&job));
        }
    }

    /// Has every workflow looked at, and what is left of those that are gone.
    pub(crate) fn touch_all_workflows(&self) {
        let jobs = self.jobs.store().state();
        let jobs = jobs.iter().filter_map(|job| key_of(job));
        let workflows = self.catalog.cache.store().state();
        let workflows = workflows.iter().filter_map(|workflow| Some((workflow.namespace()?, workflow.name_any())));
        let revisions = self.revisions.store().state();
        let revisions = revisions.iter().filter_map(|revision| labelled_key(&**revision));
        jobs.chain(workflows).chain(revisions).for_each(|key| self.workflows.touch(key));
    }
}

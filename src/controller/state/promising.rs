//! Promises pods that wait for a job, keeps promises, and forgets them.
//!
//! Ring: shell; what a pod must be like is `pods::warm`'s.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJob, names},
    plan::{Observed, Settings, facts::observed::WarmSight},
    pods::{
        main_of,
        warm::{self, Form, Readiness},
    },
    workflow::pool,
};

use super::{promises::key_of, stores::State};

impl State {
    /// Promises a pod to the job, if one waits that is just what it needs.
    pub(crate) fn take_warm_pod(&self, observed: &Observed, settings: &Settings) -> WarmSight {
        let workflow = observed.job.spec.workflow_ref.as_ref().map(|workflow| workflow.name.clone());
        let namespace = observed.job.namespace().unwrap_or_default();
        let Some(workflow) = workflow else { return WarmSight::None };
        let mut pods = self.waiting_in(&namespace, &workflow);
        pods.retain(|pod| warm::readiness(pod, &main_of(&observed.job, pod)) == Readiness::Ready);
        if pods.is_empty() {
            return WarmSight::None;
        }
        let form = Form::of(observed.current(), settings);
        pods.retain(|pod| form.fits(pod));
        pods.sort_by_key(|pod| pod.creation_timestamp());
        let promised = self.promises.promise(pods.iter().map(|pod| key_of(pod)), &observed.uid());
        promised.map_or(WarmSight::None, |(_, name)| WarmSight::Promised(name))
    }

    /// Keeps the promises of a former leader, before anything is decided.
    pub(crate) fn keep_promises(&self) {
        for job in self.jobs.all() {
            if !job.has_ended()
                && let Some(pod) = names::chosen_pod(&job)
            {
                self.promises.keep((job.namespace().unwrap_or_default(), pod), job.uid().unwrap_or_default());
            }
        }
    }

    /// Notes at the end of a pass what a job wants of what it was promised: the pod that it chose and does not have yet.
    pub(crate) fn promise_kept(&self, observed: &Observed) {
        let has_pod = observed.own_pod().is_some();
        let chosen = names::chosen_pod(&observed.job).filter(|_| !has_pod && !observed.is_terminal());
        if self.promises.forget(&observed.uid(), chosen.as_ref()) {
            self.touch_workflow_of(&observed.job);
        }
    }

    /// Forgets what was promised to a job that is gone.
    pub(crate) fn forget_promise(&self, job: &OmotesJob) {
        if self.promises.forget(&job.uid().unwrap_or_default(), None) {
            self.touch_workflow_of(job);
        }
    }

    /// Whether `pod` is promised to a job.
    pub(crate) fn is_promised(&self, pod: &Pod) -> bool {
        self.promises.is_made(&key_of(pod))
    }

    /// The pods of a workflow that wait for a job.
    pub(crate) fn waiting_in(&self, namespace: &str, workflow: &str) -> Vec<Arc<Pod>> {
        let is_here = |pod: &Pod| pod.metadata.namespace.as_deref() == Some(namespace);
        self.pods.filtered(|pod| pool::is_in(pod, workflow) && is_here(pod))
    }
}

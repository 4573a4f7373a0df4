//! Which pods that wait for a job are promised to one, and how they are made, given away and removed.
//!
//! Ring: shell (an index over the cache); what a pod must be like is `pods::warm`'s, how many there are `workflow::pool`'s.
//! Bounded by the number of jobs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::Value;
use tracing::{debug, info, warn};

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    plan::{
        Observed,
        attempt::{self, Life, REASON_STARTING},
        observed::{Preparation, Sight, WarmSight},
    },
    pods::warm::{self, Form, Readiness},
    workflow::pool::{self, Pool, Trouble, WarmPod},
};

use super::{
    context::{Context, as_operator},
    error::{Error, is_refusal},
    seats::Key,
};

const SECRET_FAILED: &str = "SecretFailed";
const POD_REFUSED: &str = "PodRefused";

/// How often a pool is looked at where nothing happens: the broker's credentials may have changed.
pub(super) const LOOK_PERIOD: SignedDuration = SignedDuration::from_secs(60);

/// The pods that are promised to a job: the UID of the job by namespace and name of the pod.
#[derive(Default)]
pub(crate) struct Promises(Mutex<HashMap<Key, String>>);

impl Promises {
    fn is_made(&self, pod: &Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(pod)
    }

    fn keep(&self, pod: Key, job: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pod, job);
    }

    /// Forgets what was promised to the job with this UID, but for the pod called `chosen`.
    fn forget(&self, job: &str, chosen: Option<&String>) -> bool {
        let mut promises = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = promises.len();
        promises.retain(|(_, pod), holder| holder != job || Some(pod) == chosen);
        promises.len() != before
    }

    /// Promises one of `pods` to the job with this UID: the one that it was promised before, else the first that is free.
    fn promise(&self, pods: impl Iterator<Item = Key>, job: &str) -> Option<Key> {
        let mut promises = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = None;
        for pod in pods {
            match promises.get(&pod) {
                Some(holder) if holder == job => return Some(pod),
                Some(_) => {}
                None => free = free.or(Some(pod)),
            }
        }
        promises.insert(free.clone()?, job.to_owned());
        free
    }
}

fn key_of(pod: &Pod) -> Key {
    (pod.namespace().unwrap_or_default(), pod.name_any())
}

/// What a process remembers of one pool.
#[derive(Default)]
pub(super) struct PoolMemory {
    pub(super) trouble: Trouble,
    looked: Option<Timestamp>,
}

impl Context {
    /// Promises a pod to the job, if one waits that is just what it needs.
    pub(crate) fn take_warm_pod(&self, observed: &Observed) -> WarmSight {
        let workflow = observed.job.spec.workflow_ref.as_ref().map(|workflow| workflow.name.clone());
        let namespace = observed.job.namespace().unwrap_or_default();
        let Some((workflow, version)) = workflow.zip(self.secrets.version(&namespace)) else { return WarmSight::None };
        let mut pods = self.waiting_in(&namespace, &workflow);
        pods.retain(|pod| warm::readiness(pod) == Readiness::Ready);
        if pods.is_empty() {
            return WarmSight::None;
        }
        let form = Form::of(observed.current(), &self.settings, &version);
        pods.retain(|pod| form.fits(pod));
        pods.sort_by_key(|pod| pod.creation_timestamp());
        let promised = self.promises.promise(pods.iter().map(|pod| key_of(pod)), &observed.uid());
        promised.map_or(WarmSight::None, |(_, name)| WarmSight::Promised(name))
    }

    /// Keeps the promises of a former leader, before anything is decided.
    pub(crate) fn keep_promises(&self) {
        for job in self.jobs.store().state() {
            if !job.has_ended()
                && let Some(pod) = names::chosen_pod(&job)
            {
                self.promises.keep((job.namespace().unwrap_or_default(), pod), job.uid().unwrap_or_default());
            }
        }
    }

    /// Notes at the end of a pass what a job wants of what it was promised: the pod that it chose and does not have yet.
    pub(crate) fn promise_kept(&self, observed: &Observed) {
        let has_pod = matches!(&observed.pod, Sight::Known(pod) if attempt::is_owned_by(pod, &observed.uid()));
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

    /// What is known of the pool of `workflow`, whose `memory` it renews.
    pub(super) async fn look_at_pool(
        &self,
        workflow: &OmotesWorkflow,
        memory: &mut PoolMemory,
        now: Timestamp,
    ) -> Pool {
        let (namespace, name) = (workflow.namespace().unwrap_or_default(), workflow.name_any());
        let pods = self.waiting_in(&namespace, &name);
        let pods: Vec<WarmPod> = pods.into_iter().map(|pod| self.known(pod, now)).collect();
        if pool::has_recovered(&pods, &memory.trouble, now) {
            memory.trouble = Trouble::default();
        }
        let mut form = None;
        if pool::wanted(workflow) > 0 {
            let version = self.secret_version(&namespace, memory, now).await;
            form = version.and_then(|version| pool::form(workflow, &self.settings, &version));
        }
        Pool { pods, form, trouble: memory.trouble.clone() }
    }

    fn waiting_in(&self, namespace: &str, workflow: &str) -> Vec<Arc<Pod>> {
        let is_here = |pod: &Pod| pod.metadata.namespace.as_deref() == Some(namespace);
        self.pods.store().state_filter(|pod| pool::is_in(pod, workflow) && is_here(pod))
    }

    fn known(&self, pod: Arc<Pod>, now: Timestamp) -> WarmPod {
        let is_promised = self.promises.is_made(&key_of(&pod));
        let obstacle = obstacle(&pod, now);
        WarmPod { pod, is_promised, obstacle }
    }

    /// The version of the courier's Secret that pods started now get.
    async fn secret_version(&self, namespace: &str, memory: &mut PoolMemory, now: Timestamp) -> Option<String> {
        let known = self.secrets.version(namespace);
        let wait =
            if known.is_some() { memory.looked.map(|looked| looked + LOOK_PERIOD) } else { memory.trouble.until };
        if wait.is_some_and(|until| now < until) {
            return known;
        }
        memory.looked = Some(now);
        match self.secrets.ensure(&self.client, namespace, now).await {
            Ok(Preparation::Refused(refusal)) => {
                memory.trouble.grow(now, refusal.reason, refusal.message, fastrand::f64());
            }
            Ok(Preparation::Ready(_) | Preparation::Unknown) => memory.trouble.forgive(SECRET_FAILED),
            Err(error) => {
                warn!(namespace, %error, "pods that would wait for a job cannot be made; the operator tries again");
                memory.trouble.grow(now, SECRET_FAILED, error.to_string(), fastrand::f64());
            }
        }
        self.secrets.version(namespace)
    }

    /// Makes a pod that waits. A refusal is remembered, and another try comes later.
    pub(super) async fn create_warm_pod(
        &self,
        namespace: &str,
        pod: &Pod,
        memory: &mut PoolMemory,
    ) -> Result<(), Error> {
        if memory.trouble.until.is_some_and(|until| Timestamp::now() < until) {
            return Ok(());
        }
        match self.pods_in(namespace).create(&as_operator(), pod).await {
            Ok(pod) => {
                debug!(namespace, pod = pod.name_any(), "made a pod that waits for a job");
                memory.trouble.forgive(POD_REFUSED);
                self.wrote_pod(&pod);
                Ok(())
            }
            Err(kube::Error::Api(status)) if is_refusal(&status) => {
                let message = format!("Kubernetes refuses the pod: {}", status.message);
                warn!(namespace, "a pod that would wait for a job cannot be made: {message}");
                memory.trouble.grow(Timestamp::now(), POD_REFUSED, message, fastrand::f64());
                Ok(())
            }
            Err(source) => Err(Error::Kube { doing: "making a pod that waits for a job", source }),
        }
    }

    /// Removes a pod that has no job.
    pub(super) async fn delete_warm_pod(
        &self,
        namespace: &str,
        name: &str,
        how: DeleteParams,
        failure: Option<String>,
        memory: &mut PoolMemory,
    ) -> Result<(), Error> {
        let how = DeleteParams { grace_period_seconds: Some(warm::GRACE_SECONDS), ..how };
        let left = match self.pods_in(namespace).delete(name, &how).await {
            Ok(deleted) => deleted.left(),
            Err(kube::Error::Api(status)) if status.is_not_found() => None,
            Err(source) => return Err(Error::Kube { doing: "removing a pod that waits for a job", source }),
        };
        if let Some(failure) = failure {
            warn!(namespace, pod = name, "a pod that was to wait for a job has ended: {failure}");
            memory.trouble.grow(Timestamp::now(), "PodsFail", format!("pod {name}: {failure}"), fastrand::f64());
        }
        match (left, self.pods.get(namespace, name)) {
            (Some(pod), _) => self.wrote_pod(&pod),
            (None, Some(gone)) => self.pods.forget_written(&gone),
            (None, None) => {}
        }
        Ok(())
    }

    /// Gives the pod called `name` to the job.
    pub(super) async fn assign_pod(&self, name: &str, patch: &Value, observed: &mut Observed) -> Result<(), Error> {
        match self.patch_pod(name, patch, observed).await {
            Ok(true) => {
                info!(pod = name, "gave the job a pod that had waited for it");
                self.metrics.count_warm_start();
                Ok(())
            }
            Ok(false) => Ok(()),
            Err(kube::Error::Api(status)) if is_refusal(&status) => {
                warn!(
                    pod = name,
                    "Kubernetes refuses to give the job a pod that waits, so it gets its own: {}", status.message
                );
                observed.warm = WarmSight::Refused;
                Ok(())
            }
            Err(source) => Err(Error::Kube { doing: "giving the job a pod that waits", source }),
        }
    }

    /// Notes something on the pod called `name`. One that is gone is seen by its watch.
    pub(super) async fn annotate_pod(&self, name: &str, patch: &Value, observed: &mut Observed) -> Result<(), Error> {
        let patched = self.patch_pod(name, patch, observed).await;
        if patched.map_err(|source| Error::Kube { doing: "noting something on the job's pod", source })? {
            info!(pod = name, note = %patch["metadata"]["annotations"], "noted something on the job's pod");
        }
        Ok(())
    }

    /// Changes the pod called `name`, and takes in what became of it. Tells whether it was there.
    async fn patch_pod(&self, name: &str, patch: &Value, observed: &mut Observed) -> Result<bool, kube::Error> {
        let namespace = observed.job.namespace().unwrap_or_default();
        match self.pods_in(&namespace).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(pod) => {
                self.wrote_pod(&pod);
                observed.pod = Sight::Known(Arc::new(pod));
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => {
                observed.pod = Sight::Absent;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// What keeps `pod` from being ready, or how it ended.
fn obstacle(pod: &Pod, now: Timestamp) -> Option<String> {
    let exit = warm::main_end(pod)
        .map(|end| format!("exit code {}: {}", end.exit_code, end.message.as_deref().unwrap_or_default().trim()));
    let words = match attempt::life(pod, now) {
        Life::Waiting { reason, message } => (reason != REASON_STARTING).then(|| format!("{reason}: {message}")),
        Life::Ended(ending) => {
            let pod = ending.pod.map(|(reason, message)| format!("{reason}: {message}"));
            ending.culprit.or(exit).or(pod)
        }
        Life::Running(_) | Life::Winding { .. } => exit,
    };
    words.map(|words| words.chars().take(512).collect())
}

//! The jobs of one namespace, for those that make them.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - What is read here without waiting is what the controller knows.
//! - The controller looks at a job that was made here at once, if it is told of it by [`JobsHandle::learn`].

use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Api;
use tokio::sync::watch;

use crate::{
    api::{OmotesJob, OmotesWorkflow, Reason},
    controller::{
        context::Context,
        execute::{publish_apart, warning},
        state::JobKey,
    },
};

use super::execute;

/// The jobs of one namespace.
pub(crate) struct JobsHandle {
    context: Arc<Context>,
    namespace: String,
    api: Api<OmotesJob>,
}

impl JobsHandle {
    /// The jobs of `namespace`.
    pub(crate) fn new(context: Arc<Context>, namespace: &str) -> Self {
        Self { api: context.clients.jobs_in(namespace), context, namespace: namespace.to_owned() }
    }

    /// Whether all jobs of the namespace are known.
    pub(crate) fn are_listed(&self) -> bool {
        self.context.state.lists.is_complete(&self.namespace)
    }

    /// The workflows that jobs can be of, by typeName; `None` until every list is complete.
    pub(crate) fn workflows(&self) -> Option<Vec<Arc<OmotesWorkflow>>> {
        self.context.state.catalog.accepted(&self.namespace)
    }

    /// Tells of each change of what [`Self::workflows`] may say. Several changes may be told as one.
    pub(crate) fn workflow_changes(&self) -> watch::Receiver<u64> {
        self.context.state.catalog.changes()
    }

    /// The job called `name`, as last seen.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<OmotesJob>> {
        self.context.state.jobs.get(&self.namespace, name)
    }

    /// The job of any namespace whose the `jobId` is.
    pub(crate) fn holder(&self, job_id: &str) -> Option<JobKey> {
        self.context.state.claims.holder(job_id)
    }

    /// Asks the apiserver for the job called `name`, which is there.
    pub(crate) async fn read(&self, name: &str) -> kube::Result<OmotesJob> {
        self.api.get(name).await
    }

    /// Asks the apiserver for the job called `name`.
    pub(crate) async fn look_up(&self, name: &str) -> kube::Result<Option<OmotesJob>> {
        self.api.get_opt(name).await
    }

    /// Stores `job`.
    pub(crate) async fn create(&self, job: &OmotesJob) -> kube::Result<OmotesJob> {
        execute::create(&self.api, job).await
    }

    /// Asks, without storing anything, whether the apiserver would take `job`.
    pub(crate) async fn try_to_create(&self, job: &OmotesJob) -> kube::Result<OmotesJob> {
        execute::try_to_create(&self.api, job).await
    }

    /// Deletes `job`, and no successor of that name.
    pub(crate) async fn delete(&self, job: &OmotesJob) -> kube::Result<()> {
        execute::delete(&self.api, job).await
    }

    /// Takes in a job that was stored here, or has just been read.
    pub(crate) fn learn(&self, job: &Arc<OmotesJob>) {
        self.context.state.learn(job);
    }

    /// Writes an Event, without waiting for it: the caller goes on while the apiserver is away.
    pub(crate) fn warn(&self, reason: Reason, note: &str, action: &str, about: &ObjectReference) {
        let event = warning(reason, note, action);
        publish_apart(event, about.clone(), &self.context.clients.recorder);
    }
}

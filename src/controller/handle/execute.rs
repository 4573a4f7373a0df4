//! Every write to Kubernetes that is made through the handle.
//!
//! Ring: shell.

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
};

use crate::{api::OmotesJob, controller::execute::as_operator};

/// Stores `job`.
pub(super) async fn create(api: &Api<OmotesJob>, job: &OmotesJob) -> kube::Result<OmotesJob> {
    api.create(&as_operator(), job).await
}

/// Has the apiserver judge `job`, and stores nothing.
pub(super) async fn try_to_create(api: &Api<OmotesJob>, job: &OmotesJob) -> kube::Result<OmotesJob> {
    let trial = PostParams { dry_run: true, ..as_operator() };
    api.create(&trial, job).await
}

/// Deletes `job`, and no successor of that name.
pub(super) async fn delete(api: &Api<OmotesJob>, job: &OmotesJob) -> kube::Result<()> {
    let exactly = Preconditions { uid: job.uid(), resource_version: None };
    let how = DeleteParams { preconditions: Some(exactly), ..DeleteParams::default() };
    api.delete(&job.name_any(), &how).await.map(drop)
}

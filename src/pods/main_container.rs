//! Main: the container that decides how a job ends.
//!
//! Ring: core.

use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use kube::ResourceExt;

use crate::api::{OmotesJob, names};

/// The name of main, the container that decides: the one that the annotation
/// `kubectl.kubernetes.io/default-container` of `template` names, else its first. A live pod is not asked: whatever admits
/// pods may add containers and annotations.
#[must_use]
pub fn main_container(template: &PodTemplateSpec) -> String {
    let annotations = template.metadata.as_ref().and_then(|metadata| metadata.annotations.as_ref());
    let named = annotations.and_then(|annotations| annotations.get(names::ANNOTATION_DEFAULT_CONTAINER));
    let mut containers = template.spec.iter().flat_map(|spec| &spec.containers).map(|container| &container.name);
    let first = containers.clone().next();
    containers.find(|name| named == Some(name)).or(first).cloned().unwrap_or_default()
}

/// The name of main in `pod`, which is of `job`. A job whose workflow's revision is lost has no template any more; its pod
/// then still has the annotation that [`super::build()`] wrote.
#[must_use]
pub(crate) fn main_of(job: &OmotesJob, pod: &Pod) -> String {
    let written = || pod.annotations().get(names::ANNOTATION_DEFAULT_CONTAINER).cloned().unwrap_or_default();
    job.spec.template.as_ref().map_or_else(written, main_container)
}

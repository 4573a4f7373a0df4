//! What a pod shows of its courier: by which key it proves itself, and what it can do.
//!
//! Ring: core.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::places::VOLUME_CREDENTIALS;
use crate::{
    api::names,
    wire::{Assignment, Capability},
};

/// Which key of the namespace the courier proves itself by.
pub(super) const KEY_ID: &str = "OMOTES_COURIER_KEY_ID";
/// What its output queue is named after, as it is, in pods of earlier versions.
const CLEAR_CAPABILITY: &str = "OMOTES_COURIER_CAPABILITY";

/// Whether the messages of the courier of `pod` carry a proof: those of earlier versions do not.
#[must_use]
pub fn proves(pod: &Pod) -> bool {
    clear_capability(pod).is_none()
}

/// What the courier of `pod` is known by, where an earlier version wrote that into the pod as it is.
pub(super) fn clear_capability(pod: &Pod) -> Option<Capability> {
    let assignment = pod.annotations().get(names::ANNOTATION_ASSIGNMENT).and_then(|text| Assignment::parse(text));
    match assignment {
        Some(assignment) => Some(assignment.capability).filter(|_| assignment.sealed_capability.is_empty()),
        None => told(pod, CLEAR_CAPABILITY)?.parse().ok(),
    }
}

/// The id of the key that the courier of `pod` proves itself by.
pub(super) fn key_id(pod: &Pod) -> Option<&str> {
    told(pod, KEY_ID)
}

/// What the courier of `pod` finds in its environment under this name.
fn told<'a>(pod: &'a Pod, name: &str) -> Option<&'a str> {
    let containers = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let mut variables = containers
        .filter(|container| container.name == names::CONTAINER_COURIER)
        .flat_map(|courier| courier.env.iter().flatten());
    variables.find(|variable| variable.name == name)?.value.as_deref()
}

/// Whether the courier of `pod` greets the operator: one that was made by an older version does not.
#[must_use]
pub(crate) fn greets(pod: &Pod) -> bool {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.into_iter().any(|volume| volume.name == VOLUME_CREDENTIALS)
}

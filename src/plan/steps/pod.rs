//! The steps that look a job's pod up, stop it, and take it back.
//!
//! Ring: core.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{Resource, ResourceExt};
use serde_json::json;

use crate::{
    api::names,
    plan::{
        facts::{
            observed::{Observed, Sight},
            owner,
            presence::{self, LOOK_UP_PERIOD, Released},
        },
        steps::{Plan, Step},
    },
};

/// Asks the kubelet to stop `pod`; with its own time where none is given, which lets the courier flush.
pub(crate) fn delete(pod: &Pod, grace_seconds: Option<i64>) -> Step {
    Step::DeletePod {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        resource_version: pod.resource_version().unwrap_or_default(),
        grace_seconds: grace_seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
    }
}

/// Between main's end by the node's clock and a stop by the apiserver's: more than the clocks of one cluster differ.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(3);

/// Stops the containers that go on without main, in a later second than main ended in: whether main ended by itself is
/// told from these two times.
#[must_use]
pub(crate) fn stop_others(observed: &Observed, pod: &Pod, finished: Option<Timestamp>) -> Plan {
    // A node's clock that is ahead must not delay it.
    let seen = observed.main_ended.unwrap_or(observed.now);
    let from = finished.map_or(observed.now, |finished| finished.min(seen) + CLOCK_MARGIN);
    match pod.metadata.deletion_timestamp {
        _ if observed.now < from => Plan::wait(from),
        Some(_) => Plan::idle(),
        None => Plan::steps(vec![delete(pod, None)]),
    }
}

/// Looks the pod of the current attempt up, or waits until its creation has come through or failed.
pub(crate) fn look_up(observed: &Observed) -> Plan {
    match &observed.pod {
        Sight::Unreachable => Plan::wait(observed.now + LOOK_UP_PERIOD),
        Sight::Known(_) | Sight::Absent | Sight::Unlisted => {
            Plan::steps(vec![Step::LookUpPod { name: names::pod_of(&observed.job, observed.attempt()) }])
        }
    }
}

/// Looks the pod of the attempt before up, of which nothing is known.
pub(crate) fn look_up_former(observed: &Observed) -> Plan {
    Plan::steps(vec![Step::LookUpPod { name: names::pod_of(&observed.job, observed.attempt() - 1) }])
}

/// Takes the operator's finalizer off the job: no pod of it is held.
pub(crate) fn remove_finalizer(_: Released) -> Step {
    Step::RemoveFinalizer
}

/// When `pod` is looked up again, where the watch does not show what becomes of it.
pub(crate) fn next_look(observed: &Observed, pod: &Pod) -> Option<Timestamp> {
    (!presence::is_listed(pod)).then(|| observed.now + LOOK_UP_PERIOD)
}

/// Writes the owner of `pod` again, where it is lost. Who deletes a job and keeps its pods means it.
pub(crate) fn restore(observed: &Observed, pod: &Pod) -> Option<Plan> {
    if owner::controller(pod).is_some() || observed.deletion().is_some() {
        return None;
    }
    let own = observed.job.controller_owner_ref(&())?;
    let others = pod.owner_references().iter().filter(|owner| owner.uid != own.uid).cloned();
    let owners: Vec<OwnerReference> = others.chain([own.clone()]).collect();
    let patch = json!({"metadata": {"uid": pod.uid(), "ownerReferences": owners}});
    Some(Plan::steps(vec![Step::RestoreOwner { name: pod.name_any(), patch }]))
}

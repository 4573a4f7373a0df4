//! Whose a pod is. Its controller owner says so; where someone removed that reference, the operator's own finalizer and
//! labels do, and the reference is written again.
//!
//! Ring: core. A tool that strips references, or `kubectl delete --cascade=orphan`, ends no program and stops no operator
//! from stopping one.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJob,
        names::{self, JobId},
    },
    plan::facts::pod_state,
    pods::warm::assigned_time,
};

/// The name of the job that `pod` says it is of.
#[must_use]
pub(crate) fn job_name(pod: &Pod) -> Option<&str> {
    match controller(pod) {
        Some(owner) => (owner.kind == "OmotesJob").then_some(&*owner.name),
        None => pod.labels().get(names::LABEL_JOB_NAME).filter(|_| pod_state::is_held(pod)).map(|name| &**name),
    }
}

/// The UID of the job that controls `pod`, where one does.
#[must_use]
pub fn job_uid(pod: &Pod) -> Option<String> {
    controller(pod).filter(|owner| owner.kind == "OmotesJob").map(|owner| owner.uid.clone())
}

/// Whether `pod` is one of `job`'s.
#[must_use]
pub fn is_of(pod: &Pod, job: &OmotesJob) -> bool {
    match controller(pod) {
        Some(owner) => job.metadata.uid.as_ref() == Some(&owner.uid),
        None => is_stray(pod, job),
    }
}

pub(crate) fn controller(pod: &Pod) -> Option<&OwnerReference> {
    pod.owner_references().iter().find(|owner| owner.controller == Some(true))
}

/// Whether `pod` has lost its owner, and was made for `job` or given to it: an earlier job of that name may have left one.
fn is_stray(pod: &Pod, job: &OmotesJob) -> bool {
    let label = |key: &str| pod.labels().get(key).map(String::as_str);
    let is_named = label(names::LABEL_JOB_NAME) == job.metadata.name.as_deref()
        && label(names::LABEL_JOB_ID) == Some(JobId::of(job).as_str());
    let is_younger = pod.metadata.creation_timestamp >= job.metadata.creation_timestamp;
    pod_state::is_held(pod) && is_named && (is_younger || assigned_time(pod).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn job() -> OmotesJob {
        let metadata = json!({"name": "j", "uid": "u", "creationTimestamp": "2026-01-01T00:00:10Z"});
        let spec = json!({"template": {"spec": {"containers": [{"name": "main"}]}}});
        serde_json::from_value(
            json!({"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob", "metadata": metadata, "spec": spec}),
        )
        .unwrap()
    }

    fn pod(change: &Value) -> Pod {
        let mut metadata = json!({
            "name": "j-1",
            "creationTimestamp": "2026-01-01T00:00:11Z",
            "finalizers": [names::FINALIZER_EXIT_RECORDED],
            "labels": {names::LABEL_JOB_NAME: "j", names::LABEL_JOB_ID: "u"},
        });
        metadata.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    fn owner(uid: &str, is_controller: bool) -> Value {
        json!({"ownerReferences": [{"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob", "name": "j", "uid": uid, "controller": is_controller}]})
    }

    #[test]
    fn a_pod_is_its_controllers_else_that_of_its_finalizer_and_labels() {
        for (change, expected) in [
            (owner("u", true), true),
            (owner("another", true), false),
            (owner("u", false), true),
            (json!({}), true),
            (json!({"finalizers": []}), false),
            (json!({"labels": {names::LABEL_JOB_NAME: "j"}}), false),
            (json!({"labels": {names::LABEL_JOB_NAME: "other", names::LABEL_JOB_ID: "u"}}), false),
            // An earlier job's of the same name and jobId.
            (json!({"creationTimestamp": "2026-01-01T00:00:09Z"}), false),
        ] {
            assert_eq!(is_of(&pod(&change), &job()), expected, "{change}");
        }
        assert_eq!(job_name(&pod(&owner("u", true))), Some("j"));
        assert_eq!((job_name(&pod(&json!({}))), job_name(&pod(&json!({"finalizers": []})))), (Some("j"), None));
    }
}

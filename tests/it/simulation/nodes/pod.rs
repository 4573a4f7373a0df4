//! What is read of a pod's object.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use omotes_operator::testing::api::names;
use serde_json::Value;

/// A pod's own time to end, where it names none.
const GRACE_SECONDS: u64 = 30;

/// A pod's object, as its kubelet saw it last.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub pod: Arc<Pod>,
    pub is_gone: bool,
}

impl Seen {
    /// Whether the kubelet is to end the pod.
    pub(super) fn is_deleted(&self) -> bool {
        self.is_gone || self.pod.metadata.deletion_timestamp.is_some()
    }

    /// How many seconds the containers of a pod have to end. As a kubelet has it: zero is that of one which was forced off, and
    /// then its own time holds.
    pub(super) fn grace_seconds(&self, of_kubelet: Option<u64>) -> u64 {
        let asked = self.pod.metadata.deletion_grace_period_seconds.and_then(count);
        let own = self.pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds).and_then(count);
        let asked = asked.into_iter().chain(of_kubelet).filter(|seconds| *seconds > 0).min();
        asked.or(own).unwrap_or(GRACE_SECONDS)
    }

    /// How many seconds the pod may be active.
    pub(super) fn active_seconds(&self) -> Option<u64> {
        self.pod.spec.as_ref()?.active_deadline_seconds.and_then(count)
    }
}

fn count(seconds: i64) -> Option<u64> {
    u64::try_from(seconds).ok()
}

/// The name of the pod's main container.
pub(super) fn main(pod: &Pod) -> String {
    let named = pod.annotations().get(names::ANNOTATION_DEFAULT_CONTAINER).cloned();
    let first = || pod.spec.as_ref()?.containers.first().map(|container| container.name.clone());
    named.or_else(first).unwrap_or_default()
}

/// Whether the pod waits for a job.
pub(super) fn is_warm(pod: &Pod) -> bool {
    pod.labels().contains_key(names::LABEL_WARM_POOL)
}

/// A text in the metadata of a stored object.
pub(super) fn metadata<'a>(pod: &'a Value, field: &str) -> &'a str {
    pod["metadata"][field].as_str().unwrap_or_default()
}

/// The node of a stored pod; empty where it has none.
pub(super) fn node(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or_default()
}

/// Whether a stored pod's kubelet has said its last word.
pub(super) fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

pub(super) fn is_deleting(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_string()
}

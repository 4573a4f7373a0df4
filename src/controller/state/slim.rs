//! What the caches leave out of an object, so that their memory does not grow with the jobs' inputs.
//!
//! Ring: shell. An ESDL that stands in its job is needed once, when the job gets a pod: it is read again for that.

use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    plan::facts::admission::MAX_INLINE_BYTES,
};

/// A shorter ESDL is kept: reading it again would cost more.
const KEPT_BYTES: usize = 4 * 1024;

/// What a cache can make smaller.
pub(crate) trait Slim {
    /// Drops what nothing but the making of a pod needs.
    fn slim(&mut self) {}
}

impl Slim for OmotesWorkflow {}
impl Slim for ControllerRevision {}

impl Slim for OmotesJob {
    fn slim(&mut self) {
        let has_ended = self.has_ended();
        let Some(esdl) = inline_of(self) else { return };
        // One that is too large is kept until its job was refused for that.
        if esdl.len() > KEPT_BYTES && (esdl.len() <= MAX_INLINE_BYTES || has_ended) {
            *esdl = String::new();
        }
    }
}

impl Slim for Pod {
    fn slim(&mut self) {
        if let Some(annotations) = &mut self.metadata.annotations {
            annotations.remove(names::ANNOTATION_INPUT_ESDL);
        }
    }
}

/// The ESDL that stands in `job`.
pub(crate) fn inline_of(job: &mut OmotesJob) -> Option<&mut String> {
    job.spec.input.as_mut()?.esdl.as_mut()?.inline.as_mut()
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;

    fn job(bytes: usize, phase: &str) -> OmotesJob {
        let spec = json!({"template": {"spec": {"containers": []}}, "input": {"esdl": {"inline": "x".repeat(bytes)}}});
        let job = json!({"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob", "metadata": {"name": "job"},
            "spec": spec, "status": {"phase": phase}});
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn an_esdl_is_left_out_where_it_is_long_and_no_fault() {
        for (bytes, phase, left) in [
            (KEPT_BYTES, "Running", KEPT_BYTES),
            (KEPT_BYTES + 1, "Pending", 0),
            (MAX_INLINE_BYTES, "Running", 0),
            (MAX_INLINE_BYTES + 1, "Pending", MAX_INLINE_BYTES + 1),
            (MAX_INLINE_BYTES + 1, "Failed", 0),
        ] {
            let mut job = job(bytes, phase);
            job.slim();
            assert_eq!(inline_of(&mut job).unwrap().len(), left, "{bytes} {phase}");
        }
    }

    #[test]
    fn a_pod_is_kept_without_the_esdl_alone() {
        let annotations = json!({names::ANNOTATION_INPUT_ESDL: "<esdl/>", names::ANNOTATION_JOB: "{}"});
        let mut pod: Pod = serde_json::from_value(json!({"metadata": {"annotations": annotations}})).unwrap();
        pod.slim();
        assert_eq!(pod.annotations().keys().collect::<Vec<_>>(), [names::ANNOTATION_JOB]);
    }
}

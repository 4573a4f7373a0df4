//! What an accepted job keeps of its workflow: a revision, and the job as it is with it.
//!
//! Ring: core. A revision is a `ControllerRevision` whose name tells its content, so that making it twice is making it
//! once, and a workflow that was removed and made again is what it was. It has no owner: it must outlive its workflow for
//! as long as a job pins it, and the operator removes it then.

use k8s_openapi::{api::apps::v1::ControllerRevision, apimachinery::pkg::runtime::RawExtension};
use kube::{ResourceExt, api::ObjectMeta};
use serde_json::{Map, Value};

use crate::{
    api::{OmotesJob, OmotesJobSpec, OmotesWorkflow, OmotesWorkflowSpec, names, workflow::JobDefaults},
    wire::Digest,
};

use super::parameters;

/// How much of the checksum the name has: enough for the generations of one workflow.
const DIGITS: usize = 10;

/// A workflow as it was when jobs were accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The name of the `ControllerRevision`.
    pub name: String,
    /// The workflow's metadata.name.
    pub workflow: String,
    /// The generation of the workflow that it was first made from.
    pub generation: i64,
    /// The workflow's spec.
    pub spec: OmotesWorkflowSpec,
}

impl Revision {
    /// What a job gets that is accepted by `workflow` as it is now. A suspension is no part of it, and neither is the size
    /// of the warm pool: they are of the moment.
    #[must_use]
    pub fn of(workflow: &OmotesWorkflow) -> Self {
        let spec = OmotesWorkflowSpec { suspend: false, warm_pool: None, ..workflow.spec.clone() };
        let digest = Digest::of(serde_json::to_string(&data(&spec)).unwrap_or_default().as_bytes()).to_string();
        Self {
            name: format!("{}-{}", workflow.name_any(), &digest[..DIGITS]),
            workflow: workflow.name_any(),
            generation: workflow.metadata.generation.unwrap_or(1),
            spec,
        }
    }

    /// What `stored` holds; `None` where that is not a revision of a workflow.
    #[must_use]
    pub fn read(stored: &ControllerRevision) -> Option<Self> {
        Some(Self {
            name: stored.name_any(),
            workflow: stored.labels().get(names::LABEL_WORKFLOW)?.clone(),
            generation: stored.revision.unwrap_or(1),
            spec: serde_json::from_value(stored.data.0.clone()).ok()?,
        })
    }

    /// The object that holds it, in the namespace of its workflow.
    #[must_use]
    pub(crate) fn to_object(&self, namespace: &str) -> ControllerRevision {
        let labels = [(names::LABEL_MANAGED_BY, names::OPERATOR), (names::LABEL_WORKFLOW, self.workflow.as_str())];
        ControllerRevision {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(namespace.to_owned()),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                ..ObjectMeta::default()
            },
            data: RawExtension(data(&self.spec)),
            revision: Some(self.generation),
        }
    }

    /// `job` with what it leaves out and its workflow says. Only the spec is filled in, and it is never written.
    #[must_use]
    pub fn complete(&self, mut job: OmotesJob) -> OmotesJob {
        let JobDefaults {
            expected_duration,
            max_run_seconds,
            start_deadline_seconds,
            heartbeat,
            backoff_limit,
            retry,
            pod_failure_policy,
            exit_codes,
            courier,
        } = self.spec.job_defaults.clone();
        let spec = &mut job.spec;
        spec.template = Some(self.spec.template.clone());
        spec.expected_duration = spec.expected_duration.take().or(expected_duration);
        spec.max_run_seconds = spec.max_run_seconds.or(max_run_seconds).or(self.spec.job_maxima.max_run_seconds);
        spec.start_deadline_seconds = spec.start_deadline_seconds.or(start_deadline_seconds);
        spec.backoff_limit = spec.backoff_limit.or(backoff_limit);
        spec.retry = spec.retry.take().or(retry);
        spec.pod_failure_policy = spec.pod_failure_policy.take().or(pod_failure_policy);
        spec.exit_codes = spec.exit_codes.take().or(exit_codes);
        spec.courier = spec.courier.take().or(courier);
        // A job that turned the courier off wants no heartbeat.
        let heard = spec.courier().enabled;
        spec.heartbeat = spec.heartbeat.take().or(heartbeat.filter(|_| heard));
        self.complete_parameters(spec);
        job
    }

    /// Parameters that are refused stay as they are: `plan::facts::admission` says why.
    fn complete_parameters(&self, spec: &mut OmotesJobSpec) {
        let given = spec.input.as_ref().and_then(|input| input.parameters.clone()).unwrap_or_default();
        if let Ok(complete) = parameters::check(&given, &self.spec)
            && !complete.is_empty()
        {
            spec.input.get_or_insert_default().parameters = Some(complete);
        }
    }
}

fn data(spec: &OmotesWorkflowSpec) -> Value {
    serde_json::to_value(spec).unwrap_or_else(|_| Value::Object(Map::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workflow(patch: Value) -> OmotesWorkflow {
        let mut spec = json!({
            "typeName": "heat",
            "template": {"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": 2}}}]}},
            "parameters": [{"keyName": "n", "integer": {"default": 3}}],
            "jobDefaults": {"backoffLimit": 2, "heartbeat": {"timeoutSeconds": 60}, "exitCodes": {"softAborted": 9}},
            "jobMaxima": {"maxRunSeconds": 100},
        });
        spec.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let metadata = json!({"name": "heat", "namespace": "ns", "generation": 4});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    fn job(spec: Value) -> OmotesJob {
        let mut full = json!({"workflowRef": {"name": "heat"}});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(json!({"metadata": {"name": "a"}, "spec": full})).unwrap()
    }

    #[test]
    fn the_name_tells_the_content_and_nothing_else() {
        let revision = Revision::of(&workflow(json!({})));
        let mut later = workflow(json!({"suspend": true}));
        later.metadata.generation = Some(5);
        assert_eq!(Revision::of(&later).name, revision.name, "a suspension is of the moment");
        for patch in [json!({"description": "x"}), json!({"maxConcurrentJobs": 3}), json!({"parameters": []})] {
            assert_ne!(Revision::of(&workflow(patch)).name, revision.name);
        }
        let read = Revision::read(&revision.to_object("ns")).unwrap();
        assert_eq!((read, revision.name.len()), (revision, "heat-".len() + DIGITS));
    }

    #[test]
    fn a_job_has_its_own_word_then_its_workflows() {
        let revision = Revision::of(&workflow(json!({})));
        let inherited = revision.complete(job(json!({}))).spec;
        assert_eq!((inherited.max_run_seconds, inherited.backoff_limit), (Some(100), Some(2)));
        assert_eq!((inherited.exit_codes().soft_aborted, inherited.heartbeat.unwrap().timeout_seconds), (9, 60));
        assert_eq!(inherited.input.unwrap().parameters.unwrap()["n"], json!(3));
        assert_eq!(inherited.template, Some(revision.spec.template.clone()));
        let own = json!({"maxRunSeconds": 7, "backoffLimit": 0, "courier": {"enabled": false}, "input": {"parameters": {"n": 5}}});
        let own = revision.complete(job(own)).spec;
        assert_eq!((own.max_run_seconds, own.backoff_limit, own.heartbeat), (Some(7), Some(0), None));
        assert_eq!(own.input.unwrap().parameters.unwrap()["n"], json!(5));
        let refused = revision.complete(job(json!({"input": {"parameters": {"m": 5}}}))).spec;
        assert_eq!(refused.input.unwrap().parameters.unwrap(), *json!({"m": 5}).as_object().unwrap());
    }

    #[test]
    fn completing_twice_is_completing_once() {
        let revision = Revision::of(&workflow(json!({"jobDefaults": {"maxRunSeconds": 50}})));
        let once = revision.complete(job(json!({})));
        assert_eq!(revision.complete(once.clone()), once);
    }
}

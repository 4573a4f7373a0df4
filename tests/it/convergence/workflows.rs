//! The model's workflow, its revisions and its seats.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use omotes_operator::testing::{
    api::{OmotesJob, OmotesWorkflow, names},
    plan::{Settings, facts::observed::WorkflowSight},
    workflow::{Revision, pool, seats::Seat},
};
use serde_json::{Value, json};

use super::world::GRACE;

/// What makes a job of the model one of its workflow.
pub(crate) fn referring() -> Value {
    json!({"template": null, "workflowRef": {"name": "workflow"}})
}

#[derive(Clone)]
pub(crate) struct Workflows {
    pub there: bool,
    /// What a job gets that asks for a seat.
    pub free: Seat,
    /// What it got.
    pub seat: Seat,
    /// The pool that the workflow shares now …
    pub pool: Option<&'static str>,
    /// … and shared when the job asked last.
    pub slot_pool: Option<String>,
    generation: i64,
    revisions: BTreeMap<String, Arc<Revision>>,
}

impl Workflows {
    pub(crate) fn new() -> Self {
        let mut workflows = Self {
            there: true,
            free: Seat::Taken,
            seat: Seat::Unknown,
            pool: None,
            slot_pool: None,
            generation: 0,
            revisions: BTreeMap::new(),
        };
        workflows.edit();
        workflows
    }

    /// Each generation has another image.
    pub(crate) fn edit(&mut self) {
        self.generation += 1;
        let revision = self.current();
        self.revisions.insert(revision.name.clone(), Arc::new(revision));
    }

    /// Its program waits for its input, so that a warm pod does for a job whose courier brings that.
    fn workflow(&self) -> OmotesWorkflow {
        let container = json!({"name": "main", "image": format!("v{}", self.generation)});
        let annotations = json!({names::ANNOTATION_WARM: names::WAIT_FOR_INPUT});
        let spec = json!({"containers": [container], "terminationGracePeriodSeconds": GRACE});
        serde_json::from_value(json!({
            "metadata": {"name": "workflow", "namespace": "ns", "uid": "workflow", "generation": self.generation},
            "spec": {"typeName": "model", "template": {"metadata": {"annotations": annotations}, "spec": spec}},
        }))
        .unwrap()
    }

    fn current(&self) -> Revision {
        Revision::of(&self.workflow())
    }

    /// A pod of the pool as it is now.
    pub(crate) fn warm_pod(&self, settings: &Settings) -> Pod {
        let workflow = self.workflow();
        pool::form(&workflow, settings).unwrap().to_pod(&workflow)
    }

    pub(crate) fn sight(&self, job: &OmotesJob) -> WorkflowSight {
        let pinned = job.status.as_ref().and_then(|status| status.workflow_revision.as_ref());
        match (&job.spec.workflow_ref, pinned) {
            (None, _) => WorkflowSight::None,
            (Some(_), Some(name)) => WorkflowSight::Pinned(Arc::clone(&self.revisions[name])),
            (Some(_), None) if self.there => WorkflowSight::Current(Arc::new(self.current())),
            (Some(_), None) => WorkflowSight::Missing,
        }
    }

    /// Whether a revision has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.revisions.contains_key(name)
    }

    pub(crate) fn ask(&mut self) {
        (self.seat, self.slot_pool) = (self.free, self.pool.map(str::to_owned));
    }

    /// A pod is made only with a seat, and of what the job was accepted with.
    pub(crate) fn check(&self, job: &OmotesJob, pod: &Pod) {
        let Some(_) = &job.spec.workflow_ref else { return };
        assert_eq!(self.seat, Seat::Taken, "a pod without a seat");
        let shown = pod.labels().get(names::LABEL_SLOT_POOL);
        assert_eq!(shown, self.slot_pool.as_ref(), "the pod does not show which slot it has");
        let pinned = job.status.as_ref().and_then(|status| status.workflow_revision.clone()).unwrap();
        let meant = self.revisions[&pinned].spec.template.spec.clone().unwrap().containers[0].image.clone();
        let containers = &pod.spec.as_ref().unwrap().containers;
        assert_eq!(containers[0].image, meant, "an accepted job became another");
        let env = containers[0].env.clone().unwrap_or_default();
        assert!(env.iter().any(|known| known.name == "OMOTES_WORKFLOW" && known.value.as_deref() == Some("model")));
    }
}

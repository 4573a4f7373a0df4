//! Slots that workflows share: one solver licence serves three types of job.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use omotes_operator::testing::api::{OmotesJob, OmotesWorkflow, SlotsStatus, names};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, job, merged, pod_spec},
    operator::Operator,
    until,
};

/// Works until it is told to stop.
const WORKS: &str = "trap 'exit 10' TERM; sleep 3600 & while :; do wait; done";
/// The same once its input is there.
const WAITS_FOR_INPUT: &str = "trap 'exit 10' TERM; until [ -e /omotes/input/input.esdl ]; do sleep 0.1; done; \
    sleep 3600 & while :; do wait; done";

/// A namespace with workflows that share slots.
struct Shared {
    space: Space,
    workflows: Api<OmotesWorkflow>,
}

impl Shared {
    async fn new(test: &str) -> Self {
        let space = Space::new(test).await;
        let workflows = Api::namespaced(space.client.clone(), &space.name);
        Self { space, workflows }
    }

    /// Makes a workflow called `name` whose jobs run until they are aborted.
    async fn offer(&self, name: &str, patch: &Value) {
        let template = json!({"spec": pod_spec(WORKS)});
        let spec = json!({"typeName": name, "template": template, "jobDefaults": {"courier": {"enabled": false}}});
        let manifest = json!({"metadata": {"name": name}, "spec": merged(spec, patch)});
        self.workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
    }

    async fn edit(&self, name: &str, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.workflows.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn submit(&self, name: &str, workflow: &str, priority: &str) {
        let spec = json!({"workflowRef": {"name": workflow}, "priority": priority});
        self.space.create(&job(name, &spec)).await;
    }

    async fn stop(&self, name: &str) {
        self.space.change(name, &json!({"abort": {"mode": "Immediate"}})).await;
        self.space.ended(name).await;
    }

    /// Waits until the job waits in these words.
    async fn waits(&self, name: &str, words: &str) {
        self.space
            .wait(name, words, |job: &OmotesJob| {
                let said = job.status.iter().flat_map(|status| &status.conditions);
                let mut said = said.filter(|known| known.type_ == "Reconciling" && known.status == "True");
                said.any(|known| known.message.contains(words))
            })
            .await;
    }

    /// Waits until the workflow shows that its pool is used so: max, in use, waiting.
    async fn shows(&self, name: &str, pool: &str, [max, in_use, waiting]: [i32; 3]) -> OmotesWorkflow {
        let expected = SlotsStatus { pool: pool.to_owned(), max, in_use, waiting };
        self.says(name, &format!("{expected:?}"), |workflow| {
            workflow.status.as_ref().is_some_and(|status| status.slots.as_ref() == Some(&expected))
        })
        .await
    }

    async fn says(&self, name: &str, what: &str, wanted: impl Fn(&OmotesWorkflow) -> bool) -> OmotesWorkflow {
        until(&format!("{}/{name}: {what}", self.space.name), PATIENCE, || async {
            let workflow = self.workflows.get(name).await.unwrap();
            if wanted(&workflow) { Ok(workflow) } else { Err(serde_json::to_string(&workflow.status).unwrap()) }
        })
        .await
    }

    /// The jobs that have a pod which has not ended, in the order of their names.
    async fn run(&self) -> Vec<String> {
        let pods = self.space.pods.list(&ListParams::default()).await.unwrap().items;
        let lives = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            !matches!(phase, Some("Succeeded" | "Failed"))
        };
        let mut jobs: Vec<String> = pods
            .iter()
            .filter(|pod| lives(pod))
            .filter_map(|pod| pod.labels().get(names::LABEL_JOB_NAME))
            .cloned()
            .collect();
        jobs.sort();
        jobs
    }

    async fn leave_nothing(self) {
        for job in self.space.jobs.list(&ListParams::default()).await.unwrap() {
            self.space.delete(&job.name_any()).await;
        }
        for workflow in self.workflows.list(&ListParams::default()).await.unwrap() {
            self.workflows.delete(&workflow.name_any(), &DeleteParams::default()).await.unwrap();
        }
        self.space.empty().await;
        self.space.remove().await;
    }
}

fn slots(pool: &str, max: i32) -> Value {
    json!({"slots": {"pool": pool, "max": max}})
}

/// One licence, three workflows: priority and age decide over all of them, and every workflow shows how the pool is used.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn workflows_of_a_pool_take_turns() {
    let shared = Shared::new("slot-turns").await;
    for workflow in ["a", "b", "c"] {
        shared.offer(workflow, &slots("solver", 1)).await;
    }
    shared.submit("first", "a", "Low").await;
    shared.space.running("first").await;
    let pod = shared.space.pods.get("first-1").await.unwrap();
    assert_eq!(pod.labels().get(names::LABEL_SLOT_POOL).map(String::as_str), Some("solver"));
    for (name, workflow, priority) in [("low", "a", "Low"), ("medium", "b", "Medium"), ("high", "c", "High")] {
        shared.submit(name, workflow, priority).await;
        shared.waits(name, "every slot of pool solver is taken; this one is next").await;
    }
    shared.waits("low", "every slot of pool solver is taken; 2 jobs wait before this one").await;
    for workflow in ["a", "b", "c"] {
        let workflow = shared.shows(workflow, "solver", [1, 1, 3]).await;
        let conditions = workflow.status.unwrap().conditions;
        assert!(conditions.iter().any(|known| known.type_ == "SlotsConsistent" && known.status == "True"));
    }
    let operator = Operator::settled().await;
    let metrics = operator.metrics(&operator.leader().await).await;
    let waiting = format!("omotes_slots{{namespace=\"{}\",pool=\"solver\",state=\"waiting\"}} 3", shared.space.name);
    assert!(metrics.contains(&waiting), "{metrics}");
    let mut former = "first";
    for next in ["high", "medium", "low"] {
        assert_eq!(shared.run().await, [former]);
        shared.stop(former).await;
        shared.space.running(next).await;
        former = next;
    }
    shared.stop("low").await;
    shared.shows("b", "solver", [1, 0, 0]).await;
    shared.leave_nothing().await;
}

/// A job that waits for its own workflow – its seats, its suspension – has the pool's slot free for others.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_that_waits_for_its_own_workflow_holds_up_no_other() {
    let shared = Shared::new("slot-heads").await;
    shared.offer("a", &merged(slots("solver", 2), &json!({"maxConcurrentJobs": 1}))).await;
    shared.offer("b", &slots("solver", 2)).await;
    shared.submit("a-runs", "a", "High").await;
    shared.space.running("a-runs").await;
    shared.submit("a-waits", "a", "High").await;
    shared.waits("a-waits", "every seat of OmotesWorkflow a is taken; this one is next").await;
    shared.submit("b-runs", "b", "Low").await;
    shared.space.running("b-runs").await;
    shared.submit("b-waits", "b", "Low").await;
    shared.waits("b-waits", "every slot of pool solver is taken").await;
    shared.edit("a", json!({"suspend": true})).await;
    shared.waits("a-waits", "the job's workflow is suspended").await;
    shared.stop("a-runs").await;
    shared.space.running("b-waits").await;
    shared.shows("b", "solver", [2, 2, 0]).await;
    shared.edit("a", json!({"suspend": false})).await;
    shared.waits("a-waits", "every slot of pool solver is taken; this one is next").await;
    shared.stop("b-runs").await;
    shared.space.running("a-waits").await;
    shared.leave_nothing().await;
}

/// The pool's max is changed in one workflow after the other, the pool is renamed, a workflow is removed: what runs counts on.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_pool_changes_while_its_jobs_run() {
    let shared = Shared::new("slot-changes").await;
    shared.offer("a", &slots("solver", 1)).await;
    shared.offer("b", &slots("solver", 1)).await;
    shared.submit("a-1", "a", "Medium").await;
    shared.space.running("a-1").await;
    shared.submit("b-1", "b", "Medium").await;
    shared.waits("b-1", "every slot of pool solver is taken").await;
    shared.edit("a", slots("solver", 2)).await;
    let says = |reason: &'static str| {
        move |workflow: &OmotesWorkflow| {
            let mut said = workflow.status.iter().flat_map(|status| &status.conditions);
            said.any(|known| known.type_ == "SlotsConsistent" && known.reason == reason)
        }
    };
    for workflow in ["a", "b"] {
        shared.says(workflow, "MaxDiffers", says("MaxDiffers")).await;
    }
    assert_eq!(shared.run().await, ["a-1"], "the lowest holds");
    shared.edit("b", slots("solver", 2)).await;
    shared.space.running("b-1").await;
    shared.says("a", "Agreed", says("Agreed")).await;
    shared.edit("a", slots("solver", 1)).await;
    shared.shows("b", "solver", [1, 2, 0]).await;
    assert_eq!(shared.run().await, ["a-1", "b-1"], "lowered, it stops no job");
    shared.edit("a", slots("renamed", 2)).await;
    shared.edit("b", slots("renamed", 2)).await;
    shared.shows("b", "renamed", [2, 2, 0]).await;
    shared.submit("b-2", "b", "Medium").await;
    shared.waits("b-2", "every slot of pool renamed is taken").await;
    shared.edit("b", slots("solver", 1)).await;
    shared.waits("b-2", "every slot of pool solver is taken").await;
    shared.workflows.delete("a", &DeleteParams::default()).await.unwrap();
    shared.stop("b-1").await;
    shared.shows("b", "solver", [1, 1, 1]).await;
    assert_eq!(shared.run().await, ["a-1"], "its workflow is gone, and it has the slot that it was started with");
    shared.stop("a-1").await;
    shared.space.running("b-2").await;
    shared.leave_nothing().await;
}

/// A pod that waits for a job has no slot; it has one with its job, and shows it.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_warm_pod_has_a_slot_with_its_job() {
    let shared = Shared::new("slot-warm").await;
    let annotations = json!({"metadata": {"annotations": {names::ANNOTATION_WARM: names::WAIT_FOR_INPUT}}});
    let template = merged(annotations, &json!({"spec": pod_spec(WAITS_FOR_INPUT)}));
    let warm = json!({"warmPool": {"size": 1}, "template": template, "jobDefaults": {"courier": {"enabled": true, "flushSeconds": 5}}});
    shared.offer("a", &merged(slots("solver", 1), &warm)).await;
    shared.offer("b", &slots("solver", 1)).await;
    let ready = |workflow: &OmotesWorkflow| workflow.status.as_ref().is_some_and(|status| status.ready_warm_pods == 1);
    shared.says("a", "a pod waits for a job", ready).await;
    shared.submit("b-1", "b", "Medium").await;
    shared.space.running("b-1").await;
    let spec = json!({"workflowRef": {"name": "a"}, "input": {"esdl": {"inline": "<esdl/>"}}});
    shared.space.create(&job("a-1", &spec)).await;
    shared.waits("a-1", "every slot of pool solver is taken").await;
    shared.stop("b-1").await;
    let run = shared.space.running("a-1").await;
    let pod = run.status.unwrap().pod_name.unwrap();
    assert!(pod.starts_with("a-warm-"), "{pod}");
    let pod = shared.space.pods.get(&pod).await.unwrap();
    assert_eq!(pod.labels().get(names::LABEL_SLOT_POOL).map(String::as_str), Some("solver"));
    shared.shows("a", "solver", [1, 1, 0]).await;
    shared.stop("a-1").await;
    shared.leave_nothing().await;
}

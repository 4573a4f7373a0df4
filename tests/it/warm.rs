//! Pods that wait for a job, on the real kubelet: what a client gains, and that each runs one job and none is left.

mod bursts;

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use omotes_operator::testing::{
    api::{
        OmotesWorkflow, names,
        status::Phase::{self, Failed},
    },
    pods::warm::{Readiness, readiness},
    wire::{
        JobStatus::{Cancelled, Enqueued, Registered, Running},
        ResultType,
    },
};
use serde_json::{Value, json};

use crate::support::{
    attacker::namespace_key,
    bed::{PATIENCE, cause, merged, message, phase, pod_spec, variable, verdict},
    broker as rabbit,
    client::{Heard, Listener},
    sdk::{Offer, Sdk},
    until,
};

const AFTERWARDS: Duration = Duration::from_secs(2);
/// A program that waits for its input and gives it back.
const ECHO: &str = "trap 'exit 10' TERM; until [ -e /omotes/input/input.esdl ]; do sleep 0.2; done; \
    [ -s /omotes/input/job.json ] && [ -s /omotes/input/parameters.json ] || exit 7; \
    [ -z \"$OMOTES_JOB_ID\" ] || exit 8; \
    cp /omotes/input/input.esdl /omotes/output/output.esdl";
/// One that waits for its input and works until it is told to stop.
const WORKS: &str = "trap 'exit 10' TERM; until [ -e /omotes/input/input.esdl ]; do sleep 0.2; done; \
    echo '{\"progress\": 0.5}' >> /omotes/progress; sleep 3600 & while :; do wait; done";

fn warm(script: &str, size: i32) -> Value {
    let template =
        json!({"metadata": {"annotations": {names::ANNOTATION_WARM: names::WAIT_FOR_INPUT}}, "spec": pod_spec(script)});
    json!({"warmPool": {"size": size}, "template": template})
}

impl Offer {
    async fn warm(test: &str, script: &str, size: i32, patch: &Value) -> Self {
        Self::of(test, script, &merged(warm(script, size), patch)).await
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.jobs.clone().into_client(), &variable("OMOTES_JOB_NAMESPACE"))
    }

    async fn waiting(&self) -> Vec<Pod> {
        let selector = format!("{}={}", names::LABEL_WARM_POOL, self.type_name);
        let pods = self.pods().list(&ListParams::default().labels(&selector)).await.unwrap().items;
        pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect()
    }

    /// Waits until the workflow says so of its pool.
    async fn pool_is(&self, expected: &str) -> OmotesWorkflow {
        until(&format!("the warm pool of {} is {expected}", self.type_name), PATIENCE, || async {
            let workflow = self.workflows.get(&self.type_name).await.unwrap();
            let status = workflow.status.clone().unwrap_or_default();
            let said = status.conditions.iter().find(|known| known.type_ == "WarmPoolReady");
            let said = said.map(|known| format!("{} {}: {}", known.status, known.reason, known.message));
            let current = workflow.metadata.generation == status.observed_generation;
            match said.filter(|said| current && said.starts_with(expected)) {
                Some(_) => Ok(workflow),
                None => Err(serde_json::to_string(&status).unwrap()),
            }
        })
        .await
    }

    /// Waits until so many pods are there for the next jobs.
    async fn stand_ready(&self, count: usize) {
        until(&format!("{count} pods of {} stand ready", self.type_name), PATIENCE, || async {
            let ready = self.waiting().await.iter().filter(|pod| readiness(pod, "main") == Readiness::Ready).count();
            if ready == count { Ok(()) } else { Err(format!("{ready} of them")) }
        })
        .await;
    }

    async fn edit(&self, spec: Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.workflows.patch(&self.type_name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn pod_of(&self, uuid: &str) -> Pod {
        let job = self.jobs.get(uuid).await.unwrap();
        self.pods().get(&job.status.unwrap().pod_name.unwrap()).await.unwrap()
    }

    /// Removes the workflow and its jobs, and waits until no pod of them is left.
    async fn vanish(self) {
        let (pods, selector) = (self.pods(), format!("{}={}", names::LABEL_WORKFLOW, self.type_name));
        self.remove().await;
        until("every pod of the workflow is gone", PATIENCE, || async {
            let left = pods.list(&ListParams::default().labels(&selector)).await.unwrap().items;
            if left.is_empty() { Ok(()) } else { Err(format!("{} pods", left.len())) }
        })
        .await;
    }
}

impl Listener {
    /// Waits until the client hears that its job runs.
    async fn runs(&mut self) {
        while !self.statuses().contains(&Running) {
            self.first(PATIENCE).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_pod_that_waits_runs_one_job_at_once() {
    let offer = Offer::warm("warm-once", ECHO, 2, &json!({})).await;
    offer.pool_is("True Ready: 2 of 2").await;
    let sdk = Sdk::start().await;
    let mut names_seen = Vec::new();
    for _ in 0..3 {
        let asked = Instant::now();
        let (uuid, mut listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
        listener.runs().await;
        let ran = asked.elapsed();
        let pod = offer.pod_of(&uuid).await;
        listener.listen(PATIENCE, Duration::ZERO).await;
        println!("RUNNING after {ran:.0?}, the result after {:.0?}", asked.elapsed());
        assert_eq!(listener.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
        assert_eq!(listener.statuses(), [Registered, Enqueued, Running]);
        assert!(pod.name_any().contains("-warm-"), "{}", pod.name_any());
        assert!(!pod.labels().contains_key(names::LABEL_WARM_POOL) && pod.labels()[names::LABEL_JOB_ID] == uuid);
        // The client reads the result before the broker's confirm has reached the operator.
        let job = ended(&offer, &uuid).await;
        assert_eq!(verdict(&job, "ResultPublished"), "True Confirmed");
        let started = job.status.clone().unwrap().start_time.unwrap();
        assert!(started >= job.creation_timestamp().unwrap(), "its time counts from its assignment");
        names_seen.push(pod.name_any());
        offer.stand_ready(2).await;
    }
    names_seen.dedup();
    assert_eq!(names_seen.len(), 3, "each runs one job");
    offer.vanish().await;
}

/// A job gets no pod that differs from its own: without one that fits it gets its own at once.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_that_no_waiting_pod_fits_gets_its_own() {
    let offer = Offer::warm("warm-misfit", ECHO, 1, &json!({})).await;
    offer.pool_is("True Ready").await;
    let before = offer.waiting().await[0].name_any();
    let codes = json!({"exitCodes": {"softAborted": 12}, "input": {"esdl": {"inline": "<esdl/>"}}});
    let own = json!({"workflowRef": {"name": offer.type_name}, "queues": {"expireAfterSeconds": 900}});
    let name = format!("{}-own", offer.type_name);
    let job = crate::support::bed::job(&name, &merged(own.clone(), &codes));
    offer.jobs.create(&kube::api::PostParams::default(), &job).await.unwrap();
    // Its program reads that it has an id, and that is not what a warm pod's does.
    let ended = ended(&offer, &name).await;
    assert_eq!(ended.status.clone().unwrap().pod_name, Some(format!("{name}-1")));
    assert_eq!((phase(&ended), ended.status.unwrap().termination.unwrap().exit_code), (Some(Failed), Some(8)));
    assert_eq!(offer.waiting().await[0].name_any(), before, "the pod waits on");
    let name = format!("{}-inline", offer.type_name);
    // The operator keeps none so long in memory.
    let esdl = format!("<esdl about='{}'/>", "x".repeat(100_000));
    let job = crate::support::bed::job(&name, &merged(own, &json!({"input": {"esdl": {"inline": esdl}}})));
    offer.jobs.create(&kube::api::PostParams::default(), &job).await.unwrap();
    let ended = self::ended(&offer, &name).await;
    assert_eq!(
        (cause(&ended), ended.status.unwrap().pod_name),
        ("Completed", Some(before)),
        "an inline input is brought"
    );
    offer.vanish().await;
}

async fn ended(offer: &Offer, name: &str) -> omotes_operator::testing::api::OmotesJob {
    until(&format!("{name} has ended"), PATIENCE, || async {
        let job = offer.jobs.get(name).await.unwrap();
        if phase(&job).is_some_and(Phase::is_terminal) {
            return Ok(job);
        }
        Err(serde_json::to_string(&job.status).unwrap())
    })
    .await
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_program_in_a_pod_that_waited_is_stopped_like_any_other() {
    let limits = json!({"jobMaxima": {"maxRunSeconds": 600}});
    let offer = Offer::warm("warm-stop", WORKS, 2, &limits).await;
    offer.pool_is("True Ready: 2 of 2").await;
    let sdk = Sdk::start().await;
    let (cancelled, mut first) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    let limit = crate::support::wire::varint(2, 3_000);
    let (limited, mut second) = sdk.submit(&offer.type_name, b"<esdl/>", &limit).await;
    first.runs().await;
    let pod = offer.pod_of(&cancelled).await;
    let ceiling = pod.spec.unwrap().active_deadline_seconds.unwrap();
    assert!(ceiling > 600, "no operator is needed for its end: {ceiling} s");
    while !first.log.contains(&Heard::Progress(0.5)) {
        first.first(PATIENCE).await;
    }
    sdk.delete(&cancelled).await;
    first.listen(PATIENCE, AFTERWARDS).await;
    first.only_result(ResultType::Cancelled);
    assert_eq!(first.statuses().last(), Some(&Cancelled));
    second.listen(PATIENCE, AFTERWARDS).await;
    let job = ended(&offer, &limited).await;
    assert_eq!((cause(&job), job.status.clone().unwrap().termination.unwrap().exit_code), ("SoftAborted", Some(10)));
    let status = job.status.unwrap();
    let ran = status.completion_time.unwrap().0.duration_since(status.start_time.unwrap().0);
    assert!((3..40).contains(&ran.as_secs()), "its limit counts from its assignment: {ran:?}");
    offer.vanish().await;
}

/// The program of such a job would wait for ever.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_input_that_is_gone_ends_the_job_and_says_so() {
    let offer = Offer::warm("warm-lost", WORKS, 1, &json!({"maxConcurrentJobs": 1})).await;
    offer.pool_is("True Ready").await;
    let sdk = Sdk::start().await;
    let (blocker, mut first) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    first.runs().await;
    let (uuid, mut second) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    while !second.statuses().contains(&Enqueued) {
        second.first(PATIENCE).await;
    }
    offer.pool_is("True Ready").await;
    let label = namespace_key(&variable("OMOTES_JOB_NAMESPACE")).await.input_label(&uuid);
    rabbit::delete_queue(&format!("omotes.input.sealed.{label}")).await;
    sdk.delete(&blocker).await;
    first.listen(PATIENCE, Duration::ZERO).await;
    second.listen(PATIENCE, AFTERWARDS).await;
    second.only_result(ResultType::Error);
    let job = ended(&offer, &uuid).await;
    assert_eq!(cause(&job), "InputMissing", "{}", message(&job));
    assert!(message(&job).contains("Submit the job again"), "{}", message(&job));
    offer.vanish().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_pool_follows_its_workflow() {
    let offer = Offer::warm("warm-edit", ECHO, 2, &json!({})).await;
    offer.pool_is("True Ready: 2 of 2").await;
    let before: Vec<_> = offer.waiting().await.iter().map(ResourceExt::name_any).collect();
    offer.edit(json!({"description": "another word for it"})).await;
    offer.pool_is("True Ready: 2 of 2").await;
    assert_eq!(offer.waiting().await.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), before);
    offer.edit(json!({"jobDefaults": {"exitCodes": {"softAborted": 11}}})).await;
    offer.pool_is("True Ready: 2 of 2").await;
    until("two pods of the new form are there and none of the former", PATIENCE, || async {
        let names: Vec<_> = offer.waiting().await.iter().map(ResourceExt::name_any).collect();
        let new = !names.iter().any(|name| before.contains(name));
        if names.len() == 2 && new { Ok(()) } else { Err(names.join(", ")) }
    })
    .await;
    let victim = offer.waiting().await[0].name_any();
    offer.pods().delete(&victim, &DeleteParams::default()).await.unwrap();
    until("the deleted pod is replaced", PATIENCE, || async {
        let names: Vec<_> = offer.waiting().await.iter().map(ResourceExt::name_any).collect();
        if names.len() == 2 && !names.contains(&victim) { Ok(()) } else { Err(names.join(", ")) }
    })
    .await;
    offer.edit(json!({"suspend": true})).await;
    offer.pool_is("False NotWanted").await;
    assert!(offer.waiting().await.is_empty());
    offer.edit(json!({"suspend": false, "warmPool": null})).await;
    offer.vanish().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_program_that_ends_without_a_job_is_not_started_again_and_again() {
    let offer = Offer::warm("warm-fails", "echo no licence here; exit 3", 1, &json!({})).await;
    let workflow = offer.pool_is("False PodsFail").await;
    let conditions = workflow.status.unwrap().conditions;
    let said = &conditions.iter().find(|known| known.type_ == "WarmPoolReady").unwrap().message;
    assert!(said.contains("exit code 3") && said.contains("no licence here"), "{said}");
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(offer.waiting().await.len() <= 1);
    offer.vanish().await;
}

//! Upgrades from the released version and back, with jobs in every phase.

use std::{collections::BTreeMap, process::Command, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use lapin::options::QueueDeleteOptions;
use omotes_operator::testing::{
    api::{OmotesJob, OmotesWorkflow, names},
    wire::{
        JobStatus::{Enqueued, Registered, Running},
        ResultType::{self, Cancelled, Succeeded},
    },
};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, job, kubectl, merged, pod_spec, run_in, variable, verdict},
    client::{Heard, Listener, connect, declare, depth, queues, take},
    operator::Operator,
    until,
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// A program that goes on when the test opens the gate …
const AT_GATE: &str = "until [ -e /gate/open ]; do sleep 0.1; done";
/// … and one that waits for its input before.
const AT_INPUT: &str = "until [ -e /omotes/input/input.esdl ]; do sleep 0.1; done";
/// A program whose pod is being deleted is sent on by this file: the kubelet shows it no change of the gate any more.
const GO: &str = "/omotes/output/go";
const OUTPUT: &str = "printf '<esdl/>' > /omotes/output/output.esdl";

/// An operator that can be installed.
struct Version {
    tree: String,
    image: String,
}

impl Version {
    /// The one that is installed, of this tree.
    fn current() -> Self {
        let path = "--output=jsonpath={.spec.template.spec.containers[0].image}";
        let (_, image) =
            kubectl(&["-n", &variable("OMOTES_NAMESPACE"), "get", "deployment/omotes-operator", path], None);
        Self { tree: env!("CARGO_MANIFEST_DIR").to_owned(), image }
    }

    fn released() -> Self {
        Self { tree: variable("OMOTES_RELEASED_TREE"), image: variable("OMOTES_RELEASED_IMAGE") }
    }

    /// Installs it by its own installer and its own chart.
    fn install(&self) {
        let mut script = Command::new(format!("{}/tests/testbed/install-operator", self.tree));
        run(script.env("IMAGE", &self.image).env_remove("OMOTES_BROKER_CA"));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}

/// Installs the current version again, however the test ends.
struct Restored(Version);

impl Drop for Restored {
    fn drop(&mut self) {
        self.0.install();
    }
}

fn gated(script: &str) -> Value {
    let mut spec = pod_spec(script);
    spec["volumes"] = json!([{"name": "gate", "configMap": {"name": "gate", "optional": true}}]);
    spec["containers"][0]["volumeMounts"] = json!([{"name": "gate", "mountPath": "/gate"}]);
    spec
}

/// What must be the same before and after another version was installed.
#[derive(Debug, PartialEq)]
struct Standing {
    phase: Value,
    attempt: Value,
    deadline: Value,
    abort: Value,
    pod: Option<(String, String)>,
}

/// Jobs in every phase, and a warm pool.
struct Crew {
    space: Space,
    clients: BTreeMap<&'static str, Listener>,
}

impl Crew {
    /// Has the version that is installed bring a job to each phase.
    async fn new(test: &str) -> Self {
        let space = Space::new(test).await;
        let mut crew = Self { space, clients: BTreeMap::new() };
        let ends = format!("trap 'exit 10' TERM; {AT_GATE}; {OUTPUT}");
        crew.offer("one", json!({"maxConcurrentJobs": 1, "template": {"spec": gated(&ends)}})).await;
        let metadata = json!({"annotations": {names::ANNOTATION_WARM: names::WAIT_FOR_INPUT}});
        let warm = gated(&format!("trap 'exit 10' TERM; {AT_INPUT}; {AT_GATE}; {OUTPUT}"));
        crew.offer("warm", json!({"warmPool": {"size": 1}, "template": {"metadata": metadata, "spec": warm}})).await;
        crew.submit("unread", json!({"template": {"spec": pod_spec(OUTPUT)}})).await;
        crew.keep_a_result().await;
        crew.submit("runs", json!({"maxRunSeconds": 3600, "template": {"spec": gated(&ends)}})).await;
        crew.submit("suspended", json!({"template": {"spec": gated(&ends)}})).await;
        let script = format!("trap '' TERM; until [ -e {GO} ]; do sleep 0.1; done; exit 10");
        let stubborn = merged(pod_spec(&script), &json!({"terminationGracePeriodSeconds": 900}));
        crew.submit("stopping", json!({"template": {"spec": stubborn}})).await;
        let nowhere = merged(gated(&ends), &json!({"nodeSelector": {"there-is": "none"}}));
        crew.submit("queued", json!({"template": {"spec": nowhere}})).await;
        crew.submit("holds", json!({"workflowRef": {"name": "one"}})).await;
        crew.ready_warm_pods(1).await;
        let esdl = json!({"esdl": {"inline": "<esdl/>"}});
        crew.submit("warm-runs", json!({"workflowRef": {"name": "warm"}, "input": esdl})).await;
        for name in ["runs", "suspended", "stopping", "holds", "warm-runs"] {
            crew.space.running(name).await;
        }
        crew.submit("waits", json!({"workflowRef": {"name": "one"}})).await;
        crew.space.wait("waits", "waits", |job| verdict(job, "Reconciling") == "True WaitingForSeat").await;
        crew.space.change("suspended", &json!({"suspend": true})).await;
        crew.space.wait("suspended", "suspended", |job| field(job, "phase") == "Suspended").await;
        crew.space.change("stopping", &json!({"abort": {}})).await;
        crew.space.wait("stopping", "stopping", |job| field(job, "phase") == "Aborting").await;
        crew.space.wait("queued", "queued", |job| field(job, "phase") == "Queued").await;
        crew.space.ended("unread").await;
        for name in ["runs", "suspended", "stopping", "queued", "holds", "warm-runs", "waits"] {
            let client = Listener::attach(&crew.id(name).await).await;
            crew.clients.insert(name, client);
        }
        crew.ready_warm_pods(1).await;
        crew
    }

    async fn offer(&self, name: &str, spec: Value) {
        let workflows: Api<OmotesWorkflow> = Api::namespaced(self.space.client.clone(), &self.space.name);
        let manifest = json!({"metadata": {"name": name}, "spec": merged(json!({"typeName": name}), &spec)});
        workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
    }

    async fn submit(&self, name: &str, spec: Value) {
        self.space.create(&job(name, &spec)).await;
    }

    async fn id(&self, name: &str) -> String {
        self.space.jobs.get(name).await.unwrap().uid().unwrap()
    }

    async fn result_queue(&self, name: &str) -> String {
        let [_, _, result] = queues(&self.id(name).await);
        result
    }

    /// A job whose client is to own its queues, and has none yet.
    async fn keep_a_result(&self) {
        self.submit("kept", json!({"queues": {"declare": "Never"}, "template": {"spec": pod_spec(OUTPUT)}})).await;
        let kept = self.space.ended("kept").await;
        assert_eq!(verdict(&kept, "ResultPublished"), "False Unroutable");
    }

    async fn ready_warm_pods(&self, count: i32) {
        let workflows: Api<OmotesWorkflow> = Api::namespaced(self.space.client.clone(), &self.space.name);
        until(&format!("{count} warm pods of {} are ready", self.space.name), PATIENCE, || async {
            let ready = workflows.get("warm").await.unwrap().status.unwrap_or_default().ready_warm_pods;
            if ready == count { Ok(()) } else { Err(format!("{ready}")) }
        })
        .await;
    }

    async fn standing(&self) -> BTreeMap<String, Standing> {
        let pods = self.space.pods.list(&ListParams::default()).await.unwrap().items;
        let jobs = self.space.jobs.list(&ListParams::default()).await.unwrap().items;
        let standing = |job: &OmotesJob| {
            let is_its = |pod: &&k8s_openapi::api::core::v1::Pod| {
                pod.labels().get(names::LABEL_JOB_NAME) == Some(&job.name_any())
            };
            let pod = pods.iter().find(is_its);
            Standing {
                phase: field(job, "phase"),
                attempt: field(job, "attempt"),
                deadline: field(job, "deadlineTime"),
                abort: field(job, "abort"),
                pod: pod.map(|pod| (pod.name_any(), pod.uid().unwrap())),
            }
        };
        jobs.iter().map(|job| (job.name_any(), standing(job))).collect()
    }

    /// Opens the gate, and has the kubelet show that to the pods now, not at its next minute.
    async fn open_gate(&self) {
        let gates: Api<ConfigMap> = Api::namespaced(self.space.client.clone(), &self.space.name);
        let gate = json!({"metadata": {"name": "gate"}, "data": {"open": ""}});
        gates.create(&PostParams::default(), &serde_json::from_value(gate).unwrap()).await.unwrap();
        let patch = json!({"metadata": {"annotations": {"tests/refreshed": Timestamp::now().to_string()}}});
        for pod in self.space.pods.list(&ListParams::default()).await.unwrap() {
            self.space.pods.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
        }
        run_in(&self.space.name, "stopping-1", &format!("touch {GO}"));
    }

    /// Every job ends as it would have, and each client gets one result and every status: once, or `again` where the operator
    /// that took over repeats them for the job called so.
    async fn ends_well(mut self, again: impl Fn(&str) -> bool) {
        self.open_gate().await;
        self.space.change("suspended", &json!({"suspend": false})).await;
        self.space.change("queued", &json!({"abort": {}})).await;
        for (name, expected) in [
            ("runs", Succeeded),
            ("suspended", Succeeded),
            ("holds", Succeeded),
            ("waits", Succeeded),
            ("warm-runs", Succeeded),
            ("stopping", Cancelled),
            ("queued", Cancelled),
        ] {
            let mut client = self.clients.remove(name).unwrap();
            client.listen(PATIENCE, AFTERWARDS).await;
            client.only_result(expected);
            if expected == Succeeded {
                let mut told = client.statuses();
                let all = told.clone();
                if again(name) {
                    told.sort();
                    told.dedup();
                }
                assert_eq!(told, [Registered, Enqueued, Running], "{name}: {all:?}");
            }
            client.leave().await;
        }
        let (connection, owned) = (connect().await, self.result_queue("kept").await);
        declare(&connection, &owned, None).await;
        let asks = Patch::Merge(json!({"metadata": {"annotations": {names::ANNOTATION_REPUBLISH_RESULT: "yes"}}}));
        self.space.jobs.patch("kept", &PatchParams::default(), &asks).await.unwrap();
        for name in ["unread", "kept"] {
            self.takes_one(name).await;
        }
        let channel = connection.create_channel().await.unwrap();
        channel.queue_delete(owned.into(), QueueDeleteOptions::default()).await.unwrap();
        self.leave_nothing().await;
    }

    /// The client that comes late finds one result.
    async fn takes_one(&self, name: &str) {
        let (connection, queue) = (connect().await, self.result_queue(name).await);
        until(&format!("a result of {name}"), PATIENCE, || async {
            depth(&connection, &queue).await.filter(|count| *count > 0).map(drop).ok_or_else(String::new)
        })
        .await;
        let Some(Heard::Result { result, .. }) = take(&connection, &queue).await else { panic!("{name}: no result") };
        assert_eq!(result.result_type(), ResultType::Succeeded, "{name}");
        tokio::time::sleep(AFTERWARDS).await;
        assert!(depth(&connection, &queue).await.is_none_or(|count| count == 0), "{name}: a second result");
    }

    async fn leave_nothing(self) {
        for job in self.space.jobs.list(&ListParams::default()).await.unwrap() {
            self.space.delete(&job.name_any()).await;
        }
        let workflows: Api<OmotesWorkflow> = Api::namespaced(self.space.client.clone(), &self.space.name);
        for name in ["one", "warm"] {
            workflows.delete(name, &DeleteParams::default()).await.unwrap();
        }
        self.space.empty().await;
        self.space.remove().await;
    }
}

fn field(job: &OmotesJob, name: &str) -> Value {
    let status = serde_json::to_value(&job.status).unwrap();
    match (name, &status[name]) {
        // How far a stop has come may go on.
        ("abort", abort) => json!([abort["cause"], abort["stopTime"], abort["killTime"]]),
        (_, value) => value.clone(),
    }
}

/// From the released version to this one, and by `helm rollback` from this one to that.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed and the released version: make test-upgrade"]
async fn jobs_in_every_phase_outlive_an_upgrade_and_a_rollback() {
    let operator = Operator::settled().await;
    let current = Restored(Version::current());
    Version::released().install();
    operator.connected().await;
    let crew = Crew::new("upgrade").await;
    let before = crew.standing().await;
    current.0.install();
    operator.connected().await;
    assert_eq!(crew.standing().await, before);
    crew.ready_warm_pods(1).await;
    // While the pods are replaced one by one the released version may lead once more, and repeats that such a job waits.
    crew.ends_well(|name| name == "waits").await;

    let crew = Crew::new("rollback").await;
    let before = crew.standing().await;
    run(Command::new("helm")
        .args(["--namespace", &variable("OMOTES_NAMESPACE"), "rollback", "omotes-operator"])
        .args(["--wait", "--timeout", "3m"]));
    operator.connected().await;
    // The released version shows a job that waits for its seat as Pending at first.
    until("every job is as it was", PATIENCE, || async {
        let now = crew.standing().await;
        if now == before { Ok(()) } else { Err(format!("{now:?} instead of {before:?}")) }
    })
    .await;
    // It tells the client of such a job once more that it waits.
    crew.ends_well(|_| true).await;
    drop(current);
    operator.connected().await;
}

//! Ended by the cluster, not by the program: as kubelets and nodes say it, on a node whose kubelet is the test.

use futures::future::join_all;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use omotes_operator::testing::api::{OmotesJob, OmotesWorkflow, status::Phase};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, container, job, merged, message, phase, pod_spec, verdict},
    ghost::{Ghost, bound, forgot, reports, runs, starts, this_second},
    until,
};

const SHUTDOWN: &str = "Pod was terminated in response to imminent node shutdown.";

fn exited(code: i32, reason: &str) -> Value {
    let now = this_second();
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}})
}

/// The condition that a kubelet sets once all containers have ended.
fn targeted() -> Value {
    let now = this_second();
    json!([{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": SHUTDOWN, "lastTransitionTime": now}])
}

fn attempt(job: &OmotesJob) -> i32 {
    job.status.as_ref().and_then(|status| status.attempt).unwrap_or(1)
}

/// What a kubelet says of a pod: its phase, main's exit where it knows of main, and more.
struct Report {
    name: &'static str,
    phase: &'static str,
    main: Option<(i32, &'static str)>,
    more: Value,
    cause: &'static str,
    disruption: &'static str,
    /// Whether the kubelet cannot find main any more, and says neither its id nor when it ran.
    is_without_id: bool,
}

fn report(name: &'static str, main: (i32, &'static str), more: Value, disruption: &'static str) -> Report {
    let phase = if main.0 == 0 { "Succeeded" } else { "Failed" };
    let cause = if disruption.ends_with("Pressure") { "Evicted" } else { "Disrupted" };
    Report { name, phase, main: Some(main), more, cause, disruption, is_without_id: false }
}

fn refusal(name: &'static str, reason: &str) -> Report {
    let more = json!({"reason": reason, "message": format!("Pod was rejected: {reason}")});
    Report {
        name,
        phase: "Failed",
        main: None,
        more,
        cause: "NeverStarted",
        disruption: "AdmissionRefused",
        is_without_id: false,
    }
}

fn without_id(name: &'static str) -> Report {
    Report { is_without_id: true, ..report(name, (137, "ContainerStatusUnknown"), json!({}), "NodeLost") }
}

/// A node that was started anew while an init container ran.
fn reboot(name: &'static str) -> Report {
    let entry = |name: &str, state: &Value| json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state});
    let waiting = json!({"waiting": {"reason": "PodInitializing"}});
    let more = json!({
        "initContainerStatuses": [entry("first", &exited(255, "Unknown"))],
        "containerStatuses": [entry("main", &waiting)],
    });
    Report { main: None, ..report(name, (255, "Unknown"), more, "NodeLost") }
}

impl Report {
    async fn ends(&self, space: &Space, pod: &str) {
        if self.is_without_id {
            return forgot(space, pod).await;
        }
        if let Some((code, reason)) = self.main {
            return reports(space, pod, self.phase, &exited(code, reason), &self.more).await;
        }
        let status = Patch::Merge(json!({"status": merged(self.more.clone(), &json!({"phase": self.phase}))}));
        space.pods.patch_status(pod, &PatchParams::default(), &status).await.unwrap();
    }

    /// The attempt that ended so is recorded and not counted, and the next one succeeds.
    async fn is_tried_again(&self, space: &Space, ghost: &Ghost) {
        let (name, first, second) = (self.name, format!("{}-1", self.name), format!("{}-2", self.name));
        space.create(&ghost.job(name, &json!({}))).await;
        bound(space, &first).await;
        if self.main.is_some() {
            runs(space, &first, this_second()).await;
            space.running(name).await;
        }
        self.ends(space, &first).await;
        let job =
            space.wait(name, "tried again", |job| attempt(job) == 2 || phase(job).is_some_and(Phase::is_terminal));
        let status = job.await.status.unwrap();
        let record = status.attempts.first().unwrap_or_else(|| panic!("{name}: {status:?}"));
        let disruption = record.disruption.map(|disruption| format!("{disruption:?}"));
        assert_eq!((record.cause.as_str(), disruption.as_deref()), (self.cause, Some(self.disruption)), "{record:?}");
        assert_eq!((status.attempt, status.failures, status.disruptions), (Some(2), Some(0), Some(1)), "{name}");
        let note = space.event(name, "AttemptDisrupted").await;
        assert!(note.contains("not counted as a failure (1 of 20 disruptions)"), "{note}");
        bound(space, &second).await;
        runs(space, &second, this_second()).await;
        reports(space, &second, "Succeeded", &exited(0, "Completed"), &json!({})).await;
        assert_eq!(cause(&space.ended(name).await), "Completed", "{name}");
    }
}

/// kubernetes#104531, kubernetes#141483, kubernetes#124345, argo-workflows#11354: what a kubelet or a node ended is a disruption,
/// whatever the exit code, and is tried again without counting.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn what_the_cluster_ended_is_tried_again() {
    let space = Space::new("by-cluster").await;
    let ghost = Ghost::new(&space).await;
    let memory = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. ";
    let cases = [
        report("kubelet", (0, "Completed"), json!({"conditions": targeted()}), "TerminatedByKubelet"),
        report(
            "shutdown",
            (143, "Error"),
            json!({"reason": "Terminated", "message": SHUTDOWN, "conditions": targeted()}),
            "TerminatedByKubelet",
        ),
        report(
            "untargeted",
            (0, "Completed"),
            json!({"reason": "Terminated", "message": SHUTDOWN}),
            "TerminatedByKubelet",
        ),
        report("preempted", (0, "Completed"), json!({"reason": "Preempting", "conditions": targeted()}), "Preempted"),
        report(
            "pressed",
            (0, "Completed"),
            json!({"reason": "Evicted", "message": memory, "conditions": targeted()}),
            "MemoryPressure",
        ),
        report(
            "restarted",
            (0, "Completed"),
            json!({"reason": "NodeAffinity", "message": "Pod was rejected: it"}),
            "AdmissionRefused",
        ),
        report("unknown", (255, "Unknown"), json!({}), "NodeLost"),
        report("forgotten", (137, "ContainerStatusUnknown"), json!({}), "NodeLost"),
        without_id("nameless"),
        reboot("rebooted"),
        refusal("unexpected", "UnexpectedAdmissionError"),
        refusal("full", "OutOfcpu"),
        refusal("leaving", "NodeShutdown"),
    ];
    join_all(cases.iter().map(|case| case.is_tried_again(&space, &ghost))).await;
    ghost.remove().await;
    space.abandon().await;
}

/// A node without power: all containers were killed at once, and not for their memory.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_loss_of_power_is_no_error_of_the_program() {
    let space = Space::new("power").await;
    let ghost = Ghost::new(&space).await;
    let second =
        json!({"template": {"spec": {"containers": [container("main", "true"), container("second", "true")]}}});
    space.create(&ghost.job("job", &second)).await;
    starts(&space, "job-1").await;
    space.running("job").await;
    // Killed within the second after its start it would not differ from an init container.
    let killed = this_second() + jiff::SignedDuration::from_secs(1);
    let end = |name: &str| {
        let end = json!({"exitCode": 137, "reason": "Error", "startedAt": this_second(), "finishedAt": killed});
        json!({"name": name, "image": "i", "imageID": "", "containerID": "ghost://1", "ready": false, "restartCount": 0, "state": {"terminated": end}})
    };
    let status = json!({"phase": "Failed", "containerStatuses": [end("main"), end("second")]});
    space.pods.patch_status("job-1", &PatchParams::default(), &Patch::Merge(json!({"status": status}))).await.unwrap();
    let job = space.wait("job", "tried again", |job| attempt(job) == 2).await;
    let status = job.status.unwrap();
    assert_eq!((status.attempts[0].cause.as_str(), status.failures), ("Disrupted", Some(0)), "{:?}", status.attempts);
    ghost.remove().await;
    space.abandon().await;
}

/// A pod that exceeded its own storage limit was evicted for its own fault, and one that its cgroup killed, too.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn own_faults_stay_own() {
    let space = Space::new("own-faults").await;
    let ghost = Ghost::new(&space).await;
    let volume = "Usage of EmptyDir volume \"work\" exceeds the limit \"1Gi\". ";
    let own = "Container main exceeded its local ephemeral storage limit \"1Gi\". ";
    let cases = [
        ("volume", (0, "Completed"), json!({"reason": "Evicted", "message": volume}), "Evicted"),
        ("storage", (137, "Error"), json!({"reason": "Evicted", "message": own}), "Evicted"),
        ("memory", (137, "OOMKilled"), json!({"conditions": targeted()}), "OOMKilled"),
    ];
    for (name, (code, reason), more, expected) in cases {
        space.create(&ghost.job(name, &json!({}))).await;
        let pod = format!("{name}-1");
        starts(&space, &pod).await;
        space.running(name).await;
        reports(&space, &pod, "Failed", &exited(code, reason), &more).await;
        let job = space.ended(name).await;
        assert_eq!((phase(&job), cause(&job)), (Some(Phase::Failed), expected), "{}", message(&job));
    }
    ghost.remove().await;
    space.abandon().await;
}

/// The third attempt in a row that loses its node counts: the program may be the cause.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_program_that_takes_its_nodes_down_fails() {
    let space = Space::new("suspect").await;
    let ghost = Ghost::new(&space).await;
    space.create(&ghost.job("job", &json!({}))).await;
    for number in 1..=3 {
        let pod = format!("job-{number}");
        starts(&space, &pod).await;
        space.wait("job", "runs", |job| attempt(job) == number && phase(job) == Some(Phase::Running)).await;
        reports(&space, &pod, "Failed", &exited(255, "Unknown"), &json!({})).await;
    }
    let job = space.ended("job").await;
    let status = job.status.clone().unwrap();
    assert_eq!((phase(&job), cause(&job), status.disruptions), (Some(Phase::Failed), "Disrupted", Some(2)));
    assert!(message(&job).contains("3 attempts in a row lost their node"), "{}", message(&job));
    ghost.remove().await;
    space.abandon().await;
}

/// A pod in which main was seen ended while another container ran, and nothing stopped it, has succeeded, although its node
/// shut down then.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_success_that_was_seen_is_one() {
    let space = Space::new("seen").await;
    let ghost = Ghost::new(&space).await;
    let second =
        json!({"template": {"spec": {"containers": [container("main", "true"), container("second", "true")]}}});
    space.create(&ghost.job("job", &second)).await;
    starts(&space, "job-1").await;
    space.running("job").await;
    let entry = |name: &str, state: &Value| json!({"name": name, "image": "i", "imageID": "", "containerID": "ghost://1", "ready": false, "restartCount": 0, "state": state});
    let (ended, going) = (exited(0, "Completed"), json!({"running": {"startedAt": this_second()}}));
    let patch = |status: Value| Patch::Merge(json!({"status": status}));
    let seen = json!({"phase": "Running", "containerStatuses": [entry("main", &ended), entry("second", &going)]});
    space.pods.patch_status("job-1", &PatchParams::default(), &patch(seen)).await.unwrap();
    let killed = exited(137, "Error");
    let last = json!({"phase": "Failed", "reason": "Terminated", "message": SHUTDOWN, "conditions": targeted(), "containerStatuses": [entry("main", &ended), entry("second", &killed)]});
    space.pods.patch_status("job-1", &PatchParams::default(), &patch(last)).await.unwrap();
    let job = space.ended("job").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Phase::Succeeded), "Completed"), "{}", message(&job));
    ghost.remove().await;
    space.abandon().await;
}

/// A probe or a hook of main makes the kubelet kill it, and a program that traps SIGTERM then exits with 0: refused, in jobs
/// and workflows.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_probe_on_main_is_refused() {
    let space = Space::new("probes").await;
    let probe = json!({"exec": {"command": ["false"]}, "periodSeconds": 1});
    let main = |patch: Value| json!({"template": {"spec": merged(pod_spec("true"), &json!({"containers": [merged(container("main", "true"), &patch)]}))}});
    for field in ["livenessProbe", "startupProbe"] {
        let refused = space.jobs.create(&PostParams::default(), &job("probe", &main(json!({field: probe})))).await;
        let words = refused.unwrap_err().to_string();
        assert!(words.contains(field) && words.contains("spec.heartbeat"), "{words}");
    }
    // What the schema cannot see the operator does.
    let named = json!({"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "main"}}}});
    let named = merged(main(json!({"livenessProbe": probe})), &named);
    let hook = main(json!({"lifecycle": {"postStart": {"exec": {"command": ["false"]}}}}));
    for (name, spec, words) in [("named", &named, "spec.heartbeat"), ("hook", &hook, "an init container")] {
        space.create(&job(name, spec)).await;
        let job = space.ended(name).await;
        assert_eq!(verdict(&job, "Accepted"), "False ProbeOnMain");
        assert!(message(&job).contains(words), "{}", message(&job));
    }
    let workflows: Api<OmotesWorkflow> = Api::namespaced(space.client.clone(), &space.name);
    let workflow = json!({"metadata": {"name": "workflow"}, "spec": merged(named, &json!({"typeName": "probed"}))});
    workflows.create(&PostParams::default(), &serde_json::from_value(workflow).unwrap()).await.unwrap();
    until("the workflow is refused", PATIENCE, || async {
        let status = workflows.get("workflow").await.unwrap().status.unwrap_or_default();
        let mut known = status.conditions.iter().filter(|known| known.type_ == "Accepted" && known.status == "False");
        known.find(|known| known.reason == "ProbeOnMain").map(drop).ok_or_else(|| format!("{:?}", status.conditions))
    })
    .await;
    space.abandon().await;
}

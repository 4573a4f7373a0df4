//! One list of pods that real kubelets and the simulated ones must end alike: what is compared is their last word.
//!
//! How a pod came there is not: a kubelet leaves out what follows soon. The transcript is `tests/golden/kubelet-transcript.txt`.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, EvictParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::{compare, has_service_account};
use crate::{
    simulation::{
        apiserver::SimulatedApiserver,
        nodes::{Exit, Nodes, Program, condition, shown, simple},
    },
    support::{
        bed::{PATIENCE, Space, container, merged, pod_spec},
        until,
    },
};

const TRANSCRIPT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/kubelet-transcript.txt"));
/// Keeps a pod's object when it is deleted.
const HELD: &str = "example.com/held";
const OBEYS: &str = "trap 'exit 10' TERM; sleep 3600 & while :; do wait; done";
const OBEYS_WELL: &str = "trap 'exit 0' TERM; sleep 3600 & while :; do wait; done";
const DEAF: &str = "trap '' TERM; sleep 3600 & while :; do wait; done";
const GREEDY: &str = "sleep 1; x=x; while :; do x=$x$x; done";

/// What is done to a pod whose program runs.
#[derive(Clone, Copy)]
enum Act {
    Nothing,
    Delete,
    Evict,
    /// Deletes it, and its object does not wait for the kubelet.
    ForceOff,
    /// Has the kubelet end it a second later.
    EndSoon,
}

/// A pod, what its main container does, and what is done to it.
struct Case {
    name: &'static str,
    script: &'static str,
    /// What the script does, for simulated kubelets.
    program: Program,
    spec: Value,
    act: Act,
}

fn cases() -> Vec<Case> {
    let case = |name, script, program, act| Case { name, script, program, spec: json!({}), act };
    let seconds = Duration::from_secs;
    let ends = |exit| Program::ends(seconds(1), exit);
    let waits = Program::forever;
    let helpful = |code| waits().at_sigterm(Duration::ZERO, Exit::code(code));
    let with = |script, patch| json!([merged(container("main", script), &patch)]);
    let memory = json!({"containers": with(GREEDY, json!({"resources": {"limits": {"memory": "24Mi"}}}))});
    let absent = json!({"image": "localhost/no-such:1", "imagePullPolicy": "Never"});
    let absent = json!({"containers": with("true", absent)});
    let stuck = || Program::cannot_start("ErrImageNeverPull", "");
    let beside =
        json!({"initContainers": [merged(container("proxy", OBEYS_WELL), &json!({"restartPolicy": "Always"}))]});
    vec![
        case("ends-well", "sleep 1", ends(Exit::code(0)), Act::Nothing),
        case(
            "fails",
            "sleep 1; echo why > /dev/termination-log; exit 3",
            ends(Exit::code(3).saying("why\n")),
            Act::Nothing,
        ),
        Case { spec: memory, ..case("greedy", GREEDY, ends(Exit::out_of_memory()), Act::Nothing) },
        Case { spec: beside.clone(), ..case("ends-beside", "sleep 1", ends(Exit::code(0)), Act::Nothing) },
        Case { spec: beside.clone(), ..case("fails-beside", "sleep 1; exit 3", ends(Exit::code(3)), Act::Nothing) },
        case("obeys", OBEYS, helpful(10), Act::Delete),
        case("obeys-well", OBEYS_WELL, helpful(0), Act::Delete),
        case("deaf", DEAF, waits().deaf(), Act::Delete),
        Case { spec: beside, ..case("obeys-beside", OBEYS, helpful(10), Act::Delete) },
        case("evicted", OBEYS, helpful(10), Act::Evict),
        case("evicted-well", OBEYS_WELL, helpful(0), Act::Evict),
        case("forced-off", OBEYS, helpful(10), Act::ForceOff),
        case("late", OBEYS, helpful(10), Act::EndSoon),
        case("late-well", OBEYS_WELL, helpful(0), Act::EndSoon),
        case("late-deaf", DEAF, waits().deaf(), Act::EndSoon),
        Case { spec: absent.clone(), ..case("no-image", "true", stuck(), Act::Delete) },
        Case { spec: absent, ..case("late-no-image", "true", stuck(), Act::EndSoon) },
    ]
}

/// Where the pods are, and who evicts them where the apiserver does not.
struct Cluster {
    pods: Api<Pod>,
    nodes: Option<Nodes>,
}

impl Cluster {
    /// The last words of all pods.
    async fn transcript(&self) -> String {
        let lines = cases().into_iter().map(async |case| format!("{}: {}\n", case.name, self.last_word(&case).await));
        join_all(lines).await.concat()
    }

    async fn last_word(&self, case: &Case) -> String {
        let pod = json!({
            "metadata": {"name": case.name, "finalizers": [HELD]},
            "spec": merged(pod_spec(case.script), &case.spec),
        });
        self.pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
        if !matches!(case.act, Act::Nothing) {
            self.until(case.name, "has begun", has_begun).await;
            self.act(case.name, case.act).await;
        }
        let pod = self.until(case.name, "is over", is_over).await;
        let release = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": [HELD]}});
        self.pods.patch(case.name, &PatchParams::default(), &Patch::Strategic(release)).await.unwrap();
        with_conditions(&pod)
    }

    async fn act(&self, name: &str, act: Act) {
        match (act, &self.nodes) {
            (Act::Nothing, _) => {}
            (Act::Delete, _) => drop(self.pods.delete(name, &DeleteParams::default()).await.unwrap()),
            (Act::ForceOff, _) => drop(self.pods.delete(name, &DeleteParams::default().grace_period(0)).await.unwrap()),
            (Act::Evict, Some(nodes)) => nodes.evict(name),
            (Act::Evict, None) => drop(self.pods.evict(name, &EvictParams::default()).await.unwrap()),
            (Act::EndSoon, _) => {
                let patch = json!({"spec": {"activeDeadlineSeconds": 1}});
                drop(self.pods.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap());
            }
        }
    }

    async fn until(&self, name: &str, what: &str, holds: fn(&Pod) -> bool) -> Pod {
        until(&format!("{name} {what}"), PATIENCE, || async {
            let pod = self.pods.get(name).await.map_err(|error| error.to_string())?;
            if holds(&pod) { Ok(pod) } else { Err(with_conditions(&pod)) }
        })
        .await
    }
}

/// Whether main runs, or waits for an image that does not come.
fn has_begun(pod: &Pod) -> bool {
    let is_stuck = |waiting: &ContainerStateWaiting| waiting.reason.as_deref() == Some("ErrImageNeverPull");
    main_state(pod).is_some_and(|state| state.running.is_some() || state.waiting.as_ref().is_some_and(is_stuck))
}

fn main_state(pod: &Pod) -> Option<&ContainerState> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()?.state.as_ref()
}

/// Whether the kubelet has nothing more to say: the pod, its main container and its sandbox have ended, and where it was deleted
/// its kubelet has confirmed that.
fn is_over(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let has_ended = main_state(pod).is_some_and(|state| state.terminated.is_some());
    let is_deleted = pod.metadata.deletion_timestamp.is_some();
    let is_confirmed = !is_deleted || pod.metadata.deletion_grace_period_seconds == Some(0);
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let has_sandbox = conditions.any(|known| known.type_ == "PodReadyToStartContainers" && known.status == "True");
    matches!(phase, Some("Succeeded" | "Failed")) && has_ended && !has_sandbox && is_confirmed
}

/// The pod in one line, with all of its conditions.
fn with_conditions(pod: &Pod) -> String {
    shown(pod, |all| {
        let mut conditions: Vec<String> = all.iter().map(condition).collect();
        conditions.sort();
        conditions
    })
}

#[tokio::test(start_paused = true)]
async fn simulated_kubelets_end_pods_as_written() {
    let apiserver = SimulatedApiserver::start(Timestamp::UNIX_EPOCH);
    apiserver.add_namespace("conformance");
    let programs: Vec<(&str, Program)> = cases().into_iter().map(|case| (case.name, case.program)).collect();
    let nodes = Nodes::start(
        &apiserver,
        &[("node", programs.len())],
        move |start| match start.container {
            "main" => programs.iter().find(|(name, _)| *name == start.pod.name_any()).unwrap().1.clone(),
            _ => Program::forever().at_sigterm(Duration::ZERO, Exit::code(0)),
        },
        simple(""),
    );
    let pods = Api::namespaced(apiserver.client("user", "conformance"), "conformance");
    compare(&Cluster { pods, nodes: Some(nodes) }.transcript().await, TRANSCRIPT);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn real_kubelets_end_pods_as_written() {
    let space = Space::bare("kubelets").await;
    has_service_account(&space).await;
    let transcript = Cluster { pods: space.pods.clone(), nodes: None }.transcript().await;
    space.remove().await;
    compare(&transcript, TRANSCRIPT);
}

//! Simulated nodes for tests, pods for them, and what is shown of those.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodStatus};
use kube::{Api, api::PostParams};
use omotes_operator::testing::api::names;
use serde_json::{Value, json};

use super::super::{Nodes, Program, Start, simple};
use crate::{simulation::apiserver::SimulatedApiserver, support::bed::merged};

pub(super) const NAMESPACE: &str = "team";
/// The time at which tests begin.
pub(super) const EPOCH: i64 = 1_800_000_000;

/// An apiserver with two nodes, `a` and `b`, that take two pods each.
pub(super) struct Bed {
    pub apiserver: SimulatedApiserver,
    pub nodes: Nodes,
    pub pods: Api<Pod>,
}

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) async fn wait(count: u64) {
    tokio::time::sleep(seconds(count)).await;
}

pub(super) fn apiserver() -> SimulatedApiserver {
    let apiserver = SimulatedApiserver::start(Timestamp::from_second(EPOCH).unwrap());
    apiserver.add_namespace(NAMESPACE);
    apiserver
}

impl Bed {
    pub(super) fn new(programs: impl Fn(&Start) -> Program + Send + Sync + 'static) -> Self {
        let apiserver = apiserver();
        let nodes = Nodes::start(&apiserver, &[("a", 2), ("b", 2)], programs, simple("sent"));
        Self::of(apiserver, nodes)
    }

    pub(super) fn of(apiserver: SimulatedApiserver, nodes: Nodes) -> Self {
        let pods = Api::namespaced(apiserver.client("user", NAMESPACE), NAMESPACE);
        Self { apiserver, nodes, pods }
    }

    /// All containers do this.
    pub(super) fn all(program: Program) -> Self {
        Self::new(move |_| program.clone())
    }

    pub(super) async fn create(&self, pod: Value) {
        self.pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    }

    pub(super) async fn shown(&self, pod: &str) -> String {
        self.pods.get_opt(pod).await.unwrap().map_or_else(|| "gone".to_owned(), |pod| shown(&pod))
    }

    /// When main of a pod began and ended, in seconds since the test began.
    pub(super) fn life(&self, pod: &str) -> (i64, Option<i64>) {
        let lives = self.nodes.lives();
        let life = lives.iter().find(|life| life.pod == pod && life.is_main).unwrap();
        let second = |time: Timestamp| time.as_second() - EPOCH;
        (second(life.began), life.ended.map(second))
    }
}

/// A pod with a main container and ten seconds to end, changed by `patch`.
pub(super) fn pod(name: &str, patch: &Value) -> Value {
    let main = json!({"name": "main", "image": "i"});
    let spec = json!({"restartPolicy": "Never", "terminationGracePeriodSeconds": 10, "containers": [main]});
    merged(json!({"metadata": {"name": name}, "spec": spec}), patch)
}

/// One that something holds when it is deleted.
pub(super) fn held(name: &str) -> Value {
    pod(name, &json!({"metadata": {"finalizers": ["example.com/held"]}}))
}

pub(super) fn sidecar(name: &str) -> Value {
    json!({"name": name, "image": "i", "restartPolicy": "Always"})
}

/// The courier's containers, with another sidecar before the courier itself.
pub(super) fn couriers() -> Value {
    let input = json!({"name": names::CONTAINER_COURIER_INPUT, "image": "i"});
    json!({"spec": {"initContainers": [input, sidecar("proxy"), sidecar(names::CONTAINER_COURIER)]}})
}

/// Phase and reason, each container's state, whether the pod is ready, and what disrupts it.
fn shown(pod: &Pod) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let phase = [status.phase.clone(), status.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let inits = status.init_container_statuses.iter().flatten();
    let containers = inits.chain(status.container_statuses.iter().flatten()).map(container);
    let conditions = ["Ready", "DisruptionTarget"].into_iter().filter_map(|type_| condition(&status, type_));
    let deletion = pod.metadata.deletion_grace_period_seconds.map(|grace| format!("deleted within {grace}"));
    let parts = [phase].into_iter().chain(containers).chain(conditions).chain(deletion);
    parts.collect::<Vec<_>>().join(", ")
}

fn container(status: &ContainerStatus) -> String {
    format!("{} {}", status.name, status.state.as_ref().map(state).unwrap_or_default())
}

fn state(state: &ContainerState) -> String {
    match (&state.waiting, &state.terminated) {
        (Some(waiting), _) => waiting.reason.clone().unwrap_or_default(),
        (_, Some(end)) => {
            let words = end.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
            format!("{} {}{words}", end.reason.as_deref().unwrap_or_default(), end.exit_code)
        }
        (None, None) => "runs".to_owned(),
    }
}

fn condition(status: &PodStatus, type_: &str) -> Option<String> {
    let found = status.conditions.iter().flatten().find(|condition| condition.type_ == type_)?;
    let reason = found.reason.as_deref().unwrap_or_default();
    Some(format!("{type_} {} {reason}", found.status).trim_end().to_owned())
}

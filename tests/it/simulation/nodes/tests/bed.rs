//! Simulated nodes for tests, pods for them, and what is shown of those.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use omotes_operator::testing::api::names;
use serde_json::{Value, json};

use super::super::{Nodes, Program, Start, condition, shown, simple};
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
        self.pods.get_opt(pod).await.unwrap().map_or_else(|| "gone".to_owned(), |pod| ready_and_disrupted(&pod))
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

/// The pod in one line, with whether it is ready and what disrupts it.
fn ready_and_disrupted(pod: &Pod) -> String {
    shown(pod, |all| {
        let named = |type_| all.iter().find(|known| known.type_ == type_).map(condition);
        ["Ready", "DisruptionTarget"].into_iter().filter_map(named).collect()
    })
}

//! The control plane's controllers: taint eviction and garbage collection of pods, and of what has no owner any more.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream::select_all};
use serde_json::json;
use tokio::time::sleep;

use super::{
    CLIENT,
    cluster::Cluster,
    conditions::Condition,
    node::Node,
    pod::{has_ended, metadata, node},
};
use crate::simulation::apiserver::SimulatedApiserver;

/// How long the garbage collector takes.
const COLLECTION: Duration = Duration::from_millis(500);
/// As many signals at once as are worth one collection.
const SIGNALS: usize = 256;
/// What owns, what is owned and waits for that, and what all is in.
const OF_INTEREST: [&str; 4] = ["namespaces", "omotesjobs", "omotesworkflows", "pods"];

/// From a kubelet's last word to the control plane's verdict.
const NODE_MONITOR_GRACE: Duration = Duration::from_secs(40);
/// How long pods tolerate a node that is not ready.
const TOLERATION: Duration = Duration::from_secs(300);
/// How long a node is gone before its pods go.
const QUARANTINE: Duration = Duration::from_secs(40);

/// Collects garbage whenever something of interest has changed.
pub(super) async fn collect_garbage(apiserver: SimulatedApiserver) {
    loop {
        let signals = OF_INTEREST.map(|plural| {
            let watch = apiserver.signals(CLIENT, plural).map(|()| true);
            watch.chain(futures::stream::once(async { false })).boxed()
        });
        let mut signals = select_all(signals).ready_chunks(SIGNALS);
        // Where one watch has ended, all begin anew.
        while signals.next().await.is_some_and(|all| all.into_iter().all(|goes_on| goes_on)) {
            sleep(COLLECTION).await;
            if apiserver.may_have_garbage() {
                apiserver.collect_garbage();
            }
        }
    }
}

/// What the control plane does with a node whose kubelet is silent, as long as that was the last that happened to it.
pub(super) async fn take_for_lost(cluster: Arc<Cluster>, node: Arc<Node>, change: u32) {
    sleep(NODE_MONITOR_GRACE).await;
    if node.facts().changes != change {
        return;
    }
    node.change(|facts| facts.is_ready = false);
    cluster.set_conditions(&node, &Condition::fails("Ready"));
    sleep(TOLERATION).await;
    if node.facts().changes == change {
        let message = "Taint manager: deleting due to NoExecute taint";
        cluster.set_conditions(&node, &Condition::disruption_target("DeletionByTaintManager", message));
        cluster.live_on(&node).iter().for_each(|uid| cluster.apiserver.delete_pod(uid, None));
    }
}

/// What the garbage collector of pods does with those of a node that is gone.
pub(super) async fn remove_pods_of(cluster: Arc<Cluster>, node: Arc<Node>) {
    sleep(QUARANTINE).await;
    let target = Condition::disruption_target("DeletionByPodGC", "PodGC: node no longer exists");
    cluster.set_conditions(&node, &target);
    for uid in cluster.live_on(&node) {
        cluster.apiserver.change_pod(&uid, |pod| pod["status"]["phase"] = json!("Failed"));
        cluster.apiserver.delete_pod(&uid, Some(0));
    }
}

impl Cluster {
    /// The UIDs of the pods of a node whose end no kubelet has reported.
    fn live_on(&self, place: &Node) -> Vec<String> {
        let live = self.apiserver.pods(|pod| node(pod) == place.name && !has_ended(pod));
        live.iter().map(|pod| metadata(pod, "uid").to_owned()).collect()
    }

    fn set_conditions(&self, node: &Node, condition: &Condition) {
        let now = self.apiserver.now();
        for uid in self.live_on(node) {
            self.apiserver.change_pod(&uid, |pod| condition.set(&mut pod["status"], now));
        }
    }
}

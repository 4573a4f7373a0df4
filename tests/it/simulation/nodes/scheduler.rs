//! The scheduler: a pod gets the node with the fewest pods that has a place.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::time::sleep;

use super::{
    cluster::Cluster,
    conditions::Condition,
    node::Node,
    pod::{has_ended, is_deleting, metadata, node},
};

/// How long the scheduler takes.
const DELAY: Duration = Duration::from_millis(100);
/// The scheduler of pods that name none.
const DEFAULT: &str = "default-scheduler";

/// Gives a pod a node, as soon as one has a place.
pub(super) async fn schedule(cluster: Arc<Cluster>, uid: String) {
    sleep(DELAY).await;
    while cluster.is_unbound(&uid) {
        let before = cluster.room.get();
        match cluster.find_place() {
            Ok(node) => return cluster.bind(&uid, &node),
            Err(message) => cluster.note_unschedulable(&uid, &message),
        }
        cluster.room.until(|times| *times != before).await;
    }
}

impl Cluster {
    /// Refuses to schedule pods, with these words, or schedules them again.
    pub(super) fn refuse(&self, message: Option<&str>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = message.map(str::to_owned);
        self.make_room();
    }

    fn is_unbound(&self, uid: &str) -> bool {
        let is_own = |name: Option<&str>| name.is_none_or(|name| name == DEFAULT);
        let found = self.apiserver.pods(|pod| metadata(pod, "uid") == uid);
        found
            .iter()
            .any(|pod| node(pod).is_empty() && !is_deleting(pod) && is_own(pod["spec"]["schedulerName"].as_str()))
    }

    /// A node with a place, or why there is none.
    fn find_place(&self) -> Result<Arc<Node>, String> {
        if let Some(refusal) = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(refusal);
        }
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        self.apiserver.pods(|pod| {
            if !has_ended(pod) {
                *taken.entry(node(pod).to_owned()).or_default() += 1;
            }
            false
        });
        let taken = |node: &Node| taken.get(&node.name).copied().unwrap_or_default();
        let free = self.nodes.values().filter(|node| node.takes_pods() && taken(node) < node.places);
        let count = self.nodes.len();
        let none = || format!("0/{count} nodes are available: {count} Too many pods.");
        free.min_by_key(|node| taken(node)).cloned().ok_or_else(none)
    }

    fn bind(&self, uid: &str, node: &Node) {
        let now = self.apiserver.now();
        self.apiserver.change_pod(uid, |pod| {
            pod["spec"]["nodeName"] = json!(node.name);
            Condition::holds("PodScheduled").set(&mut pod["status"], now);
        });
    }

    fn note_unschedulable(&self, uid: &str, message: &str) {
        let condition = Condition::fails("PodScheduled").because("Unschedulable", message);
        let now = self.apiserver.now();
        self.apiserver.change_pod(uid, |pod| condition.set(&mut pod["status"], now));
    }
}

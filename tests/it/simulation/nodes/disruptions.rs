//! What a test does to pods and nodes, by their names.

use super::{
    Nodes,
    conditions::Condition,
    controllers::{remove_pods_of, take_for_lost},
    ending::{Ending, KubeletsEnd},
    node::Reach,
    process::Signal,
};

impl Nodes {
    /// Deletes a pod, as a user does: within so many seconds, or its own. With 0 it is forced off: its object goes at once, and
    /// its containers go on until their kubelet has ended them.
    pub(crate) fn delete_pod(&self, pod: &str, grace_seconds: Option<u64>) {
        self.0.apiserver.delete_pod(&self.0.uid(pod), grace_seconds);
    }

    /// Evicts a pod by the eviction API, as a drain does.
    pub(crate) fn evict(&self, pod: &str) {
        self.delete_as_target(pod, "EvictionByEvictionAPI", "Eviction API: evicting");
    }

    /// Deletes a pod in favour of another one.
    pub(crate) fn preempt(&self, pod: &str) {
        let message = "default-scheduler: preempting to accommodate a higher priority pod";
        self.delete_as_target(pod, "PreemptionByScheduler", message);
    }

    fn delete_as_target(&self, pod: &str, reason: &str, message: &str) {
        let (uid, now) = (self.0.uid(pod), self.0.apiserver.now());
        let condition = Condition::disruption_target(reason, message);
        self.0.apiserver.change_pod(&uid, |pod| condition.set(&mut pod["status"], now));
        self.0.apiserver.delete_pod(&uid, None);
    }

    /// Has its kubelet evict a pod, because the node is short of memory.
    pub(crate) fn evict_by_kubelet(&self, pod: &str) {
        self.0.worker(pod).end_by_kubelet(KubeletsEnd::eviction());
    }

    /// Kills a container by SIGKILL.
    pub(crate) fn kill(&self, pod: &str, container: &str) {
        self.signal(pod, container, Signal::Kill);
    }

    /// Kills a container for its memory.
    pub(crate) fn exhaust_memory(&self, pod: &str, container: &str) {
        self.signal(pod, container, Signal::OutOfMemory);
    }

    fn signal(&self, pod: &str, container: &str, signal: Signal) {
        let worker = self.0.worker(pod);
        let place = worker.containers.look(|all| all.iter().position(|known| known.name == container));
        let place = place.unwrap_or_else(|| panic!("{pod} has no container {container}"));
        worker.signal(place, signal);
    }

    /// Cuts a node off. Its containers go on; after 40 seconds it is not ready, and five minutes later its pods are deleted,
    /// which no kubelet confirms.
    pub(crate) fn lose_node(&self, node: &str) {
        let node = self.0.node(node).clone();
        let change = node.set_reach(Reach::Cut);
        self.0.spawn(take_for_lost(self.0.clone(), node, change));
    }

    /// Brings a node back that was cut off or shut down.
    pub(crate) fn restore_node(&self, name: &str) {
        let node = self.0.node(name);
        node.set_reach(Reach::Up);
        node.change(|facts| (facts.is_ready, facts.rejection) = (true, None));
        self.0.look();
        self.0.workers_on(name).iter().for_each(|worker| worker.report());
        self.0.make_room();
    }

    /// Takes a node away for good, and its containers with it. After 40 seconds its pods are forced off.
    pub(crate) fn remove_node(&self, name: &str) {
        let node = self.0.node(name).clone();
        node.set_reach(Reach::Removed);
        for worker in self.0.workers_on(name) {
            // Nothing starts again while all is killed.
            worker.begin_end(&Ending::Deleted);
            worker.end_by_kubelet(KubeletsEnd::shutdown());
            (0..worker.signals.len()).for_each(|place| worker.signal(place, Signal::Kill));
        }
        self.0.spawn(remove_pods_of(self.0.clone(), node));
    }

    /// Shuts a node down: its kubelet ends all pods, and refuses those that still come.
    pub(crate) fn shut_down_node(&self, name: &str) {
        self.reject_pods(name, "NodeShutdown", "Pod was rejected as the node is shutting down.");
        for worker in self.0.workers_on(name) {
            worker.end_by_kubelet(KubeletsEnd::shutdown());
        }
    }

    /// Has a kubelet refuse the pods that come, until its node is restored.
    pub(crate) fn reject_pods(&self, node: &str, reason: &str, message: &str) {
        let rejection = Some((reason.to_owned(), message.to_owned()));
        self.0.node(node).change(|facts| facts.rejection = rejection);
    }
}

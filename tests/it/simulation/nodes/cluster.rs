//! What nodes and control plane share, and how changes of pods reach them.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::{FutureExt as _, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::{
    CLIENT,
    courier::Couriers,
    lives::Lives,
    node::Node,
    pod::{has_ended, metadata, node},
    program::Programs,
    scheduler,
    watched::Watched,
    worker::Worker,
};
use crate::simulation::apiserver::SimulatedApiserver;

/// As many signals at once as are worth one look.
const SIGNALS: usize = 256;

/// Nodes and control plane.
pub(super) struct Cluster {
    pub apiserver: SimulatedApiserver,
    pub nodes: BTreeMap<String, Arc<Node>>,
    pub programs: Programs,
    pub couriers: Box<dyn Couriers>,
    pub lives: Lives,
    /// How often there was room for a pod that had found no place.
    pub room: Watched<u64>,
    /// Why no pod is scheduled.
    pub refusal: Mutex<Option<String>>,
    pods: Mutex<Pods>,
    has_panicked: AtomicBool,
}

/// Pods, by their UIDs.
#[derive(Default)]
struct Pods {
    /// Those that were there at the last look and had not ended.
    known: BTreeSet<String>,
    /// Those that the scheduler has.
    scheduled: BTreeSet<String>,
    /// Those that a kubelet has.
    workers: BTreeMap<String, Arc<Worker>>,
    /// How many kubelets had.
    begun: usize,
}

impl Cluster {
    pub(super) fn new(
        apiserver: &SimulatedApiserver,
        nodes: &[(&str, usize)],
        programs: Programs,
        couriers: Box<dyn Couriers>,
    ) -> Self {
        let node = |(number, (name, places)): (usize, &(&str, usize))| {
            ((*name).to_owned(), Arc::new(Node::new(number, name, *places)))
        };
        Self {
            apiserver: apiserver.clone(),
            nodes: nodes.iter().enumerate().map(node).collect(),
            programs,
            couriers,
            lives: Lives::default(),
            room: Watched::default(),
            refusal: Mutex::default(),
            pods: Mutex::default(),
            has_panicked: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pods> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn node(&self, name: &str) -> &Arc<Node> {
        self.nodes.get(name).unwrap_or_else(|| panic!("there is no node {name}"))
    }

    /// The work of the kubelet of that node.
    pub(super) fn workers_on(&self, node: &str) -> Vec<Arc<Worker>> {
        self.lock().workers.values().filter(|worker| worker.node.name == node).cloned().collect()
    }

    /// The work for the pod of that name.
    pub(super) fn worker(&self, pod: &str) -> Arc<Worker> {
        let uid = self.uid(pod);
        let found = self.lock().workers.get(&uid).cloned();
        found.unwrap_or_else(|| panic!("no kubelet has the pod {pod}"))
    }

    /// The UID of the pod of that name.
    pub(super) fn uid(&self, pod: &str) -> String {
        let found = self.apiserver.pods(|known| metadata(known, "name") == pod);
        let uid = found.first().map(|pod| metadata(pod, "uid").to_owned());
        uid.unwrap_or_else(|| panic!("there is no pod {pod}"))
    }

    /// Lets pods be scheduled that found no place.
    pub(super) fn make_room(&self) {
        self.room.change(|times| *times += 1);
    }

    /// Has scheduler and kubelets see what changed.
    pub(super) fn look(self: &Arc<Self>) {
        let (mut pods, mut there) = (self.lock(), BTreeSet::new());
        let news = self.apiserver.pods(|pod| {
            let uid = metadata(pod, "uid");
            if !has_ended(pod) || pods.workers.contains_key(uid) {
                there.insert(uid.to_owned());
            }
            self.is_news(&pods, pod)
        });
        for pod in news {
            self.meet(&mut pods, pod);
        }
        let gone = pods.workers.values().filter(|worker| !there.contains(&worker.uid));
        gone.for_each(|worker| worker.see_removal());
        let has_room = !pods.known.is_subset(&there);
        pods.scheduled.retain(|uid| there.contains(uid));
        pods.known = there;
        drop(pods);
        if has_room {
            self.make_room();
        }
    }

    fn is_news(&self, pods: &Pods, pod: &Value) -> bool {
        let uid = metadata(pod, "uid");
        match (pods.workers.get(uid), self.nodes.get(node(pod))) {
            (Some(worker), _) => worker.is_news(metadata(pod, "resourceVersion")),
            _ if has_ended(pod) => false,
            (None, Some(node)) => node.is_up(),
            (None, None) => node(pod).is_empty() && !pods.scheduled.contains(uid),
        }
    }

    fn meet(self: &Arc<Self>, pods: &mut Pods, pod: Value) {
        let (uid, node) = (metadata(&pod, "uid").to_owned(), self.nodes.get(node(&pod)));
        let pod = || serde_json::from_value::<Pod>(pod.clone()).unwrap();
        match (pods.workers.get(&uid), node) {
            (Some(worker), _) => worker.see(pod()),
            (None, Some(node)) => {
                pods.begun += 1;
                let worker = Arc::new(Worker::new(self, node, pod(), pods.begun));
                pods.workers.insert(uid, worker.clone());
                self.spawn(attend(worker));
            }
            (None, None) => {
                pods.scheduled.insert(uid.clone());
                self.spawn(scheduler::schedule(self.clone(), uid));
            }
        }
    }

    /// Begins a task. A panic in it, which may be that of a closure of the test's, is noted.
    pub(super) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let cluster = self.clone();
        tokio::spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                cluster.has_panicked.store(true, Ordering::Relaxed);
            }
        });
    }

    /// Panics where a task did.
    pub(super) fn check(&self) {
        assert!(!self.has_panicked.load(Ordering::Relaxed), "a task of the nodes panicked");
    }

    fn forget(&self, uid: &str) {
        self.lock().workers.remove(uid);
    }
}

async fn attend(worker: Arc<Worker>) {
    worker.clone().live().await;
    worker.cluster.forget(&worker.uid);
    worker.cluster.make_room();
}

/// Looks whenever a pod has changed.
pub(super) async fn follow(cluster: Arc<Cluster>) {
    loop {
        let mut signals = pin!(cluster.apiserver.signals(CLIENT, "pods").ready_chunks(SIGNALS));
        cluster.look();
        while signals.next().await.is_some() {
            cluster.look();
        }
    }
}

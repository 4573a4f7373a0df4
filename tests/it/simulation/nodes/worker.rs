//! A kubelet's work for one pod, from its binding to its object's end.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    cluster::Cluster,
    conditions::whole,
    container::{self, Container, Role},
    courier::Main,
    ending::{Ending, KubeletsEnd},
    node::Node,
    pod::Seen,
    process::Signal,
    status::{Report, Stage, Standing},
    watched::Watched,
};

/// Until a pod has its network.
const SANDBOX: Duration = Duration::from_millis(200);
/// Until a container runs that may start.
const CREATION: Duration = Duration::from_millis(100);
/// From the end of all containers to a pod's final status.
const LAST_WORD: Duration = Duration::from_millis(100);
/// From a pod's final status to the end of its object.
const REMOVAL: Duration = Duration::from_millis(200);

/// A kubelet's work for one pod.
pub(super) struct Worker {
    pub cluster: Arc<Cluster>,
    pub node: Arc<Node>,
    pub uid: String,
    pod_ip: String,
    /// When the kubelet took the pod, in whole seconds.
    pub start: Timestamp,
    /// The pod's object as far as the kubelet knows it.
    pub seen: Watched<Seen>,
    /// What the kubelet itself ends the pod for.
    pub order: Watched<Option<KubeletsEnd>>,
    pub containers: Watched<Vec<Container>>,
    /// What reached each container.
    pub signals: Vec<Watched<Signal>>,
    pub main: Watched<Main>,
    standing: Mutex<Standing>,
}

impl Worker {
    pub(super) fn new(cluster: &Arc<Cluster>, node: &Arc<Node>, pod: Pod, number: usize) -> Self {
        let containers = container::all(&pod);
        let now = cluster.apiserver.now();
        Self {
            cluster: cluster.clone(),
            node: node.clone(),
            uid: pod.uid().unwrap_or_default(),
            pod_ip: format!("10.1.{}.{}", number / 256 % 256, number % 256),
            start: Timestamp::from_second(now.as_second()).unwrap_or(now),
            seen: Watched::new(Seen { pod: Arc::new(pod), is_gone: false }),
            order: Watched::new(None),
            signals: containers.iter().map(|_| Watched::new(Signal::None)).collect(),
            containers: Watched::new(containers),
            main: Watched::default(),
            standing: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.cluster.apiserver.now()
    }

    /// The pod as the kubelet knows it.
    pub(super) fn pod(&self) -> Arc<Pod> {
        self.seen.look(|seen| seen.pod.clone())
    }

    /// Whether it knows another version of the pod than this one.
    pub(super) fn is_news(&self, version: &str) -> bool {
        self.node.is_up() && self.pod().resource_version().as_deref() != Some(version)
    }

    pub(super) fn see(&self, pod: Pod) {
        self.seen.change(|seen| seen.pod = Arc::new(pod));
    }

    /// Sees that the pod's object is gone.
    pub(super) fn see_removal(&self) {
        if self.node.is_up() && !self.seen.look(|seen| seen.is_gone) {
            self.seen.change(|seen| seen.is_gone = true);
        }
    }

    /// Has the kubelet itself end the pod.
    pub(super) fn end_by_kubelet(&self, end: KubeletsEnd) {
        self.order.change(|order| *order = Some(end));
    }

    /// Lives the pod's life.
    pub(super) async fn live(self: Arc<Self>) {
        if !self.is_rejected() {
            self.report();
            let ending = tokio::select! {
                biased;
                () = self.start_containers() => Ending::Natural,
                ending = self.is_to_end() => ending,
            };
            self.begin_end(&ending);
            self.end_containers(&ending).await;
            self.finish_end();
            sleep(LAST_WORD).await;
            self.give_up();
            self.node.until_up().await;
            self.report();
        }
        sleep(REMOVAL).await;
        self.node.until_up().await;
        // One that is deleted later has ended by then, and the apiserver knows.
        if self.seen.look(Seen::is_deleted) {
            self.cluster.apiserver.delete_pod(&self.uid, Some(0));
        }
    }

    /// Whether the kubelet refuses the pod.
    fn is_rejected(&self) -> bool {
        let Some((reason, message)) = self.node.facts().rejection else { return false };
        self.cluster.apiserver.change_pod(&self.uid, |pod| {
            let status = &mut pod["status"];
            (status["phase"], status["startTime"]) = (json!("Failed"), json!(whole(self.start)));
            (status["reason"], status["message"]) = (json!(reason), json!(message));
        });
        true
    }

    /// Starts all containers, and returns when all regular ones have ended, or one did not let others start.
    async fn start_containers(self: &Arc<Self>) {
        sleep(SANDBOX).await;
        for place in 0..self.signals.len() {
            sleep(CREATION).await;
            self.cluster.spawn(self.clone().run(place));
            match self.role(place) {
                Role::Init => self.containers.until(|all| all[place].code().is_some()).await,
                Role::Sidecar => self.containers.until(|all| all[place].is_running()).await,
                Role::Regular => {}
            }
            if self.role(place) == Role::Init && !self.is_initialized(place) {
                return;
            }
        }
        let is_over = |container: &Container| container.role != Role::Regular || container.code().is_some();
        self.containers.until(|all| all.iter().all(is_over)).await;
    }

    pub(super) fn role(&self, place: usize) -> Role {
        self.containers.look(|all| all[place].role)
    }

    pub(super) fn name(&self, place: usize) -> String {
        self.containers.look(|all| all[place].name.clone())
    }

    fn is_initialized(&self, place: usize) -> bool {
        self.containers.look(|all| all[place].is_initialized())
    }

    /// Starts no container any more. The kubelet says once more how the pod is, and then nothing until all have ended.
    pub(super) fn begin_end(&self, ending: &Ending) {
        if let Ending::Kubelets(end) = ending {
            self.standing().end = Some(end.clone());
        }
        self.report();
        self.standing().stage = Stage::Ending;
    }

    /// Whether no container starts any more.
    pub(super) fn is_ending(&self) -> bool {
        self.standing().stage != Stage::Open
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All containers have ended.
    fn finish_end(&self) {
        let is_late = self.is_late();
        let mut standing = self.standing();
        standing.stage = Stage::Ended;
        if is_late {
            standing.end.get_or_insert_with(KubeletsEnd::deadline);
        }
        drop(standing);
        self.report();
    }

    /// Nothing of the pod runs any more. A regular container that never started is said to be lost, unless the pod's init
    /// containers had not done their work.
    fn give_up(&self) {
        self.containers.change(|all| {
            let is_initialized = all.iter().all(|known| known.role == Role::Regular || known.has_begun())
                && all.iter().all(|known| known.role != Role::Init || known.is_initialized());
            for container in all.iter_mut().filter(|known| is_initialized || known.has_begun()) {
                container.give_up();
            }
        });
        self.standing().stage = Stage::Over;
    }

    /// Changes what the kubelet knows of a container, and reports it.
    pub(super) fn change(&self, place: usize, change: impl FnOnce(&mut Container)) {
        self.containers.change(|all| change(&mut all[place]));
        self.report();
    }

    /// Lets a signal reach a container that no harder one has reached.
    pub(super) fn signal(&self, place: usize, signal: Signal) {
        self.signals[place].change(|known| *known = signal.max(*known));
    }

    pub(super) fn signal_all(&self, places: &[usize], signal: Signal) {
        for place in places {
            self.signal(*place, signal);
        }
    }

    /// Writes the pod's status, unless its containers are being ended.
    pub(super) fn report(&self) {
        if self.standing().stage != Stage::Ending {
            self.write_status();
        }
    }

    /// Writes the pod's status, where the kubelet reaches the apiserver.
    pub(super) fn write_status(&self) {
        if !self.node.is_up() {
            return;
        }
        let (pod, containers, standing) = (self.pod(), self.containers.get(), self.standing().clone());
        let report = Report {
            pod: &pod,
            host_ip: &self.node.ip,
            pod_ip: &self.pod_ip,
            start: self.start,
            now: self.now(),
            containers: &containers,
            standing: &standing,
        };
        self.cluster.apiserver.change_pod(&self.uid, |pod: &mut Value| report.write(&mut pod["status"]));
    }
}

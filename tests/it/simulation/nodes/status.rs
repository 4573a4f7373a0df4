//! The status of a pod, as a kubelet makes it from what it knows.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    conditions::{Condition, whole},
    container::{Container, Role},
    ending::KubeletsEnd,
};

const PENDING: &str = "Pending";
const RUNNING: &str = "Running";
const SUCCEEDED: &str = "Succeeded";
const FAILED: &str = "Failed";

/// Where a pod is with its kubelet.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub stage: Stage,
    /// Why the kubelet itself ends it, where it does.
    pub end: Option<KubeletsEnd>,
}

/// How far a pod is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Open,
    /// No container starts any more, and those that run are being ended. A kubelet says nothing meanwhile.
    Ending,
    /// All have ended, which is not the last word yet.
    Ended,
    /// The last word.
    Over,
}

/// What a kubelet knows of a pod.
pub(super) struct Report<'a> {
    pub pod: &'a Pod,
    pub host_ip: &'a str,
    pub pod_ip: &'a str,
    /// When the kubelet took it.
    pub start: Timestamp,
    pub now: Timestamp,
    pub containers: &'a [Container],
    pub standing: &'a Standing,
}

impl Report<'_> {
    /// Writes what it says over the pod's status, of which others wrote parts.
    pub(super) fn write(&self, status: &mut Value) {
        let phase = self.phase();
        // A phase that is final, and why, is withheld as long as something may run.
        if self.is_over() || ![SUCCEEDED, FAILED].contains(&phase) {
            status["phase"] = json!(phase);
        }
        if let Some(end) = self.standing.end.as_ref().filter(|_| self.is_over()) {
            (status["reason"], status["message"]) = (json!(end.reason), json!(end.message));
            end.target().iter().for_each(|condition| condition.set(status, self.now));
        }
        status["observedGeneration"] = json!(self.pod.metadata.generation);
        status["startTime"] = json!(whole(self.start));
        (status["hostIP"], status["hostIPs"]) = (json!(self.host_ip), json!([{"ip": self.host_ip}]));
        (status["podIP"], status["podIPs"]) = (json!(self.pod_ip), json!([{"ip": self.pod_ip}]));
        let uid = self.pod.uid().unwrap_or_default();
        let statuses = |is_wanted: fn(Role) -> bool| -> Vec<Value> {
            self.containers.iter().filter(|known| is_wanted(known.role)).map(|known| known.status(&uid)).collect()
        };
        status["containerStatuses"] = json!(statuses(|role| role == Role::Regular));
        let inits = statuses(|role| role != Role::Regular);
        if !inits.is_empty() {
            status["initContainerStatuses"] = json!(inits);
        }
        self.conditions(phase).iter().for_each(|condition| condition.set(status, self.now));
    }

    fn is_over(&self) -> bool {
        self.standing.stage == Stage::Over
    }

    fn regulars(&self) -> impl Iterator<Item = &Container> + Clone {
        self.containers.iter().filter(|container| container.role == Role::Regular)
    }

    /// The phase that the containers make.
    fn phase(&self) -> &'static str {
        let has_failed = |known: &Container| known.role == Role::Init && known.code().is_some_and(|code| code != 0);
        let mut codes = self.regulars().map(Container::code);
        let has_succeeded = codes.clone().all(|code| code == Some(0));
        let spares_success = self.standing.end.as_ref().is_none_or(KubeletsEnd::spares_success);
        if has_succeeded && spares_success {
            return SUCCEEDED;
        }
        if self.standing.end.is_some() || self.containers.iter().any(has_failed) {
            return FAILED;
        }
        if self.is_over() || codes.all(|code| code.is_some()) {
            return FAILED;
        }
        if self.is_initialized() && !self.regulars().any(Container::is_waiting) { RUNNING } else { PENDING }
    }

    fn is_initialized(&self) -> bool {
        self.regulars().any(Container::has_begun) || self.containers.iter().all(Container::is_initialized)
    }

    fn conditions(&self, phase: &str) -> [Condition; 5] {
        let sandbox = "PodReadyToStartContainers";
        let sandbox = if self.is_over() {
            Condition::fails(sandbox).because("PodSandboxNotReady", "")
        } else {
            Condition::holds(sandbox)
        };
        let [ready, all_ready] = ["Ready", "ContainersReady"].map(|type_| self.ready(type_, phase));
        [sandbox, self.initialized(phase), ready, all_ready, Condition::holds("PodScheduled")]
    }

    fn initialized(&self, phase: &str) -> Condition {
        if phase == SUCCEEDED {
            return Condition::holds("Initialized").because("PodCompleted", "");
        }
        if self.is_initialized() {
            return Condition::holds("Initialized");
        }
        let names = names(self.containers.iter().filter(|known| !known.is_initialized()));
        let message = format!("containers with incomplete status: {names}");
        Condition::fails("Initialized").because("ContainersNotInitialized", &message)
    }

    fn ready(&self, type_: &'static str, phase: &str) -> Condition {
        let unready: Vec<&Container> = self.regulars().filter(|known| !known.is_running()).collect();
        match phase {
            SUCCEEDED => Condition::fails(type_).because("PodCompleted", ""),
            // A kubelet fails a pod for its container that never started after it has said this.
            FAILED if self.standing.end.is_some() || !self.regulars().any(Container::never_started) => {
                Condition::fails(type_).because("PodFailed", "")
            }
            _ if unready.is_empty() => Condition::holds(type_),
            _ => {
                let message = format!("containers with unready status: {}", names(unready.into_iter()));
                Condition::fails(type_).because("ContainersNotReady", &message)
            }
        }
    }
}

fn names<'a>(containers: impl Iterator<Item = &'a Container>) -> String {
    let names: Vec<&str> = containers.map(|container| container.name.as_str()).collect();
    format!("[{}]", names.join(" "))
}

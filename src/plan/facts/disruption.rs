//! What of the cluster ended an attempt: its node, the kubelet, or a request to the apiserver. None of it is the program's
//! fault.
//!
//! Ring: core. The words are those of kubelets from 1.34 to 1.37 and of the control plane.

use jiff::SignedDuration;
use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, ContainerStatus, PodStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};

use crate::{
    api::status::Disruption,
    plan::facts::ending::{Ending, Exit, NodeFault},
};

/// The condition of a pod that the cluster ends.
pub(crate) const DISRUPTION_TARGET: &str = "DisruptionTarget";
/// The reason of a pod that its node evicted.
pub(crate) const EVICTED: &str = "Evicted";
/// The reason of that condition where the kubelet ends the pod. It shows only once all containers have ended.
pub(crate) const BY_KUBELET: &str = "TerminationByKubelet";
/// Why a kubelet refuses or ends a pod, in the pod's own reason.
const KUBELET_REASONS: [&str; 12] = [
    "Terminated",
    "Preempting",
    "NodeShutdown",
    "Shutdown",
    "NodeLost",
    "UnexpectedAdmissionError",
    "NodeAffinity",
    "NodeName",
    "NodePorts",
    "TaintToleration",
    "TopologyAffinityError",
    "InvalidNodeInfo",
];
/// What a kubelet's message begins with where it refuses a pod.
const REJECTED: &str = "Pod was rejected";
/// What a kubelet's message has where a pod took more storage than its own limits allow: an emptyDir's `sizeLimit`, a
/// container's `ephemeral-storage`, or the sum of these.
const OWN_LIMITS: [&str; 3] =
    ["exceeds the limit", "exceeded its local ephemeral storage limit", "exceeds the total limit"];
/// The most seconds between the ends of containers that one loss of power ended.
const AT_ONCE_SECONDS: i64 = 1;
/// The kubelet's reason for a container that it cannot find any more.
pub(crate) const STATUS_UNKNOWN: &str = "ContainerStatusUnknown";

/// What of the cluster ended a pod, where it did.
#[must_use]
pub(crate) fn of(ending: &Ending) -> Option<Disruption> {
    let (reason, message) = words(ending);
    match (reason, ending.target.as_deref()) {
        (EVICTED, _) if exceeds_own_limit(message) => None,
        (EVICTED, _) if is_refused(ending) => Some(Disruption::AdmissionRefused),
        (EVICTED, _) if message.contains("low on resource: memory") => Some(Disruption::MemoryPressure),
        (EVICTED, _) => Some(Disruption::NodePressure),
        ("NodeLost", _) => Some(Disruption::NodeLost),
        ("Preempting", _) => Some(Disruption::Preempted),
        ("Terminated" | "Shutdown", _) => Some(Disruption::TerminatedByKubelet),
        _ if is_refused(ending) || is_of_kubelet(reason, message) => Some(Disruption::AdmissionRefused),
        (_, Some("DeletionByTaintManager" | "DeletionByPodGC")) => Some(Disruption::NodeLost),
        _ if is_lost(ending) => Some(Disruption::NodeLost),
        (_, Some("PreemptionByScheduler")) => Some(Disruption::Preempted),
        (_, Some(BY_KUBELET)) => Some(Disruption::TerminatedByKubelet),
        (_, Some(_)) => Some(Disruption::PodDeleted),
        (_, None) => ending.stop.is_some().then_some(Disruption::PodDeleted),
    }
}

/// Whether nothing but a look at the pod before can prove that main ended by itself. A deletion through the apiserver is no
/// such case: it says when it was asked for. Nor is one that the control plane announced and that never came.
#[must_use]
pub(crate) fn hides_main(ending: &Ending) -> bool {
    let (reason, message) = words(ending);
    let by_node = is_refused(ending) || is_of_kubelet(reason, message) || is_lost(ending);
    by_node || ending.target.as_deref() == Some(BY_KUBELET)
}

/// Whether main's exit code is not main's: the node lost it, or lost its power.
#[must_use]
pub(crate) fn is_unknown(exit: &Exit) -> bool {
    is_made_up(&exit.reason)
}

/// Whether an exit code with this reason is the node's own word for a container that it lost.
#[must_use]
pub(crate) fn is_made_up(reason: &str) -> bool {
    [STATUS_UNKNOWN, "Unknown"].contains(&reason)
}

/// Whether the pod was evicted because it took more storage than its own limits allow.
#[must_use]
pub(crate) fn exceeds_own_limit(message: &str) -> bool {
    OWN_LIMITS.iter().any(|limit| message.contains(limit))
}

/// What the node did to all containers of a pod at once, of which main ended so.
#[must_use]
pub(crate) fn node_fault(status: &PodStatus, main: Option<&ContainerStateTerminated>) -> Option<NodeFault> {
    if refused(status) {
        return Some(NodeFault::Refusal);
    }
    main.filter(|main| lost_power(status, main)).map(|_| NodeFault::PowerLoss)
}

/// Whether a node refused a pod: it says why, and knows no container of it.
fn refused(status: &PodStatus) -> bool {
    let knows = containers(status).next().is_some();
    let reason = status.reason.as_deref().filter(|reason| *reason != "DeadlineExceeded");
    status.phase.as_deref() == Some("Failed") && reason.is_some() && !knows
}

/// Whether main and every other container that still ran beside it were killed at once, and none for its memory: a node
/// without power leaves that. A main that ended alone proves nothing so.
fn lost_power(status: &PodStatus, main: &ContainerStateTerminated) -> bool {
    let at_once = SignedDuration::from_secs(AT_ONCE_SECONDS);
    let earliest = main.finished_at.as_ref().map(|end| Time(end.0 - at_once));
    let ends: Vec<_> = containers(status).map(|known| known.state.as_ref()?.terminated.as_ref()).collect();
    let ran_beside = |end: &ContainerStateTerminated| main.started_at < end.finished_at && earliest <= end.finished_at;
    let beside = ends.into_iter().filter(|end| end.is_none_or(ran_beside));
    let killed = |end: Option<&ContainerStateTerminated>| {
        let killed = end.filter(|end| end.exit_code == 137 && end.reason.as_deref() != Some("OOMKilled"));
        Some(killed?.finished_at.as_ref()?.0.as_second())
    };
    let Some(seconds) = beside.map(killed).collect::<Option<Vec<_>>>() else { return false };
    let span = seconds.iter().max().zip(seconds.iter().min()).map_or(0, |(last, first)| last - first);
    seconds.len() > 1 && span <= AT_ONCE_SECONDS
}

/// The containers of a pod, init containers first.
pub(crate) fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    status.init_container_statuses.iter().chain(&status.container_statuses).flatten()
}

fn is_refused(ending: &Ending) -> bool {
    ending.node == Some(NodeFault::Refusal)
}

fn words(ending: &Ending) -> (&str, &str) {
    ending.pod.as_ref().map_or(("", ""), |(reason, message)| (reason.as_str(), message.as_str()))
}

fn is_of_kubelet(reason: &str, message: &str) -> bool {
    let listed = KUBELET_REASONS.contains(&reason) || reason == EVICTED || reason.starts_with("OutOf");
    listed || (!reason.is_empty() && message.starts_with(REJECTED))
}

fn is_lost(ending: &Ending) -> bool {
    let lost_power = ending.node == Some(NodeFault::PowerLoss) && ending.stop.is_none();
    let forgot = ending.node == Some(NodeFault::Forgot);
    ending.lost || forgot || lost_power || ending.exit.as_ref().is_some_and(is_unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn container(name: &str, state: &Value) -> Value {
        json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    /// A pod whose main ran from 10 to 100 and was killed, beside containers with these exit codes and ends.
    fn is_power_loss(others: &[(i32, i64)]) -> bool {
        let ended = |code: i32, finished: i64| json!({"terminated": {"exitCode": code, "reason": "Error", "startedAt": at(10), "finishedAt": at(finished)}});
        let others = others.iter().map(|(code, finished)| container("other", &ended(*code, *finished)));
        let containers: Vec<Value> = [container("main", &ended(137, 100))].into_iter().chain(others).collect();
        let status: PodStatus = serde_json::from_value(json!({"containerStatuses": containers})).unwrap();
        let main = status.container_statuses.as_ref().unwrap()[0].state.clone().unwrap().terminated;
        node_fault(&status, main.as_ref()) == Some(NodeFault::PowerLoss)
    }

    #[test]
    fn a_loss_of_power_kills_all_that_still_run() {
        for (others, expected) in [
            (&[(137, 100)][..], true),
            (&[(137, 99)], true),
            (&[(137, 101)], true),
            // It had ended long before.
            (&[(0, 12), (137, 100)], true),
            (&[(3, 98), (137, 101)], true),
            // Main ended alone.
            (&[], false),
            (&[(0, 12)], false),
            (&[(137, 98)], false),
            // They were told to stop after main.
            (&[(0, 100)], false),
            (&[(0, 12), (143, 101)], false),
            (&[(137, 130)], false),
            (&[(137, 100), (137, 130)], false),
        ] {
            assert_eq!(is_power_loss(others), expected, "{others:?}");
        }
    }

    /// A container that goes on was not killed.
    #[test]
    fn a_container_that_runs_on_has_power() {
        let main = json!({"terminated": {"exitCode": 137, "startedAt": at(10), "finishedAt": at(100)}});
        let containers =
            [container("main", &main), container("killed", &main), container("other", &json!({"running": {}}))];
        let status: PodStatus = serde_json::from_value(json!({"containerStatuses": containers})).unwrap();
        let main = status.container_statuses.as_ref().unwrap()[0].state.clone().unwrap().terminated;
        assert_eq!(node_fault(&status, main.as_ref()), None);
    }
}

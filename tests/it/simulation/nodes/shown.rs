//! A pod's status in one line, without what differs from one run to the next.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod, PodCondition, PodStatus};

/// Phase and reason, each container's state, the conditions that `chosen` takes of all, and within which time the pod is deleted.
pub(crate) fn shown(pod: &Pod, chosen: impl FnOnce(&[PodCondition]) -> Vec<String>) -> String {
    let status = pod.status.clone().unwrap_or_default();
    let phase = [status.phase.clone(), status.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let conditions = chosen(status.conditions.as_deref().unwrap_or_default());
    let deletion = pod.metadata.deletion_grace_period_seconds.map(|grace| format!("deleted within {grace}"));
    let parts = [phase].into_iter().chain(containers(&status)).chain(conditions).chain(deletion);
    parts.collect::<Vec<_>>().join(", ")
}

/// A condition's type, status and reason.
pub(crate) fn condition(known: &PodCondition) -> String {
    let reason = known.reason.as_deref().unwrap_or_default();
    format!("{} {} {reason}", known.type_, known.status).trim_end().to_owned()
}

fn containers(status: &PodStatus) -> impl Iterator<Item = String> {
    status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten()).map(container)
}

fn container(status: &ContainerStatus) -> String {
    format!("{} {}", status.name, status.state.as_ref().map(state).unwrap_or_default())
}

fn state(state: &ContainerState) -> String {
    match (&state.waiting, &state.terminated) {
        (Some(waiting), _) => waiting.reason.clone().unwrap_or_default(),
        (_, Some(end)) => {
            let words = end.message.as_ref().map(|message| format!(": {}", message.trim_end())).unwrap_or_default();
            format!("{} {}{words}", end.reason.as_deref().unwrap_or_default(), end.exit_code)
        }
        (None, None) => "runs".to_owned(),
    }
}

//! What main must not have, because the kubelet would kill it for that and nothing in the pod's status would say so.

use k8s_openapi::api::core::v1::{Container, Pod, PodTemplateSpec};

use super::main_container::main_container;
use crate::api::names;

/// Why no pod is made from `template`, where main has what makes a kubelet kill it: field and remedy, for people.
#[must_use]
pub(crate) fn main_defect(template: &PodTemplateSpec) -> Option<String> {
    let name = main_container(template);
    let containers = &template.spec.as_ref()?.containers;
    let (index, main) = containers.iter().enumerate().find(|(_, container)| container.name == name)?;
    let (field, remedy) = killer(main)?;
    Some(format!(
        "spec.template.spec.containers[{index}].{field} makes the kubelet kill the program {name}, and its exit code would pass for its own: {remedy}"
    ))
}

/// Why what `pod`'s main does is not its own, where an admission webhook or policy gave it what makes a kubelet kill it and
/// `template` did not: field and remedy, for people.
#[must_use]
pub(crate) fn added_defect(pod: &Pod, template: &PodTemplateSpec) -> Option<String> {
    let name = main_container(template);
    let find = |containers: &[Container]| containers.iter().find(|container| container.name == name).and_then(killer);
    let (field, _) = find(&pod.spec.as_ref()?.containers)?;
    find(&template.spec.as_ref()?.containers).is_none().then(|| {
        format!(
            "an admission webhook or policy added {field} to the container {name}, by which the kubelet kills the program, and its exit code would pass for its own: exempt pods with the label {}={} from it, and create the job again",
            names::LABEL_MANAGED_BY,
            names::OPERATOR
        )
    })
}

fn killer(main: &Container) -> Option<(&'static str, &'static str)> {
    const HEARTBEAT: &str = "remove it, and set spec.heartbeat, which stops a program that makes no progress";
    let starts = main.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.post_start.is_some());
    [
        (main.liveness_probe.is_some(), "livenessProbe", HEARTBEAT),
        (main.startup_probe.is_some(), "startupProbe", HEARTBEAT),
        (starts, "lifecycle.postStart", "when the hook fails. Do it in an init container, or in the program itself"),
    ]
    .into_iter()
    .find_map(|(is_there, field, remedy)| is_there.then_some((field, remedy)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn defect(annotations: &Value, containers: &Value) -> Option<String> {
        let template = json!({"metadata": {"annotations": annotations}, "spec": {"containers": containers}});
        main_defect(&serde_json::from_value(template).unwrap())
    }

    #[test]
    fn only_what_kills_main_is_refused() {
        let probe = json!({"exec": {"command": ["false"]}});
        let second = json!({"kubectl.kubernetes.io/default-container": "second"});
        let live = json!({"name": "first", "livenessProbe": probe});
        for (annotations, containers, words) in [
            (json!({}), json!([live]), Some("containers[0].livenessProbe")),
            (json!({}), json!([{"name": "first", "startupProbe": probe}]), Some("spec.heartbeat")),
            (json!({}), json!([{"name": "first", "lifecycle": {"postStart": probe}}]), Some("an init container")),
            (json!({}), json!([{"name": "first", "readinessProbe": probe, "lifecycle": {"preStop": probe}}]), None),
            (second.clone(), json!([live, {"name": "second"}]), None),
            (second, json!([{"name": "first"}, {"name": "second", "livenessProbe": probe}]), Some("containers[1]")),
            (json!({}), json!([{"name": "first"}, {"name": "second", "livenessProbe": probe}]), None),
        ] {
            let found = defect(&annotations, &containers);
            assert_eq!(found.is_some(), words.is_some(), "{found:?}");
            assert!(found.zip(words).is_none_or(|(found, words)| found.contains(words)), "{words:?}");
        }
    }
}

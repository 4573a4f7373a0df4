//! The pod template inside a job or a workflow: its schema without the prose, and quantities written as numbers.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

/// The most containers (and init containers, volumes' mounts each) that the schema admits; CEL needs bounds.
const MAX_CONTAINERS: u64 = 32;
const MAX_MOUNTS: u64 = 128;

/// Reads a pod template as the apiserver reads a pod's: quantities may be numbers.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PodTemplateSpec, D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    quantities_to_strings(&mut value);
    serde_json::from_value(value).map_err(serde::de::Error::custom)
}

/// [`deserialize`] where it may be left out.
pub(super) fn deserialize_given<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PodTemplateSpec>, D::Error> {
    deserialize(deserializer).map(Some)
}

fn quantities_to_strings(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                match key.as_str() {
                    "limits" | "requests" | "overhead" => {
                        child.as_object_mut().into_iter().flat_map(|m| m.values_mut()).for_each(stringify);
                    }
                    "sizeLimit" | "divisor" => stringify(child),
                    _ => quantities_to_strings(child),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(quantities_to_strings),
        _ => {}
    }
}

fn stringify(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(number.to_string());
    }
}

/// The schema of a pod template.
///
/// Descriptions inside are dropped: with them the CRD would be too large for the annotation that client-side
/// `kubectl apply` writes (256 KiB); `kubectl explain pod.spec` has the same prose.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let mut value = serde_json::to_value(inline::<PodTemplateSpec>(generator)).unwrap_or_default();
    strip_descriptions(&mut value);
    numbers_for_quantities(&mut value);
    value["description"] = json!(
        "Template of the pod that runs the job, with the meaning it has in batch/v1. Main is the container named by the annotation \
         kubectl.kubernetes.io/default-container, else the first; its exit code decides. See `kubectl explain pod.spec` for the fields."
    );
    value["required"] = json!(["spec"]);
    value["properties"]["metadata"] = metadata();
    bound(&mut value["properties"]["spec"]["properties"]);
    value["x-kubernetes-validations"] = rules();
    Schema::try_from(value).unwrap_or_default()
}

/// What every pod template of ours keeps to, wherever it stands.
fn rules() -> Value {
    const RULES: [(&str, &str); 6] = [
        (
            "!has(self.spec.restartPolicy) || self.spec.restartPolicy == 'Never'",
            "spec.template.spec.restartPolicy must be Never or left out: the operator decides whether a job runs again",
        ),
        (
            "self.spec.containers.all(c, !has(c.restartPolicy) && !has(c.restartPolicyRules))",
            "spec.template.spec.containers must not set restartPolicy or restartPolicyRules: the operator decides whether a job runs again",
        ),
        (
            "self.spec.containers.all(c, !c.name.startsWith('omotes-courier')) && (!has(self.spec.initContainers) || self.spec.initContainers.all(c, !c.name.startsWith('omotes-courier')))",
            "container names that start with omotes-courier belong to the operator: rename the container",
        ),
        (
            "!has(self.spec.volumes) || self.spec.volumes.all(v, !v.name.startsWith('omotes-'))",
            "volume names that start with omotes- belong to the operator: rename the volume",
        ),
        (
            "self.spec.containers.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, m.mountPath != '/omotes' && !m.mountPath.startsWith('/omotes/')))",
            "the operator mounts the job's files at /omotes: mount your volume somewhere else",
        ),
        // Where an annotation names main the operator looks itself.
        (
            "(has(self.metadata) && has(self.metadata.annotations) && 'kubectl.kubernetes.io/default-container' in self.metadata.annotations) || !(has(self.spec.containers[0].livenessProbe) || has(self.spec.containers[0].startupProbe))",
            "a livenessProbe or startupProbe on the main container makes the kubelet kill the program, and its exit code would pass for its own: remove it, and set spec.heartbeat, which stops a program that makes no progress",
        ),
    ];
    RULES.iter().map(|(rule, message)| json!({"rule": rule, "message": message})).collect()
}

fn inline<T: schemars::JsonSchema>(generator: &SchemaGenerator) -> Schema {
    let mut settings = generator.settings().clone();
    settings.inline_subschemas = true;
    settings.into_generator().into_root_schema_for::<T>()
}

fn metadata() -> Value {
    let strings = |max: u64| json!({"type": "object", "maxProperties": 64, "additionalProperties": {"type": "string", "maxLength": max}});
    json!({
        "description": "Labels and annotations for the pod. Keys of the operator (omotes.io/…) are set by it. name, generateName, namespace and creationTimestamp have no effect, as in batch/v1: tools write them.",
        "type": "object",
        "properties": {
            "labels": strings(63),
            "annotations": strings(65536),
            "name": {"type": "string", "maxLength": 253},
            "generateName": {"type": "string", "maxLength": 253},
            "namespace": {"type": "string", "maxLength": 63},
            "creationTimestamp": {"type": "string", "format": "date-time"},
        },
    })
}

fn bound(spec: &mut Value) {
    spec["containers"]["minItems"] = json!(1);
    for list in ["containers", "initContainers"] {
        spec[list]["maxItems"] = json!(MAX_CONTAINERS);
        let container = &mut spec[list]["items"]["properties"];
        container["name"]["maxLength"] = json!(63);
        container["volumeMounts"]["maxItems"] = json!(MAX_MOUNTS);
        container["volumeMounts"]["items"]["properties"]["mountPath"]["maxLength"] = json!(1024);
    }
    spec["volumes"]["maxItems"] = json!(MAX_MOUNTS);
    spec["volumes"]["items"]["properties"]["name"]["maxLength"] = json!(63);
    spec["restartPolicy"]["maxLength"] = json!(16);
    spec["activeDeadlineSeconds"]["minimum"] = json!(1);
    spec["terminationGracePeriodSeconds"]["minimum"] = json!(0);
    for seconds in ["activeDeadlineSeconds", "terminationGracePeriodSeconds"] {
        spec[seconds]["maximum"] = json!(super::bounds::MAX_SECONDS);
    }
    bound_ports(spec);
}

/// The only integers that the apiserver would take larger than the types hold: those that may be names, too.
fn bound_ports(value: &mut Value) {
    match value {
        Value::Object(map) if map.contains_key("x-kubernetes-int-or-string") && !map.contains_key("anyOf") => {
            map.extend([("minimum".to_owned(), json!(1)), ("maximum".to_owned(), json!(65535))]);
        }
        Value::Object(map) => map.values_mut().for_each(bound_ports),
        Value::Array(items) => items.iter_mut().for_each(bound_ports),
        _ => {}
    }
}

fn strip_descriptions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("description").is_some_and(Value::is_string) {
                map.remove("description");
            }
            for key in ["$schema", "title"] {
                if map.get(key).is_some_and(Value::is_string) {
                    map.remove(key);
                }
            }
            map.values_mut().for_each(strip_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_descriptions),
        _ => {}
    }
}

fn numbers_for_quantities(value: &mut Value) {
    let Some(map) = value.as_object_mut() else { return };
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        for key in ["limits", "requests", "overhead"] {
            if let Some(values) = properties.get_mut(key).and_then(|p| p.get_mut("additionalProperties")) {
                *values = int_or_string();
            }
        }
        for key in ["sizeLimit", "divisor"] {
            if let Some(slot) = properties.get_mut(key) {
                *slot = int_or_string();
            }
        }
    }
    map.values_mut().for_each(numbers_in_children);
}

fn numbers_in_children(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(numbers_in_children),
        other => numbers_for_quantities(other),
    }
}

fn int_or_string() -> Value {
    let mut schema = Map::new();
    schema.insert("x-kubernetes-int-or-string".to_owned(), json!(true));
    schema.insert("anyOf".to_owned(), json!([{"type": "integer"}, {"type": "string"}]));
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_may_be_numbers_as_in_a_pod() {
        let text = r#"{"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}],
            "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": 1024}}]}}"#;
        let template = deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
        let spec = template.spec.unwrap();
        let limits = spec.containers[0].resources.clone().unwrap().limits.unwrap();
        assert_eq!((limits["cpu"].0.as_str(), limits["memory"].0.as_str()), ("1", "1Gi"));
        let size = spec.volumes.unwrap()[0].empty_dir.clone().unwrap().size_limit.unwrap();
        assert_eq!(size.0, "1024");
    }

    /// As `kubectl create --dry-run=client` and exports of pods write it.
    #[test]
    fn what_tools_write_into_a_templates_metadata_is_known() {
        let schema = serde_json::to_value(schema(&mut SchemaGenerator::default())).unwrap();
        let known = schema["properties"]["metadata"]["properties"].as_object().unwrap().clone();
        let text = r#"{"metadata": {"creationTimestamp": null, "name": "x", "generateName": "x-", "namespace": "ns", "labels": {"a": "b"}},
            "spec": {"containers": [{"name": "main"}]}}"#;
        let written: Value = serde_json::from_str(text).unwrap();
        assert!(written["metadata"].as_object().unwrap().keys().all(|key| known.contains_key(key)), "{known:?}");
        let template = deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
        assert_eq!(template.metadata.unwrap().labels.unwrap()["a"], "b");
    }
}

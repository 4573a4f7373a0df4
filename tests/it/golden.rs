//! The pod of a job with everything in it, as text that people read and diff.

use std::{collections::BTreeMap, fs, path::Path};

use k8s_openapi::api::core::v1::ResourceRequirements;
use omotes_operator::{
    api::{OmotesJob, job::Priority, status::ResultType},
    limits::Defaults,
    pods::{self, Attempt, Settings},
    wire::CapabilityKey,
};
use serde_json::json;

fn job() -> OmotesJob {
    let job = json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesJob",
        "metadata": {"name": "district-b", "namespace": "team-a", "uid": "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11"},
        "spec": {
            "jobId": "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10",
            "priority": "High",
            "jobReference": "district heating, variant B",
            "template": {
                "metadata": {"labels": {"team": "heat"}, "annotations": {"kubectl.kubernetes.io/default-container": "solver"}},
                "spec": {
                    "securityContext": {"runAsUser": 1000, "runAsGroup": 3000},
                    "terminationGracePeriodSeconds": 20,
                    "initContainers": [{"name": "prepare", "image": "prepare:1"}],
                    "containers": [
                        {"name": "helper", "image": "helper:1"},
                        {"name": "solver", "image": "solver:1", "resources": {"limits": {"cpu": 2}}, "env": [{"name": "OMOTES_ATTEMPT", "value": "x"}]},
                    ],
                },
            },
            "input": {"parameters": {"n": 3, "deep": [1, {"m": 2.5}]}, "esdl": {"secretKeyRef": {"name": "networks", "key": "b.esdl"}}},
            "courier": {"flushSeconds": 60},
            "expectedDuration": {"numResources": 120},
            "maxRunSeconds": 7200,
            "startDeadlineSeconds": 900,
            "exitCodes": {"limitReached": 11},
        },
    });
    serde_json::from_value(job).unwrap()
}

#[test]
fn the_pod_of_a_job() {
    let settings = Settings {
        courier_image: "registry.example/omotes-operator:1".to_owned(),
        courier_pull_policy: Some("IfNotPresent".to_owned()),
        courier_resources: serde_json::from_value::<ResourceRequirements>(json!({"requests": {"cpu": "10m"}})).unwrap(),
        capability_key: CapabilityKey::new(&[7; 32]).unwrap(),
        defaults: Defaults::default(),
        priority_classes: BTreeMap::from([(Priority::High, "urgent".to_owned())]),
        deadline_result: ResultType::Cancelled,
    };
    let pod = pods::build(Attempt { job: &job(), number: 1, workflow: Some("grow_optimizer") }, &settings);
    let rendered = serde_saphyr::to_string(&serde_json::to_value(&pod).unwrap()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pod.yaml");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        rendered == golden,
        "the pod has changed; `UPDATE_GOLDEN=1 make test-unit` and read the diff of tests/golden/pod.yaml:\n{rendered}"
    );
}

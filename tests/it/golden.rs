//! The pod of a job with everything in it, as text that people read and diff.

use std::{collections::BTreeMap, fs, path::Path};

use k8s_openapi::api::core::v1::ResourceRequirements;
use omotes_operator::{
    api::{
        OmotesJob, OmotesWorkflow,
        job::{EsdlSource, FromBroker, Priority},
        status::ResultType,
    },
    limits::Defaults,
    pods::{
        self, Attempt, Settings,
        warm::{Form, assignment},
    },
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

fn settings() -> Settings {
    Settings {
        courier_image: "registry.example/omotes-operator:1".to_owned(),
        courier_pull_policy: Some("IfNotPresent".to_owned()),
        courier_resources: serde_json::from_value::<ResourceRequirements>(json!({"requests": {"cpu": "10m"}})).unwrap(),
        capability_key: CapabilityKey::new(&[7; 32]).unwrap(),
        defaults: Defaults::default(),
        gateway_namespace: Some("team-a".to_owned()),
        priority_classes: BTreeMap::from([(Priority::High, "urgent".to_owned())]),
        deadline_result: ResultType::Cancelled,
    }
}

fn attempt(job: &OmotesJob) -> Attempt<'_> {
    Attempt { job, number: 1, workflow: Some("grow_optimizer") }
}

fn assert_golden(object: &impl serde::Serialize, file: &str) {
    let rendered = serde_saphyr::to_string(&serde_json::to_value(object).unwrap()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        rendered == golden,
        "it has changed; `UPDATE_GOLDEN=1 make test-unit` and read the diff of tests/golden/{file}:\n{rendered}"
    );
}

#[test]
fn the_pod_of_a_job() {
    assert_golden(&pods::build(attempt(&job()), &settings()), "pod.yaml");
}

#[test]
fn the_pod_of_a_job_whose_input_waits_at_the_broker() {
    let mut job = job();
    job.spec.input.as_mut().unwrap().esdl =
        Some(EsdlSource { from_broker: Some(FromBroker {}), ..EsdlSource::default() });
    assert_golden(&pods::build(attempt(&job), &settings()), "pod-from-broker.yaml");
}

/// A pod that waits for such a job, and what gives it to the job.
#[test]
fn the_pod_that_waits_for_a_job() {
    let mut job = job();
    job.spec.input.as_mut().unwrap().esdl =
        Some(EsdlSource { from_broker: Some(FromBroker {}), ..EsdlSource::default() });
    let workflow: OmotesWorkflow = serde_json::from_value(json!({
        "metadata": {"name": "grow", "namespace": "team-a", "uid": "1f7a", "generation": 1},
        "spec": {"typeName": "grow_optimizer", "template": job.spec.template},
    }))
    .unwrap();
    let form = Form::of(attempt(&job), &settings(), "17");
    let mut pod = form.to_pod(&workflow);
    assert_golden(&pod, "pod-warm.yaml");
    assert!(form.fits(&pod) && !Form::of(attempt(&job), &settings(), "18").fits(&pod), "credentials are part of it");
    pod.metadata.uid = Some("2b8c".to_owned());
    pod.metadata.resource_version = Some("42".to_owned());
    pod.status = serde_json::from_value(json!({"startTime": "2026-01-01T00:00:00Z"})).unwrap();
    let now = "2026-01-01T00:10:00.4Z".parse().unwrap();
    assert_golden(&assignment(attempt(&job), &settings(), &pod, now), "pod-warm-assignment.yaml");
}

//! The CRD: what is committed is what the types say, and it refuses what it should.

use std::{fs, path::Path};

use omotes_operator::testing::api::{OmotesJob, OmotesWorkflow, crd};
use serde_json::{Value, json};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

#[test]
fn the_committed_crds_are_the_generated_ones() {
    for (file, crd) in crd::all() {
        let generated = crd::yaml(&crd).unwrap();
        for folder in ["crds", "charts/omotes-operator/files/crds"] {
            let path = format!("{folder}/{file}");
            assert!(read(&path) == generated, "{path} is out of date: run `make crds`");
        }
    }
}

/// Client-side `kubectl apply` keeps a copy of the object in an annotation; all annotations may have 256 KiB.
#[test]
fn each_crd_leaves_half_of_the_annotations_free() {
    for (file, crd) in crd::all() {
        let bytes = crd.to_string().len();
        assert!(bytes < 128 * 1024, "{file} has {bytes} bytes as JSON");
    }
}

#[test]
fn every_field_of_ours_is_explained() {
    for (_, crd) in crd::all() {
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for part in ["spec", "status"] {
            explained(&schema["properties"][part], part);
        }
    }
}

fn explained(schema: &Value, path: &str) {
    if path == "spec.template" || path.ends_with(".conditions") {
        return;
    }
    let description = schema["description"].as_str().unwrap_or_default();
    assert!(description.len() > 10, "{path} has no description: {description:?}");
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        explained(child, &format!("{path}.{name}"));
    }
    for (name, child) in schema["items"]["properties"].as_object().into_iter().flatten() {
        explained(child, &format!("{path}[].{name}"));
    }
}

#[test]
fn a_job_reads_what_it_wrote() {
    let job: OmotesJob = serde_json::from_value(json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesJob",
        "metadata": {"name": "a"},
        "spec": {
            "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}},
            "input": {"parameters": {"n": 3}, "esdl": {"inline": "<esdl/>"}},
        },
    }))
    .unwrap();
    let again: OmotesJob = serde_json::from_value(serde_json::to_value(&job).unwrap()).unwrap();
    assert_eq!(job.spec, again.spec);
    assert_eq!((job.spec.queues.expire_after_seconds, job.spec.courier().flush_seconds), (172_800, 120));
}

#[test]
fn a_workflow_reads_what_it_wrote() {
    let workflow: OmotesWorkflow = serde_json::from_value(json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesWorkflow",
        "metadata": {"name": "a"},
        "spec": {
            "typeName": "a_default",
            "template": {"spec": {"containers": [{"name": "main", "image": "i"}]}},
            "parameters": [
                {"keyName": "n", "integer": {"default": 3, "minimum": 1}},
                {"keyName": "start", "dateTime": {"default": "2030-01-01T00:00:00Z"}},
                {"keyName": "end", "dateTime": {}, "constraints": [{"otherKeyName": "start", "relation": "Greater"}]},
            ],
            "maxConcurrentJobs": 2,
        },
    }))
    .unwrap();
    let again: OmotesWorkflow = serde_json::from_value(serde_json::to_value(&workflow).unwrap()).unwrap();
    assert_eq!((&workflow.spec, workflow.spec.suspend), (&again.spec, false));
}

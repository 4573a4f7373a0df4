//! The CRD: what is committed is what the types say, and it refuses what it should.

use std::{fs, path::Path};

use omotes_operator::api::{OmotesJob, crd};
use serde_json::{Value, json};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

#[test]
fn the_committed_crd_is_the_generated_one() {
    let generated = crd::omotes_job_yaml().unwrap();
    for folder in ["crds", "charts/omotes-operator/files/crds"] {
        let path = format!("{folder}/{}", crd::OMOTES_JOB_FILE);
        assert!(read(&path) == generated, "{path} is out of date: run `make crds`");
    }
}

/// Client-side `kubectl apply` keeps a copy of the object in an annotation; all annotations may have 256 KiB.
#[test]
fn the_crd_leaves_half_of_the_annotations_free() {
    let bytes = crd::omotes_job().to_string().len();
    assert!(bytes < 128 * 1024, "the CRD has {bytes} bytes as JSON");
}

#[test]
fn every_field_of_ours_is_explained() {
    let crd = crd::omotes_job();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    for part in ["spec", "status"] {
        explained(&schema["properties"][part], part);
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
    assert_eq!((job.spec.queues.expire_after_seconds, job.spec.courier.flush_seconds), (172_800, 120));
}

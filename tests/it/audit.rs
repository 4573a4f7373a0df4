//! What the audit log says of all that the operator ever asked for on this cluster.

use kube::ResourceExt;

use crate::support::{
    audit::{self, Request},
    bed::{PATIENCE, Space, job, pod_spec, shell_job},
    until,
};

/// Deletes of both kinds are provoked first: a running job's pod, and a job whose time to live is over.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn every_delete_and_status_names_the_very_object_that_was_seen() {
    let space = Space::new("preconditions").await;
    let mark = audit::mark();
    space.create(&shell_job("deleted", "exec sleep 600")).await;
    let spec = serde_json::json!({"ttlSecondsAfterFinished": 0, "template": {"spec": pod_spec("true")}});
    space.create(&job("short-lived", &spec)).await;
    space.running("deleted").await;
    space.delete("deleted").await;
    until("both are gone", PATIENCE, || async {
        let there = space.jobs.list(&kube::api::ListParams::default()).await.unwrap().items;
        if there.is_empty() { Ok(()) } else { Err(there.iter().map(ResourceExt::name_any).collect()) }
    })
    .await;
    space.remove().await;

    let requests = mark.of_operator();
    let kinds = |verb: &str| requests.iter().filter(|r| r.verb == verb).map(Request::short).collect::<Vec<_>>();
    for kind in ["delete pods", "delete omotesjobs"] {
        assert!(kinds("delete").contains(&kind.to_owned()), "{kind} is not among {:?}", kinds("delete"));
    }
    for request in &requests {
        let names = match (request.verb.as_str(), request.resource.as_str(), request.subresource.as_str()) {
            // Of other kinds the log has no bodies.
            ("delete", "pods" | "omotesjobs", _) => &request.body["preconditions"],
            ("patch", "omotesjobs" | "omotesworkflows", _) => &request.body["metadata"],
            ("patch", "pods", _) => {
                assert!(request.body["metadata"]["uid"].is_string(), "{request:?}");
                continue;
            }
            _ => continue,
        };
        let named = |field: &str| names[field].as_str().is_some_and(|text| !text.is_empty());
        assert!(named("uid") && named("resourceVersion"), "{} of {}: {names}", request.short(), request.name);
    }
}

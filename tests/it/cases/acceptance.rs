//! Acceptance is the operator's own record.

use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams},
};
use omotes_operator::testing::api::{OmotesJob, OmotesWorkflow, names};
use serde_json::{Value, json};

use crate::support::{
    bed::{Space, cause, job, message, pod_spec, verdict},
    random_uuid,
};

/// A job whose manifest has the operator's finalizer, as a backup or a template copied from a live job has it.
fn forged(name: &str, spec: &Value) -> OmotesJob {
    let mut job = job(name, spec);
    job.finalizers_mut().push(names::FINALIZER_CLEANUP.to_owned());
    job
}

async fn workflow(space: &Space) {
    let workflows: Api<OmotesWorkflow> = Api::namespaced(space.client.clone(), &space.name);
    let manifest = json!({"metadata": {"name": "workflow"}, "spec": {
        "typeName": "type",
        "parameters": [{"keyName": "years", "integer": {"default": 30, "maximum": 50}}],
        "jobMaxima": {"maxRunSeconds": 600},
        "template": {"spec": pod_spec("true")},
    }});
    workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
}

/// Source: reading of `plan/facts/admission.rs` (K7). A finalizer in a manifest skips no check: each job is refused with the reason
/// that it has without it, runs nothing, and can be deleted at once.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_finalizer_in_a_manifest_skips_no_check() {
    let space = Space::new("forged").await;
    workflow(&space).await;
    let bad = json!({"workflowRef": {"name": "workflow"}, "input": {"parameters": {"years": 51}}});
    let long = json!({"workflowRef": {"name": "workflow"}, "maxRunSeconds": 601});
    let both =
        json!({"workflowRef": {"name": "workflow"}, "maxRunSeconds": 601, "input": {"parameters": {"years": 51}}});
    let large = json!({"template": {"spec": pod_spec("true")}, "input": {"parameters": {"text": "x".repeat(70_000)}}});
    for (name, spec, reason) in [
        ("bad", bad, "InvalidParameters"),
        ("long", long, "LimitTooLong"),
        ("both", both, "InvalidParameters"),
        ("large", large, "ParametersTooLarge"),
    ] {
        let (plain, copy) = (format!("{name}-plain"), format!("{name}-copy"));
        space.create(&job(&plain, &spec)).await;
        space.create(&forged(&copy, &spec)).await;
        let (plain, copy) = (space.ended(&plain).await, space.ended(&copy).await);
        for job in [&plain, &copy] {
            assert_eq!((cause(job), verdict(job, "Accepted")), ("Refused", format!("False {reason}")));
        }
        assert_eq!(message(&plain), message(&copy));
        let copy = space.wait(&copy.name_any(), "released", |job| job.finalizers().is_empty()).await;
        assert!(space.pods.get_opt(&format!("{}-1", copy.name_any())).await.unwrap().is_none(), "it ran");
    }
    space.remove().await;
}

/// Source: reading of `controller/state/claims.rs` (K7). A finalizer wins no jobId from an older job, and the deletion of the
/// loser touches neither the holder nor its queues.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_finalizer_in_a_manifest_wins_no_job_id() {
    let space = Space::new("forged-id").await;
    let id = random_uuid();
    let spec = json!({"jobId": id, "courier": {"enabled": false}, "template": {"spec": pod_spec("sleep 8")}});
    space.create(&job("holder", &spec)).await;
    space.running("holder").await;
    space.create(&forged("forger", &spec)).await;
    let refused = space.ended("forger").await;
    assert_eq!((cause(&refused), verdict(&refused, "Accepted").as_str()), ("Refused", "False DuplicateJobId"));
    space.jobs.delete("forger", &DeleteParams::default()).await.unwrap();
    space.gone("forger").await;
    let holder = space.ended("holder").await;
    assert_eq!((cause(&holder), verdict(&holder, "ResultPublished").as_str()), ("Completed", "True Confirmed"));
    space.remove().await;
}

//! A pod that cannot be seen is not absent.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, PropagationPolicy},
};
use omotes_operator::testing::{
    api::{
        OmotesJob, OmotesWorkflow, names,
        status::{AbortCause, Phase},
    },
    wire::ResultType,
};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, job, merged, message, phase, pod_spec, run_in, verdict},
    client::Listener,
    ghost::{self, Ghost, bound},
    until,
};

async fn relabel(space: &Space, pod: &str) {
    let labels = json!({"metadata": {"labels": {names::LABEL_MANAGED_BY: "x"}}});
    space.pods.patch(pod, &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();
}

async fn released(space: &Space, pod: &str) {
    until(&format!("{pod} is released"), PATIENCE, || async {
        let pod: Option<Pod> = space.pods.get_opt(pod).await.unwrap();
        match pod.map(|pod| pod.finalizers().to_vec()) {
            Some(held) if !held.is_empty() => Err(held.join(", ")),
            _ => Ok(()),
        }
    })
    .await;
}

fn on(ghost: &Ghost, spec: &Value) -> Value {
    let pod = merged(pod_spec("true"), &ghost.there());
    merged(json!({"courier": {"enabled": false}, "template": {"spec": pod}}), spec)
}

/// A running job's pod leaves the operator's watch, because its label is changed: the job runs on, its end is
/// recorded, and its pod can be deleted.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_relabelled_pod_changes_nothing() {
    let space = Space::new("relabelled").await;
    let spec = json!({"courier": {"enabled": false}, "template": {"spec": pod_spec("sleep 15")}});
    space.create(&job("job", &spec)).await;
    let before = space.running("job").await;
    relabel(&space, "job-1").await;
    // What the operator does of itself comes within a second of the watch's word; a change of the job has it look again.
    space.change("job", &json!({"ttlSecondsAfterFinished": 5000})).await;
    let seen =
        |job: &OmotesJob| job.status.as_ref().and_then(|status| status.observed_generation) == job.metadata.generation;
    let after = space.wait("job", "observed", seen).await;
    assert_eq!(
        (phase(&after), after.status.unwrap().start_time),
        (Some(Phase::Running), before.status.unwrap().start_time)
    );
    let ended = space.ended("job").await;
    assert_eq!((cause(&ended), ended.status.unwrap().attempt), ("Completed", Some(1)));
    released(&space, "job-1").await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// A relabelled pod is stopped by `spec.abort` and by the deletion of its job, and so is one that was
/// relabelled before its program started.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_relabelled_pod_is_stopped() {
    let space = Space::new("relabelled-stop").await;
    let spec = json!({"courier": {"enabled": false}, "template": {"spec": pod_spec("exec sleep 600")}});
    for name in ["aborted", "deleted"] {
        space.create(&job(name, &spec)).await;
        space.running(name).await;
        relabel(&space, &format!("{name}-1")).await;
    }
    space.change("aborted", &json!({"abort": {}})).await;
    space.delete("deleted").await;
    let aborted = space.ended("aborted").await;
    let status = aborted.status.clone().unwrap();
    assert_eq!(
        (phase(&aborted), status.abort.map(|abort| abort.cause)),
        (Some(Phase::Aborted), Some(AbortCause::Requested))
    );
    assert_eq!(verdict(&aborted, "PodTerminated"), "True Terminated");
    space.gone("deleted").await;
    released(&space, "aborted-1").await;
    space.remove().await;
}

/// The seat of a job whose pod was relabelled stays taken while its program may run.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_relabelled_pod_keeps_its_seat() {
    let space = Space::new("relabelled-seat").await;
    let ghost = Ghost::new(&space).await;
    let workflows: Api<OmotesWorkflow> = Api::namespaced(space.client.clone(), &space.name);
    let own = on(&ghost, &json!({}));
    let manifest = json!({"metadata": {"name": "workflow"}, "spec": {
        "typeName": "type", "maxConcurrentJobs": 1,
        "jobDefaults": {"courier": own["courier"]}, "template": own["template"],
    }});
    workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
    let referring = json!({"workflowRef": {"name": "workflow"}});
    space.create(&job("first", &referring)).await;
    ghost::starts(&space, "first-1").await;
    space.running("first").await;
    relabel(&space, "first-1").await;
    space.create(&job("second", &referring)).await;
    let waits = |job: &OmotesJob| verdict(job, "Reconciling") == "True WaitingForSeat";
    space.wait("second", "waits for its seat", waits).await;
    assert_eq!(phase(&space.jobs.get("first").await.unwrap()), Some(Phase::Running));
    ghost::was_killed(&space, "first-1").await;
    space.ended("first").await;
    bound(&space, "second-1").await;
    ghost::was_killed(&space, "second-1").await;
    space.ended("second").await;
    ghost.remove().await;
    space.remove().await;
}

/// The courier of a relabelled pod is believed.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_relabelled_pod_still_reports() {
    let space = Space::new("relabelled-reports").await;
    let script = "until [ -e /omotes/output/go ]; do sleep 0.2; done";
    space.create(&job("job", &json!({"template": {"spec": pod_spec(script)}}))).await;
    space.running("job").await;
    relabel(&space, "job-1").await;
    for (line, percent) in [("0.25", 25), ("0.75", 75)] {
        run_in(&space.name, "job-1", &format!("echo '{{\"progress\": {line}}}' >> /omotes/progress"));
        let shown = |job: &OmotesJob| job.status.as_ref().and_then(|status| Some(status.progress.as_ref()?.percent));
        space.wait("job", line, |job| shown(job) == Some(percent)).await;
    }
    run_in(&space.name, "job-1", "touch /omotes/output/go");
    let ended = space.ended("job").await;
    assert_eq!(cause(&ended), "Completed", "{}", message(&ended));
    released(&space, "job-1").await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// A tool removes the owner of a pod: the job runs on, and its pod is its own again.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_pod_without_its_owner_changes_nothing() {
    let space = Space::new("disowned").await;
    space.create(&job("job", &json!({"template": {"spec": pod_spec("sleep 10")}}))).await;
    space.running("job").await;
    let nobody = Patch::Merge(json!({"metadata": {"ownerReferences": null}}));
    space.pods.patch("job-1", &PatchParams::default(), &nobody).await.unwrap();
    until("the pod has its owner again", PATIENCE, || async {
        let pod = space.pods.get("job-1").await.unwrap();
        if pod.owner_references().len() == 1 { Ok(()) } else { Err("it has none".to_owned()) }
    })
    .await;
    let ended = space.ended("job").await;
    assert_eq!((cause(&ended), ended.status.unwrap().attempt), ("Completed", Some(1)));
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// `kubectl delete --cascade=orphan`: Kubernetes leaves the pod, and the operator stops its program and tells the client.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_job_that_is_deleted_without_its_pod_is_stopped() {
    let space = Space::new("orphaned").await;
    let spec = json!({"template": {"spec": pod_spec("trap 'exit 10' TERM; sleep 600 & wait")}});
    let id = space.create(&job("job", &spec)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    space
        .jobs
        .delete("job", &DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() })
        .await
        .unwrap();
    client.listen(PATIENCE, Duration::from_secs(1)).await;
    client.only_result(ResultType::Cancelled);
    client.leave().await;
    space.gone("job").await;
    space.empty().await;
    space.remove().await;
}

//! Submissions while the quota of their namespace is used up.

use std::time::Duration;

use k8s_openapi::api::core::v1::ResourceQuota;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use omotes_operator::testing::{
    api::{OmotesJob, names, status::Phase},
    wire::ResultType,
};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cluster, job, phase, variable},
    broker::depths,
    ghost::{Ghost, was_killed},
    operator::Operator,
    sdk::{Offer, Sdk},
    until,
};

/// A refusal comes at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(20);
/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// Each of two hundred jobs costs some ten requests.
const LIMIT: Duration = Duration::from_secs(300);
const QUOTA: &str = "jobs";

/// A quota of jobs in the namespace of the gateway's. Another test's that failed is replaced.
async fn limit(quotas: &Api<ResourceQuota>, jobs: usize) {
    // There is none, unless a test failed.
    let _ = quotas.delete(QUOTA, &DeleteParams::default()).await;
    quotas.create(&PostParams::default(), &serde_json::from_value(quota(jobs)).unwrap()).await.unwrap();
}

fn quota(jobs: usize) -> Value {
    json!({"metadata": {"name": QUOTA}, "spec": {"hard": {"count/omotesjobs.omotes.io": jobs.to_string()}}})
}

/// Cluster API #4848: no job has room. An unknown workflow is refused at once all the same; the others wait, and run in their order
/// once there is room.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn what_waits_for_quota_keeps_its_order_and_holds_up_no_refusal() {
    let operator = Operator::settled().await;
    let offer = Offer::new("quota", "true").await;
    let quotas: Api<ResourceQuota> = Api::namespaced(cluster().await, &variable("OMOTES_JOB_NAMESPACE"));
    let there = offer.jobs.list(&ListParams::default()).await.unwrap().items.len();
    limit(&quotas, there).await;
    let trial = PostParams { dry_run: true, ..PostParams::default() };
    let any = job("any", &json!({"workflowRef": {"name": offer.type_name}}));
    until("the quota is in force", PATIENCE, || async {
        let refused = offer.jobs.create(&trial, &any).await.err().map(|error| error.to_string());
        refused.filter(|words| words.contains("exceeded quota")).ok_or_else(|| "not yet".to_owned())
    })
    .await;

    let sdk = Sdk::start().await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(sdk.submit(&offer.type_name, b"<esdl/>", b"").await);
    }
    let (_, mut refused) = sdk.submit("no such workflow", b"<esdl/>", b"").await;
    refused.listen(AT_ONCE, AFTERWARDS).await;
    refused.only_result(ResultType::Error);
    let leader = operator.leader().await;
    until("those that wait are counted", PATIENCE, || async {
        let metrics = operator.metrics(&leader).await;
        let held = "omotes_gateway_messages_held{reason=\"Quota\"} 4";
        if metrics.contains(held) { Ok(()) } else { Err("not four".to_owned()) }
    })
    .await;

    let room = Patch::Merge(quota(there + 1));
    quotas.patch(QUOTA, &PatchParams::default(), &room).await.unwrap();
    let (first, _) = &waiting[0];
    offer.stored(first).await;
    assert_eq!(offer.jobs.list(&ListParams::default()).await.unwrap().items.len(), there + 1);
    quotas.delete(QUOTA, &DeleteParams::default()).await.unwrap();
    for (uuid, mut listener) in waiting {
        offer.stored(&uuid).await;
        listener.listen(PATIENCE, AFTERWARDS).await;
        assert_eq!(listener.results().len(), 1);
        listener.leave().await;
    }
    refused.leave().await;
    offer.remove().await;
}

/// Ten times as many submissions as the quota has room for: there are never more jobs, and each client gets one answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed"]
async fn two_hundred_submissions_over_a_quota_of_twenty_get_one_answer_each() {
    const SUBMISSIONS: usize = 200;
    const ROOM: usize = 20;
    Operator::settled().await;
    let space = Space::of(&variable("OMOTES_JOB_NAMESPACE")).await;
    let ghost = Ghost::new(&space).await;
    let offer = Offer::of("over-quota", "true", &json!({"template": {"spec": ghost.there()}})).await;
    let quotas: Api<ResourceQuota> = Api::namespaced(space.client.clone(), &space.name);
    let there = space.jobs.list(&ListParams::default()).await.unwrap().items.len();
    limit(&quotas, there + ROOM).await;
    until("the quota is in force", PATIENCE, || async {
        let status = quotas.get(QUOTA).await.unwrap().status;
        status.and_then(|status| status.hard).map(drop).ok_or_else(|| "not yet".to_owned())
    })
    .await;
    let mut sdk = Sdk::start().await;
    sdk.ask().await;
    sdk.hears(&offer.type_name, true).await;
    let mut listeners = Vec::new();
    for _ in 0..SUBMISSIONS {
        listeners.push(sdk.submit_here(&offer.type_name, b"<esdl/>").await);
    }
    until("all jobs have ended, and are removed", LIMIT, || async {
        let waiting = depths().await["job_submissions"];
        let jobs = space.jobs.list(&ListParams::default()).await.unwrap().items;
        let ours =
            |job: &&OmotesJob| job.spec.workflow_ref.as_ref().is_some_and(|workflow| workflow.name == offer.type_name);
        let ours: Vec<_> = jobs.iter().filter(ours).collect();
        assert!(ours.len() <= ROOM, "{} jobs", ours.len());
        let has_ended = |job: &&&OmotesJob| phase(job).is_some_and(Phase::is_terminal);
        for job in ours.iter().filter(has_ended).filter(|job| job.metadata.deletion_timestamp.is_none()) {
            space.delete(&job.name_any()).await;
        }
        let of_workflow = ListParams::default().labels(&format!("{}={}", names::LABEL_WORKFLOW, offer.type_name));
        for pod in space.pods.list(&of_workflow).await.unwrap() {
            let is_bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
            let is_new = pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Pending"));
            if is_bound && is_new {
                was_killed(&space, &pod.name_any()).await;
            }
        }
        if waiting == 0 && ours.is_empty() { Ok(()) } else { Err(format!("{waiting} wait, {} are there", ours.len())) }
    })
    .await;
    for mut listener in listeners {
        listener.listen(PATIENCE, Duration::ZERO).await;
        listener.only_result(ResultType::Error);
        listener.leave().await;
    }
    quotas.delete(QUOTA, &DeleteParams::default()).await.unwrap();
    ghost.remove().await;
    offer.remove().await;
}

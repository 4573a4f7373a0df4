//! How many passes jobs cost.

use futures::{StreamExt, stream};
use kube::{Api, api::PostParams};
use omotes_operator::testing::api::OmotesWorkflow;
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, job, pod_spec, verdict},
    operator::Operator,
    until,
};

const JOBS: usize = 300;
/// From its creation to where it waits, with the place that is said after ten seconds.
const MOST_PASSES: usize = 10;

/// The number of passes so far.
async fn passes(operator: &Operator, leader: &str) -> usize {
    let metrics = operator.metrics(leader).await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("omotes_reconciles_total ")).unwrap();
    line.parse().unwrap()
}

/// 300 jobs come to a suspended workflow: each costs a few passes, however many wait already.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn jobs_of_a_suspended_workflow_cost_few_passes() {
    let operator = Operator::settled().await;
    let space = Space::new("passes").await;
    let workflows: Api<OmotesWorkflow> = Api::namespaced(space.client.clone(), &space.name);
    let manifest = json!({
        "metadata": {"name": "workflow"},
        "spec": {"typeName": "type", "suspend": true, "template": {"spec": pod_spec("true")}},
    });
    workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
    let leader = operator.leader().await;
    let before = passes(&operator, &leader).await;
    let names: Vec<String> = (0..JOBS).map(|number| format!("job-{number}")).collect();
    stream::iter(&names)
        .for_each_concurrent(8, async |name| {
            space.create(&job(name, &json!({"workflowRef": {"name": "workflow"}}))).await;
        })
        .await;
    for name in &names {
        let waits = |job: &_| verdict(job, "Reconciling") == "True WorkflowSuspended";
        space.wait(name, "waits for its workflow", waits).await;
    }
    let each = (passes(&operator, &leader).await - before) / JOBS;
    println!("{each} passes a job");
    assert!(each <= MOST_PASSES, "{each} passes a job");
    stream::iter(&names).for_each_concurrent(16, async |name| space.delete(name).await).await;
    until("all jobs are gone", PATIENCE, || async {
        let left = space.jobs.list(&kube::api::ListParams::default()).await.unwrap().items.len();
        if left == 0 { Ok(()) } else { Err(format!("{left} left")) }
    })
    .await;
    space.remove().await;
}

//! An attempt keeps the limits that it was started with, whatever the chart says later.

use omotes_operator::testing::api::{OmotesJob, status::Phase};
use serde_json::json;

use crate::support::{
    bed::{Space, job, phase, pod_spec},
    operator::{Operator, installer},
};

/// The chart as installed on the test bed, with other defaults for jobs.
fn install(defaults: &[&str]) {
    let more = defaults.iter().flat_map(|given| ["--set", given]);
    assert!(installer().args(more).status().unwrap().success());
}

/// A job runs; the operator is upgraded with a shorter `jobs.maxRunSeconds`, and then the job's time to live is
/// edited: the attempt runs on. A job that starts afterwards has the new limit.
#[tokio::test]
#[ignore = "needs the test bed, alone"]
async fn an_upgrade_brings_a_running_attempt_no_other_limits() {
    let _operator = Operator::settled().await;
    let space = Space::new("upgraded-limits").await;
    let spec = json!({"courier": {"enabled": false}, "template": {"spec": pod_spec("exec sleep 600")}});
    space.create(&job("before", &spec)).await;
    space.running("before").await;
    install(&["jobs.maxRunSeconds=10"]);
    Operator::settled().await;
    space.change("before", &json!({"ttlSecondsAfterFinished": 5000})).await;
    let seen =
        |job: &OmotesJob| job.status.as_ref().and_then(|status| status.observed_generation) == job.metadata.generation;
    let observed = space.wait("before", "observed", seen).await;
    space.create(&job("after", &spec)).await;
    let stopped = space.ended("after").await;
    let still = space.jobs.get("before").await.unwrap();
    install(&[]);
    assert_eq!(phase(&stopped), Some(Phase::Failed), "the new default holds for the next job: {:?}", stopped.status);
    for job in [observed, still] {
        assert_eq!(phase(&job), Some(Phase::Running), "{:?}", job.status);
        assert_eq!(job.status.unwrap().deadline_time, None);
    }
    space.remove().await;
}

//! An attempt keeps the limits that it was started with.

use serde_json::json;

use crate::support::bed::{Space, job, pod_spec};

/// The status records what the attempt was started with, in the status writes that there are anyway, and an
/// edit of what limits nothing leaves deadline and record as they are.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn an_edit_of_the_ttl_changes_no_limit() {
    let space = Space::new("limits").await;
    let spec =
        json!({"maxRunSeconds": 600, "courier": {"enabled": false}, "template": {"spec": pod_spec("exec sleep 600")}});
    space.create(&job("job", &spec)).await;
    let before = space.running("job").await.status.unwrap();
    let limits = before.limits.clone().unwrap();
    assert_eq!(
        (limits.max_run_seconds, limits.termination_grace_period_seconds, limits.flush_seconds),
        (Some(600), 5, None)
    );
    space.change("job", &json!({"ttlSecondsAfterFinished": 5000})).await;
    let seen = |job: &omotes_operator::testing::api::OmotesJob| {
        job.status.as_ref().and_then(|status| status.observed_generation) == job.metadata.generation
    };
    let after = space.wait("job", "observed", seen).await.status.unwrap();
    assert_eq!((after.limits, after.deadline_time), (before.limits, before.deadline_time));
    space.remove().await;
}

//! Limits hold after main has ended.

use std::time::Duration;

use kube::ResourceExt;
use omotes_operator::testing::{api::status::Phase, wire::ResultType};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, job, merged, phase, pod_spec, verdict},
    client::Listener,
    ghost::{Ghost, reports, starts, this_second},
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);
const FLUSH: i64 = 10;

/// As a kubelet says that main of `pod` has ended with 0 and its courier still runs.
async fn main_ends(space: &Space, pod: &str) {
    let now = this_second();
    let end = json!({"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now});
    let running = json!({"running": {"startedAt": now}});
    let courier = json!({"name": "omotes-courier", "image": "i", "imageID": "", "ready": true, "restartCount": 0, "state": running});
    reports(space, pod, "Running", &json!({"terminated": end}), &json!({"initContainerStatuses": [courier]})).await;
}

/// The node says that main has ended and falls silent; `then` happens. Tells how the job ended.
async fn falls_silent(test: &str, more: &Value, then: Value, expected: (Phase, ResultType)) {
    let space = Space::new(test).await;
    let ghost = Ghost::new(&space).await;
    let pod = merged(pod_spec("true"), &ghost.there());
    let spec = json!({"template": {"spec": pod}, "courier": {"flushSeconds": FLUSH}});
    let id = space.create(&job("job", &merged(spec, more))).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    starts(&space, "job-1").await;
    space.running("job").await;
    main_ends(&space, "job-1").await;
    if !then.is_null() {
        space.change("job", &then).await;
    }
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(expected.1);
    let job = space.ended("job").await;
    assert_eq!((phase(&job), cause(&job)), (Some(expected.0), "NodeLost"), "{:?}", job.status);
    assert_eq!(verdict(&job, "PodTerminated"), "False Unconfirmed");
    assert!(space.jobs.get("job").await.unwrap().finalizers().contains(&"omotes.io/cleanup".to_owned()));
    space.delete("job").await;
    space.pods.delete("job-1", &kube::api::DeleteParams::default().grace_period(0)).await.unwrap();
    space.empty().await;
    client.leave().await;
    ghost.remove().await;
    space.remove().await;
}

/// A node that falls silent between main's end and the courier's: the client is told after the flush, the grace and a minute.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_node_that_falls_silent_after_main_has_ended() {
    let limit = json!({"maxRunSeconds": 5});
    falls_silent("silent-node", &limit, Value::Null, (Phase::Failed, ResultType::Error)).await;
}

/// The same where `spec.abort` asks for the job's end then.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn an_abort_after_main_has_ended_on_a_silent_node() {
    let abort = json!({"abort": {"mode": "Graceful"}});
    falls_silent("silent-abort", &json!({}), abort, (Phase::Aborted, ResultType::Cancelled)).await;
}

//! Messages and results reach the client in time.

use std::time::Duration;

use kube::{ResourceExt, api::LogParams};
use omotes_operator::testing::wire::ResultType;
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, cause, container, deaf, job, merged, pod_spec, shell_job},
    client::Listener,
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// The upstream system test: a program that fails says why in `messages.json`, and its client gets that.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn messages_of_a_failed_program_reach_its_client() {
    let space = Space::new("messages").await;
    let note = r#"[{"technicalMessage": "no solution", "severity": "ERROR", "esdlObjectId": "pipe-7"}]"#;
    let script = format!("cd /omotes/output; printf '%s' '{note}' > messages.json; printf x > output.esdl; exit 1");
    let id = space.create(&shell_job("job", &script)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    let result = client.only_result(ResultType::Error);
    let said: Vec<_> = result.esdl_messages.iter().map(|message| message.technical_message.as_str()).collect();
    assert_eq!((said, &result.output_esdl), (vec!["no solution"], &None));
    let job = space.ended("job").await;
    assert_eq!(cause(&job), "Error");
    assert_eq!(job.status.unwrap().result.unwrap().messages, ["no solution"]);
    space.remove().await;
}

/// A result does not wait for containers that take their time to end.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_result_does_not_wait_for_the_end_of_its_pod() {
    let space = Space::new("early").await;
    let deaf = container("deaf", &deaf());
    let main = container("main", "printf '<esdl/>' > /omotes/output/output.esdl");
    let pod = merged(pod_spec("true"), &json!({"containers": [main, deaf]}));
    let spec = json!({"template": {"spec": pod}, "courier": {"flushSeconds": 30}, "podRetentionPolicy": "Retain"});
    let id = space.create(&job("job", &spec)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, Duration::ZERO).await;
    assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    let job = space.ended("job").await;
    let pod = space.pods.get("job-1").await.unwrap();
    assert_eq!(pod.status.clone().unwrap().phase.as_deref(), Some("Running"), "{:?}", job.status);
    assert!(!pod.finalizers().is_empty(), "its exit codes are not all known");
    let ended = space.released("job-1").await;
    let status = ended.status.unwrap();
    assert_eq!((status.phase.as_deref(), status.reason.as_deref()), (Some("Failed"), Some("DeadlineExceeded")));
    assert_eq!(ended.metadata.deletion_timestamp, None);
    let of_deaf = LogParams { container: Some("deaf".to_owned()), ..LogParams::default() };
    assert!(space.pods.logs("job-1", &of_deaf).await.is_ok(), "its log stays");
    client.leave().await;
    space.remove().await;
}

//! One tenant takes all that the broker gives.

use std::time::{Duration, Instant};

use lapin::{BasicProperties, options::BasicPublishOptions};
use omotes_operator::testing::topology::NamespaceProgress;
use serde_json::json;

use crate::support::{
    bed::{Space, cause, job, message, pod_spec, run_in},
    operator::Operator,
};

/// Who may read the Secrets of one namespace sends as much progress as the broker takes, in bodies small and large, by its own
/// key and by the common one: a job of another namespace that tells of its progress every second goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed"]
async fn a_flood_of_progress_stops_no_other_namespaces_job() {
    let (hostile, quiet) = (Space::new("floods").await, Space::new("flooded").await);
    let operator = Operator::settled().await;
    let before = operator.restarts().await;
    let idle = "until [ -e /omotes/output/go ]; do sleep 0.2; done";
    hostile.create(&job("job", &json!({"template": {"spec": pod_spec(idle)}}))).await;
    hostile.running("job").await;
    let own = NamespaceProgress::of(&hostile.name, &hostile.key().await).routing_key;
    let line = r#"echo '{"progress": 0.5}' >> /omotes/progress"#;
    let script = format!("until [ -e /omotes/output/go ]; do {line}; sleep 1; done");
    let heartbeat = json!({"timeoutSeconds": 5, "onTimeout": "Abort"});
    quiet.create(&job("job", &json!({"heartbeat": heartbeat, "template": {"spec": pod_spec(&script)}}))).await;
    quiet.running("job").await;

    let thief = hostile.thief().await;
    let channel = thief.create_channel().await.unwrap();
    let mut sent: u64 = 0;
    for size in [8 * 1024 * 1024, 64 * 1024, 200] {
        let (body, until) = (vec![b'x'; size], Instant::now() + Duration::from_secs(8));
        while Instant::now() < until {
            for key in [own.as_str(), "progress"] {
                let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
                let exchange = "omotes.courier".into();
                drop(channel.basic_publish(exchange, key.into(), options, &body, properties).await.unwrap());
                sent += 1;
            }
        }
    }
    println!("{sent} messages were sent");
    run_in(&quiet.name, "job-1", "touch /omotes/output/go");
    let ended = quiet.ended("job").await;
    assert_eq!(cause(&ended), "Completed", "{}", message(&ended));
    run_in(&hostile.name, "job-1", "touch /omotes/output/go");
    assert_eq!(cause(&hostile.ended("job").await), "Completed");
    assert_eq!(operator.restarts().await, before, "the operator's memory is bounded");
    quiet.remove().await;
    hostile.remove().await;
}

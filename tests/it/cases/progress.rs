//! Progress is life: each line counts, also the same again, and a file that is written anew is read anew.

use kube::ResourceExt;
use omotes_operator::testing::wire::ResultType;
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, cause, job, message, pod_spec},
    client::{Heard, Listener},
};

/// Long enough for progress that comes late.
const AFTERWARDS: std::time::Duration = std::time::Duration::from_secs(1);

/// Case K10: a program that says the same every second, in each way in which programs write a file, is alive. Its client
/// is told once.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn the_same_line_every_second_feeds_the_heartbeat() {
    let space = Space::new("same-line").await;
    let line = r#"'{"progress": 0.5, "message": "solving"}'"#;
    let ways = [
        ("appended", format!("echo {line} >> /omotes/progress")),
        ("written-over", format!("echo {line} > /omotes/progress")),
        ("without-newline", format!("printf %s {line} > /omotes/progress")),
        ("replaced", format!("echo {line} > /omotes/next; mv /omotes/next /omotes/progress")),
    ];
    let mut clients = Vec::new();
    for (name, write) in &ways {
        let script = format!("i=0; while [ $i -lt 15 ]; do {write}; sleep 1; i=$((i + 1)); done");
        let heartbeat = json!({"timeoutSeconds": 5, "onTimeout": "Abort"});
        let spec = json!({"heartbeat": heartbeat, "template": {"spec": pod_spec(&script)}});
        let id = space.create(&job(name, &spec)).await.uid().unwrap();
        clients.push(Listener::attach(&id).await);
    }
    for ((name, _), mut client) in ways.iter().zip(clients) {
        let ended = space.ended(name).await;
        assert_eq!(cause(&ended), "Completed", "{name}: {}", message(&ended));
        client.listen(PATIENCE, AFTERWARDS).await;
        client.only_result(ResultType::Succeeded);
        let told = client.log.iter().filter(|heard| matches!(heard, Heard::Progress(0.5))).count();
        assert_eq!(told, 1, "{name}: {:?}", client.log);
    }
    space.remove().await;
}

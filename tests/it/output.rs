//! What leaves a pod: outputs that cannot be carried, and one that is large.

use std::time::Duration;

use kube::ResourceExt;
use omotes_operator::testing::wire::{Digest, ResultType};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, job, message, pod_spec, shell_job},
    client::Listener,
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// A job, how it ends, and a word that its end must say.
struct Row {
    name: &'static str,
    spec: Value,
    cause: &'static str,
    says: &'static str,
}

fn script(text: &str) -> Value {
    json!({"template": {"spec": pod_spec(text)}})
}

fn rows() -> Vec<Row> {
    let missing = json!({"configMapKeyRef": {"name": "nowhere", "key": "net.esdl"}});
    let missing = json!({"template": {"spec": pod_spec("true")}, "input": {"esdl": missing}});
    let row = |name, spec, cause, says| Row { name, spec, cause, says };
    vec![
        row(
            "closed",
            script("cd /omotes/output; printf x > output.esdl; chmod 0 output.esdl"),
            "OutputUnreadable",
            "output.esdl",
        ),
        row("not-text", script(r"printf '\377' > /omotes/output/output.esdl"), "OutputUnreadable", "UTF-8"),
        row("a-link", script("ln -s /etc/passwd /omotes/output/output.esdl"), "OutputUnreadable", "output.esdl"),
        row(
            "too-large",
            script("head -c 135000000 /dev/zero | tr '\\000' a > /omotes/output/output.esdl"),
            "OutputTooLarge",
            "max_message_size",
        ),
        row("no-input", missing, "InputMissing", "net.esdl of ConfigMap nowhere"),
    ]
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn what_cannot_be_carried_is_an_error_with_its_remedy() {
    let space = Space::new("output").await;
    let ends = rows().into_iter().map(|row| end(&space, row));
    let wrong: Vec<String> = futures::future::join_all(ends).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    space.remove().await;
}

/// Runs one row; tells what was not as it should be.
async fn end(space: &Space, row: Row) -> Option<String> {
    let id = space.create(&job(row.name, &row.spec)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(2 * PATIENCE, AFTERWARDS).await;
    let job = space.ended(row.name).await;
    let results: Vec<ResultType> = client.results().iter().map(|result| result.result_type()).collect();
    let right = cause(&job) == row.cause && results == [ResultType::Error] && message(&job).contains(row.says);
    (!right).then(|| {
        format!("{}: {} {results:?} {:?}, wanted {} {:?}", row.name, cause(&job), message(&job), row.cause, row.says)
    })
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn sixty_four_mebibytes_arrive_to_the_last_byte() {
    let space = Space::new("large").await;
    let text = "yes 'a line of an energy system, thirty-nine' | head -c 67108864 > /omotes/output/output.esdl; sha256sum /omotes/output/output.esdl >&2";
    let id = space.create(&shell_job("job", text)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(2 * PATIENCE, AFTERWARDS).await;
    let expected = "a line of an energy system, thirty-nine\n".repeat(67_108_864 / 40 + 1).into_bytes();
    let output = client.only_result(ResultType::Succeeded).output_esdl.clone().unwrap();
    assert_eq!((output.len(), Digest::of(&output)), (67_108_864, Digest::of(&expected[..67_108_864])));
    let job = space.ended("job").await;
    assert_eq!(job.status.unwrap().result.unwrap().size_bytes, Some(67_108_864));
    space.remove().await;
}

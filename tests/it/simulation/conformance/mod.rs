//! One script that a real apiserver and the simulated one must answer alike.
//!
//! What happened is a transcript of lines; the one that is right is in `tests/golden/apiserver-transcript.txt`. A change of
//! it is a claim about Kubernetes: only the test on a real one proves that.
//!
//! Assumes of a real apiserver: the client may do everything, and pods have a generation (since Kubernetes 1.34). Nothing else
//! writes to what the script makes: its jobs are another controller's, no scheduler knows its pods, and no kubelet has them.

mod deletions;
mod jobs;
mod kubelets;
mod lists;
mod others;
mod pods;
mod script;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;

use crate::support::{
    bed::{PATIENCE, Space},
    until,
};

use super::apiserver::SimulatedApiserver;
use script::{Cluster, Script};

const TRANSCRIPT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/apiserver-transcript.txt"));

async fn transcript(cluster: Cluster) -> String {
    let mut script = Script::new(cluster);
    jobs::run(&mut script).await;
    deletions::run(&mut script).await;
    pods::run(&mut script).await;
    lists::run(&mut script).await;
    others::run(&mut script).await;
    script.end()
}

#[tokio::test(start_paused = true)]
async fn the_simulated_apiserver_answers_as_written() {
    let apiserver = SimulatedApiserver::start(Timestamp::UNIX_EPOCH);
    apiserver.add_namespace("conformance");
    let client = apiserver.client("conformance", "conformance");
    let cluster = Cluster { client, namespace: "conformance".to_owned(), collector: Some(apiserver) };
    compare(&transcript(cluster).await, TRANSCRIPT);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_real_apiserver_answers_as_written() {
    let space = Space::bare("conformance").await;
    has_service_account(&space).await;
    let cluster = Cluster { client: space.client.clone(), namespace: space.name.clone(), collector: None };
    let transcript = transcript(cluster).await;
    space.remove().await;
    compare(&transcript, TRANSCRIPT);
}

/// Waits for what every pod of the namespace needs.
async fn has_service_account(space: &Space) {
    let accounts: Api<ServiceAccount> = Api::namespaced(space.client.clone(), &space.name);
    until("the namespace has its ServiceAccount", PATIENCE, || async {
        accounts.get("default").await.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

/// Names the first line that is another one.
fn compare(transcript: &str, written: &str) {
    for (number, (said, written)) in transcript.lines().zip(written.lines()).enumerate() {
        assert_eq!(said, written, "line {} of\n{transcript}", number + 1);
    }
    assert_eq!(transcript.lines().count(), written.lines().count(), "{transcript}");
}

//! A vhost whose limits are reached, or whose exchange is gone.

use std::time::Duration;

use kube::ResourceExt as _;
use omotes_operator::testing::wire::ResultType;
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, shell_job},
    broker,
    client::Listener,
    sdk::{Offer, Sdk},
};

use super::super::traces::{recovers, shows};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// kuberay#2210: the vhost takes no more queues.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_limit_on_queues_is_shown() {
    let space = Space::new("vhost_limit").await;
    broker::limit_queues(Some(0)).await;
    space.create(&shell_job("waits", "true")).await;
    let words = ["queue limit in vhost 'omotes' (0) is reached", "set_vhost_limits"];
    shows(&space, "waits", "Reconciling", "BrokerLimitReached", &words).await;
    broker::limit_queues(None).await;
    recovers(&space, "waits").await;
    space.remove().await;
}

/// Somebody deletes the couriers' exchange, and every binding with it: the next job has it declared again, and a job that
/// runs already keeps its output.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_deleted_exchange_costs_no_output() {
    let space = Space::new("exchange").await;
    let script = |seconds: u32| format!("sleep {seconds}; printf '<esdl/>' > /omotes/output/output.esdl");
    let mut clients = Vec::new();
    for (name, seconds) in [("runs", 30), ("next", 0)] {
        let id = space.create(&shell_job(name, &script(seconds))).await.uid().unwrap();
        clients.push(Listener::attach(&id).await);
        if name == "runs" {
            space.running(name).await;
            broker::delete_exchange("omotes.courier").await;
        }
    }
    for mut client in clients {
        client.listen(PATIENCE, AFTERWARDS).await;
        assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    }
    space.remove().await;
}

/// A policy lets no input in: its client gets one ERROR with both numbers, and the next submission runs.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn an_input_over_a_policys_limit_is_answered() {
    let offer = Offer::new("input-limit", "cp /omotes/input/input.esdl /omotes/output/output.esdl").await;
    let sdk = Sdk::start().await;
    let limit = json!({"max-length-bytes": 100, "overflow": "reject-publish"});
    let policy = broker::Policy::set("^omotes[.]input[.]", &limit).await;
    let (_, mut large) = sdk.submit(&offer.type_name, &[b'x'; 440], b"").await;
    large.listen(PATIENCE, AFTERWARDS).await;
    let logs = large.only_result(ResultType::Error).logs.clone();
    assert!(logs.contains("440 bytes") && logs.contains("max-length-bytes is 100"), "{logs}");
    let (_, mut small) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    small.listen(PATIENCE, AFTERWARDS).await;
    small.only_result(ResultType::Succeeded);
    policy.clear().await;
    for listener in [large, small] {
        listener.leave().await;
    }
    offer.remove().await;
}

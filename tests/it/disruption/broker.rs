//! The broker restarts, and is away.

use std::time::Instant;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use kube::api::LogParams;
use omotes_operator::testing::wire::ResultType;
use tokio::task::spawn_blocking;

use super::Fleet;
use crate::support::{
    bed::{PATIENCE, quits, shell_job, testbed},
    broker as rabbit,
    operator::Operator,
    until,
};

const MEBIBYTE: usize = 1024 * 1024;

/// Runs `testbed broker …` without holding up the clients.
pub(super) async fn broker(action: &'static str) {
    spawn_blocking(move || testbed(&["broker", action])).await.unwrap();
}

/// A broker that is short of memory stops reading where a message is on its way to it; then it restarts.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_restart_loses_no_output_that_is_being_sent() {
    const SIZE: usize = 32 * MEBIBYTE;
    Operator::settled().await;
    let mut fleet = Fleet::new("restart").await;
    let script = format!("sleep 15; tr '\\0' x < /dev/zero | head -c {SIZE} > /omotes/output/output.esdl");
    for name in ["large-a", "large-b", "large-c"] {
        fleet.launch(&shell_job(name, &script), Some(vec![b'x'; SIZE])).await;
    }
    fleet.all_run().await;
    spawn_blocking(|| testbed(&["broker", "cli", "set_vm_memory_high_watermark", "0"])).await.unwrap();
    until("all couriers are sending", PATIENCE, || async {
        let couriers = rabbit::connections("omotes-courier").await;
        let sending = couriers.iter().filter(|courier| courier["state"] == "blocked").count();
        if sending == 3 { Ok(()) } else { Err(format!("{couriers:?}")) }
    })
    .await;
    let began = Instant::now();
    broker("restart").await;
    println!("the broker restarted within {:.1?}", began.elapsed());
    for name in fleet.names() {
        fleet.space.ended(&name).await;
    }
    println!("all have ended after {:.1?}", began.elapsed());
    let of_courier = LogParams { container: Some("omotes-courier".to_owned()), ..LogParams::default() };
    let logs = join_all(
        fleet.names().iter().map(async |name| fleet.space.pods.logs(&format!("{name}-1"), &of_courier).await.unwrap()),
    )
    .await;
    for log in logs {
        assert!(log.contains("the broker does not have the output yet"), "the restart met it on its way: {log}");
    }
    fleet.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_job_deleted_while_the_broker_is_away_stops_at_once() {
    let others = rabbit::outputs().await;
    let operator = Operator::settled().await;
    let mut fleet = Fleet::new("deleted").await;
    let id = fleet.launch(&shell_job("job", &quits(3)), None).await;
    fleet.all_run().await;
    broker("stop").await;
    let deleted = Timestamp::now();
    fleet.space.delete("job").await;
    let end = fleet.program_ended("job").await;
    let took = end.finished_at.unwrap().0.duration_since(deleted);
    println!("its program ended {took:.1?} after the deletion");
    assert_eq!(end.exit_code, 3, "it was asked, not killed");
    assert!(took < SignedDuration::from_secs(5), "{took:?}");
    until("the operator knows that the broker is away", PATIENCE, || async {
        let readiness = operator.readiness(&operator.leader().await).await;
        if readiness.contains("unreachable since") { Ok(()) } else { Err(readiness) }
    })
    .await;
    assert!(fleet.space.jobs.get_opt("job").await.unwrap().is_some(), "its client has not been told yet");
    broker("start").await;
    let back = Instant::now();
    fleet.space.empty().await;
    println!("it was gone {:.1?} after the broker was back", back.elapsed());
    rabbit::clean(std::slice::from_ref(&id), &others).await;
    rabbit::only_result_waiting(&id, ResultType::Cancelled).await;
    fleet.space.abandon().await;
}

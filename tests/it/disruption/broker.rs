//! The broker restarts, is away, is killed.

use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use kube::api::LogParams;
use omotes_operator::testing::wire::ResultType;
use tokio::{task::spawn_blocking, time::sleep};

use super::Fleet;
use crate::support::{
    bed::{PATIENCE, phase, shell_job, testbed, verdict},
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

/// Jobs run and end meanwhile, and one is applied.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn jobs_outlive_a_broker_that_is_away() {
    let operator = Operator::settled().await;
    let mut fleet = Fleet::new("away").await;
    fleet.start("ends", 8.0).await;
    fleet.start_bare("ends-bare", 8.0).await;
    fleet.start("goes-on", 60.0).await;
    fleet.all_run().await;
    broker("stop").await;
    let away = Instant::now();
    fleet.start("late", 0.1).await;
    for name in ["ends-bare", "ends"] {
        fleet.program_ended(name).await;
    }
    for (name, type_, said) in
        [("ends-bare", "ResultPublished", "False BrokerUnreachable"), ("late", "Reconciling", "True BrokerUnreachable")]
    {
        fleet.space.wait(name, said, |job| verdict(job, type_) == said).await;
    }
    let leader = operator.leader().await;
    let readiness = operator.readiness(&leader).await;
    assert!(readiness.contains("broker: unreachable since"), "{readiness}");
    assert_eq!(operator.restarts().await, 0, "a broker that is away ends no operator");
    let pod = fleet.space.pods.get("goes-on-1").await.unwrap();
    assert_eq!(pod.status.unwrap().phase.as_deref(), Some("Running"), "a job goes on without the broker");
    println!("the broker was away for {:.1?}", away.elapsed());
    broker("start").await;
    let back = Instant::now();
    fleet.space.ended("ends").await;
    fleet.space.ended("ends-bare").await;
    println!("their results were there {:.1?} after it was back", back.elapsed());
    fleet.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_killed_broker_costs_no_job_its_result() {
    Operator::settled().await;
    let mut fleet = Fleet::new("crash").await;
    for number in 0..10 {
        let name = format!("job-{number}");
        match number % 3 {
            0 => fleet.start_bare(&name, 1.0).await,
            _ => fleet.start(&name, 1.0).await,
        };
        sleep(Duration::from_millis(700)).await;
    }
    let phases =
        join_all(fleet.names().iter().map(async |name| phase(&fleet.space.jobs.get(name).await.unwrap()))).await;
    println!("killed with jobs in {phases:?}");
    broker("kill").await;
    broker("start").await;
    fleet.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_job_deleted_while_the_broker_is_away_stops_at_once() {
    let others = rabbit::outputs().await;
    let operator = Operator::settled().await;
    let mut fleet = Fleet::new("deleted").await;
    let script = "trap 'exit 3' TERM; while true; do sleep 0.1; done";
    let id = fleet.launch(&shell_job("job", script), None).await;
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

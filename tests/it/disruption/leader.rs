//! The leader dies, stops, pauses, is replaced.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use kube::{ResourceExt, api::DeleteParams};
use omotes_operator::testing::wire::JobStatus;
use tokio::time::sleep;

use super::{Fleet, dice};
use crate::support::{
    bed::{PATIENCE, phase},
    broker as rabbit,
    operator::{End, Operator, signal},
    until,
};

/// The simulation kills one at each request of a job's life; this shows that real ones are like these.
const ROUNDS: u32 = 3;
/// What a killed leader's replacement may take …
const REPLACED: Duration = Duration::from_secs(15);
/// … and a stopped one's, which gives the lease back.
const HANDED_OVER: Duration = Duration::from_secs(4);

/// At moments spread over the whole life of a job, drawn anew each time.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn dead_leaders_lose_nothing_and_repeat_nothing() {
    let mut dice = dice();
    let operator = Operator::settled().await;
    let mut fleet = Fleet::new("kills").await;
    let began = Instant::now();
    fleet.start("undisturbed", 1.0).await;
    fleet.space.ended("undisturbed").await;
    let life = began.elapsed();
    println!("an undisturbed job takes {life:.1?}");
    for round in 0..ROUNDS {
        let name = format!("job-{round}");
        let former = operator.replaced("", Instant::now()).await.0;
        let process = operator.process(&former).await;
        let end = if round % 3 == 0 { End::Killed } else { End::ForceDeleted };
        fleet.start(&name, 1.0).await;
        if round % 2 == 0 {
            fleet.listen();
        }
        let moment = life.mul_f64((f64::from(round) + dice.f64()) / f64::from(ROUNDS));
        sleep(moment).await;
        let killed = Instant::now();
        operator.end(&former, process, end).await;
        let seen = phase(&fleet.space.jobs.get(&name).await.unwrap());
        let (_, took) = operator.replaced(&former, killed).await;
        println!("{round:2}: {end:?} {moment:.1?} after its creation, {name} was {seen:?}; replaced after {took:.1?}");
        assert!(took < REPLACED * 2, "with both replicas dead the next one has to start first, but no longer");
    }
    fleet.ends_well().await;
    operator.connected().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_dead_leader_is_replaced_within_15_s_and_a_stopped_one_at_once() {
    let operator = Operator::settled().await;
    let mut fleet = Fleet::new("heirs").await;

    let former = operator.leader().await;
    let process = operator.process(&former).await;
    let killed = Instant::now();
    operator.end(&former, process, End::Killed).await;
    fleet.start("orphan", 5.0).await;
    let (_, took) = operator.replaced(&former, killed).await;
    until("the orphan has a pod", PATIENCE, || async {
        fleet.space.pods.get_opt("orphan-1").await.unwrap().map(drop).ok_or_else(String::new)
    })
    .await;
    let acted = killed.elapsed();
    fleet.space.running("orphan").await;
    println!("killed: replaced after {took:.1?}, acted after {acted:.1?}, a job ran after {:.1?}", killed.elapsed());
    assert!(took < REPLACED && acted < REPLACED, "{took:?}, {acted:?}");

    let former = operator.connected().await;
    let stopped = Instant::now();
    operator.pods.delete(&former, &DeleteParams::default()).await.unwrap();
    let (_, took) = operator.replaced(&former, stopped).await;
    println!("stopped: replaced after {took:.1?}");
    assert!(took < HANDED_OVER, "{took:?}");

    fleet.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_rollout_disturbs_no_running_job() {
    let operator = Operator::settled().await;
    let mut fleet = Fleet::new("rollout").await;
    fleet.start("job", 12.0).await;
    fleet.listen();
    fleet.all_run().await;
    let before = fleet.space.pods.get("job-1").await.unwrap();
    let (former, began) = (operator.leader().await, Instant::now());
    Operator::roll_out();
    println!("rolled out in {:.1?}, from {former} to {}", began.elapsed(), operator.connected().await);
    fleet.space.ended("job").await;
    let after = fleet.space.pods.get("job-1").await.unwrap();
    assert_eq!((before.uid(), &after.metadata.deletion_timestamp), (after.uid(), &None), "the pod stayed the same");
    fleet.hear_result().await;
    let client = fleet.crew[0].client.take().unwrap().await.unwrap();
    assert_eq!(client.statuses(), [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running]);
    fleet.crew[0].client = Some(tokio::spawn(async { client }));
    fleet.ends_well().await;
}

/// Twice: it goes on while the broker still believes in it, and after the broker gave it up. Its job ends meanwhile.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_paused_leader_does_nothing_twice_and_ends_itself() {
    for given_up in [false, true] {
        let operator = Operator::settled().await;
        let mut fleet = Fleet::new("paused").await;
        let former = operator.leader().await;
        let process = operator.process(&former).await;
        fleet.start("job", 2.0).await;
        fleet.all_run().await;

        let paused = Instant::now();
        signal("STOP", process);
        let (heir, took) = operator.replaced(&former, paused).await;
        fleet.all_programs_end().await;
        if given_up {
            fleet.space.ended("job").await;
        }
        let silent = paused.elapsed();
        signal("CONT", process);
        let resumed = Instant::now();
        until("the former leader has ended itself", Duration::from_secs(15), || async {
            if std::path::Path::new(&format!("/proc/{process}")).exists() { Err(process.to_string()) } else { Ok(()) }
        })
        .await;
        println!(
            "paused for {silent:.1?}: replaced after {took:.1?}, ended {:.1?} after it went on",
            resumed.elapsed()
        );
        assert_eq!(operator.connected().await, heir);
        fleet.ends_well().await;
        let connections = rabbit::connections("omotes-operator").await;
        let addresses: BTreeSet<_> = connections.iter().map(|connection| connection["peer_host"].to_string()).collect();
        assert_eq!(addresses.len(), 1, "only the leader talks to the broker: {connections:?}");
    }
}

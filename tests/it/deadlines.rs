//! A thousand deadlines in one minute, on nodes that this test plays: `make test-deadlines`.
//!
//! A real kubelet of this test bed runs a hundred pods; what is measured here is the operator alone, from a deadline to
//! its request to stop the pod, as the apiserver's audit log has it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, ListParams};
use omotes_operator::testing::api::status::Phase;
use serde_json::json;

use crate::support::{
    audit,
    bed::{Space, job, merged, phase, pod_spec},
    ghost::{Ghost, runs, this_second, was_killed},
    operator::Operator,
    until,
};

const JOBS: usize = 1000;
/// The deadlines are spread over so many seconds.
const SPREAD: usize = 60;
/// Between the programs' start and the first deadline, in seconds: enough to get them all there.
const LIMIT: usize = 180;
const LATE: Duration = Duration::from_secs(1);
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(400);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test-deadlines"]
async fn a_thousand_deadlines_in_a_minute() {
    Operator::settled().await;
    let space = Space::new("deadlines").await;
    let ghost = Ghost::new(&space).await;
    let began = Instant::now();
    let started = this_second();
    stream::iter(0..JOBS).for_each_concurrent(AT_ONCE, |number| launch(&space, &ghost, number)).await;
    println!("{JOBS} jobs applied in {:.1?}", began.elapsed());
    all_have_nodes(&space).await;
    stream::iter(0..JOBS).for_each_concurrent(AT_ONCE, async |number| runs(&space, &pod(number), started).await).await;
    all_are(&space, "running", |phase| phase == Phase::Running).await;
    println!("all run after {:.1?}", began.elapsed());
    let first = started + SignedDuration::from_secs(i64::try_from(LIMIT).unwrap());
    assert!(Timestamp::now() < first, "the first deadline passed before the last job ran: raise LIMIT");

    let mark = audit::mark();
    let over = first + SignedDuration::from_secs(i64::try_from(SPREAD).unwrap() + 5);
    tokio::time::sleep(Duration::try_from(over.duration_since(Timestamp::now())).unwrap()).await;
    let lateness = lateness(&mark, &space, first);
    let at = |share: usize| lateness[(lateness.len() - 1) * share / 100];
    println!(
        "stops: {}; late by: median {:.0?}, 90 % {:.0?}, 99 % {:.0?}, most {:.0?}",
        lateness.len(),
        at(50),
        at(90),
        at(99),
        at(100)
    );
    assert_eq!(lateness.len(), JOBS, "every job is told to stop");
    assert!(at(100) < LATE, "{lateness:?}");

    let all = ListParams::default();
    space.pods.delete_collection(&DeleteParams::default().grace_period(0), &all).await.unwrap();
    stream::iter(0..JOBS).for_each_concurrent(AT_ONCE, async |number| was_killed(&space, &pod(number)).await).await;
    all_are(&space, "ended", Phase::is_terminal).await;
    space.jobs.delete_collection(&DeleteParams::default(), &all).await.unwrap();
    space.abandon().await;
    ghost.remove().await;
}

fn pod(number: usize) -> String {
    format!("job-{number}-1")
}

async fn launch(space: &Space, ghost: &Ghost, number: usize) {
    // Longer than the test takes from a stop to the report of its end.
    let place = merged(ghost.there(), &json!({"terminationGracePeriodSeconds": 30}));
    let spec = json!({
        "courier": {"enabled": false},
        "maxRunSeconds": LIMIT + number * SPREAD / JOBS,
        "template": {"spec": merged(pod_spec("true"), &place)},
    });
    space.create(&job(&format!("job-{number}"), &spec)).await;
}

async fn all_have_nodes(space: &Space) {
    until("all pods have a node", PATIENCE, || async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let pods = space.pods.list(&ListParams::default()).await.unwrap().items;
        let bound = pods.iter().filter(|pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some())).count();
        if bound == JOBS { Ok(()) } else { Err(format!("{bound} of {}", pods.len())) }
    })
    .await;
}

async fn all_are(space: &Space, what: &str, wanted: impl Fn(Phase) -> bool) {
    until(&format!("all jobs are {what}"), PATIENCE, || async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let jobs = space.jobs.list(&ListParams::default()).await.unwrap().items;
        let there = jobs.iter().filter(|job| phase(job).is_some_and(&wanted)).count();
        if there == JOBS { Ok(()) } else { Err(format!("{there} of {}", jobs.len())) }
    })
    .await;
}

/// How long after its deadline the operator asked to stop each pod, in order.
fn lateness(mark: &audit::Mark, space: &Space, first: Timestamp) -> Vec<Duration> {
    let requests = mark.of_operator().into_iter().filter(|request| request.namespace == space.name);
    let stops: BTreeMap<String, Timestamp> = requests
        .filter(|request| request.short() == "delete pods")
        .map(|request| (request.name, request.received))
        .collect();
    let late = stops.iter().map(|(pod, received)| {
        let number: usize = pod.trim_start_matches("job-").trim_end_matches("-1").parse().unwrap();
        let deadline = first + SignedDuration::from_secs(i64::try_from(number * SPREAD / JOBS).unwrap());
        Duration::try_from(received.duration_since(deadline)).unwrap_or_else(|_| panic!("{pod} was told too early"))
    });
    let mut late: Vec<Duration> = late.collect();
    late.sort();
    late
}

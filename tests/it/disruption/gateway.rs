//! Clients that submit over AMQP while the leader dies, the broker restarts, the apiserver is away, or somebody floods the
//! operator with garbage.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures::future::join_all;
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use lapin::{options::QueueDeclareOptions, types::FieldTable};
use omotes_operator::testing::wire::{JobStatus, ResultType};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    intake::{Expected, corpus},
    support::{
        bed::{PATIENCE, testbed, variable},
        broker as rabbit,
        client::{Heard, Listener},
        operator::{End, Operator, resident},
        sdk::{Offer, Sdk},
        until,
    },
};

const AFTERWARDS: Duration = Duration::from_secs(2);
const ECHO: &str = "cp /omotes/input/input.esdl /omotes/output/output.esdl";
const JOBS: usize = 10;

async fn offer(test: &str) -> (Offer, Sdk) {
    let offer = Offer::new(test, ECHO).await;
    let mut sdk = Sdk::start().await;
    sdk.ask().await;
    sdk.hears(&offer.type_name, true).await;
    (offer, sdk)
}

async fn all_succeed(listeners: Vec<Listener>) {
    join_all(listeners.into_iter().map(async |mut listener| {
        listener.listen(PATIENCE, AFTERWARDS).await;
        let result = listener.only_result(ResultType::Succeeded);
        assert_eq!(result.output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    }))
    .await;
}

/// Killed while it takes submissions: what it had in its hands comes to its successor, and every job runs once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_dead_leader_loses_no_submission_and_repeats_none() {
    let operator = Operator::settled().await;
    let (offer, sdk) = offer("heirs").await;
    let leader = operator.leader().await;
    let process = operator.process(&leader).await;
    let mut listeners = Vec::new();
    for number in 0..JOBS {
        listeners.push(sdk.submit(&offer.type_name, b"<esdl/>", b"").await.1);
        if number == JOBS / 2 {
            operator.end(&leader, process, End::Killed).await;
        }
    }
    all_succeed(listeners).await;
    operator.connected().await;
    offer.remove().await;
}

/// Exchange and bindings do not survive it: the operator makes them anew, and tells the workflows.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_restart_of_the_broker_ends_no_ones_day() {
    Operator::settled().await;
    let slow = Offer::new("day", "sleep 20; cp /omotes/input/input.esdl /omotes/output/output.esdl").await;
    let mut sdk = Sdk::start().await;
    sdk.ask().await;
    sdk.hears(&slow.type_name, true).await;
    let (uuid, _) = sdk.submit(&slow.type_name, b"<esdl/>", b"").await;
    slow.stored(&uuid).await;
    spawn_blocking(|| testbed(&["broker", "restart"])).await.unwrap();
    let mut sdk = until("the client is back", PATIENCE, || async {
        tokio::spawn(Sdk::start()).await.map_err(|error| error.to_string())
    })
    .await;
    // Where the operator was faster than this client, its own broadcast has gone by; else nobody hears the question.
    sdk.ask().await;
    sdk.hears(&slow.type_name, true).await;
    let again = Listener::attach(&uuid).await;
    let (_, another) = sdk.submit(&slow.type_name, b"<esdl/>", b"").await;
    all_succeed(vec![again, another]).await;
    slow.remove().await;
}

/// The consumer of one queue ends; what it had in its hands goes back, and one consumer of each is there again.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn queues_that_somebody_deletes_are_made_again() {
    Operator::settled().await;
    let (offer, sdk) = offer("remade").await;
    for queue in ["job_deletions", "job_submissions"] {
        rabbit::delete_queue(queue).await;
        until(&format!("{queue} is consumed again"), PATIENCE, || async {
            let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let channel = sdk.connection.create_channel().await.unwrap();
            let seen = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
            let consumers = seen.map_err(|error| error.to_string())?.consumer_count();
            if consumers == 1 { Ok(()) } else { Err(format!("{consumers} consumers")) }
        })
        .await;
    }
    let (_, listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
    all_succeed(vec![listener]).await;
    offer.remove().await;
}

/// Nothing is acknowledged that is not stored, and the operator holds no more than it may.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn submissions_wait_at_the_broker_while_the_apiserver_is_away() {
    let operator = Operator::settled().await;
    let (offer, sdk) = offer("waits").await;
    spawn_blocking(|| testbed(&["proc", "kube-apiserver", "stop"])).await.unwrap();
    let mut listeners = Vec::new();
    for _ in 0..JOBS {
        listeners.push(sdk.submit(&offer.type_name, b"<esdl/>", b"").await.1);
    }
    sleep(Duration::from_secs(3)).await;
    let waiting = rabbit::depths().await["job_submissions"];
    spawn_blocking(|| testbed(&["proc", "kube-apiserver", "start"])).await.unwrap();
    assert_eq!(waiting, JOBS as u64, "none is acknowledged");
    all_succeed(listeners).await;
    operator.connected().await;
    offer.remove().await;
}

/// A thousand messages of garbage a second, for a minute.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_flood_of_garbage_hurts_nobody() {
    const A_SECOND: usize = 1000;
    const MINUTE: Duration = Duration::from_secs(60);
    // Some ten times as long as on an idle machine; behind the flood a submission would wait for minutes.
    const A_WHILE: Duration = Duration::from_secs(2);
    let operator = Operator::settled().await;
    let (offer, sdk) = offer("flood").await;
    let process = operator.process(&operator.leader().await).await;
    median_latency(&offer, &sdk, 3).await;
    let calm = median_latency(&offer, &sdk, 7).await;
    let (before, told_before) = (resident(process), times_told(&operator).await);
    let began = Instant::now();
    let flood = flood(A_SECOND, MINUTE);
    sleep(Duration::from_secs(2)).await;
    let mut stormy = Vec::new();
    let mut most = 0;
    while began.elapsed() < MINUTE {
        stormy.push(latency(&offer, &sdk).await);
        most = most.max(resident(process));
    }
    let sent = flood.await.unwrap();
    stormy.sort_unstable();
    let median = stormy[stormy.len() / 2];
    println!(
        "{sent} messages of garbage in {:.0?}; REGISTERED after {calm:.2?} in calm and {median:.2?} in the flood (median of {})",
        began.elapsed(),
        stormy.len()
    );
    println!("memory of the leader: {before} KiB before, {most} KiB at most");
    sdk.drained().await;
    assert!(sent >= A_SECOND * 60 * 9 / 10, "the flood was {sent} messages");
    assert!(median < A_WHILE, "{median:?} in the flood, {calm:?} in calm");
    assert!(most < before + 64 * 1024, "memory grew from {before} KiB to {most} KiB");
    let count = times_told(&operator).await - told_before;
    println!("told {count} times by Events");
    assert!((1..=5).contains(&count), "{count} times in a minute and a half");
    offer.remove().await;
}

/// As many of the largest as are taken at once, and as many outputs of that size, beside each other.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn the_largest_submissions_fit_the_memory() {
    // The rest of 128 MiB is for the other fields.
    const BYTES: usize = 127 * 1024 * 1024;
    const AT_ONCE: usize = 4;
    let operator = Operator::settled().await;
    let restarts = operator.restarts().await;
    let (offer, _sdk) = offer("largest").await;
    let process = operator.process(&operator.leader().await).await;
    let before = resident(process);
    let esdl = vec![b'x'; BYTES];
    let all = join_all((0..AT_ONCE).map(async |_| {
        let sdk = Sdk::start().await;
        let (_, mut listener) = sdk.submit(&offer.type_name, &esdl, b"").await;
        listener.listen(PATIENCE, Duration::ZERO).await;
        let output = listener.only_result(ResultType::Succeeded).output_esdl.as_deref();
        assert!(output == Some(&esdl[..]), "the output is the input, byte for byte");
    }));
    let mut most = before;
    let watch = async {
        // As long as it lives.
        while Path::new(&format!("/proc/{process}")).exists() {
            most = most.max(resident(process));
            sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = all => {}
        () = watch => {}
    }
    println!("memory of the leader: {} MiB before, {} MiB at most", before / 1024, most / 1024);
    assert_eq!(operator.restarts().await, restarts, "the chart's limit is enough");
    offer.remove().await;
}

/// How often Events have told that messages were rejected.
async fn times_told(operator: &Operator) -> i32 {
    let events: Api<Event> = Api::namespaced(operator.client.clone(), &variable("OMOTES_NAMESPACE"));
    let told = events.list(&ListParams::default().fields("reason=MessagesRejected")).await.unwrap().items;
    told.iter().map(|event| event.series.as_ref().map_or(1, |series| series.count)).sum()
}

/// Publishes garbage at this rate; tells how many messages the broker took.
fn flood(a_second: usize, time: Duration) -> JoinHandle<usize> {
    const TICKS: usize = 20;
    let garbage: Vec<_> = corpus()
        .into_iter()
        .filter(|(_, body, expected)| matches!(expected, Expected::Rejected(_)) && body.len() < 10_000)
        .map(|(_, body, _)| body)
        .collect();
    tokio::spawn(async move {
        let sdk = Sdk::start().await;
        let mut tick = interval(Duration::from_secs(1) / 20);
        tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let began = Instant::now();
        let mut sent = 0;
        while began.elapsed() < time {
            tick.tick().await;
            let batch = garbage.iter().cycle().skip(sent % garbage.len()).take(a_second / TICKS);
            join_all(batch.map(|body| sdk.publish("job_submissions", body))).await;
            sent += a_second / TICKS;
        }
        sent
    })
}

async fn median_latency(offer: &Offer, sdk: &Sdk, jobs: usize) -> Duration {
    let mut latencies = Vec::new();
    for _ in 0..jobs {
        latencies.push(latency(offer, sdk).await);
    }
    latencies.sort_unstable();
    latencies[jobs / 2]
}

/// From a submission to the first word that its client hears; the job then ends.
async fn latency(offer: &Offer, sdk: &Sdk) -> Duration {
    let uuid = crate::support::sdk::new_uuid();
    sdk.declare_queues(&uuid).await;
    let mut listener = Listener::attach(&uuid).await;
    let began = Instant::now();
    let body = crate::support::wire::submission_of(&uuid, &offer.type_name, b"<esdl/>");
    sdk.publish("job_submissions", &body).await;
    assert_eq!(listener.first(PATIENCE).await, Heard::Status(JobStatus::Registered));
    let latency = began.elapsed();
    listener.listen(PATIENCE, Duration::ZERO).await;
    listener.only_result(ResultType::Succeeded);
    listener.leave().await;
    latency
}

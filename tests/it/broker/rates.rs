//! How fast the operator's broker layer makes and removes jobs' queues, beside a bare loop: `make bench-queues`.
//!
//! Both arms take turns on one broker, in a virtual host of their own, until ten thousand jobs have their queues at once.

use std::time::Instant;

use futures::{StreamExt, future::try_join_all, stream};
use lapin::options::QueueDeleteOptions;
use omotes_operator::testing::broker::{ListedQueue, RefusalSource};
use reqwest::{Client, Url};

use super::*;
use crate::support::broker as rabbit;

/// Jobs of one turn, and turns of each arm: ten thousand jobs in all.
const JOBS: usize = 1000;
const TURNS: usize = 5;
/// Jobs that the operator has under way at once: what its controller allows.
const AT_ONCE: usize = 32;
/// What is best for a bare loop: so many channels, each with so many jobs under way.
const CHANNELS: usize = 32;
const IN_FLIGHT: usize = 5;
const EXPIRE_SECONDS: i64 = 3600;
/// Goal: the layer costs no more than a tenth.
const GOAL: f64 = 0.9;

fn job(arm: &str, number: usize) -> String {
    format!("{arm}-{number:05}")
}

fn names(job: &str) -> Vec<String> {
    topology::job_queues(job, EXPIRE_SECONDS).map(|queue| queue.name).into()
}

/// What either arm does.
trait Arm {
    async fn make(&self, job: &str);
    async fn remove(&self, job: &str);
    fn at_once(&self) -> usize;

    async fn turn(&self, name: &str, turn: usize, removes: bool) -> Duration {
        let began = Instant::now();
        stream::iter(turn * JOBS..(turn + 1) * JOBS)
            .for_each_concurrent(self.at_once(), async |number| {
                let job = job(name, number);
                if removes { self.remove(&job).await } else { self.make(&job).await }
            })
            .await;
        began.elapsed()
    }
}

impl Arm for Broker {
    async fn make(&self, job: &str) {
        self.ensure_queues(&topology::job_queues(job, EXPIRE_SECONDS)).await.unwrap();
    }

    async fn remove(&self, job: &str) {
        self.delete_unused(&names(job), RefusalSource::Statistics).await.unwrap();
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

/// A loop without reconnects, limits or answers for anybody. As the operator it looks at each queue before it deletes that:
/// a deletion that the broker has to refuse is logged there as a fault.
struct Bare {
    channels: Vec<Channel>,
    management: Client,
    /// Of all queues of the virtual host.
    url: Url,
}

impl Bare {
    async fn open(world: &World) -> Self {
        let uri = world.uri("OMOTES_AMQP_URI");
        let connection = Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
        let channels = try_join_all((0..CHANNELS).map(|_| connection.create_channel())).await.unwrap();
        let mut url: Url = variable("OMOTES_ADMIN_MANAGEMENT_URI").parse().unwrap();
        url.path_segments_mut().unwrap().extend(["api", "queues", &world.vhost]);
        Self { channels, management: Client::builder().tls_certs_only([]).build().unwrap(), url }
    }

    fn channel(&self) -> &Channel {
        &self.channels[fastrand::usize(..self.channels.len())]
    }

    async fn look_at(&self, queue: &str) {
        let mut url = self.url.clone();
        url.path_segments_mut().unwrap().push(queue);
        let answer = self.management.get(url).send().await.unwrap().bytes().await.unwrap();
        let seen: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(seen["consumers"].as_u64().unwrap_or_default(), 0, "{seen}");
    }
}

impl Arm for Bare {
    async fn make(&self, job: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
        arguments.insert("x-expires".into(), AMQPValue::LongLongInt(EXPIRE_SECONDS * 1000));
        let channel = self.channel();
        let declare = async |queue: String| {
            channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), arguments.clone()).await
        };
        try_join_all(names(job).into_iter().map(declare)).await.unwrap();
    }

    async fn remove(&self, job: &str) {
        let channel = self.channel();
        let unused = QueueDeleteOptions { if_unused: true, ..QueueDeleteOptions::default() };
        let delete = async |queue: String| {
            self.look_at(&queue).await;
            channel.queue_delete(queue.as_str().into(), unused).await
        };
        try_join_all(names(job).into_iter().map(delete)).await.unwrap();
    }

    fn at_once(&self) -> usize {
        CHANNELS * IN_FLIGHT
    }
}

/// All turns of both arms, which one first changing; tells how the operator's rate is to the bare one.
async fn compare(ours: &Broker, bare: &Bare, removes: bool) -> f64 {
    let (mut our_time, mut bare_time) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..TURNS {
        if turn % 2 == 0 {
            our_time += ours.turn("ours", turn, removes).await;
        }
        bare_time += bare.turn("bare", turn, removes).await;
        if turn % 2 == 1 {
            our_time += ours.turn("ours", turn, removes).await;
        }
    }
    let rate = |time: Duration| f64::from(u32::try_from(3 * JOBS * TURNS).unwrap()) / time.as_secs_f64();
    let ratio = rate(our_time) / rate(bare_time);
    let what = if removes { "removed" } else { "made" };
    println!("{what}: operator {:.0} queues/s, bare loop {:.0}, ratio {ratio:.2}", rate(our_time), rate(bare_time));
    ratio
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed for itself: make bench-queues"]
async fn ten_thousand_jobs_have_their_queues() {
    let world = World::new().await;
    let operator = world.operator().await;
    let bare = Bare::open(&world).await;
    let made = compare(&operator.broker, &bare, false).await;

    let began = Instant::now();
    let queues = operator.broker.list_queues().await.unwrap().unwrap();
    let listed = queues.iter().filter(|queue: &&ListedQueue| queue.name.starts_with("jobs.")).count();
    println!("one look at all {listed} queues: {:.1?}", began.elapsed());
    assert_eq!(listed, 2 * 3 * JOBS * TURNS);
    let connections = rabbit::connections("omotes-operator").await;
    let ours = connections.iter().filter(|connection| connection["vhost"] == world.vhost).count();
    println!("connections of the operator: {ours}");
    assert!(ours <= 2, "{connections:?}");
    let limit = rabbit::file_descriptors().await;
    println!("file descriptors of the broker: {limit}, so {} classic queues with messages", limit / 2);

    let removed = compare(&operator.broker, &bare, true).await;
    operator.stop().await;
    assert!(made >= GOAL && removed >= GOAL, "made {made:.2}, removed {removed:.2} of the bare loop's rate");
}

//! The broker module and the courier against a real RabbitMQ.
//!
//! Each test has a virtual host of its own, with the permissions that the test bed's users have in `omotes`: no test sees
//! another one's queues, and a running operator is not disturbed. Only the event exchange, of which a broker has one, is
//! tested in `omotes` itself.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use omotes_operator::testing::broker::{
    Broker, BrokerConfig, BrokerError, BrokerEvent, BrokerState, Connector, DeleteCondition, Deletion, Fetched,
    Outgoing, QueueSight, Redelivery, RefusalSource, Routing,
};
use omotes_operator::testing::clock::Clock;
use omotes_operator::testing::courier::{self, CourierSettings, Layout};
use omotes_operator::testing::result::{Deleter, Evidence, refused::KeptBecause};
use omotes_operator::testing::topology::{self, NamespaceProgress, QueueDeclaration};
use omotes_operator::testing::wire::{
    Capability, CapabilityKey, CommitRecord, CourierMessage, CourierNotice, CourierOutput, FailureCause, JobResult,
    NamespaceKey, OutputMark, ProgressLine, ResultType, TerminationRecord,
};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::support::{broker::disconnect_named, until};

mod rates;

const USERS: [&str; 3] = ["omotes-operator", "omotes-courier", "omotes-client"];

/// A value of `testbed env`.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`, or source the test bed's env"))
}

/// A text that no other test has.
fn unique(prefix: &str) -> String {
    format!("{prefix}-{:016x}", fastrand::u64(..))
}

// --- The broker's administrator -----------------------------------------------------------------------------------

async fn administer(method: reqwest::Method, path: &[&str], body: Value) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut url: reqwest::Url = variable("OMOTES_ADMIN_MANAGEMENT_URI").parse().unwrap();
    url.path_segments_mut().unwrap().pop_if_empty().push("api").extend(path);
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let response = client.request(method, url).json(&body).send().await.unwrap().error_for_status().unwrap();
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default()
}

/// A virtual host like `omotes`, and what is in a pod or an operator that uses it.
struct World {
    vhost: String,
    folder: PathBuf,
}

impl World {
    async fn new() -> Self {
        let vhost = unique("it");
        administer(reqwest::Method::PUT, &["vhosts", &vhost], json!({})).await;
        for user in USERS {
            let allowed = administer(reqwest::Method::GET, &["permissions", "omotes", user], Value::Null).await;
            administer(reqwest::Method::PUT, &["permissions", &vhost, user], allowed).await;
        }
        Self::in_vhost(vhost)
    }

    /// The virtual host that the event exchange belongs to.
    fn shared() -> Self {
        Self::in_vhost("omotes".to_owned())
    }

    fn in_vhost(vhost: String) -> Self {
        let folder = env::temp_dir().join(unique("omotes-it"));
        fs::create_dir_all(&folder).unwrap();
        Self { vhost, folder: folder.canonicalize().unwrap() }
    }

    fn uri(&self, name: &str) -> String {
        let mut uri: reqwest::Url = variable(name).parse().unwrap();
        uri.set_path(&self.vhost);
        uri.into()
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn config(&self) -> BrokerConfig {
        BrokerConfig {
            requires_tls: false,
            amqp_uri_file: self.file("amqp-uri", &self.uri("OMOTES_OPERATOR_AMQP_URI")),
            management_uri_file: Some(self.file("management-uri", &variable("OMOTES_MANAGEMENT_URI"))),
            ca_file: None,
            connection_name: unique("operator"),
            connector: Connector::Amqp,
        }
    }

    /// An operator's broker that is ready.
    async fn operator(&self) -> Operator {
        let operator = Operator::start(self.config());
        operator.ready().await;
        operator
    }

    /// A channel of another user.
    async fn user(&self, uri: &str) -> Channel {
        let connection = Connection::connect(&self.uri(uri), ConnectionProperties::default()).await.unwrap();
        connection.create_channel().await.unwrap()
    }

    async fn client(&self) -> Channel {
        self.user("OMOTES_AMQP_URI").await
    }

    /// The courier of the job called so, whose output queue is named after its capability.
    fn courier(&self, job: &str, flush_seconds: u64) -> (CourierSettings, Layout) {
        let credentials = self.folder.join("credentials");
        fs::create_dir_all(&credentials).unwrap();
        fs::write(credentials.join("amqp-uri"), self.uri("OMOTES_COURIER_AMQP_URI")).unwrap();
        let key = namespace_key();
        fs::write(credentials.join(format!("key-{}", key.id())), key.as_bytes()).unwrap();
        let settings = CourierSettings::resolve(|name| {
            Some(match name {
                "OMOTES_COURIER_CREDENTIALS_DIR" => credentials.display().to_string(),
                "OMOTES_COURIER_KEY_ID" => key.id().to_string(),
                "OMOTES_COURIER_SEALED_CAPABILITY" => key.seal_capability(&capability(job), job, 1),
                "OMOTES_COURIER_JOB_UID" => job.to_owned(),
                "OMOTES_COURIER_POD_UID" => "pod-uid".to_owned(),
                "OMOTES_COURIER_ATTEMPT" => "1".to_owned(),
                "OMOTES_COURIER_FLUSH_SECONDS" => flush_seconds.to_string(),
                _ => return None,
            })
        });
        (settings.unwrap(), Layout::new(self.folder.join("omotes"), self.folder.join("termination-log")))
    }

    /// What the kubelet would carry to the operator.
    fn last_word(&self) -> TerminationRecord {
        TerminationRecord::parse(&fs::read_to_string(self.folder.join("termination-log")).unwrap()).unwrap()
    }

    fn commit(&self) -> CommitRecord {
        match self.last_word() {
            TerminationRecord::Committed(record) => record,
            TerminationRecord::Failed(failure) => panic!("{failure:?}"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        if self.vhost != "omotes" {
            let path = format!("vhosts/{}", self.vhost);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let path: Vec<&str> = path.split('/').collect();
                runtime.block_on(administer(reqwest::Method::DELETE, &path, Value::Null));
            })
            .join()
            .unwrap();
        }
    }
}

/// A broker with its events, and the end of it.
struct Operator {
    broker: Broker,
    events: mpsc::Receiver<BrokerEvent>,
    stop: Option<oneshot::Sender<()>>,
}

impl Operator {
    fn start(config: BrokerConfig) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (broker, events) = Broker::start(config, Clock::system(), async { drop(stopped.await) });
        Self { broker, events, stop: Some(stop) }
    }

    async fn ready(&self) {
        self.reaches(|state| matches!(state, BrokerState::Ready { .. })).await;
    }

    async fn reaches(&self, wanted: impl FnMut(&BrokerState) -> bool) {
        let mut state = self.broker.subscribe();
        let reached = timeout(Duration::from_secs(60), state.wait_for(wanted)).await.is_ok();
        assert!(reached, "the broker is {:?}", self.broker.state());
    }

    async fn event(&mut self, mut wanted: impl FnMut(&BrokerEvent) -> bool) -> BrokerEvent {
        let found = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if wanted(&event) {
                    return event;
                }
            }
        };
        timeout(Duration::from_secs(20), found).await.unwrap()
    }

    /// Ends the connection, as the end of the process does.
    async fn stop(mut self) {
        drop(self.stop.take());
        self.reaches(|state| matches!(state, BrokerState::Unreachable { .. })).await;
        sleep(Duration::from_millis(200)).await;
    }

    async fn makes_queues(&self, job: &str) -> [String; 3] {
        let queues = topology::job_queues(job, 600);
        self.broker.ensure_queues(&queues).await.unwrap();
        queues.map(|queue| queue.name)
    }

    async fn publishes_result(&self, queue: &str) -> Routing {
        let body = JobResult::without_output("job", ResultType::Error, "logs").to_body();
        self.broker.publish_result(queue, outgoing(body)).await.unwrap()
    }

    /// The evidence, once there is some.
    async fn evidence(&self, queue: &str, ended: Timestamp) -> Evidence {
        for _ in 0..30 {
            match self.broker.result_evidence(queue, RESULT_ID, ended).await.unwrap() {
                Evidence::Unknown { retry_at } => {
                    let wait = retry_at.duration_since(Timestamp::now());
                    sleep(wait.try_into().unwrap_or_default()).await;
                }
                evidence => return evidence,
            }
        }
        panic!("no evidence of {queue}");
    }
}

const RESULT_ID: &str = "message-1";

fn outgoing(body: impl Into<Bytes>) -> Outgoing {
    Outgoing { body: body.into(), message_id: Some(RESULT_ID.to_owned()) }
}

fn capability(job: &str) -> Capability {
    CapabilityKey::new(&[7; 32]).unwrap().capability(job, 1)
}

fn namespace_key() -> NamespaceKey {
    CapabilityKey::new(&[7; 32]).unwrap().namespace_key("ns")
}

/// What an OMOTES client declares: a 32-bit TTL, and no type.
async fn declare_as_sdk(channel: &Channel, queue: &str, expires_ms: i32) -> lapin::Result<lapin::Queue> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongInt(expires_ms));
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await
}

async fn reads_one(channel: &Channel, queue: &str) -> Vec<u8> {
    let message = channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    message.delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
    message.delivery.data
}

async fn testbed(arguments: &[&str]) {
    let status = Command::new(variable("OMOTES_TESTBED")).args(arguments).status().await.unwrap();
    assert!(status.success(), "{arguments:?}");
}

// --- Queues and messages ------------------------------------------------------------------------------------------

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn queues_are_made_seen_and_deleted() {
    let world = World::new().await;
    let operator = world.operator().await;
    let [progress, status, result] = operator.makes_queues("a").await;
    let seen = operator.broker.look_up(&[result.clone(), "jobs.b.result".to_owned(), status.clone()]).await.unwrap();
    let present = QueueSight::Present { messages: 0, consumers: 0 };
    assert_eq!(seen, [present, QueueSight::Missing, present]);

    assert_eq!(operator.broker.publish(&status, outgoing("x")).await, Ok(Routing::Routed));
    let delete = async |queue: &str, condition| operator.broker.delete_queue(queue, condition).await.unwrap();
    assert_eq!(delete(&status, DeleteCondition::IfUnused).await, Deletion::Deleted, "unread status goes with its job");
    let client = world.client().await;
    let consumer = client.basic_consume(
        progress.as_str().into(),
        "c".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let _consumer = consumer.await.unwrap();
    assert_eq!(delete(&progress, DeleteCondition::IfUnused).await, Deletion::StillWanted);
    assert_eq!(delete(&result, DeleteCondition::IfUnused).await, Deletion::Deleted);
    for condition in [DeleteCondition::Always, DeleteCondition::IfUnused] {
        assert_eq!(delete(&result, condition).await, Deletion::Deleted, "missing counts as deleted");
    }
    assert!(matches!(operator.broker.state(), BrokerState::Ready { .. }), "one connection did all of it");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn all_queues_of_a_job_go_at_once_or_one_by_one() {
    let world = World::new().await;
    let operator = world.operator().await;
    let client = world.client().await;
    let (first, second) = (operator.makes_queues("a").await, operator.makes_queues("b").await);
    assert_eq!(operator.broker.delete_unused(&first, RefusalSource::Statistics).await, Ok(vec![Deletion::Deleted; 3]));
    assert_eq!(
        operator.broker.delete_unused(&first, RefusalSource::Statistics).await,
        Ok(vec![Deletion::Deleted; 3]),
        "missing counts as deleted"
    );
    let consumes = BasicConsumeOptions::default();
    let consumer = client.basic_consume(second[1].as_str().into(), "c".into(), consumes, FieldTable::default());
    let _consumer = consumer.await.unwrap();
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    client.queue_declare("jobs.q.result".into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
    let queues = second.into_iter().chain(["jobs.q.result".to_owned()]).collect::<Vec<_>>();
    let expected = [Deletion::Deleted, Deletion::StillWanted, Deletion::Deleted, Deletion::Deleted];
    assert_eq!(operator.broker.delete_unused(&queues, RefusalSource::Statistics).await.unwrap(), expected);
    assert_eq!(operator.broker.stats().reconnects(), 0, "the connection that leads is not disturbed");
}

/// It is kept once, and passed on once when its queue is there.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_without_a_queue_is_kept_for_it() {
    let world = World::new().await;
    let operator = world.operator().await;
    let client = world.client().await;
    let kept = topology::kept_queue("8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11", 600);
    let deliver = async |queue: &str| loop {
        match operator
            .broker
            .deliver_kept(&kept.name, queue, "message-1".to_owned(), KeptBecause::Unroutable)
            .await
            .unwrap()
        {
            Redelivery::TooEarly(_) => sleep(Duration::from_millis(500)).await,
            other => return other,
        }
    };
    assert_eq!(operator.broker.publish_result("jobs.k.result", outgoing("result")).await, Ok(Routing::Unroutable));
    for _ in 0..2 {
        operator.broker.keep_result(&kept, outgoing("result")).await.unwrap();
    }
    assert_eq!(deliver("jobs.k.result").await, Redelivery::Unroutable);
    declare_as_sdk(&client, "jobs.k.result", 600_000).await.unwrap();
    assert_eq!(deliver("jobs.k.result").await, Redelivery::Delivered);
    assert_eq!(reads_one(&client, "jobs.k.result").await, b"result");
    let again = client.basic_get("jobs.k.result".into(), BasicGetOptions::default()).await.unwrap();
    assert!(again.is_none(), "it is there once");
    let sights = operator.broker.look_up(std::slice::from_ref(&kept.name)).await.unwrap();
    let stays = [QueueSight::Present { messages: 1, consumers: 0 }];
    assert_eq!(sights, stays, "until the status says that it was passed on");
    operator.broker.delete_queue(&kept.name, DeleteCondition::Always).await.unwrap();
    declare_as_sdk(&client, "jobs.m.result", 600_000).await.unwrap();
    let lost = deliver("jobs.m.result").await;
    assert_eq!(lost, Redelivery::NothingKept, "somebody removed what was kept");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn quorum_queues_are_deleted_without_losing_the_connection() {
    let world = World::new().await;
    let operator = world.operator().await;
    let client = world.client().await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    client.queue_declare("jobs.q.result".into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
    let reader = BasicConsumeOptions::default();
    let consumer =
        client.basic_consume("jobs.q.result".into(), "c".into(), reader, FieldTable::default()).await.unwrap();
    let delete = async || operator.broker.delete_queue("jobs.q.result", DeleteCondition::IfUnused).await;
    assert_eq!(delete().await, Ok(Deletion::StillWanted));
    client.basic_cancel(consumer.tag(), lapin::options::BasicCancelOptions::default()).await.unwrap();
    assert_eq!(delete().await, Ok(Deletion::Deleted));
    assert_eq!(operator.broker.stats().reconnects(), 0);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn declarations_of_operator_and_sdk_are_equivalent() {
    let world = World::new().await;
    let operator = world.operator().await;
    let client = world.client().await;
    operator.broker.ensure_queues(&topology::job_queues("a", 600)).await.unwrap();
    assert!(declare_as_sdk(&client, "jobs.a.result", 600_000).await.is_ok());
    assert!(declare_as_sdk(&client, "jobs.b.result", 600_000).await.is_ok());
    operator.broker.ensure_queues(&topology::job_queues("b", 600)).await.unwrap();

    let error = operator.broker.ensure_queues(&topology::job_queues("b", 60)).await.unwrap_err();
    let BrokerError::ArgumentsDiffer { queue, detail } = error else { panic!("{error:?}") };
    assert!(queue.starts_with("jobs.b."), "{queue}");
    assert!(detail.contains("60000") && detail.contains("600000"), "{detail}");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn messages_are_confirmed_or_known_to_be_unroutable() {
    let world = World::new().await;
    let operator = world.operator().await;
    let client = world.client().await;
    let [_, status, result] = operator.makes_queues("a").await;
    assert_eq!(operator.broker.publish("jobs.nobody.status", outgoing("x")).await, Ok(Routing::Unroutable));
    assert_eq!(operator.publishes_result("jobs.nobody.result").await, Routing::Unroutable);
    assert_eq!(operator.broker.publish(&status, outgoing("s")).await, Ok(Routing::Routed));
    assert_eq!(reads_one(&client, &status).await, b"s");

    assert_eq!(operator.publishes_result(&result).await, Routing::Routed);
    let message = client.basic_get(result.into(), BasicGetOptions::default()).await.unwrap().unwrap();
    assert_eq!(message.properties.delivery_mode(), &Some(2));
    assert_eq!(message.properties.message_id().as_ref().map(lapin::types::ShortString::as_str), Some("message-1"));
    assert_eq!(message.properties.headers(), &None);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn what_the_user_may_not_is_refused_and_the_connection_lives() {
    let world = World::new().await;
    let operator = world.operator().await;
    let error = operator.broker.look_up(&["x".repeat(300)]).await.unwrap_err();
    assert_eq!(error.category(), "Refused");
    let mut foreign = topology::job_queues("a", 600)[0].clone();
    foreign.name = "somebody.elses".to_owned();
    let error = operator.broker.ensure_queues(&[foreign]).await.unwrap_err();
    assert_eq!(error.category(), "Refused", "{error}");
    operator.makes_queues("a").await;
}

/// The operator is no administrator of the broker, and says it all the same.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_default_queue_type_that_is_not_classic_is_said() {
    let overview = administer(reqwest::Method::GET, &["overview"], Value::Null).await;
    // Virtual hosts have a default type from 3.11 on.
    let has_default = !overview["rabbitmq_version"].as_str().unwrap().starts_with("3.10.");
    for (type_, expected) in [("quorum", has_default), ("classic", false)] {
        let world = World::new().await;
        administer(reqwest::Method::PUT, &["vhosts", &world.vhost], json!({"default_queue_type": type_})).await;
        let operator = world.operator().await;
        let notices = operator.broker.notices();
        assert_eq!(notices.iter().any(|said| said.contains("quorum queues")), expected, "{notices:?}");
    }
}

/// A rotation of the operator's own password ends no connection, and the next one has the new password.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_rotated_password_is_used_while_the_first_connection_lives() {
    let world = World::new().await;
    let user = unique("it-rotated");
    let allowed = administer(reqwest::Method::GET, &["permissions", "omotes", "omotes-operator"], Value::Null).await;
    let hold = async |password: &str| {
        let access = json!({"password": password, "tags": "management"});
        administer(reqwest::Method::PUT, &["users", &user], access).await;
        let of = |uri: String| {
            let mut uri: reqwest::Url = uri.parse().unwrap();
            uri.set_username(&user).unwrap();
            uri.set_password(Some(password)).unwrap();
            uri.to_string()
        };
        world.file("amqp-uri", &of(world.uri("OMOTES_OPERATOR_AMQP_URI")));
        world.file("management-uri", &of(variable("OMOTES_MANAGEMENT_URI")));
    };
    let config = world.config();
    hold("first").await;
    administer(reqwest::Method::PUT, &["permissions", &world.vhost, &user], allowed).await;
    let operator = Operator::start(config.clone());
    operator.ready().await;
    operator.makes_queues("a").await;
    hold("second").await;
    operator.broker.list_queues().await.unwrap();
    let second = format!("{} (queues)", config.connection_name);
    // The management API lists a connection some seconds late.
    sleep(Duration::from_secs(6)).await;
    disconnect_named(&second).await;
    until("the second connection is another", Duration::from_secs(30), || async {
        operator.broker.ensure_queues(&topology::job_queues("b", 600)).await.map_err(|error| error.to_string())
    })
    .await;
    assert_eq!(operator.broker.stats().reconnects(), 0);
    operator.stop().await;
    administer(reqwest::Method::DELETE, &["users", &user], Value::Null).await;
}

/// A client of the broker may not give the number of an ended channel free; after 2047 of them it would answer with
/// their errors.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_old_error_is_never_the_answer_to_a_new_question() {
    let world = World::new().await;
    let operator = world.operator().await;
    let [progress, ..] = operator.makes_queues("a").await;
    for _ in 0..5 {
        let missing: Vec<String> = (0..500).map(|number| format!("jobs.{number}.missing")).collect();
        let seen = operator.broker.look_up(&missing).await.unwrap();
        assert!(seen.iter().all(|sight| *sight == QueueSight::Missing));
    }
    let seen = operator.broker.look_up(&vec![progress; 500]).await.unwrap();
    assert!(seen.iter().all(|sight| *sight == QueueSight::Present { messages: 0, consumers: 0 }));
    assert_eq!(operator.broker.stats().reconnects(), 0);
}

// --- Evidence -----------------------------------------------------------------------------------------------------

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_operator_that_crashed_sees_whether_it_had_published() {
    let world = World::new().await;
    let ended = Timestamp::now();
    let first = world.operator().await;
    let [_, _, unpublished] = first.makes_queues("unpublished").await;
    let [_, _, unread] = first.makes_queues("unread").await;
    let [_, _, read] = first.makes_queues("read").await;
    for queue in [&unread, &read] {
        first.publishes_result(queue).await;
        assert_eq!(
            first.broker.result_evidence(queue, RESULT_ID, ended).await,
            Ok(Evidence::Published),
            "what it did itself"
        );
    }
    reads_one(&world.client().await, &read).await;
    first.stop().await;

    let second = world.operator().await;
    let early = second.broker.result_evidence(&unpublished, RESULT_ID, ended).await.unwrap();
    assert!(matches!(early, Evidence::Unknown { .. }), "statistics lag: {early:?}");
    assert_eq!(second.evidence(&unpublished, ended).await, Evidence::NotPublished);
    assert_eq!(second.evidence(&unread, ended).await, Evidence::Published);
    assert_eq!(second.evidence(&read, ended).await, Evidence::Published);
    assert_eq!(second.evidence("jobs.gone.result", ended).await, Evidence::QueueGone);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn without_management_api_nothing_is_known() {
    let world = World::new().await;
    let config = BrokerConfig { management_uri_file: None, ..world.config() };
    let operator = Operator::start(config);
    operator.ready().await;
    let [_, _, result] = operator.makes_queues("a").await;
    assert_eq!(operator.broker.result_evidence(&result, RESULT_ID, Timestamp::now()).await, Ok(Evidence::Unavailable));
    assert!(!operator.broker.stats().event_exchange(), "this virtual host has no event exchange");
}

// --- Output -------------------------------------------------------------------------------------------------------

/// Lets a courier carry what is in its folder.
async fn flush(world: &World, job: &str, flush_seconds: u64) -> ExitCode {
    let (settings, layout) = world.courier(job, flush_seconds);
    courier::run(&settings, &layout, std::future::ready(())).await
}

fn leave_output(world: &World, content: &str) {
    fs::create_dir_all(world.folder.join("omotes/output")).unwrap();
    fs::write(world.folder.join("omotes/output/output.esdl"), content).unwrap();
}

async fn output_queue(operator: &Operator, job: &str) -> QueueDeclaration {
    let queue = topology::output_queue(&capability(job), &namespace_key().output_route(job, 1), 600);
    operator.broker.ensure_queues(std::slice::from_ref(&queue)).await.unwrap();
    queue
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_large_output_reaches_the_client() {
    const SIZE: usize = 64 * 1024 * 1024;
    let world = World::new().await;
    let operator = world.operator().await;
    let queue = output_queue(&operator, "a").await.name;
    let [_, _, result] = operator.makes_queues("a").await;
    leave_output(&world, &"é".repeat(SIZE / 2));
    assert_eq!(flush(&world, "a", 60).await, ExitCode::SUCCESS);
    let record = world.commit();
    assert_eq!(record.output_bytes, Some(SIZE as u64));

    let mark = OutputMark::Record(record.clone());
    let Fetched::Output(body) = operator.broker.fetch_output(&queue, &mark, false).await.unwrap() else { panic!() };
    let output = CourierOutput::from_body(body).unwrap();
    let body = JobResult::finished("job", ResultType::Succeeded, output, "").to_body();
    assert!(body.len() as u64 <= record.bytes);
    assert_eq!(operator.broker.publish_result(&result, outgoing(body.clone())).await, Ok(Routing::Routed));
    assert!(reads_one(&world.client().await, &result).await == body, "the client reads what was published");

    let again = operator.broker.fetch_output(&queue, &mark, false).await.unwrap();
    assert!(matches!(again, Fetched::Output(_)), "it is still there for an operator that crashed");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn only_the_vouched_message_is_an_output() {
    let world = World::new().await;
    let operator = world.operator().await;
    let queue = output_queue(&operator, "a").await.name;
    let forger = world.user("OMOTES_COURIER_AMQP_URI").await;
    let key = topology::output_key(&namespace_key().output_route("a", 1));
    let forgeries = 40;
    for _ in 0..forgeries {
        let forged = forger.basic_publish(
            topology::COURIER_EXCHANGE.into(),
            key.as_str().into(),
            BasicPublishOptions::default(),
            b"forged",
            BasicProperties::default(),
        );
        forged.await.unwrap();
    }
    leave_output(&world, "<esdl/>");
    assert_eq!(flush(&world, "a", 10).await, ExitCode::SUCCESS);
    let record = world.commit();
    let mark = OutputMark::Record(record.clone());
    let fetch = |may_be_large| operator.broker.fetch_output(&queue, &mark, may_be_large);
    assert_eq!(fetch(false).await, Ok(Fetched::Crowded));
    let mut gos = 1;
    while let Err(error) = fetch(true).await {
        assert_eq!(error.category(), "Crowded", "{error}");
        gos += 1;
    }
    assert_eq!(gos, 3, "of {forgeries} forged ones so many are removed in one go");
    let left = operator.broker.look_up(std::slice::from_ref(&queue)).await.unwrap();
    assert_eq!(left, [QueueSight::Present { messages: 1, consumers: 0 }], "the forged ones are gone");
    assert!(matches!(fetch(false).await, Ok(Fetched::Output(_))));

    let (own, anothers) = (namespace_key().proof("a", 1, "pod-uid"), namespace_key().proof("a", 2, "pod-uid"));
    for (proof, is_its) in [(anothers, false), (own, true)] {
        let mark = OutputMark::Proof(proof);
        assert_eq!(operator.broker.fetch_output(&queue, &mark, false).await, Ok(Fetched::Crowded), "it may be large");
        let fetched = operator.broker.fetch_output(&queue, &mark, true).await.unwrap();
        assert_eq!(matches!(fetched, Fetched::Output(_)), is_its, "without a record the proof in the message counts");
    }

    let other = OutputMark::Record(CommitRecord { bytes: 1, ..record });
    let fetch = |may_be_large| operator.broker.fetch_output(&queue, &other, may_be_large);
    assert_eq!(fetch(false).await, Ok(Fetched::Crowded), "more may have come");
    assert_eq!(fetch(true).await, Ok(Fetched::Absent));
    assert_eq!(operator.broker.fetch_output("omotes.output.missing", &mark, false).await, Ok(Fetched::Absent));
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_output_over_the_brokers_limit_is_refused_in_words() {
    let world = World::new().await;
    let operator = world.operator().await;
    output_queue(&operator, "a").await;
    leave_output(&world, &"x".repeat(128 * 1024 * 1024));
    assert_eq!(flush(&world, "a", 60).await, ExitCode::FAILURE);
    let TerminationRecord::Failed(failure) = world.last_word() else { panic!() };
    assert_eq!(failure.cause, FailureCause::OutputTooLarge);
    assert!(
        failure.message.contains("134217728") && failure.message.contains("max_message_size"),
        "{}",
        failure.message
    );

    let [_, _, result] = operator.makes_queues("a").await;
    let error = operator.broker.publish_result(&result, outgoing(vec![0; 129 * 1024 * 1024])).await.unwrap_err();
    assert_eq!(error.category(), "TooLarge", "{error}");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_output_without_a_queue_is_lost_in_words() {
    let world = World::new().await;
    let _operator = world.operator().await;
    leave_output(&world, "<esdl/>");
    assert_eq!(flush(&world, "a", 4).await, ExitCode::FAILURE);
    let TerminationRecord::Failed(failure) = world.last_word() else { panic!() };
    assert_eq!(failure.cause, FailureCause::OutputLost);
    assert!(failure.message.contains("queue for the output is not there"), "{}", failure.message);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn progress_is_said_while_the_job_runs() {
    let world = World::new().await;
    let mut operator = world.operator().await;
    output_queue(&operator, "a").await;
    let (settings, layout) = world.courier("a", 10);
    assert_eq!(courier::input(&settings, &layout, std::future::pending()).await, ExitCode::SUCCESS);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(async move { courier::run(&settings, &layout, async { drop(stopped.await) }).await });
    let progress_file = world.folder.join("omotes/progress");
    fs::write(&progress_file, "noise\n{\"progress\": 0.25, \"message\": \"solving\"}\n").unwrap();
    let told = |event: &BrokerEvent, least: f64| match event {
        BrokerEvent::Courier { message: CourierMessage { notice: CourierNotice::Progress(line), .. }, .. } => {
            line.progress > least
        }
        _ => false,
    };
    let BrokerEvent::Courier { namespace, message: heard } = operator.event(|event| told(event, 0.0)).await else {
        panic!()
    };
    assert_eq!(namespace, None, "nobody listens to the namespace's own queue");
    assert_eq!((heard.job.as_str(), heard.pod.as_str(), heard.attempt), ("a", "pod-uid", 1));
    assert_eq!(heard.proof, Some(namespace_key().proof("a", 1, "pod-uid")));
    let line = ProgressLine { progress: 0.25, message: "solving".to_owned() };
    assert_eq!((heard.notice, heard.capability), (CourierNotice::Progress(line), capability("a")));

    let own = NamespaceProgress::of("ns", &namespace_key());
    operator.broker.listen_to([own.clone()]);
    is_heard(&world, &own, true).await;
    fs::write(&progress_file, "{\"progress\": 0.5}\n").unwrap();
    let half = operator.event(|event| told(event, 0.4)).await;
    let BrokerEvent::Courier { namespace, .. } = half else { panic!() };
    assert_eq!(namespace.as_deref(), Some("ns"));

    operator.broker.listen_only_to(HashSet::new);
    is_heard(&world, &own, false).await;
    fs::write(&progress_file, "{\"progress\": 1}\n").unwrap();
    drop(stop);
    let last = operator.event(|event| told(event, 0.9)).await;
    assert!(matches!(last, BrokerEvent::Courier { namespace: None, .. }), "{last:?}");
    assert_eq!(running.await.unwrap(), ExitCode::SUCCESS);
    assert_eq!(world.commit().output_bytes, None);
}

/// Waits until a queue takes a namespace's progress, or none does.
async fn is_heard(world: &World, source: &NamespaceProgress, expected: bool) {
    let channel = world.user("OMOTES_COURIER_AMQP_URI").await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    until("the namespace's queue", Duration::from_secs(20), || async {
        let (exchange, key) = (topology::COURIER_EXCHANGE.into(), source.routing_key.as_str().into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let publish = channel.basic_publish(exchange, key, options, b"?", BasicProperties::default());
        let confirmation = publish.await.unwrap().await.unwrap();
        let is_heard = matches!(confirmation, Confirmation::Ack(None));
        if is_heard == expected { Ok(()) } else { Err(format!("{confirmation:?}")) }
    })
    .await;
}

/// Publishes `body` to a namespace's progress as fast as the broker takes it, until it is dropped.
fn flood(uri: String, source: &NamespaceProgress, body: Bytes) -> (tokio::task::JoinHandle<()>, Arc<AtomicU64>) {
    let (key, sent) = (source.routing_key.clone(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&sent);
    let flood = tokio::spawn(async move {
        let connection = Connection::connect(&uri, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        loop {
            let publish = channel.basic_publish(
                topology::COURIER_EXCHANGE.into(),
                key.as_str().into(),
                BasicPublishOptions::default(),
                &body,
                BasicProperties::default(),
            );
            publish.await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    (flood, sent)
}

/// One namespace sends as much progress as the broker takes: that of another arrives in time, each message.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_flood_of_one_namespace_delays_no_others_progress() {
    // Some twenty times as long as on an idle machine.
    const A_WHILE: Duration = Duration::from_secs(6);
    let world = World::new().await;
    let mut operator = world.operator().await;
    let keys = CapabilityKey::new(&[7; 32]).unwrap();
    let [quiet, flooded] = ["quiet", "flooded"].map(|name| NamespaceProgress::of(name, &keys.namespace_key(name)));
    operator.broker.listen_to([quiet.clone(), flooded.clone()]);
    is_heard(&world, &quiet, true).await;
    is_heard(&world, &flooded, true).await;
    let message = |job: &str, progress: f64| CourierMessage {
        job: job.to_owned(),
        attempt: 1,
        pod: "pod".to_owned(),
        capability: capability(job),
        proof: None,
        notice: CourierNotice::Progress(ProgressLine { progress, message: String::new() }),
    };
    let uri = world.uri("OMOTES_COURIER_AMQP_URI");
    let floods = [(); 2].map(|()| flood(uri.clone(), &flooded, message("flooded", 0.5).to_body()));
    let began = Instant::now();
    sleep(Duration::from_secs(2)).await;
    let channel = world.user("OMOTES_COURIER_AMQP_URI").await;
    let mut longest = Duration::ZERO;
    for second in 1..=10 {
        let progress = f64::from(second) / 10.0;
        let sent = Instant::now();
        let body = message("quiet", progress).to_body();
        let key = quiet.routing_key.as_str();
        let options = BasicPublishOptions::default();
        let exchange = topology::COURIER_EXCHANGE.into();
        channel.basic_publish(exchange, key.into(), options, &body, BasicProperties::default()).await.unwrap();
        let arrived = |event: &BrokerEvent| {
            matches!(event, BrokerEvent::Courier { namespace, message } if namespace.as_deref() == Some("quiet")
            && matches!(&message.notice, CourierNotice::Progress(line) if (line.progress - progress).abs() < f64::EPSILON))
        };
        operator.event(arrived).await;
        longest = longest.max(sent.elapsed());
        sleep(Duration::from_millis(500)).await;
    }
    let sent: u64 = floods.iter().map(|(_, sent)| sent.load(Ordering::Relaxed)).sum();
    println!("{} messages a second; longest delay {longest:?}", sent / began.elapsed().as_secs());
    for (flood, _) in floods {
        flood.abort();
    }
    assert!(longest < A_WHILE, "{longest:?}");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn garbage_on_the_progress_queue_is_counted_and_dropped() {
    let world = World::new().await;
    let operator = world.operator().await;
    let forger = world.user("OMOTES_COURIER_AMQP_URI").await;
    for body in [&b"garbage"[..], &vec![0xff; 70_000]] {
        let key = topology::PROGRESS_KEY;
        let options = BasicPublishOptions::default();
        let publish = forger.basic_publish(
            topology::COURIER_EXCHANGE.into(),
            key.into(),
            options,
            body,
            BasicProperties::default(),
        );
        publish.await.unwrap();
    }
    timeout(Duration::from_secs(10), async {
        while operator.broker.stats().rejected_progress() < 2 {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    assert!(matches!(operator.broker.state(), BrokerState::Ready { .. }));
}

// --- Connection ---------------------------------------------------------------------------------------------------

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn one_operator_leads_and_its_successor_waits() {
    let world = World::new().await;
    let first = world.operator().await;
    let second = Operator::start(world.config());
    second
        .reaches(|state| matches!(state, BrokerState::Unreachable { reason, .. } if reason.contains("omotes.leader")))
        .await;
    let refused = second.broker.publish("jobs.a.status", outgoing("x")).await.unwrap_err();
    assert_eq!(refused.category(), "Unreachable");
    first.stop().await;
    second.ready().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_broker_over_tls_is_verified() {
    let world = World::new().await;
    let encrypted = BrokerConfig {
        requires_tls: false,
        amqp_uri_file: world.file("amqps-uri", &world.uri("OMOTES_POD_AMQPS_URI")),
        ca_file: Some(variable("OMOTES_BROKER_CA").into()),
        ..world.config()
    };
    let untrusting = Operator::start(BrokerConfig { ca_file: None, ..encrypted.clone() });
    let doubts = |state: &BrokerState| {
        let BrokerState::Unreachable { reason, .. } = state else { return false };
        reason.to_lowercase().contains("certificate") || reason.contains("UnknownIssuer")
    };
    untrusting.reaches(doubts).await;
    untrusting.stop().await;
    Operator::start(encrypted).ready().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_wrong_password_is_named_and_not_shown() {
    let world = World::new().await;
    let mut uri: reqwest::Url = world.uri("OMOTES_OPERATOR_AMQP_URI").parse().unwrap();
    uri.set_password(Some("wr0ng-secret")).unwrap();
    let mut config = world.config();
    config.amqp_uri_file = world.file("wrong-uri", uri.as_str());
    let operator = Operator::start(config);
    let named = |state: &BrokerState| matches!(state, BrokerState::Unreachable { reason, .. } if reason.contains("check user and password"));
    operator.reaches(named).await;
    assert!(!format!("{:?} {:?}", operator.broker, operator.broker.state()).contains("wr0ng-secret"));

    world.file("wrong-uri", &world.uri("OMOTES_OPERATOR_AMQP_URI"));
    operator.ready().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn the_courier_can_do_nothing_but_its_work() {
    let world = World::new().await;
    let operator = world.operator().await;
    let [_, _, result] = operator.makes_queues("a").await;
    let output = output_queue(&operator, "a").await.name;
    let refused =
        |what: &str, error: lapin::Error| assert!(error.to_string().contains("ACCESS_REFUSED"), "{what}: {error}");
    let courier = async || world.user("OMOTES_COURIER_AMQP_URI").await;
    for queue in [result.as_str(), output.as_str(), "omotes.progress", "omotes.events"] {
        let options = BasicConsumeOptions::default();
        let consumed = courier().await.basic_consume(queue.into(), "c".into(), options, FieldTable::default()).await;
        refused("consume", consumed.unwrap_err());
        refused("get", courier().await.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap_err());
        let deleted = courier().await.queue_delete(queue.into(), QueueDeleteOptions::default()).await;
        refused("delete", deleted.unwrap_err());
        refused("publish", publish_as(&courier().await, "", queue).await.unwrap_err());
    }
    refused("publish", publish_as(&courier().await, "amq.topic", "jobs").await.unwrap_err());
    for queue in ["omotes.input.x", "jobs.x.result", "omotes.output.x", "x"] {
        let channel = courier().await;
        let declared = channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), FieldTable::default());
        refused("declare", declared.await.unwrap_err());
    }
    let kind = lapin::ExchangeKind::Direct;
    let declared = courier().await;
    let declared =
        declared.exchange_declare("x".into(), kind, ExchangeDeclareOptions::default(), FieldTable::default());
    refused("declare", declared.await.unwrap_err());
    let published = publish_as(&courier().await, topology::COURIER_EXCHANGE, "output.unknown").await.unwrap();
    assert!(published.take_message().is_some(), "its own exchange it may write to");
}

async fn publish_as(channel: &Channel, exchange: &str, key: &str) -> lapin::Result<Confirmation> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    channel.basic_publish(exchange.into(), key.into(), options, b"x", BasicProperties::default()).await?.await
}

/// These stop or starve the broker, or the operator of the test bed: no other test can run meanwhile.
mod disruption {
    use super::*;

    /// The test bed without its operator, as long as this lives: somebody else can lead in `omotes`.
    struct Vacancy {
        replicas: Option<String>,
    }

    impl Vacancy {
        async fn make() -> Self {
            let replicas = deployment(&["get", "-o", "jsonpath={.spec.replicas}"]);
            if replicas.is_some() {
                deployment(&["scale", "--replicas=0"]).unwrap();
                sleep(Duration::from_secs(2)).await;
            }
            Self { replicas }
        }
    }

    impl Drop for Vacancy {
        fn drop(&mut self) {
            if let Some(replicas) = &self.replicas {
                deployment(&["scale", &format!("--replicas={replicas}")]);
            }
        }
    }

    /// What kubectl says about the operator's deployment; `None` where there is none.
    fn deployment(arguments: &[&str]) -> Option<String> {
        let (verb, options) = arguments.split_first().unwrap();
        let namespace = variable("OMOTES_NAMESPACE");
        let about = ["-n", &namespace, verb, "deployment", "omotes-operator"];
        let output = std::process::Command::new("kubectl").args(about).args(options).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[tokio::test]
    #[ignore = "needs the test bed for itself: make test"]
    async fn a_broker_that_restarts_is_found_again_and_loses_no_output() {
        let world = World::new().await;
        let mut operator = world.operator().await;
        let queue = output_queue(&operator, "a").await.name;
        let [_, _, result] = operator.makes_queues("a").await;
        leave_output(&world, "<esdl/>");
        let (settings, layout) = world.courier("a", 120);
        testbed(&["broker", "stop"]).await;
        operator.event(|event| *event == BrokerEvent::Lost).await;
        let refused = operator.broker.publish(&result, outgoing("x")).await.unwrap_err();
        assert!(refused.is_transient(), "{refused}");
        let flushing = tokio::spawn(async move { courier::run(&settings, &layout, std::future::ready(())).await });
        sleep(Duration::from_secs(2)).await;
        testbed(&["broker", "start"]).await;
        operator.ready().await;
        operator.event(|event| *event == BrokerEvent::Connected).await;
        assert_eq!(flushing.await.unwrap(), ExitCode::SUCCESS);
        let mark = OutputMark::Record(world.commit());
        let fetched = operator.broker.fetch_output(&queue, &mark, false).await.unwrap();
        assert!(matches!(fetched, Fetched::Output(_)));
        assert_eq!(operator.publishes_result(&result).await, Routing::Routed);
        assert_eq!(operator.broker.stats().reconnects(), 1);
    }

    #[tokio::test]
    #[ignore = "needs the test bed for itself: make test"]
    async fn a_broker_without_memory_is_waited_for() {
        let world = World::new().await;
        let operator = world.operator().await;
        output_queue(&operator, "a").await;
        let [_, status, result] = operator.makes_queues("a").await;
        leave_output(&world, "<esdl/>");
        let (settings, layout) = world.courier("a", 120);

        testbed(&["broker", "cli", "set_vm_memory_high_watermark", "0.0000001"]).await;
        let ended = Timestamp::now();
        let broker = operator.broker.clone();
        let queue = result.clone();
        let publishing = tokio::spawn(async move { broker.publish_result(&queue, outgoing("result")).await });
        operator.reaches(|state| matches!(state, BrokerState::Blocked { .. })).await;
        assert!(operator.broker.stats().blocked());
        let refused = timeout(Duration::from_millis(100), operator.broker.publish(&status, outgoing("x"))).await;
        assert_eq!(refused.unwrap().unwrap_err().category(), "Blocked");
        publishing.abort();
        let flushing = tokio::spawn(async move { courier::run(&settings, &layout, std::future::ready(())).await });
        let evidence = operator.broker.result_evidence(&result, RESULT_ID, ended).await.unwrap();
        assert!(matches!(evidence, Evidence::Unknown { .. }), "it is under way: {evidence:?}");

        testbed(&["broker", "cli", "set_vm_memory_high_watermark", "0.6"]).await;
        operator.ready().await;
        assert_eq!(operator.evidence(&result, ended).await, Evidence::Published);
        assert_eq!(reads_one(&world.client().await, &result).await, b"result");
        let seen = operator.broker.look_up(&[result]).await.unwrap();
        assert_eq!(seen, [QueueSight::Present { messages: 0, consumers: 0 }], "it came once");
        assert_eq!(flushing.await.unwrap(), ExitCode::SUCCESS);
    }

    #[tokio::test]
    #[ignore = "needs the test bed for itself: make test"]
    async fn deletions_tell_who_read_a_result() {
        let _vacancy = Vacancy::make().await;
        let world = World::shared();
        let client = world.client().await;
        let (read, expired) = (unique("jobs.it") + ".result", unique("jobs.it") + ".result");
        let mut operator = world.operator().await;
        assert!(operator.broker.stats().event_exchange());
        let ended = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        declare_as_sdk(&client, &read, 600_000).await.unwrap();
        operator.publishes_result(&read).await;
        reads_one(&client, &read).await;
        client.queue_delete(read.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        let of = |wanted: &str, event: &BrokerEvent| matches!(event, BrokerEvent::QueueDeleted { queue, .. } if queue == wanted);
        let BrokerEvent::QueueDeleted { by, at, .. } = operator.event(|event| of(&read, event)).await else { panic!() };
        assert_eq!(by, Deleter::Other("omotes-client".to_owned()));
        assert!(at >= ended, "{at} < {ended}");
        declare_as_sdk(&client, &expired, 1_000).await.unwrap();
        let BrokerEvent::QueueDeleted { by, .. } = operator.event(|event| of(&expired, event)).await else { panic!() };
        assert_eq!(by, Deleter::Expiry);
        operator.stop().await;

        let successor = world.operator().await;
        assert_eq!(successor.evidence(&read, ended).await, Evidence::Published);
        assert_eq!(successor.evidence(&expired, ended).await, Evidence::QueueGone);
    }
}

//! A client of the operator, as programs written against the OMOTES SDK are: it consumes a job's queues.

use std::time::Duration;

use futures::StreamExt;
use lapin::{
    Channel, Connection, ConnectionProperties,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use omotes_operator::testing::wire::{JobProgressUpdate, JobResult, JobStatus, JobStatusUpdate, ResultType};
use prost::Message;
use tokio::{sync::mpsc, task::JoinHandle};

use super::{bed::variable, until};

/// One message that a client got.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Status(JobStatus),
    Progress(f64),
    Result { message_id: String, result: Box<JobResult> },
}

/// A client that waits on one job's queues.
pub(crate) struct Listener {
    /// Its own connection, where it does not share its client's.
    own: Option<Connection>,
    consumers: Vec<JoinHandle<()>>,
    heard: mpsc::UnboundedReceiver<Heard>,
    /// Everything heard so far, in order of arrival.
    pub log: Vec<Heard>,
}

/// A connection as the client's user.
pub(crate) async fn connect() -> Connection {
    connect_by("OMOTES_AMQP_URI").await
}

/// A connection as an administrator, who may touch every queue.
pub(crate) async fn connect_as_admin() -> Connection {
    connect_by("OMOTES_ADMIN_AMQP_URI").await
}

async fn connect_by(uri: &str) -> Connection {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Connection::connect(&variable(uri), ConnectionProperties::default()).await.unwrap()
}

/// How many messages wait in `queue`; `None` when there is no such queue. Renews the queue's lease.
pub(crate) async fn depth(connection: &Connection, queue: &str) -> Option<u32> {
    let channel = connection.create_channel().await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
    declared.ok().map(|queue| queue.message_count())
}

/// The next message in `queue`, which is then gone from there.
pub(crate) async fn take(connection: &Connection, queue: &str) -> Option<Heard> {
    let channel = connection.create_channel().await.unwrap();
    let got = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap();
    // As a client that stays: the broker forgets now and then what a channel did in the seconds before it was closed.
    std::mem::forget(channel);
    got.map(|message| decode(queue, &message.delivery))
}

/// Makes a queue that is the client's own, durable, which goes `expires` milliseconds after its last use.
pub(crate) async fn declare(connection: &Connection, queue: &str, expires: Option<i32>) {
    let mut arguments = FieldTable::default();
    if let Some(milliseconds) = expires {
        arguments.insert("x-expires".into(), AMQPValue::LongInt(milliseconds));
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let channel = connection.create_channel().await.unwrap();
    channel.queue_declare(queue.into(), durable, arguments).await.unwrap();
}

/// The names of a job's three queues.
pub(crate) fn queues(job_id: &str) -> [String; 3] {
    ["progress", "status", "result"].map(|kind| format!("jobs.{job_id}.{kind}"))
}

impl Listener {
    /// Waits for the queues of `job_id` and consumes them; every message is acknowledged.
    pub(crate) async fn attach(job_id: &str) -> Self {
        let connection = connect().await;
        for queue in queues(job_id) {
            until(&format!("{queue} is there"), Duration::from_secs(60), || async {
                depth(&connection, &queue).await.map(drop).ok_or_else(|| "no such queue".to_owned())
            })
            .await;
        }
        let listener = Self::on(&connection.create_channel().await.unwrap(), job_id).await;
        Self { own: Some(connection), ..listener }
    }

    /// Consumes the queues of `job_id`, which are there, over a channel that is there, as the SDK does.
    pub(crate) async fn on(channel: &Channel, job_id: &str) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let mut consumers = Vec::new();
        for queue in queues(job_id) {
            let consumer = channel
                .basic_consume(queue.as_str().into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
                .await
                .unwrap();
            consumers.push(tokio::spawn(forward(channel.clone(), consumer, queue, sender.clone())));
        }
        Self { own: None, consumers, heard, log: Vec::new() }
    }

    /// Takes in everything that arrives until the result is there, and for `after` beyond it.
    pub(crate) async fn listen(&mut self, limit: Duration, after: Duration) -> &[Heard] {
        let deadline = tokio::time::Instant::now() + limit;
        while self.results().is_empty() {
            let next = tokio::time::timeout_at(deadline, self.heard.recv()).await;
            self.log.push(next.unwrap_or_else(|_| panic!("no result within {limit:?}; heard {:?}", self.log)).unwrap());
        }
        let end = tokio::time::Instant::now() + after;
        while let Ok(Some(heard)) = tokio::time::timeout_at(end, self.heard.recv()).await {
            self.log.push(heard);
        }
        &self.log
    }

    /// The next message, within `limit`.
    pub(crate) async fn first(&mut self, limit: Duration) -> Heard {
        let next = tokio::time::timeout(limit, self.heard.recv()).await;
        let heard = next.unwrap_or_else(|_| panic!("nothing heard within {limit:?}")).unwrap();
        self.log.push(heard.clone());
        heard
    }

    /// Stops consuming.
    pub(crate) async fn leave(self) {
        match self.own {
            Some(connection) => connection.close(200, "done".into()).await.unwrap(),
            // A consumer that is dropped is cancelled.
            None => self.consumers.iter().for_each(JoinHandle::abort),
        }
    }

    /// The results heard so far.
    pub(crate) fn results(&self) -> Vec<&JobResult> {
        self.log
            .iter()
            .filter_map(|heard| if let Heard::Result { result, .. } = heard { Some(&**result) } else { None })
            .collect()
    }

    /// The message-ids of the results heard so far.
    pub(crate) fn message_ids(&self) -> Vec<&str> {
        self.log
            .iter()
            .filter_map(|heard| if let Heard::Result { message_id, .. } = heard { Some(&**message_id) } else { None })
            .collect()
    }

    /// The statuses heard so far.
    pub(crate) fn statuses(&self) -> Vec<JobStatus> {
        self.log
            .iter()
            .filter_map(|heard| if let Heard::Status(status) = heard { Some(*status) } else { None })
            .collect()
    }

    /// The one result; panics unless it is exactly one, of this type.
    pub(crate) fn only_result(&self, expected: ResultType) -> &JobResult {
        let results = self.results();
        assert_eq!(results.len(), 1, "a client gets exactly one result: {results:?}");
        assert_eq!(results[0].result_type(), expected, "{:?}", results[0]);
        results[0]
    }
}

async fn forward(channel: Channel, mut consumer: lapin::Consumer, queue: String, sender: mpsc::UnboundedSender<Heard>) {
    while let Some(Ok(delivery)) = consumer.next().await {
        let heard = decode(&queue, &delivery);
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await.unwrap();
        if sender.send(heard).is_err() {
            return;
        }
    }
}

fn decode(queue: &str, delivery: &Delivery) -> Heard {
    let body = delivery.data.as_slice();
    let message_id = delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
    match queue.rsplit('.').next() {
        Some("status") => Heard::Status(JobStatusUpdate::decode(body).unwrap().status()),
        Some("progress") => Heard::Progress(JobProgressUpdate::decode(body).unwrap().progress),
        _ => Heard::Result { message_id, result: Box::new(JobResult::decode(body).unwrap()) },
    }
}

//! An OMOTES client in a simulation: it submits, deletes, and listens to its jobs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt as _;
use lapin::BasicProperties;
use omotes_operator::testing::{
    broker::{SimulatedBroker, TakenMessage},
    wire::{JobProgressUpdate, JobResult, JobStatus, JobStatusUpdate, ResultType},
};
use prost::Message as _;
use tokio::{sync::watch, time::sleep};

use crate::support::{
    client::queues,
    wire::{submission_of, text},
};

/// As the SDK does where nobody says anything else: 48 hours.
const QUEUE_TTL: Duration = Duration::from_secs(172_800);
const SUBMISSIONS: &str = "job_submissions";
const DELETIONS: &str = "job_deletions";
/// As often as a client looks for a queue that is not there.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a client listens on after its result.
pub(super) const STAY: Duration = Duration::from_secs(45);
const USER: &str = "omotes-client";

/// What a client heard of a job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Heard {
    Status(JobStatus),
    Progress(f64),
    Result { id: String, type_: ResultType, output: Option<String> },
}

/// A client. Clones are the same one.
#[derive(Clone)]
pub(crate) struct SimulatedClient {
    broker: SimulatedBroker,
    heard: Arc<Mutex<BTreeMap<String, Vec<Heard>>>>,
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status:?}"),
            Self::Progress(fraction) => write!(f, "{:.0} %", fraction * 100.0),
            Self::Result { type_, output, .. } => write!(f, "result {type_:?} {}", output.as_deref().unwrap_or("-")),
        }
    }
}

impl SimulatedClient {
    pub(crate) fn start(broker: &SimulatedBroker) -> Self {
        Self { broker: broker.clone(), heard: Arc::default() }
    }

    /// Declares the queues of a job and submits it.
    pub(crate) fn submit(&self, uuid: &str, workflow: &str, esdl: &str) {
        self.return_to(uuid);
        self.follow(uuid);
        self.send(SUBMISSIONS, submission_of(uuid, workflow, esdl.as_bytes()));
    }

    pub(crate) fn delete(&self, uuid: &str) {
        self.send(DELETIONS, text(1, uuid.as_bytes()));
    }

    /// Declares the queues of a job, which may have gone.
    pub(crate) fn return_to(&self, uuid: &str) {
        for queue in queues(uuid) {
            self.broker.make_queue(&queue, Some(QUEUE_TTL));
        }
    }

    /// Leaves a job, whose queues go with their time.
    pub(crate) fn leave(&self, uuid: &str) {
        for queue in queues(uuid) {
            self.broker.delete_queue(&queue, "rmq-internal");
        }
    }

    /// Listens to a job's queues from now on, once they are there.
    pub(crate) fn follow(&self, id: &str) {
        self.heard.lock().unwrap().insert(id.to_owned(), Vec::new());
        let over = Arc::new(watch::Sender::new(false));
        for queue in queues(id) {
            tokio::spawn(self.clone().listen(id.to_owned(), queue, Arc::clone(&over)));
        }
    }

    /// What was heard of the jobs that it follows.
    pub(crate) fn heard(&self) -> BTreeMap<String, Vec<Heard>> {
        self.heard.lock().unwrap().clone()
    }

    fn send(&self, queue: &str, body: Vec<u8>) {
        self.broker.make_queue(queue, None);
        assert!(self.broker.put(queue, BasicProperties::default().with_delivery_mode(2), body), "{queue} is full");
    }

    /// Until some time after the result: a second one would be heard. Then, as the SDK does, the queue of the result goes.
    async fn listen(self, id: String, queue: String, over: Arc<watch::Sender<bool>>) {
        let mut ended = over.subscribe();
        let listening = async {
            loop {
                self.hear_all(&id, &queue, &over).await;
                sleep(LOOK_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            () = async { drop(ended.wait_for(|over| *over).await); sleep(STAY).await } => {}
            () = listening => {}
        }
        if queue.ends_with("result") {
            self.broker.delete_queue(&queue, USER);
        }
    }

    /// Hears what comes until the queue goes.
    async fn hear_all(&self, id: &str, queue: &str, over: &watch::Sender<bool>) {
        let Some(mut messages) = self.broker.consume(queue, USER).await else { return };
        while let Some(message) = messages.next().await {
            let heard = decode(queue, message);
            if matches!(heard, Heard::Result { .. }) {
                over.send_replace(true);
            }
            self.heard.lock().unwrap().entry(id.to_owned()).or_default().push(heard);
        }
    }
}

fn decode(queue: &str, TakenMessage { id, body }: TakenMessage) -> Heard {
    match queue.rsplit('.').next() {
        Some("status") => Heard::Status(JobStatusUpdate::decode(body).unwrap().status()),
        Some("progress") => Heard::Progress(JobProgressUpdate::decode(body).unwrap().progress),
        _ => {
            let result = JobResult::decode(body).unwrap();
            let (type_, id) = (result.result_type(), id.unwrap_or_default());
            let output = result.output_esdl.map(|esdl| String::from_utf8_lossy(&esdl).into_owned());
            Heard::Result { id, type_, output }
        }
    }
}

//! The AMQP side for OMOTES' clients: takes what they submit and delete, and says what they may ask for.
//!
//! Ring: shell. It never decides: `intake` does, and from there on a job is an `OmotesJob` like any other.
//!
//! # Guarantees
//! - A submission is acknowledged when its OmotesJob is stored, or its client has its answer; until then the broker has it.
//!   While the apiserver is away all wait at the broker but [`PREFETCH`](crate::broker) of them.
//! - Nothing that a client sends ends the consumer. What nobody can do anything with is rejected, counted, and spoken of
//!   once a minute.
//! - Exchange and queues are declared anew, and all clients are told the workflows, at every connection.
//!
//! # Assumptions
//! This process leads, and the caches are complete before the first message is taken: whose a uuid is, is known.

mod answer;
mod create;
mod deletions;
mod offers;
mod submissions;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType};
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use crate::{
    broker::{Backoff, BrokerError, BrokerState, Clients, Incoming},
    controller::Context,
    intake::{Placement, PoisonLog, Rejection, Tombstones},
    topology::ClientQueue,
};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MOST_DELAY: Duration = Duration::from_secs(30);
/// A connection that lived this long shows that the broker is well.
const STABLE: Duration = Duration::from_secs(10);
/// Caches and broker are looked after so often before the first message is taken.
const READY_PERIOD: Duration = Duration::from_millis(200);

/// Where jobs go, and whom it concerns when messages are dropped.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// Where jobs go.
    pub placement: Placement,
    /// This process's pod, for Events.
    pub pod: ObjectReference,
}

/// The gateway of one leadership.
pub(crate) struct Gateway {
    context: Arc<Context>,
    placement: Placement,
    pod: ObjectReference,
    tombstones: Mutex<Tombstones>,
    /// The uuids whose submissions are being stored. Bounded by the prefetch.
    in_hand: Mutex<HashSet<String>>,
    poison: Mutex<PoisonLog>,
}

/// Takes messages until it is aborted.
pub(crate) async fn run(context: Arc<Context>, options: GatewayOptions) {
    let GatewayOptions { placement, pod } = options;
    let gateway = Gateway {
        context,
        placement,
        pod,
        tombstones: Mutex::default(),
        in_hand: Mutex::default(),
        poison: Mutex::default(),
    };
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_DELAY);
    let mut said = String::new();
    loop {
        gateway.ready().await;
        let began = Instant::now();
        let error = gateway.serve().await.to_string();
        if began.elapsed() > STABLE {
            backoff.reset();
            said.clear();
        }
        if gateway.is_broker_ready() && error != said {
            warn!(error, "submissions are not taken for now; the operator tries again");
            said = error;
        }
        sleep(backoff.next_delay()).await;
    }
}

impl Gateway {
    /// Waits until whose a uuid is, is known, and somebody can be told.
    async fn ready(&self) {
        let offers_known = || self.context.catalog.accepted(&self.placement.namespace).is_some();
        while !(self.context.metrics.is_synced() && self.is_broker_ready() && offers_known()) {
            sleep(READY_PERIOD).await;
        }
    }

    fn is_broker_ready(&self) -> bool {
        matches!(self.context.broker.state(), BrokerState::Ready { .. })
    }

    /// Takes messages as long as one connection lives.
    async fn serve(&self) -> BrokerError {
        let clients = match self.context.broker.open_clients().await {
            Ok(clients) => clients,
            Err(error) => return error,
        };
        info!(namespace = self.placement.namespace, "taking submissions from OMOTES' clients");
        let over = clients.over();
        let Clients { submissions, deletions, requests, announcer, .. } = clients;
        tokio::select! {
            error = submissions::hear(self, submissions) => error,
            error = deletions::hear(self, deletions) => error,
            error = offers::announce(self, requests, announcer) => error,
            () = over => BrokerError::unreachable("the connection ended"),
        }
    }

    fn tombstones(&self) -> MutexGuard<'_, Tombstones> {
        self.tombstones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of a submission; `None` while the same one is in hand.
    fn turn(&self, uuid: &str) -> Option<Turn<'_>> {
        let news = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(uuid.to_owned());
        news.then(|| Turn { gateway: self, uuid: uuid.to_owned() })
    }

    /// Rejects a message without requeue.
    async fn reject(&self, queue: ClientQueue, message: Incoming, rejection: &Rejection) -> Result<(), BrokerError> {
        self.context.metrics.count_poison(queue.name(), rejection.poison.as_str());
        let news = {
            let mut poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
            poison.note(queue.name(), rejection, Timestamp::now())
        };
        if let Some(news) = news {
            warn!(queue = queue.name(), reason = rejection.poison.as_str(), "{news}");
            self.tell_administrators(news);
        }
        message.refuse().await
    }

    /// Writes an Event, without waiting for it: messages go on while the apiserver is away.
    fn tell_administrators(&self, note: String) {
        let event = Event {
            type_: EventType::Warning,
            reason: "MessagesRejected".to_owned(),
            note: Some(note.chars().take(1000).collect()),
            action: "TakeSubmissions".to_owned(),
            secondary: None,
        };
        let (context, pod) = (self.context.clone(), self.pod.clone());
        tokio::spawn(async move {
            if let Err(error) = context.recorder.publish(&event, &pod).await {
                debug!(%error, "could not write an Event");
            }
        });
    }
}

/// Of two that say the same, one is stored at a time: each puts its input where the other's is.
struct Turn<'a> {
    gateway: &'a Gateway,
    uuid: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.gateway.in_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.uuid);
    }
}

/// Why something that a client asked for is not done yet.
#[derive(Debug, thiserror::Error)]
enum Delay {
    /// The apiserver refused or did not answer.
    #[error("{doing}: {source}")]
    Kube {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: kube::Error,
    },
    /// The broker refused or did not answer.
    #[error("{doing}: {source}")]
    Broker {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: BrokerError,
    },
    /// The same submission is being stored.
    #[error("the same submission is being stored")]
    InHand,
    /// Whether the client has its answer already cannot be known yet.
    #[error("whether the client was answered before is not known yet")]
    TooEarly,
}

fn kube_delay(doing: &'static str) -> impl FnOnce(kube::Error) -> Delay {
    move |source| Delay::Kube { doing, source }
}

fn broker_delay(doing: &'static str) -> impl FnOnce(BrokerError) -> Delay {
    move |source| Delay::Broker { doing, source }
}

/// Tries `again` and again until it is done.
async fn persist<T, F: Future<Output = Result<T, Delay>>>(what: &'static str, mut again: impl FnMut() -> F) -> T {
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_DELAY);
    loop {
        match again().await {
            Ok(done) => return done,
            Err(delay @ (Delay::TooEarly | Delay::InHand)) => debug!(what, %delay, "waiting"),
            Err(delay) => warn!(%delay, "{what} waits; the operator tries again"),
        }
        sleep(backoff.next_delay()).await;
    }
}

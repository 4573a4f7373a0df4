//! The operator's side of the broker.
//!
//! Ring: shell. It carries out what the core decided, and decides nothing itself.
//!
//! Guarantees:
//! - One connection, kept alive in the background, and all messages to clients go over it. It holds an exclusive queue
//!   as long as it lives, so that a former leader that was paused cannot speak. A second one, which publishes nothing,
//!   looks after the queues.
//! - Every operation ends in bounded time, with an answer or a [`BrokerError`] that says what to do about it.
//! - *Missing* is only ever what the broker said is missing.
//! - While the broker takes no messages ([`BrokerState::Blocked`]) publishing is refused at once; all else works.
//! - Memory is bounded: so many operations at once, and so many bytes of large messages.

mod backoff;
mod clients;
mod connection;
mod consumers;
mod deletions;
mod dial;
mod endpoint;
mod errands;
mod error;
mod evidence;
mod kept;
mod ledger;
mod mailbox;
mod management;
mod session;
mod stats;
mod terms;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::time::timeout;

pub use deletions::Deleter;
pub use error::BrokerError;
pub use evidence::Evidence;
pub use kept::Redelivery;
pub use management::ListedQueue;
pub use stats::BrokerStats;
pub use terms::{BrokerConfig, BrokerEvent, BrokerState, DeleteCondition, Deletion, Outgoing, QueueSight, Routing};

pub(crate) use backoff::Backoff;
pub(crate) use clients::{Announcer, Clients, Inbox, Incoming};
pub(crate) use dial::dial;
pub(crate) use endpoint::{Endpoint, EndpointError, Trust};
pub(crate) use error::is_missing;
pub(crate) use session::routing;

use crate::topology::QueueDeclaration;
use crate::wire::CommitRecord;
use deletions::Deletions;
use evidence::{Findings, judge};
use ledger::{Attempt, Ledger};
use mailbox::Mailbox;
use management::Sight;
use session::Session;

/// A healthy broker answers within milliseconds; a busy one within seconds.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// 128 MiB over a slow network.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(120);
/// The broker gains nothing from more channels at once.
const MAX_OPERATIONS: usize = 32;
/// What large messages may take of the operator's memory while they are sent or fetched, in MiB: one of the largest, or
/// hundreds of usual ones. Sending one needs as much again.
const TRANSFER_BUDGET_MIB: u32 = 128;
/// More kinds of trouble than one broker has.
const MAX_SAID: usize = 100;
/// Between the management API's answer that a queue is gone and the event that says who deleted it.
const EVENT_DELAY: Duration = Duration::from_millis(500);

/// The broker. Cheap to clone; all clones share one connection.
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: BrokerConfig,
    state: watch::Sender<BrokerState>,
    session: Mutex<Option<Arc<Session>>>,
    stats: Arc<BrokerStats>,
    mailbox: Arc<Mailbox>,
    deletions: Mutex<Deletions>,
    ledger: Ledger,
    management_outage: Mutex<Option<Timestamp>>,
    said: Mutex<HashSet<String>>,
    operations: Semaphore,
    transfers: Semaphore,
}

impl Broker {
    /// Begins to connect, in a task that lives until `shutdown`. Needs a Tokio runtime.
    pub fn start(
        config: BrokerConfig,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, mpsc::Receiver<BrokerEvent>) {
        let shared = Arc::new(Shared::new(config));
        let events = mailbox::deliver(shared.mailbox.clone());
        tokio::spawn(connection::supervise(shared.clone(), shutdown));
        (Self { shared }, events)
    }

    /// Whether the broker can be used now.
    #[must_use]
    pub fn state(&self) -> BrokerState {
        self.shared.state.borrow().clone()
    }

    /// Follows whether the broker can be used.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<BrokerState> {
        self.shared.state.subscribe()
    }

    /// What telemetry may know.
    #[must_use]
    pub fn stats(&self) -> Arc<BrokerStats> {
        self.shared.stats.clone()
    }

    /// Declares and binds queues. Those that exist with the same arguments stay as they are, with a new lease.
    ///
    /// # Errors
    /// [`BrokerError::ArgumentsDiffer`] when one exists with other arguments; the others may have been made.
    pub async fn ensure_queues(&self, queues: &[QueueDeclaration]) -> Result<(), BrokerError> {
        let session = self.shared.session()?;
        let _permit = self.shared.operation().await?;
        bounded(&session, OPERATION_TIMEOUT, "declare queues", session.ensure_queues(queues)).await
    }

    /// Looks at queues. This renews their leases (classic queues only), whatever their time to live.
    ///
    /// # Errors
    /// When the broker did not answer for all of them.
    pub async fn look_up(&self, queues: &[String]) -> Result<Vec<QueueSight>, BrokerError> {
        let session = &self.shared.session()?;
        try_join_all(queues.iter().map(async |queue| {
            let _permit = self.shared.operation().await?;
            bounded(session, OPERATION_TIMEOUT, "look at a queue", session.look_up(queue)).await
        }))
        .await
    }

    /// Publishes a small message: status or progress.
    ///
    /// # Errors
    /// When the broker did not confirm it.
    pub async fn publish(&self, queue: &str, message: Outgoing) -> Result<Routing, BrokerError> {
        let session = self.shared.usable()?;
        let _permit = self.shared.operation().await?;
        bounded(&session, OPERATION_TIMEOUT, "publish a message", session.publish(queue, &message)).await
    }

    /// Publishes a result.
    ///
    /// Caveats: after [`BrokerError::Unreachable`] the result may have arrived. Ask [`Broker::result_evidence`] before
    /// publishing it again; until the outcome is known it answers `Unknown`, and this method refuses.
    ///
    /// # Errors
    /// When the broker did not confirm it.
    pub async fn publish_result(&self, queue: &str, message: Outgoing) -> Result<Routing, BrokerError> {
        let session = self.shared.usable()?;
        if !self.shared.ledger.begin(queue, Timestamp::now()) {
            return Err(BrokerError::unreachable(
                "the broker has not answered yet to an earlier publication of this result",
            ));
        }
        // In a task: a caller that gives up must not leave the outcome unknown.
        let publishing = tokio::spawn(self.shared.clone().follow_result(session, queue.to_owned(), message));
        match timeout(TRANSFER_TIMEOUT, publishing).await {
            Ok(joined) => joined.unwrap_or_else(|error| Err(BrokerError::unreachable(error.to_string()))),
            Err(_) => Err(BrokerError::unreachable(format!(
                "the broker did not confirm the result within {TRANSFER_TIMEOUT:?}"
            ))),
        }
    }

    /// The output that `record` vouches for; `None` when the queue or the message is not there.
    ///
    /// The message stays in the queue, so that it is there again after a crash; other messages are removed from it.
    ///
    /// # Errors
    /// When the broker did not answer.
    pub async fn fetch_output(&self, queue: &str, record: &CommitRecord) -> Result<Option<Bytes>, BrokerError> {
        let session = self.shared.session()?;
        let fetching = async {
            let _budget = self.shared.transfer(record.bytes).await?;
            session.fetch_output(queue, record).await
        };
        bounded(&session, TRANSFER_TIMEOUT, "fetch an output", fetching).await
    }

    /// Puts `body` into `queue` as its only message.
    ///
    /// # Errors
    /// When the broker did not confirm that it is there; then it may be there all the same.
    pub async fn store(&self, queue: &QueueDeclaration, body: Bytes) -> Result<(), BrokerError> {
        let session = self.shared.usable()?;
        let storing = async {
            let _budget = self.shared.transfer(body.len() as u64).await?;
            session.store(queue, body).await
        };
        bounded(&session, TRANSFER_TIMEOUT, "store an input", storing).await
    }

    /// Declares what OMOTES' clients speak to, and begins to consume it. What is opened ends with the connection.
    ///
    /// # Errors
    /// When the broker refuses it, did not answer, or somebody else consumes the questions of clients.
    pub(crate) async fn open_clients(&self) -> Result<Clients, BrokerError> {
        let session = self.shared.usable()?;
        bounded(&session, OPERATION_TIMEOUT, "open the clients' queues", Clients::open(session.clone())).await
    }

    /// Deletes a queue. One that is missing counts as deleted.
    ///
    /// # Errors
    /// When the broker did not answer.
    pub async fn delete_queue(&self, queue: &str, condition: DeleteCondition) -> Result<Deletion, BrokerError> {
        let session = self.shared.session()?;
        let _permit = self.shared.operation().await?;
        bounded(&session, OPERATION_TIMEOUT, "delete a queue", session.delete_queue(queue, condition)).await
    }

    /// Deletes queues that nobody consumes, and tells what became of each. One that is missing counts as deleted.
    ///
    /// # Errors
    /// When the broker did not answer for all of them.
    pub async fn delete_unused(&self, queues: &[String]) -> Result<Vec<Deletion>, BrokerError> {
        let session = self.shared.session()?;
        let _permit = self.shared.operation().await?;
        bounded(&session, OPERATION_TIMEOUT, "delete queues", session.delete_unused(queues)).await
    }

    /// All queues of the virtual host, without renewing any lease; `None` where the broker has no management API for the
    /// operator.
    ///
    /// # Errors
    /// When the API did not answer, or not with a list.
    pub async fn list_queues(&self) -> Result<Option<Vec<ListedQueue>>, BrokerError> {
        let session = self.shared.session()?;
        let Some(management) = &session.management else { return Ok(None) };
        management.queues().await.map(Some).map_err(BrokerError::unreachable)
    }

    /// How long a queue that somebody declared lives unused, in milliseconds, without renewing its lease; `None` where that
    /// is for ever, or cannot be known.
    pub async fn time_to_live_ms(&self, queue: &str) -> Option<i64> {
        let session = self.shared.session().ok()?;
        match session.management.as_ref()?.queue(queue).await {
            Sight::Present(facts) => facts.expires_ms,
            Sight::Absent | Sight::Unreachable(_) => None,
        }
    }

    /// Whether the management API says of this very queue that it is not there. No list of queues proves that.
    pub async fn is_gone(&self, queue: &str) -> bool {
        let Ok(session) = self.shared.session() else { return false };
        let Some(management) = &session.management else { return false };
        management.queue(queue).await == Sight::Absent
    }

    /// Who deleted a result queue, and when, as far as the broker told.
    #[must_use]
    pub fn deletion_of(&self, queue: &str) -> Option<(Deleter, Timestamp)> {
        self.shared.deletions().of(queue).map(|deletion| (deletion.by.clone(), deletion.at))
    }

    /// Whether the result of a job that ended at `ended` was published. Does not renew the queue's lease.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn result_evidence(&self, queue: &str, ended: Timestamp) -> Result<Evidence, BrokerError> {
        let session = self.shared.session()?;
        let sight = match &session.management {
            Some(management) => Some(management.queue(queue).await),
            None => None,
        };
        if sight == Some(Sight::Absent) {
            tokio::time::sleep(EVENT_DELAY).await;
        }
        Ok(self.shared.judge(&session, queue, ended, sight))
    }
}

impl Shared {
    fn new(config: BrokerConfig) -> Self {
        let stats = Arc::<BrokerStats>::default();
        let initial = BrokerState::Unreachable { since: Timestamp::now(), reason: "not connected yet".to_owned() };
        Self {
            config,
            state: watch::Sender::new(initial),
            session: Mutex::default(),
            mailbox: Arc::new(Mailbox::new(stats.clone())),
            stats,
            deletions: Mutex::default(),
            ledger: Ledger::default(),
            management_outage: Mutex::default(),
            said: Mutex::default(),
            operations: Semaphore::new(MAX_OPERATIONS),
            transfers: Semaphore::new(TRANSFER_BUDGET_MIB as usize),
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deletions(&self) -> MutexGuard<'_, Deletions> {
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, whether the broker takes messages or not.
    fn session(&self) -> Result<Arc<Session>, BrokerError> {
        self.slot().clone().ok_or_else(|| match &*self.state.borrow() {
            BrokerState::Unreachable { reason, .. } => BrokerError::unreachable(reason.as_str()),
            BrokerState::Ready { .. } | BrokerState::Blocked { .. } => {
                BrokerError::unreachable("the connection was just lost")
            }
        })
    }

    /// The connection, if the broker takes messages.
    fn usable(&self) -> Result<Arc<Session>, BrokerError> {
        let session = self.session()?;
        match &*self.state.borrow() {
            BrokerState::Blocked { reason, .. } => Err(BrokerError::Blocked { reason: reason.clone() }),
            BrokerState::Ready { .. } | BrokerState::Unreachable { .. } => Ok(session),
        }
    }

    async fn operation(&self) -> Result<SemaphorePermit<'_>, BrokerError> {
        let permit = timeout(OPERATION_TIMEOUT, self.operations.acquire()).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| BrokerError::unreachable("too many operations wait for the broker"))
    }

    /// A share of the memory for large messages. One that is larger than all of it waits until it is alone.
    async fn transfer(&self, bytes: u64) -> Result<SemaphorePermit<'_>, BrokerError> {
        let mebibytes = u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX).clamp(1, TRANSFER_BUDGET_MIB);
        self.transfers.acquire_many(mebibytes).await.map_err(|_| BrokerError::unreachable("the operator is stopping"))
    }

    /// Publishes a result and notes what became of it.
    async fn follow_result(
        self: Arc<Self>,
        session: Arc<Session>,
        queue: String,
        message: Outgoing,
    ) -> Result<Routing, BrokerError> {
        let publishing = async {
            let _budget = self.transfer(message.body.len() as u64).await?;
            session.publish_result(&queue, &message).await
        };
        let outcome = tokio::select! {
            outcome = publishing => outcome,
            () = session.over() => Err(BrokerError::unreachable("the connection was lost before the broker confirmed the result")),
        };
        let at = Timestamp::now();
        self.ledger.settle(
            &queue,
            if outcome == Ok(Routing::Routed) { Attempt::Published { at } } else { Attempt::Failed { at } },
        );
        outcome
    }

    fn judge(&self, session: &Session, queue: &str, ended: Timestamp, sight: Option<Sight>) -> Evidence {
        let now = Timestamp::now();
        let evidence = judge(&Findings {
            now,
            ended,
            session_opened: session.opened,
            attempt: self.ledger.of(queue),
            deletion: self.deletions().of(queue),
            outage_since: self.management_outage(now, sight.as_ref()),
            queue: sight,
        });
        if evidence == Evidence::Unavailable {
            self.say_once("this broker does not tell whether a result was published, so after a crash it may be sent a second time");
        }
        evidence
    }

    /// Since when the management API does not answer.
    fn management_outage(&self, now: Timestamp, sight: Option<&Sight>) -> Option<Timestamp> {
        let mut outage = self.management_outage.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = !matches!(sight?, Sight::Unreachable(_));
        self.stats.set_management(answers);
        *outage = if answers { None } else { Some(outage.unwrap_or(now)) };
        *outage
    }

    /// Says something that does not change while the broker is as it is.
    fn say_once(&self, text: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MAX_SAID && said.insert(text.to_owned()) {
            tracing::warn!("{text}");
        }
    }
}

/// Ends an operation with its connection, or when its time is over.
async fn bounded<T>(
    session: &Session,
    limit: Duration,
    what: &str,
    operation: impl Future<Output = Result<T, BrokerError>>,
) -> Result<T, BrokerError> {
    tokio::select! {
        outcome = timeout(limit, operation) => {
            outcome.unwrap_or_else(|_| Err(BrokerError::unreachable(format!("no answer within {limit:?} to the request to {what}"))))
        }
        () = session.over() => Err(BrokerError::unreachable(format!("the connection was lost during the request to {what}"))),
    }
}

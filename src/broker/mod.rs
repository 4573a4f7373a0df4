//! The operator's side of the broker.
//!
//! Ring: shell. It carries out what the core decided, and decides nothing itself.
//!
//! Guarantees:
//! - One connection, kept alive in the background, and all messages to clients go over it. It holds an exclusive queue
//!   as long as it lives, so that a former leader that was paused cannot speak. Two more publish nothing: one
//!   declares, examines and deletes queues, the other consumes the progress of each namespace.
//! - Every operation ends in bounded time, with an answer or a [`BrokerError`] that says what to do about it.
//! - *Missing* is only ever what the broker said is missing.
//! - While the broker takes no messages ([`BrokerState::Blocked`]) publishing is refused at once; all else works.
//! - Memory is bounded: so many operations at once, and so many bytes of large messages.

mod bounds;
mod clients;
mod connection;
mod consumers;
mod deletions;
mod dial;
mod endpoint;
mod errands;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod kept;
mod ledger;
mod limits;
mod mailbox;
mod management;
#[cfg(test)]
mod outages;
mod progress;
mod session;
mod shared;
mod stats;
mod terms;
mod transport;
mod vacate;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::try_join_all;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;

pub use error::BrokerError;
pub use kept::Redelivery;
pub use management::ListedQueue;
#[cfg(feature = "testing")]
pub use management::simulate_management;
pub use stats::BrokerStats;
pub use terms::{
    BrokerConfig, BrokerEvent, BrokerState, DeleteCondition, Deletion, Fetched, Outgoing, QueueSight, RefusalSource,
    Routing,
};

pub(crate) use clients::{Announcer, ClientInboxes, Inbox, Incoming};
pub(crate) use dial::dial;
pub(crate) use endpoint::{Endpoint, EndpointError, Trust};
pub(crate) use error::is_missing;
pub(crate) use session::routing;
pub use transport::Connector;
#[cfg(test)]
pub(crate) use transport::QueueLife;
pub(crate) use transport::{Channel, Confirm, Connection, Publication};
#[cfg(feature = "testing")]
pub use transport::{
    Failure, Operation, OperationAsked, SimulatedBroker, SimulatedConnection, SimulatedQueue, TakenMessage,
};

use crate::clock::Clock;
use crate::result::facts::PublishAttempt;
use crate::result::published::AGAIN;
use crate::result::{Deleter, Evidence, QueueLookup};
use crate::task;
use crate::topology::{COURIER_EXCHANGE, NamespaceProgress, QueueDeclaration};
use crate::wire::OutputMark;
use bounds::{OPERATION_TIMEOUT, TRANSFER_TIMEOUT};
use shared::{Shared, bounded};

/// Between the management API's answer that a queue is gone and the event that says who deleted it.
const EVENT_DELAY: Duration = Duration::from_millis(500);

/// The broker. Cheap to clone; all clones share one connection.
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<Shared>,
}

impl Broker {
    /// Begins to connect, in a task that lives until `shutdown`. Needs a Tokio runtime.
    pub fn start(
        config: BrokerConfig,
        clock: Clock,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> (Self, mpsc::Receiver<BrokerEvent>) {
        let shared = Arc::new(Shared::new(config, clock));
        let events = mailbox::deliver(shared.mailbox.clone());
        task::spawn_vital("broker connection", connection::supervise(shared.clone(), shutdown));
        (Self { shared }, events)
    }

    /// Listens to the progress of `sources`, too. That of others comes through a queue that all share, and so does what is
    /// beyond the number of channels.
    pub fn listen_to(&self, sources: impl IntoIterator<Item = NamespaceProgress>) {
        self.shared.namespaces.send_if_modified(|known| {
            let before = known.len();
            for source in sources {
                if known.len() < progress::MAX_NAMESPACES {
                    known.insert(source);
                }
            }
            known.len() != before
        });
    }

    /// Listens no more to the progress of namespaces that are not `wanted`, which is asked while no other changes it.
    pub fn listen_only_to(&self, wanted: impl FnOnce() -> HashSet<String>) {
        self.shared.namespaces.send_if_modified(|known| {
            let (before, wanted) = (known.len(), wanted());
            known.retain(|source| wanted.contains(&source.namespace));
            known.len() != before
        });
    }

    /// Whether the broker can be used now.
    #[must_use]
    pub fn state(&self) -> BrokerState {
        self.shared.state.borrow().clone()
    }

    /// Follows whether the broker can be used.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<BrokerState> {
        self.shared.state.subscribe()
    }

    /// What to mend at the broker, as far as this connection has shown.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        self.shared.notices()
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
        let ensuring = || bounded(&session, OPERATION_TIMEOUT, "declare queues", session.ensure_queues(queues));
        match ensuring().await {
            Err(error) if error.lacks_exchange(COURIER_EXCHANGE) => {
                self.shared.restore_exchange(&session).await?;
                ensuring().await
            }
            ensured => ensured,
        }
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
        let publishing = session.publish(queue, &message);
        let published = bounded(&session, OPERATION_TIMEOUT, "publish a message", publishing).await;
        published.map_err(BrokerError::while_publishing)
    }

    /// Publishes a result.
    ///
    /// Caveats: after [`BrokerError::Unanswered`] or [`BrokerError::Unreachable`] the result may have arrived, or may still
    /// arrive. Ask [`Broker::result_evidence`] before publishing it again; until the outcome is known it answers `Unknown`,
    /// and this method refuses. A refusal that comes when nobody waits for it any more is the answer to the next call, which
    /// then sends nothing.
    ///
    /// # Errors
    /// When the broker did not confirm it. Where [`BrokerError::is_refusal`] holds the result is not in the queue;
    /// [`BrokerError::QueueLimit`] has the limit that explains it.
    pub async fn publish_result(&self, queue: &str, message: Outgoing) -> Result<Routing, BrokerError> {
        let session = self.shared.usable()?;
        let message_id = message.message_id.clone().unwrap_or_default();
        self.shared.ledger.begin(queue, &message_id, self.shared.clock.now())?;
        // In a task: a caller that gives up must not leave the outcome unknown, nor may a panic.
        let publishing = self.shared.clone().follow_result(session, queue.to_owned(), message);
        let publishing = task::spawn_vital("publication of a result", publishing);
        let Ok(joined) = timeout(OPERATION_TIMEOUT, publishing).await else {
            let reason = format!("the result is not confirmed after {OPERATION_TIMEOUT:?}");
            return Err(BrokerError::Unanswered { reason, publishing: true });
        };
        self.shared.ledger.told(queue, &message_id);
        joined.unwrap_or_else(|error| Err(BrokerError::unreachable(error.to_string())))
    }

    /// The output that has this mark. The message stays in the queue, so that it is there again after a crash.
    ///
    /// Where the queue holds more than that message, or its size is not known, the answer is [`Fetched::Crowded`], unless
    /// `may_be_large` says that messages of any size may be in memory now: then others are removed, so many at once. Where
    /// no record tells of the output they stay.
    ///
    /// # Errors
    /// When the broker did not answer, or there are more other messages than are removed at once.
    pub async fn fetch_output(
        &self,
        queue: &str,
        mark: &OutputMark,
        may_be_large: bool,
    ) -> Result<Fetched, BrokerError> {
        let session = self.shared.session()?;
        let fetching = async {
            let _budget = self.shared.transfer(mark.most_bytes()).await?;
            session.fetch_output(queue, mark, may_be_large).await
        };
        bounded(&session, TRANSFER_TIMEOUT, "fetch an output", fetching).await
    }

    /// Puts `body` into `queue` as its only message.
    ///
    /// # Errors
    /// When the broker did not confirm that it is there; then it may be there all the same, but not where
    /// [`BrokerError::is_refusal`] holds. [`BrokerError::QueueLimit`] has the limit that explains it.
    pub(crate) async fn store(&self, queue: &QueueDeclaration, body: Bytes) -> Result<(), BrokerError> {
        let session = self.shared.usable()?;
        let storing = async {
            let _budget = self.shared.transfer(body.len() as u64).await?;
            self.shared.store(&session, queue, body).await
        };
        bounded(&session, TRANSFER_TIMEOUT, "store an input", storing).await
    }

    /// Declares what OMOTES' clients speak to, and begins to consume it. What is opened ends with the connection.
    ///
    /// # Errors
    /// When the broker refuses it, did not answer, or somebody else consumes the questions of clients.
    pub(crate) async fn open_clients(&self) -> Result<ClientInboxes, BrokerError> {
        let session = self.shared.usable()?;
        bounded(&session, OPERATION_TIMEOUT, "open the clients' queues", ClientInboxes::open(session.clone())).await
    }

    /// Deletes a queue. One that is missing counts as deleted.
    ///
    /// # Errors
    /// When the broker did not answer.
    pub async fn delete_queue(&self, queue: &str, condition: DeleteCondition) -> Result<Deletion, BrokerError> {
        let session = self.shared.session()?;
        let _permit = self.shared.operation().await?;
        let deletion = session.delete_queue(queue, condition, RefusalSource::Statistics);
        bounded(&session, OPERATION_TIMEOUT, "delete a queue", deletion).await
    }

    /// Deletes queues that nobody consumes, and tells what became of each. One that is missing counts as deleted.
    ///
    /// # Errors
    /// When the broker did not answer for all of them.
    pub async fn delete_unused(&self, queues: &[String], source: RefusalSource) -> Result<Vec<Deletion>, BrokerError> {
        let session = self.shared.session()?;
        let _permit = self.shared.operation().await?;
        bounded(&session, OPERATION_TIMEOUT, "delete queues", session.delete_unused(queues, source)).await
    }

    /// All queues of the virtual host, without renewing any lease; `None` where the broker has no management API for the
    /// operator.
    ///
    /// # Errors
    /// When the API did not answer, or not with a list.
    pub async fn list_queues(&self) -> Result<Option<Vec<ListedQueue>>, BrokerError> {
        let session = self.shared.session()?;
        let Some(management) = &session.management else { return Ok(None) };
        let listed = management.queues().await;
        self.shared.stats.set_management(listed.is_ok());
        listed.map(Some)
    }

    /// How long a queue that somebody declared lives unused, in milliseconds, without renewing its lease; `None` where that
    /// is for ever, or cannot be known: a management API that does not answer is left alone for a while.
    pub async fn time_to_live_ms(&self, queue: &str) -> Option<i64> {
        let session = self.shared.session().ok()?;
        match session.sight(queue).await? {
            QueueLookup::Present(facts) => facts.lease_ms,
            QueueLookup::Absent | QueueLookup::Unreachable(_) => None,
        }
    }

    /// Whether the management API says of this very queue that it is not there. No list of queues proves that.
    pub(crate) async fn is_gone(&self, queue: &str) -> bool {
        let Ok(session) = self.shared.session() else { return false };
        let Some(management) = &session.management else { return false };
        management.queue(queue).await == QueueLookup::Absent
    }

    /// Who deleted a result queue, and when, as far as the broker told.
    #[must_use]
    pub(crate) fn deletion_of(&self, queue: &str) -> Option<(Deleter, Timestamp)> {
        self.shared.deletions().get(queue).map(|deletion| (deletion.by.clone(), deletion.at))
    }

    /// Whether the result `message_id` of a job that ended at `ended` was published. Does not renew the queue's lease.
    ///
    /// # Errors
    /// When there is no connection.
    pub async fn result_evidence(
        &self,
        queue: &str,
        message_id: &str,
        ended: Timestamp,
    ) -> Result<Evidence, BrokerError> {
        let session = self.shared.session()?;
        if self.shared.ledger.of(queue, message_id) == Some(PublishAttempt::InFlight) {
            return Ok(Evidence::Unknown { retry_at: self.shared.clock.now() + AGAIN });
        }
        let sight = match &session.management {
            Some(management) => Some(management.queue(queue).await),
            None => None,
        };
        if sight == Some(QueueLookup::Absent) {
            tokio::time::sleep(EVENT_DELAY).await;
        }
        Ok(self.shared.judge(&session, (queue, message_id), ended, sight))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::Notify;

    use super::fake::{
        Answer, CHANNEL_CLOSE, EXCHANGE_DECLARE, FakeBroker, PUBLISH, QUEUE_BIND, QUEUE_DECLARE, QUEUE_PURGE,
        confirmed, management_at, nacked, refused, silence,
    };
    use super::management::Management;
    use super::session::Session;
    use super::*;
    use crate::topology::{input_queue, output_queue};

    async fn connected(fake: &FakeBroker) -> Broker {
        connected_with(fake, None).await
    }

    async fn connected_with(fake: &FakeBroker, management: Option<Management>) -> Broker {
        let config = BrokerConfig {
            requires_tls: false,
            amqp_uri_file: "/no/such/file".into(),
            management_uri_file: None,
            ca_file: None,
            connection_name: "test".to_owned(),
            connector: Connector::Amqp,
        };
        let connection = dial(&Connector::Amqp, &fake.endpoint(), "test").await.unwrap();
        let session = Session::new(connection, fake.endpoint(), management, Timestamp::now(), &config);
        let shared = Arc::new(Shared::new(config, Clock::system()));
        *shared.slot() = Some(Arc::new(session));
        Broker { shared }
    }

    /// Answers the management API's questions, by how many came before.
    fn serve(listener: TcpListener, answer: impl Fn(usize) -> (u16, &'static str) + Send + 'static) {
        tokio::spawn(async move {
            for before in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (code, body) = answer(before);
                let head = format!("HTTP/1.1 {code} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
    }

    /// A broker whose exchange `omotes.courier` was deleted, and how often it is declared since. To a binding after that it
    /// answers with `bound`.
    async fn without_exchange(
        bound: impl Fn() -> Option<Answer> + Send + Sync + 'static,
    ) -> (FakeBroker, Arc<AtomicUsize>) {
        let declared = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&declared);
        let fake = FakeBroker::start(move |method| match method {
            EXCHANGE_DECLARE => {
                count.fetch_add(1, Ordering::Relaxed);
                None
            }
            QUEUE_BIND if count.load(Ordering::Relaxed) == 0 => {
                Some(refused(404, "NOT_FOUND - no exchange 'omotes.courier' in vhost 'omotes'"))
            }
            QUEUE_BIND => bound(),
            _ => None,
        })
        .await;
        (fake, declared)
    }

    /// The exchange `omotes.courier` was deleted: it is declared again, and all see to their bindings.
    #[tokio::test]
    async fn a_deleted_exchange_comes_back_with_the_next_queue() {
        let (fake, declared) = without_exchange(|| None).await;
        let broker = connected(&fake).await;
        let mut events = mailbox::deliver(broker.shared.mailbox.clone());
        let capability = "00112233445566778899aabbccddeeff".parse().unwrap();
        let queue = output_queue(&capability, &capability, 60);
        assert_eq!(broker.ensure_queues(std::slice::from_ref(&queue)).await, Ok(()));
        assert_eq!(declared.load(Ordering::Relaxed), 1);
        assert_eq!(events.recv().await, Some(BrokerEvent::Connected));
    }

    /// Jobs still learn that their bindings are gone, and the next connection binds the progress.
    #[tokio::test]
    async fn an_exchange_that_came_back_half_is_told_and_ends_the_connection() {
        let denied = || Some(refused(403, "ACCESS_REFUSED - write access to queue 'omotes.progress' refused"));
        let (fake, _) = without_exchange(denied).await;
        let broker = connected(&fake).await;
        let session = broker.shared.session().unwrap();
        let mut events = mailbox::deliver(broker.shared.mailbox.clone());
        let capability = "00112233445566778899aabbccddeeff".parse().unwrap();
        let queue = output_queue(&capability, &capability, 60);
        assert_eq!(broker.ensure_queues(std::slice::from_ref(&queue)).await.unwrap_err().category(), "Refused");
        let event = timeout(Duration::from_secs(5), events.recv()).await;
        assert_eq!(event, Ok(Some(BrokerEvent::Connected)));
        assert!(session.why_over().contains("write access"), "{}", session.why_over());
    }

    /// A broker that has to write the result to its disk confirms it later.
    #[tokio::test]
    async fn the_channel_of_a_result_stays_open_until_it_is_confirmed() {
        let closing = Arc::new(Notify::new());
        let closes = Arc::clone(&closing);
        let fake = FakeBroker::start(move |method| {
            if method == CHANNEL_CLOSE {
                closes.notify_one();
            }
            None
        })
        .await;
        let broker = connected(&fake).await;
        let message = Outgoing { body: Bytes::from_static(b"x"), message_id: Some("m".to_owned()) };
        tokio::select! {
            () = closing.notified() => panic!("the channel is closed"),
            outcome = broker.publish_result("jobs.x.result", message) => panic!("{outcome:?}"),
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }

    /// A queue whose leader is away refuses late. Whoever publishes the result next learns of it, and gives up in the end.
    #[tokio::test]
    async fn a_refusal_that_nobody_waited_for_is_the_next_answer() {
        let published = Arc::new(AtomicUsize::new(0));
        let arrived = Arc::new(Notify::new());
        let (count, arrives) = (Arc::clone(&published), Arc::clone(&arrived));
        let fake = FakeBroker::start(move |method| {
            (method == PUBLISH).then(|| {
                count.fetch_add(1, Ordering::Relaxed);
                arrives.notify_one();
                nacked()
            })
        })
        .await;
        let broker = connected(&fake).await;
        let publish = || {
            let message = Outgoing { body: Bytes::from_static(b"x"), message_id: Some("m".to_owned()) };
            broker.publish_result("jobs.x.result", message)
        };
        tokio::select! {
            biased;
            () = arrived.notified() => {}
            outcome = publish() => panic!("{outcome:?}"),
        }
        while broker.shared.ledger.of("jobs.x.result", "m") == Some(PublishAttempt::InFlight) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for sent in [1, 2, 3] {
            assert_eq!(publish().await, Err(BrokerError::Nacked));
            assert_eq!(published.load(Ordering::Relaxed), sent, "only what nobody was told is told again");
        }
    }

    /// The API's port swallows all packets: the intake goes on.
    #[tokio::test]
    async fn a_silent_management_api_delays_one_question_only() {
        let fake = FakeBroker::start(|_| None).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = connected_with(&fake, Some(management_at(&listener, &fake.endpoint()))).await;
        let began = std::time::Instant::now();
        for _ in 0..10 {
            assert_eq!(broker.time_to_live_ms("jobs.x.result").await, None);
        }
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    }

    /// A policy on `omotes.input.*`: the client of the submission gets both numbers.
    #[tokio::test]
    async fn an_input_over_its_queues_limit_is_named_with_both_numbers() {
        let fake = FakeBroker::start(|method| (method == PUBLISH).then(nacked)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = management_at(&listener, &fake.endpoint());
        let policy =
            r#"{"messages":0,"effective_policy_definition":{"max-length-bytes":100,"overflow":"reject-publish"}}"#;
        serve(listener, |_| (200, policy));
        let queue = input_queue(&"00112233445566778899aabbccddeeff".parse().unwrap());
        let broker = connected_with(&fake, Some(api)).await;
        let refused = broker.store(&queue, vec![b'x'; 440].into()).await.unwrap_err();
        let words = refused.obstacle(&mut None, Timestamp::now()).unwrap().to_string();
        assert_eq!(words, "the message has 440 bytes, and the queue's max-length-bytes is 100");
        let broker = connected(&fake).await;
        assert_eq!(broker.store(&queue, vec![b'x'; 440].into()).await, Err(BrokerError::Nacked));
    }

    /// A queue without a leader: the inputs of others go on.
    #[tokio::test]
    async fn a_small_input_waits_no_longer_than_any_other_message() {
        for silent in [QUEUE_DECLARE, QUEUE_PURGE, PUBLISH] {
            let asked = Arc::new(Notify::new());
            let asks = Arc::clone(&asked);
            let fake = FakeBroker::start(move |method| {
                (method == silent).then(|| {
                    asks.notify_one();
                    silence()
                })
            })
            .await;
            let broker = connected(&fake).await;
            let queue = input_queue(&"00112233445566778899aabbccddeeff".parse().unwrap());
            let storing = tokio::spawn(async move { broker.store(&queue, Bytes::from_static(b"x")).await });
            asked.notified().await;
            // The clock is moved once, and goes on afterwards: what is sent takes its time.
            tokio::time::pause();
            tokio::time::advance(OPERATION_TIMEOUT).await;
            tokio::time::resume();
            let stored = timeout(Duration::from_secs(5), storing).await.expect("it waits longer").unwrap();
            assert_eq!(stored.unwrap_err().category(), "Unanswered", "{silent:?}");
        }
    }

    /// A confirmed message that is not there was dropped by a classic queue's policy. A quorum queue that is busy shows
    /// nothing of what it holds.
    #[tokio::test]
    async fn an_empty_queue_has_dropped_the_message_only_where_it_is_classic() {
        const CLASSIC: (u16, &str) =
            (200, r#"{"type":"classic","messages":0,"effective_policy_definition":{"max-length-bytes":100}}"#);
        const QUORUM: (u16, &str) =
            (200, r#"{"type":"quorum","messages":0,"effective_policy_definition":{"max-length-bytes":100}}"#);
        const TAKEN: (u16, &str) = (200, r#"{"type":"classic","messages":0,"message_stats":{"get_no_ack":1}}"#);
        const UNSEEN: (u16, &str) = (200, r#"{"type":"classic","messages":0}"#);
        const AWAY: (u16, &str) = (503, "");
        for (first, later, outcome) in [
            (UNSEEN, CLASSIC, Err(BrokerError::Nacked)),
            (UNSEEN, QUORUM, Ok(Routing::Routed)),
            (UNSEEN, TAKEN, Ok(Routing::Routed)),
            (AWAY, CLASSIC, Err(BrokerError::Nacked)),
            (AWAY, QUORUM, Ok(Routing::Routed)),
            (AWAY, AWAY, Ok(Routing::Routed)),
        ] {
            let fake = FakeBroker::start(|method| (method == PUBLISH).then(confirmed)).await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let api = management_at(&listener, &fake.endpoint());
            serve(listener, move |before| if before == 0 { first } else { later });
            let broker = connected_with(&fake, Some(api)).await;
            let message = Outgoing { body: Bytes::from_static(b"x"), message_id: Some("m".to_owned()) };
            assert_eq!(broker.publish_result("jobs.x.result", message).await, outcome, "{first:?} {later:?}");
        }
    }
}

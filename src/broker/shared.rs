//! What all operations at the broker share: its connection, its state, what is known of it, and the bounds.
//!
//! Ring: shell.
//!
//! Guarantees: so many operations at once, and so many bytes of large messages; what an administrator has to mend is said
//! once.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::timeout;

use super::bounds::{MAX_OPERATIONS, OPERATION_TIMEOUT, SMALL_BYTES, TRANSFER_BUDGET_MIB};
use super::deletions::Deletions;
use super::error::BrokerError;
use super::ledger::Ledger;
use super::mailbox::Mailbox;
use super::session::Session;
use super::stats::BrokerStats;
use super::terms::{BrokerConfig, BrokerEvent, BrokerState};
use crate::clock::Clock;
use crate::result::published::{Findings, judge};
use crate::result::{Evidence, QueueLookup};
use crate::topology::{COURIER_EXCHANGE, NamespaceProgress, courier_progress_queue};

/// More kinds of trouble than one broker has.
const MAX_SAID: usize = 100;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: BrokerConfig,
    pub(super) clock: Clock,
    pub(super) state: watch::Sender<BrokerState>,
    pub(super) session: Mutex<Option<Arc<Session>>>,
    pub(super) stats: Arc<BrokerStats>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Whose progress is listened to.
    pub(super) namespaces: watch::Sender<BTreeSet<NamespaceProgress>>,
    /// Changes when the couriers' exchange was made again, without its bindings.
    pub(super) exchanges: watch::Sender<()>,
    pub(super) deletions: Mutex<Deletions>,
    pub(super) ledger: Ledger,
    management_outage: Mutex<Option<Timestamp>>,
    said: Mutex<HashSet<String>>,
    notices: Mutex<BTreeSet<String>>,
    operations: Semaphore,
    transfers: Semaphore,
    small_transfers: Semaphore,
}

impl Shared {
    pub(super) fn new(config: BrokerConfig, clock: Clock) -> Self {
        let stats = Arc::<BrokerStats>::default();
        let initial = BrokerState::Unreachable { since: clock.now(), reason: "not connected yet".to_owned() };
        Self {
            config,
            clock,
            state: watch::Sender::new(initial),
            session: Mutex::default(),
            mailbox: Arc::new(Mailbox::new(stats.clone())),
            stats,
            namespaces: watch::Sender::default(),
            exchanges: watch::Sender::default(),
            deletions: Mutex::default(),
            ledger: Ledger::default(),
            management_outage: Mutex::default(),
            said: Mutex::default(),
            notices: Mutex::default(),
            operations: Semaphore::new(MAX_OPERATIONS),
            transfers: Semaphore::new(TRANSFER_BUDGET_MIB as usize),
            small_transfers: Semaphore::new(MAX_OPERATIONS),
        }
    }

    pub(super) fn slot(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn deletions(&self) -> MutexGuard<'_, Deletions> {
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, whether the broker takes messages or not.
    pub(super) fn session(&self) -> Result<Arc<Session>, BrokerError> {
        self.slot().clone().ok_or_else(|| match &*self.state.borrow() {
            BrokerState::Unreachable { reason, .. } => BrokerError::unreachable(reason.as_str()),
            BrokerState::Ready { .. } | BrokerState::Blocked { .. } => {
                BrokerError::unreachable("the connection was just lost")
            }
        })
    }

    /// Declares the couriers' exchange again. Its bindings went with it, so all jobs see to theirs anew.
    pub(super) async fn restore_exchange(&self, session: &Session) -> Result<(), BrokerError> {
        let declaring = session.declare_exchange();
        bounded(session, OPERATION_TIMEOUT, "declare the couriers' exchange", declaring).await?;
        tracing::warn!("the exchange {COURIER_EXCHANGE} was deleted; it is declared again");
        // Nobody else learns that the bindings are gone, now that the exchange is there.
        self.mailbox.put(BrokerEvent::Connected);
        self.exchanges.send_replace(());
        let queues = [courier_progress_queue()];
        let binding = session.ensure_queues(&queues);
        let bound = bounded(session, OPERATION_TIMEOUT, "bind the couriers' progress", binding).await;
        if let Err(error) = &bound {
            // The next connection binds it.
            session.give_up(&format!("the couriers' progress cannot be bound again: {error}"));
        }
        bound
    }

    /// The connection, if the broker takes messages.
    pub(super) fn usable(&self) -> Result<Arc<Session>, BrokerError> {
        let session = self.session()?;
        match &*self.state.borrow() {
            BrokerState::Blocked { reason, .. } => Err(BrokerError::Blocked { reason: reason.clone() }),
            BrokerState::Ready { .. } | BrokerState::Unreachable { .. } => Ok(session),
        }
    }

    pub(super) async fn operation(&self) -> Result<SemaphorePermit<'_>, BrokerError> {
        let permit = timeout(OPERATION_TIMEOUT, self.operations.acquire()).await;
        permit
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| BrokerError::unreachable("too many operations wait for the broker"))
    }

    /// A share of the memory for messages. One that is larger than all of it waits until it is alone; small ones wait for
    /// small ones only.
    pub(super) async fn transfer(&self, bytes: u64) -> Result<SemaphorePermit<'_>, BrokerError> {
        let mebibytes = u32::try_from(bytes.div_ceil(1024 * 1024)).unwrap_or(u32::MAX).clamp(1, TRANSFER_BUDGET_MIB);
        let share = match bytes {
            ..=SMALL_BYTES => self.small_transfers.acquire().await,
            _ => self.transfers.acquire_many(mebibytes).await,
        };
        share.map_err(|_| BrokerError::unreachable("the operator is stopping"))
    }

    pub(super) fn judge(
        &self,
        session: &Session,
        (queue, message_id): (&str, &str),
        ended: Timestamp,
        sight: Option<QueueLookup>,
    ) -> Evidence {
        let now = self.clock.now();
        let evidence = judge(&Findings {
            now,
            ended,
            session_opened: session.opened,
            attempt: self.ledger.of(queue, message_id),
            deletion: self.deletions().get(queue),
            outage_since: self.management_outage(now, sight.as_ref()),
            queue: sight,
        });
        if evidence == Evidence::Unavailable {
            self.say_once("this broker does not tell whether a result was published, so after a crash it may be sent a second time");
        }
        evidence
    }

    /// What an administrator has to mend, as far as the connection has shown.
    pub(super) fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// A new connection shows anew what there is to mend.
    pub(super) fn forget_notices(&self) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Since when the management API does not answer.
    fn management_outage(&self, now: Timestamp, sight: Option<&QueueLookup>) -> Option<Timestamp> {
        let mut outage = self.management_outage.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = !matches!(sight?, QueueLookup::Unreachable(_));
        self.stats.set_management(answers);
        *outage = if answers { None } else { Some(outage.unwrap_or(now)) };
        *outage
    }

    /// Says something that does not change while the broker is as it is.
    pub(super) fn say_once(&self, text: &str) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < MAX_SAID {
            notices.insert(text.to_owned());
        }
        drop(notices);
        self.warn_once(text);
    }

    /// What [`Shared::say_once`] said is mended.
    pub(super) fn withdraw(&self, text: &str) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).remove(text);
    }

    /// Logs what an administrator may want to know, and need not mend.
    pub(super) fn warn_once(&self, text: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MAX_SAID && said.insert(text.to_owned()) {
            tracing::warn!("{text}");
        }
    }
}

/// Ends an operation with its connection, or when its time is over.
pub(super) async fn bounded<T>(
    session: &Session,
    limit: Duration,
    what: &str,
    operation: impl Future<Output = Result<T, BrokerError>>,
) -> Result<T, BrokerError> {
    tokio::select! {
        // What the broker has answered counts.
        biased;
        outcome = timeout(limit, operation) => {
            let reason = || format!("no answer within {limit:?} to the request to {what}");
            outcome.unwrap_or_else(|_| Err(BrokerError::Unanswered { reason: reason(), publishing: false }))
        }
        () = session.over() => Err(BrokerError::unreachable(format!("the connection was lost during the request to {what}"))),
    }
}

//! Publishes into queues that have limits: looks before at what a queue takes, and says afterwards which limit refused.
//!
//! Ring: shell; the rules are in [`crate::result`].

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::bounds::{OPERATION_TIMEOUT, patience};
use super::error::BrokerError;
use super::session::Session;
use super::shared::{Shared, bounded};
use super::terms::{Outgoing, QueueSight, Routing};
use crate::result::{QueueFacts, QueueLookup, refused};
use crate::topology::QueueDeclaration;

/// How long a message waits for the limits of its queue: a management API that is busy must not delay it.
const LIMITS_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a message that seems to be lost waits for what its queue's statistics show within five seconds, …
const COUNT_TIMEOUT: Duration = Duration::from_secs(8);
/// … and are looked at so often.
const COUNT_AGAIN: Duration = Duration::from_millis(500);

impl Shared {
    /// Publishes a result and notes what became of it.
    pub(super) async fn follow_result(
        self: Arc<Self>,
        session: Arc<Session>,
        queue: String,
        message: Outgoing,
    ) -> Result<Routing, BrokerError> {
        let message_id = message.message_id.clone().unwrap_or_default();
        let publishing = async {
            let size = message.body.len() as u64;
            let budget = self.transfer(size).await?;
            let mut publishing = pin!(self.publish_within_limits(&session, &queue, message));
            if let Ok(outcome) = timeout(patience(size), publishing.as_mut()).await {
                return outcome;
            }
            drop(budget);
            publishing.await
        };
        let outcome = tokio::select! {
            // What the broker has answered counts.
            biased;
            outcome = publishing => outcome,
            () = session.over() => Err(BrokerError::unreachable("the connection was lost before the broker confirmed the result")),
        };
        self.ledger.settle(&queue, &message_id, &outcome, self.clock.now());
        outcome
    }

    /// Publishes a message, unless the queue would drop it at once; where the queue refuses it, says which limit it is.
    pub(super) async fn publish_within_limits(
        &self,
        session: &Session,
        queue: &str,
        message: Outgoing,
    ) -> Result<Routing, BrokerError> {
        let size = message.body.len() as u64;
        let refused = |obstacle| BrokerError::QueueLimit { queue: queue.to_owned(), obstacle };
        let before = facts(session, queue).await;
        if let Some(obstacle) = before.and_then(|facts| refused::before_publishing(&facts, size)) {
            return Err(refused(obstacle));
        }
        // The management API says which policy a queue has some seconds after it was declared, and may be away.
        let may_drop = before.map_or(session.management.is_some(), |facts| !facts.limits.are_any());
        match session.publish_result(queue, message).await {
            Ok(Routing::Routed) if may_drop && was_dropped(session, queue).await => Err(BrokerError::Nacked),
            Err(BrokerError::Nacked) => {
                let after = facts(session, queue).await.and_then(|facts| refused::after_nack(&facts, size));
                Err(after.map_or(BrokerError::Nacked, refused))
            }
            outcome => outcome,
        }
    }

    /// Puts a message into `queue`, and removes those that are there. A management API that does not answer is not asked.
    pub(super) async fn store(
        &self,
        session: &Session,
        queue: &QueueDeclaration,
        body: Bytes,
    ) -> Result<(), BrokerError> {
        let queues = [queue.clone()];
        let declaring = session.ensure_queues(&queues);
        bounded(session, OPERATION_TIMEOUT, "declare an input's queue", declaring).await?;
        bounded(session, OPERATION_TIMEOUT, "empty an input's queue", session.purge(&queue.name)).await?;
        let patience = patience(body.len() as u64);
        let message = Outgoing { body, message_id: None };
        let publishing = async {
            if session.is_silent() {
                session.publish_result(&queue.name, message).await
            } else {
                self.publish_within_limits(session, &queue.name, message).await
            }
        };
        let published = bounded(session, patience, "publish an input", publishing).await;
        match published.map_err(BrokerError::while_publishing)? {
            Routing::Routed => Ok(()),
            Routing::Unroutable => Err(BrokerError::unreachable(format!("queue {} was just removed", queue.name))),
        }
    }
}

/// Whether a queue has dropped the message that it has just confirmed: it is empty, no consumer can have taken it, and a
/// limit shows that nobody had seen before. One that a client is seen to read, or has deleted, is not asked for: the broker
/// would log that as a fault.
async fn was_dropped(session: &Session, queue: &str) -> bool {
    let is_some = |count: Option<u64>| count.is_some_and(|count| count > 0);
    match seen(session, queue).await {
        Some(QueueLookup::Absent) => return false,
        Some(QueueLookup::Present(facts)) if is_some(facts.consumers) || is_some(facts.acknowledged) => return false,
        Some(QueueLookup::Present(_) | QueueLookup::Unreachable(_)) | None => {}
    }
    session.declared(queue).await == Ok(QueueSight::Present { messages: 0, consumers: 0 })
        && timeout(COUNT_TIMEOUT, shows_limit(session, queue)).await.unwrap_or(false)
}

/// Waits for what the statistics of a queue show first: its limits, or that a client took the message. Only a classic queue
/// that has limits tells by its emptiness: a quorum queue that is busy shows nothing of what it holds.
async fn shows_limit(session: &Session, queue: &str) -> bool {
    loop {
        match facts(session, queue).await {
            Some(facts) if facts.acknowledged.is_some_and(|taken| taken > 0) => return false,
            Some(facts) if facts.limits.are_any() => return facts.is_classic,
            Some(_) | None => sleep(COUNT_AGAIN).await,
        }
    }
}

/// The facts of a queue, if the management API answers soon and has them.
async fn facts(session: &Session, queue: &str) -> Option<QueueFacts> {
    if let QueueLookup::Present(facts) = seen(session, queue).await? { Some(facts) } else { None }
}

/// What the management API says of a queue, if it answers soon.
async fn seen(session: &Session, queue: &str) -> Option<QueueLookup> {
    timeout(LIMITS_TIMEOUT, session.management.as_ref()?.queue(queue)).await.ok()
}

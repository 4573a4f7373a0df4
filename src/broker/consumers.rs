//! What the operator hears from the broker's event exchange: the deletion of queues.
//!
//! Ring: shell.
//!
//! Guarantees: the broker never waits for the operator. A deletion stays at the broker for a
//! minute after it was heard: an operator that takes over from one that crashed hears it again.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep_until};

use super::deletions::read_event;
use super::error::BrokerError;
use super::session::Session;
use super::shared::Shared;
use super::terms::BrokerEvent;
use super::transport::{Acker, Consumer, Delivery};
use crate::topology::{EVENT_EXCHANGE, events_queue, is_result_queue, job_of_queue};

/// Enough for 25 results read a second, each held for [`HELD`].
const EVENTS_PREFETCH: u16 = 2000;
/// Beyond this many the oldest are let go early, so that new ones still come.
const MAX_HELD: usize = 1500;
/// Longer than a job needs from the publication of its result to its terminal status.
const HELD: Duration = Duration::from_secs(60);

/// Begins to consume the deletions of queues. Brokers without the event exchange refuse the binding, and log that as a
/// fault; so the management API is asked first.
pub(super) async fn open_events(session: &Session) -> Result<Consumer, BrokerError> {
    let queue = events_queue();
    if let Some(management) = &session.management
        && management.lacks_exchange(EVENT_EXCHANGE).await
    {
        return Err(BrokerError::Refused { reason: format!("there is no exchange {EVENT_EXCHANGE}") });
    }
    session.ensure_queues(std::slice::from_ref(&queue)).await?;
    consume(session, &queue.name, EVENTS_PREFETCH).await
}

/// Begins to consume `queue` on a channel of its own.
pub(super) async fn consume(session: &Session, queue: &str, prefetch: u16) -> Result<Consumer, BrokerError> {
    Ok(session.channel().await?.consume(queue, prefetch).await?)
}

/// Passes on deletions of jobs' queues until the consumer ends; without a consumer, waits for ever.
pub(super) async fn hear_events(shared: &Shared, session: &Session, consumer: Option<Consumer>) -> BrokerError {
    let Some(mut consumer) = consumer else { return std::future::pending().await };
    let mut held = HeldDeletions::default();
    loop {
        let heard = tokio::select! {
            // Deletions without end hold no acknowledgement up.
            biased;
            () = held.oldest_is_due() => held.release_oldest().await,
            delivery = consumer.next() => match delivery {
                Some(Ok(delivery)) => held.hear(shared, session, delivery).await,
                Some(Err(error)) => Err(error.into()),
                None => Err(BrokerError::unreachable(format!("the broker ended the consumer of {}", events_queue().name))),
            },
        };
        if let Err(error) = heard {
            return error;
        }
    }
}

/// Deliveries that are known here but stay unacknowledged at the broker.
#[derive(Default)]
struct HeldDeletions(VecDeque<(Instant, Acker)>);

impl HeldDeletions {
    async fn hear(&mut self, shared: &Shared, session: &Session, delivery: Delivery) -> Result<(), BrokerError> {
        // Through the default exchange a client reaches this queue, too; into this one only the broker publishes.
        let is_genuine = delivery.exchange == EVENT_EXCHANGE;
        let event = read_event(&delivery.properties, session.endpoint.vhost(), session.endpoint.user());
        let Some((queue, deletion)) = event.filter(|(queue, _)| is_genuine && job_of_queue(queue).is_some()) else {
            return Ok(delivery.acker.ack().await?);
        };
        let is_result = is_result_queue(&queue);
        if is_result {
            shared.deletions().put(queue.clone(), deletion.clone());
        }
        shared.mailbox.put(BrokerEvent::QueueDeleted { queue, by: deletion.by, at: deletion.at });
        if !is_result {
            return Ok(delivery.acker.ack().await?);
        }
        self.0.push_back((Instant::now() + HELD, delivery.acker));
        if self.0.len() > MAX_HELD { self.release_oldest().await } else { Ok(()) }
    }

    async fn oldest_is_due(&self) {
        match self.0.front() {
            Some((due, _)) => sleep_until(*due).await,
            None => std::future::pending().await,
        }
    }

    async fn release_oldest(&mut self) -> Result<(), BrokerError> {
        if let Some((_, acker)) = self.0.pop_front() {
            acker.ack().await?;
        }
        Ok(())
    }
}

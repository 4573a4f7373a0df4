//! What the operator hears from the broker: the couriers' progress and the deletion of queues.
//!
//! Ring: shell.
//!
//! Guarantees: neither ever waits for the operator. Garbage is counted and dropped. A deletion stays at the broker for a
//! minute after it was heard: an operator that takes over from one that crashed hears it again.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Acker, Consumer};
use tokio::time::{Instant, sleep_until};

use super::deletions::read_event;
use super::error::BrokerError;
use super::session::Session;
use super::{BrokerEvent, Shared};
use crate::topology::{QueueDeclaration, courier_progress_queue, events_queue, is_result_queue, job_of_queue};
use crate::wire::CourierProgress;

/// Enough to keep the connection busy.
const PROGRESS_PREFETCH: u16 = 200;
/// Enough for 25 results read a second, each held for [`HELD`].
const EVENTS_PREFETCH: u16 = 2000;
/// Beyond this many the oldest are let go early, so that new ones still come.
const MAX_HELD: usize = 1500;
/// Longer than a job needs from the publication of its result to its terminal status.
const HELD: Duration = Duration::from_secs(60);
/// One warning for so many messages of garbage.
const GARBAGE_PER_WARNING: u64 = 1000;

/// Begins to consume the couriers' progress.
pub(super) async fn open_progress(session: &Session) -> Result<Consumer, BrokerError> {
    let queue = courier_progress_queue();
    session.ensure_queues(std::slice::from_ref(&queue)).await?;
    consume(session, &queue, PROGRESS_PREFETCH).await
}

/// Begins to consume the deletions of queues. Brokers without the event exchange refuse the binding.
pub(super) async fn open_events(session: &Session) -> Result<Consumer, BrokerError> {
    let queue = events_queue();
    session.ensure_queues(std::slice::from_ref(&queue)).await?;
    consume(session, &queue, EVENTS_PREFETCH).await
}

async fn consume(session: &Session, queue: &QueueDeclaration, prefetch: u16) -> Result<Consumer, BrokerError> {
    let channel = session.channel().await?;
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let name = queue.name.as_str();
    Ok(channel
        .basic_consume(name.into(), "omotes-operator".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await?)
}

/// Passes on progress until the consumer ends.
pub(super) async fn hear_progress(shared: &Shared, mut consumer: Consumer) -> BrokerError {
    while let Some(delivery) = consumer.next().await {
        let heard = match delivery {
            Ok(delivery) => hear_one(shared, &delivery).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = heard {
            return error;
        }
    }
    ended(&courier_progress_queue())
}

async fn hear_one(shared: &Shared, delivery: &Delivery) -> Result<(), BrokerError> {
    match CourierProgress::from_body(&delivery.data) {
        Ok(progress) => shared.mailbox.put(BrokerEvent::Progress(progress)),
        Err(error) => {
            if shared.stats.count_rejected_progress().is_multiple_of(GARBAGE_PER_WARNING) {
                tracing::warn!(%error, "somebody publishes progress that is no courier's; such messages are dropped");
            }
        }
    }
    delivery.ack(BasicAckOptions::default()).await?;
    Ok(())
}

/// Passes on deletions of jobs' queues until the consumer ends; without a consumer, waits for ever.
pub(super) async fn hear_events(shared: &Shared, session: &Session, consumer: Option<Consumer>) -> BrokerError {
    let Some(mut consumer) = consumer else { return std::future::pending().await };
    let mut held = Held::default();
    loop {
        let heard = tokio::select! {
            delivery = consumer.next() => match delivery {
                Some(Ok(delivery)) => held.hear(shared, session, delivery).await,
                Some(Err(error)) => Err(error.into()),
                None => Err(ended(&events_queue())),
            },
            () = held.oldest_is_due() => held.release_oldest().await,
        };
        if let Err(error) = heard {
            return error;
        }
    }
}

/// Deliveries that are known here but stay unacknowledged at the broker.
#[derive(Default)]
struct Held(VecDeque<(Instant, Acker)>);

impl Held {
    async fn hear(&mut self, shared: &Shared, session: &Session, delivery: Delivery) -> Result<(), BrokerError> {
        let event = read_event(&delivery.properties, session.endpoint.vhost(), session.endpoint.user());
        let Some((queue, deletion)) = event.filter(|(queue, _)| job_of_queue(queue).is_some()) else {
            delivery.ack(BasicAckOptions::default()).await?;
            return Ok(());
        };
        let is_result = is_result_queue(&queue);
        if is_result {
            shared.deletions().record(queue.clone(), deletion.clone());
        }
        shared.mailbox.put(BrokerEvent::QueueDeleted { queue, by: deletion.by, at: deletion.at });
        if !is_result {
            delivery.ack(BasicAckOptions::default()).await?;
            return Ok(());
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
            acker.ack(BasicAckOptions::default()).await?;
        }
        Ok(())
    }
}

fn ended(queue: &QueueDeclaration) -> BrokerError {
    BrokerError::unreachable(format!("the broker ended the consumer of {}", queue.name))
}

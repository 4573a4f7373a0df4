//! The couriers' progress: a queue for each namespace whose jobs run, and one for all others.
//!
//! Ring: shell.
//!
//! Guarantees: no queue holds up another: each has a channel of its own and is read no faster than [`MOST_PER_TURN`] in a
//! [`TURN`], and what waits for the operator is bounded for each. Garbage is counted and dropped. Bodies that no courier
//! sends are fetched one at a time and at a bounded rate.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};

use super::bounds::OPERATION_TIMEOUT;
use super::consumers::consume;
use super::error::BrokerError;
use super::session::Session;
use super::shared::{Shared, bounded};
use super::terms::BrokerEvent;
use super::transport::{Consumer, Delivery, QueueLife};
use crate::backoff::Backoff;
use crate::topology::{COURIER_EXCHANGE, NamespaceProgress, QueueDeclaration, courier_progress_queue};
use crate::wire::CourierMessage;

/// Few, because each may be as large as the broker takes it. A round trip brings so many.
const PREFETCH: u16 = 8;
/// More: a namespace's queue holds no more than 16 MiB.
const NAMESPACE_PREFETCH: u16 = 32;
/// A namespace with 2,000 running jobs sends so many each second.
const MOST_PER_TURN: u32 = 200;
const TURN: Duration = Duration::from_millis(100);
/// Four times what a courier's message may have.
const OVERSIZED_BYTES: usize = 64 * 1024;
/// A queue that brought a larger body is left alone for as long as this takes: it may be no other than a courier's queue.
const OVERSIZED_BYTES_PER_SECOND: usize = 4 * 1024 * 1024;
/// For so long after a larger body one is fetched at a time.
const WARY: Duration = Duration::from_secs(60);
/// Each has a channel, of which brokers allow 2047 by default. Others' progress goes through the common queue.
pub(super) const MAX_NAMESPACES: usize = 1000;
/// One warning of garbage in so long.
const WARN_EVERY: Duration = Duration::from_secs(60);
const FIRST_DELAY: Duration = Duration::from_secs(1);
const MOST_DELAY: Duration = Duration::from_secs(60);
/// So many failures, one after the other, are worth a warning.
const LASTING_FAILURES: u32 = 5;

/// Why a queue is not read any more.
enum ConsumerEnd {
    /// It brought a body of so many bytes.
    Oversized(usize),
    /// It has brought none for long, and may be read faster.
    Calm,
    /// The consumer ended.
    Failed(BrokerError),
}

/// Begins to consume what comes by the common key.
pub(super) async fn open_common(session: &Session) -> Result<Consumer, BrokerError> {
    let queue = courier_progress_queue();
    session.ensure_queues(std::slice::from_ref(&queue)).await?;
    consume(session, &queue.name, PREFETCH).await
}

/// Passes on what comes by the common key, until that fails.
pub(super) async fn hear_common(shared: &Shared, session: &Session, mut consumer: Consumer) -> BrokerError {
    let QueueDeclaration { name, .. } = courier_progress_queue();
    let mut wary = Wary::default();
    loop {
        match hear(shared, None, &name, consumer, &wary).await {
            ConsumerEnd::Failed(error) => return error,
            ConsumerEnd::Calm => {}
            ConsumerEnd::Oversized(bytes) => wary.rest(&name, bytes).await,
        }
        let opening = consume(session, &name, wary.prefetch(PREFETCH));
        consumer = match bounded(session, OPERATION_TIMEOUT, "listen to the couriers", opening).await {
            Ok(consumer) => consumer,
            Err(error) => return error,
        };
    }
}

/// Passes on the progress of all namespaces that the operator wants to hear of.
pub(super) async fn hear_namespaces(shared: &Shared, session: &Session) -> Infallible {
    // Channels that ended with an error keep their numbers: half of those of the connection are for these.
    let most = usize::from(session.connection.channel_max() / 2).min(MAX_NAMESPACES);
    let mut wanted = shared.namespaces.subscribe();
    let mut heard = HashSet::new();
    let mut listening = FuturesUnordered::new();
    loop {
        let mut missing: Vec<NamespaceProgress> = wanted.borrow_and_update().iter().cloned().collect();
        missing.retain(|source| heard.len() < most && heard.insert(source.clone()));
        listening.extend(missing.into_iter().map(|source| listen(shared, session, source)));
        tokio::select! {
            // A place that is free can be taken by what is wanted then.
            biased;
            Some(unwanted) = listening.next() => { heard.remove(&unwanted); }
            // The other end is in `shared`.
            _ = wanted.changed() => {}
        }
    }
}

/// Listens to a namespace as long as that is wanted, and returns it. When the exchange was made again, this begins anew.
async fn listen(shared: &Shared, session: &Session, source: NamespaceProgress) -> NamespaceProgress {
    let mut wanted = shared.namespaces.subscribe();
    let mut exchanges = shared.exchanges.subscribe();
    loop {
        tokio::select! {
            // What is not wanted is not begun anew.
            biased;
            _ = wanted.wait_for(|wanted| !wanted.contains(&source)) => return source,
            _ = exchanges.changed() => {}
            never = keep_listening(shared, session, &source) => match never {},
        }
    }
}

/// While this fails, couriers use the common key.
async fn keep_listening(shared: &Shared, session: &Session, source: &NamespaceProgress) -> Infallible {
    let namespace: Arc<str> = source.namespace.as_str().into();
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_DELAY);
    let (mut wary, mut failures) = (Wary::default(), 0);
    loop {
        let queue = format!("{}{:08x}", source.queue_prefix, fastrand::u32(..));
        let opening = open(session, source, &queue, wary.prefetch(NAMESPACE_PREFETCH));
        let end = match bounded(session, OPERATION_TIMEOUT, "listen to a namespace's couriers", opening).await {
            Ok(consumer) => {
                backoff.reset();
                failures = 0;
                hear(shared, Some(&namespace), &queue, consumer, &wary).await
            }
            Err(error) => ConsumerEnd::Failed(error),
        };
        match end {
            ConsumerEnd::Calm => {}
            ConsumerEnd::Oversized(bytes) => wary.rest(&queue, bytes).await,
            ConsumerEnd::Failed(error) => {
                failures += 1;
                if failures == LASTING_FAILURES {
                    let namespace = &source.namespace;
                    tracing::warn!(namespace, %error, "the namespace's progress has no queue of its own and comes through {}; this is tried again", courier_progress_queue().name);
                }
                sleep(backoff.next_delay()).await;
            }
        }
    }
}

/// Begins to consume a queue of its own, on the connection for that: each failure costs a number of a channel. It is bound
/// last, so that no message is routed to it before it has a consumer, and is deleted with the consumer, so that couriers
/// notice that there is none.
async fn open(
    session: &Session,
    source: &NamespaceProgress,
    queue: &str,
    prefetch: u16,
) -> Result<Consumer, BrokerError> {
    let channel = session.listening_channel().await?;
    channel.declare_queue(queue, QueueLife::Consumer, &NamespaceProgress::arguments()).await?;
    let consumer = channel.consume(queue, prefetch).await?;
    channel.bind_queue(queue, COURIER_EXCHANGE, &source.routing_key).await?;
    Ok(consumer)
}

/// How a queue is read that brought a body that no courier sends.
#[derive(Default)]
struct Wary {
    until: Option<Instant>,
}

impl Wary {
    fn is_on(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// One at a time, or as many as `usual`.
    fn prefetch(&self, usual: u16) -> u16 {
        if self.is_on() { 1 } else { usual }
    }

    /// Leaves the queue alone, for longer after a larger body.
    async fn rest(&mut self, queue: &str, bytes: usize) {
        if !self.is_on() {
            tracing::warn!(
                queue,
                bytes,
                "somebody publishes progress that is larger than any courier's; the queue is read more slowly for {} s",
                WARY.as_secs()
            );
        }
        let milliseconds = bytes.saturating_mul(1000) / OVERSIZED_BYTES_PER_SECOND;
        sleep(Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))).await;
        self.until = Some(Instant::now() + WARY);
    }
}

/// Passes on what one queue holds.
async fn hear(
    shared: &Shared,
    namespace: Option<&Arc<str>>,
    queue: &str,
    mut consumer: Consumer,
    wary: &Wary,
) -> ConsumerEnd {
    let (mut pace, was_wary) = (Pace::default(), wary.is_on());
    let mut warned = None::<Instant>;
    while let Some(delivery) = consumer.next().await {
        let delivery = match delivery {
            Ok(delivery) => delivery,
            Err(error) => return ConsumerEnd::Failed(error.into()),
        };
        let bytes = delivery.body.len();
        match take(shared, namespace, &delivery) {
            Err(error) if warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) => {
                warned = Some(Instant::now());
                tracing::warn!(
                    queue,
                    error,
                    "somebody publishes progress that is no courier's; such messages are dropped"
                );
            }
            _ => {}
        }
        if let Err(error) = delivery.acker.ack().await {
            return ConsumerEnd::Failed(error.into());
        }
        if bytes > OVERSIZED_BYTES {
            return ConsumerEnd::Oversized(bytes);
        }
        if was_wary && !wary.is_on() {
            return ConsumerEnd::Calm;
        }
        pace.keep().await;
    }
    ConsumerEnd::Failed(BrokerError::unreachable(format!("the broker ended the consumer of {queue}")))
}

/// Takes in a message, or tells why it is no courier's.
fn take(shared: &Shared, namespace: Option<&Arc<str>>, delivery: &Delivery) -> Result<(), String> {
    let message = read(delivery).inspect_err(|_| shared.stats.count_rejected_progress())?;
    shared.mailbox.put(BrokerEvent::Courier { namespace: namespace.cloned(), message });
    Ok(())
}

fn read(delivery: &Delivery) -> Result<CourierMessage, String> {
    // Through the default exchange a client reaches this queue, too.
    if delivery.exchange != COURIER_EXCHANGE {
        return Err(format!("it did not come by exchange {COURIER_EXCHANGE}"));
    }
    CourierMessage::from_body(&delivery.body).map_err(|error| error.to_string())
}

/// So many messages in a turn; then the next turn is waited for.
struct Pace {
    until: Instant,
    left: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { until: Instant::now() + TURN, left: MOST_PER_TURN }
    }
}

impl Pace {
    /// Notes a message.
    async fn keep(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            sleep_until(self.until).await;
        }
        if self.left == 0 || Instant::now() >= self.until {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_read_at_a_bounded_pace() {
        let began = Instant::now();
        let mut pace = Pace::default();
        for _ in 0..10 * MOST_PER_TURN {
            pace.keep().await;
        }
        assert_eq!(began.elapsed(), 10 * TURN);
        let mut pace = Pace::default();
        for _ in 0..10 {
            sleep(TURN).await;
            let before = Instant::now();
            pace.keep().await;
            assert_eq!(before.elapsed(), Duration::ZERO, "what is seldom is never held up");
        }
    }
}

//! The courier's connection to the broker.
//!
//! Ring: shell.
//!
//! Guarantees: the credentials are read from their files at each connect, so that a rotation of user, password or
//! authority needs no restart. After a failure it connects only with growing delays, until the broker has confirmed a
//! message: one that it refuses ends the channel, and looked sent at first. A broker that is slow keeps its connection; the
//! heartbeats end one that is dead. Every method may be dropped at any moment; the next call begins anew.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::settings::{CourierSettings, Credentials};
use crate::backoff::Backoff;
use crate::broker::{BrokerError, Channel, Confirm, Connection, Publication, Routing, dial, is_missing, routing};
use crate::topology::{COURIER_EXCHANGE, PROGRESS_KEY};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MOST_DELAY: Duration = Duration::from_secs(30);
/// A healthy broker confirms a small message within milliseconds; one that has much to do may take longer.
const POST_TIMEOUT: Duration = Duration::from_secs(2);
/// A little more than opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(12);
/// A good-bye is polite, not necessary.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that is made when it is needed.
pub(super) struct Link {
    credentials: Credentials,
    name: String,
    progress_key: String,
    open: Option<Open>,
    backoff: Backoff,
    retry_from: Instant,
}

struct Open {
    connection: Connection,
    channel: Channel,
}

impl Open {
    fn is_usable(&self) -> bool {
        self.connection.is_connected() && self.channel.is_connected()
    }
}

impl Link {
    /// The link of one attempt's courier.
    pub(super) fn of(settings: &CourierSettings) -> Self {
        Self {
            credentials: settings.credentials.clone(),
            name: settings.connection_name(),
            progress_key: settings.identity.progress_key.clone(),
            open: None,
            backoff: Backoff::new(FIRST_DELAY, MOST_DELAY),
            retry_from: Instant::now(),
        }
    }

    /// Whether there is a connection, as far as this side knows.
    pub(super) fn is_connected(&self) -> bool {
        self.open.as_ref().is_some_and(Open::is_usable)
    }

    /// Connects, unless there is a connection or a failure was a moment ago. Tells whether there is one now.
    pub(super) async fn connect(&mut self) -> bool {
        if self.is_connected() {
            return true;
        }
        if Instant::now() < self.retry_from {
            return false;
        }
        match self.try_connect(CONNECT_TIMEOUT).await {
            Ok(()) => true,
            Err(error) => self.postpone(&error.to_string()),
        }
    }

    /// Connects within `limit`, unless there is a connection.
    pub(super) async fn try_connect(&mut self, limit: Duration) -> Result<(), BrokerError> {
        if let Ok(opened) = timeout(limit, self.opened()).await {
            return opened.map(drop);
        }
        Err(BrokerError::unreachable(format!("{} did not answer within {} s", self.broker(), limit.as_secs())))
    }

    /// Tells the operator something small. False when it cannot be sent now, or the broker did not confirm it in time: then
    /// it may have it all the same.
    pub(super) async fn post(&mut self, body: &[u8]) -> bool {
        if Instant::now() < self.retry_from {
            return false;
        }
        match timeout(POST_TIMEOUT, self.try_post(body)).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(error)) => self.postpone(&error.to_string()),
            // Another connection would only be more work for it.
            Err(_) if self.is_connected() => false,
            Err(_) => self.postpone("no connection in time"),
        }
    }

    /// By the namespace's own key, and by the common one where no operator listens to that: one of an earlier version runs, or
    /// one that is just starting.
    async fn try_post(&mut self, body: &[u8]) -> Result<bool, BrokerError> {
        let own = self.progress_key.clone();
        let Open { connection, channel } = self.opened().await?;
        // lapin keeps what is published meanwhile, without a bound.
        if connection.is_blocked() {
            return Ok(false);
        }
        for key in [&own, PROGRESS_KEY] {
            let confirm = publish(channel, key, body, false).await?;
            if routing(confirm.await?)? == Routing::Routed {
                break;
            }
        }
        self.backoff.reset();
        Ok(true)
    }

    fn postpone(&mut self, reason: &str) -> bool {
        tracing::warn!(reason, "no message reaches the broker; progress waits");
        self.open = None;
        self.retry_from = Instant::now() + self.backoff.next_delay();
        false
    }

    /// Publishes a message until the broker says what became of it. While the broker takes no messages, this waits.
    pub(super) async fn deliver(&mut self, key: &str, body: &Bytes) -> Result<Routing, BrokerError> {
        let outcome = self.try_deliver(key, body).await;
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }

    async fn try_deliver(&mut self, key: &str, body: &Bytes) -> Result<Routing, BrokerError> {
        let channel = self.opened().await?.connection.create_channel().await?;
        channel.confirm_select().await?;
        let confirm = publish(&channel, key, body, true).await?;
        routing(confirm.await?)
    }

    /// The message in `queue`; `None` where there is none, or no such queue. It is not acknowledged, so that the broker has it
    /// again when this link closes.
    pub(super) async fn look_into(&mut self, queue: &str) -> Result<Option<Vec<u8>>, BrokerError> {
        let looked = self.try_look_into(queue).await;
        if looked.is_err() {
            self.open = None;
        }
        looked
    }

    async fn try_look_into(&mut self, queue: &str) -> Result<Option<Vec<u8>>, BrokerError> {
        let channel = self.opened().await?.connection.create_channel().await?;
        match channel.get(queue).await {
            Ok(message) => Ok(message.map(|message| message.body.into())),
            // The error has ended the channel, and lapin gives its number to the next one: begin anew.
            Err(error) if is_missing(&error) => {
                self.open = None;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn opened(&mut self) -> Result<&Open, BrokerError> {
        let open = match self.open.take().filter(Open::is_usable) {
            Some(open) => open,
            None => self.dial().await?,
        };
        Ok(self.open.insert(open))
    }

    async fn dial(&self) -> Result<Open, BrokerError> {
        let connection = dial(&self.credentials.connector, &self.credentials.read()?, &self.name).await?;
        let channel = connection.create_channel().await?;
        channel.confirm_select().await?;
        Ok(Open { connection, channel })
    }

    /// What the broker is called in messages for people.
    pub(super) fn broker(&self) -> String {
        self.credentials.read().map_or_else(|error| error.to_string(), |endpoint| endpoint.to_string())
    }

    pub(super) async fn close(self) {
        if let Some(open) = self.open {
            // It may be broken, and then it is dropped.
            let _ = timeout(CLOSE_TIMEOUT, open.connection.close()).await;
        }
    }
}

/// The broker tells when no queue takes the message.
async fn publish(channel: &Channel, key: &str, body: &[u8], is_persistent: bool) -> Result<Confirm, BrokerError> {
    let publication = Publication {
        exchange: COURIER_EXCHANGE,
        routing_key: key,
        is_mandatory: true,
        is_persistent,
        message_id: None,
        body,
    };
    Ok(channel.publish(publication).await?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::layout::tests::Pod;
    use super::super::settings::tests::lonely;
    use super::*;
    use crate::broker::fake::{FakeBroker, PUBLISH, confirmed, refused};
    use crate::broker::{Connector, QueueLife, SimulatedBroker};

    const REFUSAL: &str = "ACCESS_REFUSED - write access to exchange 'omotes.courier' refused";

    /// All couriers of a broker that has much to do: none connects anew.
    #[tokio::test]
    async fn a_slow_broker_keeps_its_connection() {
        let broker = FakeBroker::start(|_| None).await;
        let pod = Pod::empty();
        let settings = lonely(&pod);
        pod.write("../credentials/amqp-uri", &broker.uri());
        let mut link = Link::of(&settings);
        assert!(link.connect().await);
        tokio::time::pause();
        for _ in 0..2 {
            assert!(!link.post(b"{}").await);
            assert!(link.is_connected() && Instant::now() >= link.retry_from);
        }
        assert_eq!(broker.connections(), 1);
    }

    /// What listens there is no broker.
    #[tokio::test]
    async fn a_silent_port_holds_a_message_up_for_a_moment_only() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pod = Pod::empty();
        let settings = lonely(&pod);
        pod.write("../credentials/amqp-uri", &format!("amqp://u:p@{}/omotes", listener.local_addr().unwrap()));
        let mut link = Link::of(&settings);
        let began = Instant::now();
        assert!(!link.post(b"{}").await);
        assert!(began.elapsed() < 2 * POST_TIMEOUT && !link.is_connected() && link.retry_from > began);
    }

    /// The namespace's own key leads nowhere, so the common one is taken.
    #[tokio::test(start_paused = true)]
    async fn what_no_own_queue_takes_goes_by_the_common_key() {
        let simulated = SimulatedBroker::start("omotes", jiff::Timestamp::UNIX_EPOCH);
        let pod = Pod::empty();
        let mut link = Link::of(&lonely(&pod).carried_by(Connector::Simulated(simulated.clone())));
        assert!(!link.post(b"{}").await, "there is no exchange");
        let operator = dial(&link.credentials.connector, &link.credentials.read().unwrap(), "operator").await.unwrap();
        let channel = operator.create_channel().await.unwrap();
        channel.declare_exchange(COURIER_EXCHANGE, true).await.unwrap();
        channel.declare_queue("progress", QueueLife::Durable, &[]).await.unwrap();
        channel.bind_queue("progress", COURIER_EXCHANGE, PROGRESS_KEY).await.unwrap();
        tokio::time::sleep(MOST_DELAY).await;
        assert!(link.post(b"{}").await);
        assert_eq!(simulated.queue("progress").unwrap().messages, 1);
    }

    /// A permission that is revoked, and given back.
    #[tokio::test]
    async fn a_refused_message_delays_the_next_connection_more_and_more() {
        fastrand::seed(1);
        let is_allowed = Arc::new(AtomicBool::new(false));
        let allowed = Arc::clone(&is_allowed);
        let broker = FakeBroker::start(move |method| {
            let verdict = || if allowed.load(Ordering::Relaxed) { confirmed() } else { refused(403, REFUSAL) };
            (method == PUBLISH).then(verdict)
        })
        .await;
        let pod = Pod::empty();
        let settings = lonely(&pod);
        pod.write("../credentials/amqp-uri", &broker.uri());
        let mut link = Link::of(&settings);
        for refusals in 1..=8 {
            link.retry_from = Instant::now();
            assert!(link.connect().await, "the connection itself is not refused");
            assert!(!link.post(b"{}").await);
            assert!(!link.connect().await, "too soon");
            assert_eq!(broker.connections(), refusals);
        }
        let delays = [(); 3].map(|()| link.backoff.next_delay());
        assert!(delays.iter().any(|delay| *delay > Duration::from_secs(2)), "{delays:?}");
        let words = link.try_post(b"{}").await.unwrap_err().to_string();
        assert!(words.contains("write access to exchange 'omotes.courier' refused"), "{words}");
        is_allowed.store(true, Ordering::Relaxed);
        link.retry_from = Instant::now();
        assert!(link.post(b"{}").await);
        assert!(link.backoff.next_delay() <= FIRST_DELAY);
    }
}

//! The courier's connection to the broker.
//!
//! Ring: shell.
//!
//! Guarantees: connects only when there is something to say, and after a failure only with growing delays. Every method
//! may be dropped at any moment; the next call begins anew.

use std::time::Duration;

use bytes::Bytes;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Connection};
use tokio::time::{Instant, timeout};

use crate::broker::{Backoff, BrokerError, Endpoint, Routing, dial, is_missing, routing};
use crate::topology::COURIER_EXCHANGE;

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MOST_DELAY: Duration = Duration::from_secs(30);
/// Handing a small message to the network takes no time, unless the connection is dead.
const POST_TIMEOUT: Duration = Duration::from_secs(2);
/// A good-bye is polite, not necessary.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;

/// A connection that is made when it is needed.
pub(super) struct Link {
    endpoint: Endpoint,
    name: String,
    open: Option<Open>,
    backoff: Backoff,
    retry_from: Instant,
}

struct Open {
    connection: Connection,
    channel: Channel,
}

impl Link {
    pub(super) fn new(endpoint: Endpoint, name: String) -> Self {
        Self { endpoint, name, open: None, backoff: Backoff::new(FIRST_DELAY, MOST_DELAY), retry_from: Instant::now() }
    }

    /// Publishes a small message without asking what became of it. False when it cannot be sent now.
    pub(super) async fn post(&mut self, key: &str, body: &[u8]) -> bool {
        if Instant::now() < self.retry_from {
            return false;
        }
        match timeout(POST_TIMEOUT, self.try_post(key, body)).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(error)) => self.postpone(&error.to_string()),
            Err(_) => self.postpone("no answer in time"),
        }
    }

    async fn try_post(&mut self, key: &str, body: &[u8]) -> Result<bool, BrokerError> {
        let Open { connection, channel } = self.opened().await?;
        // lapin keeps what is published meanwhile, without a bound.
        if connection.status().blocked() {
            return Ok(false);
        }
        publish(channel, key, body, BasicPublishOptions::default(), TRANSIENT).await?;
        self.backoff.reset();
        Ok(true)
    }

    fn postpone(&mut self, reason: &str) -> bool {
        tracing::debug!(reason, "the broker cannot be told the progress");
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
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let confirm = publish(&channel, key, body, options, PERSISTENT).await?;
        routing(&confirm.await?)
    }

    /// The message in `queue`; `None` where there is none, or no such queue. It is not acknowledged, so that the broker has it
    /// again when this link closes.
    pub(super) async fn look_into(&mut self, queue: &str) -> Result<Option<Bytes>, BrokerError> {
        let looked = self.try_look_into(queue).await;
        if looked.is_err() {
            self.open = None;
        }
        looked
    }

    async fn try_look_into(&mut self, queue: &str) -> Result<Option<Bytes>, BrokerError> {
        let channel = self.opened().await?.connection.create_channel().await?;
        match channel.basic_get(queue.into(), BasicGetOptions::default()).await {
            Ok(message) => Ok(message.map(|message| message.delivery.data.into())),
            // The error has ended the channel, and lapin gives its number to the next one: begin anew.
            Err(error) if is_missing(&error) => {
                self.open = None;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn opened(&mut self) -> Result<&Open, BrokerError> {
        let usable =
            self.open.take().filter(|open| open.connection.status().connected() && open.channel.status().connected());
        let open = match usable {
            Some(open) => open,
            None => self.dial().await?,
        };
        Ok(self.open.insert(open))
    }

    async fn dial(&self) -> Result<Open, BrokerError> {
        let connection = dial(&self.endpoint, &self.name).await?;
        let channel = connection.create_channel().await?;
        Ok(Open { connection, channel })
    }

    /// What the broker is called in messages for people.
    pub(super) fn broker(&self) -> String {
        self.endpoint.to_string()
    }

    pub(super) async fn close(self) {
        if let Some(open) = self.open {
            // It may be broken, and then it is dropped.
            let _ = timeout(CLOSE_TIMEOUT, open.connection.close(200, "OK".into())).await;
        }
    }
}

async fn publish(
    channel: &Channel,
    key: &str,
    body: &[u8],
    options: BasicPublishOptions,
    mode: u8,
) -> Result<lapin::PublisherConfirm, BrokerError> {
    let properties = BasicProperties::default().with_delivery_mode(mode);
    Ok(channel.basic_publish(COURIER_EXCHANGE.into(), key.into(), options, body, properties).await?)
}

//! What all steps use: connections, names that no other run has, and the lines of the transcript.

use std::fmt::{Debug, Write as _};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, sleep, timeout};

use super::super::{
    Address, AmqpError, Channel, Confirmation, Connection, Connector, Consumer, Delivery, Fault, Publication,
    QueueCounts,
};
use crate::topology::Argument;

/// Longer than a broker needs that has much to do.
const PATIENCE: Duration = Duration::from_secs(10);
/// What does not come within that does not come.
pub(super) const SILENCE: Duration = Duration::from_millis(300);
pub(super) const CLASSIC: (&str, Argument) = ("x-queue-type", Argument::Text("classic"));

pub(super) struct Script {
    connector: Connector,
    pub(super) address: Address,
    suffix: String,
    /// The connection that does most.
    pub(super) main: Connection,
    /// Another one of the same user.
    pub(super) other: Connection,
    transcript: String,
}

impl Script {
    pub(super) async fn open(connector: Connector, address: Address, suffix: &str) -> Self {
        let main = connect(&connector, &address).await;
        let other = connect(&connector, &address).await;
        Self { connector, address, suffix: suffix.to_owned(), main, other, transcript: String::new() }
    }

    /// The name of a queue or an exchange, and a routing key of this run.
    pub(super) fn name(&self, name: &str) -> String {
        format!("omotes.conformance-{}.{name}", self.suffix)
    }

    /// One more connection.
    pub(super) async fn connect(&self) -> Connection {
        connect(&self.connector, &self.address).await
    }

    pub(super) async fn channel(&self) -> Channel {
        self.main.create_channel().await.unwrap()
    }

    pub(super) async fn confirming(&self) -> Channel {
        let channel = self.channel().await;
        channel.confirm_select().await.unwrap();
        channel
    }

    /// Writes what a request was answered with.
    pub(super) fn line<T: Debug>(&mut self, step: &str, answer: Result<T, AmqpError>) {
        let said = match answer {
            Ok(value) if std::mem::size_of::<T>() == 0 => format!("{value:?}").replace("()", "done"),
            Ok(value) => format!("{value:?}"),
            Err(error) => match error.fault() {
                // What follows the first sentence is advice.
                Fault::Soft { code, text } => format!("channel ended, {code} {}", text.split(". ").next().unwrap()),
                Fault::Hard { code } => format!("connection ended, {code}"),
                Fault::LongName => "name too long".to_owned(),
                Fault::Other => "no answer".to_owned(),
            },
        };
        self.fact(step, &said);
    }

    /// Writes what was seen.
    pub(super) fn fact(&mut self, step: &str, seen: &str) {
        let seen = seen.replace(&self.suffix, "SUFFIX");
        writeln!(self.transcript, "{step}: {seen}").unwrap();
    }

    /// Writes what a queue has, once that is so many messages and consumers.
    pub(super) async fn holds(&mut self, step: &str, queue: &str, (messages, consumers): (u32, u32)) {
        let expected = QueueCounts { messages, consumers };
        let channel = self.channel().await;
        let began = Instant::now();
        loop {
            let counts = channel.look_at_queue(queue).await;
            if counts.as_ref() == Ok(&expected) || counts.is_err() || began.elapsed() > PATIENCE {
                return self.line(step, counts);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes that a queue is not there, once that is so.
    pub(super) async fn vanishes(&mut self, step: &str, queue: &str) {
        let began = Instant::now();
        loop {
            let seen = self.channel().await.look_at_queue(queue).await;
            // One that is locked is there.
            let is_gone = seen.as_ref().is_err_and(|error| matches!(error.fault(), Fault::Soft { code: 404, .. }));
            if is_gone || began.elapsed() > PATIENCE {
                return self.line(step, seen);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes the first message of a queue, and leaves it unsettled.
    pub(super) async fn fetches(&mut self, step: &str, channel: &Channel, queue: &str) -> Option<Delivery> {
        let got = channel.get(queue).await;
        let shown = got.as_ref().map(|message| message.as_ref().map(shown)).map_err(Clone::clone);
        self.line(step, shown);
        got.ok().flatten()
    }

    /// Writes the next message of a consumer, and leaves it unsettled.
    pub(super) async fn receives(&mut self, step: &str, consumer: &mut Consumer) -> Option<Delivery> {
        match timeout(PATIENCE, consumer.next()).await.expect(step) {
            Some(Ok(message)) => {
                self.fact(step, &shown(&message));
                Some(message)
            }
            Some(Err(error)) => {
                self.line(step, Err::<(), _>(error));
                None
            }
            None => {
                self.fact(step, "cancelled");
                None
            }
        }
    }

    /// Writes that nothing comes to a consumer.
    pub(super) async fn receives_nothing(&mut self, step: &str, consumer: &mut Consumer) {
        let next = timeout(SILENCE, consumer.next()).await;
        let seen = next.map_or_else(|_| "nothing".to_owned(), |next| format!("{:?}", next.map(|next| next.is_ok())));
        self.fact(step, &seen);
    }

    /// What was written.
    pub(super) fn end(self) -> String {
        self.transcript
    }
}

async fn connect(connector: &Connector, address: &Address) -> Connection {
    Connection::open(connector, address, None, "conformance".to_owned(), PATIENCE).await.unwrap()
}

/// A message, as the transcript has it.
fn shown(message: &Delivery) -> String {
    let body = String::from_utf8_lossy(&message.body);
    format!("{body}{}", if message.redelivered { ", again" } else { "" })
}

/// Publishes a text, and waits for its confirmation.
pub(super) async fn publish(
    channel: &Channel,
    (exchange, routing_key): (&str, &str),
    body: &str,
) -> Result<Confirmation, AmqpError> {
    let publication = Publication {
        exchange,
        routing_key,
        is_mandatory: true,
        is_persistent: true,
        message_id: None,
        body: body.as_bytes(),
    };
    channel.publish(publication).await?.await
}

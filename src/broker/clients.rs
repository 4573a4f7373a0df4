//! The queues that OMOTES' clients speak to, and the exchange that they share with this operator.
//!
//! Ring: shell.
//!
//! Guarantees: consumed on the connection that holds the leader queue, so by one operator at a time. What is not
//! acknowledged when the connection ends comes again. A submission may be large, and the broker does not bound what waits
//! here by its size; so few wait here, and all others at the broker.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, BasicRejectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Acker, BasicProperties, Channel, Consumer, ExchangeKind};

use super::error::BrokerError;
use super::routing;
use super::session::Session;
use crate::topology::{AVAILABLE_WORKFLOWS_KEY, CLIENT_EXCHANGE, ClientQueue};

/// How many submissions are here at once. Two, so that one waits while the other is stored: with the largest that is a
/// quarter of the operator's memory.
pub(crate) const PREFETCH: u16 = 2;
/// How many messages of each other queue: they are small, and whoever sends a large one is not to fill the memory.
const SMALL_PREFETCH: u16 = 1;
const PERSISTENT: u8 = 2;

/// What clients say, while the connection lives.
pub(crate) struct Clients {
    pub(crate) submissions: Inbox,
    pub(crate) deletions: Inbox,
    pub(crate) requests: Inbox,
    pub(crate) announcer: Announcer,
    session: Arc<Session>,
}

/// One queue's messages.
pub(crate) struct Inbox {
    queue: ClientQueue,
    consumer: Consumer,
}

/// One message.
pub(crate) struct Incoming {
    /// What it says.
    pub(crate) body: Bytes,
    /// Whether somebody got it before, and may have acted on it.
    pub(crate) redelivered: bool,
    acker: Acker,
}

/// Says to all clients which types of jobs there are.
pub(crate) struct Announcer(Channel);

impl Clients {
    pub(super) async fn open(session: Arc<Session>) -> Result<Self, BrokerError> {
        let errand = session.errand().await?;
        declare_exchange(&errand).await?;
        for queue in [ClientQueue::Submissions, ClientQueue::Deletions] {
            declare(&errand, queue).await?;
        }
        // An exclusive queue belongs to the connection that declares it.
        declare(&session.channel().await?, ClientQueue::Requests).await?;
        Ok(Self {
            submissions: Inbox::open(&session, ClientQueue::Submissions).await?,
            deletions: Inbox::open(&session, ClientQueue::Deletions).await?,
            requests: Inbox::open(&session, ClientQueue::Requests).await?,
            announcer: Announcer(session.confirming_channel().await?),
            session,
        })
    }

    /// Waits until the connection is given up.
    pub(crate) fn over(&self) -> impl Future<Output = ()> + use<> {
        let session = self.session.clone();
        async move { session.over().await }
    }
}

async fn declare_exchange(channel: &Channel) -> Result<(), BrokerError> {
    let options = ExchangeDeclareOptions::default();
    Ok(channel.exchange_declare(CLIENT_EXCHANGE.into(), ExchangeKind::Direct, options, FieldTable::default()).await?)
}

async fn declare(channel: &Channel, queue: ClientQueue) -> Result<(), BrokerError> {
    let durable = queue.is_durable();
    let options = QueueDeclareOptions { durable, exclusive: !durable, ..QueueDeclareOptions::default() };
    let name = queue.name();
    channel.queue_declare(name.into(), options, FieldTable::default()).await?;
    let options = QueueBindOptions::default();
    Ok(channel.queue_bind(name.into(), CLIENT_EXCHANGE.into(), name.into(), options, FieldTable::default()).await?)
}

impl Inbox {
    async fn open(session: &Session, queue: ClientQueue) -> Result<Self, BrokerError> {
        let channel = session.channel().await?;
        let prefetch = match queue {
            ClientQueue::Submissions => PREFETCH,
            ClientQueue::Deletions | ClientQueue::Requests => SMALL_PREFETCH,
        };
        channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let options = BasicConsumeOptions::default();
        let consumer =
            channel.basic_consume(queue.name().into(), "omotes-operator".into(), options, FieldTable::default());
        Ok(Self { queue, consumer: consumer.await? })
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Result<Incoming, BrokerError> {
        match self.consumer.next().await {
            Some(Ok(delivery)) => Ok(delivery.into()),
            Some(Err(error)) => Err(error.into()),
            None => Err(BrokerError::unreachable(format!("the broker ended the consumer of {}", self.queue.name()))),
        }
    }
}

impl From<Delivery> for Incoming {
    fn from(delivery: Delivery) -> Self {
        let Delivery { data, redelivered, acker, .. } = delivery;
        Self { body: data.into(), redelivered, acker }
    }
}

impl Incoming {
    /// Lets the broker forget it: what it asked for is done.
    pub(crate) async fn done(self) -> Result<(), BrokerError> {
        self.acker.ack(BasicAckOptions::default()).await?;
        Ok(())
    }

    /// Lets the broker forget it: nobody can do anything with it.
    pub(crate) async fn refuse(self) -> Result<(), BrokerError> {
        self.acker.reject(BasicRejectOptions { requeue: false }).await?;
        Ok(())
    }
}

impl Announcer {
    /// Says it. Who does not listen asks when he comes.
    pub(crate) async fn announce(&self, body: &[u8]) -> Result<(), BrokerError> {
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let options = BasicPublishOptions::default();
        let (exchange, key) = (CLIENT_EXCHANGE.into(), AVAILABLE_WORKFLOWS_KEY.into());
        let confirm = self.0.basic_publish(exchange, key, options, body, properties).await?;
        routing(&confirm.await?).map(drop)
    }
}

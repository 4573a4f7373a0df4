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

use super::error::BrokerError;
use super::session::Session;
use super::transport::{Acker, Channel, Consumer, Delivery, Publication, QueueLife};
use crate::topology::{AVAILABLE_WORKFLOWS_KEY, CLIENT_EXCHANGE, ClientQueue};

/// How many submissions are here at once. Two, so that one waits while the other is stored: with the largest that is a
/// quarter of the operator's memory.
pub(crate) const PREFETCH: u16 = 2;
/// How many messages of each other queue: they are small, and whoever sends a large one is not to fill the memory.
const SMALL_PREFETCH: u16 = 1;

/// What clients say, while the connection lives.
pub(crate) struct ClientInboxes {
    pub(crate) submissions: Inbox,
    pub(crate) deletions: Inbox,
    pub(crate) requests: Inbox,
    pub(crate) announcer: Announcer,
    session: Arc<Session>,
}

/// One queue's messages.
pub(crate) struct Inbox {
    queue: ClientQueue,
    channel: Channel,
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

impl ClientInboxes {
    pub(super) async fn open(session: Arc<Session>) -> Result<Self, BrokerError> {
        let errand = session.errand().await?;
        errand.declare_exchange(CLIENT_EXCHANGE, false).await?;
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

async fn declare(channel: &Channel, queue: ClientQueue) -> Result<(), BrokerError> {
    let life = if queue.is_durable() { QueueLife::Durable } else { QueueLife::Connection };
    let name = queue.name();
    channel.declare_queue(name, life, &[]).await?;
    Ok(channel.bind_queue(name, CLIENT_EXCHANGE, name).await?)
}

fn prefetch(queue: ClientQueue) -> u16 {
    match queue {
        ClientQueue::Submissions => PREFETCH,
        ClientQueue::Deletions | ClientQueue::Requests => SMALL_PREFETCH,
    }
}

impl Inbox {
    async fn open(session: &Session, queue: ClientQueue) -> Result<Self, BrokerError> {
        let channel = session.channel().await?;
        let consumer = channel.consume(queue.name(), prefetch(queue)).await?;
        Ok(Self { queue, channel, consumer })
    }

    /// How many messages come by themselves before one of them is settled.
    pub(crate) fn prefetch(&self) -> usize {
        prefetch(self.queue).into()
    }

    /// The first message that is still at the broker, beyond those that come by themselves.
    pub(crate) async fn fetch(&self) -> Result<Option<Incoming>, BrokerError> {
        Ok(self.channel.get(self.queue.name()).await?.map(Incoming::from))
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
        let Delivery { body, redelivered, acker, .. } = delivery;
        Self { body, redelivered, acker }
    }
}

impl Incoming {
    /// Lets the broker forget it: what it asked for is done.
    pub(crate) async fn done(self) -> Result<(), BrokerError> {
        Ok(self.acker.ack().await?)
    }

    /// Lets the broker forget it: nobody can do anything with it.
    pub(crate) async fn refuse(self) -> Result<(), BrokerError> {
        Ok(self.acker.reject().await?)
    }
}

impl Announcer {
    /// Publishes it. A client that does not listen asks when it comes, and one whose queue takes no more messages refuses it for
    /// itself alone.
    pub(crate) async fn announce(&self, body: &[u8]) -> Result<(), BrokerError> {
        let publication = Publication {
            exchange: CLIENT_EXCHANGE,
            routing_key: AVAILABLE_WORKFLOWS_KEY,
            is_mandatory: false,
            is_persistent: true,
            message_id: None,
            body,
        };
        self.0.publish(publication).await?.await?;
        Ok(())
    }
}

//! What can be done with one open connection.
//!
//! Ring: shell.
//!
//! A soft error ends a channel for all who use it. So everything that may fail by design – a missing queue, other
//! arguments, a queue in use – has a channel of its own among the [`Errands`]; results have one of their own each; only
//! the many small messages to clients share one.
//!
//! Guarantees: no operation here gives up by itself; its caller bounds it in time, and may drop it at any moment.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::errands::{Errands, Over, end};
use super::error::{BrokerError, is_missing, is_still_wanted};
use super::management::Management;
use super::terms::{BrokerConfig, DeleteCondition, Deletion, Fetched, Outgoing, QueueSight, RefusalSource, Routing};
use super::transport::{
    Channel, Confirm, Confirmation, Connection, Delivery, Publication, QueueCounts, QueueLife, check_name,
};
use crate::result::QueueLookup;
use crate::topology::{Argument, Binding, COURIER_EXCHANGE, LEADER_QUEUE, QueueDeclaration};
use crate::wire::{CommitRecord, CourierOutput, Digest, OutputMark};

/// It has a binding to each queue, by the queue's name.
const DEFAULT_EXCHANGE: &str = "";

/// Few messages end their channel: those that are too large, or not allowed.
const USED_NUMBERS: usize = 8;

/// So many messages that are not its job's are removed from an output's queue in one go: each may be of the largest size.
const MAX_FOREIGN: usize = 16;

/// So many bytes are hashed in a few milliseconds. More would hold up the other tasks of this thread.
const MOST_HASHED_HERE: usize = 1024 * 1024;

/// How long a management API that did not answer is not asked again about a single queue.
const SILENCE: Duration = Duration::from_secs(30);
/// One that refuses sooner than this costs nothing, and may be back at the next question.
const SLOW: Duration = Duration::from_secs(1);

/// The connection that holds the leader queue, and what goes with it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Connection,
    pub(super) endpoint: Endpoint,
    pub(super) opened: Timestamp,
    pub(super) management: Option<Management>,
    errands: Errands,
    listening: Errands,
    light: Mutex<Option<Channel>>,
    /// Since when the management API does not answer, as far as this was seen here.
    silent_since: std::sync::Mutex<Option<Instant>>,
    over: Over,
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        endpoint: Endpoint,
        management: Option<Management>,
        opened: Timestamp,
        config: &BrokerConfig,
    ) -> Self {
        let over = watch::Sender::new(None);
        Self {
            errands: Errands::new(endpoint.clone(), config, "queues", over.clone()),
            listening: Errands::new(endpoint.clone(), config, "progress", over.clone()),
            connection,
            endpoint,
            opened,
            management,
            light: Mutex::new(None),
            silent_since: std::sync::Mutex::default(),
            over,
        }
    }

    /// Ends what still runs on this connection, and closes it.
    pub(super) async fn close(&self) {
        self.give_up("the connection was closed");
        self.errands.end();
        self.listening.end();
        // Fails when it is broken already, which is as good.
        let _ = self.connection.close().await;
    }

    /// Waits until this connection is given up.
    pub(super) async fn over(&self) {
        // Fails when the session is dropped, which is as good.
        let _ = self.over.subscribe().wait_for(Option::is_some).await;
    }

    /// Why this connection is given up.
    pub(super) fn why_over(&self) -> String {
        self.over.borrow().clone().unwrap_or_default()
    }

    /// Gives this connection up: another one takes its place.
    pub(super) fn give_up(&self, reason: &str) {
        end(&self.over, reason);
    }

    /// A channel of the connection that holds the leader queue.
    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        // See `errands`: the number of a channel that was ended answers once more with its error.
        for _ in 0..USED_NUMBERS {
            if let Ok(channel) = self.connection.create_channel().await {
                return Ok(channel);
            }
        }
        let reason = "the connection opens no more channels, so it is replaced";
        self.give_up(reason);
        Err(BrokerError::unreachable(reason))
    }

    pub(super) async fn confirming_channel(&self) -> Result<Channel, BrokerError> {
        let channel = self.channel().await?;
        channel.confirm_select().await?;
        Ok(channel)
    }

    /// The channel that small messages share, opened again if one of them ended it.
    async fn light_channel(&self) -> Result<Channel, BrokerError> {
        let mut light = self.light.lock().await;
        if let Some(channel) = light.as_ref().filter(|channel| channel.is_connected()) {
            return Ok(channel.clone());
        }
        Ok(light.insert(self.confirming_channel().await?).clone())
    }

    /// A channel of its own for one errand, which may end it.
    pub(super) async fn errand(&self) -> Result<Channel, BrokerError> {
        self.errands.channel().await
    }

    /// A channel to listen to a namespace's couriers: what they send holds up no errand.
    pub(super) async fn listening_channel(&self) -> Result<Channel, BrokerError> {
        self.listening.channel().await
    }

    /// Takes the queue whose holder alone speaks to clients.
    pub(super) async fn claim_leadership(&self) -> Result<(), BrokerError> {
        let arguments = [("x-queue-type", Argument::Text("classic"))];
        Ok(self.channel().await?.declare_queue(LEADER_QUEUE, QueueLife::Connection, &arguments).await?)
    }

    /// Declares the exchange that couriers publish to.
    pub(super) async fn declare_exchange(&self) -> Result<(), BrokerError> {
        let channel = self.errand().await?;
        channel.declare_exchange(COURIER_EXCHANGE, true).await?;
        self.errands.reuse(channel);
        Ok(())
    }

    /// Declares and binds queues, all at once on one channel.
    pub(super) async fn ensure_queues(&self, queues: &[QueueDeclaration]) -> Result<(), BrokerError> {
        let channel = self.errand().await?;
        try_join_all(queues.iter().map(|queue| declare(&channel, queue))).await?;
        let bindings = queues.iter().filter_map(|queue| Some((queue.name.as_str(), queue.binding.as_ref()?)));
        try_join_all(bindings.map(|(queue, binding)| bind(&channel, queue, binding))).await?;
        self.errands.reuse(channel);
        Ok(())
    }

    /// Looks at a queue, which renews its lease. One that the management API knows to be missing is not asked for: the
    /// broker would log a fault and end the channel.
    pub(super) async fn look_up(&self, queue: &str) -> Result<QueueSight, BrokerError> {
        check_name(queue)?;
        if self.sight(queue).await == Some(QueueLookup::Absent) {
            return Ok(QueueSight::Missing);
        }
        self.declared(queue).await
    }

    /// Looks at a queue that should be there, which renews its lease.
    pub(super) async fn declared(&self, queue: &str) -> Result<QueueSight, BrokerError> {
        declared_on(&self.errand().await?, queue).await
    }

    /// Publishes a small message.
    pub(super) async fn publish(&self, queue: &str, message: &Outgoing) -> Result<Routing, BrokerError> {
        publish(&self.light_channel().await?, queue, message).await
    }

    /// Publishes a message of any size, which is not kept in memory while the broker's answer is awaited.
    pub(super) async fn publish_result(&self, queue: &str, message: Outgoing) -> Result<Routing, BrokerError> {
        // Until the answer is there: the last handle of a channel closes it.
        let channel = self.confirming_channel().await?;
        let confirm = send(&channel, queue, &message).await?;
        drop(message);
        routing(confirm.await?)
    }

    /// Removes all messages from a queue of the operator's own.
    pub(super) async fn purge(&self, queue: &str) -> Result<(), BrokerError> {
        Ok(self.errand().await?.purge_queue(queue).await?)
    }

    /// The message that has this mark. It stays in the queue; others are removed from it where a record tells of it.
    pub(super) async fn fetch_output(
        &self,
        queue: &str,
        mark: &OutputMark,
        may_be_large: bool,
    ) -> Result<Fetched, BrokerError> {
        let channel = self.errand().await?;
        match declared_on(&channel, queue).await? {
            QueueSight::Missing => return Ok(Fetched::Absent),
            QueueSight::Present { messages, .. } if !may_be_large && may_be_any(messages, mark) => {
                return Ok(Fetched::Crowded);
            }
            QueueSight::Present { .. } => {}
        }
        let found = look_through(&channel, queue, mark, may_be_large).await;
        // Unacknowledged messages return to their queue when the channel closes. One that does not close is closed already.
        drop(channel.close().await);
        found
    }

    /// Deletes queues that nobody consumes, all at once on one channel where they are classic and unused, as they should be.
    pub(super) async fn delete_unused(
        &self,
        queues: &[String],
        source: RefusalSource,
    ) -> Result<Vec<Deletion>, BrokerError> {
        if source == RefusalSource::Broker {
            return self.delete_each(queues, source).await;
        }
        let sights = join_all(queues.iter().map(|queue| self.sight(queue))).await;
        let wanted = |sight: &QueueLookup| is_wanted(sight, DeleteCondition::IfUnused);
        if sights.iter().flatten().any(wanted) {
            return self.delete_each(queues, source).await;
        }
        let channel = self.errand().await?;
        let all = queues.iter().map(|queue| channel.delete_queue(queue, DeleteCondition::IfUnused));
        if try_join_all(all).await.is_ok() {
            self.errands.reuse(channel);
            return Ok(vec![Deletion::Deleted; queues.len()]);
        }
        // The first refusal ended the channel for all of them.
        self.delete_each(queues, source).await
    }

    async fn delete_each(&self, queues: &[String], source: RefusalSource) -> Result<Vec<Deletion>, BrokerError> {
        let mut deletions = Vec::new();
        for queue in queues {
            deletions.push(self.delete_queue(queue, DeleteCondition::IfUnused, source).await?);
        }
        Ok(deletions)
    }

    /// Deletes a queue, if the condition holds.
    pub(super) async fn delete_queue(
        &self,
        queue: &str,
        condition: DeleteCondition,
        source: RefusalSource,
    ) -> Result<Deletion, BrokerError> {
        if condition == DeleteCondition::Always {
            return self.delete(queue, condition).await;
        }
        match self.sight(queue).await {
            Some(QueueLookup::Absent) => Ok(Deletion::Deleted),
            Some(sight) if source == RefusalSource::Statistics && is_wanted(&sight, condition) => {
                Ok(Deletion::StillWanted)
            }
            Some(QueueLookup::Present(facts)) if facts.is_classic => {
                if source == RefusalSource::Broker && self.is_consumed(queue).await? {
                    return Ok(Deletion::StillWanted);
                }
                self.delete(queue, condition).await
            }
            _ => self.look_and_delete(queue, condition == DeleteCondition::IfUnusedAndEmpty).await,
        }
    }

    /// Whether somebody consumes the queue now: the broker would refuse its deletion, and log that as a fault.
    async fn is_consumed(&self, queue: &str) -> Result<bool, BrokerError> {
        Ok(matches!(self.declared(queue).await?, QueueSight::Present { consumers: 1.., .. }))
    }

    async fn delete(&self, queue: &str, condition: DeleteCondition) -> Result<Deletion, BrokerError> {
        match self.errand().await?.delete_queue(queue, condition).await {
            Ok(()) => Ok(Deletion::Deleted),
            Err(error) if is_missing(&error) => Ok(Deletion::Deleted),
            Err(error) if is_still_wanted(&error) => Ok(Deletion::StillWanted),
            Err(error) => Err(error.into()),
        }
    }

    /// A conditional delete of a quorum queue ends the whole connection. So where the type is not known the condition is
    /// looked at first; what a client does in the millisecond between is lost to it, but nobody else.
    async fn look_and_delete(&self, queue: &str, if_empty: bool) -> Result<Deletion, BrokerError> {
        match self.look_up(queue).await? {
            QueueSight::Present { messages, .. } if if_empty && messages > 0 => Ok(Deletion::StillWanted),
            QueueSight::Present { consumers: 0, .. } => self.delete(queue, DeleteCondition::Always).await,
            QueueSight::Present { .. } => Ok(Deletion::StillWanted),
            QueueSight::Missing => Ok(Deletion::Deleted),
        }
    }

    /// What the management API says of a queue, where there is one that answers. After one that does not it is left alone for
    /// a while: each question may take seconds.
    pub(super) async fn sight(&self, queue: &str) -> Option<QueueLookup> {
        let management = self.management.as_ref()?;
        if self.is_silent() {
            return None;
        }
        let asked = Instant::now();
        let sight = management.queue(queue).await;
        let is_silent = matches!(sight, QueueLookup::Unreachable(_)) && asked.elapsed() > SLOW;
        *self.silent_since() = is_silent.then(Instant::now);
        Some(sight)
    }

    /// Whether the management API did not answer a while ago, and is left alone.
    pub(super) fn is_silent(&self) -> bool {
        self.silent_since().is_some_and(|since| since.elapsed() < SILENCE)
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the broker would refuse to delete a queue on that condition, and log that as a fault.
fn is_wanted(sight: &QueueLookup, condition: DeleteCondition) -> bool {
    let QueueLookup::Present(facts) = sight else { return false };
    let some = |number: Option<u64>| number.is_some_and(|number| number > 0);
    some(facts.consumers) || (condition == DeleteCondition::IfUnusedAndEmpty && some(facts.messages))
}

/// Declares a queue, without its binding.
async fn declare(channel: &Channel, queue: &QueueDeclaration) -> Result<(), BrokerError> {
    Ok(channel.declare_queue(&queue.name, QueueLife::Durable, &queue.arguments()).await?)
}

/// Binds a queue.
async fn bind(channel: &Channel, queue: &str, binding: &Binding) -> Result<(), BrokerError> {
    Ok(channel.bind_queue(queue, binding.exchange, &binding.routing_key).await?)
}

/// Looks at a queue that should be there. Where it is missing, that ends the channel.
async fn declared_on(channel: &Channel, queue: &str) -> Result<QueueSight, BrokerError> {
    match channel.look_at_queue(queue).await {
        Ok(QueueCounts { messages, consumers }) => Ok(QueueSight::Present { messages, consumers }),
        Err(error) if is_missing(&error) => Ok(QueueSight::Missing),
        Err(error) => Err(error.into()),
    }
}

/// Publishes to a queue, and waits for the broker's answer.
async fn publish(channel: &Channel, queue: &str, message: &Outgoing) -> Result<Routing, BrokerError> {
    routing(send(channel, queue, message).await?.await?)
}

/// Sends a message to a queue through the default exchange: clients' bindings to other exchanges do not survive a restart of
/// the broker, the queues do. Without `mandatory` the broker would confirm and drop what has no queue.
async fn send(channel: &Channel, queue: &str, message: &Outgoing) -> Result<Confirm, BrokerError> {
    let publication = Publication {
        exchange: DEFAULT_EXCHANGE,
        routing_key: queue,
        is_mandatory: true,
        is_persistent: true,
        message_id: message.message_id.as_deref(),
        body: &message.body,
    };
    Ok(channel.publish(publication).await?)
}

/// What a confirmation says.
pub(crate) fn routing(confirmation: Confirmation) -> Result<Routing, BrokerError> {
    match confirmation {
        Confirmation::Taken => Ok(Routing::Routed),
        Confirmation::Returned => Ok(Routing::Unroutable),
        Confirmation::Refused => Err(BrokerError::Nacked),
        Confirmation::NotRequested => Err(BrokerError::unreachable("the channel confirms nothing")),
    }
}

/// Fetches messages until one has this mark. Others are removed where a record tells of the output: without one it may be that
/// of a courier that proves nothing, whose record comes late.
async fn look_through(
    channel: &Channel,
    queue: &str,
    mark: &OutputMark,
    may_be_large: bool,
) -> Result<Fetched, BrokerError> {
    for _ in 0..MAX_FOREIGN {
        let Delivery { body, acker, .. } = match channel.get(queue).await {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(Fetched::Absent),
            Err(error) if is_missing(&error) => return Ok(Fetched::Absent),
            Err(error) => return Err(error.into()),
        };
        if let Some(body) = marked(body, mark).await {
            return Ok(Fetched::Output(body));
        }
        if matches!(mark, OutputMark::Proof(_)) {
            continue;
        }
        acker.ack().await?;
        if !may_be_large {
            return Ok(Fetched::Crowded);
        }
    }
    match mark {
        OutputMark::Record(_) => Err(BrokerError::Crowded { looked_through: MAX_FOREIGN }),
        OutputMark::Proof(_) => Ok(Fetched::Absent),
    }
}

/// Whether a message of any size may be fetched from a queue with so many.
fn may_be_any(messages: u32, mark: &OutputMark) -> bool {
    messages > 1 || matches!(mark, OutputMark::Proof(_))
}

/// The body, if it is the one that is sought.
async fn marked(body: Bytes, mark: &OutputMark) -> Option<Bytes> {
    match mark {
        OutputMark::Record(record) => vouched(body, record).await,
        OutputMark::Proof(proof) => {
            CourierOutput::from_body(body.clone()).is_ok_and(|output| output.is_proven_by(proof)).then_some(body)
        }
    }
}

/// The body, if it is the one that the record vouches for.
async fn vouched(body: Bytes, record: &CommitRecord) -> Option<Bytes> {
    if body.len() as u64 != record.bytes {
        return None;
    }
    let digest = if body.len() <= MOST_HASHED_HERE {
        Digest::of(&body)
    } else {
        let hashed = body.clone();
        tokio::task::spawn_blocking(move || Digest::of(&hashed)).await.ok()?
    };
    (digest == record.sha256).then_some(body)
}

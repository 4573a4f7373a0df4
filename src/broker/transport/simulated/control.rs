//! What a test does to the simulated broker, and what it sees of it.
//!
//! Ring: shell.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::future::ready;
use futures::{Stream, StreamExt as _};
use lapin::BasicProperties;
use lapin::options::BasicConsumeOptions;
use lapin::types::{AMQPValue, FieldTable};

use super::super::values::name;
use super::arguments::{Overflow, shown};
use super::broker::SimulatedBroker;
use super::connection::Connection;
use super::consumer::Delivery;
use super::failure::{Failure, Operation, OperationAsked};
use super::message::Message;
use super::publishing::Outcome;
use super::queue::{Declaration, Queue};
use super::records::{self, Id};
use super::refusal::Refusal;
use super::state::State;

/// A connection, as the broker lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedConnection {
    /// `name` that its client gave it.
    pub name: String,
    /// `user` whose it is.
    pub user: String,
}

/// A message that a test took from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenMessage {
    /// `id` that its publisher gave it.
    pub id: Option<String>,
    /// `body` of it.
    pub body: Bytes,
}

/// A queue, as the broker lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedQueue {
    /// `name` of the queue.
    pub name: String,
    /// `messages` that wait in it.
    pub messages: usize,
    /// `unacknowledged` is the number of those that were delivered and not settled.
    pub unacknowledged: usize,
    /// `consumers` of it.
    pub consumers: usize,
    /// `published` is how many messages were put into it so far.
    pub published: u64,
    /// `acknowledged` is how many of them were taken for good.
    pub acknowledged: u64,
    /// `owner` is the name of the connection that it is exclusive to.
    pub owner: Option<String>,
    /// `arguments` that it was declared with.
    pub arguments: BTreeMap<String, String>,
}

impl SimulatedBroker {
    /// All connections, the oldest first.
    #[must_use]
    pub fn connections(&self) -> Vec<SimulatedConnection> {
        let listed =
            |known: &records::Connection| SimulatedConnection { name: known.name.clone(), user: known.user.clone() };
        self.with(|state| open(state).map(|(_, known)| listed(known)).collect())
    }

    /// All queues, by their names.
    #[must_use]
    pub fn queues(&self) -> Vec<SimulatedQueue> {
        self.with(|state| state.queues.iter().map(|(name, queue)| list(state, name, queue)).collect())
    }

    /// The queue called so.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<SimulatedQueue> {
        self.with(|state| Some(list(state, name, state.queues.get(name)?)))
    }

    /// Closes the connections that call themselves `name`, as an administrator does.
    pub fn drop_connections(&self, name: &str) {
        self.with(|state| close(state, |known| known.name == name));
    }

    /// Closes the connections whose names begin with `prefix`, as happens when their process dies.
    pub fn drop_connections_of(&self, prefix: &str) {
        self.with(|state| close(state, |known| known.name.starts_with(prefix)));
    }

    /// Closes all connections, as an administrator does.
    pub fn drop_all_connections(&self) {
        self.with(|state| close(state, |_| true));
    }

    /// Refuses connections from now on. Those that are open stay.
    pub fn refuse_connections(&self) {
        self.with(|state| state.refuses_connections = true);
    }

    /// Accepts connections again.
    pub fn accept_connections(&self) {
        self.with(|state| state.refuses_connections = false);
    }

    /// Raises an alarm: a connection that publishes from now on is blocked, and nothing is read from it.
    pub fn block(&self, reason: &str) {
        self.with(|state| state.alarm = Some(reason.to_owned()));
    }

    /// Ends the alarm: what blocked connections sent is read.
    pub fn unblock(&self) {
        self.with(State::unblock);
    }

    /// Lets the next operation of this kind fail that no earlier call is for.
    pub fn fail_next(&self, operation: Operation, failure: Failure) {
        self.with(|state| state.failures.push_back((operation, failure)));
    }

    /// Holds back all replies, confirmations, events and deliveries from now on. Operations still have their effects.
    pub fn hold_replies(&self) {
        self.with(State::hold);
    }

    /// Sends what was held back, in order.
    pub fn release_replies(&self) {
        self.with(State::release);
    }

    /// Has all that is sent to clients take so long from now on.
    pub fn delay_replies(&self, delay: Duration) {
        self.with(|state| state.delay = delay);
    }

    /// Asks `judge` before each operation that no arranged failure is for. It is called while the broker is locked, so it
    /// must not ask this broker for anything.
    pub fn judge_by(&self, judge: impl FnMut(&OperationAsked) -> Option<Failure> + Send + 'static) {
        self.with(|state| state.judge = Some(Box::new(judge)));
    }

    /// Declares a durable queue as a client does, which goes when it was unused for so long.
    pub fn make_queue(&self, name: &str, expires: Option<Duration>) {
        let mut arguments = FieldTable::default();
        if let Some(expires) = expires {
            let milliseconds = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
            arguments.insert("x-expires".into(), AMQPValue::LongLongInt(milliseconds));
        }
        self.with(|state| {
            let declaration = Declaration { is_durable: true, deletes_itself: false, owner: None, arguments };
            // One that is there is the client's own from before.
            drop(state.establish(name, declaration));
            state.renew(name);
        });
    }

    /// Puts a message into the queue called so, as a client does. False where there is none, or where it is full.
    #[must_use]
    pub fn put(&self, queue: &str, properties: BasicProperties, body: impl Into<Bytes>) -> bool {
        let (exchange, routing_key) = (String::new(), queue.to_owned());
        let message = Message { exchange, routing_key, properties, body: body.into() };
        self.with(|state| state.distribute(message)) == Outcome::Taken
    }

    /// Consumes the queue called so, as a client called `user` does that acknowledges all. It ends when the queue goes; `None`
    /// where there is no such queue.
    pub async fn consume(
        &self,
        queue: &str,
        user: &str,
    ) -> Option<impl Stream<Item = TakenMessage> + Send + Unpin + use<>> {
        let vhost = self.with(|state| state.vhost.clone());
        let connection = Connection::open(self, user, &vhost, user.to_owned()).await.ok()?;
        let channel = connection.create_channel().await.ok()?;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let consumer = channel.basic_consume(name(queue).ok()?, name(user).ok()?, options).await.ok()?;
        let delivered = consumer.take_while(|next| ready(next.is_ok())).filter_map(|next| ready(next.ok()));
        Some(delivered.map(|Delivery { delivered, .. }| {
            let id = delivered.properties.message_id().as_ref().map(ToString::to_string);
            TakenMessage { id, body: delivered.body }
        }))
    }

    /// Takes no larger messages from now on.
    pub fn limit_message_bytes(&self, most: usize) {
        self.with(|state| state.max_message_bytes = most);
    }

    /// Deletes an exchange with its bindings, as an administrator does.
    pub fn delete_exchange(&self, name: &str) {
        self.with(|state| state.exchanges.remove(name));
    }

    /// Has a queue refuse messages where it holds so many, as a policy does; `None` where it takes all again.
    pub fn limit_queue(&self, name: &str, most: Option<usize>) {
        self.with(|state| {
            if let Some(queue) = state.queues.get_mut(name) {
                (queue.limits.max_length, queue.limits.overflow) = (most, Overflow::RejectPublish);
            }
        });
    }

    /// Deletes a queue as `user` does, whatever is in it.
    pub fn delete_queue(&self, name: &str, user: &str) {
        self.with(|state| state.remove_queue(name, user));
    }
}

fn open(state: &State) -> impl Iterator<Item = (&Id, &records::Connection)> {
    state.connections.iter().filter(|(_, known)| known.end.is_none())
}

fn close(state: &mut State, wanted: impl Fn(&records::Connection) -> bool) {
    let closed: Vec<Id> = open(state).filter(|(_, known)| wanted(known)).map(|(id, _)| *id).collect();
    for id in closed {
        state.end_connection(id, Refusal::forced("Closed via management plugin").error());
    }
}

fn list(state: &State, name: &str, queue: &Queue) -> SimulatedQueue {
    let unsettled = state.channels.values().flat_map(|channel| channel.unsettled.values());
    let arguments = queue.declaration.arguments.inner().iter();
    let owner = queue.declaration.owner.and_then(|owner| state.connections.get(&owner));
    SimulatedQueue {
        name: name.to_owned(),
        messages: queue.len(),
        unacknowledged: unsettled.filter(|message| message.queue_id == queue.id).count(),
        consumers: queue.consumers.len(),
        published: queue.published,
        acknowledged: queue.acknowledged,
        owner: owner.map(|owner| owner.name.clone()),
        arguments: arguments.map(|(name, value)| (name.to_string(), shown(value))).collect(),
    }
}

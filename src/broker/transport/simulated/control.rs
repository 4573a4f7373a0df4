//! What a test does to the simulated broker, and what it sees of it.
//!
//! Ring: shell.

use std::collections::BTreeMap;

use super::arguments::shown;
use super::broker::SimulatedBroker;
use super::failure::{Failure, Operation};
use super::queue::Queue;
use super::records::{Connection, Id};
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
    /// `owner` is the name of the connection that it is exclusive to.
    pub owner: Option<String>,
    /// `arguments` that it was declared with.
    pub arguments: BTreeMap<String, String>,
}

impl SimulatedBroker {
    /// All connections, the oldest first.
    #[must_use]
    pub fn connections(&self) -> Vec<SimulatedConnection> {
        let listed = |known: &Connection| SimulatedConnection { name: known.name.clone(), user: known.user.clone() };
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

    /// Takes no larger messages from now on.
    pub fn limit_message_bytes(&self, most: usize) {
        self.with(|state| state.max_message_bytes = most);
    }

    /// Deletes an exchange with its bindings, as an administrator does.
    pub fn delete_exchange(&self, name: &str) {
        self.with(|state| state.exchanges.remove(name));
    }

    /// Deletes a queue as `user` does, whatever is in it.
    pub fn delete_queue(&self, name: &str, user: &str) {
        self.with(|state| state.remove_queue(name, user));
    }
}

fn open(state: &State) -> impl Iterator<Item = (&Id, &Connection)> {
    state.connections.iter().filter(|(_, known)| known.end.is_none())
}

fn close(state: &mut State, wanted: impl Fn(&Connection) -> bool) {
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
        owner: owner.map(|owner| owner.name.clone()),
        arguments: arguments.map(|(name, value)| (name.to_string(), shown(value))).collect(),
    }
}

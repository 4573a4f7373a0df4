//! All that the broker knows, and how a request passes through it.
//!
//! Ring: shell. What the requests do is in the files beside this one.
//!
//! Guarantees: the same requests at the same times have the same effects in the same order. A request has its effect when
//! it is made, unless its connection is blocked, and its reply comes at once, unless replies are held.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lapin::{Error, ErrorKind, Event, ExchangeKind};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::exchange::Exchange;
use super::failure::{Failure, Judge, Operation, OperationAsked};
use super::queue::Queue;
use super::records::{Channel, Connection, Consumer, Id, Origin};
use super::refusal::{Refusal, broken, ended_channel, ended_connection};
use crate::topology::EVENT_EXCHANGE;

/// As a broker has it by default.
const MAX_MESSAGE_BYTES: usize = 128 * 1024 * 1024;

/// A request that waits.
pub(super) type Action = Box<dyn FnOnce(&mut State) + Send>;
/// How a request is answered.
pub(super) type Answer<T> = Box<dyn FnOnce(Result<T, Error>) + Send>;
/// What is sent to a client.
type Parcel = Box<dyn FnOnce() + Send>;

/// The broker.
pub(super) struct State {
    pub(super) vhost: String,
    pub(super) now: Instant,
    /// The broker's clock at an instant.
    started: (Instant, Timestamp),
    pub(super) max_message_bytes: usize,
    pub(super) exchanges: BTreeMap<String, Exchange>,
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) connections: BTreeMap<Id, Connection>,
    pub(super) channels: BTreeMap<Id, Channel>,
    pub(super) consumers: BTreeMap<Id, Consumer>,
    /// When something of a queue may expire.
    due: BTreeSet<(Instant, String)>,
    /// Told when the first of these changes.
    changed: Arc<Notify>,
    last_id: Id,
    /// Why connections that publish are blocked.
    pub(super) alarm: Option<String>,
    deferred: BTreeMap<Id, VecDeque<Action>>,
    pub(super) failures: VecDeque<(Operation, Failure)>,
    pub(super) refuses_connections: bool,
    /// What is held back, by the connection that it is for; `None` while nothing is.
    held: Option<VecDeque<(Id, Parcel)>>,
    /// How long what is sent is on its way.
    pub(super) delay: Duration,
    /// What is on its way, and when it arrives.
    under_way: VecDeque<(Instant, Id, Parcel)>,
    pub(super) judge: Option<Judge>,
}

impl State {
    /// A broker without queues, whose clock shows `began` now.
    pub(super) fn new(vhost: String, began: Timestamp, changed: Arc<Notify>) -> Self {
        let now = Instant::now();
        let own = |name: &str, kind| (name.to_owned(), Exchange::new(kind, true));
        let exchanges = BTreeMap::from([
            own("amq.direct", ExchangeKind::Direct),
            own("amq.fanout", ExchangeKind::Fanout),
            own("amq.topic", ExchangeKind::Topic),
            (EVENT_EXCHANGE.to_owned(), Exchange::of_events()),
        ]);
        Self {
            vhost,
            now,
            started: (now, began),
            max_message_bytes: MAX_MESSAGE_BYTES,
            exchanges,
            queues: BTreeMap::new(),
            connections: BTreeMap::new(),
            channels: BTreeMap::new(),
            consumers: BTreeMap::new(),
            due: BTreeSet::new(),
            changed,
            last_id: 0,
            alarm: None,
            deferred: BTreeMap::new(),
            failures: VecDeque::new(),
            refuses_connections: false,
            held: None,
            delay: Duration::ZERO,
            under_way: VecDeque::new(),
            judge: None,
        }
    }

    pub(super) fn next_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    /// What the broker's clock shows.
    pub(super) fn timestamp(&self) -> Timestamp {
        let (started, began) = self.started;
        let since = SignedDuration::try_from(self.now.duration_since(started)).unwrap_or_default();
        began.saturating_add(since).unwrap_or(began)
    }

    // --- Time -----------------------------------------------------------------------------------------------------

    /// Has the queue looked at when that time has come.
    pub(super) fn look_at(&mut self, queue: &str, at: Instant) {
        let is_first = self.due.first().is_none_or(|(first, _)| at < *first);
        self.due.insert((at, queue.to_owned()));
        if is_first {
            self.changed.notify_one();
        }
    }

    /// When something happens by itself next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.due.first().map(|(at, _)| *at);
        let arrival = self.under_way.front().map(|(at, ..)| *at);
        due.into_iter().chain(arrival).min()
    }

    /// Lets everything happen that is due by `now`, each at its time.
    pub(super) fn advance(&mut self, now: Instant) {
        while let Some((at, queue)) = self.due.first().cloned().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            self.now = at.max(self.now);
            self.fall_due(&queue);
        }
        self.now = now.max(self.now);
        while self.under_way.front().is_some_and(|(at, ..)| *at <= now) {
            self.under_way.pop_front().into_iter().for_each(|(_, _, parcel)| parcel());
        }
    }

    // --- Requests ---------------------------------------------------------------------------------------------------

    /// Takes a request. `answer` is dropped where the connection ends before there is one.
    pub(super) fn request<T: Send + 'static>(
        &mut self,
        origin: Origin,
        operation: Operation,
        act: impl FnOnce(&mut Self) -> Result<T, Refusal> + Send + 'static,
        answer: Answer<T>,
    ) {
        if self.why_ended(origin).is_some() {
            return answer(Err(late(origin)));
        }
        self.note_publication(origin.connection, operation);
        self.in_order(origin.connection, move |state| state.run(origin, operation, act, answer));
    }

    /// Does what follows from what a connection sent, now or when it is read.
    pub(super) fn in_order(&mut self, connection: Id, action: impl FnOnce(&mut Self) + Send + 'static) {
        match self.connections.get(&connection) {
            Some(known) if known.is_blocked => {
                self.deferred.entry(connection).or_default().push_back(Box::new(action));
            }
            _ => action(self),
        }
    }

    fn run<T: Send + 'static>(
        &mut self,
        origin: Origin,
        operation: Operation,
        act: impl FnOnce(&mut Self) -> Result<T, Refusal> + Send + 'static,
        answer: Answer<T>,
    ) {
        if self.why_ended(origin).is_some() {
            return;
        }
        let outcome = match self.failure(origin.connection, operation) {
            Some(Failure::BeforeEffect) => return self.end_connection(origin.connection, broken()),
            Some(Failure::ReplyLost) => {
                drop(act(self));
                return self.end_connection(origin.connection, broken());
            }
            Some(Failure::Late) => {
                self.connections.entry(origin.connection).and_modify(|known| known.is_blocked = true);
                return self.in_order(origin.connection, move |state| {
                    let outcome = act(state);
                    state.reply(origin, outcome, answer);
                });
            }
            Some(Failure::Refused { code, text }) => match Refusal::with_code(code, text) {
                Some(refusal) => Err(refusal),
                None => act(self),
            },
            None => act(self),
        };
        self.reply(origin, outcome, answer);
    }

    fn reply<T: Send + 'static>(&mut self, origin: Origin, outcome: Result<T, Refusal>, answer: Answer<T>) {
        let outcome = outcome.map_err(|refusal| self.refuse(origin, refusal));
        self.send(origin.connection, Box::new(move || answer(outcome)));
    }

    /// The failure that a test has arranged for it.
    fn failure(&mut self, connection: Id, operation: Operation) -> Option<Failure> {
        let place = self.failures.iter().position(|(failing, _)| *failing == operation);
        if let Some((_, failure)) = place.and_then(|place| self.failures.remove(place)) {
            return Some(failure);
        }
        let name = self.connections.get(&connection).map(|known| known.name.clone())?;
        self.judge(name, operation)
    }

    /// The failure that the test's judge finds for it.
    pub(super) fn judge(&mut self, connection: String, operation: Operation) -> Option<Failure> {
        self.judge.as_mut()?(&OperationAsked { connection, operation })
    }

    /// Why the channel or the connection ended, if it has.
    pub(super) fn why_ended(&self, origin: Origin) -> Option<Error> {
        let Some(connection) = self.connections.get(&origin.connection) else { return Some(ended_connection()) };
        let of_channel = origin.channel.and_then(|channel| match self.channels.get(&channel) {
            Some(channel) => channel.end.clone(),
            None => Some(ended_channel("channel closed")),
        });
        of_channel.or_else(|| connection.end.clone())
    }

    /// Ends what the broker ends with this refusal.
    fn refuse(&mut self, origin: Origin, refusal: Refusal) -> Error {
        let is_hard = refusal.is_hard();
        let error = refusal.error();
        match origin.channel {
            Some(channel) if !is_hard => self.end_channel(channel, &error),
            _ => self.end_connection(origin.connection, error.clone()),
        }
        error
    }

    // --- Replies ----------------------------------------------------------------------------------------------------

    /// Sends something to a client, at once or when replies are held no more.
    pub(super) fn send(&mut self, connection: Id, parcel: Parcel) {
        match &mut self.held {
            Some(held) => held.push_back((connection, parcel)),
            None if self.delay.is_zero() => parcel(),
            None => {
                self.under_way.push_back((self.now + self.delay, connection, parcel));
                self.changed.notify_one();
            }
        }
    }

    /// Holds back what is sent from now on.
    pub(super) fn hold(&mut self) {
        self.held.get_or_insert_default();
    }

    /// Sends what was held back.
    pub(super) fn release(&mut self) {
        for (_, parcel) in self.held.take().into_iter().flatten() {
            parcel();
        }
    }

    /// Drops what was held back for a connection, and what came from it.
    pub(super) fn forget(&mut self, connection: Id) {
        if let Some(held) = &mut self.held {
            held.retain(|(to, _)| *to != connection);
        }
        self.under_way.retain(|(_, to, _)| *to != connection);
        self.deferred.remove(&connection);
    }

    /// Tells an event to those who follow a connection.
    pub(super) fn announce(&mut self, connection: Id, event: &Event) {
        let Some(known) = self.connections.get(&connection) else { return };
        for listener in known.listeners.clone() {
            let event = event.clone();
            // Fails where nobody follows it any more.
            self.send(connection, Box::new(move || drop(listener.send(event))));
        }
    }

    // --- Alarms -----------------------------------------------------------------------------------------------------

    /// Blocks a connection that publishes while there is an alarm: from then on nothing is read from it.
    fn note_publication(&mut self, connection: Id, operation: Operation) {
        let Some(reason) = self.alarm.clone().filter(|_| operation == Operation::Publish) else { return };
        let Some(known) = self.connections.get_mut(&connection).filter(|known| !known.is_blocked) else { return };
        known.is_blocked = true;
        self.announce(connection, &Event::ConnectionBlocked(reason));
    }

    /// Ends the alarm: what was not read is read now.
    pub(super) fn unblock(&mut self) {
        self.alarm = None;
        let blocked: Vec<Id> =
            self.connections.iter().filter(|(_, known)| known.is_blocked).map(|(id, _)| *id).collect();
        for connection in blocked {
            if let Some(known) = self.connections.get_mut(&connection) {
                known.is_blocked = false;
            }
            self.announce(connection, &Event::ConnectionUnblocked);
            for action in self.deferred.remove(&connection).unwrap_or_default() {
                action(self);
            }
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// What a request is answered with that comes after the end.
fn late(origin: Origin) -> Error {
    match origin.channel {
        Some(_) => ended_channel("request on a closed channel"),
        None => ended_connection(),
    }
}

/// Whether an error is what a client's own good-bye leaves behind.
pub(super) fn is_farewell(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannelState(..))
}

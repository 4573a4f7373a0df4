//! One classic queue.
//!
//! Ring: shell; pure in itself: the time is given.
//!
//! Guarantees: a message that returns takes the place that it had.

use std::collections::{BTreeMap, VecDeque};

use lapin::types::FieldTable;
use tokio::time::Instant;

use super::arguments::{Limits, Overflow, difference};
use super::message::Stored;
use super::records::Id;
use super::refusal::Refusal;

/// How a queue is declared.
#[derive(Clone, Debug)]
pub(super) struct Declaration {
    pub(super) is_durable: bool,
    pub(super) deletes_itself: bool,
    /// The connection that it is exclusive to.
    pub(super) owner: Option<Id>,
    pub(super) arguments: FieldTable,
}

/// A queue.
#[derive(Debug)]
pub(super) struct Queue {
    /// Another queue of the same name has another one.
    pub(super) id: Id,
    pub(super) declaration: Declaration,
    pub(super) limits: Limits,
    /// Those that wait, by their place.
    ready: BTreeMap<u64, Stored>,
    bytes: usize,
    last_place: u64,
    /// The next one to get a message comes first.
    pub(super) consumers: VecDeque<Id>,
    /// The consumer that is the only one.
    pub(super) exclusive: Option<Id>,
    /// While it is unused.
    pub(super) expires_at: Option<Instant>,
    /// How many messages were published to it so far.
    pub(super) published: u64,
    /// How many a client took so far and acknowledged, or did not need to.
    pub(super) acknowledged: u64,
}

impl Queue {
    pub(super) fn new(id: Id, declaration: Declaration) -> Self {
        Self {
            id,
            limits: Limits::of(&declaration.arguments),
            declaration,
            ready: BTreeMap::new(),
            bytes: 0,
            last_place: 0,
            consumers: VecDeque::new(),
            exclusive: None,
            expires_at: None,
            published: 0,
            acknowledged: 0,
        }
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    pub(super) fn is_unused(&self) -> bool {
        self.consumers.is_empty()
    }

    /// Whether it takes one message more.
    pub(super) fn refuses(&self, bytes: usize) -> bool {
        let is_over = self.is_over(self.ready.len() + 1, self.bytes + bytes);
        self.limits.overflow == Overflow::RejectPublish && is_over
    }

    fn is_over(&self, length: usize, bytes: usize) -> bool {
        let Limits { max_length, max_bytes, .. } = self.limits;
        max_length.is_some_and(|most| length > most) || max_bytes.is_some_and(|most| bytes > most)
    }

    /// Puts a message at the end.
    pub(super) fn push(&mut self, stored: Stored) {
        self.published += 1;
        self.last_place += 1;
        self.put(self.last_place, stored);
    }

    /// Puts a message back that was delivered.
    pub(super) fn put_back(&mut self, place: u64, stored: Stored) {
        self.put(place, Stored { redelivered: true, ..stored });
    }

    fn put(&mut self, place: u64, stored: Stored) {
        self.bytes += stored.bytes();
        self.ready.insert(place, stored);
    }

    /// Takes the first message, and its place.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(u64, Stored)> {
        self.drop_expired(now);
        self.pop_any()
    }

    fn pop_any(&mut self) -> Option<(u64, Stored)> {
        let (place, stored) = self.ready.pop_first()?;
        self.bytes -= stored.bytes();
        Some((place, stored))
    }

    /// Drops the first messages that have expired.
    pub(super) fn drop_expired(&mut self, now: Instant) {
        while self.ready.first_key_value().is_some_and(|(_, first)| first.expires_at.is_some_and(|at| at <= now)) {
            self.pop_any();
        }
    }

    /// Drops the first messages that are too many.
    pub(super) fn drop_excess(&mut self) {
        while !self.ready.is_empty() && self.is_over(self.ready.len(), self.bytes) {
            self.pop_any();
        }
    }

    /// Removes all messages that wait.
    pub(super) fn purge(&mut self) -> usize {
        self.bytes = 0;
        std::mem::take(&mut self.ready).len()
    }

    /// Whether another declaration of the queue `name` is the same.
    pub(super) fn check_equivalent(&self, name: &str, vhost: &str, other: &Declaration) -> Result<(), Refusal> {
        let own = &self.declaration;
        if own.owner != other.owner {
            return Err(Refusal::locked(name, vhost));
        }
        let quoted = |value: bool| format!("'{value}'");
        let differs = |name, received: bool, current: bool| {
            (received != current).then(|| (name, quoted(received), quoted(current)))
        };
        let found = differs("durable", other.is_durable, own.is_durable)
            .or_else(|| differs("auto_delete", other.deletes_itself, own.deletes_itself))
            .or_else(|| difference(&other.arguments, &own.arguments));
        let Some((argument, received, current)) = found else { return Ok(()) };
        Err(Refusal::precondition(&format!(
            "inequivalent arg '{argument}' for queue '{name}' in vhost '{vhost}': received {received} but current is {current}"
        )))
    }
}

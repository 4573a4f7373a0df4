//! Declaring, binding, purging and deleting.
//!
//! Ring: shell.

use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;

use super::exchange::Exchange;
use super::queue::{Declaration, Queue};
use super::records::Origin;
use super::refusal::Refusal;
use super::state::State;

/// What a declaration of a queue is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) messages: usize,
    pub(crate) consumers: usize,
}

impl State {
    pub(super) fn declare_exchange(
        &mut self,
        name: &str,
        kind: ExchangeKind,
        options: ExchangeDeclareOptions,
    ) -> Result<(), Refusal> {
        let wanted = Exchange::new(kind, options.durable);
        if let Some(known) = self.exchanges.get(name) {
            return known.check_equivalent(name, &self.vhost, &wanted);
        }
        if name.starts_with("amq.") {
            let text = format!("exchange name '{name}' contains reserved prefix 'amq.*'");
            return Err(Refusal::access(&text));
        }
        self.exchanges.insert(name.to_owned(), wanted);
        Ok(())
    }

    /// Declares a queue, or looks at it where the declaration is passive. Either is a use of it.
    pub(super) fn declare_queue(
        &mut self,
        origin: Origin,
        name: &str,
        options: QueueDeclareOptions,
        arguments: FieldTable,
    ) -> Result<Counts, Refusal> {
        if options.passive {
            self.accessible(origin, name)?;
        } else {
            let owner = options.exclusive.then_some(origin.connection);
            let (is_durable, deletes_itself) = (options.durable, options.auto_delete);
            self.establish(name, Declaration { is_durable, deletes_itself, owner, arguments })?;
        }
        self.renew(name);
        let queue = self.accessible(origin, name)?;
        Ok(Counts { messages: queue.len(), consumers: queue.consumers.len() })
    }

    /// Makes a queue, unless it is there as it is wanted.
    pub(super) fn establish(&mut self, name: &str, wanted: Declaration) -> Result<(), Refusal> {
        if let Some(known) = self.queues.get(name) {
            return known.check_equivalent(name, &self.vhost, &wanted);
        }
        if name.starts_with("amq.") {
            return Err(Refusal::access(&format!("queue name '{name}' contains reserved prefix 'amq.*'")));
        }
        let queue = Queue::new(self.next_id(), wanted);
        self.queues.insert(name.to_owned(), queue);
        Ok(())
    }

    /// A queue that this connection may use.
    pub(super) fn accessible(&self, origin: Origin, name: &str) -> Result<&Queue, Refusal> {
        let queue = self.queues.get(name).ok_or_else(|| Refusal::no_queue(name, &self.vhost))?;
        match queue.declaration.owner {
            Some(owner) if owner != origin.connection => Err(Refusal::locked(name, &self.vhost)),
            _ => Ok(queue),
        }
    }

    pub(super) fn bind_queue(&mut self, origin: Origin, name: &str, exchange: &str, key: &str) -> Result<(), Refusal> {
        if exchange.is_empty() {
            return Err(Refusal::access("operation not permitted on the default exchange"));
        }
        if !self.exchanges.contains_key(exchange) {
            return Err(Refusal::no_exchange(exchange, &self.vhost));
        }
        self.accessible(origin, name)?;
        if let Some(exchange) = self.exchanges.get_mut(exchange) {
            exchange.bind(name, key);
        }
        Ok(())
    }

    /// Removes the messages that wait, and tells how many these were.
    pub(super) fn purge_queue(&mut self, origin: Origin, name: &str) -> Result<usize, Refusal> {
        self.accessible(origin, name)?;
        Ok(self.queues.get_mut(name).map_or(0, Queue::purge))
    }

    /// Deletes a queue, and tells how many messages went with it. One that is missing counts as deleted.
    pub(super) fn delete_queue(
        &mut self,
        origin: Origin,
        name: &str,
        options: QueueDeleteOptions,
    ) -> Result<usize, Refusal> {
        if !self.queues.contains_key(name) {
            return Ok(0);
        }
        let queue = self.accessible(origin, name)?;
        let place = format!("queue '{name}' in vhost '{}'", self.vhost);
        if options.if_empty && queue.len() > 0 {
            return Err(Refusal::precondition(&format!("{place} not empty")));
        }
        if options.if_unused && !queue.is_unused() {
            return Err(Refusal::precondition(&format!("{place} in use")));
        }
        let user = self.user(origin);
        Ok(self.remove_queue(name, &user))
    }
}

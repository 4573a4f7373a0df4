//! Publishing: where a message is put, and what the publisher is answered.
//!
//! Ring: shell.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::message::{Message, Stored};
use super::records::Id;
use super::refusal::Refusal;
use super::state::State;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All queues that it was for have it.
    Taken,
    /// There was no queue for it, and it was mandatory: it came back, with 312 NO_ROUTE.
    Returned,
    /// A queue refused it.
    Refused,
    /// The channel confirms nothing.
    NotRequested,
}

impl State {
    /// Takes a message that is published on a channel.
    pub(super) fn publish(&mut self, channel: Id, mandatory: bool, message: Message) -> Result<Outcome, Refusal> {
        let (size, most) = (message.body.len(), self.max_message_bytes);
        if size > most {
            let text = format!("message size {size} is larger than configured max size {most}");
            return Err(Refusal::precondition(&text));
        }
        self.check_publishable(&message.exchange)?;
        let confirms = self.channels.get(&channel).is_some_and(|channel| channel.confirms);
        let outcome = match self.distribute(message) {
            Outcome::Returned if !mandatory => Outcome::Taken,
            outcome => outcome,
        };
        Ok(if confirms { outcome } else { Outcome::NotRequested })
    }

    fn check_publishable(&self, name: &str) -> Result<(), Refusal> {
        if name.is_empty() {
            return Ok(());
        }
        let exchange = self.exchanges.get(name).ok_or_else(|| Refusal::no_exchange(name, &self.vhost))?;
        if !exchange.is_internal {
            return Ok(());
        }
        let text = format!("cannot publish to internal exchange '{name}' in vhost '{}'", self.vhost);
        Err(Refusal::access(&text))
    }

    /// Puts a message into all queues that it is for.
    pub(super) fn distribute(&mut self, message: Message) -> Outcome {
        let message = Arc::new(message);
        let queues = self.destinations(&message);
        if queues.is_empty() {
            return Outcome::Returned;
        }
        // Each queue decides for itself.
        let refused = queues.iter().filter(|queue| !self.enqueue(queue, Arc::clone(&message))).count();
        if refused == 0 { Outcome::Taken } else { Outcome::Refused }
    }

    fn destinations(&self, message: &Message) -> BTreeSet<String> {
        let key = &message.routing_key;
        match message.exchange.as_str() {
            // It has a binding to each queue, by the queue's name.
            "" => self.queues.contains_key(key).then(|| key.clone()).into_iter().collect(),
            name => self.exchanges.get(name).map(|exchange| exchange.route(key)).unwrap_or_default(),
        }
    }

    /// Puts a message into a queue. False where the queue refuses it.
    fn enqueue(&mut self, name: &str, message: Arc<Message>) -> bool {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(name) else { return false };
        queue.drop_expired(now);
        if queue.refuses(message.body.len()) {
            return false;
        }
        let expires_at = queue.limits.message_ttl.map(|ttl| now + ttl);
        queue.push(Stored { message, redelivered: false, expires_at });
        if let Some(at) = expires_at {
            self.look_at(name, at);
        }
        self.deliver(name);
        self.drop_excess(name);
        true
    }

    /// After messages came back to a queue, or a consumer takes more: what is too much or has expired is dropped, and the
    /// rest is delivered.
    pub(super) fn settle_down(&mut self, name: &str) {
        self.drop_excess(name);
        let now = self.now;
        if let Some(queue) = self.queues.get_mut(name) {
            queue.drop_expired(now);
        }
        self.deliver(name);
    }

    fn drop_excess(&mut self, name: &str) {
        if let Some(queue) = self.queues.get_mut(name) {
            queue.drop_excess();
        }
    }
}

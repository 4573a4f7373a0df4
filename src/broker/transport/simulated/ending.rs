//! How consumers, channels, connections and queues end.
//!
//! Ring: shell.
//!
//! Guarantees: what is unsettled returns to its queue when its channel ends, and exclusive queues go with their connection.

use std::collections::BTreeSet;

use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Error, Event};

use super::message::Message;
use super::records::{Consumer, Id, Origin};
use super::state::{State, is_farewell};
use crate::topology::{EVENT_EXCHANGE, QUEUE_DELETED_KEY};

/// Whom the broker names for what it does by itself.
const BROKER: &str = "rmq-internal";

impl State {
    /// Ends a connection and all that goes with it.
    pub(super) fn end_connection(&mut self, id: Id, error: Error) {
        let Some(connection) = self.connections.get_mut(&id).filter(|connection| connection.end.is_none()) else {
            return;
        };
        connection.end = Some(error.clone());
        self.forget(id);
        let of_it = self.channels.iter().filter(|(_, channel)| channel.connection == id);
        for channel in of_it.map(|(channel, _)| *channel).collect::<Vec<_>>() {
            self.end_channel(channel, &error);
        }
        let owned = self.queues.iter().filter(|(_, queue)| queue.declaration.owner == Some(id));
        for queue in owned.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.remove_queue(&queue, BROKER);
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        for listener in std::mem::take(&mut connection.listeners) {
            if !is_farewell(&error) {
                // Fails where nobody follows it any more.
                drop(listener.send(Event::Error(error.clone())));
            }
        }
    }

    /// Ends a channel. Its consumers hear why, unless the client closed it.
    pub(super) fn end_channel(&mut self, id: Id, error: &Error) {
        let Some(channel) = self.channels.get_mut(&id).filter(|channel| channel.end.is_none()) else { return };
        channel.end = Some(error.clone());
        let unsettled = std::mem::take(&mut channel.unsettled);
        let of_it = self.consumers.iter().filter(|(_, consumer)| consumer.origin.channel == Some(id));
        let consumers: Vec<Id> = of_it.map(|(consumer, _)| *consumer).collect();
        let ended: Vec<Consumer> = consumers.into_iter().filter_map(|consumer| self.detach(consumer)).collect();
        let mut returned = BTreeSet::new();
        for message in unsettled.into_values() {
            if let Some(queue) = self.queues.get_mut(&message.queue).filter(|queue| queue.id == message.queue_id) {
                queue.put_back(message.place, message.stored);
                returned.insert(message.queue);
            }
        }
        for queue in returned {
            self.settle_down(&queue);
        }
        for consumer in ended {
            self.leave(&consumer.queue, BROKER);
            if !is_farewell(error) {
                // Fails where nobody follows it any more.
                drop(consumer.deliveries.send(Err(error.clone())));
            }
        }
    }

    /// Ends a consumer whose client wants no more.
    pub(super) fn cancel(&mut self, consumer: Id) {
        let Some(consumer) = self.detach(consumer) else { return };
        let user = self.user(consumer.origin);
        self.leave(&consumer.queue, &user);
    }

    /// Removes a consumer from its queue.
    fn detach(&mut self, id: Id) -> Option<Consumer> {
        let consumer = self.consumers.remove(&id)?;
        if let Some(queue) = self.queues.get_mut(&consumer.queue) {
            queue.consumers.retain(|other| *other != id);
            queue.exclusive = queue.exclusive.filter(|exclusive| *exclusive != id);
        }
        Some(consumer)
    }

    /// After a consumer has left a queue: it goes as well, or is unused from now on.
    fn leave(&mut self, name: &str, user: &str) {
        let Some(queue) = self.queues.get(name).filter(|queue| queue.is_unused()) else { return };
        if queue.declaration.deletes_itself {
            self.remove_queue(name, user);
        } else {
            self.renew(name);
        }
    }

    /// Lets an unused queue live as long again as it may.
    pub(super) fn renew(&mut self, name: &str) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(name) else { return };
        queue.expires_at = queue.limits.expires.filter(|_| queue.is_unused()).map(|lifetime| now + lifetime);
        if let Some(at) = queue.expires_at {
            self.look_at(name, at);
        }
    }

    /// Drops what has expired of a queue, or all of it.
    pub(super) fn fall_due(&mut self, name: &str) {
        let now = self.now;
        let Some(queue) = self.queues.get_mut(name) else { return };
        queue.drop_expired(now);
        if queue.is_unused() && queue.expires_at.is_some_and(|at| at <= now) {
            self.remove_queue(name, BROKER);
        }
    }

    /// Deletes a queue. Its consumers are cancelled, and the event exchange says who did it.
    pub(super) fn remove_queue(&mut self, name: &str, user: &str) -> usize {
        let Some(queue) = self.queues.remove(name) else { return 0 };
        self.exchanges.values_mut().for_each(|exchange| exchange.unbind(name));
        for consumer in &queue.consumers {
            let Some(consumer) = self.consumers.remove(consumer) else { continue };
            // It ends when what was sent to it before has come.
            self.send(consumer.origin.connection, Box::new(move || drop(consumer)));
        }
        self.emit_deletion(name, user);
        queue.len()
    }

    fn emit_deletion(&mut self, queue: &str, user: &str) {
        let milliseconds = self.timestamp().as_millisecond();
        let mut headers = FieldTable::default();
        for (name, text) in [("name", queue), ("vhost", &self.vhost), ("user_who_performed_action", user)] {
            headers.insert(name.into(), AMQPValue::LongString(text.into()));
        }
        headers.insert("timestamp_in_ms".into(), AMQPValue::LongLongInt(milliseconds));
        self.distribute(Message {
            exchange: EVENT_EXCHANGE.to_owned(),
            routing_key: QUEUE_DELETED_KEY.to_owned(),
            properties: BasicProperties::default().with_delivery_mode(2).with_headers(headers),
            body: bytes::Bytes::new(),
        });
    }

    /// Who asks.
    pub(super) fn user(&self, origin: Origin) -> String {
        self.connections.get(&origin.connection).map(|connection| connection.user.clone()).unwrap_or_default()
    }
}

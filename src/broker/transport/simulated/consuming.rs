//! Getting messages: at once, or as they come; and settling them.
//!
//! Ring: shell.
//!
//! Guarantees: consumers take turns. A message that is not settled counts against its consumer's prefetch.

use lapin::options::BasicConsumeOptions;

use super::message::{Delivered, Stored};
use super::records::{Consumer, DeliverySender, Id, Origin, Unsettled};
use super::refusal::Refusal;
use super::state::State;

/// What becomes of a message that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settlement {
    /// It is done.
    Acknowledge,
    /// It is refused for good.
    Discard,
    /// It returns to its queue.
    Requeue,
}

/// What a client wants to consume, and how.
pub(super) struct Subscription {
    pub(super) queue: String,
    pub(super) tag: String,
    pub(super) options: BasicConsumeOptions,
    pub(super) deliveries: DeliverySender,
}

impl State {
    /// Takes the first message of a queue, and tells how many are left.
    pub(super) fn get(&mut self, origin: Origin, name: &str, no_ack: bool) -> Result<Option<Delivered>, Refusal> {
        self.accessible(origin, name)?;
        self.renew(name);
        let now = self.now;
        let Some((id, taken)) = self.queues.get_mut(name).map(|queue| (queue.id, queue.pop(now))) else {
            return Ok(None);
        };
        let Some((place, stored)) = taken else { return Ok(None) };
        let unsettled =
            Unsettled { queue: name.to_owned(), queue_id: id, place, stored: stored.clone(), consumer: None };
        self.count_taken(name, no_ack);
        Ok(self.hand_over(origin, stored, Some(unsettled).filter(|_| !no_ack)))
    }

    /// Begins to consume a queue.
    pub(super) fn consume(&mut self, origin: Origin, wanted: Subscription) -> Result<Id, Refusal> {
        let Subscription { queue, tag, options, deliveries } = wanted;
        self.accessible(origin, &queue)?;
        let is_used = |consumer: &Consumer| consumer.origin.channel == origin.channel && consumer.tag == tag;
        if self.consumers.values().any(is_used) {
            return Err(Refusal::not_allowed(&format!("attempt to reuse consumer tag '{tag}'")));
        }
        let id = self.next_id();
        self.attach(&queue, id, options.exclusive)?;
        let prefetch = origin.channel.and_then(|channel| self.channels.get(&channel)).map_or(0, |known| known.prefetch);
        let settles_at_once = options.no_ack;
        let name = queue.clone();
        self.consumers.insert(id, Consumer { origin, queue, tag, settles_at_once, prefetch, unsettled: 0, deliveries });
        self.deliver(&name);
        Ok(id)
    }

    fn attach(&mut self, name: &str, consumer: Id, is_exclusive: bool) -> Result<(), Refusal> {
        let text = || format!("queue '{name}' in vhost '{}' in exclusive use", self.vhost);
        let in_use = Refusal::access(&text());
        let Some(queue) = self.queues.get_mut(name) else { return Ok(()) };
        if queue.exclusive.is_some() || (is_exclusive && !queue.is_unused()) {
            return Err(in_use);
        }
        queue.exclusive = is_exclusive.then_some(consumer);
        queue.consumers.push_back(consumer);
        queue.expires_at = None;
        Ok(())
    }

    /// Delivers the messages of a queue to its consumers, as long as these take more.
    pub(super) fn deliver(&mut self, name: &str) {
        while let Some(consumer) = self.next_consumer(name) {
            let now = self.now;
            let Some(queue) = self.queues.get_mut(name) else { return };
            let queue_id = queue.id;
            let Some((place, stored)) = queue.pop(now) else { return };
            queue.consumers.retain(|other| *other != consumer);
            queue.consumers.push_back(consumer);
            let queue = name.to_owned();
            self.push_to(consumer, Unsettled { queue, queue_id, place, stored, consumer: Some(consumer) });
        }
    }

    fn next_consumer(&self, name: &str) -> Option<Id> {
        let takes_more = |id: &&Id| self.consumers.get(*id).is_some_and(Consumer::has_room);
        self.queues.get(name)?.consumers.iter().find(takes_more).copied()
    }

    fn push_to(&mut self, id: Id, message: Unsettled) {
        let Some(consumer) = self.consumers.get_mut(&id) else { return };
        let (origin, deliveries) = (consumer.origin, consumer.deliveries.clone());
        let (settles_at_once, stored, queue) =
            (consumer.settles_at_once, message.stored.clone(), message.queue.clone());
        let kept = Some(message).filter(|_| !settles_at_once);
        consumer.unsettled += u16::from(kept.is_some());
        self.count_taken(&queue, settles_at_once);
        let Some(delivered) = self.hand_over(origin, stored, kept) else { return };
        // Fails where the client is just ending it.
        self.send(origin.connection, Box::new(move || drop(deliveries.send(Ok(delivered)))));
    }

    /// Counts a message that is done with its delivery.
    fn count_taken(&mut self, queue: &str, settles_at_once: bool) {
        if let Some(queue) = self.queues.get_mut(queue).filter(|_| settles_at_once) {
            queue.acknowledged += 1;
        }
    }

    /// Numbers a message that goes out on a channel, and keeps what is to be settled.
    fn hand_over(&mut self, origin: Origin, stored: Stored, unsettled: Option<Unsettled>) -> Option<Delivered> {
        let channel = self.channels.get_mut(&origin.channel?)?;
        channel.last_tag += 1;
        let tag = channel.last_tag;
        if let Some(unsettled) = unsettled {
            channel.unsettled.insert(tag, unsettled);
        }
        Some(stored.delivered(tag))
    }

    /// Settles a message.
    pub(super) fn settle(&mut self, channel: Id, tag: u64, settlement: Settlement) -> Result<(), Refusal> {
        let known = self.channels.get_mut(&channel).and_then(|channel| channel.unsettled.remove(&tag));
        let Some(Unsettled { queue, queue_id, place, stored, consumer }) = known else {
            return Err(Refusal::precondition(&format!("unknown delivery tag {tag}")));
        };
        if let Some(consumer) = consumer.and_then(|consumer| self.consumers.get_mut(&consumer)) {
            consumer.unsettled = consumer.unsettled.saturating_sub(1);
        }
        if let Some(known) = self.queues.get_mut(&queue).filter(|known| known.id == queue_id) {
            match settlement {
                Settlement::Acknowledge => known.acknowledged += 1,
                Settlement::Discard => {}
                Settlement::Requeue => known.put_back(place, stored),
            }
        }
        self.settle_down(&queue);
        Ok(())
    }
}

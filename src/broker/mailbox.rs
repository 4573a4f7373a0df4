//! Events on their way from the connection to the operator.
//!
//! Ring: shell.
//!
//! Guarantees: whoever puts an event in never waits, so a slow operator never stops the connection. What waits is
//! bounded: of each pod only the newest message of each kind, and no more than a fixed number of those of each namespace, and
//! of deletions. Namespaces take turns. What is dropped is counted.

use std::collections::{HashMap, VecDeque};
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::stats::BrokerStats;
use super::terms::BrokerEvent;
use crate::task;
use crate::wire::{CourierMessage, CourierNotice};

/// The operator's own buffer, in front of which events coalesce.
const CHANNEL_CAPACITY: usize = 1024;
/// More than an operator is behind with.
const MAX_FACTS: usize = 10_000;
/// More than one namespace's pods send in a second.
const MAX_OF_NAMESPACE: usize = 2000;
/// What those namespaces share that have messages: one takes no more than 16 KiB.
const MAX_OF_ALL: usize = 10_000;

/// The sender and kind of a courier's message. The proof is part of it: a forged message must not replace a true one.
type MessageKey = (String, i32, String, String, Discriminant<CourierNotice>);

/// Where events wait.
#[derive(Debug)]
pub(super) struct Mailbox {
    waiting: Mutex<Backlog>,
    arrived: Notify,
    stats: Arc<BrokerStats>,
}

#[derive(Debug, Default)]
struct Backlog {
    facts: VecDeque<BrokerEvent>,
    /// The messages of each namespace that has some.
    lines: HashMap<Namespace, NamespaceQueue>,
    /// Those namespaces, the next one first.
    turns: VecDeque<Namespace>,
}

/// `None` is for the couriers of no namespace that is known.
type Namespace = Option<Arc<str>>;

/// The messages of one namespace.
#[derive(Debug, Default)]
struct NamespaceQueue {
    messages: HashMap<MessageKey, CourierMessage>,
    senders: VecDeque<MessageKey>,
}

impl Mailbox {
    pub(super) fn new(stats: Arc<BrokerStats>) -> Self {
        Self { waiting: Mutex::default(), arrived: Notify::new(), stats }
    }

    pub(super) fn put(&self, event: BrokerEvent) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.put(event) {
            self.arrived.notify_one();
        } else {
            self.stats.count_dropped_event();
        }
    }

    async fn next(&self) -> BrokerEvent {
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
            match next {
                Some(event) => return event,
                None => self.arrived.notified().await,
            }
        }
    }
}

/// Hands out the events of a mailbox, in a task that ends with the receiver.
pub(super) fn deliver(mailbox: Arc<Mailbox>) -> mpsc::Receiver<BrokerEvent> {
    let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
    task::spawn_vital("mailbox of the broker", async move {
        // The place first: while there is none, progress coalesces.
        while let Ok(place) = sender.reserve().await {
            tokio::select! {
                // Without a receiver the event stays.
                biased;
                () = sender.closed() => return,
                event = mailbox.next() => place.send(event),
            }
        }
    });
    receiver
}

impl Backlog {
    /// False when there is no room.
    fn put(&mut self, event: BrokerEvent) -> bool {
        match event {
            BrokerEvent::Courier { namespace, message } => {
                let most = MAX_OF_NAMESPACE.min(MAX_OF_ALL / self.lines.len().max(1));
                let line = self.lines.entry(namespace.clone()).or_default();
                if line.senders.is_empty() {
                    self.turns.push_back(namespace);
                }
                line.put(message, most)
            }
            BrokerEvent::QueueDeleted { .. } if self.facts.len() >= MAX_FACTS => false,
            fact @ (BrokerEvent::QueueDeleted { .. }
            | BrokerEvent::Connected
            | BrokerEvent::Unblocked
            | BrokerEvent::Lost) => {
                self.facts.push_back(fact);
                true
            }
        }
    }

    fn take(&mut self) -> Option<BrokerEvent> {
        self.facts.pop_front().or_else(|| self.take_message())
    }

    fn take_message(&mut self) -> Option<BrokerEvent> {
        let namespace = self.turns.pop_front()?;
        let line = self.lines.get_mut(&namespace)?;
        let message = line.take();
        if line.senders.is_empty() {
            self.lines.remove(&namespace);
        } else {
            self.turns.push_back(namespace.clone());
        }
        message.map(|message| BrokerEvent::Courier { namespace, message })
    }
}

impl NamespaceQueue {
    /// False when there is no room: so many may wait.
    fn put(&mut self, message: CourierMessage, most: usize) -> bool {
        let CourierMessage { job, attempt, pod, capability, proof, notice } = &message;
        let proof = proof.unwrap_or(*capability).to_string();
        let sender = (job.clone(), *attempt, pod.clone(), proof, discriminant(notice));
        if !self.messages.contains_key(&sender) {
            if self.senders.len() >= most {
                return false;
            }
            self.senders.push_back(sender.clone());
        }
        self.messages.insert(sender, message);
        true
    }

    fn take(&mut self) -> Option<CourierMessage> {
        let sender = self.senders.pop_front()?;
        self.messages.remove(&sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ProgressLine;

    fn message(job: &str, notice: CourierNotice) -> BrokerEvent {
        let message = CourierMessage {
            job: job.to_owned(),
            attempt: 1,
            pod: "pod".to_owned(),
            capability: "00112233445566778899aabbccddeeff".parse().unwrap(),
            proof: None,
            notice,
        };
        BrokerEvent::Courier { namespace: None, message }
    }

    fn of(namespace: &str, event: BrokerEvent) -> BrokerEvent {
        let BrokerEvent::Courier { message, .. } = event else { return event };
        BrokerEvent::Courier { namespace: Some(namespace.into()), message }
    }

    fn progress(job: &str, progress: f64) -> BrokerEvent {
        message(job, CourierNotice::Progress(ProgressLine { progress, message: String::new() }))
    }

    #[tokio::test]
    async fn only_the_newest_progress_of_a_pod_waits_and_facts_go_first() {
        let mailbox = Mailbox::new(Arc::default());
        let hello = || message("a", CourierNotice::Hello);
        for event in [progress("a", 0.1), hello(), progress("b", 0.2), progress("a", 0.3), BrokerEvent::Connected] {
            mailbox.put(event);
        }
        for expected in [BrokerEvent::Connected, progress("a", 0.3), hello(), progress("b", 0.2)] {
            assert_eq!(mailbox.next().await, expected);
        }
    }

    #[tokio::test]
    async fn a_flood_of_one_namespace_holds_up_no_other() {
        let mailbox = Mailbox::new(Arc::default());
        for job in 0..MAX_OF_NAMESPACE {
            mailbox.put(of("flooded", progress(&job.to_string(), 0.1)));
        }
        mailbox.put(of("quiet", progress("a", 0.2)));
        let first = [mailbox.next().await, mailbox.next().await];
        assert_eq!(first, [of("flooded", progress("0", 0.1)), of("quiet", progress("a", 0.2))]);
        for job in 1..MAX_OF_NAMESPACE {
            assert_eq!(mailbox.next().await, of("flooded", progress(&job.to_string(), 0.1)));
        }
        let waiting = mailbox.waiting.lock().unwrap();
        assert!(waiting.lines.is_empty() && waiting.turns.is_empty());
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_what_is_dropped_is_counted() {
        let stats = Arc::<BrokerStats>::default();
        let mailbox = Mailbox::new(stats.clone());
        for job in 0..MAX_OF_NAMESPACE + 3 {
            mailbox.put(progress(&job.to_string(), 0.1));
        }
        assert_eq!(stats.dropped_events(), 3);
        mailbox.put(BrokerEvent::Lost);
        assert_eq!(mailbox.next().await, BrokerEvent::Lost);
    }

    #[tokio::test]
    async fn events_are_delivered_as_they_come() {
        let mailbox = Arc::new(Mailbox::new(Arc::default()));
        let mut receiver = deliver(mailbox.clone());
        mailbox.put(progress("a", 0.1));
        assert_eq!(receiver.recv().await, Some(progress("a", 0.1)));
        mailbox.put(BrokerEvent::Lost);
        assert_eq!(receiver.recv().await, Some(BrokerEvent::Lost));
    }
}

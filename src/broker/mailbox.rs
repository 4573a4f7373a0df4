//! Events on their way from the connection to the operator.
//!
//! Ring: shell.
//!
//! Guarantees: whoever puts an event in never waits, so a slow operator never stops the connection. What waits is
//! bounded: of each pod only the newest progress, and no more than a fixed number of pods and deletions. What is dropped
//! is counted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::BrokerEvent;
use super::stats::BrokerStats;
use crate::wire::CourierProgress;

/// The operator's own buffer, in front of which events coalesce.
const CHANNEL_CAPACITY: usize = 1024;
/// More pods than one operator has, and no more memory than 20 MB.
const MAX_WAITING: usize = 10_000;

/// Whose progress it is. The capability is part of it: a forged message must not replace a true one.
type Sender = (String, i32, String, String);

/// Where events wait.
#[derive(Debug)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    stats: Arc<BrokerStats>,
}

#[derive(Debug, Default)]
struct Waiting {
    facts: VecDeque<BrokerEvent>,
    progress: HashMap<Sender, CourierProgress>,
    senders: VecDeque<Sender>,
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
    tokio::spawn(async move {
        // The place first: while there is none, progress coalesces.
        while let Ok(place) = sender.reserve().await {
            tokio::select! {
                event = mailbox.next() => place.send(event),
                () = sender.closed() => return,
            }
        }
    });
    receiver
}

impl Waiting {
    /// False when there is no room.
    fn put(&mut self, event: BrokerEvent) -> bool {
        match event {
            BrokerEvent::Progress(progress) => self.put_progress(progress),
            BrokerEvent::QueueDeleted { .. } if self.facts.len() >= MAX_WAITING => false,
            fact @ (BrokerEvent::QueueDeleted { .. }
            | BrokerEvent::Connected
            | BrokerEvent::Unblocked
            | BrokerEvent::Lost) => {
                self.facts.push_back(fact);
                true
            }
        }
    }

    fn put_progress(&mut self, progress: CourierProgress) -> bool {
        let sender = (progress.job.clone(), progress.attempt, progress.pod.clone(), progress.capability.to_string());
        if !self.progress.contains_key(&sender) {
            if self.senders.len() >= MAX_WAITING {
                return false;
            }
            self.senders.push_back(sender.clone());
        }
        self.progress.insert(sender, progress);
        true
    }

    fn take(&mut self) -> Option<BrokerEvent> {
        self.facts.pop_front().or_else(|| self.take_progress())
    }

    fn take_progress(&mut self) -> Option<BrokerEvent> {
        let sender = self.senders.pop_front()?;
        self.progress.remove(&sender).map(BrokerEvent::Progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(job: &str, progress: f64) -> BrokerEvent {
        BrokerEvent::Progress(CourierProgress {
            job: job.to_owned(),
            attempt: 1,
            pod: "pod".to_owned(),
            capability: "00112233445566778899aabbccddeeff".parse().unwrap(),
            progress,
            message: String::new(),
            arrival: false,
        })
    }

    #[tokio::test]
    async fn only_the_newest_progress_of_a_pod_waits_and_facts_go_first() {
        let mailbox = Mailbox::new(Arc::default());
        for event in [progress("a", 0.1), progress("b", 0.2), progress("a", 0.3), BrokerEvent::Connected] {
            mailbox.put(event);
        }
        for expected in [BrokerEvent::Connected, progress("a", 0.3), progress("b", 0.2)] {
            assert_eq!(mailbox.next().await, expected);
        }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_and_what_is_dropped_is_counted() {
        let stats = Arc::<BrokerStats>::default();
        let mailbox = Mailbox::new(stats.clone());
        for job in 0..MAX_WAITING + 3 {
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

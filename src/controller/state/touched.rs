//! The workflows that something happened to.
//!
//! Ring: shell. Bounded by the number of workflows and of jobs.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::{Notify, futures::Notified};

use crate::clock::Clock;

use super::seats::Key;

/// The workflows that something happened to, each at most once, with the time of its next pass. Bounded by the number of
/// workflows and of jobs.
pub(crate) struct Touched {
    clock: Clock,
    /// In the order in which those are looked at whose time has come.
    due: Mutex<BTreeMap<Key, Timestamp>>,
    added: Notify,
}

impl Touched {
    /// Nothing has happened yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, due: Mutex::default(), added: Notify::new() }
    }

    /// Has a workflow looked at soon.
    pub(crate) fn touch(&self, key: Key) {
        self.touch_at(key, self.clock.now());
    }

    /// Has a workflow looked at then, or before.
    pub(crate) fn touch_at(&self, key: Key, time: Timestamp) {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due.entry(key).and_modify(|known| *known = time.min(*known)).or_insert(time);
        drop(due);
        self.added.notify_one();
    }

    /// Takes those out whose time has come.
    pub(crate) fn take_due(&self, now: Timestamp) -> Vec<Key> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<Key> = due.iter().filter(|(_, time)| **time <= now).map(|(key, _)| key.clone()).collect();
        due.retain(|_, time| *time > now);
        keys
    }

    /// When the next one is to be looked at.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).values().min().copied()
    }

    /// Completes when one more comes after this call.
    pub(crate) fn added(&self) -> Notified<'_> {
        self.added.notified()
    }
}

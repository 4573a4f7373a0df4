//! What telemetry may know about the broker.
//!
//! Ring: shell. Written by this module's own parts, read by anybody, without locks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counters and switches of the connection to the broker.
#[derive(Debug, Default)]
pub struct BrokerStats {
    blocked: AtomicBool,
    management: AtomicBool,
    event_exchange: AtomicBool,
    encrypted: AtomicBool,
    connects: AtomicU64,
    rejected_progress: AtomicU64,
    dropped_events: AtomicU64,
}

impl BrokerStats {
    /// Whether the broker takes no messages for want of memory or disk.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Whether the management API answered when it was asked last: it shows whether a result was published.
    #[must_use]
    pub fn management(&self) -> bool {
        self.management.load(Ordering::Relaxed)
    }

    /// Whether deletions of queues are heard: they show that a result was read.
    #[must_use]
    pub fn event_exchange(&self) -> bool {
        self.event_exchange.load(Ordering::Relaxed)
    }

    /// Whether the newest connection is encrypted.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.encrypted.load(Ordering::Relaxed)
    }

    /// How often a connection was made after the first one.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// How many messages on the progress queue were no courier's.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn rejected_progress(&self) -> u64 {
        self.rejected_progress.load(Ordering::Relaxed)
    }

    /// How many events were dropped, because the operator did not keep up.
    #[cfg(test)]
    pub(super) fn dropped_events(&self) -> u64 {
        self.dropped_events.load(Ordering::Relaxed)
    }

    pub(super) fn connect(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnect(&self) {
        self.blocked.store(false, Ordering::Relaxed);
    }

    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }

    pub(super) fn set_management(&self, available: bool) {
        self.management.store(available, Ordering::Relaxed);
    }

    pub(super) fn set_event_exchange(&self, available: bool) {
        self.event_exchange.store(available, Ordering::Relaxed);
    }

    pub(super) fn set_encrypted(&self, encrypted: bool) {
        self.encrypted.store(encrypted, Ordering::Relaxed);
    }

    pub(super) fn count_rejected_progress(&self) {
        self.rejected_progress.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_dropped_event(&self) {
        self.dropped_events.fetch_add(1, Ordering::Relaxed);
    }
}

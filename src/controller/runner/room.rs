//! Where a pass runs: in one of the few slots, or apart from them while it has a large output in memory.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - A pass that waits for, fetches or sends a large output holds no slot: all other jobs go on meanwhile.
//! - One large output is in memory at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All rooms there are.
pub(crate) struct Rooms {
    slots: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// The room of one pass.
pub(crate) struct Room {
    large: Arc<Semaphore>,
    slot: Option<OwnedSemaphorePermit>,
    alone: Option<OwnedSemaphorePermit>,
}

impl Rooms {
    /// So many slots.
    pub(crate) fn new(slots: u16) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.into())), large: Arc::new(Semaphore::new(1)) }
    }

    /// Waits for a slot.
    pub(crate) async fn enter(&self) -> Room {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok();
        Room { large: Arc::clone(&self.large), slot, alone: None }
    }
}

impl Room {
    /// Whether a large output may be in memory.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// Leaves the slot, and waits until no other pass has a large output in memory.
    pub(crate) async fn be_alone(&mut self) {
        if self.alone.is_none() {
            self.slot = None;
            self.alone = Arc::clone(&self.large).acquire_owned().await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn large_outputs_wait_for_each_other_and_hold_no_slot() {
        let rooms = Rooms::new(1);
        let mut first = rooms.enter().await;
        first.be_alone().await;
        let mut second = rooms.enter().await;
        let waiting = async { timeout(Duration::from_secs(1), second.be_alone()).await.is_err() };
        assert!(waiting.await && !second.is_alone());
        drop(rooms.enter().await);
        drop(first);
        second.be_alone().await;
        assert!(second.is_alone());
    }
}

//! A value that tasks wait for.
//!
//! Tokio's watch channel wakes those who wait in an order of chance. Here they wake in the order in which they began to wait.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;

#[derive(Default)]
pub(super) struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Watched<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }

    /// Waits until something is found in the value.
    pub(super) async fn find<R>(&self, find: impl Fn(&T) -> Option<R>) -> R {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(found) = self.look(&find) {
                return found;
            }
            changed.await;
        }
    }

    /// Waits until the value is as it is wanted.
    pub(super) async fn until(&self, wanted: impl Fn(&T) -> bool) {
        self.find(|value| wanted(value).then_some(())).await;
    }
}

impl<T: Clone> Watched<T> {
    pub(super) fn get(&self) -> T {
        self.look(T::clone)
    }
}

//! The handle on the simulated broker.
//!
//! Ring: shell.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use jiff::Timestamp;
use lapin::Error;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::failure::Operation;
use super::records::Origin;
use super::refusal::{Refusal, ended_connection};
use super::state::State;

/// A broker in memory, with one virtual host. Clones are the same broker.
#[derive(Clone)]
pub struct SimulatedBroker(Arc<Mutex<State>>);

impl SimulatedBroker {
    /// A broker without queues. Its clock shows `began` now, and goes on with Tokio's. Needs a Tokio runtime.
    #[must_use]
    pub fn start(vhost: &str, began: Timestamp) -> Self {
        let changed = Arc::new(Notify::new());
        let state = Arc::new(Mutex::new(State::new(vhost.to_owned(), began, Arc::clone(&changed))));
        tokio::spawn(keep_time(Arc::downgrade(&state), changed));
        Self(state)
    }

    /// Does something as of now.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = lock(&self.0);
        state.advance(Instant::now());
        act(&mut state)
    }

    /// Makes a request, and waits for its reply.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        origin: Origin,
        operation: Operation,
        act: impl FnOnce(&mut State) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Error> {
        let reply = self.order(origin, operation, act);
        reply.await.unwrap_or_else(|_| Err(self.why_ended(origin)))
    }

    /// Makes a request. The reply is dropped where the connection ends before it.
    pub(super) fn order<T: Send + 'static>(
        &self,
        origin: Origin,
        operation: Operation,
        act: impl FnOnce(&mut State) -> Result<T, Refusal> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, Error>> {
        let (sender, reply) = oneshot::channel();
        // Fails where nobody waits for it any more.
        let answer = Box::new(move |answer| drop(sender.send(answer)));
        self.with(|state| state.request(origin, operation, act, answer));
        reply
    }

    pub(super) fn is_open(&self, origin: Origin) -> bool {
        self.with(|state| state.why_ended(origin)).is_none()
    }

    pub(super) fn why_ended(&self, origin: Origin) -> Error {
        self.with(|state| state.why_ended(origin)).unwrap_or_else(ended_connection)
    }
}

/// Lets happen what happens by itself, until the broker is dropped.
async fn keep_time(state: Weak<Mutex<State>>, changed: Arc<Notify>) {
    while let Some(state) = state.upgrade() {
        let next = {
            let mut state = lock(&state);
            state.advance(Instant::now());
            state.next_due()
        };
        drop(state);
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = changed.notified() => {}
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PartialEq for SimulatedBroker {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SimulatedBroker {}

impl fmt::Debug for SimulatedBroker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SimulatedBroker")
    }
}

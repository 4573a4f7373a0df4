//! The second connection: for everything that may fail by design, and publishes nothing.
//!
//! Ring: shell.
//!
//! A missing queue, other arguments or a queue in use end a channel. lapin 4.12 never gives the number of such a channel
//! free again: when the numbers have gone round once, opening a channel answers with that channel's old error, and in the
//! end no number is left. So these channels are on a connection of their own, which is replaced when that begins; the
//! connection that holds the leader queue is not disturbed.
//!
//! A channel whose errand went well is used again: opening and closing one costs the broker as much as a queue.
//!
//! Guarantees: an error of an earlier errand is never taken for the answer to a later one. A broker without memory or
//! disk stops only connections that publish, so errands are run even then.

use std::sync::{Arc, Mutex, PoisonError};

use lapin::{Channel, Connection};

use super::dial::dial;
use super::endpoint::Endpoint;
use super::error::BrokerError;

/// As many as there are operations at once.
const MOST_IDLE: usize = super::MAX_OPERATIONS;

/// A connection that is replaced when it is used up or lost.
#[derive(Debug)]
pub(super) struct Errands {
    endpoint: Endpoint,
    name: String,
    current: Mutex<Option<Arc<Connection>>>,
    idle: Mutex<Vec<Channel>>,
    replacing: tokio::sync::Mutex<()>,
}

impl Errands {
    /// Connects at the first errand.
    pub(super) fn new(endpoint: Endpoint, connection_name: &str) -> Self {
        let name = format!("{connection_name} (queues)");
        Self {
            endpoint,
            name,
            current: Mutex::default(),
            idle: Mutex::default(),
            replacing: tokio::sync::Mutex::default(),
        }
    }

    /// A channel of its own for one errand.
    pub(super) async fn channel(&self) -> Result<Channel, BrokerError> {
        if let Some(channel) = self.idle() {
            return Ok(channel);
        }
        let used = self.current();
        if let Some(connection) = &used
            && let Ok(channel) = connection.create_channel().await
        {
            return Ok(channel);
        }
        let fresh = self.replace(used).await?;
        fresh
            .create_channel()
            .await
            .map_err(|error| BrokerError::unreachable(format!("no channel for an errand: {error}")))
    }

    /// Takes a channel back whose errand has been answered in full.
    pub(super) fn reuse(&self, channel: Channel) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(channel);
        }
    }

    fn idle(&self) -> Option<Channel> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|channel| channel.status().connected())
    }

    /// A connection other than `used`. That one closes itself when the last errand on it is done.
    async fn replace(&self, used: Option<Arc<Connection>>) -> Result<Arc<Connection>, BrokerError> {
        let _alone = self.replacing.lock().await;
        if let Some(current) = self.current().filter(|current| !is_same(used.as_ref(), current)) {
            return Ok(current);
        }
        let fresh = Arc::new(dial(&self.endpoint, &self.name).await?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    fn current(&self) -> Option<Arc<Connection>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets go of the connection.
    pub(super) fn end(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn is_same(used: Option<&Arc<Connection>>, current: &Arc<Connection>) -> bool {
    used.is_some_and(|used| Arc::ptr_eq(used, current))
}

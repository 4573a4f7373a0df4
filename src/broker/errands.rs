//! Connections beside that which holds the leader queue: for everything that may fail by design, and publishes nothing.
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
//! It outlives rotations of the password: each time it is opened, URI and certificates are read again. Where they lead to
//! another place, or name another user, both connections are replaced.
//!
//! Guarantees: an error of an earlier errand is never taken for the answer to a later one. A broker without memory or
//! disk stops only connections that publish, so errands are run even then.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::bounds::MAX_OPERATIONS;
use super::dial::dial;
use super::endpoint::{Endpoint, there};
use super::error::BrokerError;
use super::terms::BrokerConfig;
use super::transport::{Channel, Connection};

/// As many as there are operations at once.
const MOST_IDLE: usize = MAX_OPERATIONS;

/// Why the connection that holds the leader queue is given up, once it is.
pub(super) type Over = watch::Sender<Option<String>>;

/// Gives that connection up. The first reason holds.
pub(super) fn end(over: &Over, reason: &str) {
    over.send_if_modified(|known| {
        let news = known.is_none();
        known.get_or_insert_with(|| reason.to_owned());
        news
    });
}

/// A connection that is replaced when it is used up or lost.
#[derive(Debug)]
pub(super) struct Errands {
    /// That of the connection that holds the leader queue.
    endpoint: Endpoint,
    config: BrokerConfig,
    name: String,
    over: Over,
    current: Mutex<Option<Arc<Connection>>>,
    idle: Mutex<Vec<Channel>>,
    replacing: tokio::sync::Mutex<()>,
}

impl Errands {
    /// Connects at the first errand, as `purpose`. `over` ends the connection that holds the leader queue.
    pub(super) fn new(endpoint: Endpoint, config: &BrokerConfig, purpose: &str, over: Over) -> Self {
        Self {
            endpoint,
            config: config.clone(),
            name: format!("{} ({purpose})", config.connection_name),
            over,
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
        // Seldom, and large.
        let fresh = Box::pin(self.replace(used)).await?;
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
        std::iter::from_fn(|| idle.pop()).find(Channel::is_connected)
    }

    /// A connection other than `used`. That one closes itself when the last errand on it is done.
    async fn replace(&self, used: Option<Arc<Connection>>) -> Result<Arc<Connection>, BrokerError> {
        let _alone = self.replacing.lock().await;
        if let Some(current) = self.current().filter(|current| !is_same(used.as_ref(), current)) {
            return Ok(current);
        }
        let fresh = Arc::new(dial(&self.config.connector, &self.endpoint_now()?, &self.name).await?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    /// The endpoint with the password and the trust that the files hold now.
    fn endpoint_now(&self) -> Result<Endpoint, BrokerError> {
        match Endpoint::read(&self.config.amqp_uri_file, there(self.config.ca_file.as_deref())) {
            Ok(now) if now.leads_where(&self.endpoint) => Ok(now),
            Ok(now) => {
                let reason = format!("{} is {now} now, so the connections are replaced", self.endpoint);
                end(&self.over, &reason);
                Err(BrokerError::unreachable(reason))
            }
            // Files that are just being written are read the next time.
            Err(_) => Ok(self.endpoint.clone()),
        }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::endpoint::Trust;
    use super::super::transport::Connector;
    use super::*;

    #[test]
    fn a_connection_that_is_opened_anew_has_the_password_of_now() {
        let folder = std::env::temp_dir().join(format!("omotes-broker-{:016x}", fastrand::u64(..)));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("uri");
        let endpoint = Endpoint::parse("amqp://op:old@h/v", "test", Trust::System).unwrap();
        let config = BrokerConfig {
            requires_tls: false,
            amqp_uri_file: file.clone(),
            management_uri_file: None,
            ca_file: Some(folder.join("ca.crt")),
            connection_name: "test".to_owned(),
            connector: Connector::Amqp,
        };
        let errands = Errands::new(endpoint, &config, "queues", watch::Sender::new(None));
        let password = || errands.endpoint_now().map(|now| now.address().password().to_owned());
        assert_eq!(password().as_deref(), Ok("old"), "there is no file");
        fs::write(&file, "amqp://op:new@h/v").unwrap();
        assert_eq!(password().as_deref(), Ok("new"));
        assert_eq!(*errands.over.borrow(), None);
        for elsewhere in ["amqp://other:new@h/v", "amqp://op:new@h/w", "amqp://op:new@i/v", "amqp://op:new@h:1/v"] {
            errands.over.send_replace(None);
            fs::write(&file, elsewhere).unwrap();
            let error = password().unwrap_err().to_string();
            let why = errands.over.borrow().clone().unwrap();
            assert!(error.contains(&why) && !error.contains("new@"), "{error}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

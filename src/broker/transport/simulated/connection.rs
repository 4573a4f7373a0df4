//! The client's side of a connection.
//!
//! Ring: shell.

use std::sync::Arc;

use futures::Stream;
use futures::stream::poll_fn;
use lapin::{Error, Event};
use tokio::sync::{mpsc, oneshot};

use super::broker::SimulatedBroker;
use super::channel::Channel;
use super::failure::Operation;
use super::line::Line;
use super::records;
use super::refusal::{Refusal, ended_connection, unreachable};

/// As brokers have it by default.
const CHANNEL_MAX: u16 = 2047;

/// A connection. It ends when this and all channels on it are dropped.
#[derive(Debug)]
pub(crate) struct Connection(Arc<Line>);

impl Connection {
    /// Opens a connection.
    pub(crate) async fn open(broker: &SimulatedBroker, user: &str, vhost: &str, name: String) -> Result<Self, Error> {
        let (sender, opened) = oneshot::channel();
        let user = user.to_owned();
        let id = broker.with(move |state| {
            if state.refuses_connections || state.judge(name.clone(), Operation::Connect).is_some() {
                return Err(unreachable());
            }
            if state.vhost != vhost {
                return Err(Refusal::not_allowed(&format!("vhost {vhost} not found")).error());
            }
            let id = state.next_id();
            let record = records::Connection { name, user, end: None, listeners: Vec::new(), is_blocked: false };
            state.connections.insert(id, record);
            // Fails where nobody waits for it any more.
            state.send(id, Box::new(move || sender.send(()).unwrap_or_default()));
            Ok(id)
        })?;
        let line = Line::new(broker.clone(), id);
        match opened.await {
            Ok(()) => Ok(Self(Arc::new(line))),
            Err(_) => Err(line.broker.why_ended(line.origin())),
        }
    }

    /// Says good-bye.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let id = self.0.id;
        let closing = self.0.broker.ask(self.0.origin(), Operation::Close, move |state| {
            state.end_connection(id, ended_connection());
            Ok(())
        });
        closing.await
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.broker.is_open(self.0.origin())
    }

    pub(crate) fn is_blocked(&self) -> bool {
        let id = self.0.id;
        self.0.broker.with(|state| state.connections.get(&id).is_some_and(|connection| connection.is_blocked))
    }

    /// What happens to it from now on.
    pub(crate) fn events(&self) -> impl Stream<Item = Event> + Send + use<> {
        let (sender, mut events) = mpsc::unbounded_channel();
        let id = self.0.id;
        self.0.broker.with(|state| {
            if let Some(connection) = state.connections.get_mut(&id).filter(|connection| connection.end.is_none()) {
                connection.listeners.push(sender);
            }
        });
        poll_fn(move |context| events.poll_recv(context))
    }

    #[expect(clippy::unused_self, reason = "it stands beside a carrier that negotiates the number")]
    pub(crate) fn channel_max(&self) -> u16 {
        CHANNEL_MAX
    }

    /// Opens a channel.
    pub(crate) async fn create_channel(&self) -> Result<Channel, Error> {
        let connection = self.0.id;
        let opening = self.0.broker.ask(self.0.origin(), Operation::OpenChannel, move |state| {
            let id = state.next_id();
            state.channels.insert(id, records::Channel::new(connection));
            Ok(id)
        });
        Ok(Channel::new(Arc::clone(&self.0), opening.await?))
    }
}

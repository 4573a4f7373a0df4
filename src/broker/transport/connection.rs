//! A connection to a broker.
//!
//! Ring: shell.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use rustls::pki_types::CertificateDer;

use super::address::Address;
use super::channel::Channel;
use super::connect::connect;
use super::connector::Connector;
use super::error::AmqpError;
#[cfg(feature = "testing")]
use super::simulated;
use super::values::GOOD_BYE;

/// A connection. It ends when this and all channels on it are dropped.
#[derive(Debug)]
pub(crate) struct Connection(Inner);

#[derive(Debug)]
#[cfg_attr(
    feature = "testing",
    expect(clippy::large_enum_variant, reason = "a program has few connections, and a test's are small")
)]
enum Inner {
    Lapin(lapin::Connection),
    #[cfg(feature = "testing")]
    Simulated(simulated::Connection),
}

/// What happens to a connection.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The broker takes no messages for now, for a reason in its own words.
    Blocked(String),
    /// It takes messages again.
    Unblocked,
    /// The connection, or one of its channels, failed.
    Error(AmqpError),
    /// Nothing that anything follows from.
    Other,
}

impl Connection {
    /// Opens a connection that the broker lists under `name`. TLS believes the `authorities`, or without them those of the
    /// system. `limit` bounds what a caller that gives up does not end: the connecting of TCP and of TLS.
    pub(crate) async fn open(
        connector: &Connector,
        address: &Address,
        authorities: Option<&[CertificateDer<'static>]>,
        name: String,
        limit: Duration,
    ) -> Result<Self, AmqpError> {
        Ok(Self(match connector {
            Connector::Amqp => Inner::Lapin(connect(address, authorities, name, limit).await?),
            #[cfg(feature = "testing")]
            Connector::Simulated(broker) => {
                Inner::Simulated(simulated::Connection::open(broker, address.user(), address.vhost(), name).await?)
            }
        }))
    }

    /// Says good-bye.
    pub(crate) async fn close(&self) -> Result<(), AmqpError> {
        match &self.0 {
            Inner::Lapin(connection) => Ok(connection.close(GOOD_BYE.0, GOOD_BYE.1.into()).await?),
            #[cfg(feature = "testing")]
            Inner::Simulated(connection) => Ok(connection.close().await?),
        }
    }

    /// Whether it lives, as far as this side knows.
    pub(crate) fn is_connected(&self) -> bool {
        match &self.0 {
            Inner::Lapin(connection) => connection.status().connected(),
            #[cfg(feature = "testing")]
            Inner::Simulated(connection) => connection.is_connected(),
        }
    }

    /// Whether the broker takes no messages for now.
    pub(crate) fn is_blocked(&self) -> bool {
        match &self.0 {
            Inner::Lapin(connection) => connection.status().blocked(),
            #[cfg(feature = "testing")]
            Inner::Simulated(connection) => connection.is_blocked(),
        }
    }

    /// What happens to it from now on.
    pub(crate) fn events(&self) -> BoxStream<'static, Event> {
        match &self.0 {
            Inner::Lapin(connection) => connection.events_listener().map(Event::from).boxed(),
            #[cfg(feature = "testing")]
            Inner::Simulated(connection) => connection.events().map(Event::from).boxed(),
        }
    }

    /// How many channels it may have at once.
    pub(crate) fn channel_max(&self) -> u16 {
        match &self.0 {
            Inner::Lapin(connection) => connection.configuration().channel_max(),
            #[cfg(feature = "testing")]
            Inner::Simulated(connection) => connection.channel_max(),
        }
    }

    /// Opens a channel.
    pub(crate) async fn create_channel(&self) -> Result<Channel, AmqpError> {
        match &self.0 {
            Inner::Lapin(connection) => Ok(connection.create_channel().await?.into()),
            #[cfg(feature = "testing")]
            Inner::Simulated(connection) => Ok(connection.create_channel().await?.into()),
        }
    }
}

impl From<lapin::Event> for Event {
    fn from(event: lapin::Event) -> Self {
        match event {
            lapin::Event::ConnectionBlocked(reason) => Self::Blocked(reason),
            lapin::Event::ConnectionUnblocked => Self::Unblocked,
            lapin::Event::Error(error) => Self::Error(error.into()),
            _ => Self::Other,
        }
    }
}

//! The parts of an AMQP URI.
//!
//! Ring: shell; plain values.
//!
//! Guarantees: no `Debug`, because the password is among them.

use lapin::uri::{AMQPScheme, AMQPUri};

/// Where a broker listens, with the credentials for it and what else its URI says of a connection.
#[derive(Clone)]
pub(crate) struct Address(AMQPUri);

impl Address {
    /// The address in `uri`; `None` where that is no AMQP URI.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        uri.parse().ok().map(Self)
    }

    /// The same address at another host.
    pub(crate) fn at(mut self, host: String) -> Self {
        self.0.authority.host = host;
        self
    }

    /// `amqp` or `amqps`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_encrypted() { "amqps" } else { "amqp" }
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme == AMQPScheme::AMQPS
    }

    pub(crate) fn host(&self) -> &str {
        &self.0.authority.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.authority.port
    }

    pub(crate) fn user(&self) -> &str {
        &self.0.authority.userinfo.username
    }

    pub(crate) fn password(&self) -> &str {
        &self.0.authority.userinfo.password
    }

    pub(crate) fn vhost(&self) -> &str {
        &self.0.vhost
    }

    pub(super) fn uri(&self) -> &AMQPUri {
        &self.0
    }
}

//! RabbitMQ's refusals, in its own words.
//!
//! Ring: shell; pure in itself. `broker::error` reads these words.

use std::io;

use lapin::protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::{ChannelState, ConnectionState, Error, ErrorKind};

/// A reply text is a short string; a longer one ends with three dots.
const MOST_BYTES: usize = 255;

/// Why the broker ends a channel or a connection.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    kind: AMQPErrorKind,
    text: String,
}

impl Refusal {
    fn soft(kind: AMQPSoftError, text: String) -> Self {
        Self { kind: kind.into(), text: shortened(text) }
    }

    fn hard(kind: AMQPHardError, text: String) -> Self {
        Self { kind: kind.into(), text: shortened(text) }
    }

    /// The refusal with this reply code, if it is one of AMQP's.
    pub(super) fn with_code(code: u16, text: String) -> Option<Self> {
        Some(Self { kind: AMQPErrorKind::from_id(code)?, text: shortened(text) })
    }

    pub(super) fn no_queue(queue: &str, vhost: &str) -> Self {
        Self::soft(AMQPSoftError::NOTFOUND, format!("NOT_FOUND - no queue '{queue}' in vhost '{vhost}'"))
    }

    pub(super) fn no_exchange(exchange: &str, vhost: &str) -> Self {
        Self::soft(AMQPSoftError::NOTFOUND, format!("NOT_FOUND - no exchange '{exchange}' in vhost '{vhost}'"))
    }

    pub(super) fn locked(queue: &str, vhost: &str) -> Self {
        let text = format!(
            "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '{vhost}'. It could be \
             originally declared on another connection or the exclusive property value does not match that of the \
             original declaration."
        );
        Self::soft(AMQPSoftError::RESOURCELOCKED, text)
    }

    pub(super) fn precondition(text: &str) -> Self {
        Self::soft(AMQPSoftError::PRECONDITIONFAILED, format!("PRECONDITION_FAILED - {text}"))
    }

    pub(super) fn access(text: &str) -> Self {
        Self::soft(AMQPSoftError::ACCESSREFUSED, format!("ACCESS_REFUSED - {text}"))
    }

    pub(super) fn not_allowed(text: &str) -> Self {
        Self::hard(AMQPHardError::NOTALLOWED, format!("NOT_ALLOWED - {text}"))
    }

    pub(super) fn forced(text: &str) -> Self {
        Self::hard(AMQPHardError::CONNECTIONFORCED, format!("CONNECTION_FORCED - {text}"))
    }

    /// Whether it ends the connection, too.
    pub(super) fn is_hard(&self) -> bool {
        matches!(self.kind, AMQPErrorKind::Hard(_))
    }

    pub(super) fn error(self) -> Error {
        ErrorKind::ProtocolError(AMQPError::new(self.kind, self.text.into())).into()
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > MOST_BYTES {
        text.truncate(text.floor_char_boundary(MOST_BYTES - 3));
        text.push_str("...");
    }
    text
}

/// What a request on a channel is answered with on this side that has ended.
pub(super) fn ended_channel(context: &'static str) -> Error {
    ErrorKind::InvalidChannelState(ChannelState::Closed, context).into()
}

/// What a request on a connection is answered with on this side that has ended.
pub(super) fn ended_connection() -> Error {
    ErrorKind::InvalidConnectionState(ConnectionState::Closed).into()
}

/// A connection that breaks.
pub(super) fn broken() -> Error {
    io::Error::from(io::ErrorKind::ConnectionReset).into()
}

/// A port where nothing listens.
pub(super) fn unreachable() -> Error {
    io::Error::from(io::ErrorKind::ConnectionRefused).into()
}

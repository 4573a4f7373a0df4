//! What AMQP can answer instead of what was asked for.
//!
//! Ring: shell.

use lapin::ErrorKind;
use lapin::protocol::AMQPErrorKind;

/// A request that was not answered as it should be; its text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct AmqpError {
    fault: Fault,
    text: String,
}

/// Where it went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The broker closed the channel.
    Soft {
        /// One of [`code`].
        code: u16,
        /// The broker's own words.
        text: String,
    },
    /// The broker closed the connection.
    Hard {
        /// One of [`code`].
        code: u16,
    },
    /// A name has more bytes than AMQP has room for. Nothing was sent.
    LongName,
    /// The connection broke, or this side gave up.
    Other,
}

/// AMQP's reply codes, of which the broker sends more.
pub(crate) mod code {
    pub(crate) const ACCESS_REFUSED: u16 = 403;
    pub(crate) const NOT_FOUND: u16 = 404;
    pub(crate) const RESOURCE_LOCKED: u16 = 405;
    pub(crate) const PRECONDITION_FAILED: u16 = 406;
    pub(crate) const NOT_ALLOWED: u16 = 530;
    pub(crate) const NOT_IMPLEMENTED: u16 = 540;
}

impl AmqpError {
    /// Where it went wrong.
    pub(crate) fn fault(&self) -> &Fault {
        &self.fault
    }

    pub(super) fn long_name(name: &str) -> Self {
        Self { fault: Fault::LongName, text: format!("a name of {} bytes is too long: {name}", name.len()) }
    }
}

impl From<lapin::Error> for AmqpError {
    fn from(error: lapin::Error) -> Self {
        let fault = match error.kind() {
            ErrorKind::ProtocolError(said) => match said.kind() {
                AMQPErrorKind::Soft(_) => {
                    Fault::Soft { code: said.get_id(), text: said.get_message().as_str().to_owned() }
                }
                AMQPErrorKind::Hard(_) => Fault::Hard { code: said.get_id() },
            },
            _ => Fault::Other,
        };
        Self { fault, text: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use lapin::protocol::{AMQPError, AMQPHardError, AMQPSoftError};

    use super::*;

    fn said(kind: AMQPErrorKind) -> lapin::Error {
        ErrorKind::ProtocolError(AMQPError::new(kind, "words".into())).into()
    }

    #[test]
    fn the_codes_are_those_of_the_protocol() {
        for (kind, code) in [
            (AMQPSoftError::ACCESSREFUSED, code::ACCESS_REFUSED),
            (AMQPSoftError::NOTFOUND, code::NOT_FOUND),
            (AMQPSoftError::RESOURCELOCKED, code::RESOURCE_LOCKED),
            (AMQPSoftError::PRECONDITIONFAILED, code::PRECONDITION_FAILED),
        ] {
            let error = AmqpError::from(said(kind.into()));
            assert_eq!(*error.fault(), Fault::Soft { code, text: "words".to_owned() });
        }
        for (kind, code) in
            [(AMQPHardError::NOTALLOWED, code::NOT_ALLOWED), (AMQPHardError::NOTIMPLEMENTED, code::NOT_IMPLEMENTED)]
        {
            assert_eq!(*AmqpError::from(said(kind.into())).fault(), Fault::Hard { code });
        }
    }

    #[test]
    fn the_text_is_that_of_the_library() {
        let broken = || lapin::Error::from(std::io::Error::other("broken pipe"));
        for error in [said(AMQPSoftError::NOTFOUND.into()), said(AMQPHardError::NOTALLOWED.into()), broken()] {
            assert_eq!(AmqpError::from(error.clone()).to_string(), error.to_string());
        }
        assert_eq!(*AmqpError::from(broken()).fault(), Fault::Other);
    }
}

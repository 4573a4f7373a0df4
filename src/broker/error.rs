//! What can go wrong with the broker, by what to do about it.
//!
//! Ring: shell. The one place that reads the broker's error texts.
//!
//! Guarantees: no password in any text. *Gone* is not *unreachable*: only the broker's own word that there is no such
//! queue counts as missing; a queue whose node is down is unreachable.

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::endpoint::{Endpoint, EndpointError};

/// Why the broker did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Not connected, no answer in time, or the connection broke. Whether the broker acted is not known.
    #[error("the broker cannot be reached: {reason}")]
    Unreachable {
        /// What was tried and what happened.
        reason: String,
    },
    /// The broker takes no messages, because it has no memory or disk left. Nothing was sent.
    #[error("the broker takes no messages for now: {reason}")]
    Blocked {
        /// The broker's own words.
        reason: String,
    },
    /// The queue (or exchange) is there, made by somebody else with other arguments.
    #[error("{queue} exists with other arguments: {detail}")]
    ArgumentsDiffer {
        /// The queue, or the exchange.
        queue: String,
        /// The broker's own words, with the value that was wanted and the one that is there.
        detail: String,
    },
    /// The broker does not allow it.
    #[error("the broker refuses it: {reason}")]
    Refused {
        /// The broker's own words.
        reason: String,
    },
    /// The message is larger than the broker takes.
    #[error("the message is too large for the broker: {limit}; raise max_message_size in its rabbitmq.conf")]
    TooLarge {
        /// The broker's own words, with both sizes.
        limit: String,
    },
    /// Another connection holds it exclusively.
    #[error("another connection holds it: {reason}")]
    Locked {
        /// The broker's own words.
        reason: String,
    },
}

impl BrokerError {
    /// The error's kind: a small closed set, fit for a metric's label and a condition's reason.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Unreachable",
            Self::Blocked { .. } => "Blocked",
            Self::ArgumentsDiffer { .. } => "ArgumentsDiffer",
            Self::Refused { .. } => "Refused",
            Self::TooLarge { .. } => "TooLarge",
            Self::Locked { .. } => "Locked",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Blocked { .. } | Self::Locked { .. })
    }

    /// What happened, for a text that says already that the broker cannot be reached.
    pub(super) fn into_reason(self) -> String {
        match self {
            Self::Unreachable { reason } => reason,
            other => other.to_string(),
        }
    }

    pub(crate) fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unreachable { reason: reason.into() }
    }

    /// The error of an attempt to connect, with where it was tried.
    pub(super) fn while_connecting(error: &lapin::Error, endpoint: &Endpoint) -> Self {
        let text = endpoint.scrub(&error.to_string());
        match Fault::of(error) {
            Fault::Hard(AMQPHardError::NOTALLOWED) => {
                Self::Refused { reason: format!("{endpoint}: {text}; does the user have permissions in this vhost?") }
            }
            Fault::Soft(AMQPSoftError::ACCESSREFUSED, _) => {
                Self::Refused { reason: format!("{endpoint}: {text}; check user and password") }
            }
            _ => Self::unreachable(format!("{endpoint}: {text}")),
        }
    }
}

impl From<EndpointError> for BrokerError {
    fn from(error: EndpointError) -> Self {
        Self::unreachable(error.to_string())
    }
}

impl From<lapin::Error> for BrokerError {
    fn from(error: lapin::Error) -> Self {
        match Fault::of(&error) {
            Fault::Soft(AMQPSoftError::PRECONDITIONFAILED, text) => precondition(text),
            Fault::Soft(AMQPSoftError::RESOURCELOCKED, text) => Self::Locked { reason: words(text) },
            Fault::Soft(AMQPSoftError::NOTFOUND, text) if !is_missing(&error) => Self::unreachable(words(text)),
            Fault::Soft(_, text) => Self::Refused { reason: words(text) },
            Fault::Hard(AMQPHardError::NOTALLOWED | AMQPHardError::NOTIMPLEMENTED) => {
                Self::Refused { reason: error.to_string() }
            }
            Fault::Hard(_) | Fault::Other => Self::unreachable(error.to_string()),
        }
    }
}

/// What the broker said, if it was the broker that said something.
enum Fault<'a> {
    /// The channel is closed.
    Soft(AMQPSoftError, &'a str),
    /// The connection is closed.
    Hard(AMQPHardError),
    /// The connection broke, or lapin gave up.
    Other,
}

impl<'a> Fault<'a> {
    fn of(error: &'a lapin::Error) -> Self {
        let ErrorKind::ProtocolError(error) = error.kind() else { return Self::Other };
        match error.kind() {
            AMQPErrorKind::Soft(kind) => Self::Soft(kind.clone(), error.get_message().as_str()),
            AMQPErrorKind::Hard(kind) => Self::Hard(kind.clone()),
        }
    }
}

/// Whether the broker says that there is no such queue or exchange.
pub(crate) fn is_missing(error: &lapin::Error) -> bool {
    match Fault::of(error) {
        Fault::Soft(AMQPSoftError::NOTFOUND, text) => text.contains("no queue '") || text.contains("no exchange '"),
        _ => false,
    }
}

/// Whether the broker did not delete a queue because somebody still needs it.
pub(super) fn is_still_wanted(error: &lapin::Error) -> bool {
    match Fault::of(error) {
        Fault::Soft(AMQPSoftError::PRECONDITIONFAILED, text) => text.contains("in use") || text.contains("not empty"),
        _ => false,
    }
}

fn precondition(text: &str) -> BrokerError {
    let detail = words(text);
    if text.contains("inequivalent arg") {
        let name = quoted_after(text, "for queue '").or_else(|| quoted_after(text, "for exchange '"));
        return BrokerError::ArgumentsDiffer { queue: name.unwrap_or_default(), detail };
    }
    if text.contains("message size") && text.contains("larger than") {
        return BrokerError::TooLarge { limit: detail };
    }
    BrokerError::Refused { reason: detail }
}

/// The text without the code's name in front: `PRECONDITION_FAILED - inequivalent arg …`.
fn words(text: &str) -> String {
    text.split_once(" - ").map_or(text, |(_, words)| words).to_owned()
}

fn quoted_after(text: &str, start: &str) -> Option<String> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once('\'').map(|(quoted, _)| quoted.to_owned())
}

#[cfg(test)]
mod tests {
    use lapin::protocol::AMQPError;

    use super::super::endpoint::Trust;
    use super::*;

    fn soft(kind: AMQPSoftError, text: &str) -> lapin::Error {
        ErrorKind::ProtocolError(AMQPError::new(kind.into(), text.into())).into()
    }

    #[test]
    fn differing_arguments_name_the_queue_and_both_values() {
        let text = "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'jobs.a.result' in vhost 'omotes': received '5000' but current is '60000'";
        let BrokerError::ArgumentsDiffer { queue, detail } = soft(AMQPSoftError::PRECONDITIONFAILED, text).into()
        else {
            panic!()
        };
        assert_eq!(queue, "jobs.a.result");
        assert_eq!(
            detail,
            "inequivalent arg 'x-expires' for queue 'jobs.a.result' in vhost 'omotes': received '5000' but current is '60000'"
        );
    }

    #[test]
    fn a_large_message_is_too_large_on_old_and_new_brokers() {
        for text in
            ["message size 20 is larger than configured max size 10", "message size 20 is larger than max size 10"]
        {
            let error =
                BrokerError::from(soft(AMQPSoftError::PRECONDITIONFAILED, &format!("PRECONDITION_FAILED - {text}")));
            assert_eq!(error, BrokerError::TooLarge { limit: text.to_owned() });
        }
    }

    #[test]
    fn a_queue_whose_node_is_down_is_not_missing() {
        let missing = soft(AMQPSoftError::NOTFOUND, "NOT_FOUND - no queue 'q' in vhost '/'");
        assert!(is_missing(&missing));
        let down = soft(
            AMQPSoftError::NOTFOUND,
            "NOT_FOUND - home node 'rabbit@b' of durable queue 'q' in vhost '/' is down or inaccessible",
        );
        assert!(!is_missing(&down));
        assert_eq!(BrokerError::from(down).category(), "Unreachable");
    }

    #[test]
    fn a_queue_in_use_is_still_wanted() {
        assert!(is_still_wanted(&soft(
            AMQPSoftError::PRECONDITIONFAILED,
            "PRECONDITION_FAILED - queue 'q' in vhost '/' in use"
        )));
        assert!(!is_still_wanted(&soft(AMQPSoftError::PRECONDITIONFAILED, "PRECONDITION_FAILED - inequivalent arg")));
    }

    #[test]
    fn a_refused_password_is_not_repeated() {
        let endpoint = Endpoint::parse("amqp://u:pass@h/v", "test", Trust::System).unwrap();
        let error =
            BrokerError::while_connecting(&soft(AMQPSoftError::ACCESSREFUSED, "ACCESS_REFUSED - pass"), &endpoint);
        assert_eq!(error.category(), "Refused");
        assert!(!error.to_string().contains("pass;"), "{error}");
    }

    #[test]
    fn only_what_may_pass_by_itself_is_transient() {
        assert!(BrokerError::unreachable("x").is_transient());
        assert!(!BrokerError::Refused { reason: String::new() }.is_transient());
    }
}

//! What can go wrong with the broker, by what to do about it.
//!
//! Ring: shell. The one place that reads the broker's error texts.
//!
//! Guarantees: no password in any text. *Gone* is not *unreachable*: only the broker's own word that there is no such
//! queue counts as missing; a queue whose node is down is unreachable.

use jiff::Timestamp;

use super::endpoint::{Endpoint, EndpointError};
use super::terms::BrokerState;
use super::transport::{AmqpError, Fault, code};
use crate::{
    api::Reason,
    result::{Obstacle, refused::Nacks},
};

/// Why the broker did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Not connected, or the connection broke. Whether the broker acted is not known.
    #[error("the broker cannot be reached: {reason}")]
    Unreachable {
        /// What was tried and what happened.
        reason: String,
    },
    /// Connected, and no answer in time. Whether the broker acted is not known.
    #[error("RabbitMQ does not answer: {reason}")]
    Unanswered {
        /// What was asked, and for how long.
        reason: String,
        /// Whether a message was published: perhaps its queue alone does not answer.
        publishing: bool,
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
    /// A limit of the vhost or of the cluster is reached.
    #[error("the broker refuses it: {reason}")]
    LimitReached {
        /// The broker's own words, with the limit.
        reason: String,
    },
    /// The message is larger than the broker takes.
    #[error("the message is too large for the broker: {limit}; raise max_message_size in its rabbitmq.conf")]
    TooLarge {
        /// The broker's own words, with both sizes.
        limit: String,
    },
    /// The queue did not take the message, and the broker did not say why. Nothing was stored.
    #[error("the broker refused the message (nack): its queue is full and rejects more, or could not store it")]
    Nacked,
    /// The queue's limits do not admit the message. Nothing was stored.
    #[error("queue {queue} refuses the message: {obstacle}")]
    QueueLimit {
        /// The queue.
        queue: String,
        /// The limit, and the size where that matters.
        obstacle: Obstacle,
    },
    /// The queue holds messages that belong to no job, more than are removed at once.
    #[error(
        "the output is not among the first {looked_through} messages of its queue: those are not the job's, and were removed"
    )]
    Crowded {
        /// How many were looked at.
        looked_through: usize,
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
            Self::Unanswered { .. } => "Unanswered",
            Self::Blocked { .. } => "Blocked",
            Self::ArgumentsDiffer { .. } => "ArgumentsDiffer",
            Self::Refused { .. } => "Refused",
            Self::LimitReached { .. } => "LimitReached",
            Self::TooLarge { .. } => "TooLarge",
            Self::Nacked => "Nacked",
            Self::QueueLimit { .. } => "QueueLimit",
            Self::Crowded { .. } => "Crowded",
            Self::Locked { .. } => "Locked",
        }
    }

    /// Whether the broker answered that it does not take the message: it is certainly in no queue.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::TooLarge { .. } | Self::Nacked | Self::QueueLimit { .. })
    }

    /// Why the queue does not take the message: its limits and the broker's are final, and so are several nacks over some
    /// seconds, which `nacks` counts. The error itself while the queue may still take it.
    pub(crate) fn obstacle(self, nacks: &mut Option<Nacks>, now: Timestamp) -> Result<Obstacle, Self> {
        match self {
            Self::QueueLimit { obstacle, .. } => Ok(obstacle),
            Self::TooLarge { limit } => Ok(Obstacle::MessageSize(limit)),
            Self::Nacked => nacks.insert(Nacks::one_more(*nacks, now)).refusal(now).ok_or(Self::Nacked),
            other => Err(other),
        }
    }

    /// Whether the broker answered that there is no such exchange.
    pub(super) fn lacks_exchange(&self, exchange: &str) -> bool {
        matches!(self, Self::Refused { reason } if reason.contains(&format!("no exchange '{exchange}'")))
    }

    /// Whether a status or progress that ended so, at a broker in that state, is not published again. A queue that answers
    /// nothing, as a quorum queue without a majority, may do so for ever; a broker that is away is waited for.
    pub(crate) fn ends_update(&self, state: &BrokerState) -> bool {
        let unanswered = matches!(self, Self::Unanswered { .. }) && matches!(state, BrokerState::Ready { .. });
        self.is_refusal() || unanswered
    }

    /// The reason of a condition that reports it.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Unreachable { .. }
            | Self::Unanswered { .. }
            | Self::Blocked { .. }
            | Self::Crowded { .. }
            | Self::Locked { .. } => Reason::BrokerFailed,
            Self::LimitReached { .. } => Reason::BrokerLimitReached,
            Self::ArgumentsDiffer { .. }
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::Nacked
            | Self::QueueLimit { .. } => Reason::BrokerRefused,
        }
    }

    /// What helps.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Unanswered { publishing: true, .. } => {
                "Look after the queue: a quorum queue needs a majority of its members"
            }
            Self::Unreachable { .. } | Self::Unanswered { .. } | Self::Locked { .. } => {
                "Look after RabbitMQ and the network between"
            }
            Self::Crowded { .. } => {
                "Find who publishes to omotes.courier with the couriers' credentials, and rotate the operator's key"
            }
            Self::Blocked { .. } => "Free memory or disk of RabbitMQ",
            Self::LimitReached { .. } => {
                "Raise the limit (rabbitmqctl set_vhost_limits), or delete queues that are not needed"
            }
            Self::ArgumentsDiffer { .. } => "Delete the queue, or declare it as it is",
            Self::Refused { .. } => "Give the operator's user in RabbitMQ the permissions that the README lists",
            Self::TooLarge { .. } => "Raise max_message_size",
            Self::Nacked | Self::QueueLimit { .. } => "Raise the queue's limits, or have its messages consumed",
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Unanswered { .. }
                | Self::Blocked { .. }
                | Self::Crowded { .. }
                | Self::Locked { .. }
                | Self::Nacked
        )
    }

    /// What happened, for a text that says already that the broker cannot be reached.
    pub(super) fn into_reason(self) -> String {
        match self {
            Self::Unreachable { reason } | Self::Unanswered { reason, .. } => reason,
            other => other.to_string(),
        }
    }

    pub(crate) fn unreachable(reason: impl Into<String>) -> Self {
        Self::Unreachable { reason: reason.into() }
    }

    /// The same error, of a publication.
    pub(super) fn while_publishing(self) -> Self {
        match self {
            Self::Unanswered { reason, .. } => Self::Unanswered { reason, publishing: true },
            other => other,
        }
    }

    /// The error of an attempt to connect, with where it was tried.
    pub(super) fn while_connecting(error: &AmqpError, endpoint: &Endpoint) -> Self {
        let text = with_remedy(endpoint.scrub(&error.to_string()));
        match error.fault() {
            // Of connections and channels: "connection limit (3) is reached", "maximum allowed limit of (3)".
            Fault::Hard { code: code::NOT_ALLOWED } if text.contains("limit") => {
                Self::LimitReached { reason: format!("{endpoint}: {text}") }
            }
            Fault::Hard { code: code::NOT_ALLOWED } => {
                Self::Refused { reason: format!("{endpoint}: {text}; does the user have permissions in this vhost?") }
            }
            Fault::Soft { code: code::ACCESS_REFUSED, .. } => {
                Self::Refused { reason: format!("{endpoint}: {text}; check user and password") }
            }
            _ => Self::unreachable(format!("{endpoint}: {text}")),
        }
    }
}

/// What rustls says of a certificate that it refuses, and what to mend then.
const REMEDIES: [(&str, &str); 4] = [
    (
        "CaUsedAsEndEntity",
        "the broker presents the certificate of a CA as its own: have that CA issue a server certificate (basicConstraints CA:FALSE) and give the broker that one",
    ),
    ("UnknownIssuer", "the broker's certificate is signed by no authority that is trusted: put its CA into ca.crt"),
    ("not valid for", "the certificate has other names: use one of them as the host, or issue it for this host, too"),
    ("expired", "renew the broker's certificate, or correct the clock"),
];

/// `text` with what to mend, where TLS refuses the broker's certificate.
pub(super) fn with_remedy(text: String) -> String {
    let refused = text.contains("certificate").then(|| REMEDIES.iter().find(|(said, _)| text.contains(said)));
    match refused.flatten() {
        Some((_, remedy)) => format!("{text}; {remedy}"),
        None => text,
    }
}

impl From<EndpointError> for BrokerError {
    fn from(error: EndpointError) -> Self {
        Self::unreachable(error.to_string())
    }
}

impl From<AmqpError> for BrokerError {
    fn from(error: AmqpError) -> Self {
        match error.fault() {
            Fault::Soft { code: code::PRECONDITION_FAILED, text } => precondition(text),
            Fault::Soft { code: code::RESOURCE_LOCKED, text } => Self::Locked { reason: words(text) },
            Fault::Soft { code: code::NOT_FOUND, text } if !is_missing(&error) => Self::unreachable(words(text)),
            Fault::Soft { text, .. } => Self::Refused { reason: words(text) },
            Fault::Hard { code: code::NOT_ALLOWED | code::NOT_IMPLEMENTED } | Fault::LongName => {
                Self::Refused { reason: error.to_string() }
            }
            Fault::Hard { .. } | Fault::Other => Self::unreachable(error.to_string()),
        }
    }
}

/// Whether the broker says that there is no such queue or exchange.
pub(crate) fn is_missing(error: &AmqpError) -> bool {
    match error.fault() {
        Fault::Soft { code: code::NOT_FOUND, text } => text.contains("no queue '") || text.contains("no exchange '"),
        _ => false,
    }
}

/// Whether the broker did not delete a queue because somebody still needs it.
pub(super) fn is_still_wanted(error: &AmqpError) -> bool {
    match error.fault() {
        Fault::Soft { code: code::PRECONDITION_FAILED, text } => text.contains("in use") || text.contains("not empty"),
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
    // Of a queue in a vhost or a cluster: "queue limit in vhost 'v' (3) is reached".
    if text.contains(" limit in ") && text.contains("reached") {
        return BrokerError::LimitReached { reason: detail };
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
    use lapin::ErrorKind;
    use lapin::protocol::{AMQPError, AMQPSoftError};

    use super::super::endpoint::Trust;
    use super::*;

    fn soft(kind: AMQPSoftError, text: &str) -> AmqpError {
        lapin::Error::from(ErrorKind::ProtocolError(AMQPError::new(kind.into(), text.into()))).into()
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
    fn a_refused_certificate_comes_with_its_remedy() {
        let endpoint = Endpoint::parse("amqps://u:p@h/v", "test", Trust::System).unwrap();
        for (said, remedy) in [
            ("Other(OtherError(CaUsedAsEndEntity))", "have that CA issue a server certificate"),
            ("UnknownIssuer", "put its CA into ca.crt"),
        ] {
            let refused = std::io::Error::other(format!("invalid peer certificate: {said}"));
            let refused = AmqpError::from(lapin::Error::from(refused));
            let error = BrokerError::while_connecting(&refused, &endpoint).to_string();
            assert!(error.contains(remedy), "{error}");
        }
    }

    #[test]
    fn a_queue_is_blamed_only_for_what_is_published_to_it() {
        let unanswered = BrokerError::Unanswered { reason: String::new(), publishing: false };
        assert_eq!(unanswered.remedy(), BrokerError::unreachable("x").remedy());
        assert!(unanswered.while_publishing().remedy().contains("quorum queue"));
    }

    #[test]
    fn only_what_may_pass_by_itself_is_transient() {
        assert!(BrokerError::unreachable("x").is_transient());
        assert!(!BrokerError::Refused { reason: String::new() }.is_transient());
    }

    /// A queue whose leader changes, or a permission that is missing for a moment, costs no client its answer.
    #[test]
    fn limits_are_final_at_once_and_nacks_after_some_seconds() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut nacks = None;
        let limit = Obstacle::QueueBytes { limit: 100, size: 440 };
        let full = BrokerError::QueueLimit { queue: "q".to_owned(), obstacle: limit.clone() };
        assert_eq!(full.obstacle(&mut nacks, at(0)), Ok(limit));
        let large = BrokerError::TooLarge { limit: "20 and 10".to_owned() };
        assert_eq!(large.obstacle(&mut nacks, at(0)), Ok(Obstacle::MessageSize("20 and 10".to_owned())));
        for second in [0, 1, 4] {
            assert_eq!(BrokerError::Nacked.obstacle(&mut nacks, at(second)), Err(BrokerError::Nacked));
        }
        let forbidden = BrokerError::Refused { reason: "403".to_owned() };
        assert_eq!(forbidden.clone().obstacle(&mut nacks, at(60)), Err(forbidden));
        let explained = Ok(Obstacle::Nacks { count: 4, seconds: 60 });
        assert_eq!(BrokerError::Nacked.obstacle(&mut nacks, at(60)), explained);
    }

    #[test]
    fn no_answer_is_no_refusal() {
        let limit =
            BrokerError::QueueLimit { queue: "q".to_owned(), obstacle: Obstacle::QueueBytes { limit: 1, size: 2 } };
        assert_eq!(
            limit.to_string(),
            "queue q refuses the message: the message has 2 bytes, and the queue's max-length-bytes is 1"
        );
        assert!(limit.is_refusal() && BrokerError::Nacked.is_refusal());
        assert!(!BrokerError::unreachable("x").is_refusal());
        let unanswered = BrokerError::Unanswered { reason: String::new(), publishing: true };
        assert!(!unanswered.is_refusal() && unanswered.is_transient());
    }

    /// An update is a best effort: one queue that does not answer must not stop its job, and a broker that is away is waited for.
    #[test]
    fn an_update_is_let_go_where_its_queue_alone_is_silent() {
        let since = jiff::Timestamp::UNIX_EPOCH;
        let ready = BrokerState::Ready { since };
        let blocked = BrokerState::Blocked { since, reason: String::new() };
        let unanswered = BrokerError::Unanswered { reason: String::new(), publishing: true };
        for (error, state, ends) in [
            (&unanswered, &ready, true),
            (&unanswered, &blocked, false),
            (&BrokerError::unreachable("x"), &ready, false),
            (&BrokerError::Nacked, &blocked, true),
        ] {
            assert_eq!(error.ends_update(state), ends, "{error} {state:?}");
        }
    }

    #[test]
    fn an_alarm_is_no_refusal() {
        assert!(!BrokerError::Blocked { reason: String::new() }.is_refusal(), "an alarm passes");
    }
}

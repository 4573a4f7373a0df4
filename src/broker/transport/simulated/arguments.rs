//! What a queue's arguments ask for, and whether two declarations are the same.
//!
//! Ring: shell; pure in itself.

use std::time::Duration;

use lapin::types::{AMQPValue, FieldTable};

/// Those that the broker compares, in its order.
const COMPARED: [&str; 9] = [
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-queue-mode",
    "x-queue-type",
];

/// What a full queue does with one message more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    DropHead,
    RejectPublish,
}

/// The limits of a queue.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// How long it lives unused.
    pub(super) expires: Option<Duration>,
    pub(super) message_ttl: Option<Duration>,
    pub(super) max_length: Option<usize>,
    pub(super) max_bytes: Option<usize>,
    pub(super) overflow: Overflow,
}

impl Limits {
    pub(super) fn of(arguments: &FieldTable) -> Self {
        let integer = |name: &str| integer(arguments.inner().get(name)?);
        let number = |name: &str| usize::try_from(integer(name)?).ok();
        let duration = |name: &str| u64::try_from(integer(name)?).ok().map(Duration::from_millis);
        let rejects = arguments.inner().get("x-overflow").and_then(text).is_some_and(|text| text == "reject-publish");
        Self {
            expires: duration("x-expires"),
            message_ttl: duration("x-message-ttl"),
            max_length: number("x-max-length"),
            max_bytes: number("x-max-length-bytes"),
            overflow: if rejects { Overflow::RejectPublish } else { Overflow::DropHead },
        }
    }
}

/// The first argument that differs, with the broker's words for what was received and what is there.
pub(super) fn difference(received: &FieldTable, current: &FieldTable) -> Option<(&'static str, String, String)> {
    COMPARED.into_iter().find_map(|name| {
        let (received, current) = (value(received, name), value(current, name));
        let (new, old) = (received.as_ref().map(shown), current.as_ref().map(shown));
        let words = |value: Option<&AMQPValue>| value.map_or_else(|| "none".to_owned(), described);
        match (&new, &old) {
            _ if new == old => None,
            (Some(new), Some(old)) => Some((name, format!("'{new}'"), format!("'{old}'"))),
            _ => Some((name, words(received.as_ref()), words(current.as_ref()))),
        }
    })
}

/// An argument's value. A queue that is declared without a type is a classic one.
fn value(arguments: &FieldTable, name: &str) -> Option<AMQPValue> {
    let default = || (name == "x-queue-type").then(|| AMQPValue::LongString("classic".into()));
    arguments.inner().get(name).cloned().or_else(default)
}

/// As the broker shows a value beside another one.
pub(super) fn shown(value: &AMQPValue) -> String {
    match integer(value) {
        Some(number) => number.to_string(),
        None => text(value).unwrap_or_else(|| format!("{value:?}")),
    }
}

/// As the broker shows a value beside none.
fn described(value: &AMQPValue) -> String {
    let kind = match value {
        AMQPValue::LongLongInt(_) => "long",
        AMQPValue::LongInt(_) => "signedint",
        AMQPValue::LongString(_) => "longstr",
        _ => "unknown",
    };
    format!("the value '{}' of type '{kind}'", shown(value))
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::LongInt(number) => Some(i64::from(*number)),
        AMQPValue::LongUInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortShortInt(number) => Some(i64::from(*number)),
        _ => None,
    }
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

//! Which result queues were deleted, by whom and when.
//!
//! Ring: shell; pure in itself. Fed by the broker's event exchange.
//!
//! Guarantees: bounded; the newest deletions are kept.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};

/// As many as the events' queue holds.
const MAX_KEPT: usize = 100_000;

/// Who deleted a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleter {
    /// The operator's own user.
    Operator,
    /// The broker: nobody used it for its time to live.
    Expiry,
    /// Another user of the broker: the client that read its result, or an administrator.
    Other(String),
}

/// The deletion of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deletion {
    pub(super) by: Deleter,
    pub(super) at: Timestamp,
}

/// The newest deletion of each result queue.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    by_queue: HashMap<String, Deletion>,
    oldest_first: VecDeque<String>,
}

impl Deletions {
    pub(super) fn record(&mut self, queue: String, deletion: Deletion) {
        if self.by_queue.insert(queue.clone(), deletion).is_some() {
            return;
        }
        self.oldest_first.push_back(queue);
        if self.oldest_first.len() > MAX_KEPT
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_queue.remove(&oldest);
        }
    }

    pub(super) fn of(&self, queue: &str) -> Option<&Deletion> {
        self.by_queue.get(queue)
    }
}

/// The deletion in an event, whose facts are in its headers; `None` for queues of other virtual hosts.
pub(super) fn read_event(properties: &BasicProperties, vhost: &str, own_user: &str) -> Option<(String, Deletion)> {
    let headers = properties.headers().as_ref()?;
    if text(headers, "vhost")? != vhost {
        return None;
    }
    let at = Timestamp::from_millisecond(integer(headers, "timestamp_in_ms")?).ok()?;
    let by = match text(headers, "user_who_performed_action")?.as_str() {
        // Classic and quorum queues name the broker differently.
        "rmq-internal" | "expired" => Deleter::Expiry,
        user if user == own_user => Deleter::Operator,
        user => Deleter::Other(user.to_owned()),
    };
    Some((text(headers, "name")?, Deletion { by, at }))
}

fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

fn integer(headers: &FieldTable, name: &str) -> Option<i64> {
    match headers.inner().get(name)? {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::Timestamp(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(user: &str) -> BasicProperties {
        let mut headers = FieldTable::default();
        for (name, value) in [("name", "jobs.a.result"), ("vhost", "omotes"), ("user_who_performed_action", user)] {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        headers.insert("timestamp_in_ms".into(), AMQPValue::LongLongInt(1500));
        BasicProperties::default().with_headers(headers)
    }

    fn read(user: &str) -> Option<(String, Deletion)> {
        read_event(&event(user), "omotes", "omotes-operator")
    }

    #[test]
    fn an_event_says_who_and_when() {
        let at = Timestamp::from_millisecond(1500).unwrap();
        for (user, by) in [
            ("omotes-client", Deleter::Other("omotes-client".to_owned())),
            ("omotes-operator", Deleter::Operator),
            ("rmq-internal", Deleter::Expiry),
            ("expired", Deleter::Expiry),
        ] {
            assert_eq!(read(user), Some(("jobs.a.result".to_owned(), Deletion { by, at })));
        }
    }

    #[test]
    fn other_virtual_hosts_and_incomplete_events_are_ignored() {
        assert_eq!(read_event(&event("u"), "other", "omotes-operator"), None);
        assert_eq!(read_event(&BasicProperties::default(), "omotes", "omotes-operator"), None);
    }

    #[test]
    fn the_newest_are_kept() {
        let mut deletions = Deletions::default();
        let deletion = Deletion { by: Deleter::Expiry, at: Timestamp::UNIX_EPOCH };
        for number in 0..=MAX_KEPT {
            deletions.record(number.to_string(), deletion.clone());
            deletions.record(number.to_string(), deletion.clone());
        }
        assert_eq!(deletions.of("0"), None);
        assert_eq!(deletions.of("1"), Some(&deletion));
        assert_eq!(deletions.by_queue.len(), MAX_KEPT);
    }
}

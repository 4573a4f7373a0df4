//! Which result queues were deleted, by whom and when.
//!
//! Ring: shell; pure in itself. Fed by the broker's event exchange.
//!
//! Guarantees: bounded; the newest deletions are kept.

use jiff::Timestamp;

use super::transport::Properties;
use crate::newest::Newest;
use crate::result::{Deleter, QueueDeletion};

/// As many as the events' queue holds.
const MAX_KEPT: usize = 100_000;

/// The newest deletion of each result queue.
pub(super) type Deletions = Newest<String, QueueDeletion, MAX_KEPT>;

/// The deletion in an event, whose facts are in its headers; `None` for queues of other virtual hosts.
pub(super) fn read_event(properties: &Properties, vhost: &str, own_user: &str) -> Option<(String, QueueDeletion)> {
    if properties.text("vhost")? != vhost {
        return None;
    }
    let at = Timestamp::from_millisecond(properties.integer("timestamp_in_ms")?).ok()?;
    let by = match properties.text("user_who_performed_action")?.as_str() {
        // Classic and quorum queues name the broker differently.
        "rmq-internal" | "expired" => Deleter::Expiry,
        // `rabbitmqctl` has no user; its name differs between versions.
        "rmq-cli" | "cli_user" => Deleter::Administrator,
        user if user == own_user => Deleter::Operator,
        user => Deleter::Other(user.to_owned()),
    };
    Some((properties.text("name")?, QueueDeletion { by, at }))
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;
    use lapin::types::{AMQPValue, FieldTable};

    use super::*;

    fn event(user: &str) -> Properties {
        let mut headers = FieldTable::default();
        for (name, value) in [("name", "jobs.a.result"), ("vhost", "omotes"), ("user_who_performed_action", user)] {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        headers.insert("timestamp_in_ms".into(), AMQPValue::LongLongInt(1500));
        BasicProperties::default().with_headers(headers).into()
    }

    fn read(user: &str) -> Option<(String, QueueDeletion)> {
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
            ("rmq-cli", Deleter::Administrator),
            ("cli_user", Deleter::Administrator),
        ] {
            assert_eq!(read(user), Some(("jobs.a.result".to_owned(), QueueDeletion { by, at })));
        }
    }

    #[test]
    fn other_virtual_hosts_and_incomplete_events_are_ignored() {
        assert_eq!(read_event(&event("u"), "other", "omotes-operator"), None);
        assert_eq!(read_event(&Properties::default(), "omotes", "omotes-operator"), None);
    }
}

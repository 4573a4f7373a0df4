//! Exchanges, and which queues a message reaches by one.
//!
//! Ring: shell; pure in itself.

use std::collections::BTreeSet;

use lapin::ExchangeKind;

use super::refusal::Refusal;

/// An exchange with its bindings.
#[derive(Debug)]
pub(super) struct Exchange {
    kind: ExchangeKind,
    is_durable: bool,
    /// Only the broker publishes to it.
    pub(super) is_internal: bool,
    /// Routing key and queue.
    bindings: BTreeSet<(String, String)>,
}

impl Exchange {
    pub(super) fn new(kind: ExchangeKind, is_durable: bool) -> Self {
        Self { kind, is_durable, is_internal: false, bindings: BTreeSet::new() }
    }

    /// The exchange of the broker's event exchange plugin.
    pub(super) fn of_events() -> Self {
        Self { is_internal: true, ..Self::new(ExchangeKind::Topic, true) }
    }

    pub(super) fn bind(&mut self, queue: &str, key: &str) {
        self.bindings.insert((key.to_owned(), queue.to_owned()));
    }

    /// Removes the bindings of a queue.
    pub(super) fn unbind(&mut self, queue: &str) {
        self.bindings.retain(|(_, bound)| bound != queue);
    }

    /// The queues that a message with this routing key reaches.
    pub(super) fn route(&self, key: &str) -> BTreeSet<String> {
        let reached = self.bindings.iter().filter(|(pattern, _)| self.takes(pattern, key));
        reached.map(|(_, queue)| queue.clone()).collect()
    }

    fn takes(&self, pattern: &str, key: &str) -> bool {
        match self.kind {
            ExchangeKind::Direct => pattern == key,
            ExchangeKind::Topic => {
                let (pattern, key): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), key.split('.').collect());
                matches_words(&pattern, &key)
            }
            ExchangeKind::Fanout => true,
            // Nothing here declares another kind.
            ExchangeKind::Headers | ExchangeKind::Custom(_) => false,
        }
    }

    /// Whether another declaration of the exchange `name` is the same.
    pub(super) fn check_equivalent(&self, name: &str, vhost: &str, other: &Self) -> Result<(), Refusal> {
        let kind = |exchange: &Self| format!("{:?}", exchange.kind).to_lowercase();
        let durable = |exchange: &Self| exchange.is_durable.to_string();
        for (argument, received, current) in
            [("type", kind(other), kind(self)), ("durable", durable(other), durable(self))]
        {
            if received != current {
                return Err(Refusal::precondition(&format!(
                    "inequivalent arg '{argument}' for exchange '{name}' in vhost '{vhost}': received '{received}' but \
                     current is '{current}'"
                )));
            }
        }
        Ok(())
    }
}

/// `*` is one word, `#` any number of words.
fn matches_words(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"#", rest)), _) => (0..=key.len()).any(|skipped| matches_words(rest, &key[skipped..])),
        (Some((word, rest)), Some((first, others))) => (*word == "*" || word == first) && matches_words(rest, others),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_words() {
        for (pattern, key, expected) in [
            ("queue.deleted", "queue.deleted", true),
            ("queue.*", "queue.deleted", true),
            ("queue.*", "queue", false),
            ("queue.*", "queue.a.b", false),
            ("queue.#", "queue", true),
            ("queue.#", "queue.a.b", true),
            ("#", "", true),
            ("#.b", "a.a.b", true),
            ("#.*.c", "c", false),
            ("a.#.c", "a.b.b", false),
        ] {
            let mut exchange = Exchange::new(ExchangeKind::Topic, true);
            exchange.bind("q", pattern);
            assert_eq!(!exchange.route(key).is_empty(), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn a_queue_is_reached_once() {
        let mut fanout = Exchange::new(ExchangeKind::Fanout, true);
        fanout.bind("q", "a");
        fanout.bind("q", "b");
        fanout.bind("r", "");
        assert_eq!(fanout.route("c"), ["q".to_owned(), "r".to_owned()].into());
        fanout.unbind("q");
        assert_eq!(fanout.route("c"), ["r".to_owned()].into());
    }
}

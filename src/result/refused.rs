//! Results that a queue does not take: why, and when the operator gives up trying or tries again.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::facts::{Overflow, QueueFacts, QueueLimits};

/// So many nacks that no limit explains …
const MOST_NACKS: u32 = 3;
/// … in at least this time are a refusal: a queue whose leader changes answers within seconds.
const NACKS_PERIOD: SignedDuration = SignedDuration::from_secs(10);
/// The first and the longest time until a refused result is offered to its queue again.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(15);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(600);

/// Why a queue does not take a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The message is larger than all that the queue may hold.
    QueueBytes {
        /// The queue's max-length-bytes.
        limit: u64,
        /// The message's size in bytes.
        size: u64,
    },
    /// The queue holds as many messages or bytes as it may.
    QueueFull(QueueLimits),
    /// The message is larger than the broker takes. The text has both sizes.
    MessageSize(String),
    /// The broker does not say why.
    Nacks {
        /// How often it refused the message.
        count: u32,
        /// In how many seconds.
        seconds: i64,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueBytes { limit, size } => {
                write!(f, "the message has {size} bytes, and the queue's max-length-bytes is {limit}")
            }
            Self::QueueFull(limits) => {
                let of = |name: &str, limit: Option<u64>| limit.map(|limit| format!("{name} {limit}"));
                let limits = [of("max-length", limits.max_length), of("max-length-bytes", limits.max_length_bytes)];
                let limits: Vec<String> = limits.into_iter().flatten().collect();
                write!(f, "the queue is full, and rejects what goes over its {}", limits.join(" and "))
            }
            Self::MessageSize(sizes) => write!(f, "{sizes}; raise max_message_size in the broker's rabbitmq.conf"),
            Self::Nacks { count, seconds } => {
                write!(f, "the broker refused it {count} times in {seconds} s and does not say why")
            }
        }
    }
}

/// Why the operator keeps a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptBecause {
    /// Its queue was gone: one that is there now is new, and its counters are about this result alone.
    Unroutable,
    /// Its queue refused it, perhaps because other messages were in it.
    Refused,
}

/// Why a queue cannot hold a message of so many bytes, whatever is in the queue. A consumer may take one that the queue
/// would only drop, so it is sent to a queue with consumers.
#[must_use]
pub(crate) fn before_publishing(facts: &QueueFacts, size: u64) -> Option<Obstacle> {
    let drops = facts.limits.overflow == Overflow::DropHead;
    if drops && facts.consumers.unwrap_or(0) > 0 {
        return None;
    }
    if facts.limits.max_length == Some(0) {
        return Some(Obstacle::QueueFull(facts.limits));
    }
    let limit = facts.limits.max_length_bytes.filter(|limit| size > *limit)?;
    Some(Obstacle::QueueBytes { limit, size })
}

/// Why a queue refused a message of so many bytes, as far as its limits explain that.
#[must_use]
pub(crate) fn after_nack(facts: &QueueFacts, size: u64) -> Option<Obstacle> {
    let limits = facts.limits;
    let rejects = limits.overflow == Overflow::RejectPublish;
    let limited = limits.max_length.is_some() || limits.max_length_bytes.is_some();
    before_publishing(facts, size).or_else(|| (rejects && limited).then_some(Obstacle::QueueFull(limits)))
}

/// Nacks in a row that nothing explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nacks {
    first: Timestamp,
    count: u32,
}

impl Nacks {
    /// One more after those `before`.
    #[must_use]
    pub(crate) fn one_more(before: Option<Self>, now: Timestamp) -> Self {
        before.map_or(Self { first: now, count: 1 }, |known| Self { count: known.count.saturating_add(1), ..known })
    }

    /// The refusal that they amount to; `None` while the queue may still take the message.
    #[must_use]
    pub(crate) fn refusal(self, now: Timestamp) -> Option<Obstacle> {
        let period = now.duration_since(self.first);
        let refused = self.count >= MOST_NACKS && period >= NACKS_PERIOD;
        refused.then(|| Obstacle::Nacks { count: self.count, seconds: period.as_secs() })
    }
}

/// How long the operator waits before it offers a result again that was refused so often, counted from 1.
#[must_use]
pub(crate) fn wait_after(refusals: u32) -> SignedDuration {
    let grown = FIRST_WAIT.saturating_mul(1 << refusals.saturating_sub(1).min(16));
    grown.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn facts(max_length: Option<u64>, max_length_bytes: Option<u64>, overflow: Overflow, consumers: u64) -> QueueFacts {
        let limits = QueueLimits { max_length, max_length_bytes, overflow };
        QueueFacts { consumers: Some(consumers), limits, ..QueueFacts::default() }
    }

    #[test]
    fn a_queue_that_can_never_hold_the_message_is_known_before() {
        use Overflow::{DropHead, RejectPublish};
        for (facts, refused) in [
            (facts(None, None, DropHead, 0), false),
            (facts(Some(1), None, RejectPublish, 0), false),
            (facts(Some(0), None, DropHead, 0), true),
            (facts(None, Some(440), RejectPublish, 0), false),
            (facts(None, Some(439), RejectPublish, 0), true),
            (facts(None, Some(439), RejectPublish, 1), true),
            (facts(None, Some(439), DropHead, 0), true),
            (facts(None, Some(439), DropHead, 1), false),
        ] {
            assert_eq!(before_publishing(&facts, 440).is_some(), refused, "{facts:?}");
        }
    }

    #[test]
    fn a_nack_is_explained_by_the_limits_of_a_queue_that_rejects() {
        let full = after_nack(&facts(Some(1), None, Overflow::RejectPublish, 1), 440).unwrap();
        assert_eq!(full.to_string(), "the queue is full, and rejects what goes over its max-length 1");
        let large = after_nack(&facts(Some(1), Some(100), Overflow::RejectPublish, 0), 440).unwrap();
        assert_eq!(large.to_string(), "the message has 440 bytes, and the queue's max-length-bytes is 100");
        assert_eq!(after_nack(&facts(None, None, Overflow::RejectPublish, 0), 440), None);
        assert_eq!(after_nack(&facts(Some(1), None, Overflow::DropHead, 1), 440), None);
    }

    #[test]
    fn several_nacks_over_some_seconds_are_a_refusal() {
        let first = Nacks::one_more(None, at(0));
        assert_eq!(first.refusal(at(60)), None, "one");
        let third = Nacks::one_more(Some(Nacks::one_more(Some(first), at(1))), at(2));
        assert_eq!(third.refusal(at(9)), None, "too soon");
        assert_eq!(third.refusal(at(10)), Some(Obstacle::Nacks { count: 3, seconds: 10 }));
    }

    #[test]
    fn refused_results_are_offered_again_less_and_less_often() {
        let waits: Vec<i64> = [1, 2, 3, 7, 99].map(|refusals| wait_after(refusals).as_secs()).to_vec();
        assert_eq!(waits, [15, 30, 60, 600, 600]);
    }
}

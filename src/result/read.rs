//! What became of a published result: unread, read, expired, deleted, or gone without a delivery.
//!
//! A queue that is empty was read only where the broker counts a delivery, or where its client deleted it. A policy, a
//! message TTL and a purge empty a queue, too, and leave no other trace.

use jiff::{SignedDuration, Timestamp};

use crate::api::status::QueuesState;

use super::facts::{Deleter, QueueLookup};

/// The broker's number of messages may be that old: two seconds of a quorum queue, and a published time has whole seconds.
const COUNT_LAG: SignedDuration = SignedDuration::from_secs(3);

/// So long a queue is empty without a counted delivery before that says something: a busy broker counts late.
const COUNTERS_LAG: SignedDuration = SignedDuration::from_secs(30);

/// What is known of the result queue of a job that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultQueue {
    /// Nothing yet.
    Unknown,
    /// The result waits in it.
    Unread,
    /// It is empty, and the broker counts a delivery, as seen at that time.
    Read(Timestamp),
    /// It is empty, and the broker counts no delivery, as seen at that time.
    Emptied(Timestamp),
    /// It is not there any more.
    Gone {
        /// How it came to that.
        how: QueueEnd,
        /// When that happened, or was seen.
        at: Timestamp,
    },
}

/// How a queue came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueEnd {
    /// Its time to live was over.
    Expiry,
    /// The operator removed it.
    ByOperator,
    /// An administrator removed it.
    ByAdministrator,
    /// Another user of the broker did: the client that read its result.
    ByUser(String),
    /// No event tells.
    Unknown,
}

impl From<Deleter> for QueueEnd {
    fn from(by: Deleter) -> Self {
        match by {
            Deleter::Operator => Self::ByOperator,
            Deleter::Expiry => Self::Expiry,
            Deleter::Administrator => Self::ByAdministrator,
            Deleter::Other(user) => Self::ByUser(user),
        }
    }
}

/// Whether a count taken at `at` can show a result that was published at `published`.
#[must_use]
pub(crate) fn is_counted(published: Timestamp, at: Timestamp) -> bool {
    at >= published + COUNT_LAG
}

/// What an empty queue shows that was seen empty since `since`; `None` while the broker's counters may lag.
#[must_use]
pub(crate) fn of_empty(queue: &QueueLookup, since: Timestamp, now: Timestamp) -> Option<ResultQueue> {
    let QueueLookup::Present(facts) = queue else { return None };
    if facts.acknowledged.unwrap_or(0) > 0 {
        return Some(ResultQueue::Read(now));
    }
    (now >= since + COUNTERS_LAG).then_some(ResultQueue::Emptied(now))
}

/// What has become of a result, and why in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// `state` of the result queue.
    pub state: QueuesState,
    /// `reason` of it. `None` where the queue waits to be read, or the broker counts a delivery.
    pub reason: Option<String>,
}

impl Fate {
    /// Whether nothing but the broker's counters shows that the result was read.
    #[must_use]
    pub(crate) fn is_counted(&self) -> bool {
        self.state == QueuesState::Consumed && self.reason.is_none()
    }

    /// That of a result whose queue is empty without a delivery.
    #[must_use]
    pub(crate) fn emptied() -> Self {
        let reason = "the result left its queue and the broker counts no delivery: a message TTL, a length limit or a purge removed it, or the broker was restarted after the delivery. Whether the client has it is unknown";
        Self { state: QueuesState::Gone, reason: Some(reason.to_owned()) }
    }

    /// That of a result whose queue came to this end; `overdue`: after the queue's own time to live.
    #[must_use]
    pub(crate) fn of_end(how: &QueueEnd, overdue: bool) -> Self {
        let (state, reason) = match how {
            QueueEnd::ByUser(user) => (QueuesState::Consumed, format!("user {user} deleted the result queue")),
            QueueEnd::ByAdministrator => (
                QueuesState::Deleted,
                "an administrator deleted the result queue (rabbitmqctl): whether the client had read it is unknown"
                    .to_owned(),
            ),
            QueueEnd::Unknown if !overdue => {
                (QueuesState::Deleted, "Unknown: the result queue is gone, and no event tells why".to_owned())
            }
            QueueEnd::ByOperator if !overdue => {
                (QueuesState::Deleted, "the operator removed the result queue".to_owned())
            }
            QueueEnd::Expiry | QueueEnd::Unknown | QueueEnd::ByOperator => {
                (QueuesState::Expired, "nobody read the result before its time to live was over".to_owned())
            }
        };
        Self { state, reason: Some(reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::QueueFacts;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn empty(acknowledged: Option<u64>) -> QueueLookup {
        QueueLookup::Present(QueueFacts {
            messages: Some(0),
            published: Some(1),
            acknowledged,
            ..QueueFacts::default()
        })
    }

    /// sensu#709: a message TTL removes what no client has read.
    #[test]
    fn an_empty_queue_was_read_only_with_a_delivery() {
        assert_eq!(of_empty(&empty(Some(1)), at(10), at(10)), Some(ResultQueue::Read(at(10))));
        for none in [None, Some(0)] {
            assert_eq!(of_empty(&empty(none), at(10), at(39)), None, "the counters may lag");
            assert_eq!(of_empty(&empty(none), at(10), at(40)), Some(ResultQueue::Emptied(at(40))));
        }
    }

    #[test]
    fn unknown_is_not_empty() {
        for queue in [QueueLookup::Absent, QueueLookup::Unreachable("down".to_owned())] {
            assert_eq!(of_empty(&queue, at(0), at(100)), None);
        }
    }

    #[test]
    fn a_queue_that_its_client_deleted_was_read() {
        let user = QueueEnd::ByUser("client".to_owned());
        for (how, overdue, state) in [
            (user, false, QueuesState::Consumed),
            (QueueEnd::Expiry, false, QueuesState::Expired),
            (QueueEnd::ByAdministrator, false, QueuesState::Deleted),
            (QueueEnd::ByOperator, false, QueuesState::Deleted),
            (QueueEnd::ByOperator, true, QueuesState::Expired),
            (QueueEnd::Unknown, false, QueuesState::Deleted),
            (QueueEnd::Unknown, true, QueuesState::Expired),
        ] {
            assert_eq!(Fate::of_end(&how, overdue).state, state, "{how:?}");
        }
    }
}

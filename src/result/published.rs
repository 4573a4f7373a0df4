//! Whether a result was published, by the traces that it leaves at the broker.
//!
//! The operator asks when it does not know: it crashed, or the connection broke, between publishing a result and storing
//! that it did. A message that is there, a counted publish, or a queue that its client deleted show that it was. Nothing
//! of the kind shows that it was not – once the broker's statistics had the time to show it.

use jiff::{SignedDuration, Timestamp};

use super::facts::{Deleter, Overflow, PublishAttempt, QueueDeletion, QueueFacts, QueueLookup};

/// The management API's numbers are up to five seconds old (plus two for a busy broker).
pub(crate) const STATISTICS_LAG: SignedDuration = SignedDuration::from_secs(7);
/// How long a broker may take to count a queue for the first time, before it is taken for one that does not count.
const FIRST_COUNT: SignedDuration = SignedDuration::from_secs(30);
/// How long the management API may be away, before the result is worth more than the knowledge about it.
const OUTAGE: SignedDuration = SignedDuration::from_secs(60);
/// Between two looks at something that is under way.
pub(crate) const AGAIN: SignedDuration = SignedDuration::from_secs(2);

/// Whether a result was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It was: it is there, or it was read.
    Published,
    /// It was not.
    NotPublished,
    /// It is too early to say.
    Unknown {
        /// When it is worth asking again.
        retry_at: Timestamp,
    },
    /// There is no such queue any more, and no trace of its client having read it.
    QueueGone,
    /// This broker does not tell: it has neither management API nor event exchange for the operator, or does not count.
    Unavailable,
}

/// Everything that the rule looks at.
#[derive(Clone, Debug)]
pub(crate) struct Findings<'a> {
    /// `now` is when the question is asked.
    pub now: Timestamp,
    /// `ended` is when the job did: no result of it is older.
    pub ended: Timestamp,
    /// `session_opened` is since when this connection is there: nothing of ours was published before it, unless by a former
    /// connection.
    pub session_opened: Timestamp,
    /// `attempt` of this process to publish it.
    pub attempt: Option<PublishAttempt>,
    /// `deletion` of the queue, by the event exchange.
    pub deletion: Option<&'a QueueDeletion>,
    /// `queue` as the management API describes it; `None` where there is no such API.
    pub queue: Option<QueueLookup>,
    /// `outage_since` is since when the management API does not answer.
    pub outage_since: Option<Timestamp>,
}

/// The rule.
#[must_use]
pub(crate) fn judge(findings: &Findings<'_>) -> Evidence {
    match findings.attempt {
        Some(PublishAttempt::InFlight) => return findings.ask_again(AGAIN),
        Some(PublishAttempt::Published { .. }) => return Evidence::Published,
        // The queue counts what it rejected as published.
        Some(PublishAttempt::Refused { .. }) => return Evidence::NotPublished,
        Some(PublishAttempt::Failed { .. }) | None => {}
    }
    if findings.was_read() {
        return Evidence::Published;
    }
    match &findings.queue {
        Some(QueueLookup::Present(facts)) if shows_a_result(facts) => Evidence::Published,
        Some(QueueLookup::Present(facts)) if facts.messages == Some(0) => findings.once_counted(Evidence::NotPublished),
        Some(QueueLookup::Present(_)) => findings.not_counted(),
        Some(QueueLookup::Absent) => findings.once_counted(Evidence::QueueGone),
        Some(QueueLookup::Unreachable(_)) => findings.not_answered(),
        None => Evidence::Unavailable,
    }
}

/// Whether the queue holds a message, took one, or gave one to a consumer.
fn shows_a_result(facts: &QueueFacts) -> bool {
    let is_set = |count: Option<u64>| count.unwrap_or(0) > 0;
    let took = is_set(facts.published) && facts.limits.overflow != Overflow::RejectPublish;
    took || is_set(facts.messages) || is_set(facts.acknowledged)
}

impl Findings<'_> {
    fn was_read(&self) -> bool {
        self.deletion.is_some_and(|deletion| matches!(deletion.by, Deleter::Other(_)) && deletion.at >= self.ended)
    }

    /// The last moment at which something may have been published that statistics and events do not show yet.
    fn last_unseen(&self) -> Timestamp {
        match self.attempt {
            Some(PublishAttempt::Failed { at }) => at.max(self.session_opened),
            _ => self.session_opened,
        }
    }

    fn once_counted(&self, evidence: Evidence) -> Evidence {
        let retry_at = self.last_unseen() + STATISTICS_LAG;
        if self.now >= retry_at { evidence } else { Evidence::Unknown { retry_at } }
    }

    fn not_counted(&self) -> Evidence {
        if self.now < self.last_unseen() + FIRST_COUNT { self.ask_again(AGAIN) } else { Evidence::Unavailable }
    }

    fn not_answered(&self) -> Evidence {
        if self.now < self.outage_since.unwrap_or(self.now) + OUTAGE {
            self.ask_again(AGAIN * 2)
        } else {
            Evidence::Unavailable
        }
    }

    fn ask_again(&self, after: SignedDuration) -> Evidence {
        Evidence::Unknown { retry_at: self.now + after }
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::QueueLimits;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Ended at 100, connected at 200, asked at 300: everything had its time.
    fn findings(queue: QueueLookup) -> Findings<'static> {
        Findings {
            now: at(300),
            ended: at(100),
            session_opened: at(200),
            attempt: None,
            deletion: None,
            queue: Some(queue),
            outage_since: None,
        }
    }

    fn present(messages: Option<u64>, published: Option<u64>) -> QueueLookup {
        QueueLookup::Present(QueueFacts { messages, published, ..QueueFacts::default() })
    }

    #[test]
    fn a_message_or_a_counted_publish_shows_it() {
        assert_eq!(judge(&findings(present(Some(1), None))), Evidence::Published);
        assert_eq!(judge(&findings(present(Some(0), Some(1)))), Evidence::Published);
        assert_eq!(judge(&findings(present(None, Some(1)))), Evidence::Published);
    }

    /// smallrye-reactive-messaging#2726: a queue that rejects what goes over its limits counts it as published.
    #[test]
    fn a_rejected_publication_is_none() {
        let limits = QueueLimits { max_length: Some(1), overflow: Overflow::RejectPublish, ..QueueLimits::default() };
        let counted = QueueFacts { messages: Some(0), published: Some(1), limits, ..QueueFacts::default() };
        assert_eq!(judge(&findings(QueueLookup::Present(counted))), Evidence::NotPublished);
        let taken = QueueFacts { acknowledged: Some(1), ..counted };
        assert_eq!(judge(&findings(QueueLookup::Present(taken))), Evidence::Published);
        let refused = PublishAttempt::Refused { at: at(299) };
        let counted = present(Some(0), Some(1));
        assert_eq!(judge(&Findings { attempt: Some(refused), ..findings(counted) }), Evidence::NotPublished);
    }

    #[test]
    fn an_empty_queue_counts_once_statistics_had_their_time() {
        assert_eq!(judge(&findings(present(Some(0), None))), Evidence::NotPublished);
        assert_eq!(judge(&findings(present(Some(0), Some(0)))), Evidence::NotPublished);
        let early = Findings { now: at(206), ..findings(present(Some(0), None)) };
        assert_eq!(judge(&early), Evidence::Unknown { retry_at: at(207) });
        let failed =
            Findings { attempt: Some(PublishAttempt::Failed { at: at(298) }), ..findings(present(Some(0), None)) };
        assert_eq!(judge(&failed), Evidence::Unknown { retry_at: at(305) });
    }

    #[test]
    fn a_deletion_by_a_client_after_the_end_shows_that_it_was_read() {
        let judged = |by: Deleter, second: i64| {
            let deletion = QueueDeletion { by, at: at(second) };
            judge(&Findings { deletion: Some(&deletion), ..findings(QueueLookup::Absent) })
        };
        let client = Deleter::Other("client".to_owned());
        assert_eq!(judged(client.clone(), 100), Evidence::Published);
        assert_eq!(judged(client, 99), Evidence::QueueGone);
        assert_eq!(judged(Deleter::Expiry, 150), Evidence::QueueGone);
        assert_eq!(judged(Deleter::Operator, 150), Evidence::QueueGone);
        assert_eq!(judged(Deleter::Administrator, 150), Evidence::QueueGone);
    }

    #[test]
    fn what_this_process_did_itself_comes_first() {
        let judged = |attempt| judge(&Findings { attempt: Some(attempt), ..findings(present(Some(0), None)) });
        assert_eq!(judged(PublishAttempt::InFlight), Evidence::Unknown { retry_at: at(302) });
        assert_eq!(judged(PublishAttempt::Published { at: at(299) }), Evidence::Published);
    }

    #[test]
    fn unknown_is_not_absent() {
        let down = QueueLookup::Unreachable("down".to_owned());
        let judged = |since| judge(&Findings { outage_since: Some(at(since)), ..findings(down.clone()) });
        assert_eq!(judged(299), Evidence::Unknown { retry_at: at(304) });
        assert_eq!(judged(240), Evidence::Unavailable);
        assert_eq!(judge(&findings(present(None, None))), Evidence::Unavailable);
        let early = Findings { now: at(210), ..findings(present(None, None)) };
        assert_eq!(judge(&early), Evidence::Unknown { retry_at: at(212) });
        assert_eq!(judge(&Findings { queue: None, ..findings(down) }), Evidence::Unavailable);
    }
}

//! Whether a job may use the queue that its result goes to.
//!
//! A jobId that a user chose may have been that of an earlier job, and the queue may hold that job's result. A job that
//! used it would give its client the other's result, and take the counters of the queue for its own.

use jiff::SignedDuration;

use super::facts::QueueFacts;

/// How soon a job looks again whether the result of an earlier one was read.
pub(crate) const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What a job finds in the place of its result queue, before it uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vacancy {
    /// Nothing, or a queue that nothing was ever in.
    Free,
    /// An empty queue without consumers, whose counters may not start at zero: it is deleted and declared anew.
    Replace,
    /// The queue of another job.
    Occupied(Occupant),
}

/// What keeps a queue from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Occupant {
    /// `messages` that wait in it.
    pub messages: u64,
    /// `consumers` that it has.
    pub consumers: u64,
}

/// Judges a queue by what is in it now and, where the management API counts, by what ever was.
#[must_use]
pub(crate) fn vacancy(counted: Option<&QueueFacts>, now: Occupant, expires_ms: Option<i64>) -> Vacancy {
    let used = counted.is_some_and(QueueFacts::was_used);
    let same = counted.is_some_and(|facts| facts.expires_ms == expires_ms);
    match now {
        Occupant { messages: 1.., .. } => Vacancy::Occupied(now),
        Occupant { consumers: 1.., .. } if used => Vacancy::Occupied(now),
        // The counters may lag, so an unused one with the same arguments is replaced, too.
        Occupant { consumers: 0, .. } if used || same => Vacancy::Replace,
        Occupant { .. } => Vacancy::Free,
    }
}

/// Why the job waits and what a user can do, for a condition.
#[must_use]
pub(crate) fn explain(queue: &str, occupant: Occupant) -> String {
    let Occupant { messages, consumers } = occupant;
    let found = if messages > 0 {
        format!("holds {messages} message(s) of an earlier job with this jobId")
    } else {
        format!("was used by an earlier job with this jobId, and has {consumers} consumer(s)")
    };
    format!(
        "queue {queue} {found}: the job waits until the result was read. Have its client read it, delete the queue, or create the job with another spec.jobId"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(published: Option<u64>, expires_ms: i64) -> QueueFacts {
        QueueFacts { published, expires_ms: Some(expires_ms), ..QueueFacts::default() }
    }

    #[test]
    fn only_a_queue_that_never_held_anything_is_free() {
        let (unread, consumed, idle) = ((1, 0), (0, 1), (0, 0));
        let (used, fresh, other) = (facts(Some(1), 8000), facts(None, 8000), facts(None, 9000));
        for (counted, (messages, consumers), occupied, replaced) in [
            (Some(&used), unread, true, false),
            (None, unread, true, false),
            (Some(&used), consumed, true, false),
            (Some(&fresh), consumed, false, false),
            (None, consumed, false, false),
            (Some(&used), idle, false, true),
            (Some(&fresh), idle, false, true),
            (Some(&other), idle, false, false),
            (None, idle, false, false),
        ] {
            let now = Occupant { messages, consumers };
            let found = vacancy(counted, now, Some(8000));
            let is_occupied = matches!(found, Vacancy::Occupied(_));
            assert_eq!((is_occupied, found == Vacancy::Replace), (occupied, replaced), "{counted:?} {now:?}");
        }
    }

    #[test]
    fn a_condition_has_the_queue_and_the_remedy() {
        let text = explain("jobs.x.result", Occupant { messages: 2, consumers: 0 });
        assert!(text.contains("jobs.x.result holds 2 message(s)") && text.contains("another spec.jobId"), "{text}");
    }
}

//! Whether the operator's own clock agrees with the apiserver's, whose every answer has the second that it was made in.
//!
//! Ring: shell. No request is made for it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::http::{HeaderMap, Response, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use tracing::{info, warn};

use crate::{clock::Clock, plan::facts::node_clock::WORTH_A_WARNING, telemetry::Metrics};

/// So many answers in a row must show the same: one of them may have been on its way for long.
const ANSWERS: u32 = 3;

/// Compares clocks at each answer of the apiserver.
#[derive(Clone)]
pub(super) struct OwnClock {
    metrics: Arc<Metrics>,
    clock: Clock,
    /// How many answers in a row showed a clock that is wrong; from [`ANSWERS`] on it was reported.
    wrong: Arc<AtomicU32>,
}

impl OwnClock {
    /// Nothing is known yet.
    pub(super) fn new(metrics: Arc<Metrics>, clock: Clock) -> Self {
        Self { metrics, clock, wrong: Arc::default() }
    }

    /// Looks at an answer, and passes it on.
    pub(super) fn look_at<B>(&self, answer: Response<B>) -> Response<B> {
        if let Some(ahead) = date(answer.headers()).map(|date| ahead(self.clock.now(), date)) {
            self.take(ahead);
        }
        answer
    }

    fn take(&self, ahead: SignedDuration) {
        self.metrics.set_clock_ahead(ahead);
        let seconds = ahead.as_secs();
        if ahead.unsigned_abs() <= WORTH_A_WARNING.unsigned_abs() {
            if self.wrong.swap(0, Ordering::Relaxed) >= ANSWERS {
                info!("the operator's clock agrees with the apiserver's again");
            }
        } else if self.wrong.fetch_add(1, Ordering::Relaxed).saturating_add(1) == ANSWERS {
            warn!(
                seconds,
                "the operator's clock is ahead of the apiserver's by so many seconds, or behind where that is negative: limits are enforced at the wrong time. Synchronize the clocks of the nodes"
            );
        }
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(headers.get(DATE)?.as_bytes()).ok()
}

/// By how much at least `now` is ahead of the second that begins at `date`; negative where it is behind.
fn ahead(now: Timestamp, date: Timestamp) -> SignedDuration {
    let since = now.duration_since(date);
    if since.is_negative() { since } else { (since - SignedDuration::from_secs(1)).max(SignedDuration::ZERO) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apiservers_second_is_no_difference() {
        let headers = HeaderMap::from_iter([(DATE, "Thu, 01 Jan 1970 00:01:40 GMT".parse().unwrap())]);
        let date = date(&headers).unwrap();
        for (millis, expected) in [(100_000, 0), (100_999, 0), (102_500, 1500), (99_000, -1000), (40_000, -60_000)] {
            let now = Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(ahead(now, date).as_millis(), expected, "{millis}");
        }
        assert_eq!(super::date(&HeaderMap::new()), None);
    }

    #[test]
    fn one_late_answer_is_no_wrong_clock() {
        let clock = OwnClock::new(Arc::default(), Clock::system());
        for (seconds, expected) in [(60, 1), (0, 0), (-60, 1), (-60, 2), (-60, 3), (5, 0)] {
            clock.take(SignedDuration::from_secs(seconds));
            assert_eq!(clock.wrong.load(Ordering::Relaxed), expected);
        }
    }
}

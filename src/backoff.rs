//! Waiting between attempts: every delay of the shell that chance or failures
//! change is computed here, but for the watches', which is kube's.
//!
//! Ring: shell; pure but for chance.
//!
//! # Guarantees
//! - Delays grow exponentially up to a bound, with jitter: many clients of a server that comes back do not come back all
//!   at once.
//! - Each delay is within the range that its function documents.
//! - All chance of a replica, here and elsewhere, is `fastrand`'s generator of the thread, but for keys and nonces. So
//!   `fastrand::seed` at the beginning of a test makes all that runs in its one thread do the same each time.

use std::time::Duration;

/// Even a lucky draw leaves the broker some air.
const FLOOR: Duration = Duration::from_millis(50);
/// More doublings than any series needs to reach its bound.
const MOST_DOUBLINGS: u32 = 16;

/// How the longest delay of a series grows: up to `first`, then up to twice as long each time, at most `most`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) first: Duration,
    pub(crate) most: Duration,
}

impl Growth {
    /// The delay after `failures` (from 1) in a row: 0.5 to 1 of the longest. `jitter` is 0 to 1.
    pub(crate) fn delay(self, failures: u32, jitter: f64) -> Duration {
        self.longest(failures.saturating_sub(1)).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
    }

    fn longest(self, doublings: u32) -> Duration {
        self.first.saturating_mul(2_u32.pow(doublings.min(MOST_DOUBLINGS))).min(self.most)
    }
}

/// The delays of one series of attempts: 0 to 1 of the longest each, and at least [`FLOOR`].
#[derive(Debug)]
pub(crate) struct Backoff {
    growth: Growth,
    attempts: u32,
}

impl Backoff {
    /// Delays of up to `first`, then up to twice as long each time, at most `most`.
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { growth: Growth { first, most }, attempts: 0 }
    }

    /// The delay before the next attempt.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let longest = self.growth.longest(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        longest.mul_f64(fastrand::f64()).max(FLOOR)
    }

    /// Begins a new series: an attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// The time until the next of many regular looks: 0.75 to 1.25 of `period`, so that processes that started together do
/// not look together.
pub(crate) fn spread(period: Duration) -> Duration {
    period.mul_f64(0.75 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_their_bound_and_start_again() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let longest = (0..400).map(|_| backoff.next_delay()).max().unwrap();
        assert!(longest > Duration::from_secs(15) && longest <= Duration::from_secs(30), "{longest:?}");
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(500));
    }

    #[test]
    fn a_seed_decides_all_delays() {
        let delays = |seed| {
            fastrand::seed(seed);
            let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
            [(); 9].map(|()| backoff.next_delay())
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    #[test]
    fn a_delay_after_failures_is_at_least_half_of_the_longest() {
        let growth = Growth { first: Duration::from_secs(1), most: Duration::from_secs(10) };
        let range = |failures| [0.0, 1.0].map(|jitter| growth.delay(failures, jitter).as_millis());
        assert_eq!(
            [1, 2, 4, 5, u32::MAX].map(range),
            [[500, 1000], [1000, 2000], [4000, 8000], [5000, 10_000], [5000, 10_000]]
        );
    }

    #[test]
    fn regular_looks_are_spread_by_a_quarter() {
        let looks: Vec<_> = (0..400).map(|_| spread(Duration::from_secs(4))).collect();
        assert!(looks.iter().all(|look| (3.0..=5.0).contains(&look.as_secs_f64())), "{looks:?}");
        assert!(looks.iter().max().unwrap().abs_diff(*looks.iter().min().unwrap()) > Duration::from_secs(1));
    }
}

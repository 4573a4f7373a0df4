//! Waiting between attempts.
//!
//! Ring: shell; pure but for chance.
//!
//! Guarantees: delays grow exponentially up to a bound, with full jitter: many clients of a broker that comes back do
//! not come back all at once.
//!
//! All chance of a replica, here and elsewhere, is `fastrand`'s generator of the thread. So `fastrand::seed` at the beginning
//! of a test makes all that runs in its one thread do the same each time.

use std::time::Duration;

/// Even a lucky draw leaves the broker some air.
const FLOOR: Duration = Duration::from_millis(50);

/// The delays of one series of attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// Delays of up to `first`, then up to twice as long each time, at most `most`.
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, ceiling: first }
    }

    /// The delay before the next attempt.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = ceiling.saturating_mul(2).min(self.most);
        ceiling.mul_f64(fastrand::f64()).max(FLOOR)
    }

    /// Begins a new series: an attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.ceiling = self.first;
    }
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
}

//! What time it is: the wall clock, read here alone.
//!
//! Ring: shell. A replica reads it by the [`Clock`] that it is given; couriers and the log read it for themselves.

use std::time::Duration;

use jiff::Timestamp;

/// The clock of one replica.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    /// The system's.
    System,
    /// An instant, and what the event loop counts from there on.
    #[cfg(feature = "testing")]
    Simulated { epoch: Timestamp, began: tokio::time::Instant },
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `epoch` now, and goes on with the time of the event loop, which may be paused.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn simulated(epoch: Timestamp) -> Self {
        Self(Source::Simulated { epoch, began: tokio::time::Instant::now() })
    }

    /// What time it is.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self.0 {
            Source::System => Timestamp::now(),
            #[cfg(feature = "testing")]
            Source::Simulated { epoch, began } => epoch + began.elapsed(),
        }
    }

    /// How long it is until `time`; zero where that is over.
    pub(crate) fn until(self, time: Timestamp) -> Duration {
        Duration::try_from(time.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_goes_with_the_event_loop() {
        let clock = Clock::simulated(Timestamp::UNIX_EPOCH);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().as_second(), 3600);
        assert_eq!(clock.until(Timestamp::from_second(3660).unwrap()), Duration::from_secs(60));
        assert_eq!(clock.until(Timestamp::UNIX_EPOCH), Duration::ZERO);
    }
}

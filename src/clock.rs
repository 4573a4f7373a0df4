//! How long it is until a time.
//!
//! Ring: shell.

use std::time::Duration;

use jiff::Timestamp;

/// How long it is until `time`; zero where that is over.
pub(crate) fn until(time: Timestamp) -> Duration {
    Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO)
}

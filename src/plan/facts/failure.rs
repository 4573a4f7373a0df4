//! Why passes over a job fail, and from when on that is shown.
//!
//! Ring: core.

use jiff::Timestamp;

use crate::{api::Reason, plan::facts::SILENT_WAIT};

/// Why passes over a job fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When the first of those in a row began.
    pub since: Timestamp,
    /// The reason of the condition and the Event.
    pub reason: Reason,
    /// What was tried, the words of the apiserver or the broker, and the remedy.
    pub message: String,
}

impl Failure {
    /// Whether it is the broker that does not do it.
    #[must_use]
    pub(crate) fn is_brokers(&self) -> bool {
        use Reason::{BrokerFailed, BrokerLimitReached, BrokerRefused};
        matches!(self.reason, BrokerFailed | BrokerLimitReached | BrokerRefused)
    }

    /// From when on it is shown.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        self.since + SILENT_WAIT
    }
}

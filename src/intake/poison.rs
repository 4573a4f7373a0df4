//! Messages that nobody can do anything with: why, how many, and when to speak of them.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// One line of the log and one Event in this time, however many there are.
const PERIOD: SignedDuration = SignedDuration::from_mins(1);

/// Why a message is rejected. Closed, because it labels a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Poison {
    /// Larger than any that is taken.
    TooLarge,
    /// Not the protobuf that belongs there.
    Malformed,
    /// The uuid is none.
    NotAUuid,
    /// The parameters are no Struct, or one that is nested too deep.
    ParametersUnreadable,
    /// The uuid is that of a job that did not come over AMQP.
    UuidTaken,
}

impl Poison {
    #[cfg(test)]
    const ALL: [Self; 5] =
        [Self::TooLarge, Self::Malformed, Self::NotAUuid, Self::ParametersUnreadable, Self::UuidTaken];

    /// The metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "TooLarge",
            Self::Malformed => "Malformed",
            Self::NotAUuid => "NotAUuid",
            Self::ParametersUnreadable => "ParametersUnreadable",
            Self::UuidTaken => "UuidTaken",
        }
    }
}

/// A message that is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedMessage {
    /// For programs.
    pub poison: Poison,
    /// For people.
    pub detail: String,
}

impl RejectedMessage {
    /// A message that is rejected for `poison`.
    pub(crate) fn new(poison: Poison, detail: impl Into<String>) -> Self {
        Self { poison, detail: detail.into() }
    }

    /// A message about the job of another.
    pub(crate) fn of_anothers(uuid: &str) -> Self {
        Self::new(Poison::UuidTaken, format!("uuid {uuid} is that of a job that did not come over AMQP"))
    }
}

impl fmt::Display for RejectedMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.poison.as_str(), self.detail)
    }
}

/// What was rejected since it was last spoken of.
#[derive(Debug, Default)]
pub(crate) struct PoisonLog {
    count: u64,
    told: Option<Timestamp>,
}

impl PoisonLog {
    /// Takes in a rejection. What to say of it and of those before it, when it is time to say something.
    pub(crate) fn note(&mut self, queue: &str, rejection: &RejectedMessage, now: Timestamp) -> Option<String> {
        self.count = self.count.saturating_add(1);
        if self.told.is_some_and(|told| now < told + PERIOD) {
            return None;
        }
        self.told = Some(now);
        let count = std::mem::take(&mut self.count);
        let others = if count > 1 { format!("; {count} since this was last said") } else { String::new() };
        Some(format!("a message on {queue} was dropped, {rejection}{others}: look for the client that sends it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_spoken_of_once_a_minute() {
        let mut log = PoisonLog::default();
        let rejection = RejectedMessage::new(Poison::Malformed, "x");
        let said: Vec<_> = (0..1800)
            .filter_map(|number| {
                let now = Timestamp::from_millisecond(number * 100).unwrap();
                log.note("job_submissions", &rejection, now)
            })
            .collect();
        assert_eq!(said.len(), 3);
        assert_eq!(
            said[0],
            "a message on job_submissions was dropped, Malformed: x: look for the client that sends it"
        );
        assert!(said[1].contains("; 600 since this was last said"), "{}", said[1]);
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Poison::ALL.map(Poison::as_str).into();
        assert_eq!(names.len(), Poison::ALL.len());
    }
}

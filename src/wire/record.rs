//! The courier's last word: a JSON record in its container's termination message.
//!
//! Ring: core.
//!
//! The kubelet carries it to the operator, so it needs no broker – and nobody but the kubelet can write it, so it is
//! a reason to believe a message in the output queue. The courier also sends it over the progress queue, where its capability
//! vouches for it: that arrives sooner, and while other containers run on.
//!
//! Guarantees: a record is never longer than the 4096 bytes that the kubelet keeps; parsing is total.

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::digest::Digest;
use crate::text::first_bytes;

/// What the kubelet keeps of a termination message.
pub(crate) const MAX_RECORD_BYTES: usize = 4096;
/// A reader refuses records of a version it does not know, rather than half understand them.
const VERSION: u32 = 1;

/// How the courier's work ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RecordJson", into = "RecordJson")]
pub enum TerminationRecord {
    /// The output is with the broker, which confirmed it.
    Committed(CommitRecord),
    /// It is not.
    Failed(FailureRecord),
}

/// What the broker confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRecord {
    /// `attempt` counts from 1.
    pub attempt: i32,
    /// `sha256` is the digest of the message's body.
    pub sha256: Digest,
    /// `bytes` is the size of the message's body.
    pub bytes: u64,
    /// `output_bytes` is the size of `output.esdl`; absent when the job wrote none.
    pub output_bytes: Option<u64>,
}

/// Which message in its queue is a job's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputMark {
    /// The one that the courier's record tells of.
    Record(CommitRecord),
    /// The one with this proof of its courier, whose record is lost.
    Proof(Capability),
}

impl OutputMark {
    /// The size of the message. Of one without a record it is not known, and may be any.
    #[must_use]
    pub(crate) fn most_bytes(&self) -> u64 {
        match self {
            Self::Record(record) => record.bytes,
            Self::Proof(_) => u64::MAX,
        }
    }
}

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRecord {
    /// `attempt` counts from 1.
    pub attempt: i32,
    /// `cause` is for programs.
    pub cause: FailureCause,
    /// `message` is for humans, and names a remedy.
    pub message: String,
}

/// Why there is no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FailureCause {
    /// The broker could not be reached in time, or had no queue for it.
    OutputLost,
    /// The job's files cannot be read, or are not text.
    OutputUnreadable,
    /// The broker refuses a message of that size.
    OutputTooLarge,
    /// The input that the job refers to never appeared.
    InputMissing,
}

/// The text is not a courier's record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The courier ended without a word, or its word was lost.
    #[error("the courier left no record")]
    Empty,
    /// Not the JSON of a record.
    #[error("the courier's record cannot be read: {0}")]
    Malformed(String),
    /// Written by another version of the courier.
    #[error("the courier's record has version {0}, this operator reads version {VERSION}")]
    Version(u32),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    version: u32,
    attempt: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<JsonFailure>,
}

#[derive(Clone, Serialize, Deserialize)]
struct JsonFailure {
    cause: FailureCause,
    message: String,
}

impl TerminationRecord {
    /// Whether the courier said that it could not bring the job's input.
    #[must_use]
    pub(crate) fn is_missing_input(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.cause == FailureCause::InputMissing)
    }
}

impl FailureCause {
    /// The cause's name, as in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutputLost => "OutputLost",
            Self::OutputUnreadable => "OutputUnreadable",
            Self::OutputTooLarge => "OutputTooLarge",
            Self::InputMissing => "InputMissing",
        }
    }
}

impl TerminationRecord {
    /// The record in a termination message.
    ///
    /// # Errors
    /// When the message holds none.
    pub fn parse(termination_message: &str) -> Result<Self, RecordError> {
        let text = termination_message.trim();
        if text.is_empty() {
            return Err(RecordError::Empty);
        }
        let json: RecordJson = serde_json::from_str(text).map_err(|error| RecordError::Malformed(error.to_string()))?;
        json.try_into()
    }

    /// The termination message: JSON of at most [`MAX_RECORD_BYTES`]; a long failure message is cut.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and strings always have a JSON form; an empty message reads as `RecordError::Empty`.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<TerminationRecord> for RecordJson {
    fn from(record: TerminationRecord) -> Self {
        match record {
            TerminationRecord::Committed(record) => record.to_json(),
            TerminationRecord::Failed(record) => record.to_json(),
        }
    }
}

impl TryFrom<RecordJson> for TerminationRecord {
    type Error = RecordError;

    fn try_from(json: RecordJson) -> Result<Self, RecordError> {
        if json.version != VERSION {
            return Err(RecordError::Version(json.version));
        }
        match (json.failure, json.sha256, json.bytes) {
            (Some(JsonFailure { cause, message }), _, _) => {
                Ok(TerminationRecord::Failed(FailureRecord { attempt: json.attempt, cause, message }))
            }
            (None, Some(sha256), Some(bytes)) => Ok(TerminationRecord::Committed(CommitRecord {
                attempt: json.attempt,
                sha256: sha256.parse().map_err(|error| RecordError::Malformed(format!("sha256: {error}")))?,
                bytes,
                output_bytes: json.output_bytes,
            })),
            (None, _, _) => Err(RecordError::Malformed("neither sha256 and bytes nor failure".to_owned())),
        }
    }
}

impl CommitRecord {
    fn to_json(&self) -> RecordJson {
        RecordJson {
            version: VERSION,
            attempt: self.attempt,
            sha256: Some(self.sha256.to_string()),
            bytes: Some(self.bytes),
            output_bytes: self.output_bytes,
            failure: None,
        }
    }
}

impl FailureRecord {
    /// Control characters take six bytes in JSON, and 256 bytes are enough for all the rest of a record.
    const MAX_MESSAGE_BYTES: usize = (MAX_RECORD_BYTES - 256) / 6;

    fn to_json(&self) -> RecordJson {
        let fits = serde_json::to_string(&self.message).is_ok_and(|text| text.len() <= MAX_RECORD_BYTES - 256);
        let message = if fits { self.message.clone() } else { first_bytes(&self.message, Self::MAX_MESSAGE_BYTES) };
        RecordJson {
            version: VERSION,
            attempt: self.attempt,
            sha256: None,
            bytes: None,
            output_bytes: None,
            failure: Some(JsonFailure { cause: self.cause, message }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn commit() -> CommitRecord {
        CommitRecord { attempt: 1, sha256: Digest::of(b"abc"), bytes: 3, output_bytes: None }
    }

    #[test]
    fn a_commit_has_the_documented_form() {
        let record = TerminationRecord::Committed(CommitRecord { output_bytes: Some(2), ..commit() });
        let sha256 = Digest::of(b"abc");
        let json = format!(r#"{{"version":1,"attempt":1,"sha256":"{sha256}","bytes":3,"outputBytes":2}}"#);
        assert_eq!(record.to_json(), json);
        assert_eq!(TerminationRecord::parse(&format!("{json}\n")), Ok(record));
    }

    #[test]
    fn a_failure_has_the_documented_form() {
        let record = TerminationRecord::Failed(FailureRecord {
            attempt: 2,
            cause: FailureCause::OutputLost,
            message: "the broker is down".into(),
        });
        let json = r#"{"version":1,"attempt":2,"failure":{"cause":"OutputLost","message":"the broker is down"}}"#;
        assert_eq!(record.to_json(), json);
        assert_eq!(TerminationRecord::parse(json), Ok(record));
    }

    #[test]
    fn an_absent_output_is_left_out() {
        assert!(!TerminationRecord::Committed(commit()).to_json().contains("outputBytes"));
    }

    #[test]
    fn garbage_is_an_error() {
        assert_eq!(TerminationRecord::parse(" \n"), Err(RecordError::Empty));
        assert_eq!(TerminationRecord::parse(r#"{"version":2,"attempt":1}"#), Err(RecordError::Version(2)));
        for garbage in [
            "Killed",
            "{}",
            r#"{"version":1,"attempt":1}"#,
            r#"{"version":1,"attempt":1,"sha256":"00","bytes":1}"#,
            r#"{"version":1,"attempt":1,"failure":{"cause":"Other","message":""}}"#,
        ] {
            assert!(matches!(TerminationRecord::parse(garbage), Err(RecordError::Malformed(_))), "{garbage}");
        }
    }

    proptest! {
        #[test]
        fn a_record_always_fits_and_parses(message in "\\PC{0,40}|[\\x00-\\x1f]{0,40}", repeat in 1_usize..300) {
            let message = message.repeat(repeat);
            let record = FailureRecord { attempt: i32::MAX, cause: FailureCause::OutputUnreadable, message };
            let json = TerminationRecord::Failed(record).to_json();
            prop_assert!(json.len() <= MAX_RECORD_BYTES);
            prop_assert!(TerminationRecord::parse(&json).is_ok());
        }

        #[test]
        fn any_text_is_a_record_or_an_error(text: String) {
            let _ = TerminationRecord::parse(&text);
        }
    }
}

//! What clients ask for: to run a job, and to end one.
//!
//! Ring: core. The types mirror `omotes-sdk-protocol` 1.2; what comes out of them is bounded, except for the ESDL, which
//! stays the slice of the message that it came in.
//!
//! Guarantees: parsing is total. That a text is a UUID, that a workflow is known and the like is for `intake` to judge.

use bytes::Bytes;
use prost::Message as _;
use serde_json::{Map, Value};

use super::structure::{StructError, parse_struct};

/// A job that a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSubmission {
    /// `uuid` as the client wrote it.
    pub uuid: String,
    /// `timeout_ms` is how long the job may run; absent: no limit.
    pub timeout_ms: Option<u32>,
    /// `workflow_type` as the client wrote it.
    pub workflow_type: String,
    /// `esdl` is UTF-8.
    pub esdl: Bytes,
    /// `parameters` for the program, or why these can be nobody's.
    pub parameters: Result<Map<String, Value>, StructError>,
    /// `job_reference` is a name for people.
    pub job_reference: Option<String>,
    /// `priority` among jobs that wait.
    pub priority: JobPriority,
}

/// Which of the jobs that wait goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum JobPriority {
    /// After the others.
    Low = 0,
    /// As most do; also where the client says nothing.
    Medium = 1,
    /// Before the others.
    High = 2,
}

/// The body is no submission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmissionError {
    /// Not the protobuf of a submission.
    #[error("the message is no JobSubmission: {0}")]
    Malformed(String),
    /// The protocol carries text.
    #[error("esdl is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// Where the first byte is that no UTF-8 text has there.
        offset: usize,
    },
    /// The parameters are no Struct, or a bomb.
    #[error("{0}")]
    Parameters(StructError),
}

#[derive(Clone, PartialEq, prost::Message)]
struct Submission {
    #[prost(string, tag = "1")]
    uuid: String,
    #[prost(uint32, optional, tag = "2")]
    timeout_ms: Option<u32>,
    #[prost(string, tag = "3")]
    workflow_type: String,
    #[prost(bytes = "bytes", tag = "4")]
    esdl: Bytes,
    /// A message field: kept as bytes until its size was looked at.
    #[prost(bytes = "bytes", tag = "5")]
    params_dict: Bytes,
    #[prost(string, optional, tag = "6")]
    job_reference: Option<String>,
    #[prost(enumeration = "JobPriority", optional, tag = "7")]
    job_priority: Option<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Delete {
    #[prost(string, tag = "1")]
    uuid: String,
}

impl JobSubmission {
    /// The submission in a message's body. The ESDL stays the slice of `body` that it is.
    ///
    /// # Errors
    /// When the body is none.
    pub fn from_body(body: Bytes) -> Result<Self, SubmissionError> {
        let read = Submission::decode(body).map_err(|error| SubmissionError::Malformed(error.to_string()))?;
        std::str::from_utf8(&read.esdl).map_err(|error| SubmissionError::NotUtf8 { offset: error.valid_up_to() })?;
        let priority = read.job_priority.and_then(|number| JobPriority::try_from(number).ok());
        let parameters = match parse_struct(read.params_dict) {
            Err(bomb @ (StructError::TooDeep | StructError::Malformed(_))) => {
                return Err(SubmissionError::Parameters(bomb));
            }
            parameters => parameters,
        };
        Ok(Self {
            uuid: read.uuid,
            timeout_ms: read.timeout_ms,
            workflow_type: read.workflow_type,
            esdl: read.esdl,
            parameters,
            job_reference: read.job_reference,
            priority: priority.unwrap_or(JobPriority::Medium),
        })
    }
}

/// The uuid of the job that a `JobDelete` is about, as the client wrote it.
///
/// # Errors
/// When the body is no `JobDelete`; the text says why.
pub(crate) fn parse_delete(body: &[u8]) -> Result<String, String> {
    Delete::decode(body).map(|delete| delete.uuid).map_err(|error| format!("the message is no JobDelete: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The bytes that the reference implementation writes.
    const REFERENCE: &[u8] = b"\x0a\x01u\x10\xe8\x07\x1a\x01w\x22\x07<esdl/>\x2a\x10\x0a\x0e\x0a\x01a\x12\x09\x11\0\0\0\0\0\0\x08\x40\x32\x01r\x38\x02";

    #[test]
    fn a_submission_has_the_fields_of_the_protocol() {
        let body = Bytes::from_static(REFERENCE);
        let read = JobSubmission::from_body(body.clone()).unwrap();
        assert!(body.as_ptr_range().contains(&read.esdl.as_ptr()), "the ESDL is not copied");
        let expected = JobSubmission {
            uuid: "u".to_owned(),
            timeout_ms: Some(1000),
            workflow_type: "w".to_owned(),
            esdl: Bytes::from_static(b"<esdl/>"),
            parameters: Ok(json!({"a": 3.0}).as_object().unwrap().clone()),
            job_reference: Some("r".to_owned()),
            priority: JobPriority::High,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_left_out_or_unknown_has_its_default() {
        for body in [&b"\x0a\x01u"[..], b"\x0a\x01u\x38\x09"] {
            let read = JobSubmission::from_body(Bytes::copy_from_slice(body)).unwrap();
            assert_eq!((read.timeout_ms, read.job_reference, read.priority), (None, None, JobPriority::Medium));
        }
        let low = JobSubmission::from_body(Bytes::from_static(b"\x38\x00")).unwrap();
        assert_eq!(low.priority, JobPriority::Low, "said, although it is zero");
    }

    #[test]
    fn a_deletion_has_the_field_of_the_protocol() {
        assert_eq!(parse_delete(b"\x0a\x01u"), Ok("u".to_owned()));
        assert!(parse_delete(b"\x0a\x7f").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_submission_or_an_error(body: Vec<u8>) {
            let _ = parse_delete(&body);
            let _ = JobSubmission::from_body(body.into());
        }

        #[test]
        fn a_damaged_submission_is_a_submission_or_an_error(at in 0..REFERENCE.len(), byte: u8, cut in 0..REFERENCE.len()) {
            let mut body = REFERENCE.to_vec();
            body[at] = byte;
            let _ = JobSubmission::from_body(Bytes::copy_from_slice(&body[..cut]));
            let _ = JobSubmission::from_body(body.into());
        }
    }
}

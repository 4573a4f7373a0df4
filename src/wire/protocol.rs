//! The OMOTES protocol: what clients read from the three queues of a job.
//!
//! Ring: core. Field numbers and enum values are those of `omotes-sdk-protocol` 1.2 (proto3, no package); the types are
//! written by hand, so that the build needs no protobuf compiler.
//!
//! Guarantees: results are made by [`JobResult::finished`] and [`JobResult::without_output`] only, which set every
//! field that a client acts on – on the wire an empty result would read as a success.

use bytes::Bytes;
use prost::Message as _;

use super::courier::CourierOutput;
use super::remark::EsdlMessage;
use crate::text::last_bytes;

/// The most of a job's logs that a result carries. [`super::courier::RESULT_HEADROOM_BYTES`] counts on it.
pub(crate) const MAX_LOG_BYTES: usize = 16 * 1024;

/// The one final message of a job.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JobResult {
    /// `uuid` is the job's id on the wire.
    #[prost(string, tag = "1")]
    pub uuid: String,
    /// `result_type` says how the job ended.
    #[prost(enumeration = "ResultType", tag = "2")]
    pub result_type: i32,
    /// `output_esdl` is UTF-8: a `string` on the wire, kept as a slice of the message it came in.
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub output_esdl: Option<Bytes>,
    /// `logs` says in words what happened; at most [`MAX_LOG_BYTES`].
    #[prost(string, tag = "4")]
    pub logs: String,
    /// `esdl_messages` are the remarks of the computation about its input.
    #[prost(message, repeated, tag = "5")]
    pub esdl_messages: Vec<EsdlMessage>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ResultType {
    /// It did what it was asked to.
    Succeeded = 0,
    /// Its time was over.
    Timeout = 1,
    /// It failed.
    Error = 2,
    /// Somebody asked for its end.
    Cancelled = 3,
}

/// How far a job is.
#[derive(Clone, PartialEq, prost::Message)]
pub struct JobProgressUpdate {
    /// `uuid` is the job's id on the wire.
    #[prost(string, tag = "1")]
    pub uuid: String,
    /// `progress` goes from 0 to 1.
    #[prost(double, tag = "2")]
    pub progress: f64,
    /// `message` says what it does now.
    #[prost(string, tag = "3")]
    pub message: String,
}

/// A step in a job's life.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct JobStatusUpdate {
    /// `uuid` is the job's id on the wire.
    #[prost(string, tag = "1")]
    pub uuid: String,
    /// `status` is one of [`JobStatus`].
    #[prost(enumeration = "JobStatus", tag = "2")]
    pub status: i32,
}

/// The steps in a job's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum JobStatus {
    /// It is known.
    Registered = 0,
    /// It waits for its turn.
    Enqueued = 1,
    /// It runs.
    Running = 2,
    /// It ended. Never sent: one OMOTES client then overwrites the stored result with an empty success.
    Finished = 3,
    /// It was cancelled.
    Cancelled = 4,
}

impl JobResult {
    /// The result of a job that left an output with the courier.
    #[must_use]
    pub fn finished(uuid: &str, result_type: ResultType, output: CourierOutput, logs: &str) -> Self {
        let (output_esdl, esdl_messages) = output.into_parts();
        Self { output_esdl, esdl_messages, ..Self::without_output(uuid, result_type, logs) }
    }

    /// The result of a job that left nothing.
    #[must_use]
    pub fn without_output(uuid: &str, result_type: ResultType, logs: &str) -> Self {
        Self {
            uuid: uuid.to_owned(),
            result_type: result_type.into(),
            output_esdl: None,
            logs: last_bytes(logs, MAX_LOG_BYTES),
            esdl_messages: Vec::new(),
        }
    }

    /// The message's body. Copies the output once.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

impl JobProgressUpdate {
    /// The message's body.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

impl JobStatusUpdate {
    /// That the job reached this step.
    #[must_use]
    pub fn new(uuid: &str, status: JobStatus) -> Self {
        Self { uuid: uuid.to_owned(), status: status.into() }
    }

    /// The message's body.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        self.encode_to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::remark::Severity;
    use super::*;

    const UUID: &str = "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10";

    /// The bytes that the reference implementation writes for the same message.
    #[test]
    fn a_result_has_the_fields_of_the_protocol() {
        let output = CourierOutput::new(
            Some(Bytes::from_static(b"<esdl/>")),
            vec![EsdlMessage {
                technical_message: "m".into(),
                severity: Severity::Warning.into(),
                esdl_object_id: Some("o".into()),
            }],
        )
        .unwrap();
        let body = JobResult::finished("u", ResultType::Error, output, "l").to_body();
        assert_eq!(body.as_ref(), b"\x0a\x01u\x10\x02\x1a\x07<esdl/>\x22\x01l\x2a\x08\x0a\x01m\x10\x02\x1a\x01o",);
    }

    #[test]
    fn progress_and_status_have_the_fields_of_the_protocol() {
        let progress = JobProgressUpdate { uuid: "u".into(), progress: 0.5, message: "m".into() };
        assert_eq!(progress.to_body().as_ref(), b"\x0a\x01u\x11\0\0\0\0\0\0\xe0\x3f\x1a\x01m");
        assert_eq!(JobStatusUpdate::new("u", JobStatus::Cancelled).to_body().as_ref(), b"\x0a\x01u\x10\x04");
    }

    #[test]
    fn logs_keep_their_end() {
        let logs = format!("{}the last line", "x".repeat(2 * MAX_LOG_BYTES));
        let result = JobResult::without_output(UUID, ResultType::Error, &logs);
        assert!(result.logs.len() <= MAX_LOG_BYTES);
        assert!(result.logs.ends_with("the last line"));
    }
}

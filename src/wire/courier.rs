//! What the courier in a job's pod says to the operator.
//!
//! Ring: core.
//!
//! Guarantees: a [`CourierOutput`] holds UTF-8; reading one from a message copies nothing; the result made from it is
//! never larger than the message that it came in.

use bytes::Bytes;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::protocol::EsdlMessage;
use super::text::first_chars;

/// Zeros in every [`CourierOutput`], as many as a result may need on top of output and messages: the job's uuid, the
/// result type, and logs of at most 16 KiB ([`super::MAX_LOG_BYTES`]).
///
/// The broker refuses messages over `max_message_size`. With the headroom it refuses the courier's message, while the
/// pod can still say so in words – and a [`super::JobResult`] with the same output is never larger than a message that
/// the broker already accepted.
pub const RESULT_HEADROOM_BYTES: usize = 32 * 1024;
/// Longer texts are cut: they are shown in one line of a table.
const MAX_PROGRESS_CHARS: usize = 1024;
/// A message of [`MAX_PROGRESS_CHARS`] characters, each of them escaped as `\u` twice over, fits.
const MAX_PROGRESS_BODY_BYTES: usize = 16 * 1024;

/// What a job left behind, as the body of one message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CourierOutput {
    #[prost(bytes = "bytes", optional, tag = "1")]
    output_esdl: Option<Bytes>,
    #[prost(message, repeated, tag = "2")]
    esdl_messages: Vec<EsdlMessage>,
    #[prost(bytes = "bytes", tag = "15")]
    headroom: Bytes,
}

/// The output cannot be carried to the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// The protocol carries text only.
    #[error("the output is not UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// Where the first byte is that no UTF-8 text has there.
        offset: usize,
    },
    /// The body is not a courier's message.
    #[error("the message is not a courier's output: {0}")]
    Malformed(String),
}

impl CourierOutput {
    /// An output of `esdl` (absent: the job wrote none) and its remarks.
    ///
    /// # Errors
    /// When `esdl` is not UTF-8.
    pub fn new(esdl: Option<Bytes>, esdl_messages: Vec<EsdlMessage>) -> Result<Self, OutputError> {
        static HEADROOM: [u8; RESULT_HEADROOM_BYTES] = [0; RESULT_HEADROOM_BYTES];
        check_text(esdl.as_deref())?;
        Ok(Self { output_esdl: esdl, esdl_messages, headroom: Bytes::from_static(&HEADROOM) })
    }

    /// The output in a message's body. The text stays the slice of `body` that it is.
    ///
    /// # Errors
    /// When the body is not a courier's message, or its text not UTF-8.
    pub fn from_body(body: Bytes) -> Result<Self, OutputError> {
        let output = Self::decode(body).map_err(|error| OutputError::Malformed(error.to_string()))?;
        check_text(output.output_esdl.as_deref())?;
        Ok(output)
    }

    /// The message's body. Copies the output once.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// The text; absent when the job wrote none.
    #[must_use]
    pub fn esdl(&self) -> Option<&[u8]> {
        self.output_esdl.as_deref()
    }

    /// The job's remarks for its client.
    #[must_use]
    pub fn messages(&self) -> &[EsdlMessage] {
        &self.esdl_messages
    }

    /// The size of the text; absent when the job wrote none.
    #[must_use]
    pub fn output_bytes(&self) -> Option<u64> {
        self.output_esdl.as_ref().map(|text| text.len() as u64)
    }

    pub(super) fn into_parts(self) -> (Option<Bytes>, Vec<EsdlMessage>) {
        (self.output_esdl, self.esdl_messages)
    }
}

fn check_text(text: Option<&[u8]>) -> Result<(), OutputError> {
    std::str::from_utf8(text.unwrap_or_default())
        .map(|_| ())
        .map_err(|error| OutputError::NotUtf8 { offset: error.valid_up_to() })
}

/// How far the work of one pod is. The operator believes it only when job, attempt, pod and capability fit together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CourierProgress {
    /// `job` is the UID of the resource.
    pub job: String,
    /// `attempt` counts from 1.
    pub attempt: i32,
    /// `pod` is the pod's UID.
    pub pod: String,
    /// `capability` proves that job and attempt are the sender's own.
    pub capability: Capability,
    /// `progress` goes from 0 to 1.
    pub progress: f64,
    /// `message` says what the job does now.
    pub message: String,
    /// `arrival`: nothing of the program yet, but its input is there. Only in a pod that had waited for a job.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub arrival: bool,
}

/// A message on the progress queue that no courier sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgressError {
    /// Longer than a courier's messages are.
    #[error("the message has {0} bytes, a courier's fewer than {MAX_PROGRESS_BODY_BYTES}")]
    TooLong(usize),
    /// Not the JSON of a courier.
    #[error("the message is not a courier's: {0}")]
    Malformed(String),
}

impl CourierProgress {
    /// The progress in a message's body, brought into its bounds.
    ///
    /// # Errors
    /// When the body is not a courier's.
    pub fn from_body(body: &[u8]) -> Result<Self, ProgressError> {
        if body.len() >= MAX_PROGRESS_BODY_BYTES {
            return Err(ProgressError::TooLong(body.len()));
        }
        let parsed: Self = serde_json::from_slice(body).map_err(|error| ProgressError::Malformed(error.to_string()))?;
        Ok(parsed.bounded())
    }

    /// The message's body.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        // A struct of strings and numbers always has a JSON form; an empty body would be refused by `from_body`.
        serde_json::to_vec(&self.clone().bounded()).unwrap_or_default().into()
    }

    fn bounded(self) -> Self {
        Self {
            progress: self.progress.clamp(0.0, 1.0),
            message: first_chars(&self.message, MAX_PROGRESS_CHARS),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::protocol::{JobResult, MAX_LOG_BYTES, ResultType, Severity};
    use super::*;

    fn progress() -> CourierProgress {
        CourierProgress {
            job: "job-uid".into(),
            attempt: 1,
            pod: "pod-uid".into(),
            capability: "00112233445566778899aabbccddeeff".parse().unwrap(),
            progress: 0.25,
            message: "solving".into(),
            arrival: false,
        }
    }

    #[test]
    fn an_output_is_read_without_a_copy() {
        let body = CourierOutput::new(Some(Bytes::from_static(b"<esdl/>")), Vec::new()).unwrap().to_body();
        let (text, _) = CourierOutput::from_body(body.clone()).unwrap().into_parts();
        assert!(body.as_ptr_range().contains(&text.unwrap().as_ptr()));
    }

    #[test]
    fn an_absent_output_differs_from_an_empty_one() {
        for esdl in [None, Some(Bytes::new())] {
            let body = CourierOutput::new(esdl.clone(), Vec::new()).unwrap().to_body();
            assert_eq!(CourierOutput::from_body(body).unwrap().into_parts().0, esdl);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_on_both_sides() {
        let error = CourierOutput::new(Some(Bytes::from_static(b"ab\xff")), Vec::new());
        assert_eq!(error, Err(OutputError::NotUtf8 { offset: 2 }));
        let body = Bytes::from_static(b"\x0a\x01\xff");
        assert_eq!(CourierOutput::from_body(body), Err(OutputError::NotUtf8 { offset: 0 }));
        assert!(matches!(CourierOutput::from_body(Bytes::from_static(b"\x0a\x7f")), Err(OutputError::Malformed(_))));
    }

    #[test]
    fn progress_survives_the_way() {
        for progress in [progress(), CourierProgress { arrival: true, ..progress() }] {
            assert_eq!(CourierProgress::from_body(&progress.to_body()), Ok(progress));
        }
        assert!(!String::from_utf8(progress().to_body().to_vec()).unwrap().contains("arrival"), "as it always was");
    }

    #[test]
    fn progress_is_brought_into_its_bounds() {
        let wild = CourierProgress { progress: 7.0, message: "\u{1}".repeat(5000), ..progress() };
        let tame = CourierProgress::from_body(&wild.to_body()).unwrap();
        assert_eq!(tame.progress.to_bits(), 1.0_f64.to_bits());
        assert_eq!(tame.message.chars().count(), MAX_PROGRESS_CHARS);
    }

    #[test]
    fn what_no_courier_sends_is_refused() {
        for garbage in [&b""[..], b"{}", b"[]", b"\xff", b"{\"job\":1}"] {
            assert!(matches!(CourierProgress::from_body(garbage), Err(ProgressError::Malformed(_))));
        }
        assert!(matches!(CourierProgress::from_body(&vec![b' '; 20_000]), Err(ProgressError::TooLong(20_000))));
    }

    proptest! {
        #[test]
        fn a_result_is_never_larger_than_the_message_it_came_in(
            esdl in proptest::option::of(".{0,300}"),
            messages in proptest::collection::vec(("[a-z]{0,40}", 0..4_i32, proptest::option::of("[a-z]{0,9}")), 0..20),
            logs in ".{0,100}",
            repeat in 1_usize..2000,
        ) {
            let messages = messages.into_iter().map(|(technical_message, severity, esdl_object_id)| {
                EsdlMessage { technical_message, severity, esdl_object_id }
            });
            let output = CourierOutput::new(esdl.map(Bytes::from), messages.collect()).unwrap();
            let carried = output.to_body().len();
            let uuid = "u".repeat(63);
            let result = JobResult::finished(&uuid, ResultType::Cancelled, output, &logs.repeat(repeat));
            prop_assert!(result.logs.len() <= MAX_LOG_BYTES);
            prop_assert!(result.to_body().len() <= carried);
        }

        #[test]
        fn any_bytes_are_an_output_or_an_error(body: Vec<u8>) {
            let _ = CourierOutput::from_body(body.clone().into());
            let _ = CourierProgress::from_body(&body);
        }
    }

    #[test]
    fn remarks_are_carried() {
        let remark = EsdlMessage::new(Severity::Info, "pipe 7 has no length");
        let body = CourierOutput::new(None, vec![remark.clone()]).unwrap().to_body();
        assert_eq!(CourierOutput::from_body(body).unwrap().into_parts().1, vec![remark]);
    }
}

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
use super::progress::ProgressLine;
use super::record::TerminationRecord;
use super::remark::EsdlMessage;
use crate::text::first_chars;

/// Zeros in every [`CourierOutput`], as many as a result may need on top of output and messages: the job's uuid, the
/// result type, and logs of at most 16 KiB ([`super::protocol::MAX_LOG_BYTES`]).
///
/// The broker refuses messages over `max_message_size`. With the headroom it refuses the courier's message, while the
/// pod can still say so in words – and a [`super::JobResult`] with the same output is never larger than a message that
/// the broker already accepted.
pub(crate) const RESULT_HEADROOM_BYTES: usize = 32 * 1024;
/// Longer texts are cut: they are shown in one line of a table.
const MAX_PROGRESS_CHARS: usize = 1024;
/// Longer than any UID of Kubernetes.
const MAX_UID_BYTES: usize = 64;
/// A message of [`MAX_PROGRESS_CHARS`] characters, each of them escaped as `\u` twice over, fits.
const MAX_MESSAGE_BODY_BYTES: usize = 16 * 1024;

/// What a job left behind, as the body of one message.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CourierOutput {
    #[prost(bytes = "bytes", optional, tag = "1")]
    output_esdl: Option<Bytes>,
    #[prost(message, repeated, tag = "2")]
    esdl_messages: Vec<EsdlMessage>,
    /// What each message of its courier carries ([`CourierMessage::proof`]); empty where an earlier version sent it.
    #[prost(bytes = "bytes", tag = "3")]
    proof: Bytes,
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
        let headroom = Bytes::from_static(&HEADROOM);
        Ok(Self { output_esdl: esdl, esdl_messages, proof: Bytes::new(), headroom })
    }

    /// The same output of the courier that has this proof.
    #[must_use]
    pub fn proven_by(self, proof: &Capability) -> Self {
        Self { proof: Bytes::copy_from_slice(proof.as_bytes()), ..self }
    }

    /// Whether the courier that has this proof sent it.
    #[must_use]
    pub(crate) fn is_proven_by(&self, proof: &Capability) -> bool {
        Capability::from_bytes(&self.proof).is_some_and(|own| own == *proof)
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

    /// The remarks alone: what a program that failed leaves is no output.
    #[must_use]
    pub(crate) fn without_esdl(self) -> Self {
        Self { output_esdl: None, ..self }
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

/// What a courier reports while it runs. The operator believes it only when job, attempt, pod and proof fit together.
///
/// On the wire it is one JSON object: the sender, and the fields of its notice. An operator that does not know a notice
/// finds no `progress` in it and drops the message.
#[derive(Clone, Debug, PartialEq)]
pub struct CourierMessage {
    /// `job` is the UID of the resource.
    pub job: String,
    /// `attempt` counts from 1.
    pub attempt: i32,
    /// `pod` is the pod's UID.
    pub pod: String,
    /// `capability` is what the attempt's output queue is named after. Earlier versions took it for the proof.
    pub capability: Capability,
    /// `proof` that job, attempt and pod are the sender's own. Couriers of earlier versions have none.
    pub proof: Option<Capability>,
    /// `notice` is what the courier reports.
    pub notice: CourierNotice,
}

/// What a courier reports.
#[derive(Clone, Debug, PartialEq)]
pub enum CourierNotice {
    /// The courier has connected to the broker. Sent after each connect and once a minute.
    Hello,
    /// The job's input is there. Only in a pod that had waited for a job.
    Arrival,
    /// The newest line of the program's progress file.
    Progress(ProgressLine),
    /// Main has ended, and this became of its output.
    Ended(TerminationRecord),
}

/// A message on the progress queue that no courier sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than a courier's messages are.
    #[error("the message has {0} bytes, a courier's fewer than {MAX_MESSAGE_BODY_BYTES}")]
    TooLong(usize),
    /// Not the JSON of a courier.
    #[error("the message is not a courier's: {0}")]
    Malformed(String),
}

/// [`CourierMessage`] on the wire. `arrival` comes with a progress of 0, as older operators require.
#[derive(Serialize, Deserialize)]
struct MessageJson {
    job: String,
    attempt: i32,
    pod: String,
    capability: Capability,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Capability>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    arrival: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hello: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<TerminationRecord>,
}

impl CourierMessage {
    /// The courier's message in a body, brought into its bounds.
    ///
    /// # Errors
    /// When the body is not a courier's.
    pub fn from_body(body: &[u8]) -> Result<Self, MessageError> {
        if body.len() >= MAX_MESSAGE_BODY_BYTES {
            return Err(MessageError::TooLong(body.len()));
        }
        let malformed = |problem: String| MessageError::Malformed(problem);
        let json: MessageJson = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        let notice = json.notice().ok_or_else(|| malformed("it has no notice that this operator knows".to_owned()))?;
        let MessageJson { job, attempt, pod, capability, proof, .. } = json;
        if job.len().max(pod.len()) > MAX_UID_BYTES {
            return Err(malformed("its job or its pod is no UID".to_owned()));
        }
        Ok(Self { job, attempt, pod, capability, proof, notice })
    }

    /// The message's body.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        // A struct of strings and numbers always has a JSON form; an empty body would be refused by `from_body`.
        serde_json::to_vec(&MessageJson::of(self)).unwrap_or_default().into()
    }
}

impl MessageJson {
    fn of(message: &CourierMessage) -> Self {
        let CourierMessage { job, attempt, pod, capability, proof, notice } = message.clone();
        let line = match &notice {
            CourierNotice::Hello | CourierNotice::Ended(_) => None,
            CourierNotice::Arrival => Some(ProgressLine { progress: 0.0, message: String::new() }),
            CourierNotice::Progress(line) => Some(bounded(line)),
        };
        Self {
            job,
            attempt,
            pod,
            capability,
            proof,
            progress: line.as_ref().map(|line| line.progress),
            message: line.map(|line| line.message),
            arrival: notice == CourierNotice::Arrival,
            hello: notice == CourierNotice::Hello,
            record: if let CourierNotice::Ended(record) = notice { Some(record) } else { None },
        }
    }

    fn notice(&self) -> Option<CourierNotice> {
        if let Some(record) = &self.record {
            return Some(CourierNotice::Ended(record.clone()));
        }
        if self.hello {
            return Some(CourierNotice::Hello);
        }
        if self.arrival {
            return Some(CourierNotice::Arrival);
        }
        let line = ProgressLine { progress: self.progress?, message: self.message.clone()? };
        Some(CourierNotice::Progress(bounded(&line)))
    }
}

fn bounded(line: &ProgressLine) -> ProgressLine {
    ProgressLine { progress: line.progress.clamp(0.0, 1.0), message: first_chars(&line.message, MAX_PROGRESS_CHARS) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::digest::Digest;
    use super::super::protocol::{JobResult, MAX_LOG_BYTES, ResultType};
    use super::super::record::CommitRecord;
    use super::super::remark::Severity;
    use super::*;

    fn sent(notice: CourierNotice) -> CourierMessage {
        CourierMessage {
            job: "job-uid".into(),
            attempt: 1,
            pod: "pod-uid".into(),
            capability: "00112233445566778899aabbccddeeff".parse().unwrap(),
            proof: None,
            notice,
        }
    }

    fn progress(progress: f64, message: &str) -> CourierMessage {
        sent(CourierNotice::Progress(ProgressLine { progress, message: message.to_owned() }))
    }

    fn ended() -> CourierMessage {
        let record = CommitRecord { attempt: 1, sha256: Digest::of(b"x"), bytes: 1, output_bytes: None };
        sent(CourierNotice::Ended(TerminationRecord::Committed(record)))
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
    fn a_message_survives_the_way() {
        for message in [progress(0.25, "solving"), sent(CourierNotice::Arrival), sent(CourierNotice::Hello), ended()] {
            assert_eq!(CourierMessage::from_body(&message.to_body()), Ok(message));
        }
    }

    /// Operators and couriers of two versions run side by side during an upgrade.
    #[test]
    fn other_versions_read_what_they_know() {
        let text = |message: &CourierMessage| String::from_utf8(message.to_body().to_vec()).unwrap();
        let sender = r#"{"job":"job-uid","attempt":1,"pod":"pod-uid","capability":"00112233445566778899aabbccddeeff""#;
        assert_eq!(text(&progress(0.25, "solving")), format!(r#"{sender},"progress":0.25,"message":"solving"}}"#));
        assert_eq!(
            text(&sent(CourierNotice::Arrival)),
            format!(r#"{sender},"progress":0.0,"message":"","arrival":true}}"#)
        );
        for message in [sent(CourierNotice::Hello), ended()] {
            assert!(!text(&message).contains("progress"), "an older operator must not take it for progress");
        }
        let proof = "ffeeddccbbaa99887766554433221100".parse().ok();
        let proven = CourierMessage { proof, ..progress(0.25, "solving") };
        let proof = r#","proof":"ffeeddccbbaa99887766554433221100","progress":0.25,"message":"solving"}"#;
        assert_eq!(text(&proven), format!("{sender}{proof}"));
        assert_eq!(CourierMessage::from_body(&proven.to_body()), Ok(proven));
        let newer = CourierMessage::from_body(format!(r#"{sender},"unheard-of":true}}"#).as_bytes());
        assert!(matches!(newer, Err(MessageError::Malformed(_))), "{newer:?}");
    }

    #[test]
    fn progress_is_brought_into_its_bounds() {
        let tame = CourierMessage::from_body(&progress(7.0, &"\u{1}".repeat(5000)).to_body()).unwrap();
        let CourierNotice::Progress(line) = tame.notice else { panic!() };
        assert_eq!((line.progress.to_bits(), line.message.chars().count()), (1.0_f64.to_bits(), MAX_PROGRESS_CHARS));
    }

    #[test]
    fn what_no_courier_sends_is_refused() {
        for garbage in [&b""[..], b"{}", b"[]", b"\xff", b"{\"job\":1}"] {
            assert!(matches!(CourierMessage::from_body(garbage), Err(MessageError::Malformed(_))));
        }
        assert!(matches!(CourierMessage::from_body(&vec![b' '; 20_000]), Err(MessageError::TooLong(20_000))));
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
            let _ = CourierMessage::from_body(&body);
        }
    }

    #[test]
    fn remarks_are_carried() {
        let remark = EsdlMessage::new(Severity::Info, "pipe 7 has no length");
        let body = CourierOutput::new(None, vec![remark.clone()]).unwrap().to_body();
        assert_eq!(CourierOutput::from_body(body).unwrap().into_parts().1, vec![remark]);
    }
}

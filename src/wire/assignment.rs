//! What the courier of a warm pod reads of the job that its pod got.
//!
//! Ring: core. It stands in an annotation of the pod, as a job's own pod has it in the courier's environment: whoever may
//! look into the namespace reads both, so that neither says what only couriers may know.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use super::capability::Capability;

/// A job, as the courier of its pod knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Assignment {
    /// The UID of the resource.
    pub job_uid: String,
    /// Counted from 1.
    pub attempt: i32,
    /// Nothing: operators of earlier versions, which cannot read an assignment without it, get their time from here.
    #[serde(default = "Capability::none")]
    pub capability: Capability,
    /// What the attempt's output queue is named after, sealed.
    #[serde(default)]
    pub sealed_capability: String,
    /// How long the courier waits at the end for a broker that is away, in seconds.
    pub flush_seconds: i64,
    /// The ESDL that waits at the broker, sealed; absent where it is in an annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_input: Option<SealedInput>,
    /// The queue with an ESDL that an earlier version stored there, unsealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_queue: Option<String>,
    /// When the pod got the job, in whole seconds: its program's time counts from here.
    pub assigned_time: Time,
}

/// An ESDL that waits at the broker, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SealedInput {
    /// The name of its job.
    pub job: String,
    /// The id of the namespace's key that it is sealed under.
    pub key_id: String,
}

impl Assignment {
    /// The assignment in an annotation; `None` where there is none that can be read.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of the annotation.
    #[must_use]
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_and_nothing_else() {
        let assignment = Assignment {
            job_uid: "u".to_owned(),
            attempt: 2,
            capability: Capability::none(),
            sealed_capability: "00".to_owned(),
            sealed_input: None,
            flush_seconds: 60,
            input_queue: None,
            assigned_time: Time("2026-01-01T00:00:00Z".parse().unwrap()),
        };
        let text = assignment.to_json();
        assert_eq!(Assignment::parse(&text), Some(assignment));
        assert!(text.contains(r#""assignedTime":"2026-01-01T00:00:00Z""#) && !text.contains("inputQueue"), "{text}");
        // As it was written before capabilities were sealed: the pod's program may still run.
        let earlier = text.replace(r#""sealedCapability":"00","#, "");
        assert_eq!(Assignment::parse(&earlier).map(|known| known.sealed_capability), Some(String::new()), "{earlier}");
        for broken in ["", "{}", &text[..text.len() - 1]] {
            assert_eq!(Assignment::parse(broken), None, "{broken}");
        }
    }
}

//! What the courier of a warm pod reads of the job that its pod got.
//!
//! Ring: core. It stands in an annotation of the pod, as a job's own pod has it in the courier's environment: whoever may
//! read the one may read the other.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use super::capability::Capability;

/// A job, as the courier of its pod knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// The UID of the resource.
    pub job_uid: String,
    /// Counted from 1.
    pub attempt: i32,
    /// What the courier is known by at the broker.
    pub capability: Capability,
    /// How long the courier waits at the end for a broker that is away, in seconds.
    pub flush_seconds: i64,
    /// The queue with the ESDL, where that is not in an annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_queue: Option<String>,
    /// When the pod got the job, in whole seconds: its program's time counts from here.
    pub assigned_time: Time,
}

impl Assignment {
    /// The assignment in an annotation; `None` where there is none that can be read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The text of the annotation.
    #[must_use]
    pub fn to_json(&self) -> String {
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
            capability: "00112233445566778899aabbccddeeff".parse().unwrap(),
            flush_seconds: 60,
            input_queue: None,
            assigned_time: Time("2026-01-01T00:00:00Z".parse().unwrap()),
        };
        let text = assignment.to_json();
        assert_eq!(Assignment::parse(&text), Some(assignment));
        assert!(text.contains(r#""assignedTime":"2026-01-01T00:00:00Z""#) && !text.contains("inputQueue"), "{text}");
        for broken in ["", "{}", &text[..text.len() - 1]] {
            assert_eq!(Assignment::parse(broken), None, "{broken}");
        }
    }
}

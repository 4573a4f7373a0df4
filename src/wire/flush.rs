//! The operator's request that a courier send the output although other containers of its pod run on.
//!
//! Ring: core. It stands in an annotation of the pod, which the kubelet shows to the courier as a file.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

/// A request to send the output now: main has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlushRequest {
    /// When the operator first asked, in whole seconds.
    pub requested_time: Time,
    /// How often it asked: each time changes the annotation, so that the kubelet looks at the pod again.
    pub tries: u32,
}

impl FlushRequest {
    /// The request in an annotation; `None` where there is none that can be read.
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
        let request = FlushRequest { requested_time: Time("2026-01-01T00:00:00Z".parse().unwrap()), tries: 2 };
        let text = request.to_json();
        assert_eq!(text, r#"{"requestedTime":"2026-01-01T00:00:00Z","tries":2}"#);
        assert_eq!(FlushRequest::parse(&text), Some(request));
        assert_eq!((FlushRequest::parse(""), FlushRequest::parse("{}")), (None, None));
    }
}

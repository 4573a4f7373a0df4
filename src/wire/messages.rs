//! `messages.json`: the remarks that a job leaves for its client.
//!
//! Ring: core.
//!
//! A JSON list of `{"technicalMessage": "…", "severity": "WARNING", "esdlObjectId": "…"}`. Remarks are never worth a
//! job's result: whatever cannot be read becomes one more remark that says so.

use serde::Deserialize;

use super::remark::{EsdlMessage, Severity};
use crate::text::first_chars;

/// More remarks than anybody reads; the rest is dropped.
const MAX_ENTRIES: usize = 1000;
/// Longer texts are cut.
const MAX_MESSAGE_CHARS: usize = 4096;
/// Object ids are UUIDs or short names.
const MAX_OBJECT_ID_CHARS: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageEntry {
    technical_message: String,
    severity: JsonSeverity,
    esdl_object_id: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum JsonSeverity {
    #[serde(alias = "debug")]
    Debug,
    #[serde(alias = "info")]
    Info,
    #[serde(alias = "warning")]
    Warning,
    #[serde(alias = "error")]
    Error,
}

/// The remarks in `messages.json`.
#[must_use]
pub(crate) fn parse_messages(json: &[u8]) -> Vec<EsdlMessage> {
    match serde_json::from_slice::<Vec<MessageEntry>>(json) {
        Ok(entries) => bounded(entries),
        Err(error) => vec![note(format!("messages.json of this job was left out, it cannot be read: {error}"))],
    }
}

fn bounded(entries: Vec<MessageEntry>) -> Vec<EsdlMessage> {
    let dropped = entries.len().saturating_sub(MAX_ENTRIES);
    let mut messages: Vec<_> = entries.into_iter().take(MAX_ENTRIES).map(EsdlMessage::from).collect();
    if dropped > 0 {
        messages
            .push(note(format!("{dropped} more messages of this job were left out: at most {MAX_ENTRIES} are kept")));
    }
    messages
}

fn note(text: String) -> EsdlMessage {
    EsdlMessage::new(Severity::Warning, text)
}

impl From<MessageEntry> for EsdlMessage {
    fn from(entry: MessageEntry) -> Self {
        Self {
            technical_message: first_chars(&entry.technical_message, MAX_MESSAGE_CHARS),
            severity: Severity::from(entry.severity).into(),
            esdl_object_id: entry.esdl_object_id.map(|id| first_chars(&id, MAX_OBJECT_ID_CHARS)),
        }
    }
}

impl From<JsonSeverity> for Severity {
    fn from(severity: JsonSeverity) -> Self {
        match severity {
            JsonSeverity::Debug => Self::Debug,
            JsonSeverity::Info => Self::Info,
            JsonSeverity::Warning => Self::Warning,
            JsonSeverity::Error => Self::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_read() {
        let json = br#"[{"technicalMessage":"a","severity":"ERROR","esdlObjectId":"pipe-7"},
                        {"technicalMessage":"b","severity":"debug"}]"#;
        let messages = parse_messages(json);
        assert_eq!(messages[0].severity(), Severity::Error);
        assert_eq!(messages[0].esdl_object_id.as_deref(), Some("pipe-7"));
        assert_eq!(messages[1], EsdlMessage::new(Severity::Debug, "b"));
    }

    #[test]
    fn what_cannot_be_read_becomes_a_remark() {
        for garbage in [&b""[..], b"{}", b"[1]", br#"[{"technicalMessage":"a","severity":"LOUD"}]"#, b"\xff"] {
            let messages = parse_messages(garbage);
            assert_eq!(messages.len(), 1);
            assert_eq!(messages[0].severity(), Severity::Warning);
            assert!(messages[0].technical_message.contains("messages.json"));
        }
    }

    #[test]
    fn number_and_length_are_bounded() {
        let entry = format!(r#"{{"technicalMessage":"{}","severity":"INFO"}}"#, "ä".repeat(5000));
        let messages = parse_messages(format!("[{}]", vec![entry; 1003].join(",")).as_bytes());
        assert_eq!(messages.len(), MAX_ENTRIES + 1);
        assert_eq!(messages[0].technical_message.chars().count(), MAX_MESSAGE_CHARS);
        assert!(messages[MAX_ENTRIES].technical_message.starts_with("3 more messages"));
    }
}

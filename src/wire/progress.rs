//! The lines that a job appends to its progress file.
//!
//! Ring: core.

use serde::Deserialize;

use crate::text::first_chars;

/// Longer texts are cut: they are shown in one line of a table.
const MAX_MESSAGE_CHARS: usize = 1024;

/// One line of the progress file: `{"progress": 0.4, "message": "…"}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ProgressLine {
    /// `progress` goes from 0 to 1.
    pub progress: f64,
    /// `message` says what the job does now; it may be left out.
    #[serde(default)]
    pub message: String,
}

/// The progress in one line, brought into its bounds; `None` for any line that is not progress.
#[must_use]
pub(crate) fn parse_progress_line(line: &[u8]) -> Option<ProgressLine> {
    let ProgressLine { progress, message } = serde_json::from_slice(line).ok()?;
    let message = first_chars(&message, MAX_MESSAGE_CHARS);
    progress.is_finite().then(|| ProgressLine { progress: progress.clamp(0.0, 1.0), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(progress: f64, message: &str) -> ProgressLine {
        ProgressLine { progress, message: message.to_owned() }
    }

    #[test]
    fn a_line_is_read() {
        assert_eq!(parse_progress_line(br#"{"progress": 0.4, "message": "solving"}"#), Some(line(0.4, "solving")));
        assert_eq!(parse_progress_line(b"{\"progress\": 1}\r"), Some(line(1.0, "")));
    }

    #[test]
    fn numbers_out_of_range_are_brought_into_it() {
        assert_eq!(parse_progress_line(br#"{"progress": 40}"#), Some(line(1.0, "")));
        assert_eq!(parse_progress_line(br#"{"progress": -1}"#), Some(line(0.0, "")));
    }

    #[test]
    fn what_is_not_progress_is_ignored() {
        for garbage in
            [&b""[..], b"50%", b"{}", br#"{"progress": NaN}"#, br#"{"progress": 1e999}"#, br#"{"progress": "0.4"}"#]
        {
            assert_eq!(parse_progress_line(garbage), None);
        }
    }
}

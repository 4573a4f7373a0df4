//! Writing the courier's termination message.
//!
//! Ring: shell.

use std::path::Path;
use std::process::ExitCode;

use super::layout::Layout;
use super::settings::SettingsError;
use crate::text::first_chars;
use crate::wire::{FailureRecord, TerminationRecord};

/// Enough for an address and the system's words.
const MAX_NOTE_CHARS: usize = 512;

/// Writes the record where the kubelet reads it. A commit that nobody can read is a failure.
pub(super) fn write(termination_log: &Path, record: &TerminationRecord) -> ExitCode {
    match std::fs::write(termination_log, record.to_json()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, path = %termination_log.display(), "cannot write the termination message");
            ExitCode::FAILURE
        }
    }
}

/// Leaves `note`, where there is one, for the operator to quote. It is no record of an end.
pub(super) fn note(termination_log: &Path, note: Option<String>) {
    let Some(note) = note else { return };
    if let Err(error) = std::fs::write(termination_log, first_chars(&note, MAX_NOTE_CHARS)) {
        tracing::warn!(%error, path = %termination_log.display(), "cannot write the termination message");
    }
}

/// Says why this courier cannot start, and ends it.
#[must_use]
pub(crate) fn unable(layout: &Layout, error: &SettingsError) -> ExitCode {
    tracing::error!(%error, "the courier cannot start");
    note(layout.termination_log(), Some(error.to_string()));
    ExitCode::FAILURE
}

/// Says why this courier has failed, and ends it.
pub(super) fn fail(layout: &Layout, failure: FailureRecord) -> ExitCode {
    tracing::error!(cause = failure.cause.as_str(), "{}", failure.message);
    write(layout.termination_log(), &TerminationRecord::Failed(failure));
    ExitCode::FAILURE
}

//! Writing the courier's last word.
//!
//! Ring: shell.

use std::path::Path;
use std::process::ExitCode;

use crate::wire::TerminationRecord;

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

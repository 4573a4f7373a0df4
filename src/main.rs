//! The binary: calls the library and reports what it could not do.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // A returned error would be shown as a structure of this program, with a backtrace.
    omotes_operator::run().await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

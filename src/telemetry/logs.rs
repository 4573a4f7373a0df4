//! Logs as JSON or text, on standard error.

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Sends this process's logs to standard error: the operator's from `level` up, its libraries' warnings and errors.
pub fn init(format: Format, level: Level) {
    // lapin prints every message that comes back with its whole body, and every answer that is expected to be no; the
    // broker's side logs each transition itself.
    let filter = Targets::new()
        .with_default(Level::WARN.min(level))
        .with_target("omotes_operator", level)
        .with_target("lapin", LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        Format::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_span_list(false)
                    .with_writer(std::io::stderr),
            )
            .init(),
        Format::Text => registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).init(),
    }
}

//! What each command of the binary does.
//!
//! Ring: shell.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    api,
    broker::Connector,
    cli::{Cli, Command},
    courier::{self, CourierPart, Layout},
    operator, telemetry,
    workflow::import::{Imported, import},
};

/// Does what the command line says.
///
/// # Errors
/// When the command cannot be carried out.
pub async fn run() -> anyhow::Result<ExitCode> {
    // kube, lapin and reqwest are all built on ring; saying so once keeps rustls from having to guess.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match Cli::parse().command {
        Command::Run(run) => operator::run(*run).await?,
        Command::Crd => print!("{}", api::crd::all_yaml().context("writing the CRDs")?),
        Command::ImportWorkflows { file, image } => print!("{}", import_workflows(&file, &image)?),
        Command::Courier { part } => return courier(part).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn import_workflows(file: &Path, image: &str) -> anyhow::Result<String> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", name()))?;
    let Imported { manifests, warnings } = import(&text, image).with_context(name)?;
    for warning in warnings {
        eprintln!("warning: {}: {warning}", name());
    }
    let texts: Result<Vec<String>, _> = manifests.iter().map(serde_saphyr::to_string).collect();
    Ok(texts.context("writing the manifests")?.join("---\n"))
}

async fn courier(part: CourierPart) -> anyhow::Result<ExitCode> {
    telemetry::init_logs(telemetry::Format::Text, tracing::Level::INFO);
    courier::deny_inspection().context("keeping the job's program from the courier's memory")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        terminate.recv().await;
    };
    let variable = |name| std::env::var(name).ok();
    Ok(courier::serve(part, variable, &Layout::default(), Connector::Amqp, shutdown).await?)
}

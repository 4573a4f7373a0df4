//! The binary: reads the command line and calls the library.

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use omotes_operator::{
    api,
    cli::{Cli, Command, CourierPart},
    courier::{self, CourierSettings, Layout, WaitingSettings},
    operator, telemetry,
    workflow::import::import,
};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
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
    let manifests = import(&text, image).with_context(name)?;
    let texts: Result<Vec<String>, _> = manifests.iter().map(serde_saphyr::to_string).collect();
    Ok(texts.context("writing the manifests")?.join("---\n"))
}

async fn courier(part: CourierPart) -> anyhow::Result<ExitCode> {
    telemetry::init_logs(telemetry::Format::Text, tracing::Level::INFO);
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = async move {
        terminate.recv().await;
    };
    let layout = Layout::default();
    Ok(match part {
        CourierPart::Input => courier::input(&CourierSettings::from_env()?, &layout, shutdown).await,
        CourierPart::Run => courier::run(&CourierSettings::from_env()?, &layout, shutdown).await,
        CourierPart::Warm => courier::wait(&WaitingSettings::from_env()?, &layout, shutdown).await,
    })
}

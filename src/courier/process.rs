//! One process of the courier: which part it plays, and what it was told.
//!
//! Ring: shell.

use std::process::ExitCode;

use clap::Subcommand;

use super::{
    carry,
    input::input,
    layout::Layout,
    report::unable,
    settings::{CourierSettings, SettingsError, WaitingSettings},
    warm::wait,
};
use crate::broker::Connector;

/// The courier's parts.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum CourierPart {
    /// Prepares /omotes and waits for the input; an init container.
    Input,
    /// Carries progress and output to the broker; a sidecar.
    Run,
    /// Waits for a job, brings its input, and carries progress and output then; the sidecar of a warm pod.
    Warm,
}

/// Plays `part` until `shutdown`, in the environment that `variable` looks up.
///
/// # Errors
/// When the environment of a pod that waits is not one that the operator made.
pub async fn serve(
    part: CourierPart,
    variable: impl Fn(&'static str) -> Option<String>,
    layout: &Layout,
    connector: Connector,
    shutdown: impl Future<Output = ()>,
) -> Result<ExitCode, SettingsError> {
    tokio::pin!(shutdown);
    let settings = match part {
        CourierPart::Warm => {
            let settings = WaitingSettings::resolve(&variable)?.carried_by(connector);
            return Ok(wait(&settings, layout, shutdown).await);
        }
        CourierPart::Input | CourierPart::Run => tokio::select! {
            settings = CourierSettings::once_keyed(variable) => settings,
            () = &mut shutdown => return Ok(ExitCode::FAILURE),
        },
    };
    Ok(match (settings.map(|settings| settings.carried_by(connector)), part) {
        (Err(error), _) => unable(layout, &error),
        (Ok(settings), CourierPart::Input) => input(&settings, layout, shutdown).await,
        (Ok(settings), _) => carry::run(&settings, layout, shutdown).await,
    })
}

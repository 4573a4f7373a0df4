//! The init container: folders for the job's program, and the wait for its input.
//!
//! Ring: shell.
//!
//! Inputs are optional projected volumes, so that a missing reference does not leave the pod hanging without a word. They
//! appear late when the object they refer to does.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::layout::Layout;
use super::output::unfollowed;
use super::settings::CourierSettings;
use super::{fetch, report, trial};
use crate::wire::{FailureCause, FailureRecord};

/// The kubelet refreshes projected volumes every 60 to 90 seconds, and needs a moment for it.
const WAIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Prepares the pod's folders and waits for the input: the init container. Where the broker cannot be reached from this
/// pod it leaves the reason as its termination message, and the program starts all the same.
pub async fn input(settings: &CourierSettings, layout: &Layout, shutdown: impl Future<Output = ()>) -> ExitCode {
    let prepared = async { tokio::join!(prepare(settings, layout), trial::obstacle(settings)) };
    tokio::select! {
        (prepared, obstacle) = prepared => match prepared {
            Ok(()) => {
                report::note(layout.termination_log(), obstacle);
                ExitCode::SUCCESS
            }
            Err(failure) => report::fail(layout, failure),
        },
        () = shutdown => ExitCode::FAILURE,
    }
}

/// Makes what the job's program finds, and waits for its input.
async fn prepare(settings: &CourierSettings, layout: &Layout) -> Result<(), FailureRecord> {
    let failed = |message| FailureRecord { attempt: settings.attempt, cause: FailureCause::InputMissing, message };
    make_places(layout).map_err(|error| failed(format!("cannot prepare {}: {error}", layout.root.display())))?;
    if let Some(queue) = &settings.input {
        return fetch::bring(settings, layout, queue).await;
    }
    let Some(reference) = &settings.expected_input else { return Ok(()) };
    if appears(&layout.input(), reference).await { Ok(()) } else { Err(failed(missing(reference))) }
}

/// The program may run as any user: whatever the umask, it can write here. A courier that starts again does not follow what
/// the program put there meanwhile.
pub(super) fn make_places(layout: &Layout) -> io::Result<()> {
    let folder = layout.output_folder();
    fs::create_dir_all(&folder)?;
    unfollowed(OpenOptions::new().read(true)).open(&folder)?.set_permissions(Permissions::from_mode(0o777))?;
    let progress = unfollowed(OpenOptions::new().append(true).create(true)).open(layout.progress())?;
    progress.set_permissions(Permissions::from_mode(0o666))
}

async fn appears(input: &Path, reference: &str) -> bool {
    let until = Instant::now() + WAIT;
    let mut announced = false;
    while !is_there(input) {
        if Instant::now() >= until {
            return false;
        }
        if !announced {
            tracing::info!("waiting up to {} s for the input: {reference}", WAIT.as_secs());
            announced = true;
        }
        sleep(LOOK_EVERY).await;
    }
    true
}

fn is_there(input: &Path) -> bool {
    fs::metadata(input).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0)
}

fn missing(reference: &str) -> String {
    format!(
        "the job's input is missing: {reference} did not appear within {} s, or is empty. Create it in the job's namespace, or correct spec.input, and \
         start the job again",
        WAIT.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::Pod;
    use super::super::settings::tests::unmounted;
    use super::*;

    fn expecting(reference: &str) -> CourierSettings {
        CourierSettings { expected_input: Some(reference.to_owned()), ..unmounted() }
    }

    #[tokio::test]
    async fn places_are_open_to_any_user_and_made_once() {
        let pod = Pod::empty();
        for _ in 0..2 {
            assert_eq!(prepare(&unmounted(), &pod.layout).await, Ok(()));
        }
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(pod.layout.output_folder()), 0o777);
        assert_eq!(mode(pod.layout.progress()), 0o666);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_input_is_waited_for() {
        let pod = Pod::empty();
        let late = async {
            sleep(Duration::from_secs(60)).await;
            pod.write("input/input.esdl", "<esdl/>");
        };
        let settings = expecting("key input.esdl of ConfigMap heat-network");
        let (prepared, ()) = tokio::join!(prepare(&settings, &pod.layout), late);
        assert_eq!(prepared, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_or_empty_input_is_named() {
        let pod = Pod::empty();
        pod.write("input/input.esdl", "");
        let failure = prepare(&expecting("key input.esdl of ConfigMap heat-network"), &pod.layout).await.unwrap_err();
        assert_eq!(failure.cause, FailureCause::InputMissing);
        assert!(failure.message.contains("key input.esdl of ConfigMap heat-network"), "{}", failure.message);
    }
}

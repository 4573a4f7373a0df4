//! A pod that waits for a job: its courier prepares the folders, waits for the job, brings its files, and carries then.
//!
//! Ring: shell.
//!
//! Guarantees: the ESDL comes last and complete, after the other files. A courier that is started again begins with the
//! same job where the former one was.

use std::{fs, future::ready, path::PathBuf, process::ExitCode, time::Duration};

use tokio::time::sleep;

use super::carry::run;
use super::layout::Layout;
use super::report::{fail, unable};
use super::settings::{CourierSettings, WaitingSettings};
use super::{fetch, input};
use crate::wire::{Assignment, FailureRecord};

/// One look at one small file; a client waits.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits for a job and is its courier until `shutdown`. Whoever has no job by then has nothing to say.
pub(crate) async fn wait(settings: &WaitingSettings, layout: &Layout, shutdown: impl Future<Output = ()>) -> ExitCode {
    tokio::pin!(shutdown);
    if let Err(error) = input::make_places(layout) {
        tracing::error!("cannot prepare {}: {error}", layout.root.display());
        return ExitCode::FAILURE;
    }
    let assignment = tokio::select! {
        assignment = appears(layout.assignment()) => assignment,
        () = &mut shutdown => return ExitCode::SUCCESS,
    };
    tracing::info!(job = assignment.job_uid, attempt = assignment.attempt, "the pod has a job");
    let settings = tokio::select! {
        settings = settings.assigned(&assignment) => match settings {
            Ok(settings) => settings,
            Err(error) => return unable(layout, &error),
        },
        () = &mut shutdown => return ExitCode::FAILURE,
    };
    let brought = tokio::select! {
        brought = bring(&settings, layout) => brought,
        () = &mut shutdown => return ended_meanwhile(&settings, layout).await,
    };
    match brought {
        Ok(()) => run(&settings, layout, shutdown).await,
        Err(failure) => fail(layout, failure),
    }
}

/// The program has ended before this process knew that its input was there: then its output counts. Without an input how
/// the program ended says more.
async fn ended_meanwhile(settings: &CourierSettings, layout: &Layout) -> ExitCode {
    if layout.input().exists() { run(settings, layout, ready(())).await } else { ExitCode::FAILURE }
}

async fn appears(path: PathBuf) -> Assignment {
    loop {
        // All files of the volume change at once: with this one the others are there.
        if let Some(assignment) = fs::read_to_string(&path).ok().and_then(|text| Assignment::parse(&text)) {
            return assignment;
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn bring(settings: &CourierSettings, layout: &Layout) -> Result<(), FailureRecord> {
    if layout.input().exists() {
        return Ok(());
    }
    if let Some(queue) = &settings.input {
        return fetch::bring(settings, layout, queue).await;
    }
    let inline = layout.source().join("input.esdl");
    fetch::place(settings, layout, move || fs::read(inline)).await
}

#[cfg(test)]
mod tests {
    use super::super::{layout::tests::Pod, settings::tests::waiting};
    use super::*;

    fn give(pod: &Pod, esdl: &str) {
        for (file, text) in [("job.json", "{}"), ("parameters.json", "{}"), ("input.esdl", esdl)] {
            pod.write(&format!("../omotes-source/{file}"), text);
        }
        pod.write("../omotes-source/assignment.json", &super::super::settings::tests::assignment().to_json());
    }

    fn empty() -> Pod {
        let pod = Pod::empty();
        pod.write("../omotes-source/assignment.json", "");
        fs::create_dir_all(pod.layout.input_folder()).unwrap();
        pod
    }

    #[tokio::test]
    async fn without_a_job_it_ends_in_silence() {
        let pod = empty();
        let code = wait(&waiting(&pod), &pod.layout, sleep(Duration::from_millis(200))).await;
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
        assert!(!pod.layout.termination_log().exists() && pod.layout.output_folder().is_dir());
    }

    #[tokio::test]
    async fn a_jobs_files_are_brought_and_the_esdl_last() {
        let pod = empty();
        let given = async {
            sleep(Duration::from_millis(120)).await;
            give(&pod, "<esdl/>");
            while !pod.layout.input().exists() {
                sleep(Duration::from_millis(5)).await;
            }
            for file in ["job.json", "parameters.json", "input.esdl"] {
                assert!(pod.layout.input_folder().join(file).exists(), "{file}");
            }
        };
        wait(&waiting(&pod), &pod.layout, given).await;
        assert_eq!(fs::read_to_string(pod.layout.input()).unwrap(), "<esdl/>");
        assert!(pod.layout.termination_log().exists(), "it was the job's courier to the end");
    }

    #[tokio::test]
    async fn one_that_is_started_again_brings_nothing_twice() {
        let pod = empty();
        give(&pod, "<other/>");
        pod.write("input/input.esdl", "<esdl/>");
        wait(&waiting(&pod), &pod.layout, sleep(Duration::from_millis(200))).await;
        assert_eq!(fs::read_to_string(pod.layout.input()).unwrap(), "<esdl/>");
    }
}

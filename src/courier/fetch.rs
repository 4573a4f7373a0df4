//! The input that waits at the broker: fetched into the pod, and left there for the next attempt.
//!
//! Ring: shell.
//!
//! Guarantees: the program finds all of its input or does not start; the message is never acknowledged, so that the broker
//! has it again when this courier is gone, however it ended. Memory: about the input, twice.

use std::fs;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::layout::Layout;
use super::link::Link;
use super::settings::{CourierSettings, InputQueue};
use crate::backoff::Backoff;
use crate::broker::BrokerError;
use crate::wire::{FailureCause, FailureRecord, SealError};

/// A broker that restarts is back by then.
const PATIENCE: Duration = Duration::from_secs(300);
/// A courier that died with its node has the message until the broker misses its heartbeats.
const HELD: Duration = Duration::from_secs(60);
/// A password that was rotated reaches a mounted Secret a moment after the broker.
const STALE: Duration = Duration::from_secs(20);
const FIRST_DELAY: Duration = Duration::from_millis(200);
const MOST_DELAY: Duration = Duration::from_secs(5);
/// What the ESDL is called while it is written.
const PARTIAL: &str = ".input.esdl.partial";
/// What Kubernetes projects for every job.
const PROJECTED: [&str; 2] = ["job.json", "parameters.json"];

/// Brings the job's files and the ESDL in `queue` to where the program reads them.
pub(super) async fn bring(
    settings: &CourierSettings,
    layout: &Layout,
    queue: &InputQueue,
) -> Result<(), FailureRecord> {
    let mut link = Link::of(settings);
    let fetched = fetch(&mut link, &queue.name).await;
    link.close().await;
    match fetched.and_then(|body| queue.unseal(body).map_err(broken)) {
        Ok(esdl) => place(settings, layout, move || Ok(esdl)).await,
        Err(message) => Err(missing(settings, message)),
    }
}

/// Puts the job's files and the ESDL that `read` gives to where the program reads them.
pub(super) async fn place(
    settings: &CourierSettings,
    layout: &Layout,
    read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
) -> Result<(), FailureRecord> {
    let layout = layout.clone();
    let written = tokio::task::spawn_blocking(move || write(&layout, read)).await;
    let written = written.unwrap_or_else(|error| Err(error.to_string()));
    written.map_err(|message| missing(settings, message))
}

fn missing(settings: &CourierSettings, message: String) -> FailureRecord {
    FailureRecord { attempt: settings.attempt, cause: FailureCause::InputMissing, message }
}

/// Tries until the time is over.
async fn fetch(link: &mut Link, queue: &str) -> Result<Vec<u8>, String> {
    let began = Instant::now();
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_DELAY);
    let mut reason = "it did not answer".to_owned();
    while let Ok(looked) = timeout_at(began + PATIENCE, link.look_into(queue)).await {
        match looked {
            Ok(Some(esdl)) => return Ok(esdl),
            Ok(None) if began.elapsed() >= HELD => return Err(gone()),
            Ok(None) => "the queue is empty".clone_into(&mut reason),
            Err(error @ BrokerError::Refused { .. }) if began.elapsed() >= STALE => {
                return Err(refused(&link.broker(), &error));
            }
            Err(error) => reason = error.to_string(),
        }
        tracing::warn!(reason, "the input is not there yet");
        sleep(backoff.next_delay()).await;
    }
    Err(unreachable(&link.broker(), &reason))
}

fn write(layout: &Layout, read: impl FnOnce() -> io::Result<Vec<u8>>) -> Result<(), String> {
    read()
        .and_then(|esdl| put(layout, &esdl))
        .map_err(|error| format!("cannot write the job's input to {}: {error}", layout.input_folder().display()))
}

/// Puts the files of the job to where its program reads them, and `esdl` last and at once: a program of a warm pod waits
/// for it. Blocking.
fn put(layout: &Layout, esdl: &[u8]) -> io::Result<()> {
    for file in PROJECTED {
        fs::write(layout.input_folder().join(file), fs::read(layout.source().join(file))?)?;
    }
    let partial = layout.input_folder().join(PARTIAL);
    fs::write(&partial, esdl)?;
    fs::rename(partial, layout.input())
}

fn broken(error: SealError) -> String {
    format!("the job's input cannot be used: {error}. Submit the job again")
}

fn gone() -> String {
    format!(
        "the job's input is missing: the broker did not have it for {} s, so its queue was deleted, purged or expired. Submit the job again",
        HELD.as_secs()
    )
}

fn refused(broker: &str, error: &BrokerError) -> String {
    format!(
        "the job's input cannot be fetched from {broker}: {error}. Let the courier's user read the queues omotes.input.*, and submit the job again"
    )
}

fn unreachable(broker: &str, reason: &str) -> String {
    format!(
        "the job's input cannot be fetched: the broker ({broker}) could not be reached for {} s: {reason}. Check the broker, and submit the job again",
        PATIENCE.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::Pod;
    use super::super::settings::tests::lonely;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_broker_is_named_without_its_password() {
        let pod = Pod::empty();
        let failure =
            bring(&lonely(&pod), &pod.layout, &InputQueue::open("omotes.input.00".to_owned())).await.unwrap_err();
        assert_eq!((failure.attempt, failure.cause), (2, FailureCause::InputMissing));
        assert!(failure.message.contains("amqp://courier@127.0.0.1:1, vhost omotes"), "{}", failure.message);
        assert!(!failure.message.contains("s3cret"), "{}", failure.message);
    }

    #[test]
    fn all_files_are_brought() {
        let pod = Pod::empty();
        for file in PROJECTED {
            pod.write(&format!("../omotes-source/{file}"), file);
        }
        pod.write("input/.keep", "");
        write(&pod.layout, || Ok(b"<esdl/>".to_vec())).unwrap();
        for (file, text) in
            [("job.json", "job.json"), ("parameters.json", "parameters.json"), ("input.esdl", "<esdl/>")]
        {
            assert_eq!(fs::read_to_string(pod.layout.input_folder().join(file)).unwrap(), text);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let pod = Pod::empty();
        let said = write(&pod.layout, || Ok(b"<esdl/>".to_vec())).unwrap_err();
        assert!(
            said.starts_with(&format!("cannot write the job's input to {}", pod.layout.input_folder().display())),
            "{said}"
        );
    }
}

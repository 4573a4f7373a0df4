//! The end of the job: its output goes to the broker.
//!
//! Ring: shell.
//!
//! Guarantees: a commit only for an output that the broker confirmed to be in a queue; every failure says what happened
//! and what to do about it; done before the kubelet loses its patience.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::layout::Layout;
use super::link::Link;
use super::output::{UnreadableFile, collect};
use super::settings::CourierSettings;
use crate::backoff::Backoff;
use crate::broker::{BrokerError, Routing};
use crate::topology::output_key;
use crate::wire::{
    Capability, CommitRecord, CourierMessage, CourierNotice, Digest, FailureCause, FailureRecord, FlushRequest,
    TerminationRecord,
};

/// Left of the pod's grace for writing the record and ending.
const MARGIN: Duration = Duration::from_secs(2);
/// Even with no grace at all one attempt is worth it.
const LEAST: Duration = Duration::from_secs(1);
/// A nack tells no reason.
const FULL: &str = "its queue takes no more: it holds messages that are not the job's, or a policy limits its bytes to less than the output (see OMOTES_OUTPUT_BYTES of broker-users.sh)";
const FIRST_DELAY: Duration = Duration::from_millis(200);
const MOST_DELAY: Duration = Duration::from_secs(5);

/// One look at one small file; a client waits.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An operator that starts again has forgotten what it was told.
const REPORT_EVERY: Duration = Duration::from_secs(5);

type FlushFailure = (FailureCause, String);

/// Waits until the operator asks for the output.
pub(super) async fn requested(layout: &Layout) {
    let path = layout.flush_request();
    while !fs::read_to_string(&path).is_ok_and(|text| FlushRequest::parse(&text).is_some()) {
        sleep(LOOK_EVERY).await;
    }
}

/// Reports over the broker, until `shutdown`, what the termination message says.
pub(super) async fn repeat(
    settings: &CourierSettings,
    layout: &Layout,
    link: &mut Link,
    shutdown: impl Future<Output = ()>,
) {
    let reports = async {
        loop {
            sleep(REPORT_EVERY).await;
            report(settings, layout, link).await;
        }
    };
    tokio::select! {
        () = shutdown => {}
        () = reports => {}
    }
}

/// Reports over the broker what the termination message says. An output that did not reach the broker is left to the
/// termination message: another attempt may follow, and the broker may still be away.
pub(super) async fn report(settings: &CourierSettings, layout: &Layout, link: &mut Link) {
    let written = fs::read_to_string(layout.termination_log()).ok();
    let record = written.and_then(|text| TerminationRecord::parse(&text).ok());
    let is_lost = |record: &TerminationRecord| matches!(record, TerminationRecord::Failed(failure) if failure.cause == FailureCause::OutputLost);
    if let Some(record) = record.filter(|record| !is_lost(record)) {
        link.post(&settings.message(CourierNotice::Ended(record)).to_body()).await;
    }
}

/// Sends the last progress and the output; returns what the termination message says.
pub(super) async fn flush(
    settings: &CourierSettings,
    layout: &Layout,
    link: &mut Link,
    latest: Option<CourierMessage>,
) -> Result<CommitRecord, FailureRecord> {
    let until = Instant::now() + settings.flush.saturating_sub(MARGIN).max(LEAST);
    if let Some(progress) = latest {
        let half = (until - Instant::now()) / 2;
        drop(timeout(half, link.post(&progress.to_body())).await);
    }
    let flushed = send(settings, layout, link, until).await;
    flushed.map_err(|(cause, message)| FailureRecord { attempt: settings.attempt, cause, message })
}

async fn send(
    settings: &CourierSettings,
    layout: &Layout,
    link: &mut Link,
    until: Instant,
) -> Result<CommitRecord, FlushFailure> {
    let (layout, attempt, proof) = (layout.clone(), settings.attempt, settings.identity.proof);
    let packing = tokio::task::spawn_blocking(move || pack(&layout, attempt, &proof));
    let (body, record) = packing.await.map_err(|error| (FailureCause::OutputUnreadable, error.to_string()))??;
    deliver(link, &output_key(&settings.identity.output_route), &body, until).await?;
    Ok(record)
}

/// The message with what the job left, and the record that vouches for it. Blocking.
fn pack(layout: &Layout, attempt: i32, proof: &Capability) -> Result<(Bytes, CommitRecord), FlushFailure> {
    let output = collect(layout).map_err(|error| unreadable(&error))?.proven_by(proof);
    let body = output.to_body();
    let record = CommitRecord {
        attempt,
        sha256: Digest::of(&body),
        bytes: body.len() as u64,
        output_bytes: output.output_bytes(),
    };
    Ok((body, record))
}

fn unreadable(error: &UnreadableFile) -> FlushFailure {
    match error {
        UnreadableFile::TooLarge { .. } => {
            (FailureCause::OutputTooLarge, format!("{error}, which is more than RabbitMQ takes"))
        }
        _ => (FailureCause::OutputUnreadable, error.to_string()),
    }
}

/// Tries until the time is over: a broker that restarts is back by then.
async fn deliver(link: &mut Link, key: &str, body: &Bytes, until: Instant) -> Result<(), FlushFailure> {
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_DELAY);
    let mut reason = "it did not answer".to_owned();
    while let Ok(outcome) = timeout_at(until, link.deliver(key, body)).await {
        reason = match outcome {
            Ok(Routing::Routed) => return Ok(()),
            Err(BrokerError::TooLarge { limit }) => return Err(too_large(&limit)),
            Ok(Routing::Unroutable) => {
                "the operator's queue for the output is not there; does the operator run?".to_owned()
            }
            Err(BrokerError::Nacked) => FULL.to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(reason, "the broker does not have the output yet");
        let delay = backoff.next_delay();
        if Instant::now() + delay >= until {
            break;
        }
        sleep(delay).await;
    }
    Err(lost(&link.broker(), &reason))
}

fn too_large(limit: &str) -> FlushFailure {
    let message = format!(
        "the broker does not take an output of this size: {limit}. Raise max_message_size in its rabbitmq.conf, or let the job write less"
    );
    (FailureCause::OutputTooLarge, message)
}

fn lost(broker: &str, reason: &str) -> FlushFailure {
    let message = format!(
        "the output did not reach the broker ({broker}) in time: {reason}. Check the broker, and raise spec.courier.flushSeconds if its outages are longer"
    );
    (FailureCause::OutputLost, message)
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::Pod;
    use super::super::settings::tests::lonely;
    use super::*;

    async fn flush_alone(pod: &Pod) -> Result<CommitRecord, FailureRecord> {
        let settings = lonely(pod);
        let mut link = Link::of(&settings);
        flush(&settings, &pod.layout, &mut link, None).await
    }

    #[tokio::test]
    async fn an_unreachable_broker_is_named_without_its_password() {
        let pod = Pod::prepared();
        let failure = flush_alone(&pod).await.unwrap_err();
        assert_eq!((failure.attempt, failure.cause), (2, FailureCause::OutputLost));
        assert!(failure.message.contains("amqp://courier@127.0.0.1:1, vhost omotes"), "{}", failure.message);
        assert!(!failure.message.contains("s3cret"), "{}", failure.message);
    }

    #[tokio::test]
    async fn an_unreadable_output_needs_no_broker() {
        let pod = Pod::prepared();
        std::fs::create_dir(pod.layout.output()).unwrap();
        let failure = flush_alone(&pod).await.unwrap_err();
        assert_eq!(failure.cause, FailureCause::OutputUnreadable);
    }

    #[test]
    fn the_record_vouches_for_the_message() {
        let pod = Pod::prepared();
        pod.write("output/output.esdl", "<esdl/>");
        let (body, record) = pack(&pod.layout, 1, &Capability::none()).unwrap();
        assert_eq!(
            record,
            CommitRecord { attempt: 1, sha256: Digest::of(&body), bytes: body.len() as u64, output_bytes: Some(7) }
        );
    }
}

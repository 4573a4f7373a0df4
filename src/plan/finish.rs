//! The end of a job: judge it, tell the client once, store it, let the pod go – in this order.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{
        queues::QueueDeletionPolicy,
        retention::PodRetentionPolicy,
        status::{Phase, ResultType, TerminationCause},
    },
    topology,
    wire::{CommitRecord, CourierOutput, JobResult, JobStatus},
};

use super::{
    Settings,
    attempt::{self, Ending, Life},
    observed::{BrokerSight, Observed, Preparation, ResultSight, Sight},
    outcome::{self, Circumstances, Outcome, Verdict},
    retry, run,
    start::{self, tell},
    status::{Delivery, ResultSummary},
    step::{FinalMessage, Plan, Step},
    stop,
};

/// How often a job that waits for the broker is looked at, should nobody tell that the broker is back: an alarm that is
/// over, say.
pub const BROKER_RETRY: SignedDuration = SignedDuration::from_secs(15);
/// The age at which the lease of a job's queues is renewed once more before its result is published, so that the result has
/// its whole time to live: a tenth of that, or a minute.
const LONGEST_LEASE_AGE_SECONDS: i64 = 60;

/// Plans the end of a job whose pod ended so.
#[must_use]
pub fn pod_ended(observed: &Observed, settings: &Settings, ending: Ending) -> Plan {
    match outcome::judge(ending, &Circumstances::of(observed)) {
        Verdict::Final(outcome) => try_again(observed, settings, outcome),
        Verdict::NeedsOutput(outcome, record) => with_output(observed, settings, outcome, &record),
    }
}

/// Another attempt, where the job may have one; else the end.
fn try_again(observed: &Observed, settings: &Settings, outcome: Outcome) -> Plan {
    retry::plan(observed, settings, &outcome).unwrap_or_else(|| conclude(observed, settings, outcome, None))
}

fn with_output(observed: &Observed, settings: &Settings, outcome: Outcome, record: &CommitRecord) -> Plan {
    match &observed.output {
        Sight::Unreachable if broker_deadline_passed(observed) => conclude(observed, settings, outcome, None),
        Sight::Unreachable => wait_for_broker(observed, settings, "the output cannot be fetched"),
        Sight::Absent => try_again(observed, settings, lost(outcome, record)),
        Sight::Known(body) => match CourierOutput::from_body(body.clone()) {
            Ok(output) => conclude(observed, settings, outcome, Some(output)),
            Err(error) => {
                let message = format!("the courier's output cannot be read: {error}");
                try_again(observed, settings, outcome.become_failure(TerminationCause::OutputUnreadable, message))
            }
        },
    }
}

fn lost(outcome: Outcome, record: &CommitRecord) -> Outcome {
    let message = format!(
        "the program exited with code 0 and its courier sent {} bytes (sha256 {}), but the broker does not have them any more: its output queue was deleted, purged or expired",
        record.bytes, record.sha256
    );
    outcome.become_failure(TerminationCause::OutputLost, message)
}

/// Plans the end of a job that ends so: what is missing of result, status and release.
#[must_use]
pub fn conclude(observed: &Observed, settings: &Settings, outcome: Outcome, output: Option<CourierOutput>) -> Plan {
    let delivery = match observed.result {
        ResultSight::Sent { at, routed } => Delivery::Sent { at, routed },
        _ if broker_deadline_passed(observed) => Delivery::GivenUp,
        ResultSight::Unknown(retry) => return Plan::wait(retry),
        ResultSight::Unsent => return publish(observed, settings, &outcome, output),
    };
    let summary = output.as_ref().map(ResultSummary::of).unwrap_or_default();
    let status = observed.terminal_status(settings, &outcome, delivery, summary);
    // No attempt follows, so nobody reads it any more.
    let input = observed.input_queue(settings).filter(|_| observed.broker == BrokerSight::Ready);
    let stored = [Step::PatchStatus(Box::new(status))];
    let steps = input.map(Step::DeleteOwnQueue).into_iter().chain(stored);
    Plan::steps(steps.chain(warning(observed, delivery)).collect())
}

/// The broker is away, and the job was deleted so long ago that it must not wait any longer.
pub(super) fn broker_deadline_passed(observed: &Observed) -> bool {
    observed.broker != BrokerSight::Ready
        && observed.cleanup_deadline().is_some_and(|deadline| observed.now >= deadline)
}

fn publish(observed: &Observed, settings: &Settings, outcome: &Outcome, output: Option<CourierOutput>) -> Plan {
    if let Some(why) = observed.broker.obstacle() {
        return wait_for_broker(observed, settings, why);
    }
    if let Some(renewal) = lease_for_result(observed, settings) {
        return Plan::steps(vec![renewal]);
    }
    let job_id = observed.job_id().to_string();
    let type_ = outcome.result_type(settings);
    let before = status_before_result(observed, outcome, type_).map(|status| tell(observed, status));
    let body = result_body(&job_id, outcome, type_, output);
    let message = FinalMessage {
        queue: topology::result_queue(&job_id),
        message_id: observed.result_message_id(),
        body,
        kept: observed.kept_queue(),
    };
    Plan::steps(
        before.into_iter().chain(run::unsent_progress(observed)).chain([Step::PublishResult(message)]).collect(),
    )
}

/// How old the lease of the job's queues may be when its result is published.
pub(super) fn oldest_lease(observed: &Observed) -> SignedDuration {
    let tenth = observed.job.spec.queues.expire_after_seconds / 10;
    SignedDuration::from_secs(tenth.clamp(1, LONGEST_LEASE_AGE_SECONDS))
}

/// The renewal of the queues' lease, where it is not fresh. Publishing does not renew it.
fn lease_for_result(observed: &Observed, settings: &Settings) -> Option<Step> {
    let oldest = oldest_lease(observed);
    let fresh = match &observed.queues {
        Preparation::Ready(last) => observed.now < *last + oldest,
        Preparation::Unknown => false,
        Preparation::Refused(_) => true,
    };
    (!fresh).then(|| start::renew_queues(observed, settings))
}

/// A client hears RUNNING also of a job that was too short to be seen running, and CANCELLED before the result says that
/// the job was stopped.
fn status_before_result(observed: &Observed, outcome: &Outcome, type_: ResultType) -> Option<JobStatus> {
    match type_ {
        ResultType::Cancelled | ResultType::Timeout => Some(JobStatus::Cancelled),
        _ if outcome.exit.is_some() && !observed.was_running() => Some(JobStatus::Running),
        _ => None,
    }
}

fn result_body(job_id: &str, outcome: &Outcome, type_: ResultType, output: Option<CourierOutput>) -> Bytes {
    let words = outcome.exit.as_ref().map(|exit| exit.words.as_str()).unwrap_or_default();
    let logs = if outcome.phase() == Phase::Succeeded { words } else { &outcome.message };
    match output {
        Some(output) => JobResult::finished(job_id, outcome::wire_type(type_), output, logs).to_body(),
        None => JobResult::without_output(job_id, outcome::wire_type(type_), logs).to_body(),
    }
}

fn wait_for_broker(observed: &Observed, settings: &Settings, why: &str) -> Plan {
    let status = observed.result_waits_status(settings, why).map(|status| Step::PatchStatus(Box::new(status)));
    let plan = Plan::steps(status.into_iter().collect()).by(observed.now + BROKER_RETRY);
    plan.by_any(observed.cleanup_deadline())
}

fn warning(observed: &Observed, delivery: Delivery) -> Option<Step> {
    let queue = topology::result_queue(observed.job_id().as_str());
    match delivery {
        Delivery::Sent { routed: true, .. } => None,
        Delivery::Sent { routed: false, .. } => Some(Step::Warn {
            reason: "ResultUnroutable",
            note: format!(
                "the result reached nobody: queue {queue} is gone (expired, or deleted by its client){}",
                keeping(observed)
            ),
        }),
        Delivery::GivenUp => Some(Step::Warn {
            reason: "ResultGivenUp",
            note: format!(
                "the broker was away for {} s after the job's deletion: its client was not told",
                observed.job.spec.queues.cleanup_timeout_seconds
            ),
        }),
    }
}

/// What becomes of a result that reached nobody.
fn keeping(observed: &Observed) -> String {
    let queues = &observed.job.spec.queues;
    if queues.deletion_policy == QueueDeletionPolicy::Delete {
        return ", and queues.deletionPolicy Delete keeps none".to_owned();
    }
    format!(
        ". The operator keeps it for {} s, while the resource is there, and passes it on if the queue is there again",
        queues.expire_after_seconds
    )
}

/// Plans what is left to do for the pod of a job that is terminal: its output queue goes, then its finalizer. `None` when
/// that is done.
#[must_use]
pub fn settle(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let pod = match &observed.pod {
        Sight::Known(pod) if attempt::is_owned_by(pod, &observed.uid()) => Some(pod),
        Sight::Unreachable => return None,
        Sight::Known(_) | Sight::Absent => None,
    };
    if observed.is_death_unconfirmed() {
        return Some(match pod {
            Some(pod) if !is_over(pod, observed.now) => unconfirmed(observed, pod),
            _ => Plan::steps(vec![Step::PatchStatus(Box::new(observed.confirmed_status()))]),
        });
    }
    release(observed, settings, pod?, observed.attempt())
}

/// Waits until somebody says that `pod` has ended, or until it may be forced off.
fn unconfirmed(observed: &Observed, pod: &Pod) -> Plan {
    if stop::is_to_be_forced_off(observed, pod) {
        return Plan::steps(vec![stop::delete(pod, Some(0))]);
    }
    Plan::idle().by_any(stop::forces_off(observed, pod))
}

/// Whether nothing of `pod` can run any more, as far as anybody can know. Nobody waits for what a pod that was forced off
/// may still say: its job has ended.
fn is_over(pod: &Pod, now: Timestamp) -> bool {
    attempt::forced_off(pod).is_some() || matches!(attempt::life(pod, now), Life::Ended(_))
}

/// Lets `pod` go, which is that of the attempt with this number, and its output queue with it; and removes it where nobody
/// wants to read its log. `None` when that is done.
pub(super) fn release(observed: &Observed, settings: &Settings, pod: &Pod, number: i32) -> Option<Plan> {
    let succeeded = observed.phase() == Some(Phase::Succeeded);
    let removed = match observed.job.spec.pod_retention_policy {
        PodRetentionPolicy::Retain => false,
        PodRetentionPolicy::RetainOnFailure => succeeded,
        PodRetentionPolicy::Delete => true,
    };
    let removal = (removed && pod.metadata.deletion_timestamp.is_none()).then(|| stop::delete(pod, None));
    if !attempt::is_held(pod) {
        return removal.map(|removal| Plan::steps(vec![removal]));
    }
    let release = Step::ReleasePod { name: pod.name_any(), uid: pod.uid().unwrap_or_default() };
    // A broker that is away must not keep the pod: the queue goes with the job, or by its own time to live.
    let queue = observed.output_queue_of(number, settings).filter(|_| observed.broker == BrokerSight::Ready);
    let queue = queue.map(|queue| Step::DeleteOwnQueue(queue.name));
    Some(Plan::steps(queue.into_iter().chain(removal).chain([release]).collect()))
}

//! A job that has a pod which has not ended: its start, its progress, its lease on the queues.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{condition::Verdict, status::Phase},
    topology,
    wire::JobStatus,
};

use super::{
    Settings,
    attempt::Life,
    finish::BROKER_RETRY,
    observed::{BrokerSight, Observed, Preparation, ProgressReport, Refusal},
    start::{self, SILENT_WAIT, say_after},
    status::{QUEUES_READY, Waiting, percent, shown_message},
    step::{Plan, Step},
    stop, warm,
};

/// Between main's end by the node's clock and a stop by the apiserver's: more than the clocks of one cluster differ.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(3);
/// The shortest time between two status writes for progress alone.
pub const PROGRESS_STATUS_PERIOD: SignedDuration = SignedDuration::from_secs(10);
/// The longest time between two renewals of a lease, so that a queue that somebody deleted is made again.
const LONGEST_RENEWAL: SignedDuration = SignedDuration::from_secs(3600);
/// The shortest: the schema admits leases of one second.
const SHORTEST_RENEWAL: SignedDuration = SignedDuration::from_millis(400);

/// Plans for a pod that nobody and nothing stops.
pub(super) fn go_on(observed: &Observed, settings: &Settings, pod: &Pod, life: Life) -> Plan {
    let plan = match life {
        Life::Waiting { reason, message } => waiting(observed, settings, pod, reason, message),
        Life::Running(since) if observed.status().start_time.is_none() => {
            warm::arrives(observed, pod).unwrap_or_else(|| started(observed, settings, since))
        }
        Life::Running(_) if observed.is_spec_news() => {
            Plan::steps(vec![Step::PatchStatus(Box::new(observed.accepted(settings)))])
        }
        Life::Running(_) | Life::Winding { .. } | Life::Ended(_) => {
            queues_news(observed).unwrap_or_else(|| heartbeat(observed, progress(observed)))
        }
    };
    with_lease(observed, settings, plan)
}

fn waiting(observed: &Observed, settings: &Settings, pod: &Pod, reason: String, message: String) -> Plan {
    let created = pod.creation_timestamp().map_or(observed.now, |time| time.0);
    let waiting = Waiting { phase: Phase::Queued, reason, message, stalled: false };
    say_after(observed, settings, created + SILENT_WAIT, &waiting)
}

/// Plans for a pod whose main container has ended and whose courier still sends: the client's queues are not made again any
/// more, but those that are there stay.
#[must_use]
pub fn flushing(observed: &Observed, settings: &Settings) -> Plan {
    with(observed, Plan::idle(), || start::await_output(observed, settings))
}

/// Stops the containers that go on without main, in a later second than main ended in: whether main ended by itself is
/// told from these two times.
#[must_use]
pub fn stop_others(observed: &Observed, pod: &Pod, finished: Option<Timestamp>) -> Plan {
    let from = finished.map_or(observed.now, |finished| finished + CLOCK_MARGIN);
    match pod.metadata.deletion_timestamp {
        _ if observed.now < from => Plan::wait(from),
        Some(_) => Plan::idle(),
        None => Plan::steps(vec![stop::delete(pod, None)]),
    }
}

fn started(observed: &Observed, settings: &Settings, since: Option<Timestamp>) -> Plan {
    let news = observed.broker == BrokerSight::Ready && !observed.was_running();
    let told = news.then(|| start::tell(observed, JobStatus::Running));
    let stored = Step::PatchStatus(Box::new(observed.running_status(settings, since)));
    Plan::steps(told.into_iter().chain([stored]).collect())
}

/// Tells that a queue became another behind the operator's back while the program runs, and that this is over.
fn queues_news(observed: &Observed) -> Option<Plan> {
    let (verdict, warning) = match &observed.queues {
        Preparation::Unknown => return None,
        Preparation::Ready(_) => (Verdict::yes("Declared", QUEUES_READY), None),
        Preparation::Refused(Refusal { reason, message, .. }) => {
            (Verdict::no(reason, message), Some(Step::Warn { reason, note: message.clone() }))
        }
    };
    let status = observed.queues_status(verdict)?;
    Some(Plan::steps([Step::PatchStatus(Box::new(status))].into_iter().chain(warning).collect()))
}

/// Adds what a program's silence leads to where nobody stops it for that: a condition, which goes with the silence.
fn heartbeat(observed: &Observed, mut plan: Plan) -> Plan {
    let Some(silence_ends) = stop::silence_ends(observed) else { return plan };
    let stalled = observed.now >= silence_ends;
    if stalled != observed.is_progress_stalled() {
        let news = if stalled { observed.stalled_status() } else { observed.revived_status() };
        plan.steps.push(Step::PatchStatus(Box::new(news)));
    }
    if stalled { plan } else { plan.by(silence_ends) }
}

fn progress(observed: &Observed) -> Plan {
    let Some(report) = &observed.progress else { return Plan::idle() };
    let told = unsent_progress(observed);
    let stored = observed.status().progress;
    let changed = stored.as_ref().is_none_or(|known| {
        known.percent != percent(report.fraction)
            || known.message.as_deref().unwrap_or_default() != shown_message(report)
    });
    if !changed {
        return Plan::steps(told.into_iter().collect());
    }
    let due =
        stored.and_then(|known| known.last_update_time).map_or(observed.now, |last| last.0 + PROGRESS_STATUS_PERIOD);
    if observed.now < due {
        return Plan::steps(told.into_iter().collect()).by(due);
    }
    Plan::steps(told.into_iter().chain([Step::PatchStatus(Box::new(observed.progressed_status(report)))]).collect())
}

/// The step that passes on progress the client has not heard.
pub(super) fn unsent_progress(observed: &Observed) -> Option<Step> {
    let report = observed.progress.as_ref().filter(|report| !report.sent && observed.broker == BrokerSight::Ready)?;
    let ProgressReport { fraction, message, heard: _, sent: _ } = report;
    let job_id = observed.job_id().to_string();
    Some(Step::PublishProgress {
        queue: topology::progress_queue(&job_id),
        job_id,
        fraction: *fraction,
        message: message.clone(),
    })
}

/// Adds the renewal of the queues' lease: now when it is due, else as a time to wake.
pub(super) fn with_lease(observed: &Observed, settings: &Settings, plan: Plan) -> Plan {
    with(observed, plan, || start::ensure_queues(observed, settings))
}

fn with(observed: &Observed, mut plan: Plan, renewal: impl FnOnce() -> Step) -> Plan {
    if observed.broker != BrokerSight::Ready {
        return plan.by(observed.now + BROKER_RETRY);
    }
    let due = match &observed.queues {
        Preparation::Unknown => observed.now,
        Preparation::Ready(last) => *last + renewal_period(observed.job.spec.queues.expire_after_seconds),
        // The refusal of one queue renews the lease of the others.
        Preparation::Refused(refusal) => {
            refusal.at + renewal_period(observed.job.spec.queues.expire_after_seconds).min(start::REFUSAL_WAIT)
        }
    };
    if due > observed.now {
        return plan.by(due);
    }
    plan.steps.push(renewal());
    plan
}

/// When the lease of the job's queues is renewed while the broker takes no messages; `None` while it does, or is away. What
/// was not there before is not made then.
pub(super) fn renewal_while_blocked(observed: &Observed) -> Option<Timestamp> {
    match (&observed.broker, &observed.queues) {
        (BrokerSight::Blocked(_), Preparation::Ready(last)) => {
            Some(*last + renewal_period(observed.job.spec.queues.expire_after_seconds))
        }
        _ => None,
    }
}

/// A third of the lease, so that one failed renewal loses nothing.
fn renewal_period(expire_after_seconds: i64) -> SignedDuration {
    let third = SignedDuration::from_millis(expire_after_seconds.saturating_mul(1000) / 3);
    third.clamp(SHORTEST_RENEWAL, LONGEST_RENEWAL)
}

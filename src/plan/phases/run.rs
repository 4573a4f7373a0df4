//! A job that has a pod which has not ended: its start, its progress, its lease on the queues.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{Reason, condition::ConditionUpdate, status::Phase},
    plan::{
        facts::{
            SILENT_WAIT, demand, lookups,
            observed::{Observed, Preparation, Refusal},
            pod_state::{Life, REASON_STARTING},
        },
        phases::{courier, warm},
        status::{self, QUEUES_READY, Waiting},
        steps::{Plan, Step, client, queues, wait},
    },
    pods::Settings,
};

/// The shortest time between two status writes for progress alone.
pub(crate) const PROGRESS_STATUS_PERIOD: SignedDuration = SignedDuration::from_secs(10);

/// Plans for a pod that nobody and nothing stops.
pub(crate) fn go_on(observed: &Observed, settings: &Settings, pod: &Pod, life: Life) -> Plan {
    let running = if let Life::Running(since) = life { Some(since) } else { None };
    let plan = match life {
        Life::Waiting { reason, message } => waiting(observed, settings, pod, reason, message),
        Life::Running(since) if observed.status().start_time.is_none() => {
            warm::arrives(observed, pod).unwrap_or_else(|| started(observed, settings, since))
        }
        Life::Running(_) if observed.is_spec_news() => {
            Plan::steps(vec![Step::PatchStatus(Box::new(observed.accepted(settings)))])
        }
        Life::Running(_) | Life::Winding(_) | Life::Ended(_) => {
            let news = running.and_then(|_| unheard(observed)).or_else(|| queues_news(observed));
            news.unwrap_or_else(|| heartbeat(observed, progress(observed)))
        }
    };
    let plan = match running {
        Some(since) => courier::with_courier(observed, pod, since, plan),
        None => plan,
    };
    queues::with_lease(observed, settings, plan)
}

fn waiting(observed: &Observed, settings: &Settings, pod: &Pod, reason: String, message: String) -> Plan {
    let created = pod.creation_timestamp().map_or(observed.now, |time| time.0);
    let starts = reason == REASON_STARTING;
    let warning = observed.pod_events.as_ref().and_then(|events| events.warning.clone()).filter(|_| starts);
    let (reason, message) = warning.map_or((reason, message), |warning| (warning.reason, warning.message));
    let waiting = Waiting { phase: Phase::Queued, reason: reason.into(), message, stalled: false };
    let plan = wait::say_after(observed, settings, created + SILENT_WAIT, &waiting);
    plan.by_any(starts.then(|| lookups::next_look(observed, pod)).filter(|due| *due > observed.now))
}

fn started(observed: &Observed, settings: &Settings, since: Option<Timestamp>) -> Plan {
    let stored = Step::PatchStatus(Box::new(observed.running_status(settings, since)));
    Plan::steps(client::tell_running(observed).into_iter().chain([stored]).collect())
}

/// Tells a client what the broker was away for when the program started.
fn unheard(observed: &Observed) -> Option<Plan> {
    let told = client::tell_running(observed)?;
    Some(Plan::steps(vec![told, Step::PatchStatus(Box::new(observed.new_status()))]))
}

/// Tells that a queue became another behind the operator's back while the program runs, and that this is over.
fn queues_news(observed: &Observed) -> Option<Plan> {
    let (verdict, warning) = match &observed.queues {
        Preparation::Unknown | Preparation::Occupied { .. } => return None,
        Preparation::Ready(_) => (ConditionUpdate::yes(Reason::Declared, QUEUES_READY), None),
        Preparation::Refused(Refusal { reason, message, .. }) => {
            (ConditionUpdate::no(*reason, message), Some(Step::Warn { reason: *reason, note: message.clone() }))
        }
    };
    let status = observed.queues_status(verdict)?;
    Some(Plan::steps([Step::PatchStatus(Box::new(status))].into_iter().chain(warning).collect()))
}

/// Adds what a program's silence leads to where nobody stops it for that: a condition, which goes with the silence.
fn heartbeat(observed: &Observed, mut plan: Plan) -> Plan {
    let Some(silence_ends) = demand::silence_ends(observed) else { return plan };
    let stalled = observed.now >= silence_ends;
    // A new leader has heard nothing yet, which is no sign of life.
    let news = match observed.stalled_since() {
        None => stalled.then(|| observed.stalled_status()),
        Some(since) => (!stalled && demand::last_heard(observed) > Some(since)).then(|| observed.revived_status()),
    };
    plan.steps.extend(news.map(|status| Step::PatchStatus(Box::new(status))));
    if stalled { plan } else { plan.by(silence_ends) }
}

fn progress(observed: &Observed) -> Plan {
    let Some(report) = &observed.progress else { return Plan::idle() };
    let told = client::unsent_progress(observed);
    let stored = observed.status().progress.as_ref();
    let changed = stored.as_ref().is_none_or(|known| {
        known.percent != status::percent(report.fraction)
            || known.message.as_deref().unwrap_or_default() != status::shown_message(report)
    });
    if !changed {
        return Plan::steps(told.into_iter().collect());
    }
    let due = stored
        .and_then(|known| known.last_update_time.as_ref())
        .map_or(observed.now, |last| last.0 + PROGRESS_STATUS_PERIOD);
    if observed.now < due {
        return Plan::steps(told.into_iter().collect()).by(due);
    }
    Plan::steps(told.into_iter().chain([Step::PatchStatus(Box::new(observed.progressed_status(report)))]).collect())
}

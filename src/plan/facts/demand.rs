//! The reasons to stop a job before its program has ended by itself, and when each holds.
//!
//! Ring: core.

use jiff::Timestamp;

use crate::{
    api::{
        condition::{self, ConditionType},
        finalizers, names,
        status::AbortCause,
        stop::OnTimeout,
        time::{after, next_second, whole_second},
    },
    limits::heartbeat_of,
    plan::facts::{
        observed::{BrokerSight, Observed},
        pod_state::Life,
        stop_times::CONFIRM_TIMEOUT,
    },
    pods::Settings,
};

/// A reason to stop the job.
pub(crate) struct Demand {
    pub(crate) cause: AbortCause,
    pub(crate) reason: String,
    /// From when on it holds.
    pub(crate) due: Timestamp,
    /// The full second just after which the program is told.
    pub(crate) stop: Timestamp,
}

pub(crate) fn demands(observed: &Observed, settings: &Settings, life: Option<&Life>) -> Vec<Demand> {
    // What main did before is its own; only a wish ends the sending of its output.
    if let Some(Life::Winding(_)) = life {
        return requested(observed, true).into_iter().collect();
    }
    let runs = matches!(life, Some(Life::Running(_)));
    let reasons = [
        deleted(observed),
        requested(observed, runs),
        unstarted(observed, settings, life),
        overdue(observed, settings).filter(|_| runs).map(|demand| after_suspension(observed, demand)),
        spent(observed, settings).filter(|_| life.is_none()),
        silent(observed).filter(|_| runs).map(|demand| after_suspension(observed, demand)),
        suspended(observed).filter(|_| life.is_some()),
    ];
    reasons.into_iter().flatten().collect()
}

/// Why a user wishes for the end of the job, where one does.
pub(crate) fn wish(observed: &Observed) -> Option<(AbortCause, String)> {
    let demand = deleted(observed).or_else(|| requested(observed, false))?;
    Some((demand.cause, demand.reason))
}

pub(crate) fn deleted(observed: &Observed) -> Option<Demand> {
    let due = observed.deletion()?;
    let stop = if is_collected(observed) { due } else { next_second(observed.now) };
    Some(Demand { cause: AbortCause::Deleted, reason: "the job was deleted".to_owned(), due, stop })
}

/// Whether Kubernetes' garbage collector asks the job's pod to stop at once: the job is deleted in the foreground.
pub(crate) fn is_collected(observed: &Observed) -> bool {
    finalizers::has(&*observed.job, names::FINALIZER_FOREGROUND)
}

/// Only a program that has started has something to finish undisturbed.
fn requested(observed: &Observed, runs: bool) -> Option<Demand> {
    let abort = observed.job.spec.abort.as_ref()?;
    let decided = observed.status().abort.as_ref().filter(|decided| decided.cause == AbortCause::Requested);
    let asked = decided.map_or(whole_second(observed.now), |decided| decided.requested_time.0);
    let wait = if runs && !observed.job.spec.suspend { abort.after_seconds } else { 0 };
    let colon = if abort.reason.is_some() { ": " } else { "" };
    Some(Demand {
        cause: AbortCause::Requested,
        reason: format!("spec.abort asked for it{colon}{}", abort.reason.as_deref().unwrap_or_default()),
        due: observed.now,
        stop: after(asked, wait.saturating_add(1)).max(next_second(observed.now)),
    })
}

fn unstarted(observed: &Observed, settings: &Settings, life: Option<&Life>) -> Option<Demand> {
    let started = observed.status().start_time.is_some() || matches!(life, Some(Life::Running(_)));
    let held = observed.job.spec.suspend || observed.is_suspended() || observed.waits_for_seat();
    if started || held {
        return None;
    }
    let due = settings.defaults.start_deadline(&observed.job)?;
    let in_force = settings.defaults.in_force(&observed.job);
    let seconds = in_force.start_seconds(&observed.job.spec).unwrap_or_default();
    Some(Demand {
        cause: AbortCause::StartDeadlineExceeded,
        reason: format!("the program did not start within {seconds} s: {}", obstacle(observed, life)),
        due,
        stop: next_second(observed.now),
    })
}

/// What keeps the program from starting, as far as anybody said.
fn obstacle(observed: &Observed, life: Option<&Life>) -> String {
    let waiting = match life {
        Some(Life::Waiting { reason, message }) => Some(format!("{reason}: {message}")),
        _ => None,
    };
    let stored = &observed.status().conditions;
    let said = [ConditionType::Stalled, ConditionType::Reconciling];
    let said = said.into_iter().find_map(|type_| condition::get(stored, type_));
    let warning = observed.pod_events.as_ref().and_then(|events| events.warning.as_ref());
    let trouble = warning.map(|warning| format!("{}: {}", warning.reason, warning.message)).or(waiting);
    trouble
        .or_else(|| said.map(|condition| format!("{}: {}", condition.reason, condition.message)))
        .unwrap_or_else(|| "it has no pod".to_owned())
}

fn overdue(observed: &Observed, settings: &Settings) -> Option<Demand> {
    let due = observed.deadline(settings)?;
    let seconds = due.duration_since(observed.status().start_time.as_ref()?.0).as_secs();
    let on_time = observed.now < after(due, 1);
    Some(Demand {
        cause: AbortCause::DeadlineExceeded,
        reason: format!("the program ran for longer than its limit of {seconds} s"),
        due,
        stop: if on_time { due } else { next_second(observed.now) },
    })
}

/// What the job may run was spent in earlier attempts: nothing is left for another.
fn spent(observed: &Observed, settings: &Settings) -> Option<Demand> {
    let left = observed.current().run_seconds(settings).filter(|left| *left <= 0 && !observed.job.spec.suspend);
    let ran = left.and(observed.status().active_seconds)?;
    Some(Demand {
        cause: AbortCause::DeadlineExceeded,
        reason: format!("the job's programs have run for {ran} s, which is all that its limits allow"),
        due: observed.now,
        stop: next_second(observed.now),
    })
}

/// A job that has other reasons to stop does not go on later.
fn suspended(observed: &Observed) -> Option<Demand> {
    let wanted = observed.job.spec.suspend && observed.job.spec.abort.is_none() && observed.deletion().is_none();
    wanted.then(|| Demand {
        cause: AbortCause::Suspended,
        reason: "spec.suspend asked for it".to_owned(),
        due: observed.now,
        stop: next_second(observed.now),
    })
}

/// `demand`, which holds only from when on a program that is stopped for a suspension should have ended: the clock stands
/// still until then.
fn after_suspension(observed: &Observed, demand: Demand) -> Demand {
    let decided = observed.status().abort.as_ref().filter(|decided| !decided.cause.is_final());
    let due = decided.map_or(demand.due, |decided| demand.due.max(decided.kill_time.0 + CONFIRM_TIMEOUT));
    Demand { due, ..demand }
}

fn silent(observed: &Observed) -> Option<Demand> {
    heartbeat_of(&observed.job).filter(|beat| beat.on_timeout == OnTimeout::Abort)?;
    Some(Demand {
        cause: AbortCause::NoProgress,
        reason: observed.silence(),
        due: silence_ends(observed)?,
        stop: next_second(observed.now),
    })
}

/// When the program has been silent for too long, should it stay so. `None` where nobody minds, or nobody can listen.
pub(crate) fn silence_ends(observed: &Observed) -> Option<Timestamp> {
    let heartbeat = heartbeat_of(&observed.job)?;
    let started = observed.status().start_time.as_ref().filter(|_| observed.broker == BrokerSight::Ready)?.0;
    let last = last_heard(observed).into_iter().chain([observed.listening_since]).fold(started, Timestamp::max);
    Some(after(last, heartbeat.timeout_seconds))
}

/// When the program told of its progress last, as far as that is known.
pub(crate) fn last_heard(observed: &Observed) -> Option<Timestamp> {
    let stored =
        observed.status().progress.as_ref().and_then(|progress| progress.last_update_time.as_ref()).map(|time| time.0);
    observed.progress.as_ref().map(|report| report.heard).max(stored)
}

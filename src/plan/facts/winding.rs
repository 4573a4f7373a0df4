//! What is known of an attempt whose main has ended before its pod.
//!
//! Ring: core.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::{
    api::time::after,
    limits::grace_seconds,
    plan::facts::{
        demand,
        ending::Ending,
        observed::Observed,
        pod_state::{self, Life, Winding},
        stop_times::{self, CONFIRM_TIMEOUT},
    },
    pods::main_of,
};

/// What is known of an attempt whose main has ended before its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MainEnd {
    /// How main ended is proved, and what became of its output is known.
    Proved,
    /// The pod should have ended by now.
    Overdue,
    /// The output, or the pod's end, is awaited.
    Open,
}

/// What is known of the attempt in `pod`.
pub(crate) fn standing(observed: &Observed, pod: &Pod, winding: &Winding) -> MainEnd {
    if is_overdue(observed, pod, winding) {
        MainEnd::Overdue
    } else if is_proved(observed, winding) && observed.deletion().is_none() {
        MainEnd::Proved
    } else {
        MainEnd::Open
    }
}

/// Whether it is known how main ended, by itself, and what became of its output.
pub(crate) fn is_proved(observed: &Observed, winding: &Winding) -> bool {
    let ending = observed.heard(winding.ending.clone());
    let is_known = ending.courier.is_some() || !observed.job.spec.courier().enabled;
    is_known && ending.exit.is_some() && winding.is_by_itself
}

/// Whether the pod should have ended by now. A suspended job has time, unless a user wishes for its end.
pub(crate) fn is_overdue(observed: &Observed, pod: &Pod, winding: &Winding) -> bool {
    let is_suspended = observed.status().abort.as_ref().is_some_and(|abort| !abort.cause.is_final());
    observed.now >= gives_up(observed, pod, winding) && (!is_suspended || demand::wish(observed).is_some())
}

/// When the client is told without knowing that `pod` has ended.
pub(crate) fn gives_up(observed: &Observed, pod: &Pod, winding: &Winding) -> Timestamp {
    let spec = &observed.job.spec;
    let flush = if winding.others_run && spec.courier().enabled { spec.courier().flush_seconds } else { 0 };
    let grace = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
    let wait = flush.saturating_add(grace.unwrap_or_else(|| grace_seconds(spec)));
    let bound = after(observed.main_ended.unwrap_or(observed.now), wait.saturating_add(CONFIRM_TIMEOUT.as_secs()));
    stop_times::gives_up(observed, pod).map_or(bound, |stopped| stopped.min(bound))
}

/// Whether main of the current attempt has ended before its pod.
#[must_use]
pub fn is_winding(observed: &Observed) -> bool {
    let Some(pod) = observed.own_pod() else { return false };
    matches!(pod_state::life(pod, &main_of(&observed.job, pod), observed.now), Life::Winding(_))
}

impl Observed {
    /// `ending` with what the courier has said over the broker, where the pod does not say it.
    #[must_use]
    pub fn heard(&self, ending: Ending) -> Ending {
        let courier = ending.courier.clone().or_else(|| self.record.clone());
        Ending { courier, ..ending }
    }
}

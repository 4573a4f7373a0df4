//! Plans that wait: for the broker, or for a user who has to change something.
//!
//! Ring: core. Short waits are silent; longer ones are in the job's status.

use jiff::Timestamp;
use kube::ResourceExt;

use crate::{
    api::status::Phase,
    plan::{
        facts::{
            BROKER_RETRY, SILENT_WAIT,
            observed::{Observed, Refusal},
        },
        status::Waiting,
        steps::{Plan, Step, queues},
    },
    pods::Settings,
};

pub(crate) fn recent(observed: &Observed, refusal: &Refusal) -> bool {
    observed.now < queues::next_try(observed, refusal)
}

pub(crate) fn wait_for_broker(observed: &Observed, settings: &Settings, why: &str) -> Plan {
    let silent_until = observed.job.creation_timestamp().map_or(observed.now, |created| created.0) + SILENT_WAIT;
    let waiting = Waiting {
        phase: Phase::Pending,
        reason: observed.broker.reason().into(),
        message: format!("the job's queues wait for the broker: {why}"),
        stalled: false,
    };
    say_after(observed, settings, silent_until, &waiting).by(observed.now + BROKER_RETRY)
}

/// Nothing until `silent_until`, then the status that says what is waited for.
pub(crate) fn say_after(observed: &Observed, settings: &Settings, silent_until: Timestamp, waiting: &Waiting) -> Plan {
    if observed.now < silent_until {
        return Plan::wait(silent_until);
    }
    observed
        .waiting_status(settings, waiting)
        .map_or_else(Plan::idle, |status| Plan::steps(vec![Step::PatchStatus(Box::new(status))]))
}

pub(crate) fn refused(observed: &Observed, settings: &Settings, refusal: &Refusal, phase: Phase) -> Plan {
    Plan::steps(stalled(observed, settings, refusal, phase)).by(queues::next_try(observed, refusal))
}

/// What the status says of a refusal while the job waits.
pub(crate) fn stalled(observed: &Observed, settings: &Settings, refusal: &Refusal, phase: Phase) -> Vec<Step> {
    let waiting = Waiting {
        phase,
        reason: refusal.reason.into(),
        message: refusal.message.clone(),
        stalled: !refusal.reason.waits(),
    };
    observed.waiting_status(settings, &waiting).map_or_else(Vec::new, |status| {
        vec![Step::PatchStatus(Box::new(status)), Step::Warn { reason: refusal.reason, note: refusal.message.clone() }]
    })
}

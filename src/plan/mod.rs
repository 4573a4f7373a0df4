//! The decisions: from what was observed to what to do. Pure and total.
//!
//! Ring: core. No async, no clock, no environment, no input or output: [`Observed`] holds all that a decision may look
//! at, [`Step`] is every effect there is, and [`plan`] maps the one to the other.
//!
//! # Guarantees
//! The properties that `tests/it/convergence.rs` holds over a model world: a plan that was executed plans nothing more;
//! any prefix of its steps and a restart reach the same end; terminal is terminal; one live pod; nothing outside before
//! the finalizer; unknown is not absent; one result.

pub mod accept;
pub mod attempt;
mod cleanup;
mod finish;
pub mod inquiry;
mod kept;
pub mod observed;
pub mod orphans;
pub mod outcome;
mod queues;
mod retire;
mod retry;
mod run;
pub mod seat;
mod start;
pub mod status;
pub mod step;
pub mod stop;
mod suspend;
mod warm;
mod workflow;

pub use observed::Observed;

pub use crate::pods::Settings;
pub use step::{Plan, Step};

use attempt::Life;
use k8s_openapi::api::core::v1::Pod;
use observed::Sight;
use outcome::Outcome;

use crate::api::status::TerminationCause;

use stop::Course;

/// Plans the next steps for one job.
#[must_use]
pub fn plan(observed: &Observed, settings: &Settings) -> Plan {
    if !accept::is_ours(&observed.job) {
        Plan::idle()
    } else if observed.deletion().is_some() {
        cleanup::plan(observed, settings)
    } else if observed.is_terminal() {
        retire::plan(observed, settings)
    } else {
        advance(observed, settings)
    }
}

/// Brings a job that has not ended one step further.
fn advance(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(plan) = workflow::wait(observed) {
        return plan;
    }
    if accept::is_forged(observed) {
        return Plan::steps(vec![Step::RemoveFinalizer]);
    }
    if let Some(rejection) = accept::rejection(observed, settings) {
        let status = observed.rejected_status(&rejection);
        return Plan::steps(vec![
            Step::PatchStatus(Box::new(status)),
            Step::Warn { reason: rejection.reason, note: rejection.message },
        ]);
    }
    if let Some(plan) = workflow::pin(observed, settings) {
        return plan;
    }
    if !observed.has_finalizer() {
        return Plan::steps(vec![Step::AddFinalizer]);
    }
    pursue(observed, settings)
}

/// Brings a job that was taken on one step nearer to its end, whether somebody deleted it or not.
fn pursue(observed: &Observed, settings: &Settings) -> Plan {
    let plan = bring_nearer(observed, settings);
    match run::renewal_while_blocked(observed) {
        Some(due) if due > observed.now => plan.by(due),
        // A broker that does not answer must not hold up a stop.
        Some(_) if plan.steps.is_empty() => {
            Plan { steps: vec![start::renew_queues(observed, settings)], wake: plan.wake }
        }
        _ => plan,
    }
}

fn bring_nearer(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(plan) = retry::release_former(observed, settings) {
        return plan;
    }
    match &observed.pod {
        Sight::Unreachable => Plan::idle(),
        Sight::Known(pod) if attempt::is_owned_by(pod, &observed.uid()) => follow(observed, settings, pod),
        Sight::Known(_) | Sight::Absent if observed.status().start_time.is_some() => vanished(observed, settings),
        Sight::Known(_) | Sight::Absent => match stop::course(observed, settings, None) {
            Course::Stop(plan) => plan,
            Course::GoOn(wake) => {
                suspend::plan(observed, settings).unwrap_or_else(|| start::plan(observed, settings)).by_any(wake)
            }
        },
    }
}

/// Follows the job's pod where it is in its life.
fn follow(observed: &Observed, settings: &Settings, pod: &Pod) -> Plan {
    let life = attempt::life(pod, observed.now);
    let begins = matches!(life, Life::Waiting { .. } | Life::Running(_));
    if begins && let Some(plan) = warm::misses_input(observed, pod) {
        return plan;
    }
    match life {
        Life::Ended(ending) => {
            let collected = stop::collected(observed, settings);
            return collected.unwrap_or_else(|| finish::pod_ended(observed, settings, *ending));
        }
        _ if stop::is_to_be_forced_off(observed, pod) => return Plan::steps(vec![stop::delete(pod, Some(0))]),
        _ if stop::is_unconfirmed(observed, pod) => return stop::give_up(observed, settings, pod),
        // A client that is gone needs no output; main's exit is its own all the same.
        Life::Winding { others_run, finished } if others_run || observed.deletion().is_some() => {
            run::stop_others(observed, pod, finished)
        }
        Life::Winding { .. } => run::flushing(observed, settings),
        Life::Waiting { .. } | Life::Running(_) => match stop::course(observed, settings, Some((pod, &life))) {
            Course::Stop(plan) => plan,
            Course::GoOn(wake) => run::go_on(observed, settings, pod, life).by_any(wake),
        },
    }
    .by_any(stop::gives_up(observed, pod))
    .by_any(stop::forces_off(observed, pod))
    .by_any(attempt::forced_off(pod))
}

/// The pod had started and is gone, although the finalizer on it should have kept it.
fn vanished(observed: &Observed, settings: &Settings) -> Plan {
    let message = "the job's pod is gone without a record of its end: somebody removed it together with its finalizer omotes.io/exit-recorded";
    let stopped = observed.status().abort.map(|abort| abort.cause).filter(|cause| cause.is_final());
    finish::conclude(observed, settings, Outcome::without_exit(TerminationCause::Disrupted, message, stopped), None)
}

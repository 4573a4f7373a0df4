//! The decisions: from what was observed to what to do. Pure and total.
//!
//! Ring: core. No async, no clock, no environment, no input or output: [`Observed`] holds all that a decision may look
//! at, [`Step`] is every effect there is, and [`plan`] maps the one to the other.
//!
//! # Guarantees
//! The properties that `tests/it/convergence.rs` holds over a model world, and `tests/it/search` in all of its histories within
//! bounds: a plan that was executed plans nothing more; any prefix of its steps and a restart reach the same end; terminal is
//! terminal; one live pod; nothing outside before the finalizer; unknown is not absent; one result.

pub mod facts;
pub mod phases;
pub mod status;
pub mod steps;

use k8s_openapi::api::core::v1::Pod;

pub use crate::pods::Settings;
use crate::{
    api::status::{Disruption, TerminationCause},
    pods::main_of,
};

use facts::{
    admission,
    observed::Sight,
    outcome::Outcome,
    pod_state::{self, Life},
    presence::NoPod,
    stop_times,
};
use phases::{
    completion, failed_pass, finalize, refusal, release, run, start,
    stop::{self, Course},
    suspend, ttl, warm, winding, workflow,
};
use steps::{pod, queues};

pub use facts::observed::Observed;
pub use steps::{Plan, Step};

/// Plans the next steps for one job.
#[must_use]
pub fn plan(observed: &Observed, settings: &Settings) -> Plan {
    if !admission::is_ours(&observed.job) {
        return Plan::idle();
    }
    failed_pass::recovered(observed, decide(observed, settings)).with_told()
}

fn decide(observed: &Observed, settings: &Settings) -> Plan {
    if observed.deletion().is_some() {
        finalize::plan(observed, settings).unwrap_or_else(|| pursue(observed, settings))
    } else if observed.is_terminal() {
        ttl::plan(observed, settings)
    } else {
        advance(observed, settings)
    }
}

/// Brings a job that has not ended one step further.
fn advance(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(plan) = workflow::wait(observed) {
        return plan;
    }
    if let Some(rejection) = admission::rejection(observed, settings) {
        return refusal::plan(observed, settings, rejection);
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
    match queues::renewal_while_blocked(observed) {
        Some(due) if due > observed.now => plan.by(due),
        // A broker that does not answer must not hold up a stop.
        Some(_) if plan.steps.is_empty() => {
            Plan { steps: vec![queues::renew_queues(observed, settings)], wake: plan.wake }
        }
        _ => plan,
    }
}

fn bring_nearer(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(plan) = release::release_former(observed, settings) {
        return plan;
    }
    if let Some(pod) = observed.own_pod() {
        return follow(observed, settings, pod);
    }
    if observed.pod == Sight::Unlisted && observed.expects_pod() {
        return pod::look_up(observed);
    }
    match (&observed.status().start_time, observed.no_pod()) {
        (Some(_), Some(gone)) => vanished(observed, settings, gone),
        (Some(_), None) => pod::look_up(observed),
        (None, _) => match stop::course(observed, settings, stop::Target::without_pod(observed)) {
            Course::Stop(plan) => plan,
            Course::GoOn(wake) => {
                suspend::plan(observed, settings).unwrap_or_else(|| start::plan(observed, settings)).by_any(wake)
            }
        },
    }
}

/// Follows the job's pod where it is in its life.
fn follow(observed: &Observed, settings: &Settings, pod: &Pod) -> Plan {
    if let Some(plan) = pod::restore(observed, pod) {
        return plan;
    }
    let life = pod_state::life(pod, &main_of(&observed.job, pod), observed.now);
    let begins = matches!(life, Life::Waiting { .. } | Life::Running(_));
    if begins && let Some(plan) = warm::misses_input(observed, pod) {
        return plan;
    }
    if begins && admission::added_defect(observed, pod).is_some() && pod.metadata.deletion_timestamp.is_none() {
        return Plan::steps(vec![pod::delete(pod, None)]);
    }
    match life {
        Life::Ended(ending) => {
            let collected = stop::collected(observed, settings);
            return collected.unwrap_or_else(|| completion::pod_ended(observed, settings, *ending));
        }
        _ if stop_times::is_to_be_forced_off(observed, pod) => return Plan::steps(vec![pod::delete(pod, Some(0))]),
        Life::Winding(ref winding) => {
            let plan = winding::plan(observed, settings, pod, &life, winding);
            return plan
                .by_any(stop_times::forces_off(observed, pod))
                .by_any(pod_state::forced_off(pod))
                .by_any(pod::next_look(observed, pod));
        }
        _ if stop_times::is_unconfirmed(observed, pod) => return stop::give_up(observed, settings, pod),
        Life::Waiting { .. } | Life::Running(_) => {
            match stop::course(observed, settings, stop::Target::Pod(pod, &life)) {
                Course::Stop(plan) => plan,
                Course::GoOn(wake) => run::go_on(observed, settings, pod, life).by_any(wake),
            }
        }
    }
    .by_any(stop_times::gives_up(observed, pod))
    .by_any(stop_times::forces_off(observed, pod))
    .by_any(pod_state::forced_off(pod))
    .by_any(pod::next_look(observed, pod))
}

/// The pod had started and is gone, although the finalizer on it should have kept it.
fn vanished(observed: &Observed, settings: &Settings, gone: NoPod) -> Plan {
    let message = "the job's pod is gone without a record of its end: somebody removed it together with its finalizer omotes.io/exit-recorded";
    let stopped = observed.status().abort.as_ref().map(|abort| abort.cause);
    let outcome = Outcome::without_exit(TerminationCause::Disrupted, message, stopped);
    completion::lost(observed, settings, Outcome { disruption: Some(Disruption::PodDeleted), ..outcome }, gone)
}

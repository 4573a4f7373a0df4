//! A job that somebody deleted: stop its pod, tell its client, remove its queues, let it go. It needs less than running.

use crate::{
    api::{
        Reason,
        condition::{self, ConditionType, ConditionUpdate},
        queues::QueueDeletionPolicy,
    },
    plan::{
        facts::{admission, observed::Observed, presence::Released},
        phases::{completion, refusal, release},
        steps::{Plan, Step, pod},
    },
    pods::Settings,
    topology,
};

/// Plans the removal of a job; `None` where it has to be brought to its end first.
pub(crate) fn plan(observed: &Observed, settings: &Settings) -> Option<Plan> {
    if !observed.has_finalizer() {
        return Some(Plan::idle());
    }
    if let Some(plan) = refused(observed, settings) {
        return Some(plan);
    }
    let settled = || release::settle(observed, settings).unwrap_or_else(|| let_go(observed, settings));
    observed.is_terminal().then(settled)
}

/// A job that was not accepted has nothing that would have to be stopped or removed, except where it was made over AMQP.
fn refused(observed: &Observed, settings: &Settings) -> Option<Plan> {
    if observed.is_terminal() {
        return refusal::release(observed, settings);
    }
    admission::rejection(observed, settings).map(|rejection| refusal::plan(observed, settings, rejection))
}

/// Lets the job go, with what is left of it at the broker.
fn let_go(observed: &Observed, settings: &Settings) -> Plan {
    let Some(released) = observed.released() else { return pod::look_up(observed) };
    let output = observed.output_queue_names(settings).into_iter().map(Step::DeleteOwnQueue);
    let input = observed.input_queue(settings).map(Step::DeleteOwnQueue);
    let kept = observed.may_keep_result().then(|| Step::DeleteOwnQueue(observed.kept_queue().name));
    let own = output.chain(input).chain(kept);
    let steps: Vec<Step> = own.chain(client_queues(observed)).collect();
    match observed.broker.obstacle() {
        _ if steps.is_empty() => Plan::steps(vec![pod::remove_finalizer(released)]),
        None => Plan::steps(steps.into_iter().chain([pod::remove_finalizer(released)]).collect()),
        Some(why) if completion::broker_deadline_passed(observed) => give_up(observed, why, released),
        Some(_) => Plan::idle().by_any(observed.give_up_time()),
    }
}

/// Lets the job go without the broker: its queues go by their own time to live.
fn give_up(observed: &Observed, why: &str, released: Released) -> Plan {
    let mut status = observed.new_status();
    let known = condition::get(&status.conditions, ConditionType::CleanedUp);
    let reason = observed.broker.reason();
    if known.is_some_and(|known| known.reason == reason) {
        return Plan::steps(vec![pod::remove_finalizer(released)]);
    }
    let note = format!(
        "the broker could not be used for {} s after the job's deletion ({why}): its queues are left to their own time to live",
        observed.job.spec.queues.cleanup_timeout_seconds
    );
    observed.set(&mut status, ConditionType::CleanedUp, ConditionUpdate::no(reason, &note));
    Plan::steps(vec![Step::PatchStatus(Box::new(status)), Step::Warn { reason: Reason::CleanupGivenUp, note }])
}

/// What the operator made for the client goes with the job; an unread result stays until its time to live is over.
fn client_queues(observed: &Observed) -> Option<Step> {
    let id = observed.job_id();
    let queues = vec![topology::progress_queue(id.as_str()), topology::status_queue(id.as_str())];
    let kept = observed.job.spec.queues.deletion_policy == QueueDeletionPolicy::Retain || observed.is_cleaned_up();
    // A job that never used its queues has none: they are an earlier job's, or its own are not declared yet.
    let withheld = observed.status().queues.is_none();
    (observed.owns_queues() && !kept && !withheld).then_some(Step::DeleteClientQueues { queues, if_empty: Vec::new() })
}

//! A job that somebody deleted: stop its pod, tell its client, remove its queues, let it go. It needs less than running.

use crate::{
    api::{
        condition::{self, ConditionType, Verdict},
        queues::QueueDeletionPolicy,
    },
    topology,
};

use super::{
    Settings, finish,
    observed::{Observed, Sight},
    step::{Plan, Step},
};

/// Plans the removal of a job.
#[must_use]
pub fn plan(observed: &Observed, settings: &Settings) -> Plan {
    match &observed.pod {
        _ if !observed.has_finalizer() => Plan::idle(),
        _ if !observed.is_terminal() => super::pursue(observed, settings),
        Sight::Unreachable => Plan::idle(),
        _ => finish::settle(observed, settings).unwrap_or_else(|| let_go(observed, settings)),
    }
}

/// Lets the job go, with what is left of it at the broker.
fn let_go(observed: &Observed, settings: &Settings) -> Plan {
    let output = observed.output_queue(settings).map(|queue| Step::DeleteOwnQueue(queue.name));
    let input = observed.input_queue(settings).map(Step::DeleteOwnQueue);
    let kept = observed.has_kept_result().then(|| Step::DeleteOwnQueue(observed.kept_queue().name));
    let own = output.into_iter().chain(input).chain(kept);
    let steps: Vec<Step> = own.chain(client_queues(observed)).collect();
    match observed.broker.obstacle() {
        _ if steps.is_empty() => Plan::steps(vec![Step::RemoveFinalizer]),
        None => Plan::steps(steps.into_iter().chain([Step::RemoveFinalizer]).collect()),
        Some(why) if finish::broker_deadline_passed(observed) => give_up(observed, why),
        Some(_) => Plan::idle().by_any(observed.cleanup_deadline()),
    }
}

/// Lets the job go without the broker: its queues go by their own time to live.
fn give_up(observed: &Observed, why: &str) -> Plan {
    let mut status = observed.status();
    let known = condition::get(&status.conditions, ConditionType::CleanedUp);
    if known.is_some_and(|known| known.reason == "BrokerUnreachable") {
        return Plan::steps(vec![Step::RemoveFinalizer]);
    }
    let note = format!(
        "the broker was away for {} s after the job's deletion ({why}): its queues are left to their own time to live",
        observed.job.spec.queues.cleanup_timeout_seconds
    );
    observed.set(&mut status, ConditionType::CleanedUp, Verdict::no("BrokerUnreachable", &note));
    Plan::steps(vec![Step::PatchStatus(Box::new(status)), Step::Warn { reason: "CleanupGivenUp", note }])
}

/// What the operator made for the client goes with the job; an unread result stays until its time to live is over.
fn client_queues(observed: &Observed) -> Option<Step> {
    let id = observed.job_id();
    let queues = vec![topology::progress_queue(id.as_str()), topology::status_queue(id.as_str())];
    let kept = observed.job.spec.queues.deletion_policy == QueueDeletionPolicy::Retain || observed.is_cleaned_up();
    (observed.owns_queues() && !kept).then_some(Step::DeleteClientQueues { queues, if_empty: Vec::new() })
}

//! A job that somebody deleted: stop its pod, tell its client, remove its queues, let it go. It needs less than running.

use crate::topology;

use super::{
    Settings,
    finish::{self, CLEANUP_TIMEOUT},
    observed::{BrokerSight, Observed, Sight},
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
    let output = observed.output_queue(settings).map(|queue| Step::DeleteOutputQueue(queue.name));
    let steps: Vec<Step> = output.into_iter().chain(client_queues(observed)).collect();
    match &observed.broker {
        _ if steps.is_empty() => Plan::steps(vec![Step::RemoveFinalizer]),
        BrokerSight::Ready => Plan::steps(steps.into_iter().chain([Step::RemoveFinalizer]).collect()),
        BrokerSight::Unreachable(_) if finish::broker_deadline_passed(observed) => {
            Plan::steps(vec![Step::RemoveFinalizer])
        }
        BrokerSight::Unreachable(_) => {
            observed.deletion().map_or_else(Plan::idle, |deletion| Plan::wait(deletion + CLEANUP_TIMEOUT))
        }
    }
}

/// What the operator made for the client goes with the job; an unread result stays until its time to live is over.
fn client_queues(observed: &Observed) -> Option<Step> {
    let id = observed.job_id();
    let queues = vec![topology::progress_queue(id.as_str()), topology::status_queue(id.as_str())];
    observed.owns_queues().then_some(Step::DeleteClientQueues(queues))
}

//! A job that somebody deleted: stop its pod, tell its client, remove its queues, let it go. It needs less than running.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{api::job::TerminationCause, pods, topology};

use super::{
    Settings,
    attempt::{self, Life},
    finish::{self, CLEANUP_TIMEOUT},
    observed::{BrokerSight, Observed, Sight},
    outcome::Outcome,
    step::{Plan, Step},
};

/// Plans the removal of a job.
#[must_use]
pub fn plan(observed: &Observed, settings: &Settings) -> Plan {
    if !observed.has_finalizer() {
        return Plan::idle();
    }
    let pod = match &observed.pod {
        Sight::Known(pod) if attempt::is_owned_by(pod, &observed.uid()) => Some(pod),
        Sight::Unreachable => return Plan::idle(),
        _ => None,
    };
    match (observed.is_terminal(), pod) {
        (true, Some(pod)) => finish::settle(observed, settings, pod).unwrap_or_else(|| let_go(observed, settings)),
        (true, None) => let_go(observed, settings),
        (false, None) => finish::conclude(
            observed,
            Outcome::without_exit(
                TerminationCause::NeverStarted,
                "the job was deleted before its program started",
                true,
            ),
            None,
        ),
        (false, Some(pod)) => stop(observed, pod),
    }
}

/// Just after the full second that ends the one in which the deletion was asked for: what main did before is its own.
fn stop(observed: &Observed, pod: &Pod) -> Plan {
    let grace = match attempt::life(pod) {
        Life::Ended(ending) => return finish::pod_ended(observed, *ending),
        Life::Waiting { .. } | Life::Running(_) => Some(own_grace(observed)),
        Life::Winding { .. } => None,
    };
    match observed.stop_time() {
        Some(stop) if observed.now < stop => Plan::wait(stop),
        _ => delete(pod, grace),
    }
}

/// The template's grace: the pod's is longer, for the sake of an output that nobody wants any more.
fn own_grace(observed: &Observed) -> u32 {
    let template = observed.job.spec.template.spec.as_ref();
    let seconds =
        template.and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(pods::DEFAULT_GRACE_SECONDS);
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

/// Asks the kubelet to stop `pod`, once.
#[must_use]
pub fn delete(pod: &Pod, grace_seconds: Option<u32>) -> Plan {
    if pod.metadata.deletion_timestamp.is_some() {
        return Plan::idle();
    }
    let (name, uid) = (pod.name_any(), pod.uid().unwrap_or_default());
    let resource_version = pod.resource_version().unwrap_or_default();
    Plan::steps(vec![Step::DeletePod { name, uid, resource_version, grace_seconds }])
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

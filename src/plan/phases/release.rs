//! The release of a pod whose attempt has ended: its output queue goes, then the operator's finalizer.
//!
//! Ring: core.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{retention::PodRetentionPolicy, status::Phase},
    plan::{
        facts::{
            observed::{BrokerSight, Observed, Sight},
            owner,
            pod_state::{self, Life},
            stop_times,
        },
        phases::winding,
        steps::{Plan, Step, pod},
    },
    pods::{Settings, main_of},
};

/// How long a broker that is away may keep a pod from being released: whoever leads anew has it after a second or two.
const BROKER_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// Plans what is left to do for the pod of a job that is terminal: its output queue goes, then its finalizer. `None` when
/// that is done.
#[must_use]
pub(crate) fn settle(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let pod = observed.own_pod();
    if observed.is_death_unconfirmed() {
        return Some(match pod {
            // What a pod that was forced off may still report is not waited for: its job has ended.
            Some(pod) if pod_state::forced_off(pod).is_none() && !pod_state::is_over(pod, observed.now) => {
                unconfirmed(observed, pod).by_any(pod::next_look(observed, pod))
            }
            None if observed.no_pod().is_none() => pod::look_up(observed),
            _ => Plan::steps(vec![Step::PatchStatus(Box::new(observed.confirmed_status()))]),
        });
    }
    let Some(pod) = pod else { return observed.misses_ended_pod().then(|| pod::look_up(observed)) };
    let rest = winding::rest(observed, pod).map(|plan| plan.by_any(pod::next_look(observed, pod)));
    rest.or_else(|| release(observed, settings, pod, observed.attempt()))
}

/// Waits until somebody says that `pod` has ended, or until it may be forced off.
fn unconfirmed(observed: &Observed, pod: &Pod) -> Plan {
    if stop_times::is_to_be_forced_off(observed, pod) {
        return Plan::steps(vec![pod::delete(pod, Some(0))]);
    }
    winding::remainder(observed, pod).by_any(stop_times::forces_off(observed, pod))
}

/// Whether the program in `pod` may run. One that was forced off is not waited for: its job has ended.
fn may_run(observed: &Observed, pod: &Pod) -> bool {
    let life = pod_state::life(pod, &main_of(&observed.job, pod), observed.now);
    pod_state::forced_off(pod).is_none() && matches!(life, Life::Waiting { .. } | Life::Running(_))
}

/// Lets `pod` go, which is that of the attempt with this number, and with it its output queue, and the input that no attempt
/// reads any more; and removes it where nobody wants to read its log. One whose program may run is stopped first: the job
/// had ended without knowing of it. `None` when that is done.
pub(crate) fn release(observed: &Observed, settings: &Settings, pod: &Pod, number: i32) -> Option<Plan> {
    if may_run(observed, pod) {
        let stop = pod.metadata.deletion_timestamp.is_none().then(|| pod::delete(pod, None));
        return Some(Plan::steps(stop.into_iter().collect()).by_any(pod::next_look(observed, pod)));
    }
    let succeeded = observed.phase() == Some(Phase::Succeeded);
    let removed = match observed.job.spec.pod_retention_policy {
        PodRetentionPolicy::Retain => false,
        PodRetentionPolicy::RetainOnFailure => succeeded,
        PodRetentionPolicy::Delete => true,
    };
    let removal = (removed && pod.metadata.deletion_timestamp.is_none()).then(|| pod::delete(pod, None));
    if !pod_state::is_held(pod) {
        return removal.map(|removal| Plan::steps(vec![removal]));
    }
    let release = Step::ReleasePod { name: pod.name_any(), uid: pod.uid().unwrap_or_default() };
    // A broker that stays away must not keep the pod: the queue goes with the job, or by its own time to live.
    let output = observed.output_queue_of(number, Some(pod), settings).map(|queue| queue.name);
    let input = observed.input_queue(settings).filter(|_| observed.is_terminal());
    let mut queues = output.into_iter().chain(input).peekable();
    if queues.peek().is_some() && observed.broker != BrokerSight::Ready {
        let given_up = observed.broker_since + BROKER_PATIENCE;
        if observed.now < given_up {
            return Some(Plan::idle().by(given_up));
        }
    }
    let queues = queues.filter(|_| observed.broker == BrokerSight::Ready).map(Step::DeleteOwnQueue);
    Some(Plan::steps(queues.chain(removal).chain([release]).collect()))
}

/// Lets go of what is left of the last attempt: its pod's exit is recorded, and nobody wants its output.
pub(crate) fn release_former(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let pod = match &observed.former {
        Sight::Known(pod) if owner::is_of(pod, &observed.job) => pod,
        // Before the next attempt has a pod, nothing of this one may run any more.
        Sight::Unlisted if observed.own_pod().is_none() => return Some(pod::look_up_former(observed)),
        Sight::Known(_) | Sight::Absent | Sight::Unlisted | Sight::Unreachable => return None,
    };
    release(observed, settings, pod, observed.attempt().saturating_sub(1))
}

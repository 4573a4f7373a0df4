//! From an accepted job to its pod: queues first, so that the client hears everything from the first word on.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{Reason, status::Phase},
    plan::{
        facts::{
            BROKER_RETRY, SILENT_WAIT,
            observed::{Observed, Preparation, Refusal, Sight},
            presence,
        },
        phases::{slot, warm, workflow},
        steps::{Plan, Step, client, queues, wait},
    },
    pods::{self, Settings},
};

/// Plans the way to a pod for a job that has none of its own.
#[must_use]
pub(crate) fn plan(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(due) = observed.status().retry_time.as_ref().map(|time| time.0).filter(|due| observed.now < *due) {
        return queues::with_lease(observed, settings, Plan::wait(due));
    }
    if let Some(refusal) = workflow::lost(observed) {
        return queues::with_lease(observed, settings, wait::refused(observed, settings, &refusal, Phase::Pending));
    }
    if let Some(why) = observed.broker.obstacle() {
        // What waits for its seat needs no broker yet.
        let needs_it = !observed.waits_for_seat();
        let next_look = Plan::wait(observed.now + BROKER_RETRY);
        return if needs_it { wait::wait_for_broker(observed, settings, why) } else { next_look };
    }
    match (&observed.courier_secret, &observed.queues) {
        (Preparation::Refused(refusal), _) | (_, Preparation::Refused(refusal)) if wait::recent(observed, refusal) => {
            queues::with_lease(observed, settings, wait::refused(observed, settings, refusal, Phase::Pending))
        }
        (_, Preparation::Occupied { refusal, retry_at }) if observed.now < *retry_at => {
            Plan::steps(wait::stalled(observed, settings, refusal, Phase::Pending)).by(*retry_at)
        }
        (_, Preparation::Ready(_)) => create(observed, settings),
        _ => Plan::steps(vec![queues::ensure_queues(observed, settings)]),
    }
}

fn create(observed: &Observed, settings: &Settings) -> Plan {
    if let Sight::Known(theirs) = &observed.pod
        && !presence::is_chosen(observed)
    {
        return queues::with_lease(observed, settings, name_taken(observed, settings, theirs));
    }
    if let Some(refusal) = observed.pod_refusal.as_ref().filter(|refusal| wait::recent(observed, refusal)) {
        return queues::with_lease(observed, settings, wait::refused(observed, settings, refusal, Phase::Queued));
    }
    if let Some(plan) = slot::plan(observed, settings) {
        return plan;
    }
    // Not for a job that waits for a seat: it is looked at often.
    if observed.job.spec.courier().enabled && !matches!(observed.courier_secret, Preparation::Ready(_)) {
        return Plan::steps(vec![Step::EnsureCourierSecret]);
    }
    if let Some(plan) = warm::plan(observed, settings) {
        return plan;
    }
    let pod = Step::CreatePod(Box::new(pods::build(observed.current(), settings)));
    Plan::steps(client::greeting(observed).chain([pod]).collect())
}

/// Waits for a pod that is not this job's to go: silently at first, it may be a former job's of the same name.
fn name_taken(observed: &Observed, settings: &Settings, theirs: &Pod) -> Plan {
    let silent_until = observed.job.creation_timestamp().map_or(observed.now, |created| created.0) + SILENT_WAIT;
    if observed.now < silent_until {
        return Plan::wait(silent_until);
    }
    let message = format!(
        "pod {} belongs to somebody else: delete it, or this job and create one with another name",
        theirs.name_any()
    );
    let refusal = Refusal { at: observed.now, reason: Reason::PodNameTaken, message };
    let Plan { steps: said, wake } = wait::refused(observed, settings, &refusal, Phase::Queued);
    let is_news = !said.is_empty();
    Plan { steps: client::greeting(observed).filter(|_| is_news).chain(said).collect(), wake }
}

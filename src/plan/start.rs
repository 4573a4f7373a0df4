//! From an accepted job to its pod: queues first, so that the client hears everything from the first word on.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{names, status::Phase},
    pods, topology,
    wire::JobStatus,
};

use super::{
    Settings,
    finish::BROKER_RETRY,
    observed::{Observed, Preparation, Refusal, Sight},
    run, seat,
    status::Waiting,
    step::{Plan, Step},
    warm, workflow,
};

/// How long a job waits in silence before its status says what it waits for. A pod on a node that has its image starts
/// sooner, and then the status is written once, at Running.
pub const SILENT_WAIT: SignedDuration = SignedDuration::from_secs(10);
/// How long after a refusal the operator tries again: long, because somebody has to change something.
pub const REFUSAL_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// Plans the way to a pod for a job that has none of its own.
#[must_use]
pub fn plan(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(due) = observed.status().retry_time.map(|time| time.0).filter(|due| observed.now < *due) {
        return run::with_lease(observed, settings, Plan::wait(due));
    }
    if let Some(refusal) = workflow::lost(observed) {
        return run::with_lease(observed, settings, refused(observed, settings, &refusal, Phase::Pending));
    }
    if let Some(why) = observed.broker.obstacle() {
        return wait_for_broker(observed, settings, why);
    }
    match (&observed.courier_secret, &observed.queues) {
        (Preparation::Refused(refusal), _) | (_, Preparation::Refused(refusal)) if recent(observed, refusal) => {
            run::with_lease(observed, settings, refused(observed, settings, refusal, Phase::Pending))
        }
        (_, Preparation::Ready(_)) => create(observed, settings),
        _ => Plan::steps(vec![ensure_queues(observed, settings)]),
    }
}

fn recent(observed: &Observed, refusal: &Refusal) -> bool {
    observed.now < refusal.at + REFUSAL_WAIT
}

pub(super) fn wait_for_broker(observed: &Observed, settings: &Settings, why: &str) -> Plan {
    let silent_until = observed.job.creation_timestamp().map_or(observed.now, |created| created.0) + SILENT_WAIT;
    let waiting = Waiting {
        phase: Phase::Pending,
        reason: "BrokerUnreachable".to_owned(),
        message: format!("the job's queues wait for the broker: {why}"),
        stalled: false,
    };
    say_after(observed, settings, silent_until, &waiting).by(observed.now + BROKER_RETRY)
}

/// Nothing until `silent_until`, then the status that says what is waited for.
pub(super) fn say_after(
    observed: &Observed,
    settings: &Settings,
    silent_until: jiff::Timestamp,
    waiting: &Waiting,
) -> Plan {
    if observed.now < silent_until {
        return Plan::wait(silent_until);
    }
    observed
        .waiting_status(settings, waiting)
        .map_or_else(Plan::idle, |status| Plan::steps(vec![Step::PatchStatus(Box::new(status))]))
}

fn refused(observed: &Observed, settings: &Settings, refusal: &Refusal, phase: Phase) -> Plan {
    let waiting = Waiting { phase, reason: refusal.reason.to_owned(), message: refusal.message.clone(), stalled: true };
    let steps = observed.waiting_status(settings, &waiting).map_or_else(Vec::new, |status| {
        vec![Step::PatchStatus(Box::new(status)), Step::Warn { reason: refusal.reason, note: refusal.message.clone() }]
    });
    Plan::steps(steps).by(refusal.at + REFUSAL_WAIT)
}

/// Declares what the operator owns and renews the lease of what the client owns.
pub(super) fn ensure_queues(observed: &Observed, settings: &Settings) -> Step {
    if !observed.owns_queues() {
        return await_output(observed, settings);
    }
    let own = topology::job_queues(observed.job_id().as_str(), observed.job.spec.queues.expire_after_seconds);
    // Never made again: an empty one would look like an input that is still to come.
    let input = observed.input_queue(settings).into_iter().collect();
    Step::EnsureQueues { declare: own.into_iter().chain(observed.output_queue(settings)).collect(), renew: input }
}

/// Declares the result queue alone.
pub(super) fn result_queue(observed: &Observed) -> Step {
    let [_, _, result] =
        topology::job_queues(observed.job_id().as_str(), observed.job.spec.queues.expire_after_seconds);
    Step::EnsureQueues { declare: vec![result], renew: Vec::new() }
}

/// Declares the queue that the courier sends to, and renews the lease of the client's queues and of the input.
pub(super) fn await_output(observed: &Observed, settings: &Settings) -> Step {
    let output = observed.output_queue(settings).into_iter().collect();
    let renew = client_queues(observed.job_id().as_str()).into_iter().chain(observed.input_queue(settings));
    Step::EnsureQueues { declare: output, renew: renew.collect() }
}

/// Renews the lease of all queues of the job, and makes none.
pub(super) fn renew_queues(observed: &Observed, settings: &Settings) -> Step {
    let output = observed.output_queue(settings).map(|queue| queue.name);
    Step::EnsureQueues {
        declare: Vec::new(),
        renew: client_queues(observed.job_id().as_str())
            .into_iter()
            .chain(output)
            .chain(observed.input_queue(settings))
            .collect(),
    }
}

/// The names of the three queues that a client reads.
pub(super) fn client_queues(job_id: &str) -> Vec<String> {
    vec![topology::progress_queue(job_id), topology::status_queue(job_id), topology::result_queue(job_id)]
}

fn create(observed: &Observed, settings: &Settings) -> Plan {
    if let Sight::Known(theirs) = &observed.pod
        && !warm::is_chosen(observed)
    {
        return run::with_lease(observed, settings, name_taken(observed, settings, theirs));
    }
    if let Some(refusal) = observed.pod_refusal.as_ref().filter(|refusal| recent(observed, refusal)) {
        return run::with_lease(observed, settings, refused(observed, settings, refusal, Phase::Queued));
    }
    if let Some(plan) = seat::plan(observed, settings) {
        return plan;
    }
    // Not for a job that waits for a seat: it is looked at often.
    if observed.job.spec.courier().enabled && !matches!(observed.courier_secret, Preparation::Ready(_)) {
        return Plan::steps(vec![Step::EnsureCourierSecret]);
    }
    if let Some(plan) = warm::plan(observed, settings) {
        return plan;
    }
    let greeting = greeting(observed).filter(|_| names::chosen_pod(&observed.job).is_none());
    let pod = Step::CreatePod(Box::new(pods::build(observed.current(), settings)));
    Plan::steps(greeting.chain([pod]).collect())
}

/// What a client hears of a job that was taken on. After a refusal, after it waited for a seat, and before another
/// attempt, it has heard it before.
pub(super) fn greeting(observed: &Observed) -> impl Iterator<Item = Step> {
    let first = observed.pod_refusal.is_none() && observed.attempt() == 1 && !observed.was_enqueued();
    let greeting = [JobStatus::Registered, JobStatus::Enqueued].map(|status| tell(observed, status));
    greeting.into_iter().filter(move |_| first)
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
    refused(observed, settings, &Refusal { at: observed.now, reason: "PodNameTaken", message }, Phase::Queued)
}

/// Tells the client a status.
pub(super) fn tell(observed: &Observed, status: JobStatus) -> Step {
    let job_id = observed.job_id().to_string();
    Step::PublishStatus { queue: topology::status_queue(&job_id), job_id, status }
}

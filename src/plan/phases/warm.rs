//! A pod that waits for a job already: chosen, stored, then given to the job.
//!
//! Which pod an attempt has is stored before anything is done with it, whether it is a warm one or its own: a former leader
//! that was paused cannot make another. A choice is given up only for a pod that nobody can be given any more.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJobStatus, names, status::Phase, time::after},
    plan::{
        facts::{
            observed::{BrokerSight, Observed, Sight, WarmSight},
            pod_state,
        },
        steps::{Plan, Step, client, pod},
    },
    pods::{Settings, main_of, warm},
};

/// How long after the assignment, whose time has whole seconds, the kubelet is told again; the next time twice as long.
const FIRST_NUDGE_SECONDS: i64 = 2;
/// How long after the assignment a program is taken to run of which nobody has heard, where a former leader may have heard it.
const UNHEARD_SECONDS: i64 = 10;
/// The same where this process has listened all the time: longer than a courier looks for its input. It cannot reach the
/// broker, and limits hold all the same.
const SILENCE_SECONDS: i64 = 90;

/// Plans how an attempt gets a warm pod; `None` when its own is to be made.
pub(crate) fn plan(observed: &Observed, settings: &Settings) -> Option<Plan> {
    if !warm::may_serve(observed.current()) {
        return None;
    }
    let own = names::pod_name(&observed.job.name_any(), observed.attempt());
    match (names::chosen_pod(&observed.job), &observed.warm) {
        (Some(chosen), _) if chosen == own => None,
        (Some(_), WarmSight::Refused) => Some(choose(observed, settings, &own)),
        (Some(_), _) => Some(match &observed.pod {
            Sight::Known(pod) if warm::is_free(pod, &main_of(&observed.job, pod)) => assign(observed, settings, pod),
            _ => choose(observed, settings, &own),
        }),
        (None, WarmSight::Unasked) => Some(Plan::steps(vec![Step::TakeWarmPod])),
        (None, WarmSight::Promised(name)) => Some(choose(observed, settings, name)),
        (None, WarmSight::None | WarmSight::Refused) => Some(choose(observed, settings, &own)),
    }
}

/// The client hears that its job is enqueued before the first choice.
fn choose(observed: &Observed, settings: &Settings, name: &str) -> Plan {
    let greeting = client::greeting(observed);
    Plan::steps(greeting.chain([Step::PatchStatus(Box::new(observed.chosen_status(settings, name)))]).collect())
}

fn assign(observed: &Observed, settings: &Settings, pod: &Pod) -> Plan {
    let patch = warm::assignment(observed.current(), settings, pod, observed.now);
    Plan::steps(vec![Step::AssignPod { name: pod.name_any(), patch }])
}

/// Waits for the word of a pod that had waited, that its job's input is there: only then its program runs for this job.
/// `None` when it is there, or has to be taken for it. A kubelet that looks at a pod while it is told of a change may miss
/// that for a minute (seen with 1.37), so it is told again.
pub(crate) fn arrives(observed: &Observed, pod: &Pod) -> Option<Plan> {
    let assigned = warm::assigned_time(pod)?;
    let listened = observed.broker == BrokerSight::Ready && observed.listening_since <= after(assigned, 1);
    let given_up = after(assigned, if listened { SILENCE_SECONDS } else { UNHEARD_SECONDS });
    if has_arrived(observed) || observed.now >= given_up {
        return None;
    }
    let nudges = warm::nudges(pod);
    let due = after(assigned, FIRST_NUDGE_SECONDS << nudges.min(8));
    if observed.now < due {
        return Some(Plan::wait(due.min(given_up)));
    }
    Some(note(pod, names::ANNOTATION_NUDGES, &(nudges + 1).to_string()))
}

fn has_arrived(observed: &Observed) -> bool {
    observed.has_input || observed.progress.is_some()
}

/// Stops a pod whose courier could not bring its job's input: the program would wait in vain. Why is noted before, because
/// nobody else can tell that from a disruption afterwards. A courier that the kubelet started again may have brought it.
pub(crate) fn misses_input(observed: &Observed, pod: &Pod) -> Option<Plan> {
    let noted = pod.annotations().contains_key(names::ANNOTATION_INPUT_MISSING);
    let hopeful = pod_state::courier_runs(pod) && (has_arrived(observed) || observed.status().start_time.is_some());
    match pod_state::missing_input(pod).filter(|_| !hopeful) {
        _ if noted && pod.metadata.deletion_timestamp.is_none() => {
            Some(Plan::steps(vec![pod::delete(pod, Some(i64::from(warm::GRACE_SECONDS)))]))
        }
        Some(record) if !noted => Some(note(pod, names::ANNOTATION_INPUT_MISSING, &record.to_json())),
        _ => None,
    }
}

fn note(pod: &Pod, annotation: &str, text: &str) -> Plan {
    Plan::steps(vec![Step::AnnotatePod { name: pod.name_any(), patch: warm::note(pod, annotation, text) }])
}

impl Observed {
    fn chosen_status(&self, settings: &Settings, name: &str) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        status.limits = status.limits.or_else(|| Some(settings.defaults.limits(&self.job.spec)));
        status.pod_name = Some(name.to_owned());
        status.phase = Some(Phase::Queued);
        status
    }
}

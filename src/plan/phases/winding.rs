//! Main has ended, and its pod has not: the courier sends the output, and other containers may run on.
//!
//! The result is published as soon as it is proved. What is left of the pod is ended so that pod and logs stay. All of it is
//! bounded in time, so a node that falls silent now keeps no client waiting.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
use kube::ResourceExt;
use serde_json::json;

use crate::{
    api::{
        names,
        status::{AbortCause, TerminationCause},
        time::{after, whole_second},
    },
    plan::{
        facts::{
            ending::Ending,
            observed::{Observed, Sight},
            outcome::{self, Circumstances, Outcome, Verdict},
            pod_state::{self, Life, Winding},
            winding::{self, MainEnd},
        },
        phases::{
            completion,
            stop::{self, Course, Target},
        },
        steps::{Plan, Step, pod, queues},
    },
    pods::{Settings, main_of, warm},
    wire::FlushRequest,
};

/// How long after the request to flush it is written again, the next time after twice as long: a kubelet that syncs a pod
/// while the pod is changed may miss that for a minute (seen with 1.37).
const FIRST_NUDGE_SECONDS: i64 = 2;

/// Plans for a pod whose main has ended.
pub(crate) fn plan(observed: &Observed, settings: &Settings, pod: &Pod, life: &Life, winding: &Winding) -> Plan {
    let told = match winding::standing(observed, pod, winding) {
        MainEnd::Proved => completion::main_ended(observed, settings, observed.heard(winding.ending.clone())),
        MainEnd::Overdue => Some(overdue(observed, settings, pod, winding)),
        MainEnd::Open => None,
    };
    let told = told.unwrap_or_default();
    if !told.steps.is_empty() {
        return told;
    }
    let bound = Some(winding::gives_up(observed, pod, winding)).filter(|bound| *bound > observed.now);
    end(observed, settings, pod, life, winding).by_any(told.wake).by_any(bound)
}

/// The pod does not end: the job ends by what is known, or with its node taken for lost. No other attempt can follow, so where
/// one would have, that is stored before the client is told.
fn overdue(observed: &Observed, settings: &Settings, pod: &Pod, winding: &Winding) -> Plan {
    let ending = observed.heard(winding.ending.clone());
    if let Some(told) = told(observed, &ending) {
        return completion::conclude(observed, settings, told, None);
    }
    let is_known = match outcome::judge(ending.clone(), &Circumstances::of(observed)) {
        Verdict::Final(judged) => judged.cause == TerminationCause::Completed || winding::is_proved(observed, winding),
        // Without a record the output alone proves that it was sent.
        Verdict::NeedsOutput(_, record) => record.is_some() || observed.output != Sight::Absent,
    };
    let known = is_known.then(|| completion::main_ended(observed, settings, ending));
    known
        .flatten()
        .unwrap_or_else(|| completion::conclude(observed, settings, unconfirmed(observed, pod, winding), None))
}

/// What a former leader told the client. A stop, or an end that is not confirmed, is stored before it is told.
fn told(observed: &Observed, ending: &Ending) -> Option<Outcome> {
    let is_told = observed.has_unstored_result() && observed.status().abort.is_none();
    completion::told(observed, ending.exit.clone()).filter(|_| is_told)
}

fn unconfirmed(observed: &Observed, pod: &Pod, winding: &Winding) -> Outcome {
    let exit = winding.ending.exit.clone();
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("its node");
    let code = exit.as_ref().map(|exit| format!(" with code {}", exit.code)).unwrap_or_default();
    let message = format!(
        "the program ended{code}; {node} then confirmed neither that its output was sent nor that pod {} has ended",
        pod.name_any()
    );
    let decided = observed.status().abort.as_ref().map(|abort| abort.cause);
    let stopped = decided.or_else(|| observed.deletion().map(|_| AbortCause::Deleted));
    Outcome { cause: TerminationCause::NodeLost, message, exit, stopped, disruption: None }
}

/// Brings the pod to its end.
fn end(observed: &Observed, settings: &Settings, pod: &Pod, life: &Life, winding: &Winding) -> Plan {
    // A client that is gone needs no output; main's exit is its own all the same.
    if observed.deletion().is_some() {
        return pod::stop_others(observed, pod, winding.finished);
    }
    let is_stopping = pod.metadata.deletion_timestamp.is_some();
    let is_suspending = observed.status().abort.as_ref().is_some_and(|abort| !abort.cause.is_final());
    // An end that is stored as not confirmed may have been told: no stop comes before it any more.
    let is_open = observed.job.spec.abort.is_some() && !observed.is_death_unconfirmed();
    let wanted = is_open && (!is_stopping || is_suspending);
    let course = wanted.then(|| stop::course(observed, settings, Target::Pod(pod, life)));
    let wake = match course {
        Some(Course::Stop(plan)) => return plan,
        Some(Course::GoOn(wake)) => wake,
        None => None,
    };
    let plan = if winding.others_run && !is_stopping { end_others(observed, pod, winding) } else { Plan::idle() };
    queues::flushing(observed, settings, plan).by_any(wake)
}

/// Ends the containers that run on without main, once the courier has sent the output.
fn end_others(observed: &Observed, pod: &Pod, winding: &Winding) -> Plan {
    flush(observed, pod, winding).unwrap_or_else(|| lower_deadline(observed, pod, winding))
}

/// Asks the courier to send the output now, and waits for its word. `None` where there is nothing to wait for.
fn flush(observed: &Observed, pod: &Pod, winding: &Winding) -> Option<Plan> {
    let courier = observed.job.spec.courier();
    let told = observed.record.is_some() || winding.ending.courier.is_some();
    if !courier.enabled || told || !pod_state::courier_runs(pod) {
        return None;
    }
    let asked = pod.annotations().get(names::ANNOTATION_FLUSH).and_then(|text| FlushRequest::parse(text));
    let Some(FlushRequest { requested_time, tries }) = asked else {
        return Some(request(pod, &FlushRequest { requested_time: Time(whole_second(observed.now)), tries: 1 }));
    };
    let until = after(requested_time.0, courier.flush_seconds);
    let due = after(requested_time.0, FIRST_NUDGE_SECONDS << tries.saturating_sub(1).min(8));
    if observed.now >= until {
        return None;
    }
    if observed.now < due {
        return Some(Plan::wait(due.min(until)));
    }
    Some(request(pod, &FlushRequest { requested_time, tries: tries.saturating_add(1) }))
}

fn request(pod: &Pod, request: &FlushRequest) -> Plan {
    let patch = warm::note(pod, names::ANNOTATION_FLUSH, &request.to_json());
    Plan::steps(vec![Step::AnnotatePod { name: pod.name_any(), patch }])
}

/// Has the kubelet end the pod with its grace. Of a pod of which no kubelet has said when it took it, nothing is lost by its
/// deletion.
fn lower_deadline(observed: &Observed, pod: &Pod, winding: &Winding) -> Plan {
    let Some(seconds) = last_second(observed, pod) else {
        return pod::stop_others(observed, pod, winding.finished);
    };
    if is_lowered(pod, seconds) {
        return Plan::idle();
    }
    let patch = json!({"metadata": {"uid": pod.uid()}, "spec": {"activeDeadlineSeconds": seconds}});
    Plan::steps(vec![Step::EndPod { name: pod.name_any(), patch }])
}

fn is_lowered(pod: &Pod, seconds: i64) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.active_deadline_seconds).is_some_and(|given| given <= seconds)
}

/// The `activeDeadlineSeconds` that end just after main did, both by the node's own clock: so main's end is before them,
/// and they are over.
fn last_second(observed: &Observed, pod: &Pod) -> Option<i64> {
    let started = pod.status.as_ref()?.start_time.as_ref()?.0;
    let finished = warm::main_end(pod, &main_of(&observed.job, pod))?.finished_at.as_ref()?.0;
    Some(finished.duration_since(started).as_secs().saturating_add(1).clamp(1, i64::from(i32::MAX)))
}

/// What is left to do for the pod of a job that is terminal while other containers of it run. `None` where the pod need not
/// be waited for: its exit is recorded.
pub(crate) fn rest(observed: &Observed, pod: &Pod) -> Option<Plan> {
    let Life::Winding(winding) = pod_state::life(pod, &main_of(&observed.job, pod), observed.now) else { return None };
    let bound = winding::gives_up(observed, pod, &winding);
    if observed.deletion().is_some() || observed.now >= bound {
        return None;
    }
    let plan = remainder(observed, pod);
    Some(if plan.steps.is_empty() { plan.by(bound) } else { plan })
}

/// Ends what runs on in the pod of a job that is terminal, where nothing has asked for that yet.
pub(crate) fn remainder(observed: &Observed, pod: &Pod) -> Plan {
    match pod_state::life(pod, &main_of(&observed.job, pod), observed.now) {
        Life::Winding(winding) if winding.others_run && pod.metadata.deletion_timestamp.is_none() => {
            match observed.deletion() {
                Some(_) => pod::stop_others(observed, pod, winding.finished),
                None => lower_deadline(observed, pod, &winding),
            }
        }
        _ => Plan::idle(),
    }
}

//! Stopping a job before its program has ended by itself: why, when, and how far that has come.
//!
//! Deadlines, missed heartbeats, `spec.abort` and the deletion of the resource go the same road, always in this order:
//! the intent is stored; just after the full second S the kubelet is asked to stop the pod (SIGTERM, the grace period,
//! SIGKILL); how it ended is recorded. What main did before S is its own: a success then is one.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
use kube::ResourceExt;

use crate::{
    api::{
        condition::{self, ConditionType},
        names,
        status::{AbortCause, AbortStage, AbortStatus, TerminationCause},
        stop::{AbortMode, OnTimeout},
    },
    limits::{after, grace_seconds, next_second, whole_second},
};

use super::{
    Settings,
    attempt::{self, Life},
    finish,
    observed::{BrokerSight, Observed, Preparation},
    outcome::Outcome,
    run, start,
    step::{Plan, Step},
};

/// How long after the end of its grace a pod may take to be confirmed dead, before the client is told without that.
pub const CONFIRM_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);
/// What an immediate stop leaves to the program: with 0 Kubernetes would forget the pod without knowing that it died.
const IMMEDIATE_GRACE_SECONDS: i64 = 1;

/// What is to become of a job that has not ended.
pub(super) enum Course {
    /// It is stopped; this comes next.
    Stop(Plan),
    /// It goes on; this is when a reason to stop it may arise.
    GoOn(Option<Timestamp>),
}

/// A reason to stop the job.
struct Demand {
    cause: AbortCause,
    reason: String,
    /// From when on it holds.
    due: Timestamp,
    /// The full second just after which the program is told.
    stop: Timestamp,
}

/// What is to become of `observed`'s job, whose `pod` is where `life` says; `None` while it has no pod.
pub(super) fn course(observed: &Observed, settings: &Settings, pod: Option<(&Pod, &Life)>) -> Course {
    let demands = demands(observed, settings, pod.map(|(_, life)| life));
    let (pressing, later): (Vec<_>, Vec<_>) = demands.into_iter().partition(|demand| demand.due <= observed.now);
    let wake = later.iter().map(|demand| demand.due).min();
    let first = pressing.into_iter().min_by_key(|demand| demand.stop);
    match (first, observed.status().abort, pod) {
        (Some(demand), None, _) => Course::Stop(decide(observed, settings, demand, pod.is_some())),
        (Some(demand), Some(decided), _) if is_sharper(observed, &demand, &decided) => {
            Course::Stop(sharpen(observed, settings, demand, decided))
        }
        (_, None, _) => Course::GoOn(wake),
        (_, Some(decided), None) => Course::Stop(without_pod(observed, settings, &decided)),
        (_, Some(decided), Some(_)) if observed.now < decided.stop_time.0 => {
            Course::GoOn(wake.into_iter().chain([decided.stop_time.0]).min())
        }
        (_, Some(decided), Some((pod, _))) => Course::Stop(carry_out(observed, settings, pod, &decided)),
    }
}

fn demands(observed: &Observed, settings: &Settings, life: Option<&Life>) -> Vec<Demand> {
    let runs = matches!(life, Some(Life::Running(_)));
    let reasons = [
        deleted(observed),
        requested(observed, runs),
        unstarted(observed, settings, life),
        overdue(observed, settings).filter(|_| runs && !is_suspending(observed)),
        spent(observed, settings).filter(|_| life.is_none()),
        silent(observed).filter(|_| runs && !is_suspending(observed)),
        suspended(observed).filter(|_| life.is_some()),
    ];
    reasons.into_iter().flatten().collect()
}

fn deleted(observed: &Observed) -> Option<Demand> {
    let due = observed.deletion()?;
    let stop = if is_collected(observed) { due } else { next_second(observed.now) };
    Some(Demand { cause: AbortCause::Deleted, reason: "the job was deleted".to_owned(), due, stop })
}

/// Whether Kubernetes' garbage collector asks the job's pod to stop at once: the job is deleted in the foreground.
fn is_collected(observed: &Observed) -> bool {
    observed.job.finalizers().iter().any(|held| held == names::FINALIZER_FOREGROUND)
}

/// Stores a stop that the garbage collector began, where the pod has ended of it before the operator knew of the deletion:
/// else it would pass for somebody else's.
pub(super) fn collected(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let unknown = is_collected(observed) && observed.status().abort.is_none();
    let demand = deleted(observed).filter(|_| unknown)?;
    Some(decide(observed, settings, demand, true))
}

/// Only a program that runs has something to finish undisturbed.
fn requested(observed: &Observed, runs: bool) -> Option<Demand> {
    let abort = observed.job.spec.abort.as_ref()?;
    let decided = observed.status().abort.filter(|decided| decided.cause == AbortCause::Requested);
    let asked = decided.map_or(whole_second(observed.now), |decided| decided.requested_time.0);
    let wait = if runs && !observed.job.spec.suspend { abort.after_seconds } else { 0 };
    let colon = if abort.reason.is_some() { ": " } else { "" };
    Some(Demand {
        cause: AbortCause::Requested,
        reason: format!("spec.abort asked for it{colon}{}", abort.reason.as_deref().unwrap_or_default()),
        due: observed.now,
        stop: after(asked, wait.saturating_add(1)).max(next_second(observed.now)),
    })
}

fn unstarted(observed: &Observed, settings: &Settings, life: Option<&Life>) -> Option<Demand> {
    let started = observed.status().start_time.is_some() || matches!(life, Some(Life::Running(_)));
    let held = observed.job.spec.suspend || observed.is_suspended() || observed.waits_for_seat();
    if started || held {
        return None;
    }
    let due = settings.defaults.start_deadline(&observed.job)?;
    let seconds = settings.defaults.start_seconds(&observed.job.spec).unwrap_or_default();
    Some(Demand {
        cause: AbortCause::StartDeadlineExceeded,
        reason: format!("the program did not start within {seconds} s: {}", obstacle(observed, life)),
        due,
        stop: next_second(observed.now),
    })
}

/// What keeps the program from starting, as far as anybody said.
fn obstacle(observed: &Observed, life: Option<&Life>) -> String {
    let waiting = match life {
        Some(Life::Waiting { reason, message }) => Some(format!("{reason}: {message}")),
        _ => None,
    };
    let stored = observed.status().conditions;
    let said = [ConditionType::Stalled, ConditionType::Reconciling];
    let said = said.into_iter().find_map(|type_| condition::get(&stored, type_));
    let trouble = observed.trouble.clone().or(waiting);
    trouble
        .or_else(|| said.map(|condition| format!("{}: {}", condition.reason, condition.message)))
        .unwrap_or_else(|| "it has no pod".to_owned())
}

fn overdue(observed: &Observed, settings: &Settings) -> Option<Demand> {
    let due = observed.deadline(settings)?;
    let seconds = observed.current().run_seconds(settings)?;
    let on_time = observed.now < after(due, 1);
    Some(Demand {
        cause: AbortCause::DeadlineExceeded,
        reason: format!("the program ran for longer than its limit of {seconds} s"),
        due,
        stop: if on_time { due } else { next_second(observed.now) },
    })
}

/// What the job may run was spent in earlier attempts: nothing is left for another.
fn spent(observed: &Observed, settings: &Settings) -> Option<Demand> {
    let left = observed.current().run_seconds(settings).filter(|left| *left <= 0 && !observed.job.spec.suspend);
    let ran = left.and(observed.status().active_seconds)?;
    Some(Demand {
        cause: AbortCause::DeadlineExceeded,
        reason: format!("the job's programs have run for {ran} s, which is all that its limits allow"),
        due: observed.now,
        stop: next_second(observed.now),
    })
}

/// A job that has other reasons to stop does not go on later.
fn suspended(observed: &Observed) -> Option<Demand> {
    let wanted = observed.job.spec.suspend && observed.job.spec.abort.is_none() && observed.deletion().is_none();
    wanted.then(|| Demand {
        cause: AbortCause::Suspended,
        reason: "spec.suspend asked for it".to_owned(),
        due: observed.now,
        stop: next_second(observed.now),
    })
}

/// Whether the program is being stopped for a suspension, and not overdue with that: the clock stands still.
fn is_suspending(observed: &Observed) -> bool {
    let decided = observed.status().abort.filter(|decided| !decided.cause.is_final());
    decided.is_some_and(|decided| observed.now < decided.kill_time.0 + CONFIRM_TIMEOUT)
}

fn silent(observed: &Observed) -> Option<Demand> {
    observed.job.spec.heartbeat.as_ref().filter(|beat| beat.on_timeout == OnTimeout::Abort)?;
    Some(Demand {
        cause: AbortCause::NoProgress,
        reason: observed.silence(),
        due: silence_ends(observed)?,
        stop: next_second(observed.now),
    })
}

/// When the program has been silent for too long, should it stay so. `None` where nobody minds, or nobody can listen.
pub(super) fn silence_ends(observed: &Observed) -> Option<Timestamp> {
    let heartbeat = observed.job.spec.heartbeat.as_ref()?;
    let status = observed.status();
    let started = status.start_time.filter(|_| observed.broker == BrokerSight::Ready)?.0;
    let heard = observed.progress.as_ref().map(|report| report.heard);
    let stored = status.progress.and_then(|progress| progress.last_update_time).map(|time| time.0);
    let last = heard.into_iter().chain(stored).chain([observed.listening_since]).fold(started, Timestamp::max);
    Some(after(last, heartbeat.timeout_seconds))
}

/// How hard the job is stopped, whatever stops it: `spec.abort` may say so also of a job that is stopped already.
fn mode(observed: &Observed) -> AbortMode {
    observed.job.spec.abort.as_ref().map(|abort| abort.mode).unwrap_or_default()
}

fn grace(observed: &Observed) -> i64 {
    match mode(observed) {
        AbortMode::Graceful => grace_seconds(&observed.job.spec),
        AbortMode::Immediate => IMMEDIATE_GRACE_SECONDS,
    }
}

fn decide(observed: &Observed, settings: &Settings, demand: Demand, has_pod: bool) -> Plan {
    if let Some(plan) = queues_first(observed, settings, has_pod) {
        return plan;
    }
    let Demand { cause, reason, due: _, stop } = demand;
    let abort = AbortStatus {
        stage: AbortStage::Requested,
        cause,
        reason,
        mode: mode(observed),
        requested_time: Time(whole_second(observed.now)),
        stop_time: Time(stop),
        kill_time: Time(after(stop, grace(observed))),
    };
    store(observed, settings, abort)
}

/// A client that waits is told, also where its job ends before its queues were made.
fn queues_first(observed: &Observed, settings: &Settings, has_pod: bool) -> Option<Plan> {
    if has_pod || !observed.owns_queues() || observed.deletion().is_some() {
        return None;
    }
    match (&observed.queues, observed.broker.obstacle()) {
        (Preparation::Ready(_) | Preparation::Refused(_), _) => None,
        (Preparation::Unknown, None) => Some(Plan::steps(vec![start::ensure_queues(observed, settings)])),
        (Preparation::Unknown, Some(why)) => Some(start::wait_for_broker(observed, settings, why)),
    }
}

/// Whether `demand` asks for more than what was `decided` on.
fn is_sharper(observed: &Observed, demand: &Demand, decided: &AbortStatus) -> bool {
    demand.stop < decided.stop_time.0 || mode(observed) != decided.mode || is_graver(demand, decided)
}

/// Who suspended the job may then want its end.
fn is_graver(demand: &Demand, decided: &AbortStatus) -> bool {
    demand.cause.is_final() && !decided.cause.is_final()
}

/// Makes a stop that was decided on sooner, harder or final. What the kubelet was told already it will do when it was told to.
fn sharpen(observed: &Observed, settings: &Settings, demand: Demand, decided: AbortStatus) -> Plan {
    let graver = is_graver(&demand, &decided);
    let Demand { cause, reason, due: _, stop } = demand;
    let sooner = stop < decided.stop_time.0;
    let from = if sooner { stop } else { decided.stop_time.0 };
    let told = decided.stage != AbortStage::Requested;
    let kill = if told { decided.kill_time.clone() } else { Time(after(from, grace(observed))) };
    let abort = AbortStatus { mode: mode(observed), kill_time: kill, ..decided };
    let abort = if sooner { AbortStatus { stop_time: Time(stop), ..abort } } else { abort };
    let abort = if sooner || graver { AbortStatus { cause, reason, ..abort } } else { abort };
    store(observed, settings, abort)
}

/// A limit that was hit is news for somebody; a wish is not.
fn store(observed: &Observed, settings: &Settings, abort: AbortStatus) -> Plan {
    let news = (!abort.cause.is_wish())
        .then(|| Step::Warn { reason: abort.cause.as_str(), note: format!("the job is stopped: {}", abort.reason) });
    let status = Step::PatchStatus(Box::new(observed.aborting_status(settings, abort)));
    Plan::steps([status].into_iter().chain(news).collect())
}

/// There is nothing to stop, and there will be no output.
fn without_pod(observed: &Observed, settings: &Settings, decided: &AbortStatus) -> Plan {
    let outcome = Outcome::between_attempts(decided, &observed.status().attempts);
    if !decided.cause.is_final() {
        let status = observed.interrupted_status(settings, &outcome);
        return Plan::steps(vec![Step::PatchStatus(Box::new(status))]);
    }
    let plan = finish::conclude(observed, settings, outcome, None);
    let output = observed.output_queue(settings).filter(|_| observed.broker == BrokerSight::Ready);
    let output = output.filter(|_| !plan.steps.is_empty()).map(|queue| Step::DeleteOwnQueue(queue.name));
    Plan { steps: output.into_iter().chain(plan.steps).collect(), wake: plan.wake }
}

fn carry_out(observed: &Observed, settings: &Settings, pod: &Pod, decided: &AbortStatus) -> Plan {
    let signalled = || {
        let abort = AbortStatus { stage: AbortStage::Signalled, ..decided.clone() };
        Step::PatchStatus(Box::new(observed.aborting_status(settings, abort)))
    };
    if pod.metadata.deletion_timestamp.is_none() {
        return Plan::steps(vec![delete(pod, Some(grace(observed))), signalled()]);
    }
    if decided.stage == AbortStage::Requested {
        return Plan::steps(vec![signalled()]);
    }
    // Kubelets up to 1.37 do not hurry once they have begun to stop a pod; one that restarts does.
    let plan = match pod.metadata.deletion_grace_period_seconds {
        Some(given) if decided.mode == AbortMode::Immediate && given > IMMEDIATE_GRACE_SECONDS => {
            Plan::steps(vec![delete(pod, Some(IMMEDIATE_GRACE_SECONDS))])
        }
        _ => Plan::idle(),
    };
    run::with_lease(observed, settings, plan)
}

/// When the client is told without knowing that `pod`, which was told to stop, has died. Of a job that is to go on it is
/// never.
pub(super) fn gives_up(observed: &Observed, pod: &Pod) -> Option<Timestamp> {
    let end = pod.metadata.deletion_timestamp.as_ref()?.0;
    let kill = match observed.status().abort.filter(|decided| decided.cause.is_final()) {
        Some(decided) => decided.kill_time.0,
        // Main had ended when the job was deleted, and the rest of its pod was told to stop.
        None => observed.deletion()?,
    };
    Some(kill.max(end) + CONFIRM_TIMEOUT)
}

/// When `pod`, of which its node does not say that it has stopped, is forced off, where the job wants that: so early that
/// what its kubelet may still say comes before it is taken to have ended.
pub(super) fn forces_off(observed: &Observed, pod: &Pod) -> Option<Timestamp> {
    let policy = observed.job.spec.force_deletion_policy.as_ref()?;
    let end = pod.metadata.deletion_timestamp.as_ref().filter(|_| attempt::forced_off(pod).is_none())?;
    Some(after(end.0, policy.after_seconds - attempt::FORCED_TIMEOUT_SECONDS))
}

/// Whether that is now.
pub(super) fn is_to_be_forced_off(observed: &Observed, pod: &Pod) -> bool {
    forces_off(observed, pod).is_some_and(|time| observed.now >= time)
}

/// Whether the client is to be told so now.
pub(super) fn is_unconfirmed(observed: &Observed, pod: &Pod) -> bool {
    gives_up(observed, pod).is_some_and(|time| observed.now >= time)
}

/// Tells the client that the job was stopped, without knowing that `pod` has died.
pub(super) fn give_up(observed: &Observed, settings: &Settings, pod: &Pod) -> Plan {
    let decided = observed.status().abort.map(|abort| (abort.cause, abort.reason));
    let (cause, reason) = decided.unwrap_or_else(|| (AbortCause::Deleted, "the job was deleted".to_owned()));
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("its node");
    let message = format!(
        "{reason}; {node} did not confirm that pod {} has stopped within {} s of the end of its grace period: it may still run",
        pod.name_any(),
        CONFIRM_TIMEOUT.as_secs()
    );
    let outcome = Outcome::without_exit(TerminationCause::NodeLost, message, Some(cause));
    finish::conclude(observed, settings, outcome, None)
}

/// Asks the kubelet to stop `pod`; with its own time where none is given, which lets the courier flush.
pub(super) fn delete(pod: &Pod, grace_seconds: Option<i64>) -> Step {
    Step::DeletePod {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        resource_version: pod.resource_version().unwrap_or_default(),
        grace_seconds: grace_seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)),
    }
}

//! Stopping a job before its program has ended by itself: why, when, and how far that has come.
//!
//! Deadlines, missed heartbeats, `spec.abort` and the deletion of the resource go the same road, always in this order:
//! the intent is stored; just after the full second S the kubelet is asked to stop the pod (SIGTERM, the grace period,
//! SIGKILL); how it ended is recorded. What main did before S is its own: a success then is one.

use jiff::Timestamp;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
use kube::ResourceExt;

use crate::{
    api::{
        status::{AbortCause, AbortStage, AbortStatus, TerminationCause},
        stop::AbortMode,
        time::{after, whole_second},
    },
    limits::grace_of,
    plan::{
        facts::{
            demand::{self, Demand},
            observed::{BrokerSight, Observed, Preparation},
            outcome::Outcome,
            pod_state::Life,
            presence::NoPod,
            stop_times::CONFIRM_TIMEOUT,
        },
        phases::completion,
        steps::{Plan, Step, pod, queues, wait},
    },
    pods::Settings,
};

/// What an immediate stop leaves to the program: with 0 Kubernetes would forget the pod without knowing that it died.
const IMMEDIATE_GRACE_SECONDS: i64 = 1;

/// What is to become of a job that has not ended.
pub(crate) enum Course {
    /// It is stopped; this comes next.
    Stop(Plan),
    /// It goes on; this is when a reason to stop it may arise.
    GoOn(Option<Timestamp>),
}

/// What there is to stop.
pub(crate) enum Target<'a> {
    /// This pod, which is there in its life.
    Pod(&'a Pod, &'a Life),
    /// Nothing: the job has no pod.
    Nothing(NoPod),
    /// Perhaps a pod: it has to be looked up first.
    Unproven,
}

impl Target<'_> {
    /// What there is to stop where no pod is seen.
    pub(crate) fn without_pod(observed: &Observed) -> Self {
        observed.no_pod().map_or(Self::Unproven, Self::Nothing)
    }

    fn life(&self) -> Option<&Life> {
        match self {
            Self::Pod(_, life) => Some(life),
            Self::Nothing(_) | Self::Unproven => None,
        }
    }
}

/// What is to become of `observed`'s job.
pub(crate) fn course(observed: &Observed, settings: &Settings, target: Target<'_>) -> Course {
    let demands = demand::demands(observed, settings, target.life());
    let (pressing, later): (Vec<_>, Vec<_>) = demands.into_iter().partition(|demand| demand.due <= observed.now);
    let wake = later.iter().map(|demand| demand.due).min();
    let first = pressing.into_iter().min_by_key(|demand| demand.stop);
    match (first, observed.status().abort.clone(), target) {
        (None, None, _) => Course::GoOn(wake),
        (_, _, Target::Unproven) => Course::Stop(pod::look_up(observed)),
        (Some(demand), None, target) => {
            Course::Stop(decide(observed, settings, demand, matches!(target, Target::Pod(..))))
        }
        (Some(demand), Some(decided), _) if is_sharper(observed, &demand, &decided) => {
            Course::Stop(sharpen(observed, settings, demand, decided))
        }
        (_, Some(decided), Target::Nothing(gone)) => Course::Stop(without_pod(observed, settings, &decided, gone)),
        (_, Some(decided), Target::Pod(..)) if observed.now < decided.stop_time.0 => {
            Course::GoOn(wake.into_iter().chain([decided.stop_time.0]).min())
        }
        (_, Some(decided), Target::Pod(pod, _)) => {
            let graver = later.iter().filter(|demand| is_graver(demand, &decided)).map(|demand| demand.due).min();
            Course::Stop(carry_out(observed, settings, pod, &decided).by_any(graver))
        }
    }
}

/// Stores a stop that the garbage collector began, where the pod has ended of it before the operator knew of the deletion:
/// else it would pass for somebody else's.
pub(crate) fn collected(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let unknown = demand::is_collected(observed) && observed.status().abort.is_none();
    let demand = demand::deleted(observed).filter(|_| unknown)?;
    Some(decide(observed, settings, demand, true))
}

/// How hard the job is stopped, whatever stops it: `spec.abort` may say so also of a job that is stopped already.
fn mode(observed: &Observed) -> AbortMode {
    observed.job.spec.abort.as_ref().map(|abort| abort.mode).unwrap_or_default()
}

fn grace(observed: &Observed) -> i64 {
    match mode(observed) {
        AbortMode::Graceful => grace_of(&observed.job),
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
    if observed.is_to_take_queue() && observed.queues == Preparation::Unknown && observed.broker.obstacle().is_none() {
        // Whether the queue of its result is another job's is stored with the stop.
        return Some(Plan::steps(vec![queues::take_queue(observed, settings)]));
    }
    if has_pod || !observed.owns_queues() || observed.deletion().is_some() {
        return None;
    }
    match (&observed.queues, observed.broker.obstacle()) {
        (Preparation::Ready(_) | Preparation::Refused(_) | Preparation::Occupied { .. }, _) => None,
        (Preparation::Unknown, None) => Some(Plan::steps(vec![queues::ensure_queues(observed, settings)])),
        (Preparation::Unknown, Some(why)) => Some(wait::wait_for_broker(observed, settings, why)),
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
        .then(|| Step::Warn { reason: abort.cause.reason(), note: format!("the job is stopped: {}", abort.reason) });
    let status = Step::PatchStatus(Box::new(observed.aborting_status(settings, abort)));
    Plan::steps([status].into_iter().chain(news).collect())
}

/// There is nothing to stop, and there will be no output.
fn without_pod(observed: &Observed, settings: &Settings, decided: &AbortStatus, _: NoPod) -> Plan {
    let outcome = Outcome::between_attempts(decided, &observed.status().attempts);
    if !decided.cause.is_final() {
        let status = observed.interrupted_status(settings, &outcome);
        return Plan::steps(vec![Step::PatchStatus(Box::new(status))]);
    }
    let plan = completion::conclude(observed, settings, outcome, None);
    let unused = observed.broker == BrokerSight::Ready && !plan.steps.is_empty();
    let output = if unused { observed.output_queue_names(settings) } else { Vec::new() };
    let output = output.into_iter().map(Step::DeleteOwnQueue);
    Plan { steps: output.chain(plan.steps).collect(), wake: plan.wake }
}

fn carry_out(observed: &Observed, settings: &Settings, pod: &Pod, decided: &AbortStatus) -> Plan {
    let signalled = || {
        let abort = AbortStatus { stage: AbortStage::Signalled, ..decided.clone() };
        Step::PatchStatus(Box::new(observed.aborting_status(settings, abort)))
    };
    if pod.metadata.deletion_timestamp.is_none() {
        return Plan::steps(vec![pod::delete(pod, Some(grace(observed))), signalled()]);
    }
    if decided.stage == AbortStage::Requested {
        return Plan::steps(vec![signalled()]);
    }
    // Kubelets up to 1.37 do not hurry once they have begun to stop a pod; one that restarts does.
    let plan = match pod.metadata.deletion_grace_period_seconds {
        Some(given) if decided.mode == AbortMode::Immediate && given > IMMEDIATE_GRACE_SECONDS => {
            Plan::steps(vec![pod::delete(pod, Some(IMMEDIATE_GRACE_SECONDS))])
        }
        _ => Plan::idle(),
    };
    queues::with_lease(observed, settings, plan)
}

/// Tells the client that the job was stopped, without knowing that `pod` has died.
pub(crate) fn give_up(observed: &Observed, settings: &Settings, pod: &Pod) -> Plan {
    let decided = observed.status().abort.as_ref().map(|abort| (abort.cause, abort.reason.clone()));
    let (cause, reason) = decided.unwrap_or_else(|| (AbortCause::Deleted, "the job was deleted".to_owned()));
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("its node");
    let message = format!(
        "{reason}; {node} did not confirm that pod {} has stopped within {} s of the end of its grace period: it may still run",
        pod.name_any(),
        CONFIRM_TIMEOUT.as_secs()
    );
    let outcome = Outcome::without_exit(TerminationCause::NodeLost, message, Some(cause));
    completion::conclude(observed, settings, outcome, None)
}

//! The canonical form of a state: what two states that differ by absolute times or by texts alone have in common.
//!
//! A state is its facts, how each pair of facts that is compared later compares, which instants are over, and in which order
//! those come that are not (and whether the next is near). Left out are texts, names, the job's own constants, and:
//! - how far apart instants are. Two states whose instants come in the same order may differ in where one that begins later
//!   falls between them. Time stops at each instant and just before it, so that each gap is entered at its beginning and near its
//!   end, and both of the two orders with the next instant are seen; an order that needs a beginning in the middle of two
//!   further ones may be missed. [`Times::Exact`] has the distances instead: it merges only what is shifted in time. So does
//!   the number of seconds that earlier attempts ran.
//! - when exactly the lease of the queues is renewed: only how old it is, in three steps.
//! - what only people read: messages, the times of earlier attempts, transition times (the two that are compared, of a silent
//!   courier and of a stalled program, are followed by nothing that these jobs do).
//!
//! That this leaves nothing out is tried by comparing twins ([`super::explore`]): states that were merged must go on alike.

use std::{
    cmp::Ordering,
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;
use omotes_operator::testing::{
    api::{OmotesJob, OmotesJobStatus, status::AttemptStatus},
    plan::facts::observed::{RedeliveryState, Removal, ResultSight},
    wire::JobStatus,
};

use super::{
    instants,
    state::{Operator, State},
};
use crate::convergence::world::{Memory, World, ended};

/// What of the instants is in the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// Their order.
    Order,
    /// How far away they are.
    Exact,
}

/// A form in 128 bits: among a million states two that share one by chance are a surprise of one in 10^26.
pub(crate) fn mark(form: &str) -> u128 {
    let [low, high] = [1_u8, 2].map(|salt| {
        let mut hasher = DefaultHasher::new();
        (salt, form).hash(&mut hasher);
        u128::from(hasher.finish())
    });
    (high << 64) | low
}

/// The form of `state`.
pub(crate) fn of(state: &State, times: Times) -> String {
    let mut form = String::with_capacity(1024);
    let operator = match state.operator {
        Operator::Down => "down",
        Operator::Due => "due",
        Operator::Rests(Some(_)) => "rests",
        Operator::Rests(None) => "rests for good",
    };
    let _ = write!(form, "{operator} {:?};", state.left);
    if is_over(&state.world) {
        of_end(&mut form, state);
        of_times(&mut form, state, times);
        return form;
    }
    let _ = write!(form, "{:?}", state.told);
    of_world(&mut form, &state.world);
    of_memory(&mut form, &state.world.memory);
    of_times(&mut form, state, times);
    let _ = write!(form, " {:?} {:?};", age_of_lease(state), ended_long_ago(state));
    if let Some(job) = &state.world.job {
        of_job(&mut form, job, times);
    }
    of_pod(&mut form, &state.world);
    form
}

fn of_times(form: &mut String, state: &State, times: Times) {
    let now = state.world.now;
    let (mut pending, over): (Vec<_>, Vec<_>) = instants::all(state).into_iter().partition(|(_, at)| *at > now);
    pending.sort_by_key(|(instant, at)| (*at, *instant));
    let over: u64 = over.into_iter().map(|(instant, _)| 1_u64 << instant as u64).fold(0, |all, one| all | one);
    let _ = write!(form, "over {over:x};");
    if times == Times::Exact {
        let distances = pending.iter().map(|(instant, at)| (*instant, at.duration_since(now).as_millis()));
        let lease = state.world.memory.queues.map(|at| now.duration_since(at).as_millis());
        let _ = write!(form, "{:?} {lease:?};", distances.collect::<Vec<_>>());
        return;
    }
    let near = instants::next(state).is_some_and(|at| at <= now + instants::SHORTLY);
    let _ = write!(form, "{}", if near { "near" } else { "far" });
    let mut last = now;
    for (instant, at) in pending {
        let _ = write!(form, "{}{}", if at == last { '=' } else { '<' }, instant as u8);
        last = at;
    }
}

/// How old the lease of the job's queues is: whether a result can be published without its renewal, and whether that is due.
fn age_of_lease(state: &State) -> Option<(bool, bool)> {
    let expires = state.world.job.as_ref().map_or(0, |job| job.spec.queues.expire_after_seconds);
    let age = state.world.now.duration_since(state.world.memory.queues?).as_secs();
    Some((age >= (expires / 10).clamp(1, 60), age >= (expires / 3).min(3600)))
}

/// Whether main's end is longer ago than the broker's statistics, and than what is left of the job stays, where it has ended.
fn ended_long_ago(state: &State) -> Option<(bool, bool)> {
    let ago = state.world.now.duration_since(state.world.pod.as_ref().and_then(main_finished)?).as_secs();
    let stays = state.world.job.as_ref().and_then(|job| job.spec.ttl_seconds_after_finished);
    Some((ago >= 6, stays.is_some_and(|stays| ago >= stays)))
}

/// Whether the job has ended, so that most of its past is without consequences: how it ended was checked when it did.
fn is_over(world: &World) -> bool {
    world.job.as_ref().is_none_or(OmotesJob::has_ended)
}

/// What matters of a job that has ended, or is gone.
fn of_end(form: &mut String, state: &State) {
    let (world, memory) = (&state.world, &state.world.memory);
    let facts = [
        world.broker_up,
        world.node_lost,
        world.unread,
        world.delivered,
        world.kept.is_some(),
        world.reached_nobody,
        world.given_up,
        world.left_to_ttl,
        world.left_to_sweep,
        memory.unanswered.is_some(),
        memory.failure.is_some(),
        memory.main_ended.is_some(),
        matches!(memory.sent, Some(ResultSight::Sent { .. })),
    ];
    let end = world.result_end.as_ref().map(|(how, _)| how);
    let shown = world.lags.as_ref().map(|shown| shown.0 == world.pod);
    let removal = memory.removal.map(|removal| matches!(removal, Removal::Refused(_)));
    let _ = write!(form, "{} {end:?} {shown:?} {removal:?} {:?} {:?};", bits(&facts), memory.made, world.queues);
    if let Some(job) = &world.job {
        of_ended_job(form, job);
    }
    if let Some(pod) = &world.pod {
        of_any_pod(form, pod);
        let ended = world.ended.filter(|_| !ended(pod));
        let _ = write!(form, "{ended:?} {}", main_finished(pod).is_some());
    }
}

fn of_ended_job(form: &mut String, job: &OmotesJob) {
    let Some(status) = &job.status else { return };
    let news = status.observed_generation == job.metadata.generation;
    let exit = status.termination.as_ref().is_some_and(|end| end.exit_code.is_some());
    let deleted = job.metadata.deletion_timestamp.is_some();
    let flags = [news, exit, deleted, status.expiration_time.is_some(), status.abort.is_some()];
    let queues = status.queues.as_ref().map(|queues| (queues.state, queues.expire_time.is_some()));
    let result = status.result.as_ref().map(|result| (result.routed, result.published_time.is_some()));
    let (phase, attempt) = (status.phase, status.attempt);
    let _ = write!(form, "{phase:?} {attempt:?} {} {queues:?} {result:?} {};", bits(&flags), job.finalizers().len());
    let said = ["CleanedUp", "ResultPublished", "PodTerminated", "Reconciling", "Stalled"];
    for known in status.conditions.iter().filter(|known| said.contains(&known.type_.as_str())) {
        let _ = write!(form, "{}={}:{} ", known.type_, known.status, known.reason);
    }
}

fn of_world(form: &mut String, world: &World) {
    let told = [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running, JobStatus::Cancelled];
    let told = told.map(|status| world.statuses.iter().filter(|known| **known == status).count());
    let flags = [
        world.broker_up,
        world.node_lost,
        world.succeeded_by_itself,
        world.output.is_some(),
        world.unread,
        world.delivered,
        world.kept.is_some(),
        world.secret,
        world.reached_nobody,
        world.taken_on,
        world.given_up,
        world.left_to_ttl,
        world.left_to_sweep,
    ];
    let flags = bits(&flags);
    let end = world.result_end.as_ref().map(|(how, _)| how);
    let shown = world.lags.as_ref().map(|shown| shown.0 == world.pod);
    let counts = (world.results.len(), world.repeats, world.pods_made, told);
    let _ = write!(form, "{flags} {end:?} {shown:?} {:?} {counts:?} {:?};", world.ended, world.queues);
}

/// All fields, so that a new one is not forgotten. Times are instants, and stand there.
fn of_memory(form: &mut String, memory: &Memory) {
    let Memory {
        attempt,
        made,
        told,
        unanswered,
        queues,
        refused,
        occupied,
        witnessed,
        sent,
        redelivery,
        progress,
        has_input,
        ended_by_itself,
        courier_heard,
        record,
        main_ended,
        removal,
        failure,
    } = memory;
    let sent = match sent {
        None => "?",
        Some(ResultSight::Sent { routed: true, .. }) => "sent",
        Some(ResultSight::Sent { routed: false, .. }) => "kept",
        Some(ResultSight::Refused(_)) => "refused",
        Some(ResultSight::Unsent | ResultSight::Unknown(_)) => "unsent",
    };
    let redelivery = redelivery.map(|state| matches!(state, RedeliveryState::Refused(_)));
    let removal = removal.map(|removal| matches!(removal, Removal::Refused(_)));
    let seen = ended_by_itself.as_ref().map(|(uid, _)| uid);
    let prepared = [queues.is_some(), refused.is_some(), occupied.is_some(), *witnessed, *has_input];
    let heard = [progress.is_some(), courier_heard.is_some(), record.is_some(), main_ended.is_some()];
    let trouble = [unanswered.is_some(), failure.is_some()];
    let _ = write!(form, "{attempt} {made:?} {told:?} {sent} {seen:?} {redelivery:?} {removal:?}");
    let _ = write!(form, "{} {} {};", bits(&prepared), bits(&heard), bits(&trouble));
}

fn of_job(form: &mut String, job: &OmotesJob, times: Times) {
    let status = job.status.as_ref();
    let news = status.map(|status| status.observed_generation == job.metadata.generation);
    let deleted = job.metadata.deletion_timestamp.is_some();
    let abort = job.spec.abort.as_ref().map(|abort| (abort.mode, abort.after_seconds));
    let _ = write!(form, "{} {deleted} {} {abort:?} {news:?};", job.finalizers().len(), job.spec.suspend);
    if let Some(status) = status {
        of_status(form, status, times);
    }
}

/// All fields, as above.
fn of_status(form: &mut String, status: &OmotesJobStatus, times: Times) {
    let OmotesJobStatus {
        job_id: _,
        observed_generation: _,
        client_status,
        phase,
        conditions,
        workflow_revision: _,
        attempt,
        attempts,
        failures,
        disruptions,
        retry_time,
        active_seconds,
        pod_name,
        start_time,
        deadline_time,
        limits,
        completion_time,
        expiration_time,
        progress,
        abort,
        termination,
        queues,
        result,
    } = status;
    let set = [
        retry_time.is_some(),
        active_seconds.is_some(),
        start_time.is_some(),
        deadline_time.is_some(),
        limits.is_some(),
        completion_time.is_some(),
        expiration_time.is_some(),
        progress.is_some(),
    ];
    let seconds = active_seconds.filter(|_| times == Times::Exact);
    let abort = abort.as_ref().map(|abort| (abort.stage, abort.cause, abort.mode));
    let ended = termination.as_ref().map(|end| (end.cause, end.exit_code));
    let queues = queues.as_ref().map(|queues| (queues.state, queues.expire_time.is_some()));
    let result = result.as_ref().map(|result| (result.type_, result.routed, result.published_time.is_some()));
    let _ =
        write!(form, "{client_status:?} {phase:?} {attempt:?} {failures:?} {disruptions:?} {seconds:?} {pod_name:?}");
    let _ = write!(form, "{} {abort:?} {ended:?} {queues:?} {result:?};", bits(&set));
    for known in conditions {
        let _ = write!(form, "{}={}:{} ", known.type_, known.status, known.reason);
    }
    for AttemptStatus { number, cause, disruption, exit_code, start_time, .. } in attempts {
        let _ = write!(form, "{number} {cause:?} {disruption:?} {exit_code:?} {};", start_time.is_some());
    }
}

fn bits(flags: &[bool]) -> String {
    flags.iter().map(|flag| if *flag { '1' } else { '0' }).collect()
}

fn of_pod(form: &mut String, world: &World) {
    let Some(pod) = &world.pod else { return };
    of_any_pod(form, pod);
    let status = pod.status.as_ref();
    let containers = status.into_iter().flat_map(|status| {
        status.container_statuses.iter().flatten().chain(status.init_container_statuses.iter().flatten())
    });
    for container in containers {
        of_container(form, container);
    }
    let stop = world.job.as_ref().and_then(|job| job.status.as_ref()?.abort.as_ref()).map(|abort| abort.stop_time.0);
    let asked = asked(pod);
    let finished = main_finished(pod);
    let seen = world.memory.ended_by_itself.as_ref().map(|(_, at)| *at);
    let order = [
        compare(finished, stop),
        compare(finished, asked),
        compare(seen, stop),
        compare(seen, asked),
        compare(asked, stop),
    ];
    let _ = write!(form, "{order:?}");
}

fn of_any_pod(form: &mut String, pod: &Pod) {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let grace = pod.metadata.deletion_timestamp.as_ref().and(pod.metadata.deletion_grace_period_seconds);
    let held = !pod.finalizers().is_empty();
    let _ = write!(form, "{} {phase:?} {bound} {grace:?} {held} {};", pod.name_any(), ended(pod));
}

fn of_container(form: &mut String, container: &ContainerStatus) {
    let Some(state) = &container.state else { return };
    let kind = match (&state.running, &state.terminated) {
        (Some(_), _) => "runs".to_owned(),
        (_, Some(end)) => format!("{} {:?} {}", end.exit_code, end.reason, end.message.is_some()),
        _ => "waits".to_owned(),
    };
    let _ = write!(form, " {} {kind}", container.name);
}

/// When the end of `pod` was asked for.
fn asked(pod: &Pod) -> Option<Timestamp> {
    let grace = SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or(0));
    pod.metadata.deletion_timestamp.as_ref().map(|end| end.0 - grace)
}

/// When main of `pod` ended.
pub(crate) fn main_finished(pod: &Pod) -> Option<Timestamp> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    let main = containers.iter().find(|container| container.name == "main")?;
    main.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref().map(|time| time.0)
}

fn compare(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Ordering> {
    one.zip(other).map(|(one, other)| one.cmp(&other))
}

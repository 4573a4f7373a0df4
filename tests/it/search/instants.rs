//! The instants that something waits for.
//!
//! Each is a time that is a fact of the state, plus a limit: one of the job's, or a constant of `src/plan`. One that is left
//! out, or is wrong, merges states that are none: the search compares twins to find that out.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use omotes_operator::testing::{
    api::{OmotesJob, OmotesJobStatus},
    plan::facts::observed::Removal,
};

use super::{
    shape,
    state::{Operator, State},
};
use crate::convergence::world::{FLUSH, GRACE, World, ended, waits};

/// What is near: the stop of a job is due in the next second.
pub(crate) const SHORTLY: SignedDuration = SignedDuration::from_secs(1);

/// What an instant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Instant {
    /// The job has waited in silence.
    Silence,
    StartDeadline,
    Deadline,
    Heartbeat,
    Retry,
    Stop,
    /// The kubelet kills.
    Kill,
    /// The end of a pod counts as unconfirmed.
    Confirm,
    /// Main has ended, and its pod should have.
    Winding,
    /// The rest of a deleted job's pod is told to stop.
    Others,
    /// A creation without an answer may come through until then.
    Creation,
    /// The queues' statistics show what clients did.
    Statistics,
    /// The queues are older than they may get.
    Aged,
    TimeToLive,
    /// The removal of queues is tried again.
    Removal,
    /// A deleted job goes without the broker.
    GiveUp,
    /// A failure of passes is shown.
    Grumble,
}

type Instants = Vec<(Instant, Timestamp)>;

/// All of them that matter in `state`, whether they are over or not.
pub(crate) fn all(state: &State) -> Instants {
    let world = &state.world;
    let mut all = Vec::new();
    let Some(job) = &world.job else { return of_kubelet(world).into_iter().collect() };
    if job.has_ended() {
        after_end(&mut all, world, job);
    } else {
        before_start(&mut all, world, job);
        until_end(&mut all, world, job);
    }
    bounds_of_pod(&mut all, world, job);
    all.extend(of_kubelet(world));
    if let Some(deleted) = job.metadata.deletion_timestamp.as_ref().filter(|_| !world.broker_up) {
        let cleanup = after(deleted.0, job.spec.queues.cleanup_timeout_seconds);
        all.push((Instant::GiveUp, cleanup.max(after(world.broker_since, 30))));
    }
    all.extend(world.memory.failure.as_ref().map(|failure| (Instant::Grumble, after(failure.since, 10))));
    all
}

/// The next instant that is still to come, when the operator wants to be woken included.
pub(crate) fn next(state: &State) -> Option<Timestamp> {
    let wake = if let Operator::Rests(wake) = state.operator { wake } else { None };
    let all = all(state).into_iter().map(|(_, at)| at).chain(wake);
    all.filter(|at| *at > state.world.now).min()
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at + SignedDuration::from_secs(seconds)
}

fn status(job: &OmotesJob) -> OmotesJobStatus {
    job.status.clone().unwrap_or_default()
}

fn before_start(all: &mut Instants, world: &World, job: &OmotesJob) {
    let status = status(job);
    if status.start_time.is_some() || status.abort.is_some() {
        return;
    }
    let pod = world.pod.as_ref().filter(|pod| waits(pod) && !ended(pod));
    let since = pod.map_or(&job.metadata.creation_timestamp, |pod| &pod.metadata.creation_timestamp);
    all.extend(since.iter().map(|at| (Instant::Silence, after(at.0, 10))));
    let retry = status.retry_time.as_ref().map(|time| time.0);
    let due =
        retry.or(job.metadata.creation_timestamp.as_ref().map(|time| time.0)).zip(job.spec.start_deadline_seconds);
    all.extend(due.map(|(at, seconds)| (Instant::StartDeadline, after(at, seconds))));
    all.extend(retry.filter(|_| pod.is_none()).map(|at| (Instant::Retry, at)));
    all.extend(world.memory.unanswered.map(|at| (Instant::Creation, after(at, 75))));
}

fn until_end(all: &mut Instants, world: &World, job: &OmotesJob) {
    let status = status(job);
    let running = world.running_main().is_some() || world.node_lost;
    all.extend(status.deadline_time.iter().filter(|_| running).map(|at| (Instant::Deadline, at.0)));
    all.extend(status.abort.iter().map(|abort| (Instant::Stop, abort.stop_time.0)));
    let heartbeat = job.spec.heartbeat.as_ref().zip(status.start_time.as_ref()).filter(|_| running);
    let heard = |started: Timestamp| started.max(world.listening_since);
    all.extend(heartbeat.map(|(beat, started)| (Instant::Heartbeat, after(heard(started.0), beat.timeout_seconds))));
}

/// When a pod that does not end is given up, or the rest of it told to stop.
fn bounds_of_pod(all: &mut Instants, world: &World, job: &OmotesJob) {
    let Some(pod) = world.pod.as_ref().filter(|pod| !ended(pod)) else { return };
    let status = status(job);
    let deleted = job.metadata.deletion_timestamp.as_ref().map(|at| at.0);
    let kill = status.abort.as_ref().map(|abort| abort.kill_time.0).or(deleted);
    let end = pod.metadata.deletion_timestamp.as_ref().map(|end| end.0);
    all.extend(kill.zip(end).map(|(kill, end)| (Instant::Confirm, after(kill.max(end), 60))));
    let wait = if world.has_courier() { FLUSH } else { GRACE };
    all.extend(world.memory.main_ended.map(|at| (Instant::Winding, after(at, wait + 60))));
    all.extend(shape::main_finished(pod).filter(|_| deleted.is_some()).map(|at| (Instant::Others, after(at, 3))));
}

fn of_kubelet(world: &World) -> Option<(Instant, Timestamp)> {
    let pod = world.pod.as_ref().filter(|pod| !ended(pod) && !waits(pod) && world.ended.is_none())?;
    let end = pod.metadata.deletion_timestamp.as_ref()?;
    Some((Instant::Kill, after(end.0, 1)))
}

fn after_end(all: &mut Instants, world: &World, job: &OmotesJob) {
    let status = status(job);
    let queues = status.queues.as_ref().filter(|_| !is_cleaned_up(&status));
    let ended = status.completion_time.as_ref();
    all.extend(queues.and(ended).map(|at| (Instant::Statistics, after(at.0, 6))));
    let expiry = queues.and_then(|queues| queues.expire_time.as_ref());
    all.extend(expiry.map(|at| (Instant::Aged, after(at.0, 10))));
    let held = !job.finalizers().is_empty() && job.metadata.deletion_timestamp.is_none();
    all.extend(status.expiration_time.iter().filter(|_| held).map(|at| (Instant::TimeToLive, at.0)));
    if let Some(Removal::Refused(at)) = world.memory.removal {
        all.push((Instant::Removal, after(at, 5)));
    }
}

fn is_cleaned_up(status: &OmotesJobStatus) -> bool {
    status.conditions.iter().any(|known| known.type_ == "CleanedUp" && known.status == "True")
}

//! What can happen in a state: the operator's passes, time, the cluster, the broker, users.

use omotes_operator::testing::api::OmotesJob;

use super::{
    instants,
    state::{Operator, State},
};
use crate::convergence::world::{End, ended, waits};

/// One transition. A test that is printed names them, so each is a word of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Move {
    /// A pass of the operator, until it comes to rest.
    Pass,
    /// A pass whose step with this number fails, without an effect.
    FailsAt(usize),
    /// A pass whose step with this number has its effect, and its reply is lost.
    UnansweredAt(usize),
    /// The operator dies in a pass, before the step with this number.
    DiesAt(usize),
    /// The operator dies between two passes.
    Dies,
    /// Another process takes over, and knows nothing.
    Begins,
    /// Time moves to the next instant that something waits for.
    Reach,
    /// Time moves to just before that.
    Near,
    /// The pod gets its node.
    Schedules,
    /// The kubelet starts the pod.
    Starts,
    /// Main ends.
    Ends(End),
    /// The courier sends the output; the operator receives its word.
    Sends,
    /// The same, and the word is lost.
    SendsUnheard,
    /// The rest of the pod ends.
    PodEnds,
    /// The kubelet ends a pod that it has not started.
    EndsUnstarted,
    /// The kubelet kills what is left of the pod at the end of its grace.
    Kills,
    /// Somebody deletes the pod.
    PodDeleted,
    /// The node falls silent …
    NodeGoes,
    /// … is there again …
    NodeComes,
    /// … or its pod is deleted for that.
    NodeGivenUp,
    BrokerGoes,
    BrokerComes,
    /// The client takes its result.
    Reads,
    /// The client takes its result and deletes the queue.
    ReadsAndDeletes,
    Aborts,
    AbortsAtOnce,
    AbortsLater,
    Deletes,
    Suspends,
    Resumes,
    /// The operator's watch shows no change of the pod any more …
    WatchLags,
    /// … and shows what it missed.
    WatchShows,
}

impl Move {
    /// Its name, without what it is about.
    pub(crate) fn name(self) -> String {
        let name = format!("{self:?}");
        name.split('(').next().unwrap_or_default().to_owned()
    }
}

/// How much may go wrong, or be wished, in one history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    /// Deaths of the operator.
    pub crashes: u8,
    /// Steps that fail, or whose reply is lost.
    pub slips: u8,
    /// What users do: an abort, a deletion, a suspension.
    pub wishes: u8,
    /// What the cluster and the broker do: a deleted pod, a lost node, a broker that is away.
    pub harms: u8,
    /// Watches that lag.
    pub lags: u8,
    /// All of these together.
    pub all: u8,
    /// How often time stops just before an instant.
    pub nears: u8,
}

impl Bounds {
    /// What is left when one more of the kind that `count` shows has happened.
    pub(crate) fn spend(&mut self, count: fn(&mut Self) -> &mut u8) {
        *count(self) -= 1;
        self.all -= 1;
        if self.all == 0 {
            *self = Self { nears: self.nears, ..Self::default() };
        }
    }
}

/// Attempts of a job within the bounds: what would bring another one about does not happen in the last.
const ATTEMPTS: i32 = 2;

/// What can happen in `state`, but for passes in which something goes wrong.
pub(crate) fn possible(state: &State) -> Vec<Move> {
    let mut moves = operators(state);
    moves.extend(times(state));
    moves.extend(clusters(state));
    moves.extend(harms(state));
    moves.extend(users(state));
    moves
}

fn when(holds: bool, moves: &[Move]) -> Vec<Move> {
    if holds { moves.to_vec() } else { Vec::new() }
}

fn operators(state: &State) -> Vec<Move> {
    let dies = when(state.left.crashes > 0, &[Move::Dies]);
    match state.operator {
        Operator::Down => vec![Move::Begins],
        Operator::Due => vec![Move::Pass],
        Operator::Rests(_) => dies,
    }
}

/// Passes in which something goes wrong, where one without has these steps: whether each has an effect outside.
pub(crate) fn faulty(state: &State, steps: &[bool]) -> Vec<Move> {
    let effects = (0..steps.len()).filter(|step| steps[*step]);
    let slips = effects.flat_map(|step| when(state.left.slips > 0, &[Move::FailsAt(step), Move::UnansweredAt(step)]));
    // Where the step before has no effect it is the same to die before that.
    let ends = (0..steps.len()).filter(|step| *step == 0 || steps[*step - 1]);
    let dies = ends.flat_map(|step| when(state.left.crashes > 0, &[Move::DiesAt(step)]));
    slips.chain(dies).collect()
}

/// While a pass is due no time goes by: a pass that comes late is that of a process which begins late. What is left to do for a job
/// that has ended is the same just before each instant.
fn times(state: &State) -> Vec<Move> {
    let Some(next) = instants::next(state).filter(|_| state.operator != Operator::Due) else { return Vec::new() };
    let ended = state.world.job.as_ref().is_none_or(OmotesJob::has_ended);
    let far = next - instants::SHORTLY > state.world.now && !ended;
    [when(far && state.left.nears > 0, &[Move::Near]), vec![Move::Reach]].concat()
}

fn clusters(state: &State) -> Vec<Move> {
    let world = &state.world;
    let Some(pod) = world.pod.as_ref().filter(|_| !world.node_lost) else { return Vec::new() };
    let deleted = pod.metadata.deletion_timestamp.is_some();
    let bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let over = ended(pod);
    let ends = if world.running_main().is_some() && world.ended.is_none() { program_ends(state) } else { Vec::new() };
    [
        when(waits(pod) && !bound && !deleted, &[Move::Schedules]),
        when(waits(pod) && bound && !deleted && !over, &[Move::Starts]),
        when(waits(pod) && bound && deleted && !over, &[Move::EndsUnstarted]),
        ends,
        when(may_send(state) && hears(state), &[Move::Sends]),
        when(may_send(state), &[Move::SendsUnheard]),
        when(world.ended.is_some() && !over, &[Move::PodEnds]),
        when(is_to_be_killed(state), &[Move::Kills]),
    ]
    .concat()
}

/// A failure that would bring a third attempt about does not happen.
fn program_ends(state: &State) -> Vec<Move> {
    let job = state.world.job.as_ref();
    let status = job.and_then(|job| job.status.as_ref());
    let failures = status.and_then(|status| status.failures).unwrap_or(0);
    let is_last = job.is_none_or(|job| failures >= job.spec.backoff_limit.unwrap_or(0));
    let may_fail = state.attempt() < ATTEMPTS || is_last || state.is_stopped();
    let ends = state.scenario.ends().iter().copied().filter(|end| *end == End::Success || may_fail);
    ends.map(Move::Ends).collect()
}

fn may_send(state: &State) -> bool {
    let over = state.world.pod.as_ref().is_none_or(ended);
    let unsent = matches!(state.world.ended, Some((End::Success | End::Failure | End::OutOfMemory, false)));
    unsent && !over && state.world.has_courier() && state.world.broker_up
}

fn hears(state: &State) -> bool {
    state.operator != Operator::Down && state.world.memory.record.is_none()
}

fn is_to_be_killed(state: &State) -> bool {
    let pod = state.world.pod.as_ref().filter(|pod| !ended(pod) && !waits(pod) && state.world.ended.is_none());
    let end = pod.and_then(|pod| pod.metadata.deletion_timestamp.as_ref()).map(|end| end.0);
    end.is_some_and(|end| end < state.world.now)
}

fn harms(state: &State) -> Vec<Move> {
    let world = &state.world;
    let running = world.pod.as_ref().filter(|pod| !ended(pod));
    let undeleted = running.is_some_and(|pod| pod.metadata.deletion_timestamp.is_none());
    let more = state.attempt() < ATTEMPTS || state.is_stopped();
    let any = state.left.harms > 0;
    let lags = state.left.lags > 0 && world.lags.is_none() && world.job.is_some() && state.operator != Operator::Down;
    [
        when(any && undeleted && more && !world.node_lost, &[Move::PodDeleted]),
        when(any && running.is_some() && !world.node_lost, &[Move::NodeGoes]),
        when(world.node_lost, &[Move::NodeComes]),
        when(world.node_lost && undeleted && more, &[Move::NodeGivenUp]),
        when(any && world.broker_up && world.job.is_some(), &[Move::BrokerGoes]),
        when(!world.broker_up, &[Move::BrokerComes]),
        when(lags, &[Move::WatchLags]),
        when(world.lags.is_some(), &[Move::WatchShows]),
    ]
    .concat()
}

fn users(state: &State) -> Vec<Move> {
    let world = &state.world;
    let reads = when(world.unread && world.broker_up, &[Move::Reads, Move::ReadsAndDeletes]);
    let Some(job) = world.job.as_ref() else { return reads };
    let wishes = state.left.wishes > 0 && job.metadata.deletion_timestamp.is_none();
    let open = wishes && !job.has_ended();
    [
        reads,
        when(wishes, &[Move::Deletes]),
        when(open, &[Move::Aborts, Move::AbortsAtOnce, Move::AbortsLater]),
        when(open && !job.spec.suspend && state.attempt() < ATTEMPTS, &[Move::Suspends]),
        when(job.spec.suspend && !job.has_ended(), &[Move::Resumes]),
    ]
    .concat()
}

/// What happens next where nothing goes wrong any more: what is away comes back, the cluster does its work, then time goes by.
/// `None` where nothing happens any more.
pub(crate) fn fair(state: &State) -> Option<Move> {
    let moves = possible(state);
    let has = |wanted: &Move| moves.contains(wanted);
    let told = state.world.pod.as_ref().is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
    let fails =
        state.scenario.ends().iter().copied().find(|end| told && *end != End::Success && has(&Move::Ends(*end)));
    let end = fails.unwrap_or(End::Success);
    let order = [
        Move::Begins,
        Move::WatchShows,
        Move::BrokerComes,
        Move::NodeComes,
        Move::Pass,
        Move::Resumes,
        Move::Schedules,
        Move::Starts,
        Move::EndsUnstarted,
        Move::Ends(end),
        Move::Sends,
        Move::PodEnds,
        Move::Reach,
    ];
    order.into_iter().find(has)
}

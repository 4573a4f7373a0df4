//! One state of the search: the model world, how far its operator is, and what may still go wrong.

use jiff::Timestamp;
use omotes_operator::testing::{
    api::{
        OmotesJob,
        status::{AbortCause, Phase, TerminationCause},
    },
    plan::facts::observed::attempt_of,
};
use serde_json::{Value, json};

use super::{
    faults::{Fault, Hands},
    instants,
    moves::{self, Bounds, Move},
    rules,
    shape::{self, Times},
};
use crate::{
    convergence::{
        assert_ended_well,
        world::{Cut, End, Event, Memory, World, time},
    },
    support::bed::merged,
};

/// How far the operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    /// No process runs.
    Down,
    /// Something happened that it was told of, or its time to wake has come.
    Due,
    /// Its last pass came to rest, and wants to be woken then.
    Rests(Option<Timestamp>),
}

/// The jobs that are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// No courier, two attempts, a limit.
    Plain,
    /// A courier that sends the output.
    Courier,
    /// It goes by itself, a while after its end.
    Leaves,
    /// A program that must tell of its progress, and start in time.
    Watched,
}

impl Scenario {
    /// How its program may end.
    pub(crate) fn ends(self) -> &'static [End] {
        match self {
            Self::Plain | Self::Watched => &[End::Success, End::Failure],
            Self::Courier => &[End::Success, End::Failure, End::OutputLost],
            Self::Leaves => &[End::Success, End::OutOfMemory],
        }
    }

    fn spec(self) -> Value {
        let common = json!({
            "backoffLimit": 1,
            "retry": {"initialSeconds": 2, "maxSeconds": 2},
            "queues": {"expireAfterSeconds": 600, "cleanupTimeoutSeconds": 40},
            "courier": {"enabled": false},
        });
        let own = match self {
            Self::Plain => json!({"maxRunSeconds": 100}),
            Self::Courier => json!({"courier": {"enabled": true}}),
            Self::Leaves => json!({"ttlSecondsAfterFinished": 30, "podRetentionPolicy": "Delete"}),
            Self::Watched => json!({
                "courier": {"enabled": true},
                "heartbeat": {"timeoutSeconds": 40, "onTimeout": "Abort"},
                "startDeadlineSeconds": 90,
            }),
        };
        merged(common, &own)
    }
}

#[derive(Clone)]
pub(crate) struct State {
    pub world: World,
    pub operator: Operator,
    /// What may still go wrong.
    pub left: Bounds,
    /// What the results say that were published, in order.
    pub told: Vec<i32>,
    /// What is broken on purpose.
    fault: Option<Fault>,
    pub scenario: Scenario,
    /// The steps of the last pass: whether each has an effect outside.
    pub steps: Vec<bool>,
    /// How many of them were more than a look or the renewal of a lease.
    pub works: usize,
}

/// More renewals and looks in a row than the job's limits leave time for.
const POLLS: usize = 24;

impl State {
    /// The beginning: a job was created, and no operator has seen it.
    pub(crate) fn new(scenario: Scenario, left: Bounds, fault: Option<Fault>) -> Self {
        let mut world = World::new(&scenario.spec());
        world.now = time(1);
        Self { world, operator: Operator::Due, left, told: Vec::new(), fault, scenario, steps: Vec::new(), works: 0 }
    }

    /// The beginning of a history that is replayed: nothing bounds it.
    pub(crate) fn begin(scenario: Scenario) -> Self {
        let left = Bounds { crashes: 9, slips: 9, wishes: 9, harms: 9, lags: 9, all: 99, nears: 99 };
        Self::new(scenario, left, None)
    }

    /// The same with something broken.
    pub(crate) fn broken(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    pub(crate) fn attempt(&self) -> i32 {
        self.world.job.as_ref().map_or(1, attempt_of)
    }

    /// Whether a stop was decided on that ends the job, or is about to be.
    pub(crate) fn is_stopped(&self) -> bool {
        let Some(job) = &self.world.job else { return true };
        let wished = job.metadata.deletion_timestamp.is_some() || job.spec.abort.is_some();
        let decided = job.status.as_ref().and_then(|status| status.abort.as_ref());
        wished || decided.is_some_and(|abort| abort.cause != AbortCause::Suspended)
    }

    /// What happens; panics where a rule is broken by it.
    pub(crate) fn take(&mut self, next: Move) {
        let before = ending(self.world.job.as_ref());
        self.happen(next);
        rules::check(self, before);
    }

    fn happen(&mut self, next: Move) {
        match next {
            Move::Pass => self.pass(usize::MAX, Cut::Dies),
            Move::FailsAt(step) => self.slip(step, Cut::Fails),
            Move::UnansweredAt(step) => self.slip(step, Cut::Unanswered),
            Move::DiesAt(step) => {
                self.left.spend(|left| &mut left.crashes);
                self.pass(step, Cut::Dies);
                self.operator = Operator::Down;
            }
            Move::Dies => {
                self.left.spend(|left| &mut left.crashes);
                self.world.crash();
                self.operator = Operator::Down;
            }
            Move::Begins => self.begin_process(),
            Move::Reach => self.reach(),
            Move::Near => {
                self.left.nears -= 1;
                self.world.now = instants::next(self).unwrap() - instants::SHORTLY;
            }
            Move::Schedules | Move::Starts | Move::Ends(_) | Move::PodEnds | Move::EndsUnstarted | Move::Kills => {
                self.kubelet(next);
            }
            Move::Sends | Move::SendsUnheard => self.event(Event::CourierSends(next == Move::Sends)),
            Move::PodDeleted | Move::NodeGoes | Move::NodeComes | Move::NodeGivenUp => self.harm(next),
            Move::BrokerGoes | Move::BrokerComes => self.broker(next == Move::BrokerComes),
            Move::Reads | Move::ReadsAndDeletes => self.event(Event::Read(next == Move::ReadsAndDeletes)),
            Move::Aborts | Move::AbortsAtOnce | Move::AbortsLater | Move::Deletes | Move::Suspends => self.wish(next),
            Move::Resumes => self.event(Event::Suspend(false)),
            Move::WatchLags => {
                self.left.spend(|left| &mut left.lags);
                self.world.happen(Event::WatchLags(true));
            }
            Move::WatchShows => self.event(Event::WatchLags(false)),
        }
    }

    /// A pass. It does not come to rest where one of its steps is cut off.
    fn pass(&mut self, limit: usize, cut: Cut) {
        let mut hands = Hands::new(self.fault);
        let plan = self.world.pass(limit, cut, &mut hands);
        (self.steps, self.works) = (hands.steps, hands.works);
        self.operator = match plan {
            Some(plan) => Operator::Rests(plan.wake.filter(|_| self.fault != Some(Fault::NeverWakes))),
            None if self.world.job.is_none() => Operator::Rests(None),
            None => Operator::Due,
        };
    }

    /// How many steps that are more than a look a pass would have now.
    pub(crate) fn would_do(mut self) -> usize {
        self.pass(usize::MAX, Cut::Dies);
        self.works
    }

    fn slip(&mut self, step: usize, cut: Cut) {
        self.left.spend(|left| &mut left.slips);
        self.pass(step, cut);
        self.operator = Operator::Due;
    }

    fn begin_process(&mut self) {
        self.world.memory = Memory::default();
        (self.world.broker_since, self.world.listening_since) = (self.world.now, self.world.now);
        self.world.lags = None;
        self.operator = Operator::Due;
    }

    /// Something happens that the operator is told of.
    fn event(&mut self, event: Event) {
        self.world.happen(event);
        self.notice();
    }

    fn notice(&mut self) {
        if self.operator != Operator::Down {
            self.operator = Operator::Due;
        }
    }

    /// What a kubelet does is seen by the watch, unless that lags.
    fn kubelet(&mut self, next: Move) {
        match next {
            Move::Schedules => self.world.schedule(),
            Move::Starts => self.world.start(),
            Move::Ends(end) => self.world.main_ends(end),
            Move::PodEnds => self.world.pod_ends(),
            Move::EndsUnstarted => self.world.end_scheduled(),
            _ => self.world.kill(),
        }
        self.shows_pod();
    }

    fn shows_pod(&mut self) {
        self.world.collect();
        if self.world.lags.is_none() {
            self.world.witness();
            self.notice();
        }
    }

    fn harm(&mut self, next: Move) {
        match next {
            Move::PodDeleted => self.world.pod_deleted(),
            Move::NodeGoes => self.world.node_lost = true,
            Move::NodeComes => self.world.node_lost = false,
            _ => self.world.disrupt_lost(),
        }
        if matches!(next, Move::PodDeleted | Move::NodeGoes) {
            self.left.spend(|left| &mut left.harms);
        }
        if matches!(next, Move::PodDeleted | Move::NodeGivenUp) {
            self.shows_pod();
        }
    }

    /// Nobody looks at a job because the broker is lost.
    fn broker(&mut self, comes: bool) {
        self.world.forget_broker();
        if comes {
            self.event(Event::BrokerUp);
        } else {
            self.left.spend(|left| &mut left.harms);
            self.world.happen(Event::BrokerDown);
        }
    }

    fn wish(&mut self, next: Move) {
        self.left.spend(|left| &mut left.wishes);
        self.event(match next {
            Move::Aborts => Event::Abort(false, 0),
            Move::AbortsAtOnce => Event::Abort(true, 0),
            Move::AbortsLater => Event::Abort(false, 30),
            Move::Deletes => Event::Delete,
            _ => Event::Suspend(true),
        });
    }

    /// Time moves on until something is another than before: what only renews a lease, or looks and sees the same, is no news.
    fn reach(&mut self) {
        let before = self.but_for_leases();
        for _ in 0..POLLS {
            let Some(next) = instants::next(self) else { return };
            self.world.now = next;
            let woken = matches!(self.operator, Operator::Rests(Some(wake)) if wake <= next);
            if !woken {
                rules::check_sleep(self);
                return;
            }
            let mut later = self.clone();
            later.operator = Operator::Due;
            later.pass(usize::MAX, Cut::Dies);
            if later.works > 0 || later.but_for_leases() != before {
                self.operator = Operator::Due;
                return;
            }
            *self = later;
        }
    }

    fn but_for_leases(&self) -> String {
        let mut state = self.clone();
        state.world.memory.queues = state.world.memory.queues.and(Some(state.world.now));
        shape::of(&state, Times::Order)
    }

    /// Lets things take their course, and sees that they end well.
    pub(crate) fn settle(&mut self) {
        for _ in 0..200 {
            let before = shape::of(self, Times::Order);
            let Some(next) = moves::fair(self) else { return assert_ended_well(&self.world) };
            self.take(next);
            if next == Move::Reach && shape::of(self, Times::Order) == before {
                return assert_ended_well(&self.world);
            }
        }
        panic!("the job never settles");
    }
}

/// How the job ended, where it has.
pub(crate) fn ending(job: Option<&OmotesJob>) -> Option<(Phase, Option<TerminationCause>)> {
    let status = job?.status.as_ref()?;
    let phase = status.phase.filter(|phase| phase.is_terminal())?;
    Some((phase, status.termination.as_ref().map(|end| end.cause)))
}

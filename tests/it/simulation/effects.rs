//! What replicas do to the apiserver and the broker, one effect after the other, and what goes wrong with one of them.
//!
//! An effect is a request that changes something of a job or a queue. What else a replica asks for – reads, watches, its Lease,
//! Events, channels, consumers – is a question. Each has its number in a run; the same run has the same effects and questions,
//! up to the first fault.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use omotes_operator::testing::{
    broker::{Failure, Operation, OperationAsked},
    task::Tasks,
};
use tokio::sync::watch;

use super::apiserver::Fault;

/// How long a replica that stalls stands still: a broker ends a connection that is silent for 20 s.
pub(super) const STALLED: Duration = Duration::from_secs(19);

/// A request of a replica: an effect or a question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Verb, resource and name.
    Apiserver(String, String, String),
    Broker(Operation),
}

/// What goes wrong at an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EffectFault {
    /// It does not happen: the connection breaks before.
    FailsBefore,
    /// It happens, and the connection breaks before the answer.
    LosesReply,
    /// The replica dies before.
    DiesBefore,
    /// It happens, and the replica dies.
    DiesAfter,
    /// It happens, and the replica stands still for longer than its lease lasts; the broker still waits for it.
    Freezes,
    /// It stands still before, almost until the broker gives it up. The effect happens when it goes on, unless its
    /// connection has ended.
    Stalls,
    /// It happens, and the replica stands still for longer than the broker waits.
    Sleeps,
    /// It happens, and what the replica watches comes late from then on.
    Lags,
    /// It happens, and the replica has to list all that it watches again.
    Relists,
}

impl EffectFault {
    /// Those that lose something.
    pub(crate) const LOSSES: [Self; 5] =
        [Self::FailsBefore, Self::LosesReply, Self::DiesBefore, Self::DiesAfter, Self::Freezes];
    /// Those in which a replica knows of something too late.
    pub(crate) const DELAYS: [Self; 3] = [Self::Sleeps, Self::Lags, Self::Relists];
    /// Those that the connection alone can have, of a question as well.
    pub(crate) const CONNECTION: [Self; 2] = [Self::FailsBefore, Self::LosesReply];
}

/// Which request of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    Effect(usize),
    Question(usize),
}

/// Whether a replica goes on.
#[derive(Clone, Debug, Default)]
pub(crate) enum Life {
    #[default]
    Ended,
    Running(Tasks),
    Died,
    /// It stands still, or is to be told late of what it watches.
    Late(Tasks, EffectFault),
}

/// All effects of a run. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Effects(Arc<Shared>);

#[derive(Default)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Told when the life of a replica changes.
    struck: watch::Sender<()>,
}

#[derive(Default)]
struct Ledger {
    done: Vec<Effect>,
    questions: Vec<Effect>,
    /// Which request has which fault.
    plan: Vec<(Point, EffectFault)>,
    replicas: Vec<Life>,
}

impl Ledger {
    /// The fault that is planned for this request.
    fn planned(&self, point: Point) -> Option<EffectFault> {
        self.plan.iter().find(|(planned, _)| *planned == point).map(|(_, fault)| *fault)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apiserver(verb, resource, name) => write!(f, "{verb} {resource} {name}"),
            Self::Broker(operation) => write!(f, "broker {operation:?}"),
        }
    }
}

impl Effects {
    /// Has these effects and questions of the run go wrong.
    pub(crate) fn plan(&self, plan: &[(Point, EffectFault)]) {
        self.ledger().plan = plan.to_vec();
    }

    /// What was done so far.
    pub(crate) fn done(&self) -> Vec<Effect> {
        self.ledger().done.clone()
    }

    /// What was asked so far.
    pub(crate) fn questions(&self) -> Vec<Effect> {
        self.ledger().questions.clone()
    }

    /// Takes note of what became of a replica.
    pub(crate) fn set(&self, replica: usize, life: Life) {
        let mut ledger = self.ledger();
        if ledger.replicas.len() <= replica {
            ledger.replicas.resize(replica + 1, Life::Ended);
        }
        ledger.replicas[replica] = life;
        self.0.struck.send_replace(());
    }

    pub(crate) fn life(&self, replica: usize) -> Life {
        self.ledger().replicas.get(replica).cloned().unwrap_or_default()
    }

    /// Follows changes in the lives of replicas.
    pub(crate) fn follow(&self) -> watch::Receiver<()> {
        self.0.struck.subscribe()
    }

    /// What becomes of a replica's request to the apiserver.
    pub(crate) fn of_apiserver(&self, replica: usize, verb: &str, resource: &str, name: &str) -> Option<Fault> {
        if matches!(self.life(replica), Life::Died) {
            return Some(Fault::Silence);
        }
        let asked = Effect::Apiserver(verb.to_owned(), resource.to_owned(), name.to_owned());
        let is_question = matches!(verb, "get" | "list" | "watch") || matches!(resource, "leases" | "events");
        Some(match if is_question { self.question(asked) } else { self.strike(replica, asked) }? {
            EffectFault::FailsBefore => Fault::Disconnect,
            EffectFault::DiesBefore => Fault::Silence,
            EffectFault::LosesReply | EffectFault::DiesAfter => Fault::LoseReply,
            EffectFault::Stalls => Fault::Late(STALLED),
            _ => return None,
        })
    }

    /// What becomes of a replica's request to the broker.
    pub(crate) fn of_broker(&self, replica: usize, asked: &OperationAsked) -> Option<Failure> {
        if matches!(self.life(replica), Life::Died) {
            return Some(Failure::BeforeEffect);
        }
        let is_effect = matches!(
            asked.operation,
            Operation::DeclareExchange
                | Operation::DeclareQueue
                | Operation::BindQueue
                | Operation::PurgeQueue
                | Operation::DeleteQueue
                | Operation::Publish
                | Operation::Settle
        );
        let effect = Effect::Broker(asked.operation);
        Some(match if is_effect { self.strike(replica, effect) } else { self.question(effect) }? {
            EffectFault::FailsBefore | EffectFault::DiesBefore => Failure::BeforeEffect,
            EffectFault::LosesReply | EffectFault::DiesAfter => Failure::ReplyLost,
            EffectFault::Stalls => Failure::Late,
            _ => return None,
        })
    }

    /// Counts a question; returns the fault that is planned for it.
    fn question(&self, question: Effect) -> Option<EffectFault> {
        let mut ledger = self.ledger();
        let number = ledger.questions.len();
        ledger.questions.push(question);
        ledger.planned(Point::Question(number))
    }

    /// Counts an effect, and strikes the replica where that is planned.
    fn strike(&self, replica: usize, effect: Effect) -> Option<EffectFault> {
        let mut ledger = self.ledger();
        let number = ledger.done.len();
        ledger.done.push(effect);
        let fault = ledger.planned(Point::Effect(number))?;
        let life = ledger.replicas.get_mut(replica)?;
        let Life::Running(tasks) = life.clone() else { return Some(fault) };
        match fault {
            EffectFault::FailsBefore | EffectFault::LosesReply => return Some(fault),
            EffectFault::DiesBefore | EffectFault::DiesAfter => {
                tasks.kill();
                *life = Life::Died;
            }
            EffectFault::Freezes | EffectFault::Stalls | EffectFault::Sleeps => {
                tasks.freeze();
                *life = Life::Late(tasks, fault);
            }
            EffectFault::Lags | EffectFault::Relists => *life = Life::Late(tasks, fault),
        }
        self.0.struck.send_replace(());
        Some(fault)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The operator's replicas in a simulation: they start, die, stand still, and are started again as a kubelet does it.

use std::{path::Path, sync::Arc, time::Duration};

use omotes_operator::testing::{
    broker::{Connector, SimulatedBroker},
    clock::Clock,
    operator::SimulatedReplica,
    task::Tasks,
};
use tokio::time::{sleep, timeout};

use super::{
    apiserver::{Requests, SimulatedApiserver},
    effects::{EffectFault, Effects, Life, STALLED},
};

pub(super) const NAMESPACE: &str = "omotes";
/// How many replicas there are.
pub(super) const REPLICAS: usize = 2;
/// After which a kubelet starts a container again.
const RESTART_DELAY: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A broker ends a connection that is silent for so long.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a replica stands still: longer than its lease lasts, and shorter or longer than the broker waits for it.
const FROZEN: Duration = Duration::from_secs(15);
const ASLEEP: Duration = Duration::from_secs(40);

/// How late events of a watch are that lags: later than any look again.
const LAG: Duration = Duration::from_secs(20);

/// What replicas run over, and with.
#[derive(Clone)]
pub(super) struct Grounds {
    pub apiserver: SimulatedApiserver,
    pub broker: SimulatedBroker,
    pub clock: Clock,
    pub effects: Effects,
    pub typed: Arc<[String]>,
}

/// The name of a replica, as the apiserver, the Lease and the broker know it.
pub(super) fn name(replica: usize) -> String {
    format!("replica-{replica}")
}

fn number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix("replica-")?.split(' ').next()?;
    digits.parse().ok()
}

/// What follows `omotes-operator run`, for any replica.
pub(super) fn typed(broker_folder: &Path, more: &[&str]) -> Arc<[String]> {
    let folder = format!("--broker-dir={}", broker_folder.display());
    let namespace = format!("--namespace={NAMESPACE}");
    let own = [folder, namespace, "--courier-image=courier".to_owned()];
    own.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
}

impl Grounds {
    /// Judges all requests of replicas, starts them, and keeps them going.
    pub(super) fn start(&self) {
        let effects = self.effects.clone();
        self.apiserver.judge_by(move |client, verb, resource, name| {
            number(client).and_then(|replica| effects.of_apiserver(replica, verb, resource, name))
        });
        let effects = self.effects.clone();
        self.broker
            .judge_by(move |asked| number(&asked.connection).and_then(|replica| effects.of_broker(replica, asked)));
        for replica in 0..REPLICAS {
            self.launch(replica);
            tokio::spawn(self.clone().keep(replica));
        }
    }

    /// Starts a process of the replica.
    fn launch(&self, replica: usize) {
        let tasks = Tasks::default();
        self.effects.set(replica, Life::Running(tasks.clone()));
        let name = name(replica);
        let identity = format!("--identity={name}");
        let process = SimulatedReplica {
            typed: self.typed.iter().cloned().chain([identity]).collect(),
            apiserver: self.apiserver.way(&name),
            broker: Connector::Simulated(self.broker.clone()),
            clock: self.clock,
        };
        let (effects, group) = (self.effects.clone(), tasks.clone());
        tasks.spawn(async move {
            // An error is the end of a process as well: its Lease is lost, say.
            let _ = process.serve(std::future::pending()).await;
            group.kill();
            effects.set(replica, Life::Died);
        });
    }

    /// Does to a replica what cluster and broker do to a process that died or stands still.
    async fn keep(self, replica: usize) {
        let mut struck = self.effects.follow();
        loop {
            match self.effects.life(replica) {
                Life::Died => {
                    self.broker.drop_connections_of(&name(replica));
                    self.effects.set(replica, Life::Ended);
                    sleep(RESTART_DELAY).await;
                    self.launch(replica);
                }
                Life::Late(tasks, fault) => {
                    self.delay(replica, fault).await;
                    self.effects.set(replica, Life::Running(tasks.clone()));
                    tasks.thaw();
                }
                Life::Running(tasks) if tasks.is_killed() => self.effects.set(replica, Life::Died),
                // A panic of a task that is needed ends a replica without a word.
                Life::Running(_) | Life::Ended => drop(timeout(LOOK_EVERY, struck.changed()).await),
            }
        }
    }

    /// What a replica that is late meets meanwhile.
    async fn delay(&self, replica: usize, fault: EffectFault) {
        let name = name(replica);
        let watches = Requests::of(&name);
        match fault {
            EffectFault::Relists => self.apiserver.expire_watches(&watches),
            EffectFault::Lags => {
                self.apiserver.hold_watches(watches.clone());
                sleep(LAG).await;
                self.apiserver.release_watches(&watches);
            }
            EffectFault::Stalls => {
                sleep(STALLED).await;
                self.broker.unblock();
            }
            EffectFault::Sleeps => {
                sleep(HEARTBEAT_TIMEOUT).await;
                self.broker.drop_connections_of(&name);
                sleep(ASLEEP.saturating_sub(HEARTBEAT_TIMEOUT)).await;
            }
            _ => sleep(FROZEN).await,
        }
    }
}

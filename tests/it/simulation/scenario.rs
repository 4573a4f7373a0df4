//! What happens in a world, beside what goes wrong.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::{runtime::Builder, time::sleep};

use super::{
    client::STAY,
    effects::{EffectFault, Effects, Point},
    nodes::{Program, Start},
    report::Report,
    world::World,
};

/// A run is over when it has come to its end and no replica did anything for so long. Clients have left by then.
const CALM: Duration = Duration::from_secs(STAY.as_secs() + 5);
/// By then whoever still does something does so for ever.
const MOST_CALMS: usize = 20;

/// What users, programs and the cluster do.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub name: &'static str,
    /// What replicas are started with beside the usual.
    pub typed: &'static [&'static str],
    /// What the program in a pod does.
    pub programs: fn(&Start<'_>) -> Program,
    /// What users and the cluster do, until all of it has come to its end.
    pub act: fn(World) -> BoxFuture<'static, Result<(), String>>,
}

impl Scenario {
    /// Runs it from its start to its end, in an event loop of its own; tells what it left, and what replicas did.
    pub(crate) fn run(&self, plan: &[(Point, EffectFault)]) -> (Report, Effects) {
        fastrand::seed(1);
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let effects = Effects::default();
            effects.plan(plan);
            let world = World::start(self, &effects);
            let outcome = (self.act)(world.clone()).await;
            calm_down(&effects).await;
            (Report::of(&world, outcome), effects)
        })
    }
}

/// Waits until replicas do nothing any more.
async fn calm_down(effects: &Effects) {
    for _ in 0..MOST_CALMS {
        let before = effects.done().len();
        sleep(CALM).await;
        if effects.done().len() == before {
            return;
        }
    }
}

//! The controller: watches jobs and pods, and brings each job one step further whenever something happened to it.
//!
//! Ring: shell. From below: [`state`] is what is known; [`runner`] makes passes; [`context`] adds the ways to Kubernetes and to the broker;
//! [`execute`] writes for several; [`secret`], [`job`] and [`workflow`] observe, plan and execute; [`news`], [`queues`],
//! [`sweep`] and [`watches`] tell what happened; [`handle`] is for others that make jobs. This file starts and ends them.

mod context;
mod error;
mod execute;
mod handle;
mod job;
mod news;
mod queues;
mod runner;
mod secret;
mod state;
mod sweep;
mod watches;
mod workflow;

use std::{path::PathBuf, sync::Arc};

use kube::{
    Client,
    runtime::events::{Recorder, Reporter},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};

use crate::{
    api::names,
    broker::{Broker, BrokerEvent},
    clock::Clock,
    plan::Settings,
    task::spawn_vital,
    telemetry::Metrics,
};

use context::{Clients, Context};
use runner::Rooms;
use state::{CourierSecrets, State};

pub(crate) use handle::JobsHandle;
pub(crate) use sweep::SweepOptions;

/// What the controller is started with.
pub(crate) struct Options {
    /// The namespaces to watch; none means all.
    pub namespaces: Vec<String>,
    /// How many jobs are looked at at once.
    pub concurrency: u16,
    /// The file with the URI that couriers connect to.
    pub courier_uri_file: PathBuf,
    /// The file with the CA of the broker; may be missing.
    pub ca_file: PathBuf,
    /// Whether couriers get no URI that is not encrypted.
    pub requires_tls: bool,
    /// The name of this process in Events.
    pub identity: String,
    /// How queues that no job has are looked for.
    pub sweep: SweepOptions,
}

/// The controller of one leadership.
///
/// # Assumptions
/// This process leads, and keeps leading until the controller ends or the process does.
pub(crate) struct Controller {
    context: Arc<Context>,
    namespaces: Vec<String>,
    sweep: SweepOptions,
    rooms: Rooms,
}

impl Controller {
    /// A controller that does nothing yet.
    pub(crate) fn new(
        client: Client,
        broker: Broker,
        clock: Clock,
        settings: Settings,
        metrics: Arc<Metrics>,
        options: Options,
    ) -> Self {
        let Options { namespaces, concurrency, courier_uri_file, ca_file, requires_tls, identity, sweep } = options;
        let reporter = Reporter { controller: names::OPERATOR.to_owned(), instance: Some(identity) };
        let recorder = Recorder::new(client.clone(), reporter);
        let secrets = CourierSecrets::new(courier_uri_file, ca_file, requires_tls, settings.keys.clone());
        let context = Arc::new(Context {
            clients: Clients { client, broker, recorder },
            state: State::new(watches::scopes(&namespaces), secrets, clock),
            settings,
            metrics,
            clock,
            since: clock.now(),
            event_lists: Semaphore::new(1),
        });
        context.metrics.count_jobs_in(context.state.jobs.store());
        let seats = Arc::clone(&context.state.seats);
        context.metrics.count_slots_by(Box::new(move || seats.pools()));
        Self { context, namespaces, sweep, rooms: Rooms::new(concurrency) }
    }

    /// The jobs of `namespace`, for those that make them.
    pub(crate) fn jobs(&self, namespace: &str) -> JobsHandle {
        JobsHandle::new(Arc::clone(&self.context), namespace)
    }

    /// Starts all that goes on beside the passes over jobs.
    pub(crate) fn start(self, news: mpsc::Receiver<BrokerEvent>) -> Running {
        let Self { context, namespaces, sweep, rooms } = self;
        let sweeping = spawn_vital("sweep", sweep::run(Arc::clone(&context), namespaces.clone(), sweep));
        let watching = spawn_vital("watches", watches::run(Arc::clone(&context), namespaces));
        let listening = spawn_vital("broker events", news::listen(Arc::clone(&context), news));
        let attending = spawn_vital("workflows", workflow::look_after(Arc::clone(&context)));
        let looking = spawn_vital("result queues", queues::look_after(Arc::clone(&context)));
        let rotating = spawn_vital("courier Secrets", secret::follow_rotations(Arc::clone(&context)));
        let tasks = [watching, listening, looking, rotating, attending, sweeping].map(|task| task.abort_handle());
        Running { context, rooms, tasks }
    }
}

/// A controller that was started.
pub(crate) struct Running {
    context: Arc<Context>,
    rooms: Rooms,
    /// What goes on beside the passes, in the order in which it ends.
    tasks: [AbortHandle; 6],
}

impl Running {
    /// Makes passes over jobs until `shutdown` completes, and finishes those that are under way. What goes on beside them
    /// is then to be ended.
    pub(crate) async fn pass_until(self, shutdown: impl Future<Output = ()>) -> StoppedController {
        let Self { context, rooms, tasks } = self;
        job::reconcile_all(context, rooms, shutdown).await;
        StoppedController { tasks }
    }
}

/// A controller that makes no more passes.
pub(crate) struct StoppedController {
    tasks: [AbortHandle; 6],
}

impl StoppedController {
    /// Ends what went on beside the passes.
    pub(crate) fn end(self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

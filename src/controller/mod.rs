//! The controller: watches jobs and pods, and brings each job one step further whenever something happened to it.
//!
//! Ring: shell. [`reconcile`] is the whole of it: observe, plan, execute, until the plan is empty.

mod allowance;
mod cache;
mod catalog;
mod claims;
mod context;
mod error;
mod execute;
mod memory;
mod observe;
mod progress;
mod queues;
mod seats;
mod secret;
mod sweep;
mod triggers;
mod warm;
mod watches;
mod workflows;

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use kube::{
    Client, ResourceExt,
    runtime::{
        Config, applier,
        controller::Action,
        events::{Recorder, Reporter},
    },
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tracing::{Instrument, debug, info_span, warn};

use crate::{
    api::{OmotesJob, names, names::JobId},
    broker::{Broker, BrokerEvent},
    gateway::{self, GatewayOptions},
    plan::{self, Settings},
    telemetry::Metrics,
};

use cache::Cache;
pub(crate) use context::{Context, as_operator};
use error::{Category, Error};
use observe::observe;
use secret::CourierSecrets;

pub use catalog::Catalog;
pub use sweep::SweepOptions;

/// More rounds than any job needs in one pass; a plan that takes more does not come to rest.
const MAX_ROUNDS: usize = 12;

/// What the controller is started with.
pub struct Options {
    /// The namespaces to watch; none means all.
    pub namespaces: Vec<String>,
    /// How many jobs are looked at at once.
    pub concurrency: u16,
    /// The file with the URI that couriers connect to.
    pub courier_uri_file: PathBuf,
    /// The file with the CA of the broker; may be missing.
    pub ca_file: PathBuf,
    /// The name of this process in Events.
    pub identity: String,
    /// How queues that no job has are looked for.
    pub sweep: SweepOptions,
    /// Where the jobs of OMOTES' clients go, where this operator takes them.
    pub gateway: Option<GatewayOptions>,
    /// Where the workflows are kept that whoever holds it, too, may tell clients of.
    pub catalog: Arc<Catalog>,
}

/// Runs the controller until `shutdown` completes; passes that are under way are finished.
///
/// # Assumptions
/// This process leads, and keeps leading until this returns or the process ends.
pub async fn run(
    client: Client,
    broker: Broker,
    news: mpsc::Receiver<BrokerEvent>,
    settings: Settings,
    metrics: Arc<Metrics>,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let Options { namespaces, concurrency, courier_uri_file, ca_file, identity, sweep, gateway, catalog } = options;
    let reporter = Reporter { controller: names::OPERATOR.to_owned(), instance: Some(identity) };
    let context = Arc::new(Context {
        recorder: Recorder::new(client.clone(), reporter),
        client,
        broker,
        settings,
        metrics,
        jobs: Cache::new(),
        pods: Cache::new(),
        revisions: Cache::new(),
        catalog,
        seats: seats::Seats::default(),
        workflows: workflows::Touched::default(),
        promises: warm::Promises::default(),
        claims: claims::Claims::default(),
        memories: memory::Memories::default(),
        secrets: CourierSecrets::new(courier_uri_file, ca_file),
        triggers: Arc::default(),
        since: Timestamp::now(),
        large_output: Arc::new(Semaphore::new(1)),
    });
    context.metrics.count_jobs_in(context.jobs.store());
    let sweeping = tokio::spawn(sweep::run(Arc::clone(&context), namespaces.clone(), sweep));
    let watching = tokio::spawn(watches::run(Arc::clone(&context), namespaces));
    let listening = tokio::spawn(progress::listen(Arc::clone(&context), news));
    let attending = tokio::spawn(workflows::look_after(Arc::clone(&context)));
    let looking = tokio::spawn(queues::look_after(Arc::clone(&context)));
    let taking = gateway.map(|options| tokio::spawn(gateway::run(Arc::clone(&context), options)));
    reconcile_all(context, concurrency, shutdown).await;
    watching.abort();
    listening.abort();
    looking.abort();
    taking.inspect(JoinHandle::abort);
    attending.abort();
    sweeping.abort();
}

async fn reconcile_all(context: Arc<Context>, concurrency: u16, shutdown: impl Future<Output = ()> + Send + 'static) {
    let metrics = Arc::clone(&context.metrics);
    let queue = Arc::clone(&context.triggers).stream(move |waited| metrics.observe_queue_age(waited));
    let store = context.jobs.store();
    let config = Config::default().concurrency(concurrency);
    applier(reconcile_in_span, retry, context, store, Box::pin(queue.take_until(shutdown)), config)
        .for_each(|outcome| async move {
            if let Err(error) = outcome {
                debug!(%error, "a pass did not end well");
            }
        })
        .await;
}

fn reconcile_in_span(
    job: Arc<OmotesJob>,
    context: Arc<Context>,
) -> std::pin::Pin<Box<dyn Future<Output = Result<Action, Error>> + Send>> {
    let span = info_span!("job", namespace = job.namespace(), name = job.name_any(), id = %JobId::of(&job));
    Box::pin(reconcile(job, context).instrument(span))
}

/// Brings `job` to where nothing is to be done until something changes or the plan wants to be woken.
async fn reconcile(job: Arc<OmotesJob>, context: Arc<Context>) -> Result<Action, Error> {
    let uid = job.uid().unwrap_or_default();
    let mut pass = observe(job, &context).await?;
    for _ in 0..MAX_ROUNDS {
        let plan = plan::plan(&pass.observed, &context.settings);
        if plan.steps.is_empty() {
            context.metrics.count_reconcile();
            context.memories.succeeded(&uid);
            context.seat_job(&pass.observed);
            context.promise_kept(&pass.observed);
            return Ok(until(plan.wake));
        }
        execute::execute(plan.steps, &mut pass.observed, &context).await?;
    }
    Err(Error::Restless(MAX_ROUNDS))
}

fn until(wake: Option<Timestamp>) -> Action {
    let Some(wake) = wake else { return Action::await_change() };
    let wait = Duration::try_from(wake.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
    Action::requeue(wait)
}

/// How long it is until a deleted job goes without the broker, whatever that refuses; a second when that is over.
fn until_let_go(job: &OmotesJob) -> Duration {
    let Some(deleted) = &job.metadata.deletion_timestamp else { return Duration::MAX };
    let due = deleted.0 + SignedDuration::from_secs(job.spec.queues.cleanup_timeout_seconds);
    let left = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO);
    if left.is_zero() { Duration::MAX } else { left.max(Duration::from_secs(1)) }
}

fn retry(job: Arc<OmotesJob>, error: &Error, context: Arc<Context>) -> Action {
    let category = error.category();
    let failures = context.memories.failed(&job.uid().unwrap_or_default());
    let wait = error::backoff(category, failures, fastrand::f64()).min(until_let_go(&job));
    context.metrics.count_error(category.as_str());
    let (namespace, name) = (job.namespace().unwrap_or_default(), job.name_any());
    let seconds = wait.as_secs_f64();
    if category == Category::Conflict {
        debug!(namespace, name, %error, seconds, "the job changed meanwhile; looking again");
    } else {
        context.pass_over(&job);
        warn!(namespace, name, %error, category = category.as_str(), seconds, "a pass over the job failed; the operator tries again");
    }
    Action::requeue(wait)
}

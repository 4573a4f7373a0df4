//! Brings each job one step further whenever something happened to it.
//!
//! Ring: shell. [`reconcile`] is the whole of it: observe, plan, execute, until the plan is empty.

use std::{pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;
use tracing::{Instrument, debug, info_span, warn};

use crate::{
    api::{OmotesJob, names::JobId},
    clock::Clock,
    controller::{
        context::Context,
        error::{Category, Error, Failed, backoff},
        runner::{self, Room, Rooms},
        state::JobKey,
    },
    plan::{self, Observed, Step},
    result,
};

use super::{
    clocks, esdl,
    execute::execute,
    observe::{observe, recall},
    trace,
};

/// More rounds than any job needs in one pass; a plan that takes more does not come to rest.
const MAX_ROUNDS: usize = 12;

/// Makes passes over jobs until `shutdown` completes; those that are under way are finished.
pub(crate) async fn reconcile_all(context: Arc<Context>, rooms: Rooms, shutdown: impl Future<Output = ()>) {
    let triggers = Arc::clone(&context.state.triggers).stream();
    let pass = |job: JobKey, room, waited| reconcile_newest(job, room, waited, Arc::clone(&context));
    runner::run(triggers, rooms, pass, shutdown).await;
}

/// Looks at the job as it is now; tells after how long that is to be done again.
fn reconcile_newest(
    job: JobKey,
    room: Room,
    waited: Duration,
    context: Arc<Context>,
) -> Pin<Box<dyn Future<Output = Option<Duration>> + Send>> {
    context.metrics.observe_queue_age(waited);
    let newest = context.state.jobs.get(&job.namespace, &job.name);
    let Some(job) = newest else { return Box::pin(async { None }) };
    let span = info_span!("job", namespace = job.namespace(), name = job.name_any(), id = %JobId::of(&job));
    let pass = async move {
        let _others = LetsOthersPass { job: &job, context: &context };
        match reconcile(&job, &context, room).await {
            Ok(again_after) => again_after,
            Err(failed) => Some(retry(&job, &failed, &context)),
        }
    };
    Box::pin(pass.instrument(span))
}

/// Where the pass over its job panics, those behind the job in its workflow's queue go on. The runner says so and tries again.
struct LetsOthersPass<'a> {
    job: &'a OmotesJob,
    context: &'a Context,
}

impl Drop for LetsOthersPass<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.context.metrics.count_error(Category::Internal.as_str());
            self.context.state.pass_over(self.job);
        }
    }
}

/// Brings `job` to where nothing is to be done until something changes or the plan wants to be woken.
async fn reconcile(job: &OmotesJob, context: &Context, mut room: Room) -> Result<Option<Duration>, Failed> {
    let began = context.clock.now();
    let outcome = pass_over(job, began, context, &mut room).await;
    if !context.state.knows(job) {
        context.state.forget(job);
        return Ok(None);
    }
    outcome.map_err(|source| Failed { began, source })
}

async fn pass_over(
    job: &OmotesJob,
    began: Timestamp,
    context: &Context,
    room: &mut Room,
) -> Result<Option<Duration>, Error> {
    let uid = job.uid().unwrap_or_default();
    let mut observed = recall(job, began, context);
    trace::leave(&mut observed, context).await;
    let mut observed = look(observed, context, room).await?;
    for _ in 0..MAX_ROUNDS {
        let plan = plan::plan(&observed, &context.settings);
        if plan.steps.is_empty() || !context.state.knows(job) {
            context.metrics.count_reconcile();
            context.state.memories.succeeded(&uid);
            context.state.seat_job(&observed);
            context.state.promise_kept(&observed);
            clocks::report(&mut observed, context).await;
            return Ok(plan.wake.map(|wake| context.clock.until(wake)));
        }
        if esdl::lack_esdl(&plan.steps, &observed.job) {
            esdl::complete(&mut observed, context).await?;
            continue;
        }
        let looks = plan.steps.iter().any(Step::finds_pod);
        if plan.steps.iter().any(Step::may_be_large) {
            room.be_alone().await;
        }
        execute(plan.steps, &mut observed, context).await?;
        if looks {
            observed = look(observed, context, room).await?;
        }
    }
    Err(Error::Restless(MAX_ROUNDS))
}

/// Looks at the job; where its output is large, again once no other is in memory.
async fn look(known: Observed, context: &Context, room: &mut Room) -> Result<Observed, Error> {
    let job = Arc::clone(&known.job);
    if let Some(observed) = observe(known, context, room.is_alone()).await? {
        return Ok(observed);
    }
    room.be_alone().await;
    let known = recall(&job, context.clock.now(), context);
    let observed = observe(known, context, room.is_alone()).await?;
    observed.ok_or(Error::Restless(MAX_ROUNDS))
}

/// How long it is until a deleted job goes without the broker, whatever that refuses; a second when that is over.
fn until_let_go(job: &OmotesJob, clock: Clock) -> Duration {
    let left = result::cleanup_deadline(job).map_or(Duration::ZERO, |deadline| clock.until(deadline));
    if left.is_zero() { Duration::MAX } else { left.max(Duration::from_secs(1)) }
}

/// Notes that a pass failed, and tells after how long the next one follows.
fn retry(job: &OmotesJob, failed: &Failed, context: &Context) -> Duration {
    let Failed { began, source: error } = failed;
    let category = error.category();
    let (failures, failure) = context.state.memories.failed(&job.uid().unwrap_or_default(), error.failure(*began));
    let (let_go, shown) = (until_let_go(job, context.clock), trace::until_due(&failure, context.clock));
    let wait = backoff(category, failures, fastrand::f64()).min(let_go).min(shown);
    context.metrics.count_error(category.as_str());
    let (namespace, name) = (job.namespace().unwrap_or_default(), job.name_any());
    let seconds = wait.as_secs_f64();
    if category == Category::Conflict {
        debug!(namespace, name, %error, seconds, "the job changed meanwhile; looking again");
    } else {
        context.state.pass_over(job);
        warn!(namespace, name, %error, category = category.as_str(), seconds, "reconcile failed; the operator tries again");
    }
    wait
}

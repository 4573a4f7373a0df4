//! Looks after workflows: their revisions, their status, and what follows for their jobs when they change.
//!
//! Ring: shell. One pass is: observe, prepare the pool, `workflow::advance::plan`, execute, until the plan is empty. Passes are made one
//! after the other, and of one workflow not more often than five times a second.

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use kube::Resource;
use tracing::{debug, warn};

use crate::{
    clock::Clock,
    controller::{
        context::Context,
        error::{Category, Error},
        execute::warn_of,
        state::Key,
    },
    plan::facts::failure::Failure,
    workflow::{
        advance::{ObservedWorkflow, failing_status, plan},
        pool,
    },
};

use super::{
    execute::{execute, patch_status, prepare_pool},
    memory::{LOOK_PERIOD, WorkflowMemory},
    observe::observe,
};

/// The shortest time between two passes over one workflow.
const PASS_PERIOD: SignedDuration = SignedDuration::from_millis(200);
/// How long after a failed pass the next one comes.
const RETRY_PERIOD: SignedDuration = SignedDuration::from_secs(5);
/// More rounds than a pass needs: a revision, warm pods removed, warm pods made, and the status.
const MAX_ROUNDS: usize = 5;

/// Looks after workflows until it is aborted.
pub(crate) async fn look_after(context: Arc<Context>) {
    let mut memories: HashMap<Key, WorkflowMemory> = HashMap::new();
    loop {
        let added = context.state.workflows.added();
        let now = context.clock.now();
        // What was not listed yet would look as if it were gone.
        let due = if context.metrics.is_synced() { context.state.workflows.take_due(now) } else { Vec::new() };
        for key in due.into_iter().filter(|(namespace, _)| context.state.lists.is_complete(namespace)) {
            attend(&context, key, &mut memories).await;
        }
        let next = context.state.workflows.next().filter(|_| context.metrics.is_synced());
        tokio::select! {
            // Both lead to the same.
            biased;
            () = added => {}
            () = sleep_until(next, context.clock) => {}
        }
    }
}

async fn sleep_until(time: Option<Timestamp>, clock: Clock) {
    match time {
        Some(time) => tokio::time::sleep(clock.until(time)).await,
        None => std::future::pending().await,
    }
}

async fn attend(context: &Context, key: Key, memories: &mut HashMap<Key, WorkflowMemory>) {
    let now = context.clock.now();
    let memory = memories.entry(key.clone()).or_default();
    if let Some(due) = memory.passed.map(|passed| passed + PASS_PERIOD).filter(|due| now < *due) {
        context.state.workflows.touch_at(key, due);
        return;
    }
    memory.passed = Some(now);
    match pass(context, &key, memory).await {
        Ok(Some(wake)) => {
            memory.failure = None;
            context.state.workflows.touch_at(key, wake);
        }
        Ok(None) if memory.idle.is_empty() && context.state.catalog.cache.get(&key.0, &key.1).is_none() => {
            memories.remove(&key);
        }
        Ok(None) => memory.failure = None,
        // A kubelet wrote to a pod that is to go, or a job got it.
        Err(error) if error.category() == Category::Conflict => {
            context.state.workflows.touch_at(key, now + PASS_PERIOD);
        }
        Err(error) => {
            let (namespace, name) = &key;
            warn!(namespace, name, %error, "reconcile of a workflow failed; the operator tries again");
            leave_trace(context, &key, memory, error.failure(now)).await;
            context.state.workflows.touch_at(key, now + RETRY_PERIOD);
        }
    }
}

/// Shows why passes over a workflow fail, once they have for long enough: in a condition and an Event.
async fn leave_trace(context: &Context, key: &Key, memory: &mut WorkflowMemory, failure: Failure) {
    let (known, shown) = memory.failure.take().unwrap_or((failure.clone(), false));
    let failure = Failure { since: known.since, ..failure };
    let shown = shown && known.reason == failure.reason;
    let now = context.clock.now();
    let due = failure.due() <= now;
    let workflow = context.state.catalog.cache.get(&key.0, &key.1).filter(|_| due && !shown);
    if let Some(workflow) = &workflow {
        let status = failing_status(workflow, failure.reason, &failure.message, now);
        if let Err(error) = patch_status(context, &key.0, Some(workflow), status).await {
            debug!(%error, "could not show on the workflow why it fails");
        }
        warn_of(failure.reason, &failure.message, &workflow.object_ref(&()), context).await;
    }
    memory.failure = Some((failure, shown || workflow.is_some()));
}

async fn pass(context: &Context, key: &Key, memory: &mut WorkflowMemory) -> Result<Option<Timestamp>, Error> {
    for _ in 0..MAX_ROUNDS {
        let mut observed = observe(&context.state, key, memory, context.clock.now());
        prepare_pool(&mut observed, &mut memory.pool, context).await;
        let plan = plan(&observed);
        if plan.steps.is_empty() {
            return Ok(plan.wake.into_iter().chain(next_look(&observed)).min());
        }
        for step in plan.steps {
            execute(context, key, memory, step, observed.workflow.as_deref()).await?;
        }
    }
    Err(Error::Restless(MAX_ROUNDS))
}

/// When the pool is looked at though nothing happens.
fn next_look(observed: &ObservedWorkflow) -> Option<Timestamp> {
    let pool = observed.workflow.as_ref().filter(|workflow| pool::wanted(workflow) > 0);
    pool.map(|_| observed.now + LOOK_PERIOD)
}

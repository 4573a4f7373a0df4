//! Looks for queues that no job has, at the start and from time to time.
//!
//! Ring: shell; which they are is decided in [`crate::plan::orphans`]. Guarantees: nothing is removed on incomplete
//! knowledge, nothing that somebody consumes, and nothing where this operator does not see all jobs.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{Api, ResourceExt, api::ListParams};
use tracing::{debug, info, warn};

use crate::{
    api::{OmotesJob, names::JobId},
    broker::{BrokerError, BrokerState, DeleteCondition, Deletion, ListedQueue},
    plan::{
        observed::attempt_of,
        orphans::{Finding, Listed, Orphans, Wanted},
    },
    topology::{self, QueueKind},
};

use super::context::Context;

/// How many jobs the apiserver tells at once.
const PAGE: u32 = 500;
/// How many names one line of the log has.
const MAX_NAMED: usize = 10;
/// How often a broker that is away is looked after before the first sweep.
const READY_PERIOD: Duration = Duration::from_secs(5);

/// How queues that no job has are looked for.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions {
    /// Whether they are removed.
    pub deletes: bool,
    /// The time between two sweeps.
    pub interval: Duration,
    /// How long one must be known before it is removed.
    pub grace: SignedDuration,
}

/// Sweeps until it is aborted.
pub(super) async fn run(context: Arc<Context>, namespaces: Vec<String>, options: SweepOptions) {
    let mut orphans = Orphans::default();
    // Whoever sees some namespaces only does not know whose the other queues are.
    let deletes = options.deletes && namespaces.is_empty();
    loop {
        while !matches!(context.broker.state(), BrokerState::Ready { .. }) {
            tokio::time::sleep(READY_PERIOD).await;
        }
        match look(&context, &namespaces, options.grace, &mut orphans).await {
            Ok(Some(finding)) => act(&context, finding, deletes).await,
            Ok(None) => debug!("without the broker's management API nobody can look for queues that no job has"),
            Err(error) => {
                warn!(%error, "could not look for queues that no job has; nothing is removed, and the operator tries again");
            }
        }
        tokio::time::sleep(options.interval).await;
    }
}

#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error("listing queues: {0}")]
    Broker(#[from] BrokerError),
    #[error("listing OmotesJobs: {0}")]
    Kube(#[from] kube::Error),
}

/// The queues first, then the jobs: a job that is made meanwhile is known.
async fn look(
    context: &Context,
    namespaces: &[String],
    grace: SignedDuration,
    orphans: &mut Orphans,
) -> Result<Option<Finding>, SweepError> {
    let Some(queues) = context.broker.list_queues().await? else { return Ok(None) };
    let wanted = wanted(context, namespaces).await?;
    let listed: Vec<Listed> = queues.into_iter().map(Listed::from).collect();
    Ok(Some(orphans.judge(&listed, &wanted, Timestamp::now(), grace)))
}

/// What all jobs have, as the apiserver tells it now.
async fn wanted(context: &Context, namespaces: &[String]) -> Result<Wanted, SweepError> {
    let mut wanted = Wanted::default();
    let all = || vec![Api::<OmotesJob>::all(context.client.clone())];
    let some = || namespaces.iter().map(|namespace| context.jobs_in(namespace)).collect();
    let apis: Vec<Api<OmotesJob>> = if namespaces.is_empty() { all() } else { some() };
    for api in apis {
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let jobs = api.list(&page).await?;
            jobs.items.iter().for_each(|job| note(job, context, &mut wanted));
            match jobs.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page = page.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(wanted)
}

fn note(job: &OmotesJob, context: &Context, wanted: &mut Wanted) {
    let uid = job.uid().unwrap_or_default();
    wanted.job_ids.insert(JobId::of(job).to_string());
    let attempts = [attempt_of(job) - 1, attempt_of(job)];
    let capabilities = attempts.map(|attempt| context.settings.capability_key.capability(&uid, attempt));
    wanted.own_queues.extend(capabilities.iter().map(topology::output_queue_name));
    wanted.own_queues.insert(topology::kept_queue(&uid, 1).name);
}

async fn act(context: &Context, finding: Finding, deletes: bool) {
    let Finding { orphans, removable } = finding;
    context.metrics.set_orphans(orphans.len());
    if orphans.is_empty() {
        return;
    }
    let names = orphans.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    warn!(
        count = orphans.len(),
        names,
        removing = if deletes { removable.len() } else { 0 },
        "there are queues that no job has"
    );
    if !deletes {
        return;
    }
    for (queue, only_if_empty) in removable {
        remove(context, &queue, only_if_empty).await;
    }
}

async fn remove(context: &Context, queue: &str, only_if_empty: bool) {
    let taken = matches!(topology::kind_of(queue), Some(QueueKind::Client(id)) if context.claims.holder(id).is_some());
    if taken {
        return;
    }
    let condition = if only_if_empty { DeleteCondition::IfUnusedAndEmpty } else { DeleteCondition::IfUnused };
    match context.broker.delete_queue(queue, condition).await {
        Ok(Deletion::Deleted) => info!(queue, "removed a queue that no job has"),
        Ok(Deletion::StillWanted) => debug!(queue, "somebody wants a queue that no job has; it stays"),
        Err(error) => warn!(queue, %error, "could not remove a queue that no job has; the operator tries again"),
    }
}

impl From<ListedQueue> for Listed {
    fn from(queue: ListedQueue) -> Self {
        let ListedQueue { name, messages, expires_ms } = queue;
        Self { name, messages, expires_ms }
    }
}

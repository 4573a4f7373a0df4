//! Looks for queues that no job has, at the start and from time to time.
//!
//! Ring: shell; which they are is decided in [`crate::plan::facts::orphans`]. Guarantees: nothing is removed on incomplete
//! knowledge, nothing that somebody consumes, and nothing where this operator does not see all jobs.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use kube::{Api, Client, ResourceExt, api::ListParams};
use tracing::{debug, info, warn};

use crate::{
    api::{OmotesJob, names::JobId},
    broker::{BrokerError, BrokerState, DeleteCondition, Deletion, ListedQueue},
    plan::facts::{
        observed::attempt_of,
        orphans::{Finding, Listed, Orphans, Wanted},
    },
    pods,
    topology::{self, QueueKind},
    wire::Keys,
    words::kube_words,
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
pub(crate) struct SweepOptions {
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
        while !matches!(context.clients.broker.state(), BrokerState::Ready { .. }) {
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
    #[error("listing OmotesJobs: {}", kube_words(.0))]
    Kube(#[from] kube::Error),
}

/// The queues first, then the jobs: a job that is made meanwhile is known.
async fn look(
    context: &Context,
    namespaces: &[String],
    grace: SignedDuration,
    orphans: &mut Orphans,
) -> Result<Option<Finding>, SweepError> {
    let Some(queues) = context.clients.broker.list_queues().await? else { return Ok(None) };
    let wanted = wanted(&context.clients.client, &context.settings.keys, namespaces).await?;
    let listed: Vec<Listed> = queues.into_iter().map(Listed::from).collect();
    Ok(Some(orphans.judge(&listed, &wanted, context.clock.now(), grace)))
}

/// What all jobs have, as the apiserver tells it now. One of several namespaces that it refuses to list is left out.
async fn wanted(client: &Client, keys: &Keys, namespaces: &[String]) -> Result<Wanted, kube::Error> {
    let mut wanted = Wanted::default();
    let some = namespaces.iter().map(|namespace| Api::namespaced(client.clone(), namespace));
    let all = namespaces.is_empty().then(|| Api::<OmotesJob>::all(client.clone()));
    for api in some.chain(all) {
        match note_all(&api, keys, &mut wanted).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) && !namespaces.is_empty() => {}
            noted => noted?,
        }
    }
    Ok(wanted)
}

async fn note_all(api: &Api<OmotesJob>, keys: &Keys, wanted: &mut Wanted) -> Result<(), kube::Error> {
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let jobs = api.list(&page).await?;
        jobs.items.iter().for_each(|job| note(job, keys, wanted));
        match jobs.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}

fn note(job: &OmotesJob, keys: &Keys, wanted: &mut Wanted) {
    let uid = job.uid().unwrap_or_default();
    wanted.job_ids.insert(JobId::of(job).to_string());
    let attempts = [attempt_of(job) - 1, attempt_of(job)];
    for key in keys.all() {
        let capabilities = attempts.map(|attempt| key.capability(&uid, attempt));
        wanted.own_queues.extend(capabilities.iter().map(topology::output_queue_name));
    }
    wanted.own_queues.insert(topology::kept_queue(&uid, 1).name);
    let ended = job.has_ended();
    wanted.own_queues.extend(pods::input_queue(job, keys).filter(|_| !ended));
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
    let taken =
        matches!(topology::kind_of(queue), Some(QueueKind::Client(id)) if context.state.claims.holder(id).is_some());
    if taken {
        return;
    }
    let condition = if only_if_empty { DeleteCondition::IfUnusedAndEmpty } else { DeleteCondition::IfUnused };
    match context.clients.broker.delete_queue(queue, condition).await {
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

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Mutex};

    use axum::http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// An apiserver that answers so, and nothing any more after that.
    fn apiserver(answers: Vec<(u16, Value)>) -> Client {
        let answers = Arc::new(Mutex::new(answers.into_iter()));
        let service = tower::service_fn(move |_: Request<Body>| {
            let (code, body) = answers.lock().unwrap().next().unwrap();
            let body = Body::from(serde_json::to_vec(&body).unwrap());
            std::future::ready(Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap()))
        });
        Client::new(service, "default")
    }

    fn page(uid: &str, next: &str) -> (u16, Value) {
        let spec = json!({"template": {"spec": {"containers": []}}});
        let job = json!({"metadata": {"name": "job", "uid": uid}, "spec": spec});
        let list = json!({"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJobList", "metadata": {"continue": next}, "items": [job]});
        (200, list)
    }

    async fn known(answers: Vec<(u16, Value)>) -> Result<Wanted, kube::Error> {
        let keys = Keys { current: crate::wire::CapabilityKey::new(&[7; 32]).unwrap(), previous: None };
        wanted(&apiserver(answers), &keys, &[]).await
    }

    #[tokio::test]
    async fn every_page_counts() {
        let wanted = known(vec![page("a", "more"), page("b", "")]).await.unwrap();
        assert_eq!(wanted.job_ids.len(), 2);
        assert!(wanted.own_queues.contains("omotes.kept.b"));
    }

    #[tokio::test]
    async fn a_list_that_breaks_off_says_nothing() {
        let gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "message": "the token is too old", "code": 410});
        assert!(known(vec![page("a", "more"), (410, gone)]).await.is_err());
    }
}

//! News from the broker: couriers' messages, and the broker coming back.
//!
//! Ring: shell. A courier is believed only when job, attempt, pod and proof fit together. Each namespace with a job that
//! may run has a queue of its own for its couriers' messages.

use std::{collections::HashSet, sync::Arc, time::Duration};

use kube::ResourceExt;
use tokio::{sync::mpsc, time::sleep};
use tracing::{debug, info};

use crate::{
    api::{OmotesJob, names},
    backoff::spread,
    broker::BrokerEvent,
    plan::{
        facts::{observed::attempt_of, owner},
        phases::courier::waits_for_message,
    },
    pods,
    topology::NamespaceProgress,
    wire::CourierMessage,
};

use super::{context::Context, queues, state::JobKey};

/// How often it is asked which namespaces have no job any more.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Has the broker listen to the couriers of `job`, which may run.
pub(super) fn listen_to(context: &Context, job: &OmotesJob) {
    if may_report(job) {
        let namespace = job.namespace().unwrap_or_default();
        let keys = context.settings.keys.all().map(|key| key.namespace_key(&namespace));
        context.clients.broker.listen_to(keys.map(|key| NamespaceProgress::of(&namespace, &key)));
    }
}

/// Has the broker listen no more to the couriers of namespaces whose jobs have all ended.
pub(super) async fn forget_namespaces(context: Arc<Context>) {
    loop {
        sleep(spread(LOOK_EVERY)).await;
        context.clients.broker.listen_only_to(|| {
            let jobs = context.state.jobs.store().state();
            jobs.iter().filter(|job| may_report(job)).filter_map(|job| job.namespace()).collect::<HashSet<_>>()
        });
    }
}

fn may_report(job: &OmotesJob) -> bool {
    job.spec.courier().enabled && !job.has_ended()
}

/// Listens until the broker's end of the channel is gone.
pub(super) async fn listen(context: Arc<Context>, mut news: mpsc::Receiver<BrokerEvent>) {
    while let Some(event) = news.recv().await {
        match event {
            BrokerEvent::Connected => {
                context.state.memories.forget_broker();
                context.state.trigger_all();
            }
            BrokerEvent::Unblocked => context.state.trigger_all(),
            BrokerEvent::Lost => {
                context.state.memories.forget_broker();
                info!("RabbitMQ connection lost; jobs keep running, messages are deferred");
            }
            BrokerEvent::Courier { namespace, message } => take_in(&context, namespace.as_deref(), message),
            BrokerEvent::QueueDeleted { queue, by, at } => queues::deleted(&context.state, &queue, by, at),
        }
    }
}

fn take_in(context: &Context, namespace: Option<&str>, message: CourierMessage) {
    let Some(job) = believed(context, namespace, &message) else {
        debug!(job = message.job, pod = message.pod, "a courier's message whose sender is unknown; dropped");
        context.metrics.count_rejected_progress();
        return;
    };
    let CourierMessage { job: uid, attempt, notice, .. } = message;
    let mut news = false;
    context.state.memories.change(&uid, |memory| news = memory.hear(attempt, notice, context.clock.now()));
    // Life alone changes nothing: whoever waits for it looks again in time.
    if news || waits_for_message(&job) {
        context.state.trigger(JobKey::of(&job));
    }
}

/// The job that `message` is of, where that is proved; `namespace` is that of the queue by which it came.
fn believed(context: &Context, namespace: Option<&str>, message: &CourierMessage) -> Option<Arc<OmotesJob>> {
    let keys = &context.settings.keys;
    let key = keys.all().find(|key| key.capability(&message.job, message.attempt) == message.capability)?;
    let job = context.state.jobs.of_uid(&message.job)?;
    let (own, pod_name) = (job.namespace()?, names::pod_of(&job, message.attempt));
    let pod = context
        .state
        .pods
        .get(&own, &pod_name)
        .filter(|pod| pod.metadata.uid.as_ref() == Some(&message.pod) && owner::is_of(pod, &job));
    // The watch does not show a pod whose labels someone changed.
    let is_its = pod.is_some() || context.state.memories.of(&message.job).pods.has_seen(&pod_name, &message.pod);
    let proof = key.namespace_key(&own).proof(&message.job, message.attempt, &message.pod);
    // The capability alone proves a courier of an earlier version, which keeps it in the pod.
    let is_proven = message.proof == Some(proof) || pod.is_some_and(|pod| !pods::proves(&pod));
    let is_from_there = namespace.is_none_or(|namespace| namespace == own);
    (is_from_there && is_its && is_proven && attempt_of(&job) == message.attempt && !job.has_ended()).then_some(job)
}

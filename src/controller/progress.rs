//! News from the broker: progress from couriers, and the broker coming back.
//!
//! Ring: shell. A courier is believed only when job, attempt, pod and capability fit together.

use std::sync::Arc;

use jiff::Timestamp;
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::{
    api::{OmotesJob, names},
    broker::BrokerEvent,
    plan::observed::{ProgressReport, attempt_of},
    wire::CourierProgress,
};

use super::{context::Context, queues};

/// Listens until the broker's end of the channel is gone.
pub(super) async fn listen(context: Arc<Context>, mut news: mpsc::Receiver<BrokerEvent>) {
    while let Some(event) = news.recv().await {
        match event {
            BrokerEvent::Connected => {
                context.memories.forget_broker();
                context.trigger_all();
            }
            BrokerEvent::Unblocked => context.trigger_all(),
            BrokerEvent::Lost => {
                context.memories.forget_broker();
                warn!("the broker is away; jobs go on, and what they have to say waits");
            }
            BrokerEvent::Progress(progress) => take_in(&context, progress),
            BrokerEvent::QueueDeleted { queue, by, at } => queues::deleted(&context, &queue, by, at),
        }
    }
}

fn take_in(context: &Context, progress: CourierProgress) {
    let Some(job) = believed(context, &progress) else {
        debug!(job = progress.job, pod = progress.pod, "progress from nobody that is known; dropped");
        context.metrics.count_rejected_progress();
        return;
    };
    if progress.arrival {
        context.memories.change(&progress.job, |memory| memory.has_input = true);
        context.trigger(ObjectRef::from_obj(&*job));
        return;
    }
    let report =
        ProgressReport { fraction: progress.progress, message: progress.message, heard: Timestamp::now(), sent: false };
    context.memories.change(&progress.job, |memory| memory.progress = Some(report));
    context.trigger(ObjectRef::from_obj(&*job));
}

fn believed(context: &Context, progress: &CourierProgress) -> Option<Arc<OmotesJob>> {
    let capability = context.settings.capability_key.capability(&progress.job, progress.attempt);
    if capability != progress.capability {
        return None;
    }
    let pod = context.pods.store().find(|pod| pod.uid().as_deref() == Some(&*progress.pod))?;
    let job = context.owner_of(&pod).filter(|job| job.uid().as_deref() == Some(&*progress.job))?;
    let current = pod.name_any() == names::pod_of(&job, progress.attempt) && attempt_of(&job) == progress.attempt;
    (current && !job.has_ended()).then_some(job)
}

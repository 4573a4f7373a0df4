//! Removes the queues of a job.
//!
//! Ring: shell.

use tracing::debug;

use crate::{
    broker::{DeleteCondition, Deletion, RefusalSource},
    controller::{
        context::Context,
        error::{Error, broker_error},
    },
    plan::{Observed, facts::observed::Removal},
};

/// Removes those of `queues` that are not in use, and those of `if_empty` that are empty, too.
pub(super) async fn delete_client_queues(
    queues: &[String],
    if_empty: &[String],
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let doing = "removing the queues of the job";
    // With a deleted job goes the knowledge of its queues.
    let source = if observed.deletion().is_some() { RefusalSource::Broker } else { RefusalSource::Statistics };
    let mut deletions = context.clients.broker.delete_unused(queues, source).await.map_err(broker_error(doing))?;
    for queue in if_empty {
        deletions.push(delete_queue(queue, DeleteCondition::IfUnusedAndEmpty, context).await?);
    }
    let wanted = deletions.contains(&Deletion::StillWanted);
    let removal = if wanted { Removal::Refused(observed.now) } else { Removal::Done };
    observed.removal = removal;
    context.state.memories.change(&observed.uid(), |memory| memory.removal = removal);
    Ok(())
}

/// Removes one queue.
pub(super) async fn delete_queue(
    queue: &str,
    condition: DeleteCondition,
    context: &Context,
) -> Result<Deletion, Error> {
    let deletion = context
        .clients
        .broker
        .delete_queue(queue, condition)
        .await
        .map_err(broker_error("removing a queue of the job"))?;
    let gone = deletion == Deletion::Deleted;
    debug!(queue, gone, "asked for the removal of a queue");
    Ok(deletion)
}

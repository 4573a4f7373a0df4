//! Deletions: of a job that came over AMQP and has not ended, and of no other.
//!
//! Ring: shell.

use std::sync::Arc;

use tracing::{Instrument as _, info, info_span};

use crate::{
    api::OmotesJob,
    broker::{BrokerError, Incoming},
    intake::{self, RejectedMessage, Tombstone, UuidState},
    topology::ClientQueue,
};

use super::{delay::Delay, line::Place, patience::Patience, shared::Gateway, standing::standing_of};

/// What became of a deletion.
enum DeletionOutcome {
    /// The job is being deleted.
    Deleted,
    /// There is no such job, or not any more.
    Unknown,
    /// The apiserver refuses to delete it; it goes on.
    Refused,
    /// It is another's.
    Rejected(RejectedMessage),
}

/// Takes a deletion.
pub(super) async fn take(gateway: Arc<Gateway>, message: Incoming, place: Place) -> Result<(), BrokerError> {
    let uuid = match intake::read_deletion(&message.body) {
        Ok(uuid) => uuid,
        Err(rejection) => return gateway.reject(ClientQueue::Deletions, message, &rejection).await,
    };
    let mut patience = Patience::new(&gateway, place);
    let settling = patience.persist("a deletion", || attempt(&gateway, &uuid));
    match settling.instrument(info_span!("deletion", id = uuid)).await {
        DeletionOutcome::Rejected(rejection) => {
            return gateway.reject(ClientQueue::Deletions, message, &rejection).await;
        }
        DeletionOutcome::Deleted => gateway.metrics.count_deletion("Deleted"),
        DeletionOutcome::Refused => gateway.metrics.count_deletion("Refused"),
        DeletionOutcome::Unknown => gateway.metrics.count_deletion("Unknown"),
    }
    message.done().await
}

async fn attempt(gateway: &Gateway, uuid: &str) -> Result<DeletionOutcome, Delay> {
    // First the mark, then the look: a submission that is being stored meanwhile looks for the mark after its job is known.
    gateway.mark(uuid);
    let Some(job) = gateway.jobs.get(uuid) else {
        return Ok(match gateway.jobs.holder(uuid) {
            Some(_) => taken(gateway, uuid),
            None => DeletionOutcome::Unknown,
        });
    };
    if standing_of(&job) != UuidState::Stored {
        return Ok(taken(gateway, uuid));
    }
    if is_over(&job) {
        gateway.tombstones().remove(uuid);
        return Ok(DeletionOutcome::Unknown);
    }
    if gateway.delete(&job).await?.is_some() {
        return Ok(DeletionOutcome::Refused);
    }
    info!("the job's client deleted it");
    Ok(DeletionOutcome::Deleted)
}

fn is_over(job: &Arc<OmotesJob>) -> bool {
    job.metadata.deletion_timestamp.is_some() || job.has_ended()
}

fn taken(gateway: &Gateway, uuid: &str) -> DeletionOutcome {
    gateway.tombstones().remove(uuid);
    DeletionOutcome::Rejected(RejectedMessage::of_anothers(uuid))
}

impl Gateway {
    /// Notes a deletion, unless the job was deleted before.
    fn mark(&self, uuid: &str) {
        let now = self.clock.now();
        let mut tombstones = self.tombstones();
        if tombstones.of(uuid, now).is_none() {
            tombstones.put(uuid, Tombstone::Unanswered, now);
        }
    }
}

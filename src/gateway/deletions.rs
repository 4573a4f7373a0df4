//! Deletions: of a job that came over AMQP and has not ended, and of no other.
//!
//! Ring: shell.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{Instrument as _, info, info_span};

use crate::{
    api::OmotesJob,
    broker::{BrokerError, Inbox, Incoming},
    intake::{self, Poison, Rejection, Standing, Tombstone},
    topology::ClientQueue,
};

use super::{Delay, Gateway, persist, submissions::standing_of};

/// What became of a deletion.
enum Outcome {
    /// The job is being deleted.
    Deleted,
    /// There is no such job, or not any more.
    Unknown,
    /// It is another's.
    Rejected(Rejection),
}

/// Takes deletions until the consumer ends, one after the other.
pub(super) async fn hear(gateway: &Gateway, mut inbox: Inbox) -> BrokerError {
    loop {
        let taken = match inbox.next().await {
            Ok(message) => take(gateway, message).await,
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            return error;
        }
    }
}

async fn take(gateway: &Gateway, message: Incoming) -> Result<(), BrokerError> {
    let uuid = match intake::read_deletion(&message.body) {
        Ok(uuid) => uuid,
        Err(rejection) => return gateway.reject(ClientQueue::Deletions, message, &rejection).await,
    };
    let settling = persist("a deletion", || attempt(gateway, &uuid));
    match settling.instrument(info_span!("deletion", id = uuid)).await {
        Outcome::Rejected(rejection) => return gateway.reject(ClientQueue::Deletions, message, &rejection).await,
        Outcome::Deleted => gateway.context.metrics.count_deletion("Deleted"),
        Outcome::Unknown => gateway.context.metrics.count_deletion("Unknown"),
    }
    message.done().await
}

async fn attempt(gateway: &Gateway, uuid: &str) -> Result<Outcome, Delay> {
    // First the mark, then the look: a submission that is being stored meanwhile looks for the mark after its job is known.
    gateway.mark(uuid);
    let Some(job) = gateway.context.jobs.get(&gateway.placement.namespace, uuid) else {
        return Ok(match gateway.context.claims.holder(uuid) {
            Some(_) => taken(gateway, uuid),
            None => Outcome::Unknown,
        });
    };
    if standing_of(&job) != Standing::Stored {
        return Ok(taken(gateway, uuid));
    }
    if is_over(&job) {
        gateway.tombstones().remove(uuid);
        return Ok(Outcome::Unknown);
    }
    gateway.delete(&job).await?;
    info!("the job's client deleted it");
    Ok(Outcome::Deleted)
}

fn is_over(job: &Arc<OmotesJob>) -> bool {
    job.metadata.deletion_timestamp.is_some() || job.has_ended()
}

fn taken(gateway: &Gateway, uuid: &str) -> Outcome {
    gateway.tombstones().remove(uuid);
    let detail = format!("uuid {uuid} is that of a job that did not come over AMQP");
    Outcome::Rejected(Rejection { poison: Poison::UuidTaken, detail })
}

impl Gateway {
    /// Notes a deletion, unless the job was deleted before.
    fn mark(&self, uuid: &str) {
        let now = Timestamp::now();
        let mut tombstones = self.tombstones();
        if tombstones.of(uuid, now).is_none() {
            tombstones.put(uuid, Tombstone::Unanswered, now);
        }
    }
}

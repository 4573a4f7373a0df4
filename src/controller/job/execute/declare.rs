//! Declares and renews a job's queues, and finds out first whether the queue of its result is an earlier job's.
//!
//! Ring: shell. Guarantees: nothing is declared, renewed or removed while that queue holds another job's result. No message
//! is read from it. With a management API its lease is renewed by one look at most.

use jiff::SignedDuration;

use crate::{
    api::Reason,
    broker::{BrokerError, QueueSight},
    controller::{
        context::Context,
        error::{Error, broker_error},
        state::JobMemory,
    },
    plan::{
        Observed,
        facts::observed::{Preparation, Refusal},
    },
    result::{
        QueueLookup,
        held::{self, LOOK_AGAIN, Occupant},
    },
    topology::QueueDeclaration,
};

use super::results;

/// Declares `declare` and renews `renew`, unless the queue that the job `takes` is an earlier job's.
pub(super) async fn ensure_queues(
    declare: &[QueueDeclaration],
    renew: &[String],
    takes: Option<&QueueDeclaration>,
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    let losses = context.state.memories.of(&observed.uid()).losses;
    if !declare.is_empty() {
        results::forget_result_queue(observed, &context.state);
        // Where there is no answer they may have been declared: what was in the way is not known to be there any more.
        context.state.memories.change(&observed.uid(), JobMemory::forget_obstacle);
    }
    let occupant = match takes {
        Some(queue) => occupant_before(queue, declare, observed, context).await?,
        None => None,
    };
    let queues = match (occupant, takes) {
        (Some(occupant), Some(queue)) => occupied(queue, occupant, observed, context),
        _ => declared(declare, renew, takes, observed, context).await?,
    };
    observed.queues = queues.clone();
    context.state.memories.change(&observed.uid(), |memory| memory.ensured_queues(losses, queues));
    Ok(())
}

/// What is in the way before anything is declared. A client's own queue is only looked at when its lease is renewed, unless
/// it was in the way before: that look costs nothing, and the API renews no lease.
async fn occupant_before(
    queue: &QueueDeclaration,
    declare: &[QueueDeclaration],
    observed: &Observed,
    context: &Context,
) -> Result<Option<Occupant>, Error> {
    let found = if declare.contains(queue) {
        context.clients.broker.vacate(queue).await
    } else if observed.is_queue_occupied() {
        context.clients.broker.look_at(&queue.name).await.map(|lookup| lookup.as_ref().and_then(waiting_in))
    } else {
        Ok(None)
    };
    found.map_err(broker_error("looking for an earlier job's result in the result queue"))
}

fn waiting_in(lookup: &QueueLookup) -> Option<Occupant> {
    let QueueLookup::Present(facts) = lookup else { return None };
    let messages = facts.messages.filter(|messages| *messages > 0)?;
    Some(Occupant { messages, consumers: facts.consumers.unwrap_or(0) })
}

async fn declared(
    declare: &[QueueDeclaration],
    renew: &[String],
    takes: Option<&QueueDeclaration>,
    observed: &Observed,
    context: &Context,
) -> Result<Preparation, Error> {
    let sights = match context.clients.broker.ensure_queues(declare).await {
        Ok(()) => context.clients.broker.look_up(renew).await,
        Err(refused) => Err(refused),
    };
    match (sights, takes) {
        (Ok(sights), Some(queue)) => Ok(match occupant_among(renew, &sights, queue) {
            Some(occupant) => occupied(queue, occupant, observed, context),
            None => Preparation::Ready(observed.now),
        }),
        (Ok(_), None) => Ok(Preparation::Ready(observed.now)),
        (Err(error @ BrokerError::ArgumentsDiffer { .. }), _) => {
            refused(&error, declare, renew, observed, context).await
        }
        (Err(error), _) => Err(broker_error("declaring the job's queues")(error)),
    }
}

fn occupant_among(names: &[String], sights: &[QueueSight], queue: &QueueDeclaration) -> Option<Occupant> {
    names.iter().zip(sights).find_map(|(name, sight)| match sight {
        QueueSight::Present { messages: messages @ 1.., consumers } if *name == queue.name => {
            Some(Occupant { messages: u64::from(*messages), consumers: u64::from(*consumers) })
        }
        QueueSight::Present { .. } | QueueSight::Missing => None,
    })
}

fn occupied(queue: &QueueDeclaration, occupant: Occupant, observed: &Observed, context: &Context) -> Preparation {
    let message = held::explain(&queue.name, occupant);
    // Without a management API each look renews the lease of what is in the queue.
    let expiry = SignedDuration::from_secs(observed.job.spec.queues.expire_after_seconds);
    let wait = if context.clients.broker.stats().management() { LOOK_AGAIN } else { expiry.max(LOOK_AGAIN) };
    let refusal = Refusal { at: observed.now, reason: Reason::ResultQueueInUse, message };
    Preparation::Occupied { refusal, retry_at: observed.now + wait }
}

async fn refused(
    error: &BrokerError,
    declare: &[QueueDeclaration],
    renew: &[String],
    observed: &Observed,
    context: &Context,
) -> Result<Preparation, Error> {
    // The refusal of one kept the others from being declared: those that are there keep their lease.
    let names: Vec<String> = declare.iter().map(|queue| queue.name.clone()).chain(renew.iter().cloned()).collect();
    context.clients.broker.look_up(&names).await.map_err(broker_error("renewing the lease of the job's queues"))?;
    Ok(Preparation::Refused(Refusal {
        at: observed.now,
        reason: Reason::ArgumentsDiffer,
        message: format!(
            "a queue of this job exists with other arguments, and RabbitMQ cannot change them: {error}. Delete the queue, or set spec.queues as it was declared"
        ),
    }))
}

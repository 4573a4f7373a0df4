//! Publishes what a job has to tell: statuses and progress as a best effort, the result until a queue has it.
//!
//! Ring: shell. Guarantees: a status or progress that the broker refuses, or a queue does not answer to, stops nothing and is
//! counted. No pass waits longer for the answer to a result than for any other; to have one kept may take two minutes more. A
//! result that the broker refuses is kept by the operator, or the plan learns that no queue takes it. A result is *sent*
//! only where the broker confirmed it; a nack is a refusal.

use bytes::Bytes;
use tracing::{debug, info, warn};

use crate::{
    broker::{self, BrokerError, DeleteCondition, Outgoing, Routing},
    controller::{
        context::Context,
        error::{Error, broker_error},
        state::{Delivered, State},
    },
    plan::{
        Observed,
        facts::observed::{RedeliveryState, RefusedResult, ResultSight},
        steps::FinalMessage,
    },
    result::{Obstacle, ResultQueue, published::AGAIN, refused::KeptBecause},
    topology::QueueDeclaration,
};

const PUBLISHING: &str = "publishing the job's result";

/// A message that a newer one replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Update {
    /// The job's status.
    Status,
    /// The job's progress.
    Progress,
}

impl Update {
    fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Progress => "progress",
        }
    }
}

/// Publishes a status or progress where the client listens. Tells whether its queue answered: a refusal, or none, is counted
/// and stops nothing.
pub(super) async fn publish_update(queue: &str, body: Bytes, update: Update, context: &Context) -> Result<bool, Error> {
    let (refused, answered) = match context.clients.broker.publish(queue, Outgoing { body, message_id: None }).await {
        Ok(Routing::Routed) => return Ok(true),
        // The client does not listen.
        Ok(Routing::Unroutable) => ("Unroutable", true),
        Err(error) if error.ends_update(&context.clients.broker.state()) => {
            debug!(queue, %error, "the broker did not take an update");
            (error.category(), !matches!(error, BrokerError::Unanswered { .. }))
        }
        Err(error) => return Err(broker_error("publishing the job's status or progress")(error)),
    };
    context.metrics.count_refused(update.as_str(), refused);
    Ok(answered)
}

/// Publishes the job's result, or has it kept, or learns that no queue takes it.
pub(super) async fn publish(message: FinalMessage, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    // What was seen of the queue before tells nothing of the result.
    forget_result_queue(observed, &context.state);
    let before = context.state.memories.of(&observed.uid()).result;
    let mut outcome = publish_or_keep(&message, &before, observed, context).await;
    if let Ok(Delivered::Refused(RefusedResult { kept: false, .. })) = &outcome {
        // A former leader may have kept it, and nothing refers to that any more.
        let removed = context.clients.broker.delete_queue(&message.kept.name, DeleteCondition::Always).await;
        outcome = removed.map_err(broker_error(PUBLISHING)).and(outcome);
    }
    let known = match &outcome {
        Ok(delivered) => delivered.clone(),
        // Nothing was stored, so what was known before still holds.
        Err(Error::Broker { source, .. }) if source.is_refusal() => before,
        // It may have arrived; the broker's side knows when it can tell.
        Err(_) => Delivered::Unknown,
    };
    context.state.memories.change(&observed.uid(), |memory| memory.result = known);
    observed.result = match outcome? {
        Delivered::Yes { at, routed } => ResultSight::Sent { at, routed },
        Delivered::Refused(refused) => ResultSight::Refused(refused),
        Delivered::Unknown => ResultSight::Unknown(context.clock.now() + AGAIN),
        Delivered::No => ResultSight::Unsent,
    };
    info!(queue = message.queue, bytes = message.body.len(), "{}", words_for(&observed.result));
    Ok(())
}

/// What became of a result that was to be published.
fn words_for(result: &ResultSight) -> &'static str {
    match result {
        ResultSight::Sent { routed: true, .. } => "published the job's result",
        ResultSight::Sent { routed: false, .. } => {
            "the queue of the job's result is gone: the operator keeps the result"
        }
        ResultSight::Refused(RefusedResult { kept: true, .. }) => {
            "the queue of the job's result refuses it: the operator keeps the result"
        }
        ResultSight::Refused(RefusedResult { kept: false, .. }) => "no queue takes the job's result",
        ResultSight::Unknown(_) => "the broker has not confirmed the job's result yet",
        ResultSight::Unsent => "the job's result is not published",
    }
}

async fn publish_or_keep(
    message: &FinalMessage,
    before: &Delivered,
    observed: &Observed,
    context: &Context,
) -> Result<Delivered, Error> {
    let FinalMessage { queue, message_id, body, kept, has_output } = message;
    let outgoing = Outgoing { body: body.clone(), message_id: Some(message_id.clone()) };
    match context.clients.broker.publish_result(queue, outgoing.clone()).await {
        Ok(Routing::Routed) => {
            // A former leader may have kept it, when the queue was not there.
            if *before == Delivered::Unknown {
                let removed = context.clients.broker.delete_queue(&kept.name, DeleteCondition::Always).await;
                removed.map_err(broker_error(PUBLISHING))?;
            }
            Ok(Delivered::Yes { at: context.clock.now(), routed: true })
        }
        Ok(Routing::Unroutable) => match keep(kept, outgoing, context).await? {
            None => Ok(Delivered::Yes { at: context.clock.now(), routed: false }),
            Some(why) => {
                let why = format!("its queue is gone, and {}: {why}", kept.name);
                Ok(Delivered::Refused(RefusedResult {
                    at: context.clock.now(),
                    why,
                    kept: false,
                    had_output: *has_output,
                }))
            }
        },
        // It is still under way, and the broker's side knows when it can tell.
        Err(BrokerError::Unanswered { .. }) => Ok(Delivered::Unknown),
        Err(error) => {
            let why = refusal(error, observed, context)?;
            context.metrics.count_refused("result", category(&why));
            warn!(queue, bytes = body.len(), why = %why, "the broker refused the job's result");
            Ok(Delivered::Refused(keep_refused(&why, message, outgoing, observed, context).await?))
        }
    }
}

/// Keeps a result that its own queue refused, if the operator's queue takes it.
async fn keep_refused(
    why: &Obstacle,
    message: &FinalMessage,
    outgoing: Outgoing,
    observed: &Observed,
    context: &Context,
) -> Result<RefusedResult, Error> {
    let too_large_for_any = matches!(why, Obstacle::MessageSize(_));
    let kept_refuses =
        if too_large_for_any { Some(why.clone()) } else { keep(&message.kept, outgoing, context).await? };
    let at = context.clock.now();
    context.state.memories.change(&observed.uid(), |memory| memory.refuse_result(at));
    let kept = kept_refuses.is_none();
    let why = match kept_refuses.filter(|other| other != why) {
        Some(other) => format!("{why}; {}: {other}", message.kept.name),
        None => why.to_string(),
    };
    Ok(RefusedResult { at, why, kept, had_output: message.has_output })
}

/// Why the result's queue does not take it; an error while it may still.
fn refusal(error: BrokerError, observed: &Observed, context: &Context) -> Result<Obstacle, Error> {
    let uid = observed.uid();
    let mut nacks = context.state.memories.of(&uid).nacks;
    let obstacle = error.obstacle(&mut nacks, context.clock.now());
    context.state.memories.change(&uid, |memory| memory.nacks = nacks);
    obstacle.map_err(broker_error(PUBLISHING))
}

/// Has the operator's own queue keep a result; tells why it does not, where it refuses.
async fn keep(kept: &QueueDeclaration, message: Outgoing, context: &Context) -> Result<Option<Obstacle>, Error> {
    match context.clients.broker.keep_result(kept, message).await {
        Ok(()) => Ok(None),
        Err(BrokerError::QueueLimit { obstacle, .. }) => Ok(Some(obstacle)),
        Err(BrokerError::TooLarge { limit }) => Ok(Some(Obstacle::MessageSize(limit))),
        Err(BrokerError::Nacked) => Ok(Some(Obstacle::Nacks { count: 1, seconds: 0 })),
        Err(other) => Err(broker_error("keeping the job's result")(other)),
    }
}

fn category(why: &Obstacle) -> &'static str {
    match why {
        Obstacle::QueueBytes { .. } | Obstacle::QueueFull(_) => "QueueLimit",
        Obstacle::MessageSize(_) => "TooLarge",
        Obstacle::Nacks { .. } => "Nacked",
    }
}

/// Passes a kept result on to its queue.
pub(super) async fn pass_on(
    kept: &str,
    queue: &str,
    (message_id, because): (String, KeptBecause),
    observed: &mut Observed,
    context: &Context,
) -> Result<(), Error> {
    // Before, so that what is learned of the queue meanwhile stays known.
    forget_result_queue(observed, &context.state);
    let delivery = match context.clients.broker.deliver_kept(kept, queue, message_id, because).await {
        Ok(delivery) => delivery,
        Err(error) if error.is_refusal() => {
            refused_again(&error, queue, observed, context);
            return Ok(());
        }
        Err(error) => return Err(broker_error("passing on a result that was kept")(error)),
    };
    let (redelivery, words) = match delivery {
        broker::Redelivery::Delivered => {
            (RedeliveryState::Done(context.clock.now()), "passed on a result that was kept")
        }
        broker::Redelivery::Unroutable => (RedeliveryState::Unroutable, "a result is still kept: its queue is gone"),
        broker::Redelivery::TooEarly(retry_at) => {
            (RedeliveryState::TooEarly(retry_at), "a result is still kept: whether its queue has it is not known yet")
        }
        broker::Redelivery::NothingKept => {
            (RedeliveryState::Lost, "a result that was kept is gone, so it cannot be passed on")
        }
    };
    info!(queue, "{words}");
    observed.redelivery = redelivery;
    context.state.memories.change(&observed.uid(), |memory| memory.redelivery = RedeliveryState::Untried);
    Ok(())
}

fn refused_again(error: &BrokerError, queue: &str, observed: &mut Observed, context: &Context) {
    context.metrics.count_refused("result", error.category());
    debug!(queue, %error, "the queue still refuses a result that is kept");
    context.state.memories.change(&observed.uid(), |memory| memory.refuse_result(context.clock.now()));
    observed.redelivery = context.state.memories.of(&observed.uid()).redelivery;
}

/// Forgets what was seen of the job's result queue.
pub(super) fn forget_result_queue(observed: &mut Observed, state: &State) {
    state.memories.change(&observed.uid(), |memory| memory.result_queue = ResultQueue::Unknown);
    observed.result_queue = ResultQueue::Unknown;
}

//! How much progress a client is told that reads none of it.
//!
//! Ring: shell. Guarantees: no more than [`MOST_UNREAD`] messages of the operator's wait in a client's progress queue, at
//! the price of one look at it for every [`SHARE`] messages. The look renews the lease of a job that lives, which it has
//! anyway. The job's status shows its progress all the same.

use jiff::{SignedDuration, Timestamp};

use crate::{
    broker::QueueSight,
    controller::{context::Context, error::Error, state::Allowance},
    plan::Observed,
};

/// A quarter of an hour of a program that tells its progress every second.
const MOST_UNREAD: u32 = 1000;
/// How many are sent between two looks.
const SHARE: u32 = 250;
/// How long nothing is sent to a client that has too many unread, or whose queue does not answer.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Whether the client that listens at `queue` may be sent one more.
pub(super) async fn may_tell(queue: &str, observed: &Observed, context: &Context) -> Result<bool, Error> {
    let mut allowance = context.state.memories.of(&observed.uid()).allowance;
    if allowance.closed_until.is_some_and(|until| observed.now < until) {
        return Ok(false);
    }
    if allowance.left == 0 {
        let queues = [queue.to_owned()];
        let sights = match context.clients.broker.look_up(&queues).await {
            // Progress is a best effort: the broker may refuse a look at a client's queue.
            Err(error) if error.is_refusal() => Vec::new(),
            sights => sights.map_err(|source| Error::Broker { doing: "looking at the progress queue", source })?,
        };
        allowance = after(sights.first().copied(), observed.now);
    }
    let may = allowance.left > 0;
    allowance.left = allowance.left.saturating_sub(1);
    context.state.memories.change(&observed.uid(), |memory| memory.allowance = allowance);
    Ok(may)
}

/// Has the client told nothing for a while: its queue does not answer, and each message would be waited for.
pub(super) fn pause(observed: &Observed, context: &Context) {
    let allowance = Allowance { left: 0, closed_until: Some(context.clock.now() + PAUSE) };
    context.state.memories.change(&observed.uid(), |memory| memory.allowance = allowance);
}

fn after(sight: Option<QueueSight>, now: Timestamp) -> Allowance {
    let unread = match sight {
        Some(QueueSight::Present { messages, .. }) => messages,
        // Nobody listens, and nothing can pile up.
        Some(QueueSight::Missing) | None => 0,
    };
    let left = MOST_UNREAD.saturating_sub(unread).min(SHARE);
    Allowance { left, closed_until: (left == 0).then(|| now + PAUSE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_reads_nothing_is_sent_nothing_more() {
        let now = Timestamp::UNIX_EPOCH;
        let present = |messages| Some(QueueSight::Present { messages, consumers: 0 });
        for (sight, left) in
            [(present(0), 250), (present(900), 100), (present(1000), 0), (present(5000), 0), (None, 250)]
        {
            let allowance = after(sight, now);
            assert_eq!((allowance.left, allowance.closed_until.is_some()), (left, left == 0), "{sight:?}");
        }
    }
}

//! The steps that declare a job's queues and renew their lease.
//!
//! Ring: core.

use jiff::{SignedDuration, Timestamp};

use crate::{
    plan::{
        facts::{
            BROKER_RETRY,
            observed::{BrokerSight, Observed, Preparation, Refusal},
        },
        steps::{Plan, Step},
    },
    pods::Settings,
    topology::{self, QueueDeclaration},
    wire::Digest,
};

/// How long after a refusal the operator tries again, at least and at most. Long, because a user has to change something;
/// a job runs within a minute of that. Different for each job, so that many do not come at once.
const REFUSAL_WAIT_MILLIS: (i64, i64) = (30_000, 50_000);

/// When the operator tries again after a refusal.
pub(crate) fn next_try(observed: &Observed, refusal: &Refusal) -> Timestamp {
    let (least, most) = REFUSAL_WAIT_MILLIS;
    let share = Digest::of(observed.uid().as_bytes()).share();
    refusal.at + SignedDuration::from_millis(least + (most - least) * i64::from(share) / 255)
}

/// Declares what the operator owns and renews the lease of what the client owns.
pub(crate) fn ensure_queues(observed: &Observed, settings: &Settings) -> Step {
    if !observed.owns_queues() {
        return await_output(observed, settings);
    }
    let own = topology::job_queues(observed.job_id().as_str(), observed.job.spec.queues.expire_after_seconds);
    // Never made again: an empty one would look like an input that is still to come.
    let input = observed.input_queue(settings).into_iter().collect();
    let declare = own.into_iter().chain(observed.output_queue(settings)).collect();
    Step::EnsureQueues { declare, renew: input, takes: taken_queue(observed) }
}

/// What finds out whether the queue of the result is the job's own; a job that was deleted declares none.
pub(crate) fn take_queue(observed: &Observed, settings: &Settings) -> Step {
    if observed.deletion().is_some() { renew_queues(observed, settings) } else { ensure_queues(observed, settings) }
}

/// Declares the result queue alone.
pub(crate) fn result_queue(observed: &Observed) -> Step {
    Step::EnsureQueues { declare: vec![result_declaration(observed)], renew: Vec::new(), takes: None }
}

fn result_declaration(observed: &Observed) -> QueueDeclaration {
    let [_, _, result] =
        topology::job_queues(observed.job_id().as_str(), observed.job.spec.queues.expire_after_seconds);
    result
}

fn taken_queue(observed: &Observed) -> Option<QueueDeclaration> {
    let taken = matches!(observed.queues, Preparation::Ready(_));
    (observed.is_to_take_queue() && !taken).then(|| result_declaration(observed))
}

/// Declares the queue that the courier sends to, and renews the lease of the client's queues and of the input.
pub(crate) fn await_output(observed: &Observed, settings: &Settings) -> Step {
    let output = observed.output_queue(settings).into_iter().collect();
    let renew = topology::client_queues(observed.job_id().as_str()).into_iter().chain(observed.input_queue(settings));
    Step::EnsureQueues { declare: output, renew: renew.collect(), takes: taken_queue(observed) }
}

/// Renews the lease of all queues of the job, and makes none.
pub(crate) fn renew_queues(observed: &Observed, settings: &Settings) -> Step {
    let output = observed.output_queue(settings).map(|queue| queue.name);
    Step::EnsureQueues {
        declare: Vec::new(),
        renew: topology::client_queues(observed.job_id().as_str())
            .into_iter()
            .chain(output)
            .chain(observed.input_queue(settings))
            .collect(),
        takes: taken_queue(observed),
    }
}

/// The longest time between two renewals of a lease, so that a queue that somebody deleted is made again.
const LONGEST_RENEWAL: SignedDuration = SignedDuration::from_secs(3600);
/// The shortest: the schema admits leases of one second.
const SHORTEST_RENEWAL: SignedDuration = SignedDuration::from_millis(400);

/// Adds what the queues of a job need whose main container has ended and whose courier still sends: the client's are not
/// made again any more, but those that are there stay.
#[must_use]
pub(crate) fn flushing(observed: &Observed, settings: &Settings, plan: Plan) -> Plan {
    with(observed, plan, || await_output(observed, settings))
}

/// Adds the renewal of the queues' lease: now when it is due, else as a time to wake.
pub(crate) fn with_lease(observed: &Observed, settings: &Settings, plan: Plan) -> Plan {
    with(observed, plan, || ensure_queues(observed, settings))
}

fn with(observed: &Observed, mut plan: Plan, renewal: impl FnOnce() -> Step) -> Plan {
    if observed.broker != BrokerSight::Ready {
        return plan.by(observed.now + BROKER_RETRY);
    }
    let due = match &observed.queues {
        Preparation::Unknown => observed.now,
        Preparation::Ready(last) => *last + renewal_period(observed.job.spec.queues.expire_after_seconds),
        Preparation::Occupied { retry_at, .. } => *retry_at,
        // The refusal of one queue renews the lease of the others.
        Preparation::Refused(refusal) => (refusal.at + renewal_period(observed.job.spec.queues.expire_after_seconds))
            .min(next_try(observed, refusal)),
    };
    if due > observed.now {
        return plan.by(due);
    }
    plan.steps.push(renewal());
    plan
}

/// When the lease of the job's queues is renewed while the broker takes no messages; `None` while it does, or is away. What
/// was not there before is not made then.
pub(crate) fn renewal_while_blocked(observed: &Observed) -> Option<Timestamp> {
    match (&observed.broker, &observed.queues) {
        (BrokerSight::Blocked(_), Preparation::Ready(last)) => {
            Some(*last + renewal_period(observed.job.spec.queues.expire_after_seconds))
        }
        _ => None,
    }
}

/// A third of the lease, so that one failed renewal loses nothing.
fn renewal_period(expire_after_seconds: i64) -> SignedDuration {
    let third = SignedDuration::from_millis(expire_after_seconds.saturating_mul(1000) / 3);
    third.clamp(SHORTEST_RENEWAL, LONGEST_RENEWAL)
}

/// The age at which the lease of a job's queues is renewed once more before its result is published, so that the result has
/// its whole time to live: a tenth of that, or a minute.
const LONGEST_LEASE_AGE_SECONDS: i64 = 60;

/// How old the lease of the job's queues may be when its result is published.
pub(crate) fn oldest_lease(observed: &Observed) -> SignedDuration {
    let tenth = observed.job.spec.queues.expire_after_seconds / 10;
    SignedDuration::from_secs(tenth.clamp(1, LONGEST_LEASE_AGE_SECONDS))
}

//! Leaves what keeps passes over a job from their end on the job itself, before the pass that may fail again.
//!
//! Ring: shell. What is shown, and from when on, [`failed_pass`] decides.

use std::time::Duration;

use tracing::debug;

use crate::{
    clock::Clock,
    controller::context::Context,
    plan::{Observed, Step, facts::failure::Failure, phases::failed_pass},
};

use super::execute::carry_out;

/// The shortest time between a pass that failed and one that shows it.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// Shows why the passes before this one failed, where it is time to. Where even the status cannot be stored the Event is
/// written, once. Failing to show it keeps the pass from nothing.
pub(super) async fn leave(observed: &mut Observed, context: &Context) {
    let Some(trace) = failed_pass::trace(observed) else { return };
    let uid = observed.uid();
    for step in trace.steps {
        let reason = if let Step::Warn { reason, .. } = &step { Some(*reason) } else { None };
        if reason.is_some() && context.state.memories.of(&uid).reported == reason {
            continue;
        }
        match carry_out(step, observed, context).await {
            Ok(()) if reason.is_none() => context.state.memories.change(&uid, |memory| memory.reported = None),
            Ok(()) => context.state.memories.change(&uid, |memory| memory.reported = reason),
            Err(error) => debug!(%error, "could not show on the job why it fails"),
        }
    }
}

/// How long it is until a failure is shown.
pub(super) fn until_due(failure: &Failure, clock: Clock) -> Duration {
    match clock.until(failure.due()) {
        // Shown already, or about to be.
        Duration::ZERO => Duration::MAX,
        left => left.max(SHORTEST_WAIT),
    }
}

//! What must hold in each state, beside what the model world itself refuses.

use omotes_operator::testing::{
    api::status::{JobResultType, Phase, TerminationCause},
    plan::facts::outcome::wire_type,
    wire::{JobResult, JobStatus},
};
use prost::Message;

use super::state::{Operator, State, ending};
use crate::convergence::assert_stop;

/// Checks `state`, which was reached from one whose job had ended so.
pub(crate) fn check(state: &mut State, before: Option<(Phase, Option<TerminationCause>)>) {
    one_result(state);
    let job = state.world.job.as_ref().filter(|job| job.has_ended() && before.is_none());
    if let Some(job) = job {
        assert_stop(&state.world, job);
    }
    let updates = [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running];
    let times = updates.map(|update| state.world.statuses.iter().filter(|told| **told == update).count());
    assert!(times.iter().all(|times| *times <= 1 + state.world.lapses), "told again: {:?}", state.world.statuses);
    if let Some(before) = before.filter(|_| state.world.job.is_some()) {
        assert_eq!(ending(state.world.job.as_ref()), Some(before), "terminal is terminal");
    }
    says_what_was_told(state);
}

/// A result is published once; the same one again only where the broker's evidence is lost.
fn one_result(state: &mut State) {
    let known = state.told.len();
    let published = &state.world.results;
    assert!(published.len() <= 1 + state.world.repeats, "the client is told twice");
    for (_, body) in &published[known..] {
        state.told.push(JobResult::decode(body.clone()).unwrap().result_type);
    }
    assert!(state.told.windows(2).all(|pair| pair[0] == pair[1]), "two different results: {:?}", state.told);
}

/// The status says of the result what its client was told.
fn says_what_was_told(state: &State) {
    let status = state.world.job.as_ref().and_then(|job| job.status.as_ref());
    let Some(result) = status.and_then(|status| status.result.as_ref()) else { return };
    let Some(told) = state.told.first() else { return };
    let said: JobResultType = result.type_;
    assert_eq!(i32::from(wire_type(said)), *told, "the status says {said:?}, and its client was told another result");
}

/// A job that sleeps has nothing to do, whatever it looks up: it would be forgotten until something else happens.
pub(crate) fn check_sleep(state: &State) {
    let Operator::Rests(wake) = state.operator else { return };
    if !state.world.broker_up || state.world.lags.is_some() {
        return;
    }
    let works = state.clone().would_do();
    assert!(works == 0, "there is something to do ({works} steps), and nothing wakes the job: {wake:?}");
}

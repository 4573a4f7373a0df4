//! A job that is refused, and what may have begun for it before that.
//!
//! A job is refused as long as its status does not say that it was accepted. Until then it may have the operator's
//! finalizer – from its manifest, from the gateway, or from a pass that ended before the status was stored – and even a
//! pod. Its status says why it was refused; then its pod is stopped, and the finalizer goes.

use crate::{
    api::status::TerminationCause,
    plan::{
        facts::{
            BROKER_RETRY,
            admission::{self, Rejection},
            observed::{BrokerSight, Observed, ResultSight},
            outcome::Outcome,
        },
        phases::{completion, release},
        status::ResultDelivery,
        steps::{Plan, Step, pod},
    },
    pods::Settings,
};

/// Plans for a job that is refused for that reason.
pub(crate) fn plan(observed: &Observed, settings: &Settings, rejection: Rejection) -> Plan {
    let delivery = match answer(observed, settings, &rejection) {
        Ok(delivery) => delivery,
        Err(plan) => return plan,
    };
    let status = observed.rejected_status(&rejection, delivery);
    let stored = Step::PatchStatus(Box::new(status));
    Plan::steps(vec![stored, Step::Warn { reason: rejection.reason, note: rejection.message }])
}

/// What became of the result, where a client waits for one; else the plan that brings it there.
fn answer(observed: &Observed, settings: &Settings, rejection: &Rejection) -> Result<Option<ResultDelivery>, Plan> {
    if !admission::has_client(observed, settings) {
        return Ok(None);
    }
    match &observed.result {
        ResultSight::Sent { at, routed } => Ok(Some(ResultDelivery::Sent { at: *at, routed: *routed })),
        ResultSight::Refused(refused) => Ok(Some(ResultDelivery::Refused(refused.clone()))),
        _ if completion::broker_deadline_passed(observed) => Ok(Some(ResultDelivery::GivenUp)),
        ResultSight::Unknown(_) if completion::given_up_waiting(observed) => Ok(Some(ResultDelivery::GivenUp)),
        ResultSight::Unknown(retry) => Err(Plan::wait(*retry)),
        ResultSight::Unsent if observed.broker != BrokerSight::Ready => {
            Err(Plan::wait(observed.now + BROKER_RETRY).by_any(observed.give_up_time()))
        }
        ResultSight::Unsent => Err(completion::publish(observed, settings, &outcome(rejection), None)),
    }
}

fn outcome(rejection: &Rejection) -> Outcome {
    Outcome::without_exit(TerminationCause::Refused, rejection.message.clone(), None)
}

/// Plans the release of a refused job that no client waits for; `None` for any other job.
pub(crate) fn release(observed: &Observed, settings: &Settings) -> Option<Plan> {
    if !observed.was_refused() || !observed.has_finalizer() {
        return None;
    }
    Some(release::settle(observed, settings).unwrap_or_else(|| remove_finalizer(observed, settings)))
}

/// Of the queues only those go whose names nobody else can have: the others may be another job's.
fn remove_finalizer(observed: &Observed, settings: &Settings) -> Plan {
    let Some(released) = observed.released() else { return pod::look_up(observed) };
    let output = observed.output_queue_names(settings);
    let own = output.into_iter().filter(|_| observed.broker == BrokerSight::Ready).map(Step::DeleteOwnQueue);
    Plan::steps(own.chain([pod::remove_finalizer(released)]).collect())
}

impl Observed {
    /// Whether the job was refused and no client was told of it.
    fn was_refused(&self) -> bool {
        let status = self.status();
        let refused = status.termination.as_ref().is_some_and(|end| end.cause == TerminationCause::Refused);
        refused && status.result.is_none()
    }
}

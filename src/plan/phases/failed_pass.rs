//! What a pass that fails leaves on its job: a condition and an Event with the words of the apiserver or the broker.
//!
//! A hiccup leaves nothing: only what has failed for as long as a job waits in silence is shown, and what is shown goes
//! with the first pass that comes to rest.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        status::Phase,
    },
    plan::{
        facts::{
            failure::Failure,
            observed::{Observed, Preparation},
        },
        status::OBSTACLES,
        steps::{Plan, Step},
    },
    text::bounded,
};

/// What a condition's message holds of a failure, in bytes.
const MAX_MESSAGE_BYTES: usize = 1024;

/// The status and the Event that show why passes over the job fail, where they have failed for long enough and the stored
/// status does not show it.
#[must_use]
pub fn trace(observed: &Observed) -> Option<Plan> {
    let failure = observed.failure.as_ref().filter(|failure| failure.due() <= observed.now)?;
    let type_ = observed.failure_type(failure);
    let stored = &observed.status().conditions;
    let message = bounded(&failure.message, MAX_MESSAGE_BYTES);
    if condition::get(stored, type_).is_some_and(|known| known.reason == failure.reason && alike(known, &message)) {
        return None;
    }
    let status = observed.failing_status(type_, ConditionUpdate::yes(failure.reason, &message));
    Some(Plan::steps(vec![
        Step::PatchStatus(Box::new(status)),
        Step::Warn { reason: failure.reason, note: failure.message.clone() },
    ]))
}

/// Whether a condition says the same but for numbers: those of a quota change all the time.
fn alike(known: &Condition, message: &str) -> bool {
    let words = |text: &str| text.chars().filter(|known| !known.is_ascii_digit()).collect::<String>();
    words(&known.message) == words(message)
}

/// `plan`; where it has nothing to do, what the status shows of a failure that is over is removed.
pub(crate) fn recovered(observed: &Observed, plan: Plan) -> Plan {
    if !plan.steps.is_empty() {
        return plan;
    }
    let mut status = observed.new_status();
    let before = status.conditions.len();
    for type_ in OBSTACLES {
        let shown = condition::get(&status.conditions, type_).is_some_and(|known| observed.is_over(known));
        if shown {
            condition::clear(&mut status.conditions, [type_]);
        }
    }
    let over = status.conditions.len() < before;
    if over { Plan { steps: vec![Step::PatchStatus(Box::new(status))], ..plan } } else { plan }
}

impl Observed {
    /// A job that is on its way to its pod reconciles while what it needs may come by itself. Elsewhere `Reconciling`
    /// is a record of its own, or would say that the job has not started.
    fn failure_type(&self, failure: &Failure) -> ConditionType {
        let status = self.status();
        let starts = status.start_time.is_none() && status.abort.is_none() && !self.is_terminal();
        if failure.reason.waits() && starts && !self.waits_for_seat() {
            ConditionType::Reconciling
        } else {
            ConditionType::Stalled
        }
    }

    /// The stored status with this of a failure. It says nothing of acceptance: the job may not have come to that.
    fn failing_status(&self, type_: ConditionType, verdict: ConditionUpdate) -> OmotesJobStatus {
        let mut status = self.new_status();
        status.phase = status.phase.or(Some(Phase::Pending));
        if type_ == ConditionType::Stalled && !self.waits_for_seat() {
            condition::clear(&mut status.conditions, [ConditionType::Reconciling]);
        } else if type_ == ConditionType::Reconciling {
            condition::clear(&mut status.conditions, [ConditionType::Stalled]);
        }
        self.set(&mut status, type_, verdict);
        status
    }

    /// Whether a condition shows a failure that is over. A refusal that a plan waits for is none.
    fn is_over(&self, known: &Condition) -> bool {
        let of = |preparation: &Preparation| match preparation {
            Preparation::Refused(refusal) | Preparation::Occupied { refusal, .. } => Some(refusal.reason),
            Preparation::Unknown | Preparation::Ready(_) => None,
        };
        let refused = self.pod_refusal.as_ref().map(|refusal| refusal.reason);
        let mut waited_for = refused.into_iter().chain(of(&self.courier_secret)).chain(of(&self.queues));
        let failed = Reason::FAILURES.iter().any(|reason| known.reason == *reason);
        failed && !waited_for.any(|reason| known.reason == reason)
    }
}

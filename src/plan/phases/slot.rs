//! Seats: a job of a workflow starts only when there is one for it.
//!
//! What waits has its queues, and its client knows that it is enqueued. The clock of the start deadline stands still
//! meanwhile: it counts from when the seat was given.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        status::Phase,
        time::whole_second,
    },
    plan::{
        facts::observed::Observed,
        status::Waiting,
        steps::{Plan, Step, client, queues},
    },
    pods::Settings,
    workflow::seats::{Limit, Seat, place},
};

/// Plans for a job that is ready for its pod but has no seat; `None` when it may start.
pub(crate) fn plan(observed: &Observed, settings: &Settings) -> Option<Plan> {
    observed.job.spec.workflow_ref.as_ref()?;
    match observed.seat {
        Seat::Unknown => Some(Plan::steps(vec![Step::TakeSeat])),
        Seat::Taken if observed.waits_for_seat() => {
            Some(Plan::steps(vec![Step::PatchStatus(Box::new(observed.seated_status(settings)))]))
        }
        Seat::Taken => None,
        Seat::Full { limit, ahead, renewed } => {
            Some(wait(observed, settings, Reason::WaitingForSeat, full(observed, limit, ahead)).by_any(renewed))
        }
        Seat::Suspended => {
            let message = "the job's workflow is suspended: the job starts when its spec.suspend is false again";
            Some(wait(observed, settings, Reason::WorkflowSuspended, message.to_owned()))
        }
    }
}

fn full(observed: &Observed, limit: Limit, ahead: usize) -> String {
    let place = place(ahead);
    match (limit, &observed.slot_pool) {
        (Limit::Pool, Some(pool)) => format!("every slot of pool {pool} is taken; {place}"),
        (Limit::Pool, None) | (Limit::Workflow, _) => {
            let workflow = observed.job.spec.workflow_ref.as_ref();
            let name = workflow.map(|workflow| workflow.name.as_str()).unwrap_or_default();
            format!("every seat of OmotesWorkflow {name} is taken; {place}")
        }
    }
}

fn wait(observed: &Observed, settings: &Settings, reason: Reason, message: String) -> Plan {
    let news = !observed.waits_so(reason, &message);
    let waiting = Waiting { phase: Phase::Queued, reason: reason.into(), message, stalled: false };
    let status = news.then(|| observed.waiting_anew_status(settings, &waiting));
    let greeting = client::greeting(observed);
    let steps = status.map(|status| greeting.chain([Step::PatchStatus(Box::new(status))]).collect());
    queues::with_lease(observed, settings, Plan::steps(steps.unwrap_or_default()))
}

impl Observed {
    fn waits_so(&self, reason: Reason, message: &str) -> bool {
        let conditions = &self.status().conditions;
        let said = condition::get(conditions, ConditionType::Reconciling);
        let undisturbed = condition::get(conditions, ConditionType::Stalled).is_none();
        undisturbed
            && self.waits_for_seat()
            && said.is_some_and(|said| said.reason == reason && said.message == message)
    }

    fn seated_status(&self, settings: &Settings) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        status.phase = Some(Phase::Queued);
        status.retry_time = Some(Time(whole_second(self.now)));
        condition::clear(&mut status.conditions, [ConditionType::Reconciling]);
        self.set(&mut status, ConditionType::Running, ConditionUpdate::no(Reason::Seated, "the job waits for its pod"));
        status
    }
}

//! Seats: a job of a workflow starts only when there is one for it.
//!
//! What waits has its queues, and its client knows that it is enqueued. The clock of the start deadline stands still
//! meanwhile: it counts from when the seat was given.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::{
        OmotesJob, OmotesJobStatus,
        condition::{self, ConditionType, Verdict},
        status::Phase,
    },
    limits::whole_second,
    workflow::seats::{Seat, place},
};

use super::{
    Settings,
    observed::Observed,
    run, start,
    status::Waiting,
    step::{Plan, Step},
};

const WAITING_FOR_SEAT: &str = "WaitingForSeat";
const SEATED: &str = "Seated";
const WORKFLOW_SUSPENDED: &str = "WorkflowSuspended";

/// Plans for a job that is ready for its pod but has no seat; `None` when it may start.
pub(super) fn plan(observed: &Observed, settings: &Settings) -> Option<Plan> {
    observed.job.spec.workflow_ref.as_ref()?;
    match observed.seat {
        Seat::Unknown => Some(Plan::steps(vec![Step::TakeSeat])),
        Seat::Taken if observed.waits_for_seat() => {
            Some(Plan::steps(vec![Step::PatchStatus(Box::new(observed.seated_status(settings)))]))
        }
        Seat::Taken => None,
        Seat::Full { ahead, renewed } => {
            Some(wait(observed, settings, WAITING_FOR_SEAT, full(observed, ahead)).by_any(renewed))
        }
        Seat::Suspended => {
            let message = "the job's workflow is suspended: the job starts when its spec.suspend is false again";
            Some(wait(observed, settings, WORKFLOW_SUSPENDED, message.to_owned()))
        }
    }
}

fn full(observed: &Observed, ahead: usize) -> String {
    let name = observed.job.spec.workflow_ref.as_ref().map(|workflow| workflow.name.as_str()).unwrap_or_default();
    format!("every seat of OmotesWorkflow {name} is taken; {}", place(ahead))
}

fn wait(observed: &Observed, settings: &Settings, reason: &str, message: String) -> Plan {
    let news = !observed.waits_so(reason, &message);
    let waiting = Waiting { phase: Phase::Queued, reason: reason.to_owned(), message, stalled: false };
    let status = news.then(|| observed.waiting_anew_status(settings, &waiting));
    let greeting = start::greeting(observed);
    let steps = status.map(|status| greeting.chain([Step::PatchStatus(Box::new(status))]).collect());
    run::with_lease(observed, settings, Plan::steps(steps.unwrap_or_default()))
}

/// Whether the stored status of `job` says that it waits for a seat.
#[must_use]
pub fn waits_for_seat(job: &OmotesJob) -> bool {
    let Some(status) = &job.status else { return false };
    let said = condition::get(&status.conditions, ConditionType::Reconciling);
    let waits = said.is_some_and(|said| [WAITING_FOR_SEAT, WORKFLOW_SUSPENDED].contains(&said.reason.as_str()));
    waits && status.phase == Some(Phase::Queued)
}

impl Observed {
    /// Whether the stored status says so of this job.
    pub(super) fn waits_for_seat(&self) -> bool {
        waits_for_seat(&self.job)
    }

    /// Whether the client has heard that the job waits for its turn.
    pub(super) fn was_enqueued(&self) -> bool {
        let conditions = self.status().conditions;
        self.waits_for_seat()
            || condition::get(&conditions, ConditionType::Running).is_some_and(|said| said.reason == SEATED)
    }

    fn waits_so(&self, reason: &str, message: &str) -> bool {
        let conditions = self.status().conditions;
        let said = condition::get(&conditions, ConditionType::Reconciling);
        self.waits_for_seat() && said.is_some_and(|said| said.reason == reason && said.message == message)
    }

    fn seated_status(&self, settings: &Settings) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        status.phase = Some(Phase::Queued);
        status.retry_time = Some(Time(whole_second(self.now)));
        condition::clear(&mut status.conditions, ConditionType::Reconciling);
        self.set(&mut status, ConditionType::Running, Verdict::no(SEATED, "the job waits for its pod"));
        status
    }
}

//! Suspension: `spec.suspend` keeps a job from running, for as long as somebody wants.
//!
//! A program that runs is stopped on the same road as for any other reason ([`super::stop`]), and its attempt is recorded
//! ([`super::retry`]); what follows is here. The clocks stand still meanwhile: nothing runs, and the start deadline counts
//! anew from the resumption.

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
        status::OBSTACLES,
        steps::{Plan, Step, queues},
    },
    pods::Settings,
};

/// Plans for a job that has no pod and is suspended, or is to go on; `None` for any other.
pub(crate) fn plan(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let news = match (observed.job.spec.suspend, observed.is_suspended()) {
        (false, false) => return None,
        (true, true) => None,
        (true, false) => Some(observed.suspended_status(settings)),
        (false, true) => Some(observed.resumed_status(settings)),
    };
    let steps = news.map(|status| Step::PatchStatus(Box::new(status))).into_iter().collect();
    // Its client may wait for days: its queues stay.
    Some(queues::with_lease(observed, settings, Plan::steps(steps)))
}

impl Observed {
    /// Whether the stored status says that the job is suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        condition::get(&self.status().conditions, ConditionType::Suspended).is_some_and(|known| known.status == "True")
    }

    fn suspended_status(&self, settings: &Settings) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        self.suspend(&mut status);
        status
    }

    /// Turns `status` into that of a suspended job.
    pub(crate) fn suspend(&self, status: &mut OmotesJobStatus) {
        let message = "spec.suspend keeps the job from running: set it to false, and the job goes on";
        status.phase = Some(Phase::Suspended);
        status.retry_time = None;
        condition::clear(&mut status.conditions, OBSTACLES);
        self.set(status, ConditionType::Suspended, ConditionUpdate::yes(Reason::Suspended, message));
        self.set(status, ConditionType::Running, ConditionUpdate::no(Reason::Suspended, message));
    }

    fn resumed_status(&self, settings: &Settings) -> OmotesJobStatus {
        let mut status = OmotesJobStatus {
            phase: Some(Phase::Queued),
            retry_time: Some(Time(whole_second(self.now))),
            ..self.accepted(settings)
        };
        self.set(&mut status, ConditionType::Suspended, ConditionUpdate::no(Reason::Resumed, "the job goes on"));
        self.set(
            &mut status,
            ConditionType::Running,
            ConditionUpdate::no(Reason::Resumed, "the job waits for its pod"),
        );
        status
    }
}

//! Whether a job waits for its seat, or has got it, by its stored status.
//!
//! Ring: core.

use crate::{
    api::{
        OmotesJob, Reason,
        condition::{self, ConditionType},
        status::Phase,
    },
    plan::facts::observed::Observed,
};

/// Why a job waits for its seat.
pub(crate) const REASONS: [Reason; 2] = [Reason::WaitingForSeat, Reason::WorkflowSuspended];

/// Whether the stored status of `job` says that it waits for a seat.
#[must_use]
pub(crate) fn waits_for_seat(job: &OmotesJob) -> bool {
    let Some(status) = &job.status else { return false };
    let said = condition::get(&status.conditions, ConditionType::Reconciling);
    let waits = said.is_some_and(|said| REASONS.iter().any(|known| said.reason == *known));
    waits && status.phase == Some(Phase::Queued)
}

impl Observed {
    /// Whether the stored status says so of this job.
    pub(crate) fn waits_for_seat(&self) -> bool {
        waits_for_seat(&self.job)
    }

    /// Whether the stored status says that the job has got its seat.
    pub(crate) fn is_seated(&self) -> bool {
        let conditions = &self.status().conditions;
        condition::get(conditions, ConditionType::Running).is_some_and(|said| said.reason == Reason::Seated)
    }
}

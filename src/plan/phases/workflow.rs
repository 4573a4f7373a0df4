//! A job that refers to a workflow: it waits for it, is measured by it, and keeps to it from then on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        status::Phase,
        time::whole_second,
    },
    plan::{
        facts::{
            SILENT_WAIT,
            observed::{Observed, Refusal, WorkflowSight},
        },
        steps::{Plan, Step},
    },
    pods::Settings,
    workflow::Revision,
};

/// Waits for a workflow that takes no jobs: whoever applies both at once need not care which comes first. A job that is to
/// be aborted waits for nothing. One that came over AMQP waits, too: it has the finalizer before it has its revision.
pub(crate) fn wait(observed: &Observed) -> Option<Plan> {
    let name = &observed.job.spec.workflow_ref.as_ref()?.name;
    let (reason, message) = match &observed.workflow {
        _ if observed.status().workflow_revision.is_some() || observed.job.spec.abort.is_some() => return None,
        WorkflowSight::Missing => (
            Reason::WorkflowNotFound,
            format!(
                "there is no OmotesWorkflow {name} in this namespace: create it, and the job goes on, or correct spec.workflowRef in another job"
            ),
        ),
        WorkflowSight::NotReady => (
            Reason::WorkflowNotAccepted,
            format!("OmotesWorkflow {name} is not accepted: look at its conditions; the job goes on when it is"),
        ),
        WorkflowSight::None | WorkflowSight::Pinned(_) | WorkflowSight::Current(_) | WorkflowSight::Lost => {
            return None;
        }
    };
    let said = condition::get(&observed.status().conditions, ConditionType::Accepted).cloned();
    let silent_until = observed.job.creation_timestamp().map_or(observed.now, |created| created.0) + SILENT_WAIT;
    if said.is_some_and(|said| said.reason == reason && said.observed_generation == observed.job.metadata.generation) {
        return Some(Plan::idle());
    }
    if observed.now < silent_until {
        return Some(Plan::wait(silent_until));
    }
    Some(Plan::steps(vec![Step::PatchStatus(Box::new(observed.unaccepted_status(reason, &message)))]))
}

/// Stores which revision the job keeps to, before anything is done for it.
pub(crate) fn pin(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let WorkflowSight::Current(revision) = &observed.workflow else { return None };
    let pinned = observed.status().workflow_revision.is_some();
    (!pinned).then(|| Plan::steps(vec![Step::PatchStatus(Box::new(observed.pinned_status(settings, revision)))]))
}

/// Why a job cannot have a pod whose revision somebody removed. It is not made again from the workflow as it is now: the
/// job would become another.
pub(crate) fn lost(observed: &Observed) -> Option<Refusal> {
    let revision = observed.status().workflow_revision.as_ref();
    (observed.job.spec.template.is_none()).then(|| Refusal {
        at: observed.now,
        reason: Reason::WorkflowRevisionLost,
        message: format!(
            "ControllerRevision {} that this job was accepted with is gone: somebody removed it. Delete this job and create another one",
            revision.map(String::as_str).unwrap_or_default()
        ),
    })
}

impl Observed {
    fn unaccepted_status(&self, reason: Reason, message: &str) -> OmotesJobStatus {
        let mut status = self.new_status();
        status.observed_generation = self.job.metadata.generation;
        status.phase = Some(Phase::Pending);
        self.set(&mut status, ConditionType::Accepted, ConditionUpdate::no(reason, message));
        self.set(&mut status, ConditionType::Reconciling, ConditionUpdate::yes(reason, message));
        status
    }

    /// The start deadline does not count while the job waited for its workflow.
    fn pinned_status(&self, settings: &Settings, revision: &Revision) -> OmotesJobStatus {
        let waited = condition::get(&self.status().conditions, ConditionType::Accepted).is_some();
        let mut status = self.accepted(settings);
        status.workflow_revision = Some(revision.name.clone());
        status.phase = Some(Phase::Pending);
        status.retry_time = waited.then(|| Time(whole_second(self.now)));
        condition::clear(&mut status.conditions, [ConditionType::Reconciling]);
        status
    }
}

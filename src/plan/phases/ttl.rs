//! A job that has ended: its pod is let go, its queues go when nobody wants them any more, and at last the job itself.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::{
    api::{OmotesJobStatus, retention::TtlAction, status::Phase, time::after},
    plan::{
        facts::observed::Observed,
        phases::{client_queues, refusal, release},
        steps::{Plan, Step, pod},
    },
    pods::Settings,
    result,
};

/// Plans for a job that has ended.
pub(crate) fn plan(observed: &Observed, settings: &Settings) -> Plan {
    if let Some(plan) = refusal::release(observed, settings) {
        return plan;
    }
    match release::settle(observed, settings) {
        // Its pod may hold it for days; its queues need not wait for that.
        Some(plan) if plan.steps.is_empty() => {
            let queues = client_queues::plan(observed);
            return Plan { steps: queues.steps, wake: plan.wake }.by_any(queues.wake);
        }
        Some(plan) => return plan,
        None => {}
    }
    if observed.is_expiration_news() {
        return Plan::steps(vec![Step::PatchStatus(Box::new(observed.renewed_status()))]);
    }
    let plan = client_queues::plan(observed);
    match observed.expiration(observed.status()) {
        _ if !plan.steps.is_empty() => plan,
        None => plan,
        Some(due) if observed.now < due => plan.by(due),
        Some(_) => leave(observed, plan),
    }
}

/// The job's time is over.
fn leave(observed: &Observed, queues: Plan) -> Plan {
    match observed.ttl_action() {
        TtlAction::Delete => {
            let meta = &observed.job.metadata;
            Plan::steps(vec![Step::DeleteJob {
                uid: observed.uid(),
                resource_version: meta.resource_version.clone().unwrap_or_default(),
            }])
        }
        TtlAction::CleanUp => clean_up(observed, queues),
    }
}

/// The resource stays as a record, without anything that belongs to it; a result that nobody has read stays until its own
/// time to live is over.
fn clean_up(observed: &Observed, queues: Plan) -> Plan {
    let pods = observed.retained.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
    let removed: Vec<Step> = pods.map(|pod| pod::delete(pod, None)).collect();
    if !removed.is_empty() {
        return Plan::steps(removed);
    }
    let done = observed.is_cleaned_up() || observed.status().queues.is_none();
    match observed.released() {
        _ if !(done && observed.has_finalizer()) => queues,
        Some(released) => Plan::steps(vec![pod::remove_finalizer(released)]),
        None => pod::look_up(observed),
    }
}

impl Observed {
    /// When the job, or what belongs to it, goes by its spec; `status` is that of the ended job.
    pub(crate) fn expiration(&self, status: &OmotesJobStatus) -> Option<Timestamp> {
        let spec = &self.job.spec;
        let by_end = spec.ttl_policy.as_ref().and_then(|policy| match status.phase? {
            Phase::Succeeded => policy.after_succeeded_seconds,
            Phase::Aborted => policy.after_aborted_seconds,
            _ => policy.after_failed_seconds,
        });
        let seconds = by_end.or(spec.ttl_seconds_after_finished)?;
        Some(after(status.completion_time.as_ref()?.0, seconds))
    }

    fn ttl_action(&self) -> TtlAction {
        self.job.spec.ttl_policy.as_ref().map(|policy| policy.action).unwrap_or_default()
    }

    /// Whether what belongs to the job is to go now, and the job is to stay.
    #[must_use]
    pub(crate) fn is_to_be_cleaned_up(&self) -> bool {
        let due = || self.expiration(self.status()).is_some_and(|due| due <= self.now);
        self.is_terminal() && self.ttl_action() == TtlAction::CleanUp && due()
    }

    /// Whether the spec has changed since the status was stored; the time to live may be another.
    fn is_expiration_news(&self) -> bool {
        self.is_spec_news() && self.has_finalizer()
    }

    fn renewed_status(&self) -> OmotesJobStatus {
        let status = self.new_status();
        let expiration_time = self.expiration(&status).map(Time);
        OmotesJobStatus { observed_generation: self.job.metadata.generation, expiration_time, ..status }
    }

    /// When a broker that is away has delayed the job's deletion for long enough.
    #[must_use]
    pub(crate) fn cleanup_deadline(&self) -> Option<Timestamp> {
        result::cleanup_deadline(&self.job)
    }
}

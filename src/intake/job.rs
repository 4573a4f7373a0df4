//! The OmotesJob for a submission.

use kube::api::ObjectMeta;
use serde_json::{Map, Value};

use crate::{
    api::{
        OmotesJob, OmotesJobSpec, OmotesWorkflow,
        job::{EsdlSource, FromBroker, Input, Priority, WorkflowRef},
        names,
        queues::{QueueDeclare, QueuePolicy},
        retention::PodRetentionPolicy,
    },
    text::first_chars,
    wire::{JobPriority, JobSubmission, KeyId},
};

/// As long as the schema admits.
const MAX_REFERENCE_CHARS: usize = 1024;
const MS_PER_SECOND: u32 = 1000;

/// Where the jobs that come over AMQP go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Their namespace.
    pub namespace: String,
    /// How long they stay after their end.
    pub ttl_seconds_after_finished: i64,
}

/// What a job is made of beside its submission.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admitted<'a> {
    pub(super) workflow: &'a OmotesWorkflow,
    pub(super) parameters: &'a Map<String, Value>,
}

/// How long a submission's job may run, in seconds; `None` is without limit, which a client may also write as 0.
pub(super) fn run_seconds(submission: &JobSubmission) -> Option<i64> {
    let ms = submission.timeout_ms.filter(|ms| *ms > 0)?;
    Some(ms.div_ceil(MS_PER_SECOND).into())
}

/// How the client's own queues are kept: their lease is renewed often enough for the time to live that it gave them.
pub(super) fn queues(time_to_live_ms: Option<i64>) -> QueuePolicy {
    let usual = QueuePolicy { declare: QueueDeclare::Never, ..QueuePolicy::default() };
    let seconds = time_to_live_ms.map(|ms| (ms / i64::from(MS_PER_SECOND)).max(1));
    QueuePolicy { expire_after_seconds: seconds.unwrap_or(usual.expire_after_seconds), ..usual }
}

/// The job of `submission`. It holds the operator's finalizer from the start: its input is at the broker before it is
/// itself, and a client that deletes it in its first moment is told so.
pub(super) fn job(
    submission: &JobSubmission,
    admitted: Admitted<'_>,
    placement: &Placement,
    queues: QueuePolicy,
) -> OmotesJob {
    OmotesJob {
        metadata: ObjectMeta {
            name: Some(submission.uuid.clone()),
            namespace: Some(placement.namespace.clone()),
            finalizers: Some(vec![names::FINALIZER_CLEANUP.to_owned()]),
            ..ObjectMeta::default()
        },
        spec: spec(submission, admitted, placement, queues),
        status: None,
    }
}

fn spec(
    submission: &JobSubmission,
    admitted: Admitted<'_>,
    placement: &Placement,
    queues: QueuePolicy,
) -> OmotesJobSpec {
    let Admitted { workflow, parameters } = admitted;
    OmotesJobSpec {
        job_id: Some(submission.uuid.clone()),
        workflow_ref: Some(WorkflowRef { name: workflow.metadata.name.clone().unwrap_or_default() }),
        priority: Some(priority(submission.priority)),
        job_reference: submission.job_reference.as_deref().map(|text| first_chars(text, MAX_REFERENCE_CHARS)),
        input: Some(input(parameters)),
        queues,
        max_run_seconds: run_seconds(submission),
        ttl_seconds_after_finished: Some(placement.ttl_seconds_after_finished),
        template: None,
        courier: None,
        expected_duration: None,
        start_deadline_seconds: None,
        heartbeat: None,
        abort: None,
        backoff_limit: None,
        retry: None,
        pod_failure_policy: None,
        suspend: false,
        managed_by: None,
        // Clients may make thousands of jobs a day; the pods of all would be a burden, and those of failures are wanted.
        pod_retention_policy: PodRetentionPolicy::RetainOnFailure,
        force_deletion_policy: None,
        exit_codes: None,
        ttl_policy: None,
    }
}

/// `job`, whose input is sealed under the key with this id.
#[must_use]
pub(crate) fn sealed_by(mut job: OmotesJob, key_id: KeyId) -> OmotesJob {
    let annotations = job.metadata.annotations.get_or_insert_default();
    annotations.insert(names::ANNOTATION_INPUT_KEY.to_owned(), key_id.to_string());
    job
}

fn priority(asked: JobPriority) -> Priority {
    match asked {
        JobPriority::Low => Priority::Low,
        JobPriority::Medium => Priority::Medium,
        JobPriority::High => Priority::High,
    }
}

fn input(parameters: &Map<String, Value>) -> Input {
    let esdl = EsdlSource { from_broker: Some(FromBroker {}), ..EsdlSource::default() };
    Input { parameters: Some(parameters.clone()), esdl: Some(esdl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lease_is_the_clients_own() {
        let seconds = |ms| queues(ms).expire_after_seconds;
        assert_eq!((seconds(Some(8500)), seconds(Some(10)), seconds(None)), (8, 1, 172_800));
    }
}

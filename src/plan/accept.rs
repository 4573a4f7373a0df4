//! Whether a job is one that the operator runs: what neither the schema nor CEL can refuse.

use kube::ResourceExt;

use crate::{
    api::{OmotesJob, OmotesJobSpec, job::MAX_SECONDS, names},
    limits::{Defaults, grace_seconds},
    pods,
};

use super::{
    Settings,
    observed::{Claim, Observed, Sight},
    workflow,
};

/// The most bytes that `input.parameters` may have as JSON.
pub const MAX_PARAMETERS_BYTES: usize = 64 * 1024;
/// The most bytes that an inline ESDL may have: with the parameters it fits the 256 KiB of a pod's annotations.
pub const MAX_INLINE_BYTES: usize = 128 * 1024;

/// Why a job is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A PascalCase fact.
    pub reason: &'static str,
    /// Field, value and remedy, for people.
    pub message: String,
}

/// Whether this operator runs `job`, and not another controller.
#[must_use]
pub fn is_ours(job: &OmotesJob) -> bool {
    job.spec.managed_by.as_ref().is_none_or(|controller| controller == names::MANAGED_BY)
}

/// Why `observed`'s job is not one to run, if it is not. Once a job holds the finalizer it has been accepted.
#[must_use]
pub fn rejection(observed: &Observed, settings: &Settings) -> Option<Rejection> {
    if observed.has_finalizer() {
        return None;
    }
    taken(observed)
        .or_else(|| too_large(observed))
        .or_else(|| not_at_the_broker(&observed.job, settings))
        .or_else(|| workflow::rejection(observed))
        .or_else(|| contradiction(&observed.job.spec, &settings.defaults))
}

/// Whether a job of somebody else's id holds the finalizer that only the operator gives: whoever made it put it there, so
/// that it would pass for one that was taken on.
#[must_use]
pub fn is_forged(observed: &Observed) -> bool {
    let began = observed.status().job_id.is_some() || !matches!(observed.pod, Sight::Absent);
    observed.has_finalizer() && !began && taken(observed).is_some()
}

fn taken(observed: &Observed) -> Option<Rejection> {
    let Claim::TakenBy(holder) = &observed.claim else { return None };
    Some(Rejection {
        reason: "DuplicateJobId",
        message: format!(
            "spec.jobId {} belongs to OmotesJob {holder}, which was there first: give this job another id, or leave spec.jobId out. It runs nothing and its deletion touches no queue",
            observed.job_id()
        ),
    })
}

fn too_large(observed: &Observed) -> Option<Rejection> {
    let input = observed.job.spec.input.as_ref()?;
    let parameters = input.parameters.as_ref().map_or(0, |parameters| crate::pods::parameters_json(parameters).len());
    if parameters > MAX_PARAMETERS_BYTES {
        return Some(Rejection {
            reason: "ParametersTooLarge",
            message: format!(
                "spec.input.parameters has {parameters} bytes as JSON and may have {MAX_PARAMETERS_BYTES}: put large data into the ESDL or a volume"
            ),
        });
    }
    let inline = input.esdl.as_ref().and_then(|esdl| esdl.inline.as_ref()).map_or(0, String::len);
    (inline > MAX_INLINE_BYTES).then(|| Rejection {
        reason: "InlineEsdlTooLarge",
        message: format!("spec.input.esdl.inline has {inline} bytes and may have {MAX_INLINE_BYTES}: put it into a ConfigMap or Secret and name that instead"),
    })
}

/// Only the gateway puts inputs to the broker, for jobs that it names after their id.
fn not_at_the_broker(job: &OmotesJob, settings: &Settings) -> Option<Rejection> {
    pods::input_queue(job, &settings.capability_key)?;
    let (namespace, name) = (job.namespace().unwrap_or_default(), job.name_any());
    let by_gateway = settings.gateway_namespace.as_ref() == Some(&namespace) && job.spec.job_id.as_ref() == Some(&name);
    let courier = job.spec.courier().enabled;
    (!by_gateway || !courier).then(|| Rejection {
        reason: "NoInputAtBroker",
        message: format!(
            "spec.input.esdl.fromBroker is for jobs that came over AMQP, and {namespace}/{name} {}: name a ConfigMap or a Secret instead, or give the ESDL inline",
            if by_gateway { "has no courier to fetch it" } else { "did not" }
        ),
    })
}

/// Limits of which one can never be reached, or that nothing can keep.
fn contradiction(spec: &OmotesJobSpec, defaults: &Defaults) -> Option<Rejection> {
    let run = defaults.run_seconds(spec, 0)?;
    let heartbeat = spec.heartbeat.as_ref().map(|heartbeat| heartbeat.timeout_seconds);
    let grace = grace_seconds(spec);
    if run > MAX_SECONDS {
        return Some(Rejection {
            reason: "LimitTooLong",
            message: format!(
                "spec.expectedDuration comes to {run} s, and a limit may have {MAX_SECONDS} s (ten years): lower numResources or secondsPerResource"
            ),
        });
    }
    if let Some(timeout) = heartbeat.filter(|timeout| *timeout >= run) {
        return Some(Rejection {
            reason: "LimitsContradict",
            message: format!(
                "spec.heartbeat.timeoutSeconds is {timeout}, and the job may run for {run} s: it could never be missed. Lower it, or raise spec.expectedDuration and spec.maxRunSeconds"
            ),
        });
    }
    (grace > run).then(|| Rejection {
        reason: "LimitsContradict",
        message: format!(
            "spec.template.spec.terminationGracePeriodSeconds is {grace}, longer than the {run} s that the job may run: lower it, or raise spec.expectedDuration and spec.maxRunSeconds"
        ),
    })
}

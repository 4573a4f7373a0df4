//! Whether a job is one that the operator runs: what neither the schema nor CEL can refuse.

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJob, OmotesJobSpec, Reason, bounds::MAX_SECONDS, names},
    limits::Defaults,
    plan::facts::observed::{Claim, Observed},
    pods::{self, Settings},
    workflow::{Revision, check},
};

/// The most bytes that `input.parameters` may have as JSON.
pub(crate) const MAX_PARAMETERS_BYTES: usize = 64 * 1024;
/// The most bytes that an inline ESDL may have: with the parameters it fits the 256 KiB of a pod's annotations.
pub(crate) const MAX_INLINE_BYTES: usize = 128 * 1024;

/// Why a job is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The reason of the condition and the Event.
    pub reason: Reason,
    /// Field, value and remedy, for people.
    pub message: String,
}

/// Whether this operator runs `job`, and not another controller.
#[must_use]
pub(crate) fn is_ours(job: &OmotesJob) -> bool {
    job.spec.managed_by.as_ref().is_none_or(|controller| controller == names::MANAGED_BY)
}

/// Why `observed`'s job is not one to run, if it is not. Only the status says that a job was accepted: a finalizer can
/// stand in the manifest of any user.
#[must_use]
pub(crate) fn rejection(observed: &Observed, settings: &Settings) -> Option<Rejection> {
    if observed.is_accepted() {
        return None;
    }
    taken(observed)
        .or_else(|| too_large(observed))
        .or_else(|| unfit(observed))
        .or_else(|| refused_as_configured(observed, settings))
}

/// What depends on the operator's version and configuration. A job whose pod was made before its acceptance was stored was
/// accepted as the operator was configured then.
fn refused_as_configured(observed: &Observed, settings: &Settings) -> Option<Rejection> {
    if observed.own_pod().is_some() {
        return None;
    }
    not_at_the_broker(&observed.job, settings)
        .or_else(|| killed_by_probe(&observed.job.spec))
        .or_else(|| contradiction(&observed.job.spec, &settings.defaults))
}

/// Whether a client waits for the result of a job that is refused: one that came over AMQP, and whose workflow became
/// another before the job was accepted, say.
#[must_use]
pub(crate) fn has_client(observed: &Observed, settings: &Settings) -> bool {
    let came_over_amqp = pods::input_queue(&observed.job, &settings.keys).is_some();
    let is_ours = observed.claim == Claim::Ours && not_at_the_broker(&observed.job, settings).is_none();
    came_over_amqp && is_ours && observed.has_finalizer()
}

fn taken(observed: &Observed) -> Option<Rejection> {
    let Claim::TakenBy(holder) = &observed.claim else { return None };
    Some(Rejection {
        reason: Reason::DuplicateJobId,
        message: format!(
            "spec.jobId {} belongs to OmotesJob {holder}, which was there first: give this job another id, or leave spec.jobId out. It runs nothing and its deletion touches no queue",
            observed.job_id()
        ),
    })
}

fn killed_by_probe(spec: &OmotesJobSpec) -> Option<Rejection> {
    let message = pods::main_defect(spec.template.as_ref()?)?;
    Some(Rejection { reason: Reason::ProbeOnMain, message })
}

fn too_large(observed: &Observed) -> Option<Rejection> {
    let input = observed.job.spec.input.as_ref()?;
    let parameters = input.parameters.as_ref().map_or(0, |parameters| crate::pods::parameters_json(parameters).len());
    if parameters > MAX_PARAMETERS_BYTES {
        return Some(Rejection {
            reason: Reason::ParametersTooLarge,
            message: format!(
                "spec.input.parameters has {parameters} bytes as JSON and may have {MAX_PARAMETERS_BYTES}: put large data into the ESDL or a volume"
            ),
        });
    }
    let inline = input.esdl.as_ref().and_then(|esdl| esdl.inline.as_ref()).map_or(0, String::len);
    (inline > MAX_INLINE_BYTES).then(|| Rejection {
        reason: Reason::InlineEsdlTooLarge,
        message: format!("spec.input.esdl.inline has {inline} bytes and may have {MAX_INLINE_BYTES}: put it into a ConfigMap or Secret and name that instead"),
    })
}

/// Only the gateway puts inputs to the broker, for jobs that it names after their id.
fn not_at_the_broker(job: &OmotesJob, settings: &Settings) -> Option<Rejection> {
    pods::input_queue(job, &settings.keys)?;
    let (namespace, name) = (job.namespace().unwrap_or_default(), job.name_any());
    let by_gateway = settings.gateway_namespace.as_ref() == Some(&namespace) && job.spec.job_id.as_ref() == Some(&name);
    let courier = job.spec.courier().enabled;
    (!by_gateway || !courier).then(|| Rejection {
        reason: Reason::NoInputAtBroker,
        message: format!(
            "spec.input.esdl.fromBroker is for jobs that came over AMQP, and {namespace}/{name} {}: name a ConfigMap or a Secret instead, or give the ESDL inline",
            if by_gateway { "has no courier to fetch it" } else { "did not" }
        ),
    })
}

/// Limits of which one can never be reached, or that nothing can keep. A grace that is longer than the limit is neither: it
/// begins where the limit ends.
fn contradiction(spec: &OmotesJobSpec, defaults: &Defaults) -> Option<Rejection> {
    let run = defaults.run_seconds(spec, 0)?;
    let heartbeat = spec.heartbeat.as_ref().map(|heartbeat| heartbeat.timeout_seconds);
    if run > MAX_SECONDS {
        return Some(Rejection {
            reason: Reason::LimitTooLong,
            message: format!(
                "spec.expectedDuration comes to {run} s, and a limit may have {MAX_SECONDS} s (ten years): lower numResources or secondsPerResource"
            ),
        });
    }
    heartbeat.filter(|timeout| *timeout >= run).map(|timeout| Rejection {
        reason: Reason::LimitsContradict,
        message: format!(
            "spec.heartbeat.timeoutSeconds is {timeout}, and the job may run for {run} s: it could never be missed. Lower it, or raise spec.expectedDuration and spec.maxRunSeconds"
        ),
    })
}

/// What a workflow refuses of the job.
fn unfit(observed: &Observed) -> Option<Rejection> {
    let revision = observed.workflow.revision()?;
    let parameters = observed.job.spec.input.as_ref().and_then(|input| input.parameters.clone()).unwrap_or_default();
    if let Err(invalid) = check(&parameters, &revision.spec) {
        let message = format!("spec.input.parameters: {invalid}. Correct them in another job");
        return Some(Rejection { reason: Reason::InvalidParameters, message });
    }
    too_long(observed, revision).or_else(|| unheard(observed, revision)).or_else(|| exposed(observed, revision))
}

fn too_long(observed: &Observed, revision: &Revision) -> Option<Rejection> {
    let most = revision.spec.job_maxima.max_run_seconds?;
    let asked = observed.job.spec.max_run_seconds.filter(|asked| *asked > most)?;
    Some(Rejection {
        reason: Reason::LimitTooLong,
        message: format!(
            "spec.maxRunSeconds is {asked}, and OmotesWorkflow {} allows {most} (spec.jobMaxima.maxRunSeconds): ask for less, or leave it out",
            revision.workflow
        ),
    })
}

/// Of one spec the schema sees to it.
fn unheard(observed: &Observed, revision: &Revision) -> Option<Rejection> {
    let spec = &observed.job.spec;
    (spec.heartbeat.is_some() && !spec.courier().enabled).then(|| Rejection {
        reason: Reason::HeartbeatWithoutCourier,
        message: format!(
            "spec.heartbeat needs the courier, which OmotesWorkflow {} turns off: leave spec.heartbeat out, or set spec.courier.enabled to true",
            revision.workflow
        ),
    })
}

/// Of one spec the schema sees to it.
fn exposed(observed: &Observed, revision: &Revision) -> Option<Rejection> {
    let spec = &observed.job.spec;
    let pod = spec.template.as_ref().and_then(|template| template.spec.as_ref())?;
    let shares = pod.share_process_namespace == Some(true) || pod.host_pid == Some(true);
    (shares && spec.courier().enabled).then(|| Rejection {
        reason: Reason::CourierExposed,
        message: format!(
            "the job has a courier, and the pods of OmotesWorkflow {} share their processes (shareProcessNamespace, hostPID), so that the program could stop its courier: set spec.courier.enabled to false, or have the workflow share none",
            revision.workflow
        ),
    })
}

/// Why nothing that main of `pod` does is its own, where that is so.
pub(crate) fn added_defect(observed: &Observed, pod: &Pod) -> Option<String> {
    pods::added_defect(pod, observed.job.spec.template.as_ref()?)
}

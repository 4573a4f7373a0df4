//! Whether a job is one that the operator runs: what neither the schema nor CEL can refuse.

use super::observed::{Claim, Observed};

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

/// Why `observed`'s job is not one to run, if it is not. Once a job holds the finalizer it has been accepted.
#[must_use]
pub fn rejection(observed: &Observed) -> Option<Rejection> {
    if observed.has_finalizer() {
        return None;
    }
    taken(observed).or_else(|| too_large(observed))
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

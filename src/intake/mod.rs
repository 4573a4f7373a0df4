//! What to do with what clients say: from a message's bytes to a verdict.
//!
//! Ring: core. Pure and total: the shell (`gateway`) brings the facts and carries the verdict out.
//!
//! # Guarantees
//! - A message that can be read and says whose job it is about is answered, as OMOTES' orchestrator would: with a job, or
//!   with one result that says why there is none. Any other is rejected, whoever sent it.
//! - A uuid is taken as the client wrote it, lower-case and dashed, because its queues bear it. In any other spelling no
//!   client has queues, so that it is rejected and not corrected.
//! - The same submission makes the same job, and one that is there makes none.

mod job;
mod offer;
mod poison;
mod tombstones;

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{
    api::{OmotesJob, OmotesWorkflow},
    plan::facts::admission::MAX_PARAMETERS_BYTES,
    pods::parameters_json,
    text::first_chars,
    topology::is_uuid,
    wire::{JobSubmission, SubmissionError, parse_delete},
};

use job::Admitted;

pub use job::Placement;
pub(crate) use job::sealed_by;
pub use offer::offer;
pub(crate) use poison::PoisonLog;
pub use poison::{Poison, RejectedMessage};
pub use tombstones::Tombstone;
pub(crate) use tombstones::Tombstones;

/// The largest submission: as large as the largest result.
pub(crate) const MAX_SUBMISSION_BYTES: usize = 128 * 1024 * 1024;
/// A uuid, and fields of later versions of the protocol.
const MAX_DELETION_BYTES: usize = 4096;
/// Of a text that a client sent, in an answer to it.
const MAX_QUOTED_CHARS: usize = 128;

/// What is known when a submission is judged.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Whose the uuid is.
    pub standing: UuidState,
    /// Whether somebody deleted the job before.
    pub tombstone: Option<Tombstone>,
    /// How long the client's result queue lives unused, in milliseconds, where that is known: it is not on the wire.
    pub time_to_live_ms: Option<i64>,
    /// The workflows that clients may ask for.
    pub workflows: &'a [Arc<OmotesWorkflow>],
}

/// Whose a uuid is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UuidState {
    /// Nobody's.
    New,
    /// That of a job that came over AMQP.
    Stored,
    /// That of another job: of another namespace, or one that somebody made himself.
    Taken,
}

/// What to do with a submission.
#[derive(Debug, Clone, PartialEq)]
pub enum SubmissionVerdict {
    /// Make this job; its input goes to the broker first.
    Create(Box<OmotesJob>),
    /// Nothing: it was taken before.
    Stored,
    /// Tell the client that it was cancelled; it never ran.
    Cancelled,
    /// Tell the client that it failed, and why.
    Refused(SubmissionRefusal),
    /// Tell nobody.
    Rejected(RejectedMessage),
}

/// Why a client gets an error instead of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionRefusal {
    /// For programs.
    pub reason: RefusalReason,
    /// For people: what was asked for, and what may be.
    pub logs: String,
}

impl SubmissionRefusal {
    /// A refusal for `reason`.
    pub(crate) fn new(reason: RefusalReason, logs: String) -> Self {
        Self { reason, logs }
    }
}

/// Why a client gets an error instead of a job. Closed, because it labels a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// There is no such workflow.
    UnknownWorkflow,
    /// The parameters are not those of the workflow.
    InvalidParameters,
    /// There is no ESDL.
    EmptyEsdl,
    /// The workflow's jobs may not run for so long.
    TimeoutTooLong,
    /// The apiserver does not take the job.
    JobRefused,
    /// The broker does not take the job's input.
    InputRefused,
}

impl RefusalReason {
    /// The metric's label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownWorkflow => "UnknownWorkflow",
            Self::InvalidParameters => "InvalidParameters",
            Self::EmptyEsdl => "EmptyEsdl",
            Self::TimeoutTooLong => "TimeoutTooLong",
            Self::JobRefused => "JobRefused",
            Self::InputRefused => "InputRefused",
        }
    }
}

/// The submission in a message.
///
/// # Errors
/// When it is none, or does not say whose it is.
pub fn read_submission(body: Bytes) -> Result<JobSubmission, RejectedMessage> {
    if body.len() > MAX_SUBMISSION_BYTES {
        return Err(too_large(body.len(), MAX_SUBMISSION_BYTES));
    }
    let read = JobSubmission::from_body(body).map_err(|error| {
        let poison = match error {
            SubmissionError::Malformed(_) | SubmissionError::NotUtf8 { .. } => Poison::Malformed,
            SubmissionError::Parameters(_) => Poison::ParametersUnreadable,
        };
        RejectedMessage::new(poison, error.to_string())
    })?;
    check_uuid(&read.uuid)?;
    if read.workflow_type.is_empty() {
        return Err(RejectedMessage::new(Poison::Malformed, "it asks for no workflow_type, so it is no submission"));
    }
    Ok(read)
}

/// The id of the job that a message asks to end.
///
/// # Errors
/// When it does not say which.
pub fn read_deletion(body: &[u8]) -> Result<String, RejectedMessage> {
    if body.len() > MAX_DELETION_BYTES {
        return Err(too_large(body.len(), MAX_DELETION_BYTES));
    }
    let uuid = parse_delete(body).map_err(|error| RejectedMessage::new(Poison::Malformed, error))?;
    check_uuid(&uuid)?;
    Ok(uuid)
}

fn too_large(bytes: usize, most: usize) -> RejectedMessage {
    RejectedMessage::new(Poison::TooLarge, format!("it has {bytes} bytes and may have {most}"))
}

fn check_uuid(text: &str) -> Result<(), RejectedMessage> {
    if is_uuid(text) {
        return Ok(());
    }
    let quoted = quoted(text);
    Err(RejectedMessage::new(Poison::NotAUuid, format!("uuid {quoted} is not a lower-case UUID with dashes")))
}

/// The verdict on a submission.
#[must_use]
pub fn judge(submission: &JobSubmission, facts: Facts<'_>, placement: &Placement) -> SubmissionVerdict {
    match (facts.standing, facts.tombstone) {
        (UuidState::Taken, _) => SubmissionVerdict::Rejected(RejectedMessage::of_anothers(&submission.uuid)),
        (UuidState::Stored, _) | (UuidState::New, Some(Tombstone::Answered)) => SubmissionVerdict::Stored,
        (UuidState::New, Some(Tombstone::Unanswered)) => SubmissionVerdict::Cancelled,
        (UuidState::New, None) => match admit(submission, facts.workflows) {
            Ok(admitted) => {
                let queues = job::queues(facts.time_to_live_ms);
                SubmissionVerdict::Create(Box::new(job::job(submission, admitted, placement, queues)))
            }
            Err(refusal) => SubmissionVerdict::Refused(refusal),
        },
    }
}

/// Whether a submission may run.
fn admit<'a>(
    submission: &'a JobSubmission,
    workflows: &'a [Arc<OmotesWorkflow>],
) -> Result<Admitted<'a>, SubmissionRefusal> {
    let known = workflows
        .iter()
        .find(|workflow| workflow.spec.type_name == submission.workflow_type && offer::is_offered(workflow));
    let workflow = known.ok_or_else(|| unknown(submission, workflows))?;
    if submission.esdl.is_empty() {
        return Err(SubmissionRefusal::new(
            RefusalReason::EmptyEsdl,
            "the submission has no ESDL: the field esdl is empty".to_owned(),
        ));
    }
    let parameters = check_parameters(submission, workflow)?;
    check_timeout(submission, workflow)?;
    Ok(Admitted { workflow, parameters })
}

fn unknown(submission: &JobSubmission, workflows: &[Arc<OmotesWorkflow>]) -> SubmissionRefusal {
    let offered = workflows.iter().filter(|workflow| offer::is_offered(workflow));
    let mut names: Vec<&str> = offered.map(|workflow| workflow.spec.type_name.as_str()).collect();
    names.sort_unstable();
    let known = if names.is_empty() { "there are none".to_owned() } else { first_chars(&names.join(", "), 4096) };
    let asked = quoted(&submission.workflow_type);
    SubmissionRefusal::new(
        RefusalReason::UnknownWorkflow,
        format!("the workflow type {asked} is unknown; those that can be asked for: {known}"),
    )
}

fn check_parameters<'a>(
    submission: &'a JobSubmission,
    workflow: &OmotesWorkflow,
) -> Result<&'a Map<String, Value>, SubmissionRefusal> {
    let invalid = |said: String| SubmissionRefusal::new(RefusalReason::InvalidParameters, said);
    let parameters = submission.parameters.as_ref().map_err(|error| invalid(error.to_string()))?;
    let bytes = parameters_json(parameters).len();
    if bytes > MAX_PARAMETERS_BYTES {
        let said = format!(
            "params_dict has {bytes} bytes as JSON and may have {MAX_PARAMETERS_BYTES}: put large data into the ESDL"
        );
        return Err(invalid(said));
    }
    crate::workflow::check(parameters, &workflow.spec).map_err(|error| invalid(error.to_string()))?;
    Ok(parameters)
}

fn check_timeout(submission: &JobSubmission, workflow: &OmotesWorkflow) -> Result<(), SubmissionRefusal> {
    let Some((asked, most)) = job::run_seconds(submission).zip(workflow.spec.job_maxima.max_run_seconds) else {
        return Ok(());
    };
    if asked <= most {
        return Ok(());
    }
    let said = format!(
        "timeout_ms asks for {asked} s, and jobs of workflow type {} may run for {most} s: ask for less",
        workflow.spec.type_name
    );
    Err(SubmissionRefusal::new(RefusalReason::TimeoutTooLong, said))
}

fn quoted(text: &str) -> String {
    format!("{:?}", first_chars(text, MAX_QUOTED_CHARS))
}

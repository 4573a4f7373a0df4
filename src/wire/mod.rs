//! Everything that is said over the broker, and the courier's file formats.
//!
//! Ring: core. Pure translators between bytes and values: no I/O, no clock, no async.
//!
//! Guarantees:
//! - The OMOTES messages are those of the OMOTES protocol, field for field ([`JobResult`]).
//! - Every parser is total and bounded: whatever a job writes or somebody publishes becomes a value or an error, never
//!   a panic and never an allocation that its input does not justify.
//! - A large output is never copied by a parser: it stays the slice of the message that it came in.

mod assignment;
mod capability;
mod courier;
mod digest;
mod messages;
mod progress;
mod protocol;
mod record;
mod structure;
mod submission;
mod text;
mod workflows;

pub use assignment::Assignment;
pub use capability::{Capability, CapabilityKey, CapabilityKeyError, ParseCapabilityError};
pub use courier::{CourierOutput, CourierProgress, OutputError, ProgressError, RESULT_HEADROOM_BYTES};
pub use digest::{Digest, ParseDigestError};
pub use messages::parse_messages;
pub use progress::{ProgressLine, parse_progress_line};
pub use protocol::{
    EsdlMessage, JobProgressUpdate, JobResult, JobStatus, JobStatusUpdate, MAX_LOG_BYTES, ResultType, Severity,
};
pub use record::{CommitRecord, FailureCause, FailureRecord, MAX_RECORD_BYTES, RecordError, TerminationRecord};
pub use structure::StructError;
pub use submission::{JobPriority, JobSubmission, SubmissionError, parse_delete};
pub(crate) use text::first_chars;
pub use workflows::{
    AvailableWorkflows, BooleanParameter, Constraint, DateTimeParameter, DurationParameter, FloatParameter,
    IntegerParameter, ParameterType, Relation, StringEnum, StringParameter, Workflow, WorkflowParameter,
};

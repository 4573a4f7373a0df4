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
mod flush;
mod hex;
mod messages;
mod namespace_key;
mod operator_key;
mod progress;
mod protocol;
mod record;
mod remark;
mod structure;
mod submission;
mod workflows;

pub(crate) use assignment::{Assignment, SealedInput};
pub use capability::Capability;
pub use courier::{CourierMessage, CourierNotice, CourierOutput, OutputError};
pub use digest::Digest;
pub(crate) use flush::FlushRequest;
pub(crate) use messages::parse_messages;
pub(crate) use namespace_key::NONCE_BYTES;
pub use namespace_key::{KeyId, NamespaceKey, SealError};
pub use operator_key::{CapabilityKey, Keys};
pub use progress::ProgressLine;
pub(crate) use progress::parse_progress_line;
pub use protocol::{JobProgressUpdate, JobResult, JobStatus, JobStatusUpdate, ResultType};
pub use record::{CommitRecord, FailureCause, FailureRecord, OutputMark, TerminationRecord};
pub use remark::{EsdlMessage, Severity};
pub(crate) use submission::parse_delete;
pub use submission::{JobPriority, JobSubmission, SubmissionError};
pub use workflows::{
    AvailableWorkflows, BooleanParameter, DateTimeParameter, DurationParameter, FloatParameter, IntegerParameter,
    ParameterConstraint, ParameterRelation, ParameterType, StringEnum, StringParameter, Workflow, WorkflowParameter,
};

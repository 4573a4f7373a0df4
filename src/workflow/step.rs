//! What can be done for a workflow: the effects of one pass over it.
//!
//! Ring: core. Plain values.

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};

use crate::api::OmotesWorkflowStatus;

/// One effect.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum WorkflowStep {
    /// Makes the revision that jobs pin from now on.
    CreateRevision(Box<ControllerRevision>),
    /// Removes a revision that nobody needs.
    DeleteRevision {
        /// Its name.
        name: String,
        /// It must still be this one …
        uid: String,
        /// … and unchanged.
        resource_version: String,
    },
    /// Makes a pod that waits for a job.
    CreateWarmPod(Box<Pod>),
    /// Removes a pod that has no job.
    DeleteWarmPod {
        /// Its name.
        name: String,
        /// It must still be this one …
        uid: String,
        /// … and unchanged: a job may have got it.
        resource_version: String,
        /// How it failed, where it did; for people.
        failure: Option<String>,
    },
    /// Stores the status.
    PatchStatus(Box<OmotesWorkflowStatus>),
}

/// What to do for a workflow, and when to look again.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WorkflowPlan {
    /// The effects, in order.
    pub steps: Vec<WorkflowStep>,
    /// The nearest instant at which time alone changes the decision.
    pub wake: Option<Timestamp>,
}

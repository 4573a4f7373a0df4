//! What a job is known by while it is watched.
//!
//! Ring: shell; pure.

use std::fmt;

use kube::ResourceExt;

use crate::api::OmotesJob;

/// A job's namespace and name: the only name of a job in the controller and the gateway. A job that is deleted and made
/// anew has the same one, and another UID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct JobKey {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl JobKey {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn of(job: &OmotesJob) -> Self {
        Self::new(job.namespace().unwrap_or_default(), job.name_any())
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

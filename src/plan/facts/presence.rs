//! Whether a job's pod is there: what may be concluded where the watch does not show it.
//!
//! # Guarantees
//! A job without a pod is concluded only with a [`NoPod`], and its finalizer goes only with a [`Released`]. Both come from
//! what the apiserver or the watch said of that very pod, never from its absence in the watch alone.

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::sync::Arc;

use crate::{
    api::{OmotesJob, names},
    plan::facts::{
        observed::{Observed, Sight},
        owner, pod_state,
    },
};

/// How often a pod is looked up that the watch does not show, or whose creation may still come through.
pub(crate) const LOOK_UP_PERIOD: SignedDuration = SignedDuration::from_secs(5);
/// How long after a creation without an answer it may still come through: the apiserver gives a request up after 60 s, and
/// the rest is for its way there.
pub const CREATION_TIMEOUT: SignedDuration = SignedDuration::from_secs(75);
/// How long after a job's end its pod is looked up where the watch does not show it: it may still be held. Later it is
/// looked up when the job is deleted, so that a start of the operator does not ask for the pods of all that have ended.
const ENDED_LOOK_UP: SignedDuration = SignedDuration::from_mins(10);

/// Proof that the current attempt has no pod.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoPod(());

/// Proof that the finalizer of the operator holds no pod of the current attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Released(());

impl Sight<Arc<Pod>> {
    /// The pod, where it is seen and is `job`'s.
    #[must_use]
    pub fn of(&self, job: &OmotesJob) -> Option<&Arc<Pod>> {
        match self {
            Self::Known(pod) if owner::is_of(pod, job) => Some(pod),
            Self::Known(_) | Self::Absent | Self::Unlisted | Self::Unreachable => None,
        }
    }
}

impl Observed {
    /// The pod of the current attempt, where it is seen and is this job's.
    #[must_use]
    pub(crate) fn own_pod(&self) -> Option<&Arc<Pod>> {
        self.pod.of(&self.job)
    }

    /// The proof that the current attempt has no pod, where there is one. A pod of that name that is another owner's is one.
    pub(crate) fn no_pod(&self) -> Option<NoPod> {
        match &self.pod {
            Sight::Known(_) => self.own_pod().is_none().then_some(NoPod(())),
            Sight::Absent => Some(NoPod(())),
            Sight::Unlisted | Sight::Unreachable => None,
        }
    }

    /// The proof that no pod of the current attempt waits for the operator, where there is one.
    pub(crate) fn released(&self) -> Option<Released> {
        let free = self.own_pod().is_some_and(|pod| !pod_state::is_held(pod));
        (free || self.no_pod().is_some()).then_some(Released(()))
    }

    /// Whether the pod of a job that has ended lately is unlisted: the finalizer of the operator may still hold it.
    pub(crate) fn misses_ended_pod(&self) -> bool {
        let status = self.status();
        let lately = status.completion_time.as_ref().is_some_and(|ended| self.now < ended.0 + ENDED_LOOK_UP);
        self.pod == Sight::Unlisted && status.pod_name.is_some() && lately
    }

    /// Whether the attempt should have a pod by now, so that one that is unlisted is looked up before another is made.
    pub(crate) fn expects_pod(&self) -> bool {
        self.was_pod_made || self.status().start_time.is_some() || is_chosen(self)
    }
}

/// Whether the operator's watch shows `pod`: a user may have changed its labels.
#[must_use]
pub fn is_listed(pod: &Pod) -> bool {
    names::is_managed(pod)
}

/// Whether the attempt is to get a pod that was not made for it.
pub(crate) fn is_chosen(observed: &Observed) -> bool {
    let own = names::pod_name(&observed.job.name_any(), observed.attempt());
    names::chosen_pod(&observed.job).is_some_and(|chosen| chosen != own)
}

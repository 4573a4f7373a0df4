//! How long a pod that was asked to stop may take: when its client is told without its end, and when it is forced off.
//!
//! Ring: core.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use crate::{
    api::time::after,
    plan::facts::{
        observed::Observed,
        pod_state::{self, FORCED_TIMEOUT_SECONDS},
    },
};

/// How long after the end of its grace a pod may take to be confirmed dead, before the client is told without that.
pub(crate) const CONFIRM_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

/// When the client is told without knowing that `pod`, which was told to stop, has died. Of a job that is to go on it is
/// never.
pub(crate) fn gives_up(observed: &Observed, pod: &Pod) -> Option<Timestamp> {
    let end = pod.metadata.deletion_timestamp.as_ref()?.0;
    let kill = match observed.status().abort.as_ref().filter(|decided| decided.cause.is_final()) {
        Some(decided) => decided.kill_time.0,
        // Main had ended when the job was deleted, and the rest of its pod was told to stop.
        None => observed.deletion()?,
    };
    Some(kill.max(end) + CONFIRM_TIMEOUT)
}

/// When `pod`, of which its node does not say that it has stopped, is forced off, where the job wants that: so early that
/// what its kubelet may still say comes before it is taken to have ended.
pub(crate) fn forces_off(observed: &Observed, pod: &Pod) -> Option<Timestamp> {
    let policy = observed.job.spec.force_deletion_policy.as_ref()?;
    let end = pod.metadata.deletion_timestamp.as_ref().filter(|_| pod_state::forced_off(pod).is_none())?;
    Some(after(end.0, policy.after_seconds - FORCED_TIMEOUT_SECONDS))
}

/// Whether that is now.
pub(crate) fn is_to_be_forced_off(observed: &Observed, pod: &Pod) -> bool {
    forces_off(observed, pod).is_some_and(|time| observed.now >= time)
}

/// Whether the client is to be told so now.
pub(crate) fn is_unconfirmed(observed: &Observed, pod: &Pod) -> bool {
    gives_up(observed, pod).is_some_and(|time| observed.now >= time)
}

//! How long a job may take: from its spec and the operator's defaults to seconds and instants.
//!
//! Ring: core. All sums saturate; what does not fit Kubernetes and RabbitMQ is refused before (`plan::facts::admission`).

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::{OmotesJob, OmotesJobSpec, limits::AttemptLimits, stop::Heartbeat, time::after};

/// Kubernetes' default grace, and a template's.
const DEFAULT_GRACE_SECONDS: i64 = 30;
/// How long a pod may take to start before its ceiling begins to count, where no start deadline says it: the kubelet
/// counts from when it took the pod, so that pulling an image is part of it.
const START_ALLOWANCE_SECONDS: i64 = 86_400;
/// What the pod's ceiling leaves for the operator's own stop to come first.
const CEILING_MARGIN_SECONDS: i64 = 60;

/// What holds where a job says nothing. Set by the operator's administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// For `spec.expectedDuration.secondsPerResource`.
    pub seconds_per_resource: i64,
    /// For `spec.expectedDuration.bufferSeconds`.
    pub buffer_seconds: i64,
    /// For `spec.maxRunSeconds`; `None` is no limit.
    pub max_run_seconds: Option<i64>,
    /// For `spec.startDeadlineSeconds`; `None` is no limit.
    pub start_deadline_seconds: Option<i64>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { seconds_per_resource: 20, buffer_seconds: 1200, max_run_seconds: None, start_deadline_seconds: None }
    }
}

impl Defaults {
    /// How long the next attempt of a job may run, in seconds: as long as is expected of it, or what is left of what the
    /// job may at most after `active_seconds`, whichever is less. `None` is without limit.
    #[must_use]
    pub(crate) fn run_seconds(&self, spec: &OmotesJobSpec, active_seconds: i64) -> Option<i64> {
        let expected = self.expected_seconds(spec);
        let most = self.max_run_seconds(spec).map(|most| most.saturating_sub(active_seconds));
        expected.into_iter().chain(most).min()
    }

    /// How long is expected of the program of a job, in seconds, where the job says so.
    #[must_use]
    pub(crate) fn expected_seconds(&self, spec: &OmotesJobSpec) -> Option<i64> {
        let expected = spec.expected_duration.as_ref()?;
        let each = expected.seconds_per_resource.unwrap_or(self.seconds_per_resource);
        let buffer = expected.buffer_seconds.unwrap_or(self.buffer_seconds);
        Some(expected.num_resources.saturating_mul(each).saturating_add(buffer))
    }

    fn max_run_seconds(&self, spec: &OmotesJobSpec) -> Option<i64> {
        spec.max_run_seconds.or(self.max_run_seconds)
    }

    /// How long after its creation a job must have started, in seconds. `None` is without limit.
    #[must_use]
    pub(crate) fn start_seconds(&self, spec: &OmotesJobSpec) -> Option<i64> {
        spec.start_deadline_seconds.or(self.start_deadline_seconds)
    }

    /// When the current attempt of `job` must have started: it counts from the job's creation, or from when the attempt
    /// was due.
    #[must_use]
    pub(crate) fn start_deadline(&self, job: &OmotesJob) -> Option<Timestamp> {
        let due = job.status.as_ref().and_then(|status| status.retry_time.clone());
        let seconds = self.in_force(job).start_seconds(&job.spec)?;
        Some(after(due.or_else(|| job.creation_timestamp())?.0, seconds))
    }

    /// The defaults in force for the current attempt of `job`: those that it was started with, before that these.
    #[must_use]
    pub fn in_force(&self, job: &OmotesJob) -> Self {
        let Some(limits) = recorded(job) else { return self.clone() };
        Self {
            seconds_per_resource: limits.seconds_per_resource,
            buffer_seconds: limits.buffer_seconds,
            max_run_seconds: limits.max_run_seconds,
            start_deadline_seconds: limits.start_deadline_seconds,
        }
    }

    /// What an attempt that is started now keeps to, as it is recorded.
    #[must_use]
    pub fn limits(&self, spec: &OmotesJobSpec) -> AttemptLimits {
        let expected = spec.expected_duration.as_ref();
        AttemptLimits {
            max_run_seconds: self.max_run_seconds(spec),
            seconds_per_resource: expected
                .and_then(|expected| expected.seconds_per_resource)
                .unwrap_or(self.seconds_per_resource),
            buffer_seconds: expected.and_then(|expected| expected.buffer_seconds).unwrap_or(self.buffer_seconds),
            start_deadline_seconds: self.start_seconds(spec),
            termination_grace_period_seconds: grace_seconds(spec),
            flush_seconds: flush_seconds(spec),
            heartbeat: spec.heartbeat.clone(),
        }
    }

    /// The pod's own `activeDeadlineSeconds`, which holds while no operator is there: later than any stop of the
    /// operator, because the kubelet reports a pod that it stops so as failed even when main exits with 0. The most that
    /// the job may run counts, where it is given: what is expected of it may be raised, this cannot.
    #[must_use]
    pub(crate) fn ceiling_seconds(&self, spec: &OmotesJobSpec, pod_grace_seconds: i64) -> Option<i64> {
        let run = self.max_run_seconds(spec).or_else(|| self.expected_seconds(spec))?;
        let flush = flush_seconds(spec).unwrap_or(0);
        let start = self.start_seconds(spec).unwrap_or(START_ALLOWANCE_SECONDS);
        let parts = [start, run, pod_grace_seconds, flush, CEILING_MARGIN_SECONDS];
        Some(parts.into_iter().fold(0, i64::saturating_add).min(i64::from(i32::MAX)))
    }
}

/// The grace that the template gives its program, in seconds; 0 is 1, because with 0 Kubernetes would forget the pod
/// without knowing that it died.
#[must_use]
pub fn grace_seconds(spec: &OmotesJobSpec) -> i64 {
    let template = spec.template.as_ref().and_then(|template| template.spec.as_ref());
    template.and_then(|spec| spec.termination_grace_period_seconds).unwrap_or(DEFAULT_GRACE_SECONDS).max(1)
}

/// How long the courier may take to send the output, in seconds, where the job has one.
fn flush_seconds(spec: &OmotesJobSpec) -> Option<i64> {
    let courier = spec.courier();
    courier.enabled.then_some(courier.flush_seconds)
}

/// What the current attempt of `job` was started with; `None` before that, and for one that an older operator started.
fn recorded(job: &OmotesJob) -> Option<&AttemptLimits> {
    job.status.as_ref()?.limits.as_ref()
}

/// The grace that the program of the current attempt of `job` has, in seconds.
#[must_use]
pub(crate) fn grace_of(job: &OmotesJob) -> i64 {
    recorded(job).map_or_else(|| grace_seconds(&job.spec), |limits| limits.termination_grace_period_seconds)
}

/// What the current attempt of `job` must show of its progress.
#[must_use]
pub(crate) fn heartbeat_of(job: &OmotesJob) -> Option<&Heartbeat> {
    recorded(job).map_or(job.spec.heartbeat.as_ref(), |limits| limits.heartbeat.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn spec(patch: &Value) -> OmotesJobSpec {
        let mut spec = json!({"template": {"spec": {"containers": [{"name": "main"}]}}});
        spec.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn the_first_limit_counts() {
        let tight = Defaults { max_run_seconds: Some(100), ..Defaults::default() };
        let hours = json!({"numResources": 120, "secondsPerResource": 30, "bufferSeconds": 0});
        for (defaults, patch, run, ceiling) in [
            (Defaults::default(), json!({}), None, None),
            (Defaults::default(), json!({"expectedDuration": {"numResources": 120}}), Some(3600), Some(90_210)),
            (Defaults::default(), json!({"expectedDuration": hours, "maxRunSeconds": 7200}), Some(3600), Some(93_810)),
            (Defaults::default(), json!({"expectedDuration": hours, "maxRunSeconds": 60}), Some(60), Some(86_670)),
            (Defaults::default(), json!({"maxRunSeconds": 60, "startDeadlineSeconds": 10}), Some(60), Some(280)),
            (
                Defaults::default(),
                json!({"maxRunSeconds": 60, "startDeadlineSeconds": 10, "courier": {"enabled": false}}),
                Some(60),
                Some(160),
            ),
            (tight.clone(), json!({}), Some(100), Some(86_710)),
            (tight.clone(), json!({"expectedDuration": hours}), Some(100), Some(86_710)),
            (tight, json!({"maxRunSeconds": 7200}), Some(7200), Some(93_810)),
        ] {
            let spec = spec(&patch);
            let pair = (defaults.run_seconds(&spec, 0), defaults.ceiling_seconds(&spec, 30));
            assert_eq!(pair, (run, ceiling), "{patch}");
        }
    }

    proptest! {
        #[test]
        fn the_kubelet_is_later_than_the_operator(
            resources in 1_i64..=10_000_000,
            each in proptest::option::of(1_i64..=315_360_000),
            buffer in proptest::option::of(0_i64..=315_360_000),
            most in proptest::option::of(1_i64..=315_360_000),
            start in proptest::option::of(1_i64..=315_360_000),
            grace in 1_i64..=315_360_000,
        ) {
            let expected = json!({"numResources": resources, "secondsPerResource": each, "bufferSeconds": buffer});
            let spec = spec(&json!({"expectedDuration": expected, "maxRunSeconds": most, "startDeadlineSeconds": start}));
            let (run, ceiling) = (Defaults::default().run_seconds(&spec, 0).unwrap(), Defaults::default().ceiling_seconds(&spec, grace).unwrap());
            prop_assert!(most.is_none_or(|most| run <= most));
            prop_assert!(ceiling == i64::from(i32::MAX) || ceiling >= start.unwrap_or(0) + run + grace + 60 + 120);
        }
    }
}

//! How long a job may take: from its spec and the operator's defaults to seconds and instants.
//!
//! Ring: core. All sums saturate; what does not fit Kubernetes and RabbitMQ is refused before (`plan::accept`).

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use crate::api::{OmotesJob, OmotesJobSpec};

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
    pub fn run_seconds(&self, spec: &OmotesJobSpec, active_seconds: i64) -> Option<i64> {
        let expected = self.expected_seconds(spec);
        let most = self.max_run_seconds(spec).map(|most| most.saturating_sub(active_seconds));
        expected.into_iter().chain(most).min()
    }

    /// How long is expected of the program of a job, in seconds, where the job says so.
    #[must_use]
    pub fn expected_seconds(&self, spec: &OmotesJobSpec) -> Option<i64> {
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
    pub fn start_seconds(&self, spec: &OmotesJobSpec) -> Option<i64> {
        spec.start_deadline_seconds.or(self.start_deadline_seconds)
    }

    /// When the current attempt of `job` must have started: it counts from the job's creation, or from when the attempt
    /// was due.
    #[must_use]
    pub fn start_deadline(&self, job: &OmotesJob) -> Option<Timestamp> {
        let due = job.status.as_ref().and_then(|status| status.retry_time.clone());
        Some(after(due.or_else(|| job.creation_timestamp())?.0, self.start_seconds(&job.spec)?))
    }

    /// The pod's own `activeDeadlineSeconds`, which holds while no operator is there: later than any stop of the
    /// operator, because the kubelet reports a pod that it stops so as failed even when main exits with 0. The most that
    /// the job may run counts, where it is given: what is expected of it may be raised, this cannot.
    #[must_use]
    pub fn ceiling_seconds(&self, spec: &OmotesJobSpec, pod_grace_seconds: i64) -> Option<i64> {
        let run = self.max_run_seconds(spec).or_else(|| self.expected_seconds(spec))?;
        let courier = spec.courier();
        let flush = if courier.enabled { courier.flush_seconds } else { 0 };
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

/// `seconds` after `time`; the end of time where that is later.
#[must_use]
pub fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// The first full second that is not before `time`.
#[must_use]
pub fn next_second(time: Timestamp) -> Timestamp {
    let whole = whole_second(time);
    if whole == time { time } else { after(whole, 1) }
}

/// The full second that `time` is in. Kubernetes' times have whole seconds.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    let second = time.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(time)
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

        #[test]
        fn seconds_are_rounded_up(nanos in -4_000_000_000_i64..4_000_000_000) {
            let time = Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            let (below, above) = (whole_second(time), next_second(time));
            prop_assert!(below <= time && time <= above && above.duration_since(time) < SignedDuration::from_secs(1));
            prop_assert_eq!((below.subsec_nanosecond(), above.subsec_nanosecond()), (0, 0));
        }
    }
}

//! When an attempt is told to stop, and the limits that it was started with.

use jiff::Timestamp;

use crate::{
    api::{limits::AttemptLimits, time::after},
    plan::facts::observed::Observed,
    pods::Settings,
};

impl Observed {
    /// When the program is told to stop, as the spec says now; as stored while the spec is what it was.
    #[must_use]
    pub fn deadline(&self, settings: &Settings) -> Option<Timestamp> {
        let status = self.status();
        if !self.is_spec_news() {
            return status.deadline_time.as_ref().map(|time| time.0);
        }
        let started = status.start_time.as_ref()?.0;
        if status.limits.is_none() {
            return status.deadline_time.as_ref().map(|stored| self.unrecorded_deadline(settings, started, stored.0));
        }
        Some(after(started, self.current().run_seconds(settings)?))
    }

    /// The deadline of an attempt that an older operator started, which recorded no limits: as it stored it, unless the
    /// job's own limits were lowered below it, or what is expected of it was raised above.
    fn unrecorded_deadline(&self, settings: &Settings, started: Timestamp, stored: Timestamp) -> Timestamp {
        let spec = &self.job.spec;
        let active = self.status().active_seconds.unwrap_or(0);
        // Without maxRunSeconds the schema lets nobody raise what is expected.
        let Some(most) = spec.max_run_seconds else { return stored };
        let raised = settings.defaults.expected_seconds(spec).map(|expected| after(started, expected));
        raised.into_iter().fold(stored, Timestamp::max).min(after(started, most.saturating_sub(active)))
    }

    /// What the current attempt is started with, once it has a pod. One that runs without a record was started by an
    /// older operator with other limits.
    pub(crate) fn limits_at_start(&self, settings: &Settings) -> Option<AttemptLimits> {
        let unrecorded = self.status().start_time.is_some();
        (self.own_pod().is_some() && !unrecorded).then(|| settings.defaults.limits(&self.job.spec))
    }
}

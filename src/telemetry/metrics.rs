//! Metrics in `OpenMetrics`' text format. Every label has a closed set of values, but for the pools of slots: of these
//! [`MAX_POOLS`] have series of their own, and the others are summed up in one.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use kube::runtime::reflector::Store;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::{
    api::{
        OmotesJob, Reason,
        status::{Phase, TerminationCause},
    },
    broker::{Broker, BrokerState},
    workflow::slots::PoolUse,
};

use super::{
    labels::{
        DeletionLabels, ErrorLabels, HeldLabels, JobLabels, PodLabels, PoisonLabels, RefusedLabels, SlotLabels,
        SubmissionLabels, WarningLabels,
    },
    problems::{Problems, Topic},
};

/// How many pools have series of their own, the first by namespace and name.
const MAX_POOLS: usize = 100;
/// The labels of the sum over all other pools.
const OTHER_POOLS: &str = "";

/// The label of a job that has not ended.
const NO_CAUSE: &str = "";

/// What can be measured.
pub(crate) struct Metrics {
    registry: Registry,
    jobs: Family<JobLabels, Gauge>,
    slots: Family<SlotLabels, Gauge>,
    reconciles: Counter,
    pods: Family<PodLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
    queue_age: Histogram,
    result_delay: Histogram,
    stop_delay: Histogram,
    rejected_progress: Counter,
    refused: Family<RefusedLabels, Counter>,
    warnings: Family<WarningLabels, Counter>,
    orphans: Gauge,
    clock_ahead: Gauge<f64, AtomicU64>,
    submissions: Family<SubmissionLabels, Counter>,
    poison: Family<PoisonLabels, Counter>,
    deletions: Family<DeletionLabels, Counter>,
    broadcasts: Counter,
    submissions_waiting: Gauge,
    held: Family<HeldLabels, Gauge>,
    intake: Histogram,
    broker_connected: Gauge,
    broker_blocked: Gauge,
    broker_management: Gauge,
    broker_event_exchange: Gauge,
    broker_encrypted: Gauge,
    broker_reconnects: Gauge,
    leader: Gauge,
    namespaces_unwatched: Gauge,
    problems: Problems,
    synced: AtomicBool,
    sources: Mutex<Sources>,
}

/// Where gauges are read from when somebody asks.
#[derive(Default)]
struct Sources {
    jobs: Option<Store<OmotesJob>>,
    slots: Option<SlotSource>,
    broker: Option<Broker>,
}

/// Reads how the pools of slots are used, each with its namespace.
pub(crate) type SlotSource = Box<dyn Fn() -> Vec<(String, PoolUse)> + Send>;

/// Counts a message of a client as one that others pass, as long as it lives.
pub(crate) struct HeldMessage(Gauge);

impl Drop for HeldMessage {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a submission as one that waits, as long as it lives.
pub(crate) struct WaitingSubmission(Gauge);

impl Drop for WaitingSubmission {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = |buckets: &[f64]| Histogram::new(buckets.iter().copied());
        let mut metrics = Self {
            registry: Registry::with_prefix("omotes"),
            jobs: Family::default(),
            slots: Family::default(),
            reconciles: Counter::default(),
            pods: Family::default(),
            errors: Family::default(),
            queue_age: seconds(&[0.001, 0.01, 0.1, 1.0, 10.0, 60.0]),
            result_delay: seconds(&[0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0, 600.0]),
            stop_delay: seconds(&[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0]),
            rejected_progress: Counter::default(),
            refused: Family::default(),
            warnings: Family::default(),
            orphans: Gauge::default(),
            clock_ahead: Gauge::default(),
            submissions: Family::default(),
            poison: Family::default(),
            deletions: Family::default(),
            broadcasts: Counter::default(),
            submissions_waiting: Gauge::default(),
            held: Family::default(),
            intake: seconds(&[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0]),
            broker_connected: Gauge::default(),
            broker_blocked: Gauge::default(),
            broker_management: Gauge::default(),
            broker_event_exchange: Gauge::default(),
            broker_encrypted: Gauge::default(),
            broker_reconnects: Gauge::default(),
            leader: Gauge::default(),
            namespaces_unwatched: Gauge::default(),
            problems: Problems::default(),
            synced: AtomicBool::new(false),
            sources: Mutex::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let Self { registry, .. } = self;
        registry.register("jobs", "Jobs by phase and, once they ended, by cause", self.jobs.clone());
        registry.register(
            "slots",
            "Slots that workflows share, by pool: how many there are (max), have a job (in_use), and jobs that wait (waiting)",
            self.slots.clone(),
        );
        registry.register("reconciles", "Passes over a job that came to rest", self.reconciles.clone());
        registry.register(
            "pods_started",
            "Attempts that got a pod, by whether it had waited for a job (warm) or was made for it (cold)",
            self.pods.clone(),
        );
        registry.register("reconcile_errors", "Passes over a job that failed, by category", self.errors.clone());
        registry.register_with_unit(
            "queue_age",
            "How long a job waited in the operator's work queue before it was looked at",
            Unit::Seconds,
            self.queue_age.clone(),
        );
        registry.register_with_unit(
            "result_delay",
            "From the end of the program to the broker's confirmation of its result; the former has whole seconds",
            Unit::Seconds,
            self.result_delay.clone(),
        );
        registry.register_with_unit(
            "stop_delay",
            "From the second in which a job was to be told to stop, its deadline for instance, to the request to stop its pod",
            Unit::Seconds,
            self.stop_delay.clone(),
        );
        registry.register(
            "progress_rejected",
            "Progress messages whose job, attempt, pod and capability did not fit together",
            self.rejected_progress.clone(),
        );
        registry.register(
            "messages_refused",
            "Messages to clients that no queue took, by message (status, progress, result) and reason",
            self.refused.clone(),
        );
        registry.register(
            "warnings",
            "What somebody may have to act on, by reason: the Events of the same name",
            self.warnings.clone(),
        );
        registry.register_with_unit(
            "clock_ahead",
            "By how much the operator's clock is ahead of the apiserver's, at least; negative where it is behind",
            Unit::Seconds,
            self.clock_ahead.clone(),
        );
        registry.register("orphan_queues", "Queues that no job has, at the last look", self.orphans.clone());
        self.register_gateway();
        let Self { registry, .. } = self;
        registry.register("broker_connected", "1 while the broker can be used", self.broker_connected.clone());
        registry.register(
            "broker_blocked",
            "1 while the broker's memory or disk alarm is on",
            self.broker_blocked.clone(),
        );
        registry.register(
            "broker_management",
            "1 while the broker's management API answers; without it a crash can send a result twice",
            self.broker_management.clone(),
        );
        registry.register(
            "broker_event_exchange",
            "1 while deletions of queues are heard; without it a crash can send a result twice",
            self.broker_event_exchange.clone(),
        );
        registry.register(
            "broker_encrypted",
            "1 while the connection to the broker is encrypted",
            self.broker_encrypted.clone(),
        );
        registry.register(
            "broker_reconnects",
            "Connections to the broker that this process made after its first",
            self.broker_reconnects.clone(),
        );
        registry.register("leader", "1 while this process leads", self.leader.clone());
        registry.register(
            "namespaces_unwatched",
            "Namespaces that are to be watched and cannot be: /readyz names them",
            self.namespaces_unwatched.clone(),
        );
    }

    fn register_gateway(&mut self) {
        let Self { registry, .. } = self;
        registry.register(
            "gateway_submissions",
            "Submissions over AMQP that were taken: a job was made, was there already, or the client was told why not",
            self.submissions.clone(),
        );
        registry.register(
            "gateway_messages_rejected",
            "Messages over AMQP that nobody can do anything with, by queue and reason",
            self.poison.clone(),
        );
        registry.register("gateway_deletions", "Deletions over AMQP that were taken", self.deletions.clone());
        registry.register("gateway_broadcasts", "How often clients were told the workflows", self.broadcasts.clone());
        registry.register(
            "gateway_submissions_waiting",
            "Submissions that were received and whose job is not stored yet",
            self.submissions_waiting.clone(),
        );
        registry.register(
            "gateway_messages_held",
            "Submissions and deletions that wait while later ones go on: for room in the namespace's quota (Quota), because \
             the apiserver or the broker refuses (Refused) or leaves unanswered (Unanswered) what another message may be \
             given, or because what was done before is not known yet (Unsettled)",
            self.held.clone(),
        );
        registry.register_with_unit(
            "gateway_intake",
            "From the receipt of a submission to its stored job",
            Unit::Seconds,
            self.intake.clone(),
        );
    }

    pub(crate) fn count_submission(&self, outcome: &'static str, reason: &'static str) {
        self.submissions.get_or_create(&SubmissionLabels { outcome, reason }).inc();
    }

    pub(crate) fn count_poison(&self, queue: &'static str, reason: &'static str) {
        self.poison.get_or_create(&PoisonLabels { queue, reason }).inc();
    }

    pub(crate) fn count_deletion(&self, outcome: &'static str) {
        self.deletions.get_or_create(&DeletionLabels { outcome }).inc();
    }

    pub(crate) fn count_broadcast(&self) {
        self.broadcasts.inc();
    }

    /// Counts a submission as one that waits, until what this returns is dropped.
    pub(crate) fn submission_waits(&self) -> WaitingSubmission {
        self.submissions_waiting.inc();
        WaitingSubmission(self.submissions_waiting.clone())
    }

    /// Counts a message of a client as one that others pass, until what this returns is dropped.
    pub(crate) fn hold(&self, reason: &'static str) -> HeldMessage {
        let held = self.held.get_or_create(&HeldLabels { reason }).clone();
        held.inc();
        HeldMessage(held)
    }

    pub(crate) fn observe_intake(&self, delay: Duration) {
        self.intake.observe(delay.as_secs_f64());
    }

    /// Reads the job gauges from `store` from now on.
    pub(crate) fn count_jobs_in(&self, store: Store<OmotesJob>) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).jobs = Some(store);
    }

    /// Reads the gauges of slots by `source` from now on.
    pub(crate) fn count_slots_by(&self, source: SlotSource) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).slots = Some(source);
    }

    /// Reads the broker gauges from `broker` from now on.
    pub(crate) fn watch_broker(&self, broker: Broker) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).broker = Some(broker);
    }

    /// What is known of the broker; `None` while this process does not lead.
    #[must_use]
    pub(crate) fn broker_state(&self) -> Option<BrokerState> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).broker.as_ref().map(Broker::state)
    }

    /// Notes what an administrator has to mend, or that it is mended.
    pub(crate) fn note(&self, topic: Topic, problem: Option<String>) {
        self.problems.note(topic, problem);
    }

    /// Notes that `namespace` cannot be watched. Tells whether that is news.
    pub(crate) fn note_unwatched(&self, namespace: &str, problem: String) -> bool {
        self.problems.unwatched(namespace, problem)
    }

    /// Notes that `namespace` is watched.
    pub(crate) fn note_watched(&self, namespace: &str) {
        self.problems.watched(namespace);
    }

    /// What an administrator has to mend, a line each.
    #[must_use]
    pub(crate) fn problems(&self) -> Vec<String> {
        let broker = self.sources.lock().unwrap_or_else(PoisonError::into_inner).broker.clone();
        let notices = broker.iter().flat_map(Broker::notices).map(|notice| format!("broker: {notice}"));
        self.problems.lines().into_iter().chain(notices).collect()
    }

    /// Notes that this process leads.
    pub(crate) fn set_leader(&self) {
        self.leader.set(1);
    }

    /// Notes that the caches are in sync.
    pub(crate) fn set_synced(&self) {
        self.synced.store(true, Ordering::Release);
    }

    /// Whether the caches are in sync.
    #[must_use]
    pub(crate) fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Acquire)
    }

    pub(crate) fn count_reconcile(&self) {
        self.reconciles.inc();
    }

    /// Counts an attempt that got a pod which was made for it.
    pub(crate) fn count_cold_start(&self) {
        self.pods.get_or_create(&PodLabels { start: "cold" }).inc();
    }

    /// Counts an attempt that got a pod which had waited for a job.
    pub(crate) fn count_warm_start(&self) {
        self.pods.get_or_create(&PodLabels { start: "warm" }).inc();
    }

    pub(crate) fn count_error(&self, category: &'static str) {
        self.errors.get_or_create(&ErrorLabels { category }).inc();
    }

    pub(crate) fn count_warning(&self, reason: Reason) {
        self.warnings.get_or_create(&WarningLabels { reason: reason.as_str() }).inc();
    }

    /// Counts a message to a client that its queue did not take.
    pub(crate) fn count_refused(&self, message: &'static str, reason: &'static str) {
        self.refused.get_or_create(&RefusedLabels { message, reason }).inc();
    }

    pub(crate) fn set_clock_ahead(&self, ahead: SignedDuration) {
        self.clock_ahead.set(ahead.as_secs_f64());
    }

    pub(crate) fn set_orphans(&self, count: usize) {
        self.orphans.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn count_rejected_progress(&self) {
        self.rejected_progress.inc();
    }

    pub(crate) fn observe_queue_age(&self, age: Duration) {
        self.queue_age.observe(age.as_secs_f64());
    }

    pub(crate) fn observe_result_delay(&self, delay: SignedDuration) {
        self.result_delay.observe(delay.as_secs_f64().max(0.0));
    }

    pub(crate) fn observe_stop_delay(&self, delay: SignedDuration) {
        self.stop_delay.observe(delay.as_secs_f64().max(0.0));
    }

    /// Everything, as text.
    ///
    /// # Errors
    /// When a value cannot be formatted, which would be a mistake in this module.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        self.refresh();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn refresh_broker(&self) {
        let broker = self.sources.lock().unwrap_or_else(PoisonError::into_inner).broker.clone();
        let Some(broker) = broker else { return };
        let (state, stats) = (broker.state(), broker.stats());
        self.broker_connected.set(i64::from(matches!(state, BrokerState::Ready { .. })));
        self.broker_blocked.set(i64::from(matches!(state, BrokerState::Blocked { .. })));
        self.broker_management.set(i64::from(stats.management()));
        self.broker_event_exchange.set(i64::from(stats.event_exchange()));
        self.broker_encrypted.set(i64::from(stats.encrypted() && matches!(state, BrokerState::Ready { .. })));
        self.broker_reconnects.set(i64::try_from(stats.reconnects()).unwrap_or(i64::MAX));
    }

    fn refresh_slots(&self) {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = sources.slots.as_ref().map(|read| read()).unwrap_or_default();
        drop(sources);
        self.slots.clear();
        for (at, (namespace, PoolUse { pool, max, in_use, waiting, differing: _ })) in pools.into_iter().enumerate() {
            let own = at < MAX_POOLS;
            let [namespace, pool] = [namespace, pool].map(|name| if own { name } else { OTHER_POOLS.to_owned() });
            for (state, count) in [("max", max), ("in_use", in_use), ("waiting", waiting)] {
                let labels = SlotLabels { namespace: namespace.clone(), pool: pool.clone(), state };
                self.slots.get_or_create(&labels).inc_by(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    fn refresh(&self) {
        self.refresh_broker();
        self.refresh_slots();
        self.namespaces_unwatched.set(i64::try_from(self.problems.count_unwatched()).unwrap_or(i64::MAX));
        let store = self.sources.lock().unwrap_or_else(PoisonError::into_inner).jobs.clone();
        self.jobs.clear();
        for phase in Phase::ALL {
            let cause = TerminationCause::Completed.as_str();
            let cause = if phase == Phase::Succeeded { cause } else { NO_CAUSE };
            drop(self.jobs.get_or_create(&JobLabels { phase: phase.as_str(), cause }));
        }
        for job in store.iter().flat_map(Store::state) {
            self.jobs.get_or_create(&labels(&job)).inc();
        }
    }
}

fn labels(job: &OmotesJob) -> JobLabels {
    let status = job.status.as_ref();
    let phase = status.and_then(|status| status.phase).unwrap_or(Phase::Pending);
    let cause = status
        .and_then(|status| status.termination.as_ref())
        .map_or(NO_CAUSE, |termination| termination.cause.as_str());
    JobLabels { phase: phase.as_str(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_a_series_from_the_start() {
        let text = Metrics::default().render().unwrap();
        for phase in Phase::ALL {
            assert!(text.contains(&format!("phase=\"{}\"", phase.as_str())), "{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn pools_beyond_a_bound_are_one_series() {
        let metrics = Metrics::default();
        let pools = |count: usize| {
            let used = |at| PoolUse { pool: format!("p{at:03}"), max: 4, in_use: 3, waiting: 2, differing: None };
            (0..count).map(|at| ("ns".to_owned(), used(at))).collect::<Vec<_>>()
        };
        metrics.count_slots_by(Box::new(move || pools(MAX_POOLS + 5)));
        let text = metrics.render().unwrap();
        assert!(text.contains("omotes_slots{namespace=\"ns\",pool=\"p099\",state=\"in_use\"} 3"), "{text}");
        assert!(text.contains("omotes_slots{namespace=\"\",pool=\"\",state=\"waiting\"} 10"), "{text}");
        assert_eq!(text.matches("omotes_slots{").count(), 3 * (MAX_POOLS + 1));
        metrics.count_slots_by(Box::new(Vec::new));
        assert!(!metrics.render().unwrap().contains("omotes_slots{"), "a pool that is gone has none");
    }
}

//! The status that each decision leads to, computed from the one that is stored.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use std::borrow::Cow;

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate, Stamp},
        names,
        status::{
            AbortStatus, ClientStatus, JobResultStatus, JobResultType, Phase, Progress, QueuesStatus, Termination,
            TerminationCause,
        },
        time::{after, whole_second},
    },
    limits::heartbeat_of,
    plan::facts::{
        admission::Rejection,
        observed::{Observed, Preparation, ProgressReport, RefusedResult},
        outcome::Outcome,
        seat::REASONS,
    },
    pods::Settings,
    text::{bounded, bounded_chars, printable},
    topology,
    wire::{CourierOutput, Digest},
};

pub(crate) mod delivery;

/// What says that something keeps a job from going on.
pub(crate) const OBSTACLES: [ConditionType; 2] = [ConditionType::Reconciling, ConditionType::Stalled];
/// What is said of queues that are there.
pub(crate) const QUEUES_READY: &str = "the job's queues are there";
const POD_TERMINATED: &str = "the program of the job's pod has ended";
/// How many messages of a result `status.result.messages` tells.
const MAX_RESULT_MESSAGES: usize = 10;
/// What `status.progress.message` may hold.
const MAX_PROGRESS_CHARS: usize = 1024;
/// An estimate of more than ten years is none, in seconds.
const MAX_ESTIMATE: f64 = 315_360_000.0;

/// Why a job is not running yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Pending or Queued. A job whose client has heard that it is enqueued stays Queued.
    pub phase: Phase,
    /// One of ours, or the kubelet's or the scheduler's own.
    pub reason: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// Whether somebody must change something before it goes on.
    pub stalled: bool,
}

/// What became of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultDelivery {
    /// The broker has confirmed it.
    Sent {
        /// When.
        at: Timestamp,
        /// Whether it reached a queue.
        routed: bool,
    },
    /// Its queue does not take it.
    Refused(RefusedResult),
    /// It was not sent: its queue is another job's, whose result may be unread.
    Withheld,
    /// It was given up, because the job had to go while the broker was away.
    GivenUp,
}

/// What the status keeps of a result that goes to the client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResultSummary {
    /// The size of the output ESDL.
    pub size_bytes: Option<i64>,
    /// Its checksum.
    pub sha256: Option<String>,
    /// The first messages for the client.
    pub messages: Vec<String>,
}

impl ResultSummary {
    /// What is kept of `output`.
    #[must_use]
    pub(crate) fn of(output: &CourierOutput) -> Self {
        let messages = output.messages().iter().take(MAX_RESULT_MESSAGES);
        Self {
            size_bytes: output.output_bytes().and_then(|bytes| i64::try_from(bytes).ok()),
            sha256: output.esdl().map(|esdl| Digest::of(esdl).to_string()),
            messages: messages.map(|message| bounded_chars(&message.technical_message, 256)).collect(),
        }
    }
}

impl Observed {
    fn stamp(&self) -> Stamp {
        Stamp { now: self.now, generation: self.job.metadata.generation }
    }

    /// The stored status with what every status of an accepted job says.
    pub(crate) fn accepted(&self, settings: &Settings) -> OmotesJobStatus {
        let mut status = self.new_status();
        status.deadline_time = self.deadline(settings).map(Time);
        status.limits = status.limits.or_else(|| self.limits_at_start(settings));
        status.job_id = Some(self.job_id().to_string());
        status.observed_generation = self.job.metadata.generation;
        status.attempt = Some(self.attempt());
        let names = topology::client_queues(self.job_id().as_str());
        status.queues = Some(QueuesStatus { names, ..status.queues.unwrap_or_default() });
        let id = self.job_id();
        self.set(
            &mut status,
            ConditionType::Accepted,
            ConditionUpdate::yes(Reason::Accepted, format!("the operator runs this job as {id}")),
        );
        status
    }

    pub(crate) fn set(&self, status: &mut OmotesJobStatus, type_: ConditionType, verdict: ConditionUpdate) {
        condition::set(&mut status.conditions, type_, verdict, self.stamp());
    }

    /// The status of a job that is refused and never runs; where a client waits, with what became of its result.
    #[must_use]
    pub(crate) fn rejected_status(&self, rejection: &Rejection, delivery: Option<ResultDelivery>) -> OmotesJobStatus {
        let mut status = self.new_status();
        status.observed_generation = self.job.metadata.generation;
        status.phase = Some(Phase::Failed);
        status.completion_time = Some(Time(whole_second(self.now)));
        status.termination = Some(Termination {
            cause: TerminationCause::Refused,
            exit_code: None,
            signal: None,
            message: Some(rejection.message.clone()),
        });
        condition::clear(&mut status.conditions, [ConditionType::Reconciling]);
        self.set(&mut status, ConditionType::Accepted, ConditionUpdate::no(rejection.reason, &rejection.message));
        self.set(&mut status, ConditionType::Failed, ConditionUpdate::yes(rejection.reason, &rejection.message));
        self.set(&mut status, ConditionType::Stalled, ConditionUpdate::yes(rejection.reason, &rejection.message));
        if let Some(delivery) = delivery {
            status.job_id = Some(self.job_id().to_string());
            status.queues = Some(self.ended_queues(&delivery));
            status.result = Some(self.result_status(JobResultType::Error, &delivery, ResultSummary::default()));
            self.set(&mut status, ConditionType::ResultPublished, self.published_verdict(&delivery));
        }
        status
    }

    /// The status of a job that waits. `None` when the stored one says the same, whatever the wording.
    #[must_use]
    pub(crate) fn waiting_status(&self, settings: &Settings, waiting: &Waiting) -> Option<OmotesJobStatus> {
        let stored = self.status();
        // A job that is to stop waits for nothing any more.
        if stored.abort.is_some() {
            return None;
        }
        let said = condition::get(&stored.conditions, self.waiting_type(waiting));
        if said.is_some_and(|known| known.reason == waiting.reason) && stored.phase == Some(self.waiting_phase(waiting))
        {
            return None;
        }
        Some(self.waiting_anew_status(settings, waiting))
    }

    fn waiting_phase(&self, waiting: &Waiting) -> Phase {
        if self.client_status().is_some() { Phase::Queued } else { waiting.phase }
    }

    fn waiting_type(&self, waiting: &Waiting) -> ConditionType {
        let stalls = waiting.stalled || self.keeps_turn(waiting);
        if stalls { ConditionType::Stalled } else { ConditionType::Reconciling }
    }

    /// That a job waits for its seat is a record: what else is in its way stands beside it.
    fn keeps_turn(&self, waiting: &Waiting) -> bool {
        self.waits_for_seat() && !REASONS.iter().any(|reason| waiting.reason == reason.as_str())
    }

    /// The status of a job that waits, whatever the stored one says.
    pub(crate) fn waiting_anew_status(&self, settings: &Settings, waiting: &Waiting) -> OmotesJobStatus {
        let type_ = self.waiting_type(waiting);
        let other = if waiting.stalled { ConditionType::Reconciling } else { ConditionType::Stalled };
        let mut status = self.accepted(settings);
        status.phase = Some(self.waiting_phase(waiting));
        let queued = waiting.phase == Phase::Queued;
        let queues = if queued {
            ConditionUpdate::yes(Reason::Declared, QUEUES_READY)
        } else {
            ConditionUpdate::no(Reason::NotReady, &waiting.message)
        };
        self.set(&mut status, ConditionType::QueuesReady, queues);
        self.set(&mut status, ConditionType::Running, ConditionUpdate::no(Reason::NotStarted, &waiting.message));
        if !self.keeps_turn(waiting) {
            condition::clear(&mut status.conditions, [other]);
        }
        self.set(&mut status, type_, ConditionUpdate::yes(Reason::NotStarted, &waiting.message));
        // The kubelet's or the broker's own word.
        let worded = |known: &Condition| {
            known.type_ == type_.as_str() || (!queued && known.type_ == ConditionType::QueuesReady.as_str())
        };
        for set in status.conditions.iter_mut().filter(|known| worded(known)) {
            set.reason = waiting.reason.to_string();
        }
        status
    }

    /// The status of a job whose program runs.
    #[must_use]
    pub(crate) fn running_status(&self, settings: &Settings, since: Option<Timestamp>) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        let started = since.unwrap_or_else(|| whole_second(self.now));
        self.mark_started(&mut status, Some(started));
        status.deadline_time = self.current().run_seconds(settings).map(|run| Time(after(started, run)));
        if status.abort.is_none() {
            status.phase = Some(Phase::Running);
        }
        let pod = status.pod_name.clone().unwrap_or_default();
        self.set(
            &mut status,
            ConditionType::Running,
            ConditionUpdate::yes(Reason::Started, format!("the program runs in pod {pod}")),
        );
        status
    }

    fn mark_started(&self, status: &mut OmotesJobStatus, since: Option<Timestamp>) {
        status.pod_name = Some(names::pod_of(&self.job, self.attempt()));
        status.start_time = since.map(Time).or_else(|| status.start_time.clone());
        status.retry_time = None;
        // A pod is made after the client has heard that; whoever stores no more tells RUNNING when the broker is there.
        status.client_status = self.client_status().max(Some(ClientStatus::Enqueued));
        status.progress =
            self.progress.as_ref().map(|report| self.progress_of(report)).or_else(|| status.progress.clone());
        if !matches!(self.queues, Preparation::Refused(_)) {
            self.set(status, ConditionType::QueuesReady, ConditionUpdate::yes(Reason::Declared, QUEUES_READY));
        }
        condition::clear(&mut status.conditions, OBSTACLES);
    }

    /// Whether the stored status was computed from another generation of the spec.
    #[must_use]
    pub(crate) fn is_spec_news(&self) -> bool {
        self.status().observed_generation != self.job.metadata.generation
    }

    /// The status of a job that is to stop.
    #[must_use]
    pub(crate) fn aborting_status(&self, settings: &Settings, abort: AbortStatus) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        status.phase = Some(Phase::Aborting);
        status.abort = Some(AbortStatus { reason: bounded(&abort.reason, 1024), ..abort });
        match &self.queues {
            Preparation::Ready(_) => {
                self.set(&mut status, ConditionType::QueuesReady, ConditionUpdate::yes(Reason::Declared, QUEUES_READY));
            }
            Preparation::Occupied { refusal, .. } => {
                self.set(
                    &mut status,
                    ConditionType::QueuesReady,
                    ConditionUpdate::no(refusal.reason, &refusal.message),
                );
            }
            Preparation::Unknown | Preparation::Refused(_) => {}
        }
        condition::clear(&mut status.conditions, OBSTACLES);
        status
    }

    /// Since when the stored status says that there has been no progress for too long; `None` where it does not.
    #[must_use]
    pub(crate) fn stalled_since(&self) -> Option<Timestamp> {
        let conditions = &self.status().conditions;
        condition::get(conditions, ConditionType::ProgressStalled).map(|known| known.last_transition_time.0)
    }

    /// The stored status with this of the job's queues; `None` where it says so.
    pub(crate) fn queues_status(&self, verdict: ConditionUpdate) -> Option<OmotesJobStatus> {
        let mut status = self.new_status();
        let known = condition::get(&status.conditions, ConditionType::QueuesReady);
        let same = |known: &Condition| {
            let fact = (known.status == "True", known.reason.as_str()) == (verdict.holds, verdict.reason.as_str());
            fact && (verdict.holds || known.message == verdict.message)
        };
        if known.is_some_and(same) {
            return None;
        }
        self.set(&mut status, ConditionType::QueuesReady, verdict);
        Some(status)
    }

    /// The stored status of a job whose program has been silent for too long.
    #[must_use]
    pub(crate) fn stalled_status(&self) -> OmotesJobStatus {
        let mut status = self.new_status();
        self.set(&mut status, ConditionType::ProgressStalled, ConditionUpdate::yes(Reason::NoProgress, self.silence()));
        status
    }

    /// The stored status of a job whose program is heard again.
    #[must_use]
    pub(crate) fn revived_status(&self) -> OmotesJobStatus {
        let mut status = self.new_status();
        condition::clear(&mut status.conditions, [ConditionType::ProgressStalled]);
        status
    }

    /// For how long nothing was heard of the program and how far it had come, for people.
    #[must_use]
    pub fn silence(&self) -> String {
        let seconds = heartbeat_of(&self.job).map_or(0, |heartbeat| heartbeat.timeout_seconds);
        let heard = self.progress.as_ref().map(|report| (percent(report.fraction), shown_message(report)));
        let stored =
            self.status().progress.as_ref().map(|known| (known.percent, known.message.clone().unwrap_or_default()));
        let come = match heard.or(stored) {
            None => "it had not told any".to_owned(),
            Some((percent, message)) if message.is_empty() => format!("it had come to {percent} %"),
            Some((percent, message)) => format!("it had come to {percent} %: {message}"),
        };
        let courier =
            if self.is_courier_lost() { "; its courier is not connected (condition CourierConnected)" } else { "" };
        format!("no progress was heard for {seconds} s; {come}{courier}")
    }

    fn progress_of(&self, report: &ProgressReport) -> Progress {
        Progress {
            percent: percent(report.fraction),
            message: Some(shown_message(report)).filter(|message| !message.is_empty()),
            last_update_time: Some(Time(whole_second(self.now))),
            estimated_completion_time: self.estimate(report.fraction).map(Time),
        }
    }

    /// As if it went on as it did since its start.
    #[expect(clippy::cast_possible_truncation, reason = "bounded by ten years before the cast")]
    fn estimate(&self, fraction: f64) -> Option<Timestamp> {
        let started = self.status().start_time.as_ref()?.0;
        let elapsed = self.now.duration_since(started).as_secs_f64();
        let left = Some(elapsed * (1.0 - fraction) / fraction).filter(|left| (0.0..=MAX_ESTIMATE).contains(left))?;
        (percent(fraction) > 0).then(|| after(whole_second(self.now), left.round() as i64))
    }

    /// The stored status with the newest progress.
    #[must_use]
    pub(crate) fn progressed_status(&self, report: &ProgressReport) -> OmotesJobStatus {
        OmotesJobStatus { progress: Some(self.progress_of(report)), ..self.new_status() }
    }

    /// The status of a running job that waits for the broker to take its result; `None` where the stored one says so.
    pub(crate) fn result_waits_status(
        &self,
        settings: &Settings,
        reason: Reason,
        message: impl AsRef<str>,
    ) -> Option<OmotesJobStatus> {
        let stored = self.status();
        let said = condition::get(&stored.conditions, ConditionType::ResultPublished);
        // That the output was refused is a record.
        if said.is_some_and(|known| [reason, Reason::OutputRefused].iter().any(|kept| known.reason == *kept)) {
            return None;
        }
        let mut status = self.accepted(settings);
        status.phase = stored.phase.or(Some(Phase::Running));
        self.set(&mut status, ConditionType::ResultPublished, ConditionUpdate::no(reason, message));
        Some(status)
    }

    /// The terminal status.
    #[must_use]
    pub(crate) fn terminal_status(
        &self,
        settings: &Settings,
        outcome: &Outcome,
        delivery: &ResultDelivery,
        summary: ResultSummary,
    ) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        let exit = outcome.exit.as_ref();
        if let Some(exit) = exit {
            self.mark_started(&mut status, exit.started);
        } else if let Some(pod) = self.own_pod() {
            status.pod_name = Some(pod.name_any());
        }
        condition::clear(&mut status.conditions, OBSTACLES);
        condition::clear(&mut status.conditions, [ConditionType::ProgressStalled]);
        status.phase = Some(outcome.phase());
        status.abort = status.abort.map(|abort| AbortStatus { stage: outcome.stage(&abort), ..abort });
        status.completion_time = Some(Time(exit.and_then(|exit| exit.finished).unwrap_or(whole_second(self.now))));
        status.attempts = self.attempts_after(outcome);
        status.active_seconds = Some(self.active_after(outcome)).filter(|active| *active > 0);
        status.termination = Some(Termination {
            cause: outcome.cause,
            exit_code: exit.map(|exit| exit.code),
            signal: exit.and_then(|exit| signal(exit.code)),
            message: Some(printable(&bounded(&outcome.message, 4096))),
        });
        // A job that took no queue has none to be cleaned up.
        status.queues = Some(self.ended_queues(delivery)).filter(|_| *delivery != ResultDelivery::Withheld);
        status.result = Some(self.result_status(outcome.result_type(settings), delivery, summary));
        status.expiration_time = self.expiration(&status).map(Time);
        self.conclude(&mut status, outcome, delivery);
        status
    }

    fn result_status(
        &self,
        type_: JobResultType,
        delivery: &ResultDelivery,
        summary: ResultSummary,
    ) -> JobResultStatus {
        let (published, routed) = match delivery {
            ResultDelivery::Sent { at, routed } => (Some(*at), *routed),
            ResultDelivery::Refused(refused) => (Some(refused.at).filter(|_| refused.kept), false),
            ResultDelivery::Withheld | ResultDelivery::GivenUp => (None, false),
        };
        let published_time = published.map(|at| Time(whole_second(at)));
        JobResultStatus {
            type_,
            message_id: self.result_message_id(),
            published_time,
            routed,
            size_bytes: summary.size_bytes,
            sha256: summary.sha256,
            messages: summary.messages,
        }
    }

    fn conclude(&self, status: &mut OmotesJobStatus, outcome: &Outcome, delivery: &ResultDelivery) {
        let reason = outcome.reason();
        let message = bounded(&outcome.message, 1024);
        self.set(status, ConditionType::Running, ConditionUpdate::no(Reason::Ended, "the program has ended"));
        if outcome.phase() == Phase::Succeeded {
            self.set(status, ConditionType::Complete, ConditionUpdate::yes(reason, message.clone()));
        } else {
            self.set(status, ConditionType::Failed, ConditionUpdate::yes(reason, message.clone()));
        }
        let terminated = match outcome.cause {
            TerminationCause::NodeLost => ConditionUpdate::no(Reason::Unconfirmed, message),
            _ => ConditionUpdate::yes(Reason::Terminated, POD_TERMINATED),
        };
        self.set(status, ConditionType::PodTerminated, terminated);
        self.set(status, ConditionType::ResultPublished, self.published_verdict(delivery));
    }

    /// The status of a job whose end was not confirmed in time, before its client is told so.
    pub(crate) fn unconfirmed_status(&self, settings: &Settings, outcome: &Outcome) -> OmotesJobStatus {
        let mut status = self.accepted(settings);
        status.phase = status.phase.or(Some(Phase::Running));
        let message = bounded(&outcome.message, 1024);
        self.set(&mut status, ConditionType::PodTerminated, ConditionUpdate::no(Reason::Unconfirmed, message));
        status
    }

    /// Whether the job's end was not confirmed, so that its pod may still run, as far as anybody knows.
    #[must_use]
    pub(crate) fn is_death_unconfirmed(&self) -> bool {
        let conditions = &self.status().conditions;
        condition::get(conditions, ConditionType::PodTerminated).is_some_and(|known| known.status == "False")
    }

    /// The stored status of a job that is terminal, now that its pod is known to have ended.
    #[must_use]
    pub(crate) fn confirmed_status(&self) -> OmotesJobStatus {
        let mut status = self.new_status();
        self.set(&mut status, ConditionType::PodTerminated, ConditionUpdate::yes(Reason::Terminated, POD_TERMINATED));
        status
    }

    /// The message-id of the job's one result.
    #[must_use]
    pub(crate) fn result_message_id(&self) -> String {
        format!("{}-result", self.uid())
    }
}

/// The message of a report as the status shows it.
#[must_use]
pub(crate) fn shown_message(report: &ProgressReport) -> String {
    bounded_chars(&report.message, MAX_PROGRESS_CHARS)
}

/// Whole percent of a fraction; 100 only when it is done.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "clamped to 0..=100 before the cast")]
pub fn percent(fraction: f64) -> i32 {
    (fraction.clamp(0.0, 1.0) * 100.0 + 1e-9).floor() as i32
}

/// The signal that an exit code tells, by the convention of shells and container runtimes.
fn signal(code: i32) -> Option<i32> {
    Some(code - 128).filter(|signal| (1..=64).contains(signal))
}

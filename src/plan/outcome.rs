//! How a job ended: from the pod's ending, the courier's record and the decision to stop it, to one word and a sentence.

use jiff::Timestamp;

use crate::{
    api::{
        status::{AbortCause, AbortStage, AbortStatus, AttemptStatus, Phase, ResultType, TerminationCause},
        stop::ExitCodes,
    },
    wire::{self, CommitRecord, FailureCause, TerminationRecord},
};

use super::{
    Settings,
    attempt::{Ending, Exit, Stop},
    observed::Observed,
};

/// How a job ended, as the client and the status will say it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// One word.
    pub cause: TerminationCause,
    /// A sentence for people.
    pub message: String,
    /// Main's exit, where it ran.
    pub exit: Option<Exit>,
    /// Why it was stopped, where it did not end by itself.
    pub stopped: Option<AbortCause>,
}

/// A verdict on an ending: final, or final once the output is at hand.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing more to look at.
    Final(Outcome),
    /// The program succeeded and the courier says that it sent this; it must be there.
    NeedsOutput(Outcome, CommitRecord),
}

/// What is known of the job beside its pod.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The stop that was decided on, if one was.
    pub abort: Option<AbortStatus>,
    /// Whether the job has a courier.
    pub courier: bool,
    /// The codes by which the program says why it ended.
    pub exit_codes: ExitCodes,
}

impl Circumstances {
    /// What is known of `observed`'s job beside its pod.
    #[must_use]
    pub fn of(observed: &Observed) -> Self {
        let spec = &observed.job.spec;
        Self { abort: observed.status().abort, courier: spec.courier().enabled, exit_codes: spec.exit_codes() }
    }
}

impl Outcome {
    /// An outcome without an exit code.
    #[must_use]
    pub fn without_exit(cause: TerminationCause, message: impl Into<String>, stopped: Option<AbortCause>) -> Self {
        Self { cause, message: message.into(), exit: None, stopped }
    }

    /// The outcome of a job that was stopped while it had no pod: that of its last attempt, where it had one.
    #[must_use]
    pub fn between_attempts(abort: &AbortStatus, attempts: &[AttemptStatus]) -> Self {
        let Some(last) = attempts.last() else { return Self::never_started(abort) };
        let message = format!("{}; nothing of it ran then. Its last attempt: {}", abort.reason, last.message);
        Self::without_exit(last.cause, message, Some(abort.cause))
    }

    /// The outcome of a job that was stopped before its program started.
    #[must_use]
    pub fn never_started(abort: &AbortStatus) -> Self {
        let message = match abort.cause {
            AbortCause::StartDeadlineExceeded => abort.reason.clone(),
            _ => format!("{} before its program started", abort.reason),
        };
        Self::without_exit(TerminationCause::NeverStarted, message, Some(abort.cause))
    }

    /// The phase that this outcome leads to: who wished for the end of a job did not see it fail.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.cause, self.stopped) {
            (TerminationCause::Completed, _) => Phase::Succeeded,
            (_, Some(cause)) if cause.is_wish() => Phase::Aborted,
            _ => Phase::Failed,
        }
    }

    /// Why the job did not succeed, one word.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self.stopped {
            Some(cause) if cause.is_wish() => "Aborted",
            Some(cause) => cause.as_str(),
            None => self.cause.as_str(),
        }
    }

    /// What the client is told.
    #[must_use]
    pub fn result_type(&self, settings: &Settings) -> ResultType {
        match (self.phase(), self.stopped) {
            (Phase::Succeeded, _) => ResultType::Succeeded,
            (Phase::Aborted, _) => ResultType::Cancelled,
            (_, Some(AbortCause::DeadlineExceeded)) => settings.deadline_result,
            _ => ResultType::Error,
        }
    }

    /// How far the stop came that `abort` decided on.
    #[must_use]
    pub fn stage(&self, abort: &AbortStatus) -> AbortStage {
        match self.cause {
            TerminationCause::KilledAfterGrace => AbortStage::Killed,
            TerminationCause::NodeLost => AbortStage::Unconfirmed,
            _ if self.stopped.is_some() => AbortStage::Stopped,
            // It ended by itself before anybody told it to.
            _ => abort.stage,
        }
    }

    /// The same ending, with another word for it.
    #[must_use]
    pub fn become_failure(self, cause: TerminationCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), ..self }
    }
}

/// The same on the wire.
#[must_use]
pub fn wire_type(type_: ResultType) -> wire::ResultType {
    match type_ {
        ResultType::Succeeded => wire::ResultType::Succeeded,
        ResultType::Error => wire::ResultType::Error,
        ResultType::Cancelled => wire::ResultType::Cancelled,
        ResultType::Timeout => wire::ResultType::Timeout,
    }
}

/// Judges how a pod ended.
#[must_use]
pub fn judge(ending: Ending, circumstances: &Circumstances) -> Verdict {
    // Main of a pod that had waited may have run without its input.
    let in_vain = ending.courier.as_ref().is_some_and(TerminationRecord::is_missing_input);
    let Some(exit) = ending.exit.clone().filter(|_| !in_vain) else {
        return Verdict::Final(never_ran(&ending, circumstances));
    };
    let abort = circumstances.abort.as_ref();
    let stops = [abort.map(|abort| abort.stop_time.0), ending.ceiling];
    let by_itself = stops.iter().all(|stop| in_time(&exit, *stop)) && was_left(&exit, ending.stop.as_ref(), abort);
    if exit.code == 0 && exit.reason != "OOMKilled" && by_itself {
        return succeeded(exit, ending.courier, circumstances.courier);
    }
    Verdict::Final(match (abort, ending.ceiling, &ending.stop) {
        _ if by_itself => failed(exit, &ending, &circumstances.exit_codes),
        (Some(abort), _, _) if !in_time(&exit, Some(abort.stop_time.0)) => stopped(exit, abort),
        (_, Some(_), _) => stopped_by_kubelet(exit),
        (_, _, Some(stop)) => disrupted(exit, stop),
        _ => failed(exit, &ending, &circumstances.exit_codes),
    })
}

/// Success wins the tie: the stop is sent just after a full second S, so what ended before S was not told to.
fn in_time(exit: &Exit, stop: Option<Timestamp>) -> bool {
    match (exit.finished, stop) {
        (_, None) => true,
        (Some(finished), Some(stop)) => finished < stop,
        (None, Some(_)) => false,
    }
}

/// Whether the program had ended before somebody asked for the end of its pod. Where nobody knows when that was, it is
/// taken for the operator's own request where there was one by then; else for a disruption, which costs another attempt and
/// no false success.
fn was_left(exit: &Exit, stop: Option<&Stop>, abort: Option<&AbortStatus>) -> bool {
    match stop {
        None => true,
        Some(stop) if stop.is_exact => in_time(exit, Some(stop.at)),
        Some(stop) => abort.is_some_and(|abort| abort.stop_time.0 <= stop.at),
    }
}

fn succeeded(exit: Exit, courier: Option<TerminationRecord>, has_courier: bool) -> Verdict {
    let completed = Outcome {
        cause: TerminationCause::Completed,
        message: "the program exited with code 0".to_owned(),
        exit: Some(exit),
        stopped: None,
    };
    if !has_courier {
        return Verdict::Final(completed);
    }
    match courier {
        Some(TerminationRecord::Committed(record)) => Verdict::NeedsOutput(completed, record),
        Some(TerminationRecord::Failed(failure)) => Verdict::Final(completed.become_failure(cause_of(failure.cause), failure.message)),
        None => Verdict::Final(completed.become_failure(
            TerminationCause::OutputLost,
            "the program exited with code 0, and the courier ended without a commit record: its output may not have reached the broker. \
             Look at the courier's log and raise spec.courier.flushSeconds if the broker was away for longer",
        )),
    }
}

fn cause_of(cause: FailureCause) -> TerminationCause {
    match cause {
        FailureCause::OutputLost => TerminationCause::OutputLost,
        FailureCause::OutputUnreadable => TerminationCause::OutputUnreadable,
        FailureCause::OutputTooLarge => TerminationCause::OutputTooLarge,
        FailureCause::InputMissing => TerminationCause::InputMissing,
    }
}

fn stopped(exit: Exit, abort: &AbortStatus) -> Outcome {
    let (cause, how) = match (exit.reason.as_str(), exit.code) {
        ("OOMKilled", code) => (TerminationCause::OOMKilled, format!("ran out of memory (exit code {code})")),
        ("ContainerStatusUnknown", _) => {
            (TerminationCause::Disrupted, "ended, and its node lost its exit code".to_owned())
        }
        (_, 137) => {
            (TerminationCause::KilledAfterGrace, "did not end within its grace period and was killed".to_owned())
        }
        (_, code) => (TerminationCause::SoftAborted, format!("was told to stop and ended with code {code}")),
    };
    let message = format!("{}; the program {how}", abort.reason);
    Outcome { cause, message: with_words(message, &exit), exit: Some(exit), stopped: Some(abort.cause) }
}

/// The kubelet stopped the pod at its `activeDeadlineSeconds`: the template's own, or the ceiling that holds while no
/// operator is there.
fn stopped_by_kubelet(exit: Exit) -> Outcome {
    let cause =
        if exit.reason == "OOMKilled" { TerminationCause::OOMKilled } else { TerminationCause::DeadlineExceeded };
    let message = format!(
        "the pod ran for longer than its activeDeadlineSeconds and the kubelet stopped it; the program ended with code {}",
        exit.code
    );
    let stopped = Some(AbortCause::DeadlineExceeded);
    Outcome { cause, message: with_words(message, &exit), exit: Some(exit), stopped }
}

/// Somebody deleted the pod, not the job: what the program did after the signal is no result, whatever its exit code.
fn disrupted(exit: Exit, stop: &Stop) -> Outcome {
    let cause = if exit.reason == "OOMKilled" { TerminationCause::OOMKilled } else { TerminationCause::Disrupted };
    let message = format!("{}; the program ended with code {}", pod_deleted(stop), exit.code);
    Outcome { cause, message, exit: Some(exit), stopped: None }
}

fn pod_deleted(stop: &Stop) -> String {
    let colon = if stop.why.is_empty() { "" } else { ": " };
    format!("the pod was deleted, and not by the operator{colon}{}", stop.why)
}

fn failed(exit: Exit, ending: &Ending, codes: &ExitCodes) -> Outcome {
    let mut stopped = None;
    let (cause, message) = match (exit.reason.as_str(), &ending.pod) {
        ("OOMKilled", _) => (
            TerminationCause::OOMKilled,
            format!("the program ran out of memory (exit code {}): raise resources.limits.memory", exit.code),
        ),
        (_, Some((reason, message))) if reason == "Evicted" => {
            (TerminationCause::Evicted, format!("the node evicted the pod: {message}"))
        }
        ("ContainerStatusUnknown", _) => (
            TerminationCause::Disrupted,
            "the node lost the container's status, so its exit code is unknown".to_owned(),
        ),
        _ if Some(exit.code) == codes.limit_reached => {
            stopped = Some(AbortCause::DeadlineExceeded);
            (
                TerminationCause::DeadlineExceeded,
                format!("the program hit a limit of its own, as its exit code {} says", exit.code),
            )
        }
        _ if exit.code == codes.soft_aborted => (
            TerminationCause::SoftAborted,
            format!(
                "the program stopped softly, as its exit code {} says, and the operator had not told it to",
                exit.code
            ),
        ),
        _ => (TerminationCause::Error, format!("the program exited with code {}", exit.code)),
    };
    Outcome { cause, message: with_words(message, &exit), exit: Some(exit), stopped }
}

/// A sentence with the program's last words, where it left any.
fn with_words(message: String, exit: &Exit) -> String {
    let words = exit.words.trim();
    if words.is_empty() { message } else { format!("{message}: {words}") }
}

fn never_ran(ending: &Ending, circumstances: &Circumstances) -> Outcome {
    let stopped = circumstances.abort.as_ref().map(|abort| abort.cause);
    let (cause, message) = match (&ending.courier, &circumstances.abort) {
        (Some(TerminationRecord::Failed(failure)), _) => (cause_of(failure.cause), failure.message.clone()),
        (_, Some(_)) if ending.lost => (TerminationCause::NodeLost, lost(ending)),
        _ if ending.lost => (TerminationCause::Disrupted, lost(ending)),
        (_, Some(abort)) => return Outcome::never_started(abort),
        _ => why_never_ran(ending),
    };
    Outcome { cause, message, exit: None, stopped }
}

fn lost(ending: &Ending) -> String {
    let why = ending.stop.as_ref().map(|stop| stop.why.as_str()).filter(|why| !why.is_empty());
    let why =
        why.or_else(|| ending.pod.as_ref().map(|(_, message)| message.as_str())).unwrap_or("its node does not answer");
    format!("the program was running when its pod was lost, and nobody knows how it ended: {why}")
}

fn why_never_ran(ending: &Ending) -> (TerminationCause, String) {
    match ending {
        Ending { was_over: true, .. } => (
            TerminationCause::Disrupted,
            "the pod had waited for a job, and its program had ended before it got this one".to_owned(),
        ),
        Ending { pod: Some((reason, message)), .. } if reason == "Evicted" => {
            (TerminationCause::Evicted, format!("the node evicted the pod before the program started: {message}"))
        }
        Ending { stop: Some(stop), .. } => {
            (TerminationCause::Disrupted, format!("the program never started: {}", pod_deleted(stop)))
        }
        Ending { culprit: Some(culprit), .. } => {
            (TerminationCause::Error, format!("the program never started: {culprit}"))
        }
        Ending { pod: Some((reason, message)), .. } => {
            (TerminationCause::NeverStarted, format!("the program never started: {reason}: {message}"))
        }
        Ending { pod: None, .. } => {
            (TerminationCause::NeverStarted, "the pod was stopped before the program started".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        api::stop::AbortMode,
        wire::{Digest, FailureRecord},
    };
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    const SECOND: i64 = 1_800_000_000;
    /// The job was told to stop in this second, where it was.
    const STOP: i64 = 100;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(SECOND + second).unwrap()
    }

    fn abort(cause: AbortCause) -> AbortStatus {
        AbortStatus {
            stage: AbortStage::Signalled,
            cause,
            reason: "why".to_owned(),
            mode: AbortMode::Graceful,
            requested_time: Time(at(STOP - 1)),
            stop_time: Time(at(STOP)),
            kill_time: Time(at(STOP + 30)),
        }
    }

    fn exited(code: i32, reason: &str, finished: i64) -> Ending {
        let exit = Exit {
            code,
            reason: reason.to_owned(),
            started: Some(at(0)),
            finished: (reason != "ContainerStatusUnknown").then(|| at(finished)),
            words: "last words".to_owned(),
        };
        Ending { exit: Some(exit), ..never() }
    }

    fn never() -> Ending {
        Ending {
            exit: None,
            courier: None,
            pod: None,
            culprit: None,
            stop: None,
            ceiling: None,
            lost: false,
            was_over: false,
        }
    }

    impl Ending {
        fn with(self, courier: TerminationRecord) -> Self {
            Self { courier: Some(courier), ..self }
        }

        fn evicted(self) -> Self {
            Self { pod: Some(("Evicted".to_owned(), "low on memory".to_owned())), ..self }
        }

        /// Somebody deleted the pod in that second.
        fn deleted(self, second: i64) -> Self {
            Self { stop: Some(Stop { at: at(second), is_exact: true, why: String::new() }), ..self }
        }

        /// Somebody deleted the pod in that second or before.
        fn deleted_by(self, second: i64) -> Self {
            Self { stop: Some(Stop { at: at(second), is_exact: false, why: String::new() }), ..self }
        }

        /// The kubelet stopped the pod in that second.
        fn ceiling(self, second: i64) -> Self {
            Self { ceiling: Some(at(second)), ..self }
        }
    }

    fn commit() -> TerminationRecord {
        let record = CommitRecord { attempt: 1, sha256: Digest::of(b"x"), bytes: 1, output_bytes: None };
        TerminationRecord::Committed(record)
    }

    fn failure(cause: FailureCause) -> TerminationRecord {
        TerminationRecord::Failed(FailureRecord { attempt: 1, cause, message: "why".to_owned() })
    }

    fn settings() -> Settings {
        Settings {
            courier_image: String::new(),
            courier_pull_policy: None,
            courier_resources: k8s_openapi::api::core::v1::ResourceRequirements::default(),
            capability_key: crate::wire::CapabilityKey::new(&[7; 32]).unwrap(),
            defaults: crate::limits::Defaults::default(),
            gateway_namespace: None,
            priority_classes: std::collections::BTreeMap::new(),
            deadline_result: ResultType::Timeout,
        }
    }

    /// Phase, cause, reason and result of an ending, and whether its output is still needed.
    fn judged(
        ending: &Ending,
        stopped: Option<AbortCause>,
        courier: bool,
    ) -> (Phase, TerminationCause, &'static str, ResultType) {
        let exit_codes = ExitCodes { soft_aborted: 10, limit_reached: Some(11) };
        let circumstances = Circumstances { abort: stopped.map(abort), courier, exit_codes };
        let (Verdict::Final(outcome) | Verdict::NeedsOutput(outcome, _)) = judge(ending.clone(), &circumstances);
        (outcome.phase(), outcome.cause, outcome.reason(), outcome.result_type(&settings()))
    }

    #[test]
    fn every_ending_has_its_word() {
        use AbortCause::{
            DeadlineExceeded as Late, Deleted, NoProgress, Requested, StartDeadlineExceeded as Unstarted,
        };
        use Phase::{Aborted, Failed, Succeeded};
        use ResultType::{Cancelled, Error as Erred, Succeeded as Done, Timeout};
        use TerminationCause as Cause;
        let done = (Succeeded, Cause::Completed, "Completed", Done);
        let failed = |cause: Cause| (Failed, cause, cause.as_str(), Erred);
        let aborted = |cause: Cause| (Aborted, cause, "Aborted", Cancelled);
        let late = |cause: Cause| (Failed, cause, "DeadlineExceeded", Timeout);
        let table = [
            // By itself.
            (exited(0, "Completed", 9), None, done),
            (exited(3, "Error", 9), None, failed(Cause::Error)),
            (exited(0, "OOMKilled", 9), None, failed(Cause::OOMKilled)),
            (exited(137, "OOMKilled", 9), None, failed(Cause::OOMKilled)),
            (exited(137, "ContainerStatusUnknown", 9), None, failed(Cause::Disrupted)),
            (exited(137, "Error", 9).evicted(), None, failed(Cause::Evicted)),
            (exited(10, "Error", 9), None, failed(Cause::SoftAborted)),
            (exited(11, "Error", 9), None, late(Cause::DeadlineExceeded)),
            (exited(3, "Error", 9).with(commit()), None, failed(Cause::Error)),
            // Success wins the tie: it ended before the second in which it was told to stop.
            (exited(0, "Completed", 99), Some(Deleted), done),
            (exited(0, "Completed", 99), Some(Late), done),
            (exited(3, "Error", 99), Some(Late), failed(Cause::Error)),
            (exited(0, "Completed", 100), Some(Deleted), aborted(Cause::SoftAborted)),
            (exited(0, "Completed", 100), Some(Late), late(Cause::SoftAborted)),
            // Told to stop.
            (exited(10, "Error", 101), Some(Deleted), aborted(Cause::SoftAborted)),
            (exited(10, "Error", 101), Some(Requested), aborted(Cause::SoftAborted)),
            (exited(137, "Error", 130), Some(Requested), aborted(Cause::KilledAfterGrace)),
            (exited(137, "OOMKilled", 101), Some(Deleted), aborted(Cause::OOMKilled)),
            (exited(137, "Error", 130), Some(Late), late(Cause::KilledAfterGrace)),
            (exited(143, "Error", 101), Some(NoProgress), (Failed, Cause::SoftAborted, "NoProgress", Erred)),
            (exited(137, "ContainerStatusUnknown", 0), Some(Late), late(Cause::Disrupted)),
            // Somebody else stopped the pod.
            (exited(0, "Completed", 9).deleted(10), None, done),
            (exited(0, "Completed", 10).deleted(10), None, failed(Cause::Disrupted)),
            (exited(143, "Error", 11).deleted(10), None, failed(Cause::Disrupted)),
            (exited(0, "Completed", 9).deleted_by(10), None, failed(Cause::Disrupted)),
            (exited(10, "Error", 9).deleted_by(10), None, failed(Cause::Disrupted)),
            (exited(0, "Completed", 9).deleted_by(10), Some(Deleted), failed(Cause::Disrupted)),
            (exited(0, "Completed", 99).deleted_by(101), Some(Deleted), done),
            (exited(0, "Completed", 100).deleted_by(101), Some(Deleted), aborted(Cause::SoftAborted)),
            (exited(137, "OOMKilled", 11).deleted(10), None, failed(Cause::OOMKilled)),
            (exited(143, "Error", 99).deleted(98), Some(Deleted), failed(Cause::Disrupted)),
            (exited(143, "Error", 101).deleted(98), Some(Deleted), aborted(Cause::SoftAborted)),
            (exited(0, "Completed", 9).ceiling(10), None, done),
            (exited(0, "Completed", 10).ceiling(10), None, late(Cause::DeadlineExceeded)),
            (exited(137, "Error", 40).ceiling(10), None, late(Cause::DeadlineExceeded)),
            (exited(137, "Error", 130).ceiling(90), Some(Requested), aborted(Cause::KilledAfterGrace)),
            // It never ran.
            (never(), None, failed(Cause::NeverStarted)),
            (never().evicted(), None, failed(Cause::Evicted)),
            (never().deleted(10), None, failed(Cause::Disrupted)),
            (Ending { lost: true, ..never() }, None, failed(Cause::Disrupted)),
            (Ending { culprit: Some("container a exited".to_owned()), ..never() }, None, failed(Cause::Error)),
            (never().with(failure(FailureCause::InputMissing)), None, failed(Cause::InputMissing)),
            (never().deleted(100), Some(Deleted), aborted(Cause::NeverStarted)),
            (never().deleted(100), Some(Unstarted), (Failed, Cause::NeverStarted, "StartDeadlineExceeded", Erred)),
        ];
        for (ending, stopped, expected) in table {
            assert_eq!(judged(&ending, stopped, false), expected, "{ending:?}, stopped for {stopped:?}");
        }
    }

    #[test]
    fn a_courier_answers_for_the_output() {
        let success = || exited(0, "Completed", 9);
        for (ending, cause) in [
            (success().with(commit()), TerminationCause::Completed),
            (success(), TerminationCause::OutputLost),
            (success().with(failure(FailureCause::OutputTooLarge)), TerminationCause::OutputTooLarge),
        ] {
            assert_eq!(judged(&ending, None, true).1, cause, "{ending:?}");
        }
        let circumstances = Circumstances { abort: None, courier: true, exit_codes: ExitCodes::default() };
        assert!(matches!(judge(success().with(commit()), &circumstances), Verdict::NeedsOutput(..)));
    }
}

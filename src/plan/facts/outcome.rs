//! How a job ended: from the pod's ending, the courier's record and the decision to stop it, to one word and a sentence.

use jiff::Timestamp;

use crate::{
    api::{
        Reason,
        status::{
            AbortCause, AbortStage, AbortStatus, AttemptStatus, Disruption, JobResultType, Phase, TerminationCause,
        },
        stop::ExitCodes,
        time::whole_second,
    },
    plan::facts::{
        disruption::{self, EVICTED, STATUS_UNKNOWN},
        ending::{Ending, Exit, NodeFault, Stop},
        node_clock::TOLERANCE,
        observed::Observed,
    },
    pods::Settings,
    wire::{self, CommitRecord, FailureCause, TerminationRecord},
};

/// The kubelet's reason for a container whose memory was over.
const OOM_KILLED: &str = "OOMKilled";
/// The exit code of a container that was killed; the kubelet gives it, too, to one that it lost.
const KILLED: i32 = 137;

/// How a job ended, as the client and the status will say it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// One word.
    pub cause: TerminationCause,
    /// A sentence for people.
    pub message: String,
    /// Main's exit, where it ran.
    pub exit: Option<Exit>,
    /// Why it was stopped, where it did not end by itself.
    pub stopped: Option<AbortCause>,
    /// What of the cluster ended it, where that is so.
    pub disruption: Option<Disruption>,
}

/// A verdict on an ending: final, or final once the output is at hand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Nothing more to look at.
    Final(Outcome),
    /// The program succeeded, and its courier says that it sent this; it must be there. `None` where the courier left no
    /// record: it may be there all the same.
    NeedsOutput(Outcome, Option<CommitRecord>),
}

/// What is known of the job beside its pod.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// The stop that was decided on, if one was.
    pub abort: Option<AbortStatus>,
    /// Whether main of this attempt was seen running.
    pub was_running: bool,
    /// When main was seen to have ended with 0 by itself, where it was.
    pub ended_by_itself: Option<Timestamp>,
    /// Whether the job has a courier.
    pub courier: bool,
    /// The codes by which the program says why it ended.
    pub exit_codes: ExitCodes,
}

impl Circumstances {
    /// What is known of `observed`'s job beside its pod.
    #[must_use]
    pub(crate) fn of(observed: &Observed) -> Self {
        let spec = &observed.job.spec;
        Self {
            was_running: observed.status().start_time.is_some(),
            abort: observed.status().abort.clone(),
            ended_by_itself: observed.ended_by_itself,
            courier: spec.courier().enabled,
            exit_codes: spec.exit_codes(),
        }
    }
}

impl Outcome {
    /// An outcome without an exit code.
    #[must_use]
    pub(crate) fn without_exit(
        cause: TerminationCause,
        message: impl Into<String>,
        stopped: Option<AbortCause>,
    ) -> Self {
        Self { cause, message: message.into(), exit: None, stopped, disruption: None }
    }

    /// The outcome of a job that was stopped while it had no pod: that of its last attempt, where it had one.
    #[must_use]
    pub(crate) fn between_attempts(abort: &AbortStatus, attempts: &[AttemptStatus]) -> Self {
        let Some(last) = attempts.last() else { return Self::never_started(abort) };
        let message = format!("{}; nothing of it ran then. Its last attempt: {}", abort.reason, last.message);
        Self::without_exit(last.cause, message, Some(abort.cause))
    }

    /// The outcome of a job that was stopped before its program started.
    #[must_use]
    pub(crate) fn never_started(abort: &AbortStatus) -> Self {
        let message = match abort.cause {
            AbortCause::StartDeadlineExceeded => abort.reason.clone(),
            _ => format!("{} before its program started", abort.reason),
        };
        Self::without_exit(TerminationCause::NeverStarted, message, Some(abort.cause))
    }

    /// The phase that this outcome leads to: who wished for the end of a job did not see it fail.
    #[must_use]
    pub(crate) fn phase(&self) -> Phase {
        match (self.cause, self.stopped) {
            (TerminationCause::Completed, _) => Phase::Succeeded,
            (_, Some(cause)) if cause.is_wish() => Phase::Aborted,
            _ => Phase::Failed,
        }
    }

    /// Why the job did not succeed, one word.
    #[must_use]
    pub(crate) fn reason(&self) -> Reason {
        match self.stopped {
            Some(cause) => cause.reason(),
            None => self.cause.reason(),
        }
    }

    /// What the client is told.
    #[must_use]
    pub(crate) fn result_type(&self, settings: &Settings) -> JobResultType {
        match (self.phase(), self.stopped) {
            (Phase::Succeeded, _) => JobResultType::Succeeded,
            (Phase::Aborted, _) => JobResultType::Cancelled,
            (_, Some(AbortCause::DeadlineExceeded)) => settings.deadline_result,
            _ => JobResultType::Error,
        }
    }

    /// How far the stop came that `abort` decided on.
    #[must_use]
    pub(crate) fn stage(&self, abort: &AbortStatus) -> AbortStage {
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
    pub(crate) fn become_failure(self, cause: TerminationCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), ..self }
    }
}

/// The same on the wire.
#[must_use]
pub fn wire_type(type_: JobResultType) -> wire::ResultType {
    match type_ {
        JobResultType::Succeeded => wire::ResultType::Succeeded,
        JobResultType::Error => wire::ResultType::Error,
        JobResultType::Cancelled => wire::ResultType::Cancelled,
        JobResultType::Timeout => wire::ResultType::Timeout,
    }
}

/// Judges how a pod ended.
///
/// Where the cluster ended it, or may have, an exit code of 0 is no success: programs exit so when they are told to stop. It is
/// one only where it is proved that main had ended by itself: it was seen so, or a deletion was asked for later.
#[must_use]
pub(crate) fn judge(ending: Ending, circumstances: &Circumstances) -> Verdict {
    // Main of a pod that had waited may have run without its input.
    let in_vain = ending.courier.as_ref().is_some_and(TerminationRecord::is_missing_input);
    let ending = if circumstances.was_running && !in_vain { ending.of_one_that_ran() } else { ending };
    let Some(exit) = ending.exit.clone().filter(|_| !in_vain) else {
        return Verdict::Final(never_ran(&ending, circumstances));
    };
    let witnessed = circumstances.ended_by_itself.filter(|_| exit.code == 0).map(whole_second);
    // A node's clock may be ahead by less than is worth a doubt, but what was seen has been.
    let finished = [exit.finished, witnessed].into_iter().flatten().min();
    let exit = Exit { finished, ..exit };
    let abort = circumstances.abort.as_ref();
    let stop = abort.map(|abort| abort.stop_time.0);
    // What no deletion has reached was not stopped by the operator, whenever it ended.
    let reached = stop.filter(|_| exit.finished.is_some() || ending.stop.is_some());
    let undisturbed = was_left(&exit, ending.stop.as_ref(), abort) && !disruption::hides_main(&ending);
    let by_itself =
        [reached, ending.ceiling].iter().all(|stop| in_time(&exit, *stop)) && (undisturbed || witnessed.is_some());
    if exit.code == 0 && exit.reason != OOM_KILLED && by_itself {
        return succeeded(exit, ending.courier, circumstances);
    }
    Verdict::Final(match (abort, ending.ceiling) {
        _ if by_itself => failed(exit, &circumstances.exit_codes),
        (Some(abort), _) if !in_time(&exit, stop) => stopped(exit, abort),
        (_, Some(_)) => stopped_by_kubelet(exit),
        (Some(abort), _) if is_own_deletion(&ending, abort) => stopped(exit, abort),
        _ => disrupted(exit, &ending),
    })
}

impl Ending {
    /// The ending of an attempt whose program was seen running: a status that says nothing of its end lost it.
    fn of_one_that_ran(mut self) -> Self {
        if !self.lost && !self.was_over {
            self.exit.get_or_insert_with(|| Exit {
                code: KILLED,
                reason: STATUS_UNKNOWN.to_owned(),
                started: None,
                finished: None,
                words: String::new(),
            });
        }
        self
    }
}

/// Success wins the tie: the stop is sent just after a full second S, so what ended before S was not told to.
fn in_time(exit: &Exit, stop: Option<Timestamp>) -> bool {
    match (exit.finished, stop) {
        (_, None) => true,
        (Some(finished), Some(stop)) => finished < stop,
        (None, Some(_)) => false,
    }
}

/// Whether the program had ended before the end of its pod was asked for. Where that time is lost, it is
/// taken for the operator's own request where there was one by then; else for a disruption, which costs another attempt and
/// no false success.
fn was_left(exit: &Exit, stop: Option<&Stop>, abort: Option<&AbortStatus>) -> bool {
    match stop {
        None => true,
        Some(stop) if stop.is_exact => in_time(exit, Some(stop.at)),
        Some(stop) => abort.is_some_and(|abort| abort.stop_time.0 <= stop.at),
    }
}

/// Whether it was the operator that asked for the pod's end, although the apiserver's clock dates that before the second of the
/// stop: clocks differ.
fn is_own_deletion(ending: &Ending, abort: &AbortStatus) -> bool {
    let near = ending.stop.as_ref().is_some_and(|stop| stop.at + TOLERANCE >= abort.stop_time.0);
    near && abort.stage != AbortStage::Requested && !disruption::hides_main(ending)
}

/// What a former leader told the client that knew that main had ended by itself, and died before it stored that; `None` where
/// the exit code is not main's own.
#[must_use]
pub(crate) fn told(exit: Exit, codes: &ExitCodes) -> Option<Outcome> {
    if disruption::is_unknown(&exit) {
        return None;
    }
    let is_success = exit.code == 0 && exit.reason != OOM_KILLED;
    Some(if is_success { completed(exit) } else { failed(exit, codes) })
}

fn completed(exit: Exit) -> Outcome {
    Outcome {
        cause: TerminationCause::Completed,
        message: "the program exited with code 0".to_owned(),
        exit: Some(exit),
        stopped: None,
        disruption: None,
    }
}

fn succeeded(exit: Exit, courier: Option<TerminationRecord>, circumstances: &Circumstances) -> Verdict {
    let completed = completed(exit);
    if !circumstances.courier {
        return Verdict::Final(completed);
    }
    match courier {
        Some(TerminationRecord::Committed(record)) => Verdict::NeedsOutput(completed, Some(record)),
        Some(TerminationRecord::Failed(failure)) => {
            Verdict::Final(completed.become_failure(cause_of(failure.cause), failure.message))
        }
        None => Verdict::NeedsOutput(completed, None),
    }
}

/// `outcome` of a program whose output is not at the broker, and whose courier left no record. A wish for the job's end ends
/// the sending of its output, too.
pub(crate) fn unsent(outcome: Outcome, abort: Option<&AbortStatus>) -> Outcome {
    let wished = abort.map(|abort| abort.cause).filter(|cause| cause.is_wish() && cause.is_final());
    Outcome { stopped: wished, ..outcome }.become_failure(
        TerminationCause::OutputLost,
        "the program exited with code 0, and the courier ended without a commit record: its output may not have reached the broker. \
         Look at the courier's log and raise spec.courier.flushSeconds if the broker was away for longer",
    )
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
        (OOM_KILLED, code) => (TerminationCause::OOMKilled, format!("ran out of memory (exit code {code})")),
        _ if disruption::is_unknown(&exit) => {
            (TerminationCause::Disrupted, "ended, and its node lost its exit code".to_owned())
        }
        (_, KILLED) => {
            (TerminationCause::KilledAfterGrace, "did not end within its grace period and was killed".to_owned())
        }
        (_, code) => (TerminationCause::SoftAborted, format!("was told to stop and ended with code {code}")),
    };
    let message = format!("{}; the program {how}", abort.reason);
    let stopped = Some(abort.cause);
    Outcome { cause, message: with_words(message, &exit), exit: Some(exit), stopped, disruption: None }
}

/// The kubelet stopped the pod at its `activeDeadlineSeconds`: the template's own, or the ceiling that holds while no
/// operator is there.
fn stopped_by_kubelet(exit: Exit) -> Outcome {
    let cause =
        if exit.reason == OOM_KILLED { TerminationCause::OOMKilled } else { TerminationCause::DeadlineExceeded };
    let message = format!(
        "the pod ran for longer than its activeDeadlineSeconds and the kubelet stopped it; the program ended with code {}",
        exit.code
    );
    let stopped = Some(AbortCause::DeadlineExceeded);
    Outcome { cause, message: with_words(message, &exit), exit: Some(exit), stopped, disruption: None }
}

/// The cluster ended the pod: what the program did after the signal is no result, whatever its exit code. Memory that it took
/// beyond its own limit, and storage, are its own fault all the same.
fn disrupted(exit: Exit, ending: &Ending) -> Outcome {
    if exit.reason == OOM_KILLED {
        return Outcome {
            exit: Some(exit.clone()),
            ..Outcome::without_exit(TerminationCause::OOMKilled, out_of_memory(&exit), None)
        };
    }
    let lost_power = ending.node == Some(NodeFault::PowerLoss);
    let code = if disruption::is_unknown(&exit) || lost_power {
        "its exit code is unknown".to_owned()
    } else {
        format!("the program ended with code {}", exit.code)
    };
    let message = format!("{}; {code}", cluster_words(ending));
    let cause = if is_evicted(ending) { TerminationCause::Evicted } else { TerminationCause::Disrupted };
    Outcome { cause, message, exit: Some(exit), stopped: None, disruption: disruption::of(ending) }
}

fn is_evicted(ending: &Ending) -> bool {
    ending.pod.as_ref().is_some_and(|(reason, _)| reason == EVICTED)
}

/// What the cluster did, in its own words.
fn cluster_words(ending: &Ending) -> String {
    let words = ending.pod.as_ref().map(|(reason, message)| format!("{reason}: {message}")).unwrap_or_default();
    match disruption::of(ending) {
        _ if is_evicted(ending) => format!("the node evicted the pod: {}", words.trim_start_matches("Evicted: ")),
        Some(Disruption::NodeLost) if ending.node == Some(NodeFault::PowerLoss) => {
            "all containers of the pod were killed at once, as by a loss of power".to_owned()
        }
        Some(Disruption::NodeLost) => format!("the node lost the status of a container{}", why(ending)),
        Some(Disruption::AdmissionRefused) => format!("the node refused the pod: {words}"),
        Some(Disruption::Preempted) => format!("the pod was preempted{}", why(ending)),
        Some(Disruption::TerminatedByKubelet) => format!("the kubelet terminated the pod{}", why(ending)),
        _ => pod_deleted(ending),
    }
}

/// What kubelet, node or apiserver say, after a colon.
fn why(ending: &Ending) -> String {
    let words = ending.pod.as_ref().map(|(reason, message)| format!("{reason}: {message}"));
    let words = words.or_else(|| ending.stop.as_ref().map(|stop| stop.why.clone())).or_else(|| ending.target.clone());
    words.filter(|words| !words.is_empty()).map_or_else(String::new, |words| format!(": {words}"))
}

fn pod_deleted(ending: &Ending) -> String {
    format!("the pod was deleted, and not by the operator{}", why(ending))
}

fn failed(exit: Exit, codes: &ExitCodes) -> Outcome {
    let mut stopped = None;
    let (cause, message) = match exit.reason.as_str() {
        OOM_KILLED => (TerminationCause::OOMKilled, out_of_memory(&exit)),
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
    Outcome { cause, message: with_words(message, &exit), exit: Some(exit), stopped, disruption: None }
}

fn out_of_memory(exit: &Exit) -> String {
    format!("the program ran out of memory (exit code {}): raise resources.limits.memory", exit.code)
}

/// A sentence with the program's last words, where it left any.
fn with_words(message: String, exit: &Exit) -> String {
    let words = exit.words.trim();
    if words.is_empty() { message } else { format!("{message}: {words}") }
}

fn never_ran(ending: &Ending, circumstances: &Circumstances) -> Outcome {
    let stopped = circumstances.abort.as_ref().map(|abort| abort.cause);
    let (cause, message) = match (&ending.courier, &circumstances.abort) {
        (Some(TerminationRecord::Failed(failure)), _) if !disruption::hides_main(ending) => {
            (cause_of(failure.cause), failure.message.clone())
        }
        (_, Some(_)) if ending.lost => (TerminationCause::NodeLost, lost(ending)),
        _ if ending.lost => (TerminationCause::Disrupted, lost(ending)),
        // It was seen running, so it had started, whatever a node's clock says.
        (_, Some(_)) if ending.was_over && circumstances.was_running => why_never_ran(ending),
        (_, Some(abort)) => return Outcome::never_started(abort),
        _ => why_never_ran(ending),
    };
    let by_cluster = !matches!(cause, TerminationCause::Error | TerminationCause::InputMissing);
    let disruption = disruption::of(ending).filter(|_| by_cluster);
    Outcome { disruption, ..Outcome::without_exit(cause, message, stopped) }
}

fn lost(ending: &Ending) -> String {
    let why = ending.stop.as_ref().map(|stop| stop.why.as_str()).filter(|why| !why.is_empty());
    let why =
        why.or_else(|| ending.pod.as_ref().map(|(_, message)| message.as_str())).unwrap_or("its node does not answer");
    format!("the program was running when its pod was lost, and how it ended is unknown: {why}")
}

fn why_never_ran(ending: &Ending) -> (TerminationCause, String) {
    match ending {
        Ending { was_over: true, .. } => (
            TerminationCause::Disrupted,
            "the pod had waited for a job, and its program had ended before it got this one".to_owned(),
        ),
        Ending { pod: Some((reason, message)), .. } if reason == EVICTED => {
            (TerminationCause::Evicted, format!("the node evicted the pod before the program started: {message}"))
        }
        Ending { stop: Some(_), .. } => {
            (TerminationCause::Disrupted, format!("the program never started: {}", pod_deleted(ending)))
        }
        Ending { node: Some(NodeFault::Forgot), .. } => {
            (TerminationCause::Disrupted, format!("the program never started: {}", cluster_words(ending)))
        }
        _ if disruption::hides_main(ending) => {
            (TerminationCause::NeverStarted, format!("the program never started: {}", cluster_words(ending)))
        }
        Ending { culprit: Some(culprit), .. } => {
            (TerminationCause::Error, format!("the program never started: {culprit}"))
        }
        Ending { target: Some(_), .. } => {
            (TerminationCause::NeverStarted, format!("the program never started: {}", cluster_words(ending)))
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
            target: None,
            node: None,
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
            keys: crate::wire::Keys { current: crate::wire::CapabilityKey::new(&[7; 32]).unwrap(), previous: None },
            defaults: crate::limits::Defaults::default(),
            gateway_namespace: None,
            priority_classes: std::collections::BTreeMap::new(),
            deadline_result: JobResultType::Timeout,
        }
    }

    /// Nothing is known but the pod.
    fn alone() -> Circumstances {
        Circumstances {
            was_running: false,
            abort: None,
            ended_by_itself: None,
            courier: false,
            exit_codes: ExitCodes::default(),
        }
    }

    /// Phase, cause, reason and result of an ending, and whether its output is still needed.
    fn judged(
        ending: &Ending,
        stopped: Option<AbortCause>,
        courier: bool,
    ) -> (Phase, TerminationCause, &'static str, JobResultType) {
        let exit_codes = ExitCodes { soft_aborted: 10, limit_reached: Some(11) };
        let circumstances = Circumstances { abort: stopped.map(abort), courier, exit_codes, ..alone() };
        let outcome = match judge(ending.clone(), &circumstances) {
            Verdict::Final(outcome) | Verdict::NeedsOutput(outcome, Some(_)) => outcome,
            Verdict::NeedsOutput(outcome, None) => unsent(outcome, circumstances.abort.as_ref()),
        };
        (outcome.phase(), outcome.cause, outcome.reason().as_str(), outcome.result_type(&settings()))
    }

    #[test]
    fn every_ending_has_its_word() {
        use AbortCause::{
            DeadlineExceeded as Late, Deleted, NoProgress, Requested, StartDeadlineExceeded as Unstarted,
        };
        use JobResultType::{Cancelled, Error as Erred, Succeeded as Done, Timeout};
        use Phase::{Aborted, Failed, Succeeded};
        use TerminationCause as Cause;
        let done = (Succeeded, Cause::Completed, "Completed", Done);
        let failed = |cause: Cause| (Failed, cause, cause.as_str(), Erred);
        let aborted = |cause: Cause| (Aborted, cause, "Aborted", Cancelled);
        let late = |cause: Cause| (Failed, cause, "DeadlineExceeded", Timeout);
        let table = vec![
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
            (exited(143, "Error", 99).deleted(97), Some(Deleted), failed(Cause::Disrupted)),
            // The operator's clock is ahead of the others, and it was the operator who deleted the pod.
            (exited(143, "Error", 99).deleted(98), Some(Deleted), aborted(Cause::SoftAborted)),
            (exited(143, "Error", 99).deleted(99), Some(Late), late(Cause::SoftAborted)),
            (
                exited(0, "Completed", 99).deleted(99),
                Some(NoProgress),
                (Failed, Cause::SoftAborted, "NoProgress", Erred),
            ),
            (exited(3, "Error", 98).deleted(99), Some(Late), failed(Cause::Error)),
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

    /// What was decided, and not yet carried out, deleted no pod; nor is what a node ended the operator's doing.
    #[test]
    fn a_stop_that_was_not_carried_out_ends_nothing() {
        let late = || abort(AbortCause::DeadlineExceeded);
        let planned = AbortStatus { stage: AbortStage::Requested, ..late() };
        let target = Some("TerminationByKubelet".to_owned());
        let shut_down = Ending { target, ..exited(143, "Error", STOP - 1).deleted(STOP - 1) };
        for (ending, abort) in [(exited(143, "Error", STOP - 1).deleted(STOP - 1), planned), (shut_down, late())] {
            let circumstances = Circumstances { abort: Some(abort), ..alone() };
            let Verdict::Final(outcome) = judge(ending.clone(), &circumstances) else { panic!("{ending:?}") };
            assert_eq!((outcome.cause, outcome.stopped), (TerminationCause::Disrupted, None), "{ending:?}");
        }
    }

    /// A pod that its kubelet ended: the reason of its `DisruptionTarget`, and the pod's own reason and message.
    fn by_kubelet(code: i32, target: &str, reason: &str, message: &str) -> Ending {
        let pod = (!reason.is_empty()).then(|| (reason.to_owned(), message.to_owned()));
        let target = (!target.is_empty()).then(|| target.to_owned());
        Ending { pod, target, ..exited(code, if code == 0 { "Completed" } else { "Error" }, 9) }
    }

    fn refused(reason: &str) -> Ending {
        Ending { pod: Some((reason.to_owned(), "why".to_owned())), node: Some(NodeFault::Refusal), ..never() }
    }

    /// What the cluster ended is no success and no failure of the program, whatever its exit code: kubernetes#104531, #141483,
    /// #124345, argo-workflows#11354.
    #[test]
    fn what_the_cluster_ended_is_a_disruption() {
        use Disruption::{
            AdmissionRefused, MemoryPressure, NodeLost, NodePressure, PodDeleted, Preempted, TerminatedByKubelet,
        };
        use TerminationCause::{Disrupted, Evicted, NeverStarted, OOMKilled};
        const KUBELET: &str = "TerminationByKubelet";
        let memory = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 1Mi. ";
        let disk = "The node was low on resource: ephemeral-storage. ";
        let own = "Usage of EmptyDir volume \"work\" exceeds the limit \"1Gi\". ";
        let pod_own = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ";
        let container_own = "Container main exceeded its local ephemeral storage limit \"1Gi\". ";
        let unknown = |code, reason| exited(code, reason, 9);
        let target = |reason: &str| by_kubelet(0, reason, "", "");
        for (ending, cause, disruption) in [
            (target(KUBELET), Disrupted, Some(TerminatedByKubelet)),
            (target(KUBELET).deleted(10), Disrupted, Some(TerminatedByKubelet)),
            (by_kubelet(143, KUBELET, "Terminated", "shutdown"), Disrupted, Some(TerminatedByKubelet)),
            (by_kubelet(0, "", "Terminated", "shutdown"), Disrupted, Some(TerminatedByKubelet)),
            (by_kubelet(0, KUBELET, "Preempting", "critical pod"), Disrupted, Some(Preempted)),
            (by_kubelet(137, KUBELET, EVICTED, memory), Evicted, Some(MemoryPressure)),
            (by_kubelet(0, "", EVICTED, disk), Evicted, Some(NodePressure)),
            (by_kubelet(0, "", EVICTED, own), Evicted, None),
            (by_kubelet(137, "", EVICTED, pod_own), Evicted, None),
            (by_kubelet(137, "", EVICTED, container_own), Evicted, None),
            (by_kubelet(0, "", "UnexpectedAdmissionError", "after a restart"), Disrupted, Some(AdmissionRefused)),
            (by_kubelet(0, "", "OutOfcpu", "after a restart"), Disrupted, Some(AdmissionRefused)),
            (by_kubelet(0, "", "SomeNewReason", "Pod was rejected: why"), Disrupted, Some(AdmissionRefused)),
            (target("EvictionByEvictionAPI").deleted(9), Disrupted, Some(PodDeleted)),
            (target("PreemptionByScheduler").deleted(9), Disrupted, Some(Preempted)),
            (target("DeletionByTaintManager").deleted(9), Disrupted, Some(NodeLost)),
            (unknown(255, "Unknown"), Disrupted, Some(NodeLost)),
            (unknown(0, "Unknown"), Disrupted, Some(NodeLost)),
            (unknown(137, "ContainerStatusUnknown"), Disrupted, Some(NodeLost)),
            (Ending { node: Some(NodeFault::PowerLoss), ..exited(137, "Error", 9) }, Disrupted, Some(NodeLost)),
            (
                Ending { node: Some(NodeFault::PowerLoss), ..exited(137, "Error", 19) }.deleted(10),
                Disrupted,
                Some(PodDeleted),
            ),
            (Ending { target: Some("DeletionByPodGC".to_owned()), lost: true, ..never() }, Disrupted, Some(NodeLost)),
            (Ending { target: Some("DeletionByPodGC".to_owned()), ..never() }, NeverStarted, Some(NodeLost)),
            (refused("UnexpectedAdmissionError"), NeverStarted, Some(AdmissionRefused)),
            (refused("OutOfmemory"), NeverStarted, Some(AdmissionRefused)),
            (refused("NodeAffinity"), NeverStarted, Some(AdmissionRefused)),
            (refused("NodeShutdown"), NeverStarted, Some(AdmissionRefused)),
            (refused(EVICTED), Evicted, Some(AdmissionRefused)),
            // Memory beyond its own limit is the program's own fault.
            (Ending { target: Some(KUBELET.to_owned()), ..exited(137, "OOMKilled", 9) }, OOMKilled, None),
        ] {
            let Verdict::Final(outcome) = judge(ending.clone(), &alone()) else { panic!("{ending:?}") };
            assert_eq!((outcome.cause, outcome.disruption), (cause, disruption), "{ending:?}");
            assert_eq!(outcome.exit.is_some(), ending.exit.is_some(), "{ending:?}");
        }
    }

    /// The only proofs that main had ended by itself: it was seen so, or the deletion was asked for later.
    #[test]
    fn a_success_that_is_proved_is_one() {
        const KUBELET: &str = "TerminationByKubelet";
        let unknown = || {
            let mut ending = exited(0, "Completed", 9);
            ending.exit.as_mut().unwrap().finished = None;
            ending
        };
        for (ending, seen, stopped, phase) in [
            (by_kubelet(0, KUBELET, "", ""), Some(9), None, Phase::Succeeded),
            (by_kubelet(0, KUBELET, "Terminated", "shutdown"), Some(9), None, Phase::Succeeded),
            (by_kubelet(3, KUBELET, "", ""), Some(9), None, Phase::Failed),
            (by_kubelet(0, "EvictionByEvictionAPI", "", "").deleted(10), None, None, Phase::Succeeded),
            // The deletion never came.
            (by_kubelet(0, "EvictionByEvictionAPI", "", ""), None, None, Phase::Succeeded),
            (by_kubelet(0, "PreemptionByScheduler", "", ""), None, None, Phase::Succeeded),
            (exited(0, "Completed", 9).deleted_by(10), Some(9), None, Phase::Succeeded),
            // A time that cannot be believed proves nothing.
            (unknown(), None, None, Phase::Succeeded),
            (unknown().deleted(STOP), None, None, Phase::Failed),
            (unknown().deleted(STOP), None, Some(AbortCause::Requested), Phase::Aborted),
            (unknown().deleted(STOP), Some(STOP - 1), Some(AbortCause::Requested), Phase::Succeeded),
            (unknown().deleted(STOP), Some(STOP), Some(AbortCause::Requested), Phase::Aborted),
            (unknown(), None, Some(AbortCause::Requested), Phase::Succeeded),
            // The node's clock is ahead.
            (exited(0, "Completed", STOP).deleted(STOP), Some(STOP - 1), Some(AbortCause::Requested), Phase::Succeeded),
            (exited(0, "Completed", STOP + 1).deleted(STOP), Some(STOP), Some(AbortCause::Requested), Phase::Aborted),
        ] {
            let circumstances = Circumstances { abort: stopped.map(abort), ended_by_itself: seen.map(at), ..alone() };
            let Verdict::Final(outcome) = judge(ending.clone(), &circumstances) else { panic!("{ending:?}") };
            assert_eq!(outcome.phase(), phase, "{ending:?}, seen at {seen:?}, stopped for {stopped:?}");
        }
    }

    /// A program that was seen running has run, whatever the status of its pod lost.
    #[test]
    fn what_was_seen_running_has_started() {
        use AbortCause::{DeadlineExceeded as Late, Requested};
        use TerminationCause::{Completed, Disrupted, Error, Evicted, InputMissing, NeverStarted, NodeLost};
        let forgot = Ending { node: Some(NodeFault::Forgot), ..never() };
        let by_init = Ending { culprit: Some("container a exited with code 3".to_owned()), ..never() };
        for (ending, was_running, stopped, cause, disruption) in [
            (never(), true, None, Disrupted, Some(Disruption::NodeLost)),
            (never(), false, None, NeverStarted, None),
            (never(), true, Some(Requested), Disrupted, None),
            (never(), true, Some(Late), Disrupted, None),
            (never(), false, Some(Requested), NeverStarted, None),
            (by_init.clone(), true, None, Disrupted, Some(Disruption::NodeLost)),
            (by_init, false, None, Error, None),
            (forgot.clone(), false, None, Disrupted, Some(Disruption::NodeLost)),
            (forgot.deleted(10), false, None, Disrupted, Some(Disruption::NodeLost)),
            (refused("NodeAffinity"), true, None, Disrupted, Some(Disruption::AdmissionRefused)),
            (never().evicted(), true, None, Evicted, Some(Disruption::NodePressure)),
            (Ending { lost: true, ..never() }, true, Some(Requested), NodeLost, Some(Disruption::NodeLost)),
            (Ending { was_over: true, ..never() }, true, None, Disrupted, None),
            (Ending { was_over: true, ..never() }, true, Some(Requested), Disrupted, None),
            (never().with(failure(FailureCause::InputMissing)), true, None, InputMissing, None),
            (exited(0, "Completed", 9), true, None, Completed, None),
        ] {
            let circumstances = Circumstances { was_running, abort: stopped.map(abort), ..alone() };
            let Verdict::Final(outcome) = judge(ending.clone(), &circumstances) else { panic!("{ending:?}") };
            let told = (outcome.cause, outcome.disruption, outcome.stopped);
            assert_eq!(told, (cause, disruption, stopped), "{ending:?}, {}", outcome.message);
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
        let circumstances = Circumstances { courier: true, ..alone() };
        assert!(matches!(judge(success().with(commit()), &circumstances), Verdict::NeedsOutput(_, Some(_))));
        assert!(matches!(judge(success(), &circumstances), Verdict::NeedsOutput(_, None)));
    }
}

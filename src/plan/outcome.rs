//! How a job ended: from the pod's ending, the courier's record and the request to delete, to one word and a sentence.

use jiff::Timestamp;

use crate::{
    api::job::{Phase, ResultType, TerminationCause},
    wire::{self, CommitRecord, FailureCause, TerminationRecord},
};

use super::{
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
    /// Whether the end was asked for.
    pub aborted: bool,
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
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// From when on the job's pod is told to stop, where somebody asked for the job's deletion.
    pub stop: Option<Timestamp>,
    /// Whether the job has a courier.
    pub courier: bool,
}

impl Circumstances {
    /// What is known of `observed`'s job beside its pod.
    #[must_use]
    pub fn of(observed: &Observed) -> Self {
        Self { stop: observed.stop_time(), courier: observed.job.spec.courier.enabled }
    }
}

impl Outcome {
    /// An outcome without an exit code.
    #[must_use]
    pub fn without_exit(cause: TerminationCause, message: impl Into<String>, aborted: bool) -> Self {
        Self { cause, message: message.into(), exit: None, aborted }
    }

    /// The phase that this outcome leads to.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.cause, self.aborted) {
            (TerminationCause::Completed, _) => Phase::Succeeded,
            (_, true) => Phase::Aborted,
            (_, false) => Phase::Failed,
        }
    }

    /// What the client is told.
    #[must_use]
    pub fn result_type(&self) -> ResultType {
        match self.phase() {
            Phase::Succeeded => ResultType::Succeeded,
            Phase::Aborted => ResultType::Cancelled,
            _ => ResultType::Error,
        }
    }

    /// The same on the wire.
    #[must_use]
    pub fn wire_type(&self) -> wire::ResultType {
        match self.result_type() {
            ResultType::Succeeded => wire::ResultType::Succeeded,
            ResultType::Error => wire::ResultType::Error,
            ResultType::Cancelled => wire::ResultType::Cancelled,
        }
    }

    /// The same ending, with another word for it.
    #[must_use]
    pub fn become_failure(self, cause: TerminationCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), ..self }
    }
}

/// Judges how a pod ended.
#[must_use]
pub fn judge(ending: Ending, circumstances: Circumstances) -> Verdict {
    let Some(exit) = ending.exit.clone() else {
        return Verdict::Final(never_ran(&ending, circumstances));
    };
    let in_time = in_time(&exit, circumstances.stop) && in_time(&exit, ending.stop.as_ref().map(|stop| stop.at));
    if exit.code == 0 && exit.reason != "OOMKilled" && in_time {
        return succeeded(exit, ending.courier, circumstances.courier);
    }
    Verdict::Final(match (&ending.stop, circumstances.stop) {
        _ if in_time => failed(exit, &ending),
        (_, Some(_)) => stopped(exit),
        (Some(stop), None) => disrupted(exit, stop),
        (None, None) => failed(exit, &ending),
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

fn succeeded(exit: Exit, courier: Option<TerminationRecord>, has_courier: bool) -> Verdict {
    let completed = Outcome {
        cause: TerminationCause::Completed,
        message: "the program exited with code 0".to_owned(),
        exit: Some(exit),
        aborted: false,
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

fn stopped(exit: Exit) -> Outcome {
    let killed = exit.code == 137 && exit.reason != "OOMKilled";
    let cause = match exit.reason.as_str() {
        "OOMKilled" => TerminationCause::OOMKilled,
        _ if killed => TerminationCause::KilledAfterGrace,
        _ => TerminationCause::SoftAborted,
    };
    let message = if killed {
        "the job was deleted; the program did not end within its grace period and was killed".to_owned()
    } else {
        format!("the job was deleted; the program ended with code {}", exit.code)
    };
    Outcome { cause, message, exit: Some(exit), aborted: true }
}

/// Somebody deleted the pod, not the job: what the program did after the signal is no result, whatever its exit code.
fn disrupted(exit: Exit, stop: &Stop) -> Outcome {
    let cause = if exit.reason == "OOMKilled" { TerminationCause::OOMKilled } else { TerminationCause::Disrupted };
    let message = format!("{}; the program ended with code {}", pod_deleted(stop), exit.code);
    Outcome { cause, message, exit: Some(exit), aborted: false }
}

fn pod_deleted(stop: &Stop) -> String {
    let colon = if stop.why.is_empty() { "" } else { ": " };
    format!("the pod was deleted, and not by the operator{colon}{}", stop.why)
}

fn failed(exit: Exit, ending: &Ending) -> Outcome {
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
        _ => (TerminationCause::Error, format!("the program exited with code {}", exit.code)),
    };
    let words = exit.words.trim().to_owned();
    let message = if words.is_empty() { message } else { format!("{message}: {words}") };
    Outcome { cause, message, exit: Some(exit), aborted: false }
}

fn never_ran(ending: &Ending, circumstances: Circumstances) -> Outcome {
    let aborted = circumstances.stop.is_some();
    let (cause, message) = match &ending.courier {
        Some(TerminationRecord::Failed(failure)) => (cause_of(failure.cause), failure.message.clone()),
        _ if ending.lost => (TerminationCause::Disrupted, lost(ending)),
        _ if aborted => (TerminationCause::NeverStarted, "the job was deleted before its program started".to_owned()),
        _ => why_never_ran(ending),
    };
    Outcome { cause, message, exit: None, aborted }
}

fn lost(ending: &Ending) -> String {
    let why = ending.stop.as_ref().map(|stop| stop.why.as_str()).filter(|why| !why.is_empty());
    let why = why.or_else(|| ending.pod.as_ref().map(|(_, message)| message.as_str())).unwrap_or("its node is gone");
    format!("the program was running when its pod was lost, and nobody knows how it ended: {why}")
}

fn why_never_ran(ending: &Ending) -> (TerminationCause, String) {
    match ending {
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
    use crate::wire::{Digest, FailureRecord};

    const SECOND: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(SECOND + second).unwrap()
    }

    /// Main ended in second 10; the pod and the job were told to stop then, where they were.
    fn judged(code: i32, reason: &str, pod_stop: Option<i64>, job_stop: Option<i64>) -> (Phase, TerminationCause) {
        let exit = Exit {
            code,
            reason: reason.to_owned(),
            started: Some(at(0)),
            finished: (reason != "ContainerStatusUnknown").then(|| at(10)),
            words: String::new(),
        };
        let stop = pod_stop.map(|second| Stop { at: at(second), why: String::new() });
        let ending = Ending { exit: Some(exit), courier: None, pod: None, culprit: None, stop, lost: false };
        match judge(ending, Circumstances { stop: job_stop.map(at), courier: false }) {
            Verdict::Final(outcome) => (outcome.phase(), outcome.cause),
            Verdict::NeedsOutput(..) => panic!("there is no courier"),
        }
    }

    #[test]
    fn success_wins_the_tie_and_what_follows_a_stop_is_none() {
        use Phase::{Aborted, Failed, Succeeded};
        use TerminationCause::{Completed, Disrupted, Error, KilledAfterGrace, OOMKilled, SoftAborted};
        for (code, reason, pod_stop, job_stop, expected) in [
            (0, "Completed", None, None, (Succeeded, Completed)),
            (0, "Completed", Some(11), Some(11), (Succeeded, Completed)),
            (0, "Completed", Some(10), Some(10), (Aborted, SoftAborted)),
            (0, "Completed", None, Some(10), (Aborted, SoftAborted)),
            (0, "Completed", Some(11), None, (Succeeded, Completed)),
            (0, "Completed", Some(10), None, (Failed, Disrupted)),
            (0, "OOMKilled", None, None, (Failed, OOMKilled)),
            (137, "OOMKilled", Some(10), None, (Failed, OOMKilled)),
            (137, "OOMKilled", None, Some(10), (Aborted, OOMKilled)),
            (3, "Error", None, None, (Failed, Error)),
            (3, "Error", Some(11), Some(11), (Failed, Error)),
            (3, "Error", None, Some(9), (Aborted, SoftAborted)),
            (143, "Error", Some(9), None, (Failed, Disrupted)),
            (137, "Error", Some(9), Some(9), (Aborted, KilledAfterGrace)),
            (137, "ContainerStatusUnknown", None, None, (Failed, Disrupted)),
            (137, "ContainerStatusUnknown", Some(9), None, (Failed, Disrupted)),
        ] {
            let judged = judged(code, reason, pod_stop, job_stop);
            assert_eq!(judged, expected, "{code} {reason} {pod_stop:?} {job_stop:?}");
        }
    }

    const DELETION: Option<i64> = Some(100);

    fn ending(code: i32, reason: &str, finished: i64) -> Ending {
        let exit = Exit {
            code,
            reason: reason.to_owned(),
            started: Some(at(1)),
            finished: Some(at(finished)),
            words: "last words".to_owned(),
        };
        Ending { exit: Some(exit), courier: None, pod: None, culprit: None, stop: None, lost: false }
    }

    fn commit() -> TerminationRecord {
        let record = CommitRecord { attempt: 1, sha256: Digest::of(b"x"), bytes: 1, output_bytes: None };
        TerminationRecord::Committed(record)
    }

    fn failure(cause: FailureCause) -> TerminationRecord {
        TerminationRecord::Failed(FailureRecord { attempt: 1, cause, message: "why".to_owned() })
    }

    fn verdict(ending: Ending, deletion: Option<i64>) -> (TerminationCause, Phase, bool) {
        let circumstances = Circumstances { stop: deletion.map(at), courier: true };
        match judge(ending, circumstances) {
            Verdict::Final(outcome) => (outcome.cause, outcome.phase(), false),
            Verdict::NeedsOutput(outcome, _) => (outcome.cause, outcome.phase(), true),
        }
    }

    #[test]
    fn every_ending_has_its_word() {
        use Phase::{Aborted, Failed, Succeeded};
        use TerminationCause as Cause;
        let evicted = Some(("Evicted".to_owned(), "low on memory".to_owned()));
        let never = Ending { exit: None, ..ending(0, "", 0) };
        let table = [
            (Ending { courier: Some(commit()), ..ending(0, "Completed", 9) }, None, Cause::Completed, Succeeded, true),
            (ending(0, "Completed", 9), None, Cause::OutputLost, Failed, false),
            (
                Ending { courier: Some(failure(FailureCause::OutputTooLarge)), ..ending(0, "Completed", 9) },
                None,
                Cause::OutputTooLarge,
                Failed,
                false,
            ),
            (Ending { courier: Some(commit()), ..ending(3, "Error", 9) }, None, Cause::Error, Failed, false),
            (Ending { courier: Some(commit()), ..ending(0, "OOMKilled", 9) }, None, Cause::OOMKilled, Failed, false),
            (ending(137, "OOMKilled", 9), None, Cause::OOMKilled, Failed, false),
            (ending(137, "ContainerStatusUnknown", 9), None, Cause::Disrupted, Failed, false),
            (Ending { pod: evicted.clone(), ..ending(137, "Error", 9) }, None, Cause::Evicted, Failed, false),
            (Ending { pod: evicted, ..never.clone() }, None, Cause::Evicted, Failed, false),
            (never.clone(), None, Cause::NeverStarted, Failed, false),
            (Ending { lost: true, ..never.clone() }, None, Cause::Disrupted, Failed, false),
            (never.clone(), DELETION, Cause::NeverStarted, Aborted, false),
            (
                Ending { culprit: Some("container a exited".to_owned()), ..never.clone() },
                None,
                Cause::Error,
                Failed,
                false,
            ),
            (
                Ending { courier: Some(failure(FailureCause::InputMissing)), ..never },
                None,
                Cause::InputMissing,
                Failed,
                false,
            ),
            // Success wins the tie: it ended before the second in which it was told to stop.
            (
                Ending { courier: Some(commit()), ..ending(0, "Completed", 99) },
                DELETION,
                Cause::Completed,
                Succeeded,
                true,
            ),
            (
                Ending { courier: Some(commit()), ..ending(0, "Completed", 100) },
                DELETION,
                Cause::SoftAborted,
                Aborted,
                false,
            ),
            (ending(10, "Error", 101), DELETION, Cause::SoftAborted, Aborted, false),
            (ending(137, "Error", 130), DELETION, Cause::KilledAfterGrace, Aborted, false),
        ];
        for (ending, deletion, cause, phase, needs_output) in table {
            assert_eq!(
                verdict(ending.clone(), deletion),
                (cause, phase, needs_output),
                "{ending:?}, deleted at {deletion:?}"
            );
        }
    }
}

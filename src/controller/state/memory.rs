//! What this process knows of a job beyond the cache. All of it may be lost: a successor finds it out again.
//!
//! Ring: shell. Bounded by the number of jobs: an entry goes with its job.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJob, Reason, status::ClientStatus},
    plan::facts::{
        failure::Failure,
        observed::{PodEvents, Preparation, ProgressReport, RedeliveryState, Refusal, RefusedResult, Removal},
        pod_state,
        presence::CREATION_TIMEOUT,
    },
    pods::main_of,
    result::{
        ResultQueue,
        refused::{self, Nacks},
    },
    wire::{CourierNotice, TerminationRecord},
};

/// What is remembered of one job.
#[derive(Debug, Clone)]
pub(crate) struct JobMemory {
    /// How often they were lost since this process knows the job.
    pub(crate) losses: u64,
    /// What became of its pods, as far as this process knows.
    pub(crate) pods: PodTraces,
    /// What its client was told.
    pub(crate) told: Option<ClientStatus>,
    /// The UID of the pod that was seen in a state which proves that its main ended with 0 by itself, and when.
    pub(crate) ended_by_itself: Option<(String, Timestamp)>,
    /// The attempt whose courier sent the last message, and when that came.
    pub(crate) courier: Option<(i32, Timestamp)>,
    /// What is known of its result.
    pub(crate) result: Delivered,
    /// What is known of its result queue since it ended.
    pub(crate) result_queue: ResultQueue,
    /// Nacks of its result in a row that no limit explains.
    pub(crate) nacks: Option<Nacks>,
    /// How often in a row its result was refused.
    pub(crate) refusals: u32,
    /// What became of a kept result that its queue refused.
    pub(crate) redelivery: RedeliveryState,
    /// Whether its queues were removed since it ended.
    pub(crate) removal: Removal,
    /// How much progress its client may be told.
    pub(crate) allowance: Allowance,
    /// How often in a row a pass over it failed.
    pub(crate) failures: u32,
    /// Why it did lately.
    pub(crate) failure: Option<Failure>,
    /// For which reason an Event was written that no status goes with.
    pub(crate) reported: Option<Reason>,
    /// What is of its current attempt alone.
    pub(crate) of_attempt: AttemptMemory,
}

/// What is remembered of one attempt of a job: it goes with the attempt. Each has its own pod, output queue and progress.
#[derive(Debug, Clone)]
pub(crate) struct AttemptMemory {
    /// The attempt that it is of.
    pub(crate) number: i32,
    /// Whether the job's queues have been seen to.
    pub(crate) queues: Preparation,
    /// Why its pod was refused lately.
    pub(crate) pod_refusal: Option<Refusal>,
    /// Whether the courier of a pod that had waited has told that the job's input is there.
    pub(crate) has_input: bool,
    /// What the courier has said became of the output, once main had ended.
    pub(crate) record: Option<TerminationRecord>,
    /// When main was first seen to have ended before its pod.
    pub(crate) main_ended: Option<Timestamp>,
    /// The newest progress.
    pub(crate) progress: Option<ProgressReport>,
    /// What Kubernetes' Events say of its pod, which does not start.
    pub(crate) pod_events: Option<PodEvents>,
}

impl AttemptMemory {
    /// That of an attempt of which nothing is known yet.
    pub(crate) fn new(number: i32) -> Self {
        Self {
            number,
            queues: Preparation::Unknown,
            pod_refusal: None,
            has_input: false,
            record: None,
            main_ended: None,
            progress: None,
            pod_events: None,
        }
    }
}

/// What this process knows of the pods of one job beyond the watch. Bounded: of an attempt and of those before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PodTraces {
    /// The pod that was made, or was to be made, or was seen, and whose end was not.
    made: Option<String>,
    /// Its UID, once it was seen.
    uid: Option<String>,
    /// When its creation was last tried without an answer.
    unanswered: Option<Timestamp>,
    /// The pods that are known to be gone, the newest last.
    gone: Vec<String>,
}

/// More pods than one pass over a job asks of: that of the current attempt, and of the one before.
const MAX_GONE: usize = 4;

impl PodTraces {
    /// Whether the pod called `name` may be there.
    pub(crate) fn was_made(&self, name: &str) -> bool {
        self.made.as_deref() == Some(name)
    }

    /// Whether the pod called `name` was seen with this UID, and its end was not.
    pub(crate) fn has_seen(&self, name: &str, uid: &str) -> bool {
        self.was_made(name) && self.uid.as_deref() == Some(uid)
    }

    /// Whether the pod called `name` is known to be gone.
    pub(crate) fn is_gone(&self, name: &str) -> bool {
        self.gone.iter().any(|gone| gone == name)
    }

    /// The pod called `name` is about to be made, or is there.
    pub(crate) fn makes(&mut self, name: &str) {
        self.gone.retain(|gone| gone != name);
        if !self.was_made(name) {
            (self.made, self.uid, self.unanswered) = (Some(name.to_owned()), None, None);
        }
    }

    /// Its creation had no answer at that time.
    pub(crate) fn misses_answer(&mut self, now: Timestamp) {
        self.unanswered = Some(now);
    }

    /// Its creation was refused. An earlier one without an answer may still come through.
    pub(crate) fn is_refused(&mut self) {
        if self.unanswered.is_none() {
            self.made = None;
        }
    }

    /// The pod called `name` is there.
    pub(crate) fn is_there(&mut self, name: &str, uid: Option<String>) {
        self.makes(name);
        (self.uid, self.unanswered) = (uid, None);
    }

    /// The apiserver does not have the pod called `name` at `now`. Tells whether it is gone for good: its creation may
    /// still come through.
    pub(crate) fn is_missing(&mut self, name: &str, now: Timestamp) -> bool {
        let pending = self.unanswered.filter(|_| self.was_made(name));
        let settled = pending.is_none_or(|at| now >= at + CREATION_TIMEOUT);
        if settled {
            self.has_gone(name);
        }
        settled
    }

    /// The pod called `name` has gone.
    pub(crate) fn has_gone(&mut self, name: &str) {
        if self.was_made(name) {
            (self.made, self.uid, self.unanswered) = (None, None, None);
        }
        if !self.is_gone(name) {
            self.gone.push(name.to_owned());
            self.gone.drain(..self.gone.len().saturating_sub(MAX_GONE));
        }
    }
}

/// How many more messages of progress a client may be sent before its queue is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// So many.
    pub(crate) left: u32,
    /// None before that time: too many wait to be read.
    pub(crate) closed_until: Option<Timestamp>,
}

/// What this process knows of a job's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// Nothing: a former leader may have sent it, or a confirmation was lost. The broker has to be asked.
    Unknown,
    /// Nobody can have sent it: the job was seen alive while this process held the leader queue, and it still does.
    No,
    /// The broker confirmed it.
    Yes { at: Timestamp, routed: bool },
    /// The broker refused it.
    Refused(RefusedResult),
}

impl Default for JobMemory {
    fn default() -> Self {
        Self {
            losses: 0,
            pods: PodTraces::default(),
            told: None,
            ended_by_itself: None,
            courier: None,
            result: Delivered::Unknown,
            result_queue: ResultQueue::Unknown,
            nacks: None,
            refusals: 0,
            redelivery: RedeliveryState::Untried,
            removal: Removal::Untried,
            allowance: Allowance::default(),
            failures: 0,
            failure: None,
            reported: None,
            of_attempt: AttemptMemory::new(1),
        }
    }
}

impl JobMemory {
    /// A queue of the job is gone, or may be.
    pub(crate) fn lose_queues(&mut self) {
        self.of_attempt.queues = Preparation::Unknown;
        self.losses += 1;
    }

    /// The job's result was refused at that time: when it is offered to its queue again.
    pub(crate) fn refuse_result(&mut self, at: Timestamp) {
        self.refusals = self.refusals.saturating_add(1);
        self.redelivery = RedeliveryState::Refused(at + refused::wait_after(self.refusals));
    }

    /// Takes in what the courier of that attempt reports. Tells whether a pass has something to do about it.
    pub(crate) fn hear(&mut self, attempt: i32, notice: CourierNotice, now: Timestamp) -> bool {
        self.courier = Some((attempt, now));
        match notice {
            CourierNotice::Hello => false,
            CourierNotice::Arrival => !std::mem::replace(&mut self.of_attempt.has_input, true),
            CourierNotice::Ended(record) => self.of_attempt.record.replace(record).is_none(),
            CourierNotice::Progress(line) => {
                let report = ProgressReport::after(self.of_attempt.progress.as_ref(), line, now);
                !self.of_attempt.progress.insert(report).sent
            }
        }
    }

    /// The job's queues are seen to anew, whatever was in the way.
    pub(crate) fn forget_obstacle(&mut self) {
        if !matches!(self.of_attempt.queues, Preparation::Ready(_)) {
            self.of_attempt.queues = Preparation::Unknown;
        }
    }

    /// The job's queues were seen to, which was begun after so many losses. Should one have gone meanwhile nothing is known.
    pub(crate) fn ensured_queues(&mut self, losses: u64, queues: Preparation) {
        if self.losses == losses {
            self.of_attempt.queues = queues;
        }
    }
}

/// What is remembered of all jobs, by UID.
#[derive(Default)]
pub(crate) struct Memories(Mutex<HashMap<String, JobMemory>>);

impl Memories {
    /// What is remembered of the job with this UID.
    pub(crate) fn of(&self, uid: &str) -> JobMemory {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned().unwrap_or_default()
    }

    /// What is remembered of the job with this UID, whose current attempt is that. What was of another goes.
    pub(crate) fn of_attempt(&self, uid: &str, attempt: i32) -> JobMemory {
        if self.of(uid).of_attempt.number != attempt {
            self.change(uid, |memory| memory.of_attempt = AttemptMemory::new(attempt));
        }
        self.of(uid)
    }

    /// Changes what is remembered of the job with this UID.
    pub(crate) fn change(&self, uid: &str, change: impl FnOnce(&mut JobMemory)) {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(memories.entry(uid.to_owned()).or_default());
    }

    /// Notes that `pod` of `job` proves that its main ended by itself, where it does.
    pub(crate) fn witness_end(&self, job: &OmotesJob, pod: &Pod, now: Timestamp) {
        let Some(pod_uid) = pod.uid().filter(|_| pod_state::ended_by_itself(pod, &main_of(job, pod))) else { return };
        self.change(&job.uid().unwrap_or_default(), |memory| {
            if memory.ended_by_itself.as_ref().is_none_or(|(known, _)| *known != pod_uid) {
                memory.ended_by_itself = Some((pod_uid, now));
            }
        });
    }

    /// Notes a pass that came to rest.
    pub(crate) fn succeeded(&self, uid: &str) {
        if let Some(memory) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(uid) {
            memory.failures = 0;
            memory.failure = None;
            memory.reported = None;
        }
    }

    /// Notes a pass that failed with `failure`, and tells how many did in a row and since when.
    pub(crate) fn failed(&self, uid: &str, failure: Failure) -> (u32, Failure) {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = memories.entry(uid.to_owned()).or_default();
        memory.failures = memory.failures.saturating_add(1);
        let since = memory.failure.as_ref().map_or(failure.since, |known| known.since.min(failure.since));
        (memory.failures, memory.failure.insert(Failure { since, ..failure }).clone())
    }

    /// Forgets the job with this UID.
    pub(crate) fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// Forgets what was true of the broker while it was there: queues may be gone, and while another process held the
    /// leader queue it may have sent a result.
    pub(crate) fn forget_broker(&self) {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for memory in memories.values_mut() {
            memory.lose_queues();
            if memory.result == Delivered::No {
                memory.result = Delivered::Unknown;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ProgressLine;

    /// A client is told once; a heartbeat is fed by each line.
    #[test]
    fn the_same_progress_again_is_life_and_no_news() {
        let mut memory = JobMemory::default();
        let time = |second| Timestamp::from_second(second).unwrap();
        let line = |progress| CourierNotice::Progress(ProgressLine { progress, message: "solving".to_owned() });
        assert!(
            memory.hear(1, line(0.5), time(1)) && memory.hear(1, line(0.5), time(2)),
            "its client was not told yet"
        );
        memory.of_attempt.progress.as_mut().unwrap().sent = true;
        assert!(!memory.hear(1, line(0.5), time(3)));
        assert_eq!(
            memory.of_attempt.progress.as_ref().map(|report| (report.heard, report.sent)),
            Some((time(3), true))
        );
        assert!(memory.hear(1, line(0.6), time(4)), "another line is news");
        assert!(!memory.hear(1, CourierNotice::Hello, time(5)));
        assert_eq!((memory.courier, memory.of_attempt.has_input), (Some((1, time(5))), false));
        assert!(memory.hear(1, CourierNotice::Arrival, time(6)) && !memory.hear(1, CourierNotice::Arrival, time(7)));
    }

    #[test]
    fn a_creation_without_an_answer_is_settled_by_time_or_by_sight() {
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let mut traces = PodTraces::default();
        traces.makes("a");
        traces.misses_answer(at(0));
        traces.is_refused();
        assert!(traces.was_made("a"), "the first may have used up the quota that refuses the second");
        assert!(!traces.is_missing("a", at(74)) && traces.was_made("a"));
        assert!(traces.is_missing("a", at(75)) && !traces.was_made("a") && traces.is_gone("a"));
        traces.is_there("a", Some("u".to_owned()));
        assert!(traces.was_made("a") && !traces.is_gone("a"));
        assert!(traces.is_missing("a", at(80)), "what was seen and is not there has gone");
        traces.makes("b");
        traces.is_refused();
        assert!(!traces.was_made("b"), "a refusal is an answer");
    }

    #[test]
    fn a_queue_that_goes_while_the_others_are_seen_to_is_missed() {
        let ready = || Preparation::Ready(Timestamp::UNIX_EPOCH);
        let (memories, uid) = (Memories::default(), "uid");
        let begun = memories.of(uid).losses;
        memories.change(uid, JobMemory::lose_queues);
        memories.change(uid, |memory| memory.ensured_queues(begun, ready()));
        assert_eq!(memories.of(uid).of_attempt.queues, Preparation::Unknown);
        let again = memories.of(uid).losses;
        memories.change(uid, |memory| memory.ensured_queues(again, ready()));
        assert_eq!(memories.of(uid).of_attempt.queues, ready());
    }
}

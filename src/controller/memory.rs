//! What this process knows of a job beyond the cache. All of it may be lost: a successor finds it out again.
//!
//! Ring: shell. Bounded by the number of jobs: an entry goes with its job.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::plan::observed::{Preparation, ProgressReport, Refusal, Removal, ResultQueue};

/// What is remembered of one job.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// Whether its queues have been seen to.
    pub(crate) queues: Preparation,
    /// How often they were lost since this process knows the job.
    pub(crate) losses: u64,
    /// Why its pod was refused lately.
    pub(crate) pod_refusal: Option<Refusal>,
    /// Whether the courier of a pod that had waited has told that the job's input is there.
    pub(crate) has_input: bool,
    /// The newest progress.
    pub(crate) progress: Option<ProgressReport>,
    /// What is known of its result.
    pub(crate) result: Delivered,
    /// What is known of its result queue since it ended.
    pub(crate) result_queue: ResultQueue,
    /// Whether its queues were removed since it ended.
    pub(crate) removal: Removal,
    /// How much progress its client may be told.
    pub(crate) allowance: Allowance,
    /// How often in a row a pass over it failed.
    pub(crate) failures: u32,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// Nothing: a former leader may have sent it, or a confirmation was lost. The broker has to be asked.
    Unknown,
    /// Nobody can have sent it: the job was seen alive while this process held the leader queue, and it still does.
    No,
    /// The broker confirmed it.
    Yes { at: Timestamp, routed: bool },
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            queues: Preparation::Unknown,
            losses: 0,
            pod_refusal: None,
            has_input: false,
            progress: None,
            result: Delivered::Unknown,
            result_queue: ResultQueue::Unknown,
            removal: Removal::Untried,
            allowance: Allowance::default(),
            failures: 0,
        }
    }
}

impl Memory {
    /// A queue of the job is gone, or may be.
    pub(crate) fn lose_queues(&mut self) {
        self.queues = Preparation::Unknown;
        self.losses += 1;
    }

    /// The job's queues were seen to, which was begun after so many losses. Should one have gone meanwhile nothing is known.
    pub(crate) fn ensured_queues(&mut self, losses: u64, queues: Preparation) {
        if self.losses == losses {
            self.queues = queues;
        }
    }
}

/// What is remembered of all jobs, by UID.
#[derive(Default)]
pub(crate) struct Memories(Mutex<HashMap<String, Memory>>);

impl Memories {
    /// What is remembered of the job with this UID.
    pub(crate) fn of(&self, uid: &str) -> Memory {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned().unwrap_or_default()
    }

    /// Changes what is remembered of the job with this UID.
    pub(crate) fn change(&self, uid: &str, change: impl FnOnce(&mut Memory)) {
        let mut memories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(memories.entry(uid.to_owned()).or_default());
    }

    /// Notes a pass that came to rest.
    pub(crate) fn succeeded(&self, uid: &str) {
        if let Some(memory) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(uid) {
            memory.failures = 0;
        }
    }

    /// Notes a pass that failed, and tells how many did in a row.
    pub(crate) fn failed(&self, uid: &str) -> u32 {
        let mut failures = 0;
        self.change(uid, |memory| {
            memory.failures = memory.failures.saturating_add(1);
            failures = memory.failures;
        });
        failures
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

    #[test]
    fn a_queue_that_goes_while_the_others_are_seen_to_is_missed() {
        let ready = || Preparation::Ready(Timestamp::UNIX_EPOCH);
        let (memories, uid) = (Memories::default(), "uid");
        let begun = memories.of(uid).losses;
        memories.change(uid, Memory::lose_queues);
        memories.change(uid, |memory| memory.ensured_queues(begun, ready()));
        assert_eq!(memories.of(uid).queues, Preparation::Unknown);
        let again = memories.of(uid).losses;
        memories.change(uid, |memory| memory.ensured_queues(again, ready()));
        assert_eq!(memories.of(uid).queues, ready());
    }
}

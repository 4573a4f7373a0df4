//! The seats of all workflows, and who is looked at when one is free.
//!
//! Ring: shell (an index over the cache); the order is `workflow::seats`'. Bounded by the number of jobs.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, runtime::reflector::ObjectRef};

use crate::{
    api::{OmotesJob, names},
    plan::{
        Observed,
        attempt::{self, Life, is_owned_by},
        observed::{BrokerSight, Sight},
        seat::waits_for_seat,
    },
    workflow::{
        Revision,
        seats::{Queue, Seat, Terms, Turn},
    },
};

use super::context::Context;

/// A workflow's namespace and name, whether it is there or not.
pub(crate) type Key = (String, String);

/// The seats of all workflows.
#[derive(Default)]
pub(crate) struct Seats(Mutex<HashMap<Key, Queue>>);

/// The workflow that `job` refers to.
pub(crate) fn key_of(job: &OmotesJob) -> Option<Key> {
    Some((job.namespace()?, job.spec.workflow_ref.as_ref()?.name.clone()))
}

/// Whether `job` is of that workflow.
pub(crate) fn is_of(job: &OmotesJob, (namespace, name): &Key) -> bool {
    let workflow = job.spec.workflow_ref.as_ref();
    workflow.is_some_and(|workflow| workflow.name == *name) && job.metadata.namespace.as_ref() == Some(namespace)
}

impl Seats {
    /// Whether the job with this UID has a seat.
    pub(crate) fn is_holder(&self, key: &Key, uid: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).is_some_and(|queue| queue.is_holder(uid))
    }

    fn change<T>(&self, key: &Key, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(key.clone()).or_default();
        let outcome = change(queue);
        if queue.is_empty() {
            queues.remove(key);
        }
        outcome
    }
}

impl Context {
    /// Asks for a seat for the job.
    pub(crate) fn take_seat(&self, observed: &Observed) -> Seat {
        let Some(key) = key_of(&observed.job) else { return Seat::Taken };
        let terms = self.terms(&key, observed.workflow.revision().map(|revision| &**revision));
        let answer = self.seats.change(&key, |queue| queue.ask(Turn::of(&observed.job), terms, observed.now));
        if answer.moved {
            self.call_next(&key);
        }
        answer.seat
    }

    /// Gives back the seat of a job whose pod was refused.
    pub(crate) fn give_seat_back(&self, job: &OmotesJob) {
        let Some(key) = key_of(job) else { return };
        if self.seats.change(&key, |queue| queue.give_back(&job.uid().unwrap_or_default())) {
            self.call_next(&key);
        }
    }

    /// Notes how `pod` is, or that it is gone.
    pub(crate) fn seat_pod(&self, pod: &Pod, is_there: bool) {
        let Some(key) = pod.namespace().zip(pod.labels().get(names::LABEL_WORKFLOW).cloned()) else { return };
        let Some(owner) = attempt::owner(pod) else { return self.workflows.touch(key) };
        let uid = pod.uid().unwrap_or_default();
        let lives = is_there && !matches!(attempt::life(pod, Timestamp::now()), Life::Ended(_));
        let freed = self.seats.change(&key, |queue| {
            if lives {
                queue.pod_lives(&owner.uid, &uid);
            }
            !lives && queue.pod_ended(&owner.uid, &uid)
        });
        if freed {
            self.call_next(&key);
        }
        self.workflows.touch(key);
    }

    /// Notes where a job is at the end of a pass.
    pub(crate) fn seat_job(&self, observed: &Observed) {
        let Some(key) = key_of(&observed.job) else { return };
        let pod = match &observed.pod {
            Sight::Known(pod) if is_owned_by(pod, &observed.uid()) => Some(pod),
            _ => None,
        };
        if let Some(pod) = pod {
            self.seat_pod(pod, true);
        }
        let waits = matches!(observed.seat, Seat::Full { .. } | Seat::Suspended);
        // While the broker is away nobody asks, and everybody keeps his place.
        let asks = waits || (observed.broker != BrokerSight::Ready && !observed.is_terminal());
        let freed = self.seats.change(&key, |queue| {
            let back = pod.is_none() && queue.give_back(&observed.uid());
            let left = !asks && queue.leave(&observed.uid());
            back || left
        });
        if freed {
            self.call_next(&key);
        }
    }

    /// Notes that a pass over a job failed: whoever waits behind it need not wait for that. It enters again when it asks.
    pub(crate) fn pass_over(&self, job: &OmotesJob) {
        let Some(key) = key_of(job) else { return };
        if self.seats.change(&key, |queue| queue.leave(&job.uid().unwrap_or_default())) {
            self.call_next(&key);
        }
    }

    /// Notes that a job is gone.
    pub(crate) fn unseat(&self, job: &OmotesJob) {
        let Some(key) = key_of(job) else { return };
        let uid = job.uid().unwrap_or_default();
        let freed = self.seats.change(&key, |queue| {
            let (back, left) = (queue.give_back(&uid), queue.leave(&uid));
            back || left
        });
        if freed {
            self.call_next(&key);
        }
    }

    /// Puts those that waited before this process led into the order of their turns, before anybody asks.
    pub(crate) fn seat_waiting(&self) {
        for job in self.jobs.store().state().iter().filter(|job| waits_for_seat(job)) {
            if let Some(key) = key_of(job) {
                self.seats.change(&key, |queue| queue.enter(Turn::of(job)));
            }
        }
    }

    /// Has those looked at that wait for a seat of a workflow whose terms have changed.
    pub(crate) fn call_waiting(&self, (namespace, name): &Key) {
        let key = (namespace.clone(), name.clone());
        let waiting = self.seats.change(&key, |queue| queue.waiting());
        for job in waiting {
            self.trigger(ObjectRef::new(&job).within(namespace));
        }
    }

    fn call_next(&self, key: &Key) {
        let seats =
            self.catalog.cache.get(&key.0, &key.1).and_then(|workflow| seats(workflow.spec.max_concurrent_jobs));
        let next = self.seats.change(key, |queue| queue.concerned(seats));
        for job in next {
            self.trigger(ObjectRef::new(&job).within(&key.0));
        }
        self.workflows.touch(key.clone());
    }

    /// What the workflow allows now; once it is gone, what it allowed when the job was accepted.
    fn terms(&self, (namespace, name): &Key, revision: Option<&Revision>) -> Terms {
        match self.catalog.cache.get(namespace, name) {
            Some(workflow) => {
                Terms { seats: seats(workflow.spec.max_concurrent_jobs), suspended: workflow.spec.suspend }
            }
            None => Terms {
                seats: revision.and_then(|revision| seats(revision.spec.max_concurrent_jobs)),
                suspended: false,
            },
        }
    }
}

fn seats(given: Option<i32>) -> Option<usize> {
    given.map(|given| usize::try_from(given).unwrap_or(0))
}

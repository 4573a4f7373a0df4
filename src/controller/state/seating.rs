//! Who sits where, and who is looked at when a seat is free.
//!
//! Ring: shell; the order is `workflow::slots`'.

use std::{collections::BTreeSet, sync::Arc};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJob, names},
    plan::{
        Observed,
        facts::{
            observed::{BrokerSight, Sight},
            owner, pod_state,
            seat::waits_for_seat,
        },
    },
    workflow::{
        Revision,
        seats::{Freed, Seat, Terms, Turn},
    },
};

use super::{
    job_key::JobKey,
    seats::{Key, key_of, labelled_key},
    stores::State,
};

impl State {
    /// Asks for a seat for the job; returns with it the pool whose slot the job has, or waits for.
    pub(crate) fn take_seat(&self, observed: &Observed) -> (Seat, Option<String>) {
        let Some(key) = key_of(&observed.job) else { return (Seat::Taken, None) };
        let turn = Turn::of(&observed.job);
        let accepted = terms(observed.workflow.revision().map(|revision| &**revision));
        let answer = self.seats.change(&key.0, |table| table.ask(&key.1, turn, accepted, observed.now));
        if let Some(freed) = &answer.moved {
            self.call_next(&key, freed);
        }
        (answer.seat, answer.pool)
    }

    /// Gives back the seat of a job whose pod was refused.
    pub(crate) fn give_seat_back(&self, job: &OmotesJob) {
        let Some(key) = key_of(job) else { return };
        let uid = job.uid().unwrap_or_default();
        if let Some(freed) = self.seats.change(&key.0, |table| table.give_back(&key.1, &uid)) {
            self.call_next(&key, &freed);
        }
    }

    /// Notes how `pod` is, or that it is gone.
    pub(crate) fn seat_pod(&self, pod: &Pod, is_there: bool) {
        let job = self.owner_of(pod);
        // Someone may change the label of a pod whose job is known.
        let Some(key) = job.as_ref().map_or_else(|| labelled_key(pod), |job| key_of(job)) else { return };
        let Some(owner) = job.and_then(|job| job.uid()).or_else(|| owner::job_uid(pod)) else {
            return self.workflows.touch(key);
        };
        let uid = pod.uid().unwrap_or_default();
        let lives = is_there && !pod_state::is_over(pod, self.clock.now());
        let freed = self.seats.change(&key.0, |table| {
            if lives {
                return table.pod_lives(&key.1, &owner, &uid, pod.labels().get(names::LABEL_SLOT_POOL));
            }
            table.pod_ended(&key.1, &owner, &uid)
        });
        if let Some(freed) = freed {
            self.call_next(&key, &freed);
        }
        self.workflows.touch(key);
    }

    /// Notes where a job is at the end of a pass.
    pub(crate) fn seat_job(&self, observed: &Observed) {
        let Some(key) = key_of(&observed.job) else { return };
        let pod = observed.own_pod();
        if let Some(pod) = pod {
            self.seat_pod(pod, true);
        }
        let waits = matches!(observed.seat, Seat::Full { .. } | Seat::Suspended);
        // While the broker is away nobody asks, and everybody keeps his place.
        let asks = waits || (observed.broker != BrokerSight::Ready && !observed.is_terminal());
        let vacant = is_vacant(observed, pod);
        // What was made may be there: its seat is kept until it is seen, or known not to be.
        let unused = pod.is_none() && !observed.was_pod_made;
        let freed = self.seats.change(&key.0, |table| {
            let uid = observed.uid();
            let vacated = vacant.then(|| table.vacate(&key.1, &uid)).flatten();
            let back = unused.then(|| table.give_back(&key.1, &uid)).flatten();
            let left = (!asks).then(|| table.leave(&key.1, &uid)).flatten();
            vacated.or(back).or(left)
        });
        if let Some(freed) = freed {
            self.call_next(&key, &freed);
        }
    }

    /// Notes that a pass over a job failed: whoever waits behind it need not wait for that. It enters again when it asks.
    pub(crate) fn pass_over(&self, job: &OmotesJob) {
        let Some(key) = key_of(job) else { return };
        let uid = job.uid().unwrap_or_default();
        if let Some(freed) = self.seats.change(&key.0, |table| table.leave(&key.1, &uid)) {
            self.call_next(&key, &freed);
        }
    }

    /// Notes that a job is gone.
    pub(crate) fn unseat(&self, job: &OmotesJob) {
        let Some(key) = key_of(job) else { return };
        let uid = job.uid().unwrap_or_default();
        let freed = self.seats.change(&key.0, |table| {
            let (back, left) = (table.give_back(&key.1, &uid), table.leave(&key.1, &uid));
            back.or(left)
        });
        if let Some(freed) = freed {
            self.call_next(&key, &freed);
        }
    }

    /// Puts those that waited before this process led into the order of their turns, before a job asks.
    pub(crate) fn seat_waiting(&self) {
        for job in self.jobs.all().iter().filter(|job| waits_for_seat(job)) {
            if let Some((namespace, name)) = key_of(job) {
                let accepted = terms(self.pinned_revision(job).as_ref());
                self.seats.change(&namespace, |table| table.enter(&name, Turn::of(job), accepted));
            }
        }
    }

    /// Keeps the seats of jobs whose programs run by their status, before a job asks: the watch may not show their pods.
    pub(crate) fn seat_running(&self) {
        for job in self.jobs.all().iter().filter(|job| has_started(job)) {
            if let Some(((namespace, name), uid)) = key_of(job).zip(job.uid()) {
                let pool = terms(self.pinned_revision(job).as_ref()).pool().cloned();
                self.seats.change(&namespace, |table| table.keep(&name, &uid, pool));
            }
        }
    }

    /// Notes what a workflow that was made, edited or removed allows, and has those looked at that wait for it.
    pub(crate) fn terms_changed(&self, key: &Key) {
        let (namespace, name) = key;
        let terms = self.catalog.cache.get(namespace, name).map(|workflow| Terms::of(&workflow.spec));
        let (waiting, neighbours) = self.seats.change(namespace, |table| {
            let before = table.neighbours(name, &Freed::default());
            let waiting = table.set_terms(name, terms);
            (waiting, before.into_iter().chain(table.neighbours(name, &Freed::default())).collect())
        });
        self.call(namespace, waiting, neighbours);
    }

    fn call_next(&self, key: &Key, freed: &Freed) {
        let (namespace, name) = key;
        let (next, neighbours) =
            self.seats.change(namespace, |table| (table.concerned(name, freed), table.neighbours(name, freed)));
        self.call(namespace, next, neighbours);
    }

    /// Has these jobs and workflows looked at.
    fn call(&self, namespace: &str, jobs: Vec<String>, workflows: BTreeSet<String>) {
        for job in jobs {
            self.trigger(JobKey::new(namespace, job));
        }
        for workflow in workflows {
            self.workflows.touch((namespace.to_owned(), workflow));
        }
    }

    fn pinned_revision(&self, job: &OmotesJob) -> Option<Revision> {
        let pinned = job.status.as_ref()?.workflow_revision.as_ref()?;
        Revision::read(&*self.revisions.get(&job.namespace()?, pinned)?)
    }
}

/// What a job was accepted with, which holds once its workflow is gone.
fn terms(revision: Option<&Revision>) -> Terms {
    revision.map(|revision| Terms { suspended: false, ..Terms::of(&revision.spec) }).unwrap_or_default()
}

fn has_started(job: &OmotesJob) -> bool {
    job.status.as_ref().is_some_and(|status| status.start_time.is_some()) && !job.has_ended()
}

/// Whether the job's attempt is known to need no seat: its pod has ended, or there is none.
fn is_vacant(observed: &Observed, pod: Option<&Arc<Pod>>) -> bool {
    match (pod, &observed.pod) {
        (Some(pod), _) => pod_state::is_over(pod, observed.now),
        (None, Sight::Known(_) | Sight::Absent) => true,
        (None, Sight::Unlisted | Sight::Unreachable) => false,
    }
}

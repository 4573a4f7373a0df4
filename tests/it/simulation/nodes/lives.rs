//! What containers really did, whatever their pods' objects say.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// The life of a regular container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub namespace: String,
    pub pod: String,
    pub uid: String,
    pub node: String,
    pub container: String,
    /// Whether it is main.
    pub is_main: bool,
    /// The name of its job; empty where it has none, or none yet.
    pub job: String,
    /// When it started, or got its job.
    pub began: Timestamp,
    /// `None` while it lives.
    pub ended: Option<Timestamp>,
}

/// All lives, in the order of their starts.
#[derive(Default)]
pub(super) struct Lives(Mutex<Vec<Life>>);

impl Life {
    fn meets(&self, later: &Self) -> bool {
        let is_same = (&self.namespace, &self.job) == (&later.namespace, &later.job) && !self.job.is_empty();
        let ends_after = |life: &Self, time: Timestamp| life.ended.is_none_or(|ended| ended > time);
        is_same && self.is_main && later.is_main && ends_after(self, later.began) && ends_after(later, self.began)
    }
}

impl Lives {
    fn lock(&self) -> MutexGuard<'_, Vec<Life>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a life; returns by what it is known.
    pub(super) fn begin(&self, life: Life) -> usize {
        let mut all = self.lock();
        all.push(life);
        all.len() - 1
    }

    /// It has this job from now on.
    pub(super) fn assign(&self, number: usize, job: &str, now: Timestamp) {
        if let Some(life) = self.lock().get_mut(number) {
            (life.job, life.began) = (job.to_owned(), now);
        }
    }

    pub(super) fn end(&self, number: usize, now: Timestamp) {
        if let Some(life) = self.lock().get_mut(number) {
            life.ended = Some(now);
        }
    }

    pub(super) fn all(&self) -> Vec<Life> {
        self.lock().clone()
    }

    pub(super) fn two_at_once(&self) -> Option<(Life, Life)> {
        let all = self.lock();
        let mut pairs =
            all.iter().enumerate().flat_map(|(place, one)| all.iter().skip(place + 1).map(move |other| (one, other)));
        pairs.find(|(one, other)| one.meets(other)).map(|(one, other)| (one.clone(), other.clone()))
    }
}

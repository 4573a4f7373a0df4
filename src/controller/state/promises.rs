//! Which pods that wait for a job are promised to one.
//!
//! Ring: shell (an index over the cache). Bounded by the number of jobs.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use super::seats::Key;

/// The pods that are promised to a job: the UID of the job by namespace and name of the pod.
#[derive(Default)]
pub(crate) struct Promises(Mutex<HashMap<Key, String>>);

impl Promises {
    /// Whether that pod is promised.
    pub(super) fn is_made(&self, pod: &Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(pod)
    }

    /// Keeps the promise of that pod to the job with this UID.
    pub(super) fn keep(&self, pod: Key, job: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pod, job);
    }

    /// Forgets what was promised to the job with this UID, but for the pod called `chosen`.
    pub(super) fn forget(&self, job: &str, chosen: Option<&String>) -> bool {
        let mut promises = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = promises.len();
        promises.retain(|(_, pod), holder| holder != job || Some(pod) == chosen);
        promises.len() != before
    }

    /// Promises one of `pods` to the job with this UID: the one that it was promised before, else the first that is free.
    pub(super) fn promise(&self, pods: impl Iterator<Item = Key>, job: &str) -> Option<Key> {
        let mut promises = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = None;
        for pod in pods {
            match promises.get(&pod) {
                Some(holder) if holder == job => return Some(pod),
                Some(_) => {}
                None => free = free.or(Some(pod)),
            }
        }
        promises.insert(free.clone()?, job.to_owned());
        free
    }
}

/// A pod as it is known here.
pub(super) fn key_of(pod: &Pod) -> Key {
    (pod.namespace().unwrap_or_default(), pod.name_any())
}

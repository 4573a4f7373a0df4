//! Whose a `jobId` is, over all jobs that the operator watches.
//!
//! Ring: shell (an index over the cache); the rule itself is a comparison.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
};

use kube::ResourceExt;

use crate::{
    api::{OmotesJob, names::JobId, status::TerminationCause},
    plan::facts::{admission::is_ours, observed::Claim},
};

use super::job_key::JobKey;

/// Who claims which `jobId`.
#[derive(Default)]
pub(crate) struct Claims(Mutex<Index>);

#[derive(Default)]
struct Index {
    by_id: HashMap<JobId, BTreeSet<Claimant>>,
    by_uid: HashMap<String, (JobId, Claimant)>,
}

/// Ordered by the right to the id: who holds it already, then the oldest, then the smallest UID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Claimant {
    newcomer: bool,
    created: i64,
    uid: String,
    key: JobKey,
}

impl Claims {
    /// Notes that `job` is there as it is now.
    pub(crate) fn apply(&self, job: &OmotesJob) {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let claimant = claimant(job);
        let reserved = index.by_uid.get(&claimant.uid).is_some_and(|(_, known)| !known.newcomer);
        index.remove(&claimant.uid);
        if was_refused(job) || !is_ours(job) {
            return;
        }
        let claimant = Claimant { newcomer: claimant.newcomer && !reserved, ..claimant };
        let id = JobId::of(job);
        index.by_id.entry(id.clone()).or_default().insert(claimant.clone());
        index.by_uid.insert(claimant.uid.clone(), (id, claimant));
    }

    /// The job whose the id is.
    pub(crate) fn holder(&self, id: &str) -> Option<JobKey> {
        let index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(index.by_id.get(&JobId::from_wire(id))?.first()?.key.clone())
    }

    /// Notes that `job` is gone.
    pub(crate) fn remove(&self, job: &OmotesJob) {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        index.remove(&job.uid().unwrap_or_default());
    }

    /// Whose the id of `job` is. Who is told that it is his holds it from then on, whoever else comes.
    pub(crate) fn of(&self, job: &OmotesJob) -> Claim {
        let mut index = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = JobId::of(job);
        let Some(first) = index.by_id.get(&id).and_then(BTreeSet::first).cloned() else { return Claim::Ours };
        if Some(&first.uid) != job.metadata.uid.as_ref() {
            return Claim::TakenBy(name_for(job, &first));
        }
        index.remove(&first.uid);
        let holder = Claimant { newcomer: false, ..first };
        index.by_id.entry(id.clone()).or_default().insert(holder.clone());
        index.by_uid.insert(holder.uid.clone(), (id, holder));
        Claim::Ours
    }
}

impl Index {
    fn remove(&mut self, uid: &str) {
        let Some((id, claimant)) = self.by_uid.remove(uid) else { return };
        let Some(claimants) = self.by_id.get_mut(&id) else { return };
        claimants.remove(&claimant);
        if claimants.is_empty() {
            self.by_id.remove(&id);
        }
    }
}

/// A job that was refused has run nothing, and its id is free unless its client has a result to read.
fn was_refused(job: &OmotesJob) -> bool {
    let Some(status) = &job.status else { return false };
    let refused = status.termination.as_ref().is_some_and(|end| end.cause == TerminationCause::Refused);
    refused && status.result.is_none()
}

/// The holder's name, where the loser may know it.
fn name_for(job: &OmotesJob, holder: &Claimant) -> String {
    if job.namespace().unwrap_or_default() == holder.key.namespace {
        return holder.key.name.clone();
    }
    "of another namespace".to_owned()
}

fn claimant(job: &OmotesJob) -> Claimant {
    // Nothing that a user can write wins an id, such as a finalizer.
    let recorded = job.status.as_ref().is_some_and(|status| status.job_id.is_some());
    Claimant {
        newcomer: !recorded,
        created: job.creation_timestamp().map_or(i64::MAX, |time| time.0.as_second()),
        uid: job.uid().unwrap_or_default(),
        key: JobKey::of(job),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::names;
    use serde_json::{Value, json};

    const ID: &str = "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10";

    fn job(name: &str, created: &str, finalizers: &[&str], status: &Value) -> OmotesJob {
        serde_json::from_value(json!({
            "apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob",
            "metadata": {"name": name, "namespace": "ns", "uid": name, "creationTimestamp": created, "finalizers": finalizers},
            "spec": {"jobId": ID, "template": {"spec": {"containers": []}}},
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn an_id_belongs_to_its_holder_then_to_the_oldest() {
        let claims = Claims::default();
        let none = json!(null);
        let (young, old) =
            (job("young", "2026-01-02T00:00:00Z", &[], &none), job("old", "2026-01-01T00:00:00Z", &[], &none));
        claims.apply(&young);
        claims.apply(&old);
        assert_eq!(claims.of(&young), Claim::TakenBy("old".to_owned()));
        let forger = job("young", "2026-01-02T00:00:00Z", &[names::FINALIZER_CLEANUP], &none);
        claims.apply(&forger);
        assert_eq!(claims.of(&forger), Claim::TakenBy("old".to_owned()), "a finalizer wins nothing");
        let claims = Claims::default();
        let holder = job("young", "2026-01-02T00:00:00Z", &[], &json!({"jobId": ID}));
        claims.apply(&holder);
        claims.apply(&old);
        assert_eq!((claims.of(&holder), claims.of(&old)), (Claim::Ours, Claim::TakenBy("young".to_owned())));
        claims.remove(&holder);
        assert_eq!(claims.of(&old), Claim::Ours);
    }

    #[test]
    fn a_refused_job_holds_its_id_while_its_client_has_a_result() {
        let result = json!({"type": "ERROR", "messageId": "m", "routed": true});
        for (result, expected) in [(json!(null), Claim::Ours), (result, Claim::TakenBy("refused".to_owned()))] {
            let claims = Claims::default();
            let status = json!({"jobId": ID, "termination": {"cause": "Refused"}, "result": result});
            claims.apply(&job("refused", "2026-01-01T00:00:00Z", &[], &status));
            let next = job("next", "2026-01-02T00:00:00Z", &[], &json!(null));
            claims.apply(&next);
            assert_eq!(claims.of(&next), expected);
        }
    }

    #[test]
    fn who_was_told_that_it_is_his_keeps_it() {
        let claims = Claims::default();
        let none = json!(null);
        let (first, older) =
            (job("first", "2026-01-02T00:00:00Z", &[], &none), job("older", "2026-01-01T00:00:00Z", &[], &none));
        claims.apply(&first);
        assert_eq!(claims.of(&first), Claim::Ours);
        claims.apply(&older);
        claims.apply(&first);
        assert_eq!(claims.of(&older), Claim::TakenBy("first".to_owned()));
    }
}

//! The workflows as last seen, for jobs and for whoever tells clients of them.
//!
//! Ring: shell (an index over the cache); the rules are `workflow::advance`'s.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kube::ResourceExt;
use tokio::sync::watch;

use crate::{api::OmotesWorkflow, workflow::advance::refusal};

use super::cache::Cache;

/// The workflows of the watched namespaces.
pub(crate) struct Catalog {
    pub(crate) cache: Cache<OmotesWorkflow>,
    changes: watch::Sender<u64>,
    synced: AtomicBool,
}

impl Default for Catalog {
    fn default() -> Self {
        Self { cache: Cache::new(), changes: watch::Sender::new(0), synced: AtomicBool::new(false) }
    }
}

impl Catalog {
    /// The workflows of `namespace` that clients may ask for, by typeName; `None` until every list is complete.
    pub(crate) fn accepted(&self, namespace: &str) -> Option<Vec<Arc<OmotesWorkflow>>> {
        if !self.synced.load(Ordering::Acquire) {
            return None;
        }
        let mut accepted = self.of(namespace);
        accepted.retain(|workflow| self.accepts(workflow));
        accepted.sort_by(|one, other| one.spec.type_name.cmp(&other.spec.type_name));
        Some(accepted)
    }

    /// Tells of each change of what [`Self::accepted`] may say. Several changes may be told as one.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether jobs can be of `workflow`.
    pub(crate) fn accepts(&self, workflow: &OmotesWorkflow) -> bool {
        workflow.metadata.deletion_timestamp.is_none() && refusal(workflow, self.rival(workflow).as_deref()).is_none()
    }

    /// The name of the older workflow that has the typeName of `workflow`.
    pub(crate) fn rival(&self, workflow: &OmotesWorkflow) -> Option<String> {
        let others = self.of(&workflow.namespace().unwrap_or_default());
        let rivals = others.into_iter().filter(|other| {
            other.spec.type_name == workflow.spec.type_name
                && other.metadata.deletion_timestamp.is_none()
                && age(other) < age(workflow)
        });
        rivals.min_by_key(|rival| age(rival)).map(|rival| rival.name_any())
    }

    /// All workflows of `namespace`.
    pub(crate) fn of(&self, namespace: &str) -> Vec<Arc<OmotesWorkflow>> {
        self.cache.filtered(|workflow| workflow.metadata.namespace.as_deref() == Some(namespace))
    }

    pub(crate) fn set_synced(&self) {
        self.synced.store(true, Ordering::Release);
        self.changed();
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The smaller is the older; of two that came in the same second, the one with the smaller UID.
fn age(workflow: &OmotesWorkflow) -> (i64, String) {
    let created = workflow.creation_timestamp().map_or(i64::MAX, |time| time.0.as_second());
    (created, workflow.uid().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workflow(name: &str, namespace: &str, type_name: &str, created: &str) -> OmotesWorkflow {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": namespace, "uid": name, "creationTimestamp": created},
            "spec": {"typeName": type_name, "template": {"spec": {"containers": []}}},
        }))
        .unwrap()
    }

    #[test]
    fn a_type_name_is_the_oldest_ones_in_its_namespace() {
        let catalog = Catalog::default();
        let first = workflow("b-first", "ns", "heat", "2030-01-01T00:00:00Z");
        for known in [
            &first,
            &workflow("a-second", "ns", "heat", "2030-01-01T00:00:01Z"),
            &workflow("c-other", "ns", "cold", "2030-01-01T00:00:02Z"),
            &workflow("d-elsewhere", "other", "heat", "2030-01-01T00:00:02Z"),
        ] {
            catalog.cache.apply(known);
        }
        let names = |namespace: &str| {
            catalog
                .accepted(namespace)
                .map(|known| known.iter().map(|workflow| workflow.name_any()).collect::<Vec<_>>())
        };
        assert_eq!(names("ns"), None, "nobody is told half of it");
        let changes = catalog.changes();
        catalog.set_synced();
        assert!(changes.has_changed().unwrap());
        assert_eq!(names("ns").unwrap(), ["c-other", "b-first"]);
        assert_eq!(names("other").unwrap(), ["d-elsewhere"]);
        catalog.cache.remove(&first);
        assert_eq!(names("ns").unwrap(), ["c-other", "a-second"]);
    }
}

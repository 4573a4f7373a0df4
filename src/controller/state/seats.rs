//! The seats of all workflows, by namespace.
//!
//! Ring: shell (an index over the cache); the order is `workflow::slots`'. Bounded by the number of jobs and workflows.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kube::ResourceExt;

use crate::{
    api::{OmotesJob, names},
    workflow::slots::{PoolUse, SlotTable},
};

/// A workflow's namespace and name, whether it is there or not.
pub(crate) type Key = (String, String);

/// The seats of all workflows, by namespace.
#[derive(Default)]
pub(crate) struct Seats(Mutex<HashMap<String, SlotTable>>);

/// The workflow that `job` refers to.
pub(crate) fn key_of(job: &OmotesJob) -> Option<Key> {
    Some((job.namespace()?, job.spec.workflow_ref.as_ref()?.name.clone()))
}

/// The workflow that `object` is of, as its label says: a pod, or a revision.
pub(crate) fn labelled_key(object: &impl ResourceExt) -> Option<Key> {
    Some((object.namespace()?, object.labels().get(names::LABEL_WORKFLOW)?.clone()))
}

/// Whether `job` is of that workflow.
pub(crate) fn is_of(job: &OmotesJob, (namespace, name): &Key) -> bool {
    let workflow = job.spec.workflow_ref.as_ref();
    workflow.is_some_and(|workflow| workflow.name == *name) && job.metadata.namespace.as_ref() == Some(namespace)
}

impl Seats {
    /// Whether the job with this UID has a seat.
    pub(crate) fn is_holder(&self, (namespace, name): &Key, uid: &str) -> bool {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get(namespace).is_some_and(|table| table.is_holder(name, uid))
    }

    /// How the pool of this workflow is used, where it is in one.
    pub(crate) fn use_of(&self, (namespace, name): &Key) -> Option<PoolUse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(namespace)?.use_of(name)
    }

    /// How the pools of all namespaces are used, in the order of their names.
    pub(crate) fn pools(&self) -> Vec<(String, PoolUse)> {
        let tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |(namespace, table): (&String, &SlotTable)| {
            let namespace = namespace.clone();
            table.pools().into_iter().map(move |pool| (namespace.clone(), pool))
        };
        let mut pools: Vec<_> = tables.iter().flat_map(named).collect();
        pools.sort_by(|one, other| (&one.0, &one.1.pool).cmp(&(&other.0, &other.1.pool)));
        pools
    }

    /// Changes the seats of `namespace`.
    pub(super) fn change<T>(&self, namespace: &str, change: impl FnOnce(&mut SlotTable) -> T) -> T {
        let mut tables = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.entry(namespace.to_owned()).or_default();
        let outcome = change(table);
        if table.is_empty() {
            tables.remove(namespace);
        }
        outcome
    }
}

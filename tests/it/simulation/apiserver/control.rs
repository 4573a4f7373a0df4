//! What a test does to the apiserver, and sees of it, beside its clients.

use serde_json::{Value, json};

use crate::support::audit::Request;

use super::{SimulatedApiserver, State, collect::collect, kinds::Kind, store::Stored};

/// More acts than any test leaves to the garbage collector: it would never end.
const MOST_ACTS: usize = 100_000;

impl SimulatedApiserver {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        act(&mut state)
    }

    /// Makes a namespace.
    pub(crate) fn add_namespace(&self, name: &str) {
        self.with(|state| {
            let uid = state.store.next_uid();
            let metadata = json!({"name": name, "uid": uid, "creationTimestamp": state.store.time_in(0)});
            let value =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}});
            state.store.put(Kind::of_plural("namespaces"), Stored { value, ..Stored::default() });
        });
    }

    /// All objects of a kind, by their namespaces and names.
    pub(crate) fn objects(&self, plural: &str) -> Vec<Value> {
        self.with(|state| state.store.snapshot(Kind::of_plural(plural), state.store.revision()))
    }

    /// All requests, in order.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.lock().log.clone()
    }

    /// Does all that the garbage collector and the removal of namespaces have to do now.
    pub(crate) fn collect_garbage(&self) {
        self.with(|state| {
            let acts = (0..MOST_ACTS).take_while(|_| collect(&mut state.store)).count();
            assert!(acts < MOST_ACTS, "the garbage collector does not end");
        });
    }
}

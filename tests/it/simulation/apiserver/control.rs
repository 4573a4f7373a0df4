//! What a test does to the apiserver, and sees of it, beside its clients.

use serde_json::{Value, json};

use crate::support::audit::Request;

use super::{
    Fault, Requests, SimulatedApiserver, State, broken, collect::collect, kinds::Kind, store::Stored, watch::expiry,
};

/// More acts than any test leaves to the garbage collector: it would never end.
const MOST_ACTS: usize = 100_000;

impl SimulatedApiserver {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let done = act(&mut state);
        let State { store, watches, .. } = &mut *state;
        watches.distribute(store);
        done
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

    /// All requests, in order; the code of one without an answer is 0.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.lock().log.clone()
    }

    /// How many watches are open.
    pub(crate) fn watches(&self) -> usize {
        self.with(|state| state.watches.len())
    }

    /// Does all that the garbage collector and the removal of namespaces have to do now.
    pub(crate) fn collect_garbage(&self) {
        self.with(|state| {
            let acts = (0..MOST_ACTS).take_while(|_| collect(&mut state.store)).count();
            assert!(acts < MOST_ACTS, "the garbage collector does not end");
        });
    }

    /// Lets the next of these requests go wrong so that no earlier call is for.
    pub(crate) fn fail_next(&self, which: Requests, fault: Fault) {
        self.with(|state| state.faults.once(which, fault));
    }

    /// Lets all of these requests go wrong so.
    pub(crate) fn fail_all(&self, which: Requests, fault: Fault) {
        self.with(|state| state.faults.always(which, fault));
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn mend(&self) {
        self.with(|state| state.faults.mend());
    }

    /// Sends all answers that are held back.
    pub(crate) fn release_replies(&self) {
        self.with(|state| state.faults.release());
    }

    /// Holds back what these watches are sent, also those that begin later.
    pub(crate) fn hold_watches(&self, which: Requests) {
        self.with(|state| state.watches.hold(which));
    }

    /// Sends each of these watches so many of the events that are held back.
    pub(crate) fn let_through(&self, which: &Requests, count: usize) {
        self.with(|state| state.watches.let_through(which, count));
    }

    /// Sends these watches, which were held so, all that is held back, and holds them no more.
    pub(crate) fn release_watches(&self, which: &Requests) {
        self.with(|state| state.watches.release(which));
    }

    /// Tells these watches what version they have got to.
    pub(crate) fn bookmark(&self, which: &Requests) {
        self.with(|State { watches, store, .. }| watches.bookmark(which, store));
    }

    /// Ends these watches, as the apiserver does now and then: their clients go on from where they are.
    pub(crate) fn end_watches(&self, which: &Requests) {
        self.with(|state| state.watches.end(which, &|| None));
    }

    /// Ends the connections of these watches.
    pub(crate) fn break_watches(&self, which: &Requests) {
        self.with(|state| state.watches.end(which, &|| Some(Err(broken()))));
    }

    /// Forgets all versions before now, and ends these watches with that: their clients list again.
    pub(crate) fn expire_watches(&self, which: &Requests) {
        self.with(|State { watches, store, .. }| {
            store.compact();
            watches.end(which, &|| Some(Ok(expiry(store))));
        });
    }
}

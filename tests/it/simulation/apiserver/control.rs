//! What a test does to the apiserver, and sees of it, beside its clients.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{Stream, stream};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::audit::Request;

use super::{
    Fault, Requests, SimulatedApiserver, State, broken,
    collect::collect,
    delete::{FOREGROUND, ORPHAN, delete_stored},
    kinds::Kind,
    request::{Asked, Form, Target},
    store::{Store, Stored, finalizers, is_deleting, text},
    watch::expiry,
};

const PODS: &str = "pods";
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

    /// Asks `judge` about each request that nothing else is arranged for, by client, verb, resource and name. It is called
    /// while the apiserver is locked, so it must not ask this apiserver for anything.
    pub(crate) fn judge_by(&self, judge: impl FnMut(&str, &str, &str, &str) -> Option<Fault> + Send + 'static) {
        self.with(|state| state.faults.judge_by(Box::new(judge)));
    }

    /// Has each request and each answer take so long on its way from now on.
    pub(crate) fn delay_requests(&self, delay: Duration) {
        self.with(|state| state.delay = delay);
    }

    /// Makes an object as it stands, without its clients' ways.
    pub(crate) fn add(&self, plural: &str, mut value: Value) {
        self.with(|state| {
            value["metadata"]["uid"] = json!(state.store.next_uid());
            value["metadata"]["creationTimestamp"] = state.store.time_in(0).into();
            state.store.put(Kind::of_plural(plural), Stored { value, ..Stored::default() });
        });
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

/// What components of the cluster itself do, such as kubelets: no fault is for them, and no log has them.
impl SimulatedApiserver {
    /// What time it is here.
    pub(crate) fn now(&self) -> Timestamp {
        self.lock().store.now()
    }

    /// The pods that are `wanted`, which sees all.
    pub(crate) fn pods(&self, mut wanted: impl FnMut(&Value) -> bool) -> Vec<Value> {
        let state = self.lock();
        pods(&state.store).map(|stored| &stored.value).filter(|pod| wanted(pod)).cloned().collect()
    }

    /// Changes the pod with this UID, if it is there; whatever is changed, also what no request can.
    pub(crate) fn change_pod(&self, uid: &str, change: impl FnOnce(&mut Value)) {
        self.with(|State { store, .. }| {
            let Some(old) = pod(store, uid) else { return };
            let mut new = old.clone();
            change(&mut new.value);
            if new.value != old.value {
                store.put(Kind::of_plural(PODS), new);
            }
        });
    }

    /// Deletes the pod with this UID, if it is there: within so many seconds, or its own.
    pub(crate) fn delete_pod(&self, uid: &str, grace_seconds: Option<u64>) {
        self.with(|State { store, .. }| {
            if let Some(old) = pod(store, uid) {
                delete_stored(store, Kind::of_plural(PODS), old, &json!({"gracePeriodSeconds": grace_seconds}));
            }
        });
    }

    /// Whether the garbage collector, or the removal of namespaces, may have something to do. A look costs less than an act.
    pub(crate) fn may_have_garbage(&self) -> bool {
        let state = self.lock();
        let values = || state.store.all().map(|(_, stored)| &stored.value);
        let uids: BTreeSet<&str> = values().map(|value| text(value, "uid")).collect();
        let is_awaited = |value: &Value| {
            let is_held = finalizers(value).into_iter().any(|held| [FOREGROUND, ORPHAN].contains(&held));
            is_held || value["kind"] == "Namespace"
        };
        let lost_owner = |value: &Value| {
            let owners = value["metadata"]["ownerReferences"].as_array();
            owners.into_iter().flatten().any(|owner| !uids.contains(owner["uid"].as_str().unwrap_or_default()))
        };
        values().any(|value| if is_deleting(value) { is_awaited(value) } else { lost_owner(value) })
    }

    /// Comes whenever an object of this kind has changed. It is a watch of the client called `client`: where all watches are
    /// held it is, too, and it ends where they are ended.
    pub(crate) fn signals(&self, client: &str, plural: &str) -> impl Stream<Item = ()> + use<> {
        let mut events = self.with(|State { watches, store, .. }| watches.begin(store, &watch_of_all(client, plural)));
        stream::poll_fn(move |context| match &mut events {
            Ok(events) => events.poll_recv(context).map(|event| event.map(drop)),
            Err(refusal) => panic!("no watch: {refusal:?}"),
        })
    }
}

fn pods(store: &Store) -> impl Iterator<Item = &Stored> {
    store.all().filter(|((plural, _), _)| *plural == PODS).map(|(_, stored)| stored)
}

fn pod(store: &Store, uid: &str) -> Option<Stored> {
    pods(store).find(|stored| text(&stored.value, "uid") == uid).cloned()
}

/// The request for a watch of all objects of a kind, from now on.
fn watch_of_all(client: &str, plural: &str) -> Asked {
    let all = String::new;
    Asked {
        client: client.to_owned(),
        verb: "watch",
        target: Some(Target { kind: Kind::of_plural(plural), namespace: all(), name: all(), subresource: all() }),
        query: BTreeMap::new(),
        content_type: String::new(),
        form: Form::Metadata,
        body: Value::Null,
    }
}

//! The garbage collector and the removal of namespaces, one act at a time, when the test says so. Not logged as requests.
//!
//! Simplified: all dependents of an owner that waits for them are deleted in the background, each at once.

use serde_json::{Value, json};

use super::{
    delete::{FOREGROUND, ORPHAN, delete_stored},
    kinds::{Kind, Nature},
    store::{Store, Stored, finalizers, grace, is_deleting, text},
};

/// An object, and its kind.
type Found = (&'static Kind, Stored);

/// Does the next act; tells whether there was one.
pub(super) fn collect(store: &mut Store) -> bool {
    let all: Vec<Found> = store.all().map(|((plural, _), stored)| (Kind::of_plural(plural), stored.clone())).collect();
    all.iter().any(|found| collect_one(store, &all, found))
}

fn collect_one(store: &mut Store, all: &[Found], found: &Found) -> bool {
    let (kind, stored) = found;
    let value = &stored.value;
    if !is_deleting(value) {
        return collect_orphan(store, all, found);
    }
    if kind.nature == Nature::Namespace {
        return empty(store, all, found);
    }
    let dependents =
        || all.iter().filter(|(_, other)| owners(&other.value).any(|owner| owner["uid"] == value["metadata"]["uid"]));
    if finalizers(value).contains(&ORPHAN) {
        let uid = text(value, "uid");
        dependents().for_each(|(kind, other)| disown(store, kind, other, |owner| owner["uid"] == uid));
        release(store, found, ORPHAN);
        return true;
    }
    if !finalizers(value).contains(&FOREGROUND) {
        return false;
    }
    if let Some((kind, other)) = dependents().find(|(_, other)| !is_deleting(&other.value)) {
        delete_stored(store, kind, other.clone(), &json!({}));
        return true;
    }
    let blocks = |owner: &Value| owner["uid"] == value["metadata"]["uid"] && owner["blockOwnerDeletion"] == true;
    let is_free = !dependents().any(|(_, other)| owners(&other.value).any(blocks));
    if is_free {
        release(store, found, FOREGROUND);
    }
    is_free
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

/// Deletes an object whose owners are all gone; the reference to one of several goes.
fn collect_orphan(store: &mut Store, all: &[Found], (kind, stored): &Found) -> bool {
    let is_gone = |owner: &Value| !all.iter().any(|(_, other)| other.value["metadata"]["uid"] == owner["uid"]);
    let value = &stored.value;
    if !owners(value).any(is_gone) {
        return false;
    }
    if owners(value).all(is_gone) {
        delete_stored(store, kind, stored.clone(), &json!({"propagationPolicy": "Background"}));
    } else {
        disown(store, kind, stored, is_gone);
    }
    true
}

fn disown(store: &mut Store, kind: &'static Kind, stored: &Stored, unwanted: impl Fn(&Value) -> bool) {
    let mut stored = stored.clone();
    if let Some(owners) = stored.value["metadata"]["ownerReferences"].as_array_mut() {
        owners.retain(|owner| !unwanted(owner));
    }
    store.put(kind, stored);
}

/// Takes the collector's finalizer off, with which the object may be gone.
fn release(store: &mut Store, (kind, stored): &Found, finalizer: &str) {
    let mut new = stored.clone();
    let left: Vec<&str> = finalizers(&stored.value).into_iter().filter(|known| *known != finalizer).collect();
    if left.is_empty() && grace(&stored.value) == 0 {
        return store.remove(kind, &stored.value);
    }
    new.value["metadata"]["finalizers"] = json!(left);
    store.put(kind, new);
}

/// Deletes what is in a namespace that is being deleted, and then the namespace.
fn empty(store: &mut Store, all: &[Found], (kind, place): &Found) -> bool {
    let name = text(&place.value, "name");
    let mut within = all.iter().filter(|(_, other)| text(&other.value, "namespace") == name).peekable();
    if within.peek().is_none() {
        store.remove(kind, &place.value);
        return true;
    }
    match within.find(|(_, other)| !is_deleting(&other.value)) {
        Some((kind, other)) => {
            delete_stored(store, kind, other.clone(), &json!({}));
            true
        }
        None => false,
    }
}

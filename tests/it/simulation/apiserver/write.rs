//! Creating and updating.

use serde_json::{Value, json};

use super::{
    kinds::{Kind, Nature},
    refusal::Refusal,
    request::{Asked, Target},
    store::{Store, Stored, finalizers, grace, is_deleting, text},
};

/// A pod's own time to end, where it names none.
const GRACE_SECONDS: u64 = 30;
/// What only the apiserver writes.
const OWN_METADATA: [&str; 5] =
    ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "namespace"];
/// What of a pod's spec can change.
const CHANGEABLE: [&str; 4] = ["activeDeadlineSeconds", "tolerations", "containers", "initContainers"];

/// Whether an answer is only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    Real,
    Dry,
}

impl Run {
    pub(super) fn of(asked: &Asked) -> Self {
        if asked.is_dry_run() { Self::Dry } else { Self::Real }
    }
}

pub(super) fn create(store: &mut Store, asked: &Asked) -> Result<Value, Refusal> {
    let target = asked.target()?;
    let Target { kind, namespace, .. } = target;
    let mut value = asked.body.clone();
    if !value.is_object() {
        return Err(Refusal::bad_request("the body is no object"));
    }
    if ![namespace.as_str(), ""].contains(&text(&value, "namespace")) {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(message));
    }
    let name = name_for(store, kind, &value)?;
    takes_new(store, kind, namespace, &name)?;
    match store.find(kind, namespace, &name) {
        Some(known) if is_deleting(&known.value) => return Err(Refusal::still_exists(kind, &name)),
        Some(_) => return Err(Refusal::already_exists(kind, &name)),
        None => {}
    }
    begin(store, target, &name, &mut value);
    match Run::of(asked) {
        Run::Dry => Ok(value),
        Run::Real => Ok(store.put(kind, Stored { value, ..Stored::default() })),
    }
}

/// Whether the namespace takes new objects.
fn takes_new(store: &Store, kind: &Kind, namespace: &str, name: &str) -> Result<(), Refusal> {
    if !kind.is_namespaced() {
        return Ok(());
    }
    let place = store.get(Kind::of_plural("namespaces"), "", namespace)?;
    let is_ending = is_deleting(&place.value);
    if is_ending { Err(Refusal::is_terminating(kind, name, namespace)) } else { Ok(()) }
}

fn name_for(store: &mut Store, kind: &Kind, value: &Value) -> Result<String, Refusal> {
    match (text(value, "name"), text(value, "generateName")) {
        ("", "") => {
            let why = "metadata.name: Required value: name or generateName is required";
            Err(Refusal::invalid(kind, "", why))
        }
        ("", prefix) => Ok(format!("{prefix}{}", store.next_suffix())),
        (name, _) => Ok(name.to_owned()),
    }
}

/// Gives a new object what the apiserver gives it.
fn begin(store: &mut Store, target: &Target, name: &str, value: &mut Value) {
    let kind = target.kind;
    value["apiVersion"] = json!(kind.api_version());
    value["kind"] = json!(kind.name);
    let metadata = &mut value["metadata"];
    for field in OWN_METADATA {
        metadata[field] = Value::Null;
    }
    metadata["name"] = json!(name);
    metadata["uid"] = json!(store.next_uid());
    metadata["creationTimestamp"] = json!(store.time_in(0));
    if kind.is_namespaced() {
        metadata["namespace"] = json!(target.namespace);
    }
    if kind.has_generation() {
        metadata["generation"] = json!(1);
    }
    match kind.nature {
        Nature::Custom => value["status"] = Value::Null,
        Nature::Pod => {
            value["status"] = json!({"phase": "Pending"});
            let grace = &mut value["spec"]["terminationGracePeriodSeconds"];
            if grace.is_null() {
                *grace = json!(GRACE_SECONDS);
            }
        }
        Nature::Namespace => value["status"] = json!({"phase": "Active"}),
        Nature::Lease | Nature::Plain => {}
    }
    tidy(value);
}

/// Leaves out what is empty, as Kubernetes' own types do, and what this simulation does not keep.
pub(super) fn tidy(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
        metadata.retain(|_, field| !(field.is_null() || *field == json!([]) || *field == json!({}) || *field == ""));
    }
}

pub(super) fn replace(store: &mut Store, asked: &Asked) -> Result<Value, Refusal> {
    let Target { kind, namespace, name, .. } = asked.target()?;
    let new = asked.body.clone();
    if text(&new, "name") != name {
        let given = text(&new, "name");
        let message = format!("the name of the object ({given}) does not match the name on the URL ({name})");
        return Err(Refusal::bad_request(message));
    }
    let known = store.find(kind, namespace, name).cloned();
    // A Lease can be made so.
    if known.is_none() && kind.nature == Nature::Lease && text(&new, "uid").is_empty() {
        return create(store, asked);
    }
    let is_missing = || Refusal::not_found(kind, name);
    let old = known.or((kind.nature == Nature::Lease).then(Stored::default)).ok_or_else(is_missing)?;
    let (wanted, uid) = (text(&new, "uid"), text(&old.value, "uid"));
    if !wanted.is_empty() && wanted != uid {
        let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}");
        return Err(Refusal::conflict(kind, name, &why));
    }
    if text(&new, "resourceVersion").is_empty() && !kind.is_updated_unconditionally() {
        let why = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
        return Err(Refusal::invalid(kind, name, why));
    }
    settle(store, asked, &old, Stored { value: new, applied: old.applied.clone() })
}

/// Stores what `old` becomes, as far as the request may change it.
pub(super) fn settle(store: &mut Store, asked: &Asked, old: &Stored, new: Stored) -> Result<Value, Refusal> {
    let Target { kind, name, subresource, .. } = asked.target()?;
    let Stored { mut value, applied } = new;
    let version = text(&value, "resourceVersion");
    if !version.is_empty() && version != text(&old.value, "resourceVersion") {
        return Err(Refusal::is_modified(kind, name));
    }
    restore(kind, subresource, &old.value, &mut value);
    may_change(kind, name, &old.value, &value)?;
    if Run::of(asked) == Run::Dry {
        return Ok(value);
    }
    let stored = Stored { value, applied };
    if stored.value == old.value {
        return Ok(unchanged(store, kind, stored));
    }
    // A pod that its kubelet still ends stays, held or not, and a namespace until it is empty.
    let is_free = finalizers(&stored.value).is_empty() && kind.nature != Nature::Namespace;
    if is_free && is_deleting(&old.value) && grace(&old.value) == 0 {
        store.remove(kind, &stored.value);
        return Ok(stored.value);
    }
    Ok(store.put(kind, stored))
}

/// What was applied is noted, though no version comes of it.
fn unchanged(store: &mut Store, kind: &'static Kind, stored: Stored) -> Value {
    let value = stored.value.clone();
    store.amend(kind, stored);
    value
}

/// Takes back what a request cannot change, and counts the generation.
fn restore(kind: &Kind, subresource: &str, old: &Value, new: &mut Value) {
    match (kind.nature, subresource) {
        (Nature::Custom, "status") => {
            let status = new["status"].take();
            *new = old.clone();
            new["status"] = status;
        }
        (_, "status") => {
            new["spec"] = old["spec"].clone();
            new["metadata"]["ownerReferences"] = old["metadata"]["ownerReferences"].clone();
        }
        _ if kind.has_status() => new["status"] = old["status"].clone(),
        _ => {}
    }
    for field in ["apiVersion", "kind"] {
        new[field] = old[field].clone();
    }
    for field in OWN_METADATA.into_iter().chain(["resourceVersion", "name"]) {
        new["metadata"][field] = old["metadata"][field].clone();
    }
    if text(new, "uid").is_empty() {
        new["metadata"]["uid"] = old["metadata"]["uid"].clone();
    }
    tidy(new);
    if kind.has_generation() && content(kind, old) != content(kind, new) {
        let generation = old["metadata"]["generation"].as_u64().unwrap_or_default();
        new["metadata"]["generation"] = json!(generation + 1);
    }
}

/// What the generation counts the changes of.
fn content(kind: &Kind, object: &Value) -> Value {
    if kind.nature == Nature::Pod {
        return object["spec"].clone();
    }
    let mut content = object.clone();
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|field, _| field != "metadata" && field != "status");
    }
    content
}

fn may_change(kind: &Kind, name: &str, old: &Value, new: &Value) -> Result<(), Refusal> {
    if text(old, "uid") != text(new, "uid") {
        let why = format!("metadata.uid: Invalid value: {:?}: field is immutable", text(new, "uid"));
        return Err(Refusal::invalid(kind, name, &why));
    }
    let known = finalizers(old);
    if is_deleting(old) && finalizers(new).iter().any(|finalizer| !known.contains(finalizer)) {
        let why = "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted";
        return Err(Refusal::invalid(kind, name, why));
    }
    if kind.nature == Nature::Pod { may_change_pod(kind, name, &old["spec"], &new["spec"]) } else { Ok(()) }
}

fn may_change_pod(kind: &Kind, name: &str, old: &Value, new: &Value) -> Result<(), Refusal> {
    let fixed = |spec: &Value| {
        let mut fixed = spec.clone();
        for field in CHANGEABLE {
            fixed[field] = Value::Null;
        }
        fixed
    };
    if fixed(old) != fixed(new) {
        let why = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        return Err(Refusal::invalid(kind, name, why));
    }
    let [before, after] = [old, new].map(|spec| spec["activeDeadlineSeconds"].as_i64());
    match (before, after) {
        (Some(before), Some(after)) if after > before => {
            let why = format!(
                "spec.activeDeadlineSeconds: Invalid value: {after}: must be less than or equal to previous value"
            );
            Err(Refusal::invalid(kind, name, &why))
        }
        (Some(_), None) => {
            let why =
                "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value";
            Err(Refusal::invalid(kind, name, why))
        }
        _ => Ok(()),
    }
}

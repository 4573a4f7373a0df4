//! Deleting, by the rules of the apiserver's generic registry.

use serde_json::{Value, json};

use super::{
    kinds::{Kind, Nature},
    refusal::Refusal,
    request::{Asked, Target},
    store::{Store, Stored, finalizers, grace, is_deleting, text},
    write::{Run, tidy},
};

/// The finalizers by which the garbage collector holds an owner.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
pub(super) const ORPHAN: &str = "orphan";

/// What becomes of a pod's grace period.
enum Grace {
    /// The object has none, or its own is over.
    None,
    /// From now on so many seconds.
    Begins(u64),
    /// It is under way, and not shortened.
    Pending,
    /// It is under way, and ends earlier than it would.
    Shortened(u64),
}

pub(super) fn delete(store: &mut Store, asked: &Asked) -> Result<Value, Refusal> {
    let Target { kind, namespace, name, .. } = asked.target()?;
    let old = store.get(kind, namespace, name)?.clone();
    has_preconditions(kind, name, &asked.body["preconditions"], &old.value)?;
    if Run::of(asked) == Run::Dry {
        return Ok(old.value);
    }
    Ok(delete_stored(store, kind, old, &asked.body))
}

/// Deletes an object that is as it was wanted.
pub(super) fn delete_stored(store: &mut Store, kind: &'static Kind, old: Stored, options: &Value) -> Value {
    let grace = grace_of(kind, &old.value, options["gracePeriodSeconds"].as_u64());
    if matches!(grace, Grace::Pending) {
        return old.value;
    }
    let mut new = old.clone();
    hold(&mut new.value, options["propagationPolicy"].as_str().unwrap_or_default());
    // A namespace is held by its own kind of finalizer, until it is empty.
    let is_held = !finalizers(&new.value).is_empty() || kind.nature == Nature::Namespace;
    let seconds = match grace {
        Grace::None if !is_held => return end(store, kind, old.value),
        Grace::None | Grace::Pending => 0,
        Grace::Begins(seconds) | Grace::Shortened(seconds) => seconds,
    };
    mark(store, kind, &mut new.value, seconds, &grace);
    let value = if new.value == old.value { new.value } else { store.put(kind, new) };
    if is_held || seconds > 0 { value } else { end(store, kind, value) }
}

/// Removes the object. Pods are shown once more; of others only that they are gone.
fn end(store: &mut Store, kind: &'static Kind, value: Value) -> Value {
    store.remove(kind, &value);
    if kind.nature == Nature::Pod {
        return value;
    }
    let mut details = json!({"name": value["metadata"]["name"], "kind": kind.plural, "uid": value["metadata"]["uid"]});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn has_preconditions(kind: &Kind, name: &str, wanted: &Value, object: &Value) -> Result<(), Refusal> {
    for (field, called) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let (wanted, known) = (wanted[field].as_str(), text(object, field));
        if let Some(wanted) = wanted.filter(|wanted| *wanted != known) {
            let why =
                format!("the {called} in the precondition ({wanted}) does not match the {called} in record ({known})");
            return Err(Refusal::conflict(kind, name, &why));
        }
    }
    Ok(())
}

fn grace_of(kind: &Kind, pod: &Value, wanted: Option<u64>) -> Grace {
    if kind.nature != Nature::Pod {
        return Grace::None;
    }
    if is_deleting(pod) {
        return match wanted {
            _ if grace(pod) == 0 => Grace::None,
            Some(seconds) if seconds < grace(pod) => Grace::Shortened(seconds),
            _ => Grace::Pending,
        };
    }
    // No kubelet has anything to end.
    let is_over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    let has_node = !pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty();
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or_default();
    Grace::Begins(if has_node && !is_over { wanted.unwrap_or(own) } else { 0 })
}

/// Has the finalizers of the garbage collector say what the policy wants; without one they stay.
fn hold(value: &mut Value, policy: &str) {
    let wanted = match policy {
        "Foreground" => Some(FOREGROUND),
        "Orphan" => Some(ORPHAN),
        "Background" => None,
        _ => return,
    };
    let others = finalizers(value).into_iter().filter(|known| ![FOREGROUND, ORPHAN].contains(known));
    let held: Vec<&str> = others.chain(wanted).collect();
    value["metadata"]["finalizers"] = json!(held);
    tidy(value);
}

/// Notes the deletion, which the generation counts once.
fn mark(store: &Store, kind: &Kind, value: &mut Value, seconds: u64, grace: &Grace) {
    let is_first = !is_deleting(value);
    let metadata = &mut value["metadata"];
    if let Grace::Shortened(_) = grace {
        let began = metadata["deletionTimestamp"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let before =
            std::time::Duration::from_secs(metadata["deletionGracePeriodSeconds"].as_u64().unwrap_or_default());
        let ends = began.map(|time| time - before + std::time::Duration::from_secs(seconds));
        metadata["deletionTimestamp"] = json!(ends.map(|time| time.to_string()));
    } else if is_first {
        metadata["deletionTimestamp"] = json!(store.time_in(seconds));
    }
    metadata["deletionGracePeriodSeconds"] = json!(seconds);
    if let Some(generation) = metadata["generation"].as_u64().filter(|_| is_first) {
        metadata["generation"] = json!(generation + 1);
    }
    if kind.nature == Nature::Namespace {
        metadata["deletionGracePeriodSeconds"] = Value::Null;
        value["status"]["phase"] = json!("Terminating");
    }
    tidy(value);
}

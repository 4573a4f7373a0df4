//! Patches: JSON merge, strategic merge as far as it takes from lists, and server-side apply.
//!
//! Simplified: `managedFields` are not kept. An apply removes what the same manager applied last and leaves out now, even
//! where another manager wrote it since, and always takes what it finds, as with `force`. A list is replaced as a whole,
//! but for conditions, which are merged by their type.

use serde_json::{Map, Value, json};

use crate::support::bed::merged;

use super::{
    kinds::Nature,
    refusal::Refusal,
    request::{Asked, Target},
    store::{Store, Stored},
    write::{create, settle},
};

/// The directive that takes from a list of texts.
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

pub(super) fn patch(store: &mut Store, asked: &Asked) -> Result<Value, Refusal> {
    let Target { kind, namespace, name, .. } = asked.target()?;
    let format = asked.content_type.as_str();
    if format == "application/apply-patch+yaml" {
        return apply(store, asked);
    }
    let old = store.get(kind, namespace, name)?.clone();
    let value = match format {
        "application/merge-patch+json" => merged(old.value.clone(), &asked.body),
        "application/strategic-merge-patch+json" if kind.nature != Nature::Custom => {
            strategic(old.value.clone(), &asked.body)?
        }
        "application/json-patch+json" => return Err(Refusal::not_simulated("JSON patch")),
        _ => return Err(Refusal::unsupported_media_type()),
    };
    let new = Stored { value, applied: old.applied.clone() };
    settle(store, asked, &old, new)
}

fn strategic(value: Value, patch: &Value) -> Result<Value, Refusal> {
    let Value::Object(changes) = patch else { return Ok(patch.clone()) };
    let mut object = value.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if let Some(list) = key.strip_prefix(DELETE_FROM) {
            let gone = change.as_array().cloned().unwrap_or_default();
            if let Some(list) = object.get_mut(list).and_then(Value::as_array_mut) {
                list.retain(|known| !gone.contains(known));
            }
        } else if change.is_null() {
            object.remove(key);
        } else if change.is_array() || key.starts_with('$') {
            return Err(Refusal::not_simulated(&format!("the strategic merge of {key}")));
        } else {
            let before = object.remove(key).unwrap_or_default();
            object.insert(key.clone(), strategic(before, change)?);
        }
    }
    Ok(object.into())
}

fn apply(store: &mut Store, asked: &Asked) -> Result<Value, Refusal> {
    let Target { kind, namespace, name, subresource } = asked.target()?;
    let manager = (asked.parameter("fieldManager").to_owned(), subresource.clone());
    if manager.0.is_empty() {
        let why = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        return Err(Refusal::new(422, "Invalid", why));
    }
    let Some(old) = store.find(kind, namespace, name).cloned() else { return create_applied(store, asked) };
    let before = old.applied.get(&manager).cloned().unwrap_or_default();
    let value = applied(old.value.clone(), &before, &asked.body);
    let mut new = Stored { value, applied: old.applied.clone() };
    new.applied.insert(manager, owned(&asked.body));
    settle(store, asked, &old, new)
}

/// What an apply makes of a name that nothing has.
fn create_applied(store: &mut Store, asked: &Asked) -> Result<Value, Refusal> {
    let Target { kind, name, subresource, .. } = asked.target()?;
    if !subresource.is_empty() {
        return Err(Refusal::not_found(kind, name));
    }
    if let Some(uid) = asked.body["metadata"]["uid"].as_str() {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(Refusal::conflict(kind, name, &why));
    }
    create(store, asked)
}

/// What a manager comes to own: all but what identifies the object.
fn owned(body: &Value) -> Value {
    let mut owned = body.clone();
    owned["metadata"] = json!({
        "labels": body["metadata"]["labels"], "annotations": body["metadata"]["annotations"],
    });
    owned
}

/// `live` with `new` applied, without what `before` had and `new` has not.
fn applied(live: Value, before: &Value, new: &Value) -> Value {
    match (live, new) {
        (Value::Object(live), Value::Object(new)) => applied_fields(live, before, new).into(),
        (Value::Array(live), Value::Array(new)) if is_by_type(new) => applied_by_type(live, before, new).into(),
        (_, new) => new.clone(),
    }
}

fn applied_fields(mut live: Map<String, Value>, before: &Value, new: &Map<String, Value>) -> Map<String, Value> {
    for field in before.as_object().into_iter().flat_map(Map::keys).filter(|field| !new.contains_key(*field)) {
        live.remove(field);
    }
    for (field, value) in new {
        let known = live.remove(field).unwrap_or_default();
        live.insert(field.clone(), applied(known, &before[field], value));
    }
    live
}

fn is_by_type(list: &[Value]) -> bool {
    list.iter().all(|element| element["type"].is_string() && element["status"].is_string())
}

fn applied_by_type(live: Vec<Value>, before: &Value, new: &[Value]) -> Vec<Value> {
    let find = |list: &[Value], element: &Value| list.iter().find(|known| known["type"] == element["type"]).cloned();
    let before = before.as_array().cloned().unwrap_or_default();
    let is_left_out = |known: &Value| find(&before, known).is_some() && find(new, known).is_none();
    let kept: Vec<Value> = live.into_iter().filter(|known| !is_left_out(known)).collect();
    let own = new.iter().map(|element| {
        let known = find(&kept, element).unwrap_or_default();
        applied(known, &find(&before, element).unwrap_or_default(), element)
    });
    let others = kept.iter().filter(|known| find(new, known).is_none()).cloned();
    own.chain(others).collect()
}

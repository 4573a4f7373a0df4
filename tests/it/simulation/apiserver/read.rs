//! Getting and listing.
//!
//! Simplified: a list is always as of now, or of the first page; a cache that is behind is not simulated.

use serde_json::{Value, json};

use super::{
    refusal::Refusal,
    request::{Asked, Form, Target},
    select::{Selection, shown},
    store::{Store, text},
};

pub(super) fn get(store: &Store, asked: &Asked) -> Result<Value, Refusal> {
    let Target { kind, namespace, name, .. } = asked.target()?;
    Ok(shown(&store.get(kind, namespace, name)?.value, asked.form))
}

/// Where the next page begins.
struct Place {
    revision: u64,
    after: String,
}

impl Place {
    fn of(token: &str, oldest: u64) -> Result<Self, Refusal> {
        let (revision, after) =
            token.split_once(':').ok_or_else(|| Refusal::bad_request("continue key is not valid"))?;
        let revision = revision.parse().unwrap_or_default();
        if revision < oldest {
            let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter";
            return Err(Refusal::expired(message.to_owned()));
        }
        Ok(Self { revision, after: after.to_owned() })
    }
}

pub(super) fn list(store: &Store, asked: &Asked) -> Result<Value, Refusal> {
    let kind = asked.target()?.kind;
    let selection = Selection::of(asked)?;
    let place = match asked.parameter("continue") {
        "" => Place { revision: store.revision(), after: String::new() },
        token => Place::of(token, store.oldest())?,
    };
    // One that is served from the cache comes whole.
    let limit =
        asked.parameter("limit").parse().ok().filter(|limit| *limit > 0 && asked.parameter("resourceVersion") != "0");
    let mut found = store.snapshot(kind, place.revision);
    found.retain(|object| path(object) > place.after && selection.takes(object));
    let rest = found.split_off(limit.unwrap_or(found.len()).min(found.len()));
    let mut metadata = json!({"resourceVersion": place.revision.to_string()});
    if let Some(last) = found.last().filter(|_| !rest.is_empty()) {
        metadata["continue"] = json!(format!("{}:{}", place.revision, path(last)));
        if selection.is_all() {
            metadata["remainingItemCount"] = json!(rest.len());
        }
    }
    let items: Vec<Value> = found.iter().map(|object| shown(object, asked.form)).collect();
    let (api_version, kind) = match asked.form {
        Form::Whole => (kind.api_version(), format!("{}List", kind.name)),
        Form::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
    };
    Ok(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "items": items}))
}

fn path(object: &Value) -> String {
    format!("{}/{}", text(object, "namespace"), text(object, "name"))
}

//! Answers that refuse what was asked, as Kubernetes words them.

use serde_json::{Value, json};

use super::kinds::Kind;

/// A `Status` that reports a failure.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(super) code: u16,
    reason: String,
    message: String,
    details: Value,
    pub(super) retry_after: Option<u32>,
}

impl Refusal {
    /// An answer of this code; the reason is what Kubernetes names so, such as `Forbidden`.
    pub(crate) fn new(code: u16, reason: &str, message: impl Into<String>) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), details: json!({}), retry_after: None }
    }

    /// The apiserver has too much to do.
    pub(crate) fn too_many_requests(retry_after: u32) -> Self {
        let message = "the server has received too many requests and has asked us to try again later";
        let details = json!({"retryAfterSeconds": retry_after});
        Self { details, retry_after: Some(retry_after), ..Self::new(429, "TooManyRequests", message) }
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::of(kind, name, (404, "NotFound"), "not found")
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::of(kind, name, (409, "AlreadyExists"), "already exists")
    }

    /// The object of that name is there only as long as something holds it.
    pub(super) fn still_exists(kind: &Kind, name: &str) -> Self {
        let refusal = Self::already_exists(kind, name);
        Self { message: format!("object is being deleted: {}", refusal.message), ..refusal }
    }

    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", kind.qualified(kind.plural));
        Self { message, ..Self::of(kind, name, (409, "Conflict"), "") }
    }

    pub(super) fn is_modified(kind: &Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    pub(super) fn invalid(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is invalid: {why}", kind.qualified(kind.name));
        Self { message, ..Self::of(kind, name, (422, "Invalid"), "") }
    }

    pub(super) fn is_terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why = format!(
            "is forbidden: unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = json!({"reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {namespace} is being terminated")});
        let mut refusal = Self::of(kind, name, (403, "Forbidden"), &why);
        refusal.details["causes"] = json!([cause]);
        refusal
    }

    /// A watch, or the rest of a list, from a version that is too old.
    pub(super) fn expired(message: String) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(super) fn unsupported_media_type() -> Self {
        let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// What this simulation does not know: a test that meets it needs more of it.
    pub(super) fn not_simulated(what: &str) -> Self {
        Self::new(501, "NotSimulated", format!("the simulated apiserver does not know {what}"))
    }

    fn of(kind: &Kind, name: &str, (code, reason): (u16, &str), what: &str) -> Self {
        let message = format!("{} {name:?} {what}", kind.qualified(kind.plural));
        let mut details = json!({"name": name, "kind": kind.plural});
        if !kind.group.is_empty() {
            details["group"] = json!(kind.group);
        }
        Self { details, ..Self::new(code, reason, message) }
    }

    pub(super) fn status(&self) -> Value {
        let Self { code, reason, message, details, .. } = self;
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "details": details, "code": code})
    }
}

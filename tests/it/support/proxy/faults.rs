//! What becomes of single requests to the apiserver, and of what its watches tell.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::{Method, request::Parts};
use serde_json::Value;

use crate::support::{bed::PATIENCE, until};

/// A request, as the audit log names it.
#[derive(Debug)]
pub(crate) struct Asked {
    verb: &'static str,
    pub(super) resource: String,
    subresource: String,
    pub name: String,
    pub body: Value,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The apiserver does what it is asked for, and the connection ends before the client is told.
    ReplyLost,
    /// The connection ends before the apiserver is asked.
    NeverArrives,
}

/// What a proxy does to requests; at first nothing.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    /// How late what the watches on a resource tell is.
    late: Mutex<BTreeMap<String, Duration>>,
}

struct Rule {
    fault: Fault,
    is_meant: Box<dyn Fn(&Asked) -> bool + Send>,
    has_struck: Arc<AtomicBool>,
}

/// A fault that is to strike once.
pub(crate) struct Strike(Arc<AtomicBool>);

impl Faults {
    /// Strikes the next request that is meant.
    pub(crate) fn strike(&self, fault: Fault, is_meant: impl Fn(&Asked) -> bool + Send + 'static) -> Strike {
        let has_struck = Arc::<AtomicBool>::default();
        let rule = Rule { fault, is_meant: Box::new(is_meant), has_struck: Arc::clone(&has_struck) };
        self.rules.lock().unwrap().push(rule);
        Strike(has_struck)
    }

    /// What the watches on `resource` tell comes so late from now on.
    pub(crate) fn delay_watches(&self, resource: &str, delay: Duration) {
        self.late.lock().unwrap().insert(resource.to_owned(), delay);
    }

    pub(super) fn lateness(&self, resource: &str) -> Duration {
        self.late.lock().unwrap().get(resource).copied().unwrap_or_default()
    }

    /// The fault that strikes this request.
    pub(super) fn of(&self, asked: &Asked) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter().position(|rule| (rule.is_meant)(asked)).map(|found| rules.remove(found))?;
        println!("{:?}: {} {}", rule.fault, asked.short(), asked.name);
        rule.has_struck.store(true, Ordering::Relaxed);
        Some(rule.fault)
    }
}

impl Strike {
    /// Waits until it has struck.
    pub(crate) async fn struck(&self) {
        until("the fault strikes", PATIENCE, || async {
            if self.0.load(Ordering::Relaxed) { Ok(()) } else { Err("no such request".to_owned()) }
        })
        .await;
    }
}

impl Asked {
    /// Reads `/api/v1/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE`, or the same of a group.
    pub(super) fn of(head: &Parts, body: &[u8]) -> Self {
        let words: Vec<&str> = head.uri.path().trim_matches('/').split('/').collect();
        let words = match *words {
            ["api", _, "namespaces", _, ref inside @ ..] if !inside.is_empty() => inside,
            ["apis", _, _, "namespaces", _, ref inside @ ..] if !inside.is_empty() => inside,
            ["api", _, ref all @ ..] | ["apis", _, _, ref all @ ..] | ref all => all,
        };
        let word = |at: usize| words.get(at).map(|word| (*word).to_owned()).unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let named = word(1);
        let verb = verb(head, !named.is_empty());
        let of_body = || body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let name = if named.is_empty() { of_body() } else { named };
        Self { verb, resource: word(0), subresource: word(2), name, body }
    }

    /// A short form for comparison, as that of the audit log: `patch omotesjobs/status`.
    pub(crate) fn short(&self) -> String {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!("{} {}{slash}{}", self.verb, self.resource, self.subresource)
    }

    pub(super) fn is_watch(&self) -> bool {
        self.verb == "watch"
    }
}

fn verb(head: &Parts, is_named: bool) -> &'static str {
    let watches = head.uri.query().is_some_and(|query| query.contains("watch=true"));
    match head.method {
        Method::GET if watches => "watch",
        Method::GET if is_named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn asked(method: Method, path: &str, body: &str) -> (String, String) {
        let (head, ()) = Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
        let asked = Asked::of(&head, body.as_bytes());
        (asked.short(), asked.name)
    }

    #[test]
    fn requests_are_named_as_in_the_audit_log() {
        let jobs = "/apis/omotes.io/v1alpha1/namespaces/ns/omotesjobs";
        for (method, path, body, short, name) in [
            (Method::POST, "/api/v1/namespaces/ns/pods?", r#"{"metadata": {"name": "a-1"}}"#, "create pods", "a-1"),
            (Method::GET, "/api/v1/pods?&watch=true&labelSelector=a", "", "watch pods", ""),
            (Method::GET, "/api/v1/namespaces/ns", "", "get namespaces", "ns"),
            (Method::PATCH, &format!("{jobs}/a/status?&force=true"), "{}", "patch omotesjobs/status", "a"),
            (Method::GET, "/apis/omotes.io/v1alpha1/omotesjobs?&limit=1", "", "list omotesjobs", ""),
        ] {
            assert_eq!(asked(method, path, body), (short.to_owned(), name.to_owned()));
        }
    }
}

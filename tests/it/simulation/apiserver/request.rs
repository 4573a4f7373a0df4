//! A request, read from its HTTP.

use std::collections::BTreeMap;

use axum::http::{Method, Request, header};
use kube::client::Body;
use serde_json::Value;

use super::{kinds::Kind, refusal::Refusal};

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The name of the client.
    pub client: String,
    /// As the audit log calls it.
    pub verb: &'static str,
    /// What it is for; `None` where nothing is served.
    pub target: Option<Target>,
    pub query: BTreeMap<String, String>,
    pub content_type: String,
    pub form: Form,
    pub body: Value,
}

/// What a path names.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub kind: &'static Kind,
    /// Empty for all namespaces, and for what is in none.
    pub namespace: String,
    /// Empty for all objects.
    pub name: String,
    /// Empty for the object itself.
    pub subresource: String,
}

/// How much of an object an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Metadata,
}

impl Asked {
    /// Reads a request of `client`.
    pub(super) async fn read(client: &str, request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        let bytes = body.collect_bytes().await.unwrap_or_default();
        let query = head.uri.query().filter(|query| !query.is_empty()).map(parameters).unwrap_or_default();
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = Target::of(head.uri.path());
        let is_metadata = header(header::ACCEPT).contains("as=PartialObjectMetadata");
        Self {
            client: client.to_owned(),
            verb: verb(&head.method, target.as_ref(), &query),
            query,
            target,
            content_type: header(header::CONTENT_TYPE).to_owned(),
            form: if is_metadata { Form::Metadata } else { Form::Whole },
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// A parameter; empty where it is not given.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.parameter("dryRun") == "All" || self.body["dryRun"][0] == "All"
    }

    /// The name of the object, also of one that is to be made.
    pub(super) fn name(&self) -> &str {
        let named = self.target.as_ref().map(|target| target.name.as_str()).filter(|name| !name.is_empty());
        named.or_else(|| self.body["metadata"]["name"].as_str()).unwrap_or_default()
    }

    /// `pods`, or `pods/status`.
    pub(super) fn resource(&self) -> String {
        let Some(target) = &self.target else { return String::new() };
        let slash = if target.subresource.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", target.kind.plural, target.subresource)
    }

    pub(super) fn target(&self) -> Result<&Target, Refusal> {
        self.target.as_ref().ok_or_else(Refusal::unknown_path)
    }
}

impl Target {
    fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", _, "status" | "finalize", ..] => ("", rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, rest) = rest.split_first()?;
        let kind = Kind::find(group, version, plural).filter(|kind| kind.is_namespaced() || namespace.is_empty())?;
        let part = |index: usize| rest.get(index).map(|part| (*part).to_owned()).unwrap_or_default();
        let target = Self { kind, namespace: namespace.to_owned(), name: part(0), subresource: part(1) };
        let is_served = target.subresource.is_empty() || (target.subresource == "status" && kind.has_status());
        (is_served && rest.len() < 3).then_some(target)
    }
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://simulated?{query}"));
    url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}

fn verb(method: &Method, target: Option<&Target>, query: &BTreeMap<String, String>) -> &'static str {
    let is_named = target.is_some_and(|target| !target.name.is_empty());
    match *method {
        Method::GET if query.get("watch").is_some_and(|watch| watch == "true" || watch == "1") => "watch",
        Method::GET if is_named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if is_named => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

//! The apiserver's audit log: what was really asked of it, and by whom.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
};

use jiff::Timestamp;
use serde_json::Value;

use super::bed::variable;

/// A place in the audit log.
pub(crate) struct Mark(u64);

/// The end of the audit log as it is now.
pub(crate) fn mark() -> Mark {
    Mark(std::fs::metadata(variable("OMOTES_AUDIT_LOG")).map_or(0, |meta| meta.len()))
}

/// All requests of the operator that are on record, as far back as the test bed keeps them, in order; then those of the test
/// bed beside it, where there was one.
pub(crate) fn all_of_operator() -> Vec<Request> {
    let logs = [Some(variable("OMOTES_AUDIT_LOG")), std::env::var("OMOTES_OTHER_AUDIT_LOG").ok()];
    let files = logs.into_iter().flatten().flat_map(|log| [format!("{log}.1"), log]);
    files.filter_map(|file| File::open(file).ok()).flat_map(of_operator_in).collect()
}

fn of_operator_in(file: File) -> impl Iterator<Item = Request> {
    let user = format!("system:serviceaccount:{}:omotes-operator", variable("OMOTES_NAMESPACE"));
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    // Most lines are of others, and reading one costs more than looking for a name in it.
    let lines = lines.filter({
        let user = user.clone();
        move |line| line.contains(&user)
    });
    lines.filter_map(|line| request(&line)).filter(move |request| request.user == user)
}

/// One finished request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub user: String,
    pub verb: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    pub code: i64,
    /// Whether no role allows it.
    pub forbidden: bool,
    /// When the apiserver received it.
    pub received: Timestamp,
    pub body: Value,
}

impl Mark {
    /// The operator's requests since then that ended, in order.
    pub(crate) fn of_operator(&self) -> Vec<Request> {
        let mut file = File::open(variable("OMOTES_AUDIT_LOG")).unwrap();
        file.seek(SeekFrom::Start(self.0)).unwrap();
        of_operator_in(file).collect()
    }
}

impl Request {
    /// Whether it changes something.
    pub(crate) fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// Whether the apiserver said no.
    pub(crate) fn was_refused(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// Whether the apiserver could not do it in time or at all, as on a machine whose disk stands still.
    pub(crate) fn was_unanswered(&self) -> bool {
        self.code >= 500
    }

    /// A short form for comparison: `patch omotesjobs/status`.
    pub(crate) fn short(&self) -> String {
        let slash = if self.subresource.is_empty() { "" } else { "/" };
        format!("{} {}{slash}{}", self.verb, self.resource, self.subresource)
    }
}

fn request(line: &str) -> Option<Request> {
    let event: Value = serde_json::from_str(line).ok()?;
    if event["stage"] != "ResponseComplete" {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    Some(Request {
        user: text(&event["user"]["username"]),
        verb: text(&event["verb"]),
        resource: text(&object["resource"]),
        subresource: text(&object["subresource"]),
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
        received: event["requestReceivedTimestamp"].as_str()?.parse().ok()?,
        code: event["responseStatus"]["code"].as_i64().unwrap_or_default(),
        forbidden: event["annotations"]["authorization.k8s.io/decision"] == "forbid",
        body: event["requestObject"].clone(),
    })
}

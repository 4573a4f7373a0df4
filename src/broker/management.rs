//! The broker's management API: looking at a queue without using it.
//!
//! Ring: shell.
//!
//! A passive declaration would renew a queue's lease, a GET does not – and the API counts what was ever published. Its
//! numbers lag behind by up to five seconds and are forgotten when the broker restarts.
//!
//! Guarantees: read only; every request ends within five seconds; no password in any error.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, StatusCode, Url};
use serde_json::Value;

use super::endpoint::{Endpoint, EndpointError, Trust, read_http_uri};

/// One queue takes the broker 2 ms.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A list of thirty thousand queues takes a busy broker seconds.
const LISTING_TIMEOUT: Duration = Duration::from_secs(30);
/// Live numbers of messages, without the statistics that would make the list ten times as large.
const LISTING: [(&str, &str); 3] =
    [("disable_stats", "true"), ("enable_queue_totals", "true"), ("columns", "name,messages,arguments")];

/// The API of one virtual host.
#[derive(Clone, Debug)]
pub(super) struct Management {
    client: Client,
    base: Url,
    vhost: String,
}

/// What the API says of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is there.
    Present(QueueFacts),
    /// The API answers that it is not there.
    Absent,
    /// No answer, or one that says nothing about the queue.
    Unreachable(String),
}

/// The numbers of one queue; absent while the broker has not counted yet, or when it does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct QueueFacts {
    pub(super) messages: Option<u64>,
    /// How many messages ever came in.
    pub(super) published: Option<u64>,
    /// Whether it is a classic queue: only those know conditional deletion.
    pub(super) is_classic: bool,
    /// How long it lives unused, in milliseconds; `None` where for ever, or as long as a policy says.
    pub(super) expires_ms: Option<i64>,
}

/// A queue in the list of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedQueue {
    /// Its name.
    pub name: String,
    /// Messages in it, taken by a client and not acknowledged ones included; `None` where the broker does not say.
    pub messages: Option<u64>,
    /// How long it lives unused, in milliseconds.
    pub expires_ms: Option<i64>,
}

impl ListedQueue {
    fn read(queue: &Value) -> Option<Self> {
        Some(Self {
            name: queue["name"].as_str()?.to_owned(),
            messages: queue["messages"].as_u64(),
            expires_ms: queue["arguments"]["x-expires"].as_i64(),
        })
    }
}

/// The API cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManagementError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the management API's client cannot be made: {0}")]
    Client(String),
    #[error("the management API cannot be reached: {0}")]
    Unreachable(String),
    #[error("the management API answers {0}: the user needs the tag \"management\"")]
    Refused(StatusCode),
    #[error(
        "the broker counts no messages: set management_agent.disable_metrics_collector and management.rates_mode back to their defaults"
    )]
    NotCounting,
}

impl Management {
    /// The API whose URI is in a file, for the virtual host and with the trust of `endpoint`.
    pub(super) fn read(uri_file: &Path, endpoint: &Endpoint) -> Result<Self, ManagementError> {
        let base = read_http_uri(uri_file)?;
        Ok(Self { client: client(&base, endpoint.trust())?, base, vhost: endpoint.vhost().to_owned() })
    }

    /// Whether the API answers, and the broker counts.
    pub(super) async fn check(&self) -> Result<(), ManagementError> {
        let (status, overview) = self.get(&["api", "overview"]).await.map_err(ManagementError::Unreachable)?;
        if !status.is_success() {
            return Err(ManagementError::Refused(status));
        }
        let counts = overview["rates_mode"] != "none" && overview["disable_stats"] != true;
        if counts { Ok(()) } else { Err(ManagementError::NotCounting) }
    }

    /// Looks at a queue, without renewing its lease.
    pub(super) async fn queue(&self, name: &str) -> Sight {
        match self.get(&["api", "queues", &self.vhost, name]).await {
            Ok((status, body)) if status.is_success() => Sight::Present(QueueFacts::read(&body)),
            // Without the object's own error text it may be a proxy that knows no such path.
            Ok((StatusCode::NOT_FOUND, body)) if body["error"] == "Object Not Found" => Sight::Absent,
            Ok((status, _)) => Sight::Unreachable(format!("the management API answers {status}")),
            Err(reason) => Sight::Unreachable(reason),
        }
    }

    /// All queues of the virtual host, with how many messages are in each: those that wait and those that a client has
    /// taken and not acknowledged. Half a second for ten thousand.
    pub(super) async fn queues(&self) -> Result<Vec<ListedQueue>, String> {
        let mut url = self.url(&["api", "queues", &self.vhost]);
        url.query_pairs_mut().extend_pairs(LISTING);
        let (status, body) = self.get_url(url, LISTING_TIMEOUT).await?;
        if !status.is_success() {
            return Err(format!("the management API answers {status} to the request for all queues"));
        }
        let listed = body.as_array().ok_or("the management API's list of queues is none")?;
        Ok(listed.iter().filter_map(ListedQueue::read).collect())
    }

    async fn get(&self, path: &[&str]) -> Result<(StatusCode, Value), String> {
        self.get_url(self.url(path), REQUEST_TIMEOUT).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn get_url(&self, url: Url, limit: Duration) -> Result<(StatusCode, Value), String> {
        let text = |error: reqwest::Error| with_causes(&error.without_url());
        let response = self.client.get(url).timeout(limit).send().await.map_err(text)?;
        let status = response.status();
        let body = response.bytes().await.map_err(text)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

fn client(base: &Url, trust: &Trust) -> Result<Client, ManagementError> {
    // Once in a process; from then on this changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().timeout(REQUEST_TIMEOUT).redirect(reqwest::redirect::Policy::none());
    let builder = match trust {
        Trust::Only(certificates) => {
            let roots: Result<Vec<_>, _> =
                certificates.iter().map(|certificate| Certificate::from_der(certificate)).collect();
            builder.tls_certs_only(roots.map_err(|error| ManagementError::Client(with_causes(&error)))?)
        }
        // Without TLS, a system without certificate authorities will do.
        Trust::System if base.scheme() == "http" => builder.tls_certs_only([]),
        Trust::System => builder,
    };
    builder.build().map_err(|error| ManagementError::Client(with_causes(&error)))
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl QueueFacts {
    fn read(queue: &Value) -> Self {
        Self {
            messages: queue["messages"].as_u64(),
            published: queue["message_stats"]["publish"].as_u64(),
            is_classic: queue["type"] == "classic",
            expires_ms: queue["arguments"]["x-expires"].as_i64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_where_there_are_any() {
        let arguments = json!({"x-expires": 8000});
        let queue = json!({"type": "classic", "messages": 1, "message_stats": {"publish": 2}, "arguments": arguments});
        let facts = QueueFacts { messages: Some(1), published: Some(2), is_classic: true, expires_ms: Some(8000) };
        assert_eq!(QueueFacts::read(&queue), facts);
        assert_eq!(QueueFacts::read(&json!({"type": "quorum"})), QueueFacts::default());
        assert_eq!(QueueFacts::read(&json!([])), QueueFacts::default());
    }
}

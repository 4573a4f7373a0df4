//! The broker's management API: looking at a queue without using it.
//!
//! Ring: shell.
//!
//! A passive declaration would renew a queue's lease, a GET does not – and the API counts what was ever published. Its
//! numbers lag behind by up to five seconds and are forgotten when the broker restarts.
//!
//! Guarantees: read only; every request ends in bounded time; no password in any error. Credentials and certificates that
//! the API refuses, or the broker has changed, are read again, at most once in [`READ_AGAIN`].

#[cfg(feature = "testing")]
mod simulated;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Certificate, Client, StatusCode, Url};
use serde_json::Value;
use tokio::time::Instant;

use super::endpoint::{Endpoint, EndpointError, Trust, read_http_uri, there};
use super::error::{BrokerError, with_remedy};
use crate::result::facts::{Overflow, QueueFacts, QueueLimits, QueueLookup};
use crate::words::with_causes;

#[cfg(feature = "testing")]
pub use simulated::simulate_management;

/// One queue takes the broker 2 ms.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A list of thirty thousand queues takes a busy broker seconds.
const LISTING_TIMEOUT: Duration = Duration::from_secs(30);
/// Live numbers of messages, without the statistics that would make the list ten times as large.
const LISTING: [(&str, &str); 3] =
    [("disable_stats", "true"), ("enable_queue_totals", "true"), ("columns", "name,messages,arguments")];

/// A Secret that is mounted follows its change within a minute or two.
const READ_AGAIN: Duration = Duration::from_secs(15);

/// The API of one virtual host.
#[derive(Debug)]
pub(super) struct Management {
    uri_file: PathBuf,
    ca_file: Option<PathBuf>,
    requires_tls: bool,
    vhost: String,
    current: Mutex<Current>,
}

/// What the files held when they were read last.
#[derive(Debug)]
struct Current {
    api: Arc<Api>,
    /// When they were read again.
    read: Option<Instant>,
}

/// The API as one user, with one trust.
struct Api {
    way: Way,
    base: Url,
}

/// How the API is reached.
enum Way {
    Http(Client),
    #[cfg(feature = "testing")]
    Simulated(simulated::Answers),
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.host_str().unwrap_or_default())
    }
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
    #[error(
        "the management API answers {0}: check user and password of its URI; the user needs the tag \"management\""
    )]
    Refused(StatusCode),
    #[error("the management API answers {0}")]
    Failed(StatusCode),
    #[error(
        "the broker counts no messages: set management_agent.disable_metrics_collector and management.rates_mode back to their defaults"
    )]
    NotCounting,
}

impl Management {
    /// The API whose URI is in a file, for the virtual host and with the trust of `endpoint`.
    pub(super) fn read(
        uri_file: &Path,
        ca_file: Option<&Path>,
        endpoint: &Endpoint,
        requires_tls: bool,
    ) -> Result<Self, ManagementError> {
        let api = Arc::new(Api::read(uri_file, endpoint.trust(), requires_tls)?);
        Ok(Self {
            requires_tls,
            uri_file: uri_file.to_owned(),
            ca_file: ca_file.map(Path::to_owned),
            vhost: endpoint.vhost().to_owned(),
            current: Mutex::new(Current { api, read: None }),
        })
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The API as the files say now, where it may be another than `used`.
    fn read_again(&self, used: &Arc<Api>) -> Option<Arc<Api>> {
        let mut current = self.current();
        if Arc::ptr_eq(&current.api, used) {
            if current.read.is_some_and(|read| read.elapsed() < READ_AGAIN) {
                return None;
            }
            current.read = Some(Instant::now());
            let trust = there(self.ca_file.as_deref()).map_or(Ok(Trust::System), Trust::read).ok()?;
            current.api = Arc::new(Api::read(&self.uri_file, &trust, self.requires_tls).ok()?);
        }
        Some(Arc::clone(&current.api))
    }

    /// Whether the API answers, and the broker counts.
    pub(super) async fn check(&self) -> Result<(), ManagementError> {
        let (status, overview) = self.get(&["api", "overview"]).await.map_err(ManagementError::Unreachable)?;
        if is_denied(status) {
            return Err(ManagementError::Refused(status));
        }
        if !status.is_success() {
            return Err(ManagementError::Failed(status));
        }
        let counts = overview["rates_mode"] != "none" && overview["disable_stats"] != true;
        if counts { Ok(()) } else { Err(ManagementError::NotCounting) }
    }

    /// The type of a queue that is declared without one, where it is not a classic queue. Only an administrator may look at
    /// one virtual host; a user with the tag `management` may list its own.
    pub(super) async fn other_default_type(&self) -> Option<String> {
        let (_, vhosts) = self.get(&["api", "vhosts"]).await.ok()?;
        let vhost = vhosts.as_array()?.iter().find(|vhost| vhost["name"] == *self.vhost)?;
        let type_ = vhost["default_queue_type"].as_str()?;
        (!matches!(type_, "" | "classic" | "undefined")).then(|| type_.to_owned())
    }

    /// Looks at a queue, without renewing its lease.
    pub(super) async fn queue(&self, name: &str) -> QueueLookup {
        match self.get(&["api", "queues", &self.vhost, name]).await {
            Ok((status, body)) if status.is_success() => QueueLookup::Present(facts_of(&body)),
            // Without the object's own error text it may be a proxy that knows no such path.
            Ok((StatusCode::NOT_FOUND, body)) if body["error"] == "Object Not Found" => QueueLookup::Absent,
            Ok((status, _)) => QueueLookup::Unreachable(format!("the management API answers {status}")),
            Err(reason) => QueueLookup::Unreachable(reason),
        }
    }

    /// Whether the API answers that there is no such exchange.
    pub(super) async fn lacks_exchange(&self, name: &str) -> bool {
        match self.get(&["api", "exchanges", &self.vhost, name]).await {
            Ok((status, body)) => status == StatusCode::NOT_FOUND && body["error"] == "Object Not Found",
            Err(_) => false,
        }
    }

    /// All queues of the virtual host, with how many messages are in each: those that wait and those that a client has
    /// taken and not acknowledged. Half a second for ten thousand.
    pub(super) async fn queues(&self) -> Result<Vec<ListedQueue>, BrokerError> {
        let path = ["api", "queues", &self.vhost];
        let (status, body) = self.ask(&path, &LISTING, LISTING_TIMEOUT).await.map_err(BrokerError::unreachable)?;
        if is_denied(status) {
            return Err(BrokerError::Refused { reason: ManagementError::Refused(status).to_string() });
        }
        let listed = body.as_array().filter(|_| status.is_success());
        let problem = || format!("the management API answers {status} to the request for all queues, and lists none");
        let listed = listed.ok_or_else(|| BrokerError::unreachable(problem()))?;
        Ok(listed.iter().filter_map(ListedQueue::read).collect())
    }

    async fn get(&self, path: &[&str]) -> Result<(StatusCode, Value), String> {
        self.ask(path, &[], REQUEST_TIMEOUT).await
    }

    async fn ask(&self, path: &[&str], query: &[(&str, &str)], limit: Duration) -> Result<(StatusCode, Value), String> {
        let used = Arc::clone(&self.current().api);
        let answer = used.get(path, query, limit).await;
        let refused = match &answer {
            Ok((status, _)) => *status == StatusCode::UNAUTHORIZED,
            Err(reason) => reason.contains("certificate"),
        };
        match refused.then(|| self.read_again(&used)).flatten() {
            Some(api) => api.get(path, query, limit).await,
            None => answer,
        }
    }
}

impl Api {
    fn read(uri_file: &Path, trust: &Trust, requires_tls: bool) -> Result<Self, ManagementError> {
        let base = read_http_uri(uri_file)?;
        if requires_tls && base.scheme() != "https" {
            let source_name = uri_file.display().to_string();
            return Err(EndpointError::NotEncrypted { source_name, scheme: "https" }.into());
        }
        Ok(Self { way: Way::to(&base, trust)?, base })
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)], limit: Duration) -> Result<(StatusCode, Value), String> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        let (status, body) = self.way.get(url, limit).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

impl Way {
    fn to(base: &Url, trust: &Trust) -> Result<Self, ManagementError> {
        #[cfg(feature = "testing")]
        if let Some(answers) = simulated::Answers::of(base) {
            return Ok(Self::Simulated(answers));
        }
        client(base, trust).map(Self::Http)
    }

    async fn get(&self, url: Url, limit: Duration) -> Result<(StatusCode, Bytes), String> {
        let client = match self {
            Self::Http(client) => client,
            #[cfg(feature = "testing")]
            Self::Simulated(answers) => return answers.get(&url, limit).await,
        };
        let text = |error: reqwest::Error| with_remedy(with_causes(&error.without_url()));
        let response = client.get(url).timeout(limit).send().await.map_err(text)?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(text)?))
    }
}

fn client(base: &Url, trust: &Trust) -> Result<Client, ManagementError> {
    // Once in a process; from then on this changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none());
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

/// Whether the API knows no such user, or the user may not ask that.
fn is_denied(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn facts_of(queue: &Value) -> QueueFacts {
    let counts = &queue["message_stats"];
    let taken = ["ack", "deliver_no_ack", "get_no_ack"].map(|name| counts[name].as_u64());
    let acknowledged = taken.into_iter().flatten().reduce(u64::saturating_add);
    QueueFacts {
        messages: queue["messages"].as_u64(),
        published: counts["publish"].as_u64(),
        acknowledged,
        consumers: queue["consumers"].as_u64(),
        is_classic: queue["type"] == "classic",
        expires_ms: queue["arguments"]["x-expires"].as_i64(),
        lease_ms: lease_of(queue),
        limits: limits_of(queue),
    }
}

/// As the broker does: the shorter of argument and policy.
fn lease_of(queue: &Value) -> Option<i64> {
    let given = [&queue["arguments"]["x-expires"], &queue["effective_policy_definition"]["expires"]];
    given.into_iter().filter_map(Value::as_i64).min()
}

/// As the broker does: the lower number holds, and an argument before a policy.
fn limits_of(queue: &Value) -> QueueLimits {
    let argument = |name: &str| &queue["arguments"][format!("x-{name}")];
    let policy = |name: &str| &queue["effective_policy_definition"][name];
    let lower = |name: &str| [argument(name), policy(name)].into_iter().filter_map(Value::as_u64).min();
    let overflow = [argument("overflow"), policy("overflow")].into_iter().find_map(Value::as_str);
    let rejects = overflow.is_some_and(|overflow| overflow.starts_with("reject-publish"));
    QueueLimits {
        max_length: lower("max-length"),
        max_length_bytes: lower("max-length-bytes"),
        overflow: if rejects { Overflow::RejectPublish } else { Overflow::DropHead },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use axum::{
        Router,
        http::{HeaderMap, header::AUTHORIZATION},
    };
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::super::fake::management_at;
    use super::*;

    /// A broker that starts, or a proxy before it, has nothing against the user.
    #[tokio::test]
    async fn the_password_is_doubted_only_where_the_api_refuses_it() {
        let endpoint = Endpoint::parse("amqp://op:old@h/v", "test", Trust::System).unwrap();
        for (status, is_doubted) in [
            (StatusCode::UNAUTHORIZED, true),
            (StatusCode::FORBIDDEN, true),
            (StatusCode::NOT_FOUND, false),
            (StatusCode::SERVICE_UNAVAILABLE, false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let management = management_at(&listener, &endpoint);
            tokio::spawn(axum::serve(listener, Router::new().fallback(async move || status)).into_future());
            let said = management.check().await.unwrap_err().to_string();
            assert!(said.contains(status.as_str()), "{said}");
            assert_eq!(said.contains("password"), is_doubted, "{said}");
        }
    }

    /// An API for the user `op` with that password alone.
    async fn api(password: &'static str) -> u16 {
        let answer = async move |headers: HeaderMap| {
            let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            // op:old and op:new in base64.
            let wanted = if password == "old" { "Basic b3A6b2xk" } else { "Basic b3A6bmV3" };
            if given == wanted { (StatusCode::OK, "[]") } else { (StatusCode::UNAUTHORIZED, "{}") }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(axum::serve(listener, Router::new().fallback(answer)).into_future());
        port
    }

    #[test]
    fn an_api_without_tls_is_refused_where_it_is_required() {
        let file = std::env::temp_dir().join(format!("omotes-management-{:016x}", fastrand::u64(..)));
        let read = |uri: &str| {
            std::fs::write(&file, uri).unwrap();
            Api::read(&file, &Trust::System, true).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(read("https://u:p@h:15671"), Ok(()));
        let words = read("http://u:s3cret@h:15672").unwrap_err();
        assert!(words.contains("write https://") && !words.contains("s3cret"), "{words}");
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn a_rotated_password_is_read_again_and_a_wrong_one_seldom() {
        let folder = std::env::temp_dir().join(format!("omotes-broker-{:016x}", fastrand::u64(..)));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("uri");
        let port = api("new").await;
        let hold = |password: &str| fs::write(&file, format!("http://op:{password}@127.0.0.1:{port}")).unwrap();
        let endpoint = Endpoint::parse("amqp://op:old@h/v", "test", Trust::System).unwrap();
        hold("old");
        let management = Management::read(&file, Some(&folder.join("ca.crt")), &endpoint, false).unwrap();
        hold("new");
        assert_eq!(management.queues().await, Ok(Vec::new()));
        assert!(!format!("{management:?}").contains("new"), "no password is shown");

        hold("old");
        let management = Management::read(&file, None, &endpoint, false).unwrap();
        let refused = management.queues().await.unwrap_err();
        assert!(refused.is_refusal() && refused.to_string().contains("check user and password"), "{refused}");
        hold("new");
        assert!(management.queues().await.is_err(), "it was read just now");
        management.current().read = Instant::now().checked_sub(READ_AGAIN);
        assert_eq!(management.queues().await, Ok(Vec::new()));
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_simulated_api_is_read_like_any_other() {
        simulate_management("simulated", |path| match path {
            "/api/queues/v/a%2Fb" => Some((200, r#"{"messages": 3, "type": "classic"}"#.to_owned())),
            "/api/queues/v/gone" => Some((404, r#"{"error": "Object Not Found"}"#.to_owned())),
            _ => None,
        });
        let file = std::env::temp_dir().join(format!("omotes-management-{:016x}", fastrand::u64(..)));
        fs::write(&file, "http://user:s3cret@simulated:15672").unwrap();
        let endpoint = Endpoint::parse("amqp://op:old@h/v", "test", Trust::System).unwrap();
        let management = Management::read(&file, None, &endpoint, false).unwrap();
        fs::remove_file(file).unwrap();
        let facts = QueueFacts { messages: Some(3), is_classic: true, ..QueueFacts::default() };
        assert_eq!(management.queue("a/b").await, QueueLookup::Present(facts));
        assert_eq!(management.queue("gone").await, QueueLookup::Absent);
        let asked = Instant::now();
        assert!(matches!(management.queue("other").await, QueueLookup::Unreachable(_)));
        assert_eq!(asked.elapsed(), REQUEST_TIMEOUT);
    }

    #[test]
    fn numbers_are_read_where_there_are_any() {
        let arguments = json!({"x-expires": 8000, "x-max-length": 3});
        let policy = json!({"max-length": 5, "max-length-bytes": 100, "overflow": "reject-publish"});
        let counts = json!({"publish": 2, "ack": 1, "deliver_no_ack": 1, "deliver": 7});
        let queue = json!({
            "type": "classic", "messages": 1, "consumers": 1,
            "message_stats": counts, "arguments": arguments, "effective_policy_definition": policy,
        });
        let limits =
            QueueLimits { max_length: Some(3), max_length_bytes: Some(100), overflow: Overflow::RejectPublish };
        let facts = QueueFacts {
            messages: Some(1),
            published: Some(2),
            acknowledged: Some(2),
            consumers: Some(1),
            is_classic: true,
            expires_ms: Some(8000),
            lease_ms: Some(8000),
            limits,
        };
        assert_eq!(facts_of(&queue), facts);
        assert_eq!(facts_of(&json!({"type": "quorum", "effective_policy_definition": []})), QueueFacts::default());
        assert_eq!(facts_of(&json!([])), QueueFacts::default());
    }

    #[test]
    fn a_policy_shortens_a_lease() {
        for (argument, policy, expected) in [
            (json!(8000), json!(5000), Some(5000)),
            (json!(8000), json!(9000), Some(8000)),
            (Value::Null, json!(5000), Some(5000)),
            (Value::Null, Value::Null, None),
        ] {
            let queue =
                json!({"arguments": {"x-expires": argument}, "effective_policy_definition": {"expires": policy}});
            assert_eq!(facts_of(&queue).lease_ms, expected, "{queue}");
        }
    }
}

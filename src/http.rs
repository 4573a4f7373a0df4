//! The operator's own endpoints: `/healthz`, `/readyz`, `/metrics`.
//!
//! Ring: shell. A broker that is down makes no pod unready: that would help nobody. It shows in the body.
//!
//! Guarantees: whoever connects costs little and is gone soon, whatever he sends or leaves unread ([`ServerLimits`]).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use crate::{broker::BrokerState, task, telemetry::Metrics};

/// Where this process stands among the replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// It does not know yet.
    Unknown,
    /// It waits behind the process named so.
    Follower(String),
    /// It leads.
    Leader,
}

/// What one who connects may take.
#[derive(Clone, Copy)]
struct ServerLimits {
    /// At once; one more ends the oldest, so that a probe is always answered.
    connections: usize,
    /// From when a request may begin to the end of its header: also how long a connection may be idle.
    header: Duration,
    /// From its beginning to its end, however slowly answers are read.
    connection: Duration,
    header_bytes: usize,
}

/// The kubelet, a few Prometheus servers and people come nowhere near.
const LIMITS: ServerLimits = ServerLimits {
    connections: 64,
    header: Duration::from_secs(10),
    connection: Duration::from_secs(60),
    header_bytes: 16 * 1024,
};
/// How long to wait where the system gives no more sockets.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct ServerState {
    role: watch::Receiver<Role>,
    metrics: Arc<Metrics>,
}

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener, role: watch::Receiver<Role>, metrics: Arc<Metrics>) {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(render))
        .with_state(ServerState { role, metrics });
    accept_all(listener, router, LIMITS).await;
}

async fn accept_all(listener: TcpListener, router: Router, limits: ServerLimits) {
    let mut open: VecDeque<JoinHandle<()>> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection| !connection.is_finished());
                if open.len() >= limits.connections
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                open.push_back(task::spawn("HTTP connection", attend(stream, router.clone(), limits)));
            }
            Err(error) => {
                warn!(%error, "no connection to the HTTP server can be accepted; the operator tries again");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

async fn attend(stream: TcpStream, router: Router, limits: ServerLimits) {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(limits.header_bytes);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    match timeout(limits.connection, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection to the HTTP server was ended"),
        Err(_) => debug!("a connection to the HTTP server took too long"),
    }
}

async fn ready(State(shared): State<ServerState>) -> impl IntoResponse {
    let role = shared.role.borrow().clone();
    let synced = shared.metrics.is_synced();
    let (ready, role) = match role {
        Role::Unknown => (false, "unknown: no answer from the apiserver yet".to_owned()),
        Role::Follower(leader) => (true, format!("follower of {leader}")),
        Role::Leader => (synced, "leader".to_owned()),
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let broker = shared.metrics.broker_state().map_or("not used by a follower".to_owned(), |state| describe(&state));
    let state = format!("role: {role}\ncaches in sync: {synced}\nbroker: {broker}\n");
    (code, shared.metrics.problems().iter().fold(state, |state, problem| state + "to mend: " + problem + "\n"))
}

fn describe(state: &BrokerState) -> String {
    match state {
        BrokerState::Ready { since } => format!("connected since {since}"),
        BrokerState::Blocked { since, reason } => format!("takes no messages since {since}: {reason}"),
        BrokerState::Unreachable { since, reason } => format!("unreachable since {since}: {reason}"),
    }
}

async fn render(State(shared): State<ServerState>) -> impl IntoResponse {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match shared.metrics.render() {
        Ok(text) => (StatusCode::OK, [("content-type", TYPE)], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [("content-type", "text/plain")], error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Small ones, so that no test waits for long.
    const SMALL: ServerLimits = ServerLimits {
        connections: 2,
        header: Duration::from_millis(200),
        connection: Duration::from_millis(900),
        header_bytes: 8192,
    };

    async fn server(limits: ServerLimits) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router =
            Router::new().route("/large", get(|| async { "x".repeat(64 << 20) })).route("/", get(|| async { "ok" }));
        tokio::spawn(accept_all(listener, router, limits));
        address
    }

    /// What the server says to `request` until it closes the connection.
    async fn answer(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "the connection stays open");
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn a_request_is_answered_and_an_idle_connection_closed() {
        let answered = answer(server(SMALL).await, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(answered.starts_with("HTTP/1.1 200 OK") && answered.ends_with("ok"), "{answered}");
    }

    #[tokio::test]
    async fn half_a_header_is_not_waited_for() {
        let answered = answer(server(SMALL).await, "GET / HTTP/1.1\r\nHost: ").await;
        assert!(!answered.contains("200"), "{answered}");
    }

    #[tokio::test]
    async fn a_header_without_an_end_is_refused() {
        let header = format!("GET / HTTP/1.1\r\nHost: {}", "a".repeat(10_000));
        let answered = answer(server(LIMITS_OF_A_MINUTE).await, &header).await;
        assert!(answered.starts_with("HTTP/1.1 431"), "{answered}");
    }

    const LIMITS_OF_A_MINUTE: ServerLimits = ServerLimits { header: Duration::from_secs(60), ..SMALL };

    /// All connections are of those who read nothing, for a minute; whoever comes next is served at once.
    #[tokio::test]
    async fn who_does_not_read_holds_up_nobody() {
        let patient = ServerLimits { connection: Duration::from_secs(60), ..LIMITS_OF_A_MINUTE };
        let address = server(patient).await;
        let mut deaf = Vec::new();
        for _ in 0..SMALL.connections {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            deaf.push(stream);
        }
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answered = timeout(Duration::from_secs(5), answer(address, request)).await.expect("at once");
        assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
    }
}

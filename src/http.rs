//! The operator's own endpoints: `/healthz`, `/readyz`, `/metrics`.
//!
//! Ring: shell. A broker that is down makes no pod unready: that would help nobody. It shows in the body.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use tokio::{net::TcpListener, sync::watch};
use tracing::error;

use crate::{broker::BrokerState, telemetry::Metrics};

/// Where this process stands among the replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It does not know yet.
    Unknown,
    /// It waits behind the process named so.
    Follower(String),
    /// It leads.
    Leader,
}

#[derive(Clone)]
struct Shared {
    role: watch::Receiver<Role>,
    metrics: Arc<Metrics>,
}

/// Serves until the process ends.
pub async fn serve(listener: TcpListener, role: watch::Receiver<Role>, metrics: Arc<Metrics>) {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(render))
        .with_state(Shared { role, metrics });
    if let Err(error) = axum::serve(listener, router).await {
        error!(%error, "the HTTP server stopped");
    }
}

async fn ready(State(shared): State<Shared>) -> impl IntoResponse {
    let role = shared.role.borrow().clone();
    let synced = shared.metrics.is_synced();
    let (ready, role) = match role {
        Role::Unknown => (false, "unknown: no answer from the apiserver yet".to_owned()),
        Role::Follower(leader) => (true, format!("follower of {leader}")),
        Role::Leader => (synced, "leader".to_owned()),
    };
    let code = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let broker = shared.metrics.broker_state().map_or("not used by a follower".to_owned(), |state| describe(&state));
    (code, format!("role: {role}\ncaches in sync: {synced}\nbroker: {broker}\n"))
}

fn describe(state: &BrokerState) -> String {
    match state {
        BrokerState::Ready { since } => format!("connected since {since}"),
        BrokerState::Blocked { since, reason } => format!("takes no messages since {since}: {reason}"),
        BrokerState::Unreachable { since, reason } => format!("unreachable since {since}: {reason}"),
    }
}

async fn render(State(shared): State<Shared>) -> impl IntoResponse {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match shared.metrics.render() {
        Ok(text) => (StatusCode::OK, [("content-type", TYPE)], text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, [("content-type", "text/plain")], error.to_string()),
    }
}

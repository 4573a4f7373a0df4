//! A replica over an apiserver and a broker that a test brings, in the event loop of the test.
//!
//! Ring: shell. For simulations alone. It lacks what [`super::run`] alone has: logs, signals, a listener, and a thread for the
//! election, which is a task here.

use std::{iter, sync::Arc};

use anyhow::bail;
use axum::http::{Request, Response};
use bytes::Bytes;
use clap::Parser as _;
use hyper::body::Body as HttpBody;
use kube::client::{Body, Client, ClientBuilder};
use tokio::sync::watch;
use tower::{BoxError, Service};

use super::{Replica, client::client, own_clock::OwnClock};
use crate::{
    broker::Connector,
    cli::{Cli, Command},
    clock::Clock,
    config,
    http::Role,
    leader::{Campaign, Candidate},
    telemetry::Metrics,
};

/// A replica, and what it runs over.
#[derive(Debug)]
pub struct SimulatedReplica<S> {
    /// `typed` is what stands behind `omotes-operator run`.
    pub typed: Vec<String>,
    /// `apiserver` answers its requests, which have the same limits as a process's.
    pub apiserver: S,
    /// `broker` carries its connections.
    pub broker: Connector,
    /// `clock` is its own.
    pub clock: Clock,
}

impl<S, B> SimulatedReplica<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    /// Does what a process does until `stop`. Once it returns, the process has ended: kill the tasks of the replica then.
    ///
    /// # Errors
    /// When the configuration cannot be used, the CRD is not installed, or the lease is lost.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { typed, apiserver, broker, clock } = self;
        let words = ["omotes-operator", "run"].into_iter().map(str::to_owned);
        let Command::Run(run) = Cli::try_parse_from(iter::chain(words, typed))?.command else {
            bail!("only `run` is simulated");
        };
        let mut config = config::resolve(&run)?;
        config.broker.connector = broker;
        let metrics = Arc::new(Metrics::default());
        let own = Client::new(apiserver.clone(), run.namespace.clone());
        let builder = ClientBuilder::new(apiserver, run.namespace.clone());
        let client = client(builder, run.kube_requests_per_second, OwnClock::new(Arc::clone(&metrics), clock));
        let candidate = Candidate {
            connect: Box::new(move || Ok(own)),
            namespace: run.namespace.clone(),
            lease: run.lease_name.clone(),
            identity: run.identity.clone(),
            clock,
        };
        let role = watch::Sender::new(Role::Unknown);
        let replica = Replica { client, clock, run: *run, config, metrics, role };
        replica.serve(|| Ok(Campaign::start_in_task(candidate)), stop).await
    }
}

//! One process of the operator, from its start to its end: wait for the apiserver, wait for leadership, lead, hand over.
//!
//! Ring: shell. [`run`] is what only a process has: logs, signals, a listener, a client of its own. [`Replica::serve`] is the
//! rest.

mod client;
mod lead;
mod own_clock;
mod start;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::Arc,
};

use anyhow::Context as _;
use kube::Client;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing::{error, info};

use crate::{
    broker::Endpoint,
    cli::Run,
    clock::Clock,
    config::{self, Config},
    http::{self, Role},
    leader::{Campaign, Candidate},
    task,
    telemetry::{self, Metrics, Topic},
};

use client::client;
use lead::lead;
use own_clock::OwnClock;
use start::start;

/// Runs the operator until it is told to stop.
///
/// # Errors
/// When the configuration cannot be used, the CRD is not installed, or the lease is lost.
pub async fn run(run: Run) -> anyhow::Result<()> {
    telemetry::init_logs(run.log_format, run.log_level);
    let config = config::resolve(&run)?;
    info!(version = env!("CARGO_PKG_VERSION"), identity = run.identity, "the operator starts");
    let (metrics, clock) = (Arc::new(Metrics::default()), Clock::system());
    let (role, watched) = watch::channel(Role::Unknown);
    let listener =
        listen(run.http_address).await.with_context(|| format!("listening on --http-address {}", run.http_address))?;
    task::spawn_vital("HTTP server", http::serve(listener, watched, Arc::clone(&metrics)));
    check_courier_endpoint(&config, &metrics);

    let kube =
        kube::Config::infer().await.context("finding the apiserver: neither a service account nor a kubeconfig")?;
    let client = client(kube.clone(), run.kube_requests_per_second, OwnClock::new(Arc::clone(&metrics), clock))?;
    let mut stop = signal(SignalKind::terminate())?;
    let connect = move || Client::try_from(kube);
    let candidate = Candidate {
        connect: Box::new(connect),
        namespace: run.namespace.clone(),
        lease: run.lease_name.clone(),
        identity: run.identity.clone(),
        clock,
    };
    let replica = Replica { client, clock, run, config, metrics, role };
    let stopped = async move {
        stop.recv().await;
    };
    replica.serve(|| Campaign::start(candidate), stopped).await
}

/// What a process works with, whichever the apiserver and the broker are.
pub struct Replica {
    /// The way to the apiserver.
    pub client: Client,
    /// Its clock.
    pub clock: Clock,
    /// What was typed.
    pub run: Run,
    /// What that means.
    pub config: Config,
    /// What it counts.
    pub metrics: Arc<Metrics>,
    /// Where it shows whether it leads.
    pub role: watch::Sender<Role>,
}

impl Replica {
    /// Waits for the apiserver and for leadership, leads, and hands over at `stop`.
    ///
    /// # Errors
    /// When the CRD is not installed, or the lease is lost.
    pub async fn serve(
        self,
        campaign: impl FnOnce() -> io::Result<Campaign>,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let Self { client, clock, run, config, metrics, role } = self;
        let mut stop = pin!(stop);
        let started = async {
            let settings = start(&client, &run, &config, &metrics).await?;
            let mut campaign = campaign().context("starting the election")?;
            let watching = |leader: &str| drop(role.send_replace(Role::Follower(leader.to_owned())));
            let leads = campaign.led(watching).await;
            anyhow::ensure!(leads, "the election ended by itself");
            anyhow::Ok((settings, campaign))
        };
        let (settings, campaign) = tokio::select! {
            // A lease that was just acquired is released by whoever leads.
            biased;
            started = started => started?,
            () = &mut stop => {
                info!("told to stop while waiting for leadership");
                return Ok(());
            }
        };
        metrics.set_leader();
        role.send_replace(Role::Leader);
        lead(client, clock, settings, config, metrics, campaign, stop).await
    }
}

/// Listens on `address`; on IPv4 alone where that is any address of both kinds and the node has no IPv6.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() => {
            info!(%error, "no IPv6 here; listening on IPv4");
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    }
}

/// The URI that couriers get is used in jobs' pods only: what is wrong with it would show there first.
fn check_courier_endpoint(config: &Config, metrics: &Metrics) {
    let file = &config.controller.courier_uri_file;
    let courier =
        Endpoint::read(file, None).and_then(|courier| courier.encrypted(config.controller.requires_tls, file));
    if let Err(problem) = courier {
        error!(%problem, "couriers cannot reach the broker with their URI");
        metrics.note(Topic::CourierUri, Some(problem.to_string()));
    }
}

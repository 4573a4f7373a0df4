//! One process of the operator, from its start to its end: wait for the apiserver, wait for leadership, lead, hand over.
//!
//! Ring: shell. [`run`] is what only a process has: logs, signals, a listener, a client of its own. [`Replica::serve`] is the
//! rest.

mod client;
mod lead;
mod own_clock;
#[cfg(feature = "testing")]
mod simulated;
mod start;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
    sync::Arc,
};

use anyhow::Context as _;
use kube::{Client, client::ClientBuilder};
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

#[cfg(feature = "testing")]
pub use simulated::SimulatedReplica;

/// Runs the operator until it is told to stop.
///
/// # Errors
/// When the configuration cannot be used, the CRD is not installed, or the lease is lost.
pub(crate) async fn run(run: Run) -> anyhow::Result<()> {
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
    let own_clock = OwnClock::new(Arc::clone(&metrics), clock);
    let client = client(ClientBuilder::try_from(kube.clone())?, run.kube_requests_per_second, own_clock);
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
pub(crate) struct Replica {
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
    pub(crate) async fn serve(
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

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, fs, sync::Mutex, time::Duration};

    use axum::http::{Method, Request, Response};
    use clap::Parser as _;
    use jiff::Timestamp;
    use kube::client::Body;
    use serde_json::{Value, json};
    use tokio::{sync::oneshot, time::sleep};

    use super::*;
    use crate::{
        cli::{Cli, Command},
        task::Tasks,
    };

    /// A cluster with the CRDs, the operator's key, at most one Lease, and nothing else.
    #[derive(Default)]
    struct Apiserver {
        lease: Option<Value>,
        writes: u32,
    }

    impl Apiserver {
        /// `None` is no answer: nothing happens that a watch would tell.
        fn answer(&mut self, request: &Request<()>, body: Value) -> Option<(u16, Value)> {
            let path = request.uri().path();
            if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                return None;
            }
            if path.contains("/secrets/") {
                let data = json!({"key": "A".repeat(43) + "="});
                return Some((200, json!({"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": data})));
            }
            if !path.contains("/leases") {
                let list =
                    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": []});
                return Some((200, list));
            }
            if request.method() != Method::GET {
                self.writes += 1;
                self.lease = Some(body);
                self.lease.as_mut()?["metadata"]["resourceVersion"] = json!(self.writes.to_string());
            }
            let missing =
                json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "no"});
            Some(self.lease.clone().map_or((404, missing), |lease| (200, lease)))
        }
    }

    fn client(apiserver: &Arc<Mutex<Apiserver>>) -> Client {
        let apiserver = Arc::clone(apiserver);
        let service = tower::service_fn(move |request: Request<Body>| {
            let apiserver = Arc::clone(&apiserver);
            async move {
                let (head, body) = request.into_parts();
                let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap_or_default();
                let answer = apiserver.lock().unwrap().answer(&Request::from_parts(head, ()), body);
                let Some((code, body)) = answer else { return std::future::pending().await };
                let body = Body::from(serde_json::to_vec(&body).unwrap());
                Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        Client::new(service, "ns")
    }

    /// A replica whose broker is away, and where it shows whether it leads.
    fn replica(apiserver: &Arc<Mutex<Apiserver>>, clock: Clock) -> (Replica, watch::Receiver<Role>) {
        let folder = std::env::temp_dir().join(format!("omotes-operator-{:016x}", fastrand::u64(..)));
        fs::create_dir(&folder).unwrap();
        for file in ["amqp-uri", "courier-amqp-uri"] {
            fs::write(folder.join(file), "").unwrap();
        }
        let place = folder.to_str().unwrap();
        let typed = ["operator", "run", "--broker-dir", place, "--courier-image=i", "--namespace=ns", "--identity=me"];
        let Command::Run(run) = Cli::parse_from(typed).command else { panic!("another command") };
        let config = config::resolve(&run).unwrap();
        fs::remove_dir_all(folder).unwrap();
        let (role, shown) = watch::channel(Role::Unknown);
        (Replica { client: client(apiserver), clock, run: *run, config, metrics: Arc::default(), role }, shown)
    }

    /// Paused time, a clock of its own, no thread and no signal.
    #[tokio::test(start_paused = true)]
    async fn a_replica_leads_and_hands_over_without_a_process() {
        let (tasks, apiserver) = (Tasks::default(), Arc::<Mutex<Apiserver>>::default());
        let clock = Clock::simulated(Timestamp::UNIX_EPOCH);
        let (replica, role) = replica(&apiserver, clock);
        let own = client(&apiserver);
        let candidate = Candidate {
            connect: Box::new(move || Ok(own)),
            namespace: "ns".to_owned(),
            lease: "omotes-operator".to_owned(),
            identity: "me".to_owned(),
            clock,
        };
        let (ends, ended) = oneshot::channel();
        tasks.spawn(async move {
            let serving = replica.serve(|| Ok(Campaign::start_in_task(candidate)), sleep(Duration::from_secs(60)));
            ends.send(serving.await).unwrap();
        });
        sleep(Duration::from_secs(30)).await;
        assert_eq!(*role.borrow(), Role::Leader);
        ended.await.unwrap().unwrap();
        assert!((60..66).contains(&clock.now().as_second()), "{}", clock.now());
        let spec = &apiserver.lock().unwrap().lease.clone().unwrap()["spec"];
        assert_eq!(spec["holderIdentity"], "");
        assert!(spec["renewTime"].as_str().unwrap().starts_with("1970-01-01T00:0"), "{spec}");
        assert!(!tasks.is_killed());
    }
}

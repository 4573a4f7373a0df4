//! One process of the operator, from its start to its end: wait for the apiserver, wait for leadership, lead, hand over.
//!
//! Ring: shell.

use std::{
    fmt::{Debug, Display},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use axum::http::Response;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, Resource,
    api::{ListParams, ObjectMeta, PostParams},
    client::{ClientBuilder, DynBody},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tower::{
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    timeout::TimeoutLayer,
    util::MapResponseLayer,
};
use tracing::{error, info, warn};

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    backoff::Backoff,
    broker::{Broker, BrokerEvent, Endpoint},
    cli::Run,
    clock::OwnClock,
    config::{self, Config},
    controller::Controller,
    gateway,
    http::{self, Role},
    leader::{Campaign, Candidate},
    plan::Settings,
    task,
    telemetry::{self, Metrics, Topic},
    wire::{CapabilityKey, Keys},
    words::kube_words,
};

/// Requests to the apiserver that may be under way at once; watches count only until they have begun.
const REQUESTS_IN_FLIGHT: usize = 64;
/// A webhook has at most 30 s for its answer, and then the apiserver names it. It ends a request after 60 s by itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);
/// The first wait for an apiserver that does not answer at the start, and the longest.
const START_DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// What a pass under way at the end may take before the lease is given back; less than the lease has left.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs the operator until it is told to stop.
///
/// # Errors
/// When the configuration cannot be used, the CRD is not installed, or the lease is lost.
pub async fn run(run: Run) -> anyhow::Result<()> {
    telemetry::init_logs(run.log_format, run.log_level);
    let config = config::resolve(&run)?;
    info!(version = env!("CARGO_PKG_VERSION"), identity = run.identity, "the operator starts");
    let metrics = Arc::new(Metrics::default());
    let (role, watched) = watch::channel(Role::Unknown);
    let listener =
        listen(run.http_address).await.with_context(|| format!("listening on --http-address {}", run.http_address))?;
    task::spawn_vital("HTTP server", http::serve(listener, watched, Arc::clone(&metrics)));
    check_courier_endpoint(&config, &metrics);

    let kube =
        kube::Config::infer().await.context("finding the apiserver: neither a service account nor a kubeconfig")?;
    let client = client(kube.clone(), run.kube_requests_per_second, OwnClock::new(Arc::clone(&metrics)))?;
    let mut stop = signal(SignalKind::terminate())?;
    let started = async {
        let settings = start(&client, &run, &config, &metrics).await?;
        let mut campaign = Campaign::start(candidate(kube, &run)).context("starting the election")?;
        let watching = |leader: &str| drop(role.send_replace(Role::Follower(leader.to_owned())));
        let leads = campaign.led(watching).await;
        anyhow::ensure!(leads, "the election ended by itself");
        anyhow::Ok((settings, campaign))
    };
    let (settings, campaign) = tokio::select! {
        // A lease that was just acquired is released by whoever leads.
        biased;
        started = started => started?,
        _ = stop.recv() => {
            info!("told to stop while waiting for leadership");
            return Ok(());
        }
    };
    metrics.set_leader();
    role.send_replace(Role::Leader);
    lead(client, settings, config, metrics, campaign, async move {
        stop.recv().await;
    })
    .await
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

/// What has to be there before this process can lead. An apiserver that is away is waited for.
async fn start(client: &Client, run: &Run, config: &Config, metrics: &Metrics) -> anyhow::Result<Settings> {
    let mut backoff = Backoff::new(START_DELAYS.0, START_DELAYS.1);
    let mut last = String::new();
    loop {
        let problem = match try_start(client, run, config).await {
            Ok(settings) => {
                metrics.note(Topic::Apiserver, None);
                return Ok(settings);
            }
            Err(StartError::Fatal(error)) => return Err(error),
            Err(StartError::Waiting(problem)) => problem,
        };
        if problem != last {
            warn!(problem, "the apiserver does not serve this operator yet; trying again");
            metrics.note(Topic::Apiserver, Some(problem.clone()));
            last = problem;
        }
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

/// Why this process cannot lead.
enum StartError {
    /// It never will as things are.
    Fatal(anyhow::Error),
    /// The apiserver did not answer, or allows it later: what was tried, and its words.
    Waiting(String),
}

async fn try_start(client: &Client, run: &Run, config: &Config) -> Result<Settings, StartError> {
    require_crd::<OmotesJob>(client, &config.controller.namespaces).await?;
    require_crd::<OmotesWorkflow>(client, &config.controller.namespaces).await?;
    settings(client, run, config).await
}

fn candidate(config: kube::Config, run: &Run) -> Candidate {
    Candidate {
        config,
        namespace: run.namespace.clone(),
        lease: run.lease_name.clone(),
        identity: run.identity.clone(),
    }
}

/// Leads until told to stop or until the lease is lost.
async fn lead(
    client: Client,
    settings: Settings,
    config: Config,
    metrics: Arc<Metrics>,
    mut campaign: Campaign,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (end_broker, broker_ended) = oneshot::channel::<()>();
    let (broker, news) = Broker::start(config.broker, async { drop(broker_ended.await) });
    metrics.watch_broker(broker.clone());
    let (end, ended) = oneshot::channel::<()>();
    let key = settings.keys.current.clone();
    let controller = Controller::new(client, broker.clone(), settings, Arc::clone(&metrics), config.controller);
    let taking = config.gateway.map(|options| {
        let namespace = &options.placement.namespace;
        gateway::run(controller.jobs(namespace), broker, metrics, key.namespace_key(namespace), options)
    });
    let controller = control(controller, taking, news, async { drop(ended.await) });
    let controller = task::spawn_vital("controller", controller);
    let abort = controller.abort_handle();
    tokio::select! {
        // A process that does not lead has nothing to finish.
        biased;
        () = campaign.lost() => {
            abort.abort();
            bail!("this process does not lead any more; it ends, so that it cannot act as if it did");
        }
        _ = controller => bail!("the controller ended by itself"),
        () = stop => info!("told to stop; passes under way are finished"),
    }
    drop(end);
    let drained = tokio::time::timeout(DRAIN_TIMEOUT, async {
        while !abort.is_finished() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    drop(drained.await);
    abort.abort();
    drop(end_broker);
    campaign.release().await;
    Ok(())
}

/// Runs the controller, and beside it what takes submissions, until `shutdown` completes.
async fn control(
    controller: Controller,
    taking: Option<impl Future<Output = ()> + Send + 'static>,
    news: mpsc::Receiver<BrokerEvent>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let controller = controller.start(news);
    let taking = taking.map(|taking| task::spawn_vital("gateway", taking));
    let controller = controller.pass_until(shutdown).await;
    taking.inspect(JoinHandle::abort);
    controller.end();
}

/// A client that neither floods the apiserver nor waits for it for ever.
fn client(config: kube::Config, requests_per_second: u64, clock: OwnClock) -> anyhow::Result<Client> {
    let look = move |answer: Response<Box<DynBody>>| clock.look_at(answer);
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&MapResponseLayer::new(look))
        .with_layer(&TimeoutLayer::new(REQUEST_TIMEOUT))
        .with_layer(&ConcurrencyLimitLayer::new(REQUESTS_IN_FLIGHT))
        .with_layer(&RateLimitLayer::new(requests_per_second, Duration::from_secs(1)))
        .build())
}

/// Whether the kind `K` is installed, as the first namespace shows that this operator may look into.
async fn require_crd<K>(client: &Client, namespaces: &[String]) -> Result<(), StartError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let scoped = |namespace: &String| Api::<K>::namespaced(client.clone(), namespace);
    let mut apis: Vec<Api<K>> = namespaces.iter().map(scoped).collect();
    if apis.is_empty() {
        apis.push(Api::all(client.clone()));
    }
    let mut refused = None;
    for api in apis {
        match api.list_metadata(&ListParams::default().limit(1)).await {
            Ok(_) => return Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => return Err(not_installed(&K::kind(&()))),
            Err(error @ kube::Error::Api(_)) => refused = Some(error),
            Err(error) => return Err(waiting(&error, format!("listing {}s", K::kind(&())))),
        }
    }
    refused.map_or(Ok(()), |error| Err(waiting(&error, format!("listing {}s", K::kind(&())))))
}

fn not_installed(kind: &str) -> StartError {
    StartError::Fatal(anyhow!(
        "the kind {kind} is not installed: run `omotes-operator crd | kubectl apply --server-side -f -`, or install the chart with crds.enabled=true"
    ))
}

fn waiting(error: &kube::Error, doing: impl Display) -> StartError {
    StartError::Waiting(format!("{doing}: {}", kube_words(error)))
}

async fn settings(client: &Client, run: &Run, config: &Config) -> Result<Settings, StartError> {
    let api = Api::namespaced(client.clone(), &run.namespace);
    Ok(Settings {
        courier_image: run.courier_image.clone(),
        courier_pull_policy: run.courier_image_pull_policy.clone(),
        courier_resources: config.courier_resources.clone(),
        keys: keys(&api).await?,
        priority_classes: config.priority_classes.clone(),
        defaults: config.defaults.clone(),
        gateway_namespace: config.gateway_namespace.clone(),
        deadline_result: config.deadline_result,
    })
}

/// The keys of all proofs and names; the current one is made at the very first start.
async fn keys(api: &Api<Secret>) -> Result<Keys, StartError> {
    const CURRENT: &str = "key";
    const PREVIOUS: &str = "previous-key";
    let reading = |error| waiting(&error, format!("reading Secret {}, the operator's key", names::SECRET_KEY));
    if api.get_opt(names::SECRET_KEY).await.map_err(reading)?.is_none() {
        make_key(api, CURRENT).await?;
    }
    let secret = api.get(names::SECRET_KEY).await.map_err(reading)?;
    let data = secret.data.unwrap_or_default();
    let read = |field: &str| data.get(field).map(|key| CapabilityKey::new(&key.0));
    let unusable = |field: &str| format!("Secret {}: {field}", names::SECRET_KEY);
    let current = read(CURRENT).transpose().with_context(|| unusable(CURRENT)).map_err(StartError::Fatal)?;
    let previous = read(PREVIOUS).transpose().with_context(|| unusable(PREVIOUS)).map_err(StartError::Fatal)?;
    let missing =
        || anyhow!("Secret {} needs a field {CURRENT:?}: delete the Secret, and it is made anew", names::SECRET_KEY);
    let current = current.ok_or_else(missing).map_err(StartError::Fatal)?;
    Ok(Keys { current, previous })
}

async fn make_key(api: &Api<Secret>, field: &str) -> Result<(), StartError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| StartError::Fatal(error.into()))?;
    let secret = Secret {
        metadata: ObjectMeta { name: Some(names::SECRET_KEY.to_owned()), ..ObjectMeta::default() },
        data: Some([(field.to_owned(), ByteString(key.to_vec()))].into()),
        immutable: Some(true),
        ..Secret::default()
    };
    match api.create(&PostParams::default(), &secret).await {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        Err(error) => Err(waiting(&error, format!("making Secret {}, the operator's key", names::SECRET_KEY))),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[test]
    fn an_apiserver_that_refuses_the_start_is_quoted() {
        let status = Status { code: 503, message: "apiserver is shutting down".to_owned(), ..Status::default() };
        let StartError::Waiting(problem) = waiting(&kube::Error::Api(Box::new(status)), "listing OmotesJobs") else {
            panic!("it passes")
        };
        assert_eq!(problem, "listing OmotesJobs: apiserver is shutting down (HTTP 503)");
    }
}

//! One process of the operator, from its start to its end: wait for leadership, lead, hand over.
//!
//! Ring: shell.

use std::{fmt::Debug, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, Resource,
    api::{ListParams, ObjectMeta, PostParams},
    client::ClientBuilder,
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch},
};
use tower::{
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    timeout::TimeoutLayer,
};
use tracing::info;

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    broker::Broker,
    cli::Run,
    config::{self, Config},
    controller,
    http::{self, Role},
    leader::Elector,
    plan::Settings,
    telemetry::{self, Metrics},
    wire::CapabilityKey,
};

/// Requests to the apiserver that may be under way at once; watches count only until they have begun.
const REQUESTS_IN_FLIGHT: usize = 64;
/// The apiserver ends a request after 60 s by itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
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
    let listener = TcpListener::bind(run.http_address)
        .await
        .with_context(|| format!("listening on --http-address {}", run.http_address))?;
    tokio::spawn(http::serve(listener, watched, Arc::clone(&metrics)));

    let client = client(run.kube_requests_per_second).await?;
    require_crd::<OmotesJob>(&client, &config.controller.namespaces).await?;
    require_crd::<OmotesWorkflow>(&client, &config.controller.namespaces).await?;
    let settings = settings(&client, &run, &config).await?;
    let mut elector =
        Elector::new(Api::namespaced(client.clone(), &run.namespace), run.lease_name.clone(), run.identity.clone());
    let mut stop = signal(SignalKind::terminate())?;
    tokio::select! {
        () = elector.acquire(|leader| { role.send_replace(Role::Follower(leader.to_owned())); }) => {}
        _ = stop.recv() => return {
            let _: () = info!("told to stop while waiting for leadership");
            Ok(())
        },
    }
    metrics.set_leader();
    role.send_replace(Role::Leader);
    lead(client, settings, config, metrics, &mut elector, async move {
        stop.recv().await;
    })
    .await
}

/// Leads until told to stop or until the lease is lost.
async fn lead(
    client: Client,
    settings: Settings,
    config: Config,
    metrics: Arc<Metrics>,
    elector: &mut Elector,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (end_broker, broker_ended) = oneshot::channel::<()>();
    let (broker, news) = Broker::start(config.broker, async { drop(broker_ended.await) });
    metrics.watch_broker(broker.clone());
    let (end, ended) = oneshot::channel::<()>();
    let controller = tokio::spawn(controller::run(client, broker, news, settings, metrics, config.controller, async {
        drop(ended.await);
    }));
    let abort = controller.abort_handle();
    tokio::select! {
        () = elector.keep() => {
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
    elector.release().await;
    Ok(())
}

/// A client that neither floods the apiserver nor waits for it for ever.
async fn client(requests_per_second: u64) -> anyhow::Result<Client> {
    let config =
        kube::Config::infer().await.context("finding the apiserver: neither a service account nor a kubeconfig")?;
    Ok(ClientBuilder::try_from(config)?
        .with_layer(&TimeoutLayer::new(REQUEST_TIMEOUT))
        .with_layer(&ConcurrencyLimitLayer::new(REQUESTS_IN_FLIGHT))
        .with_layer(&RateLimitLayer::new(requests_per_second, Duration::from_secs(1)))
        .build())
}

async fn require_crd<K>(client: &Client, namespaces: &[String]) -> anyhow::Result<()>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
{
    let api: Api<K> = match namespaces.first() {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let kind = K::kind(&());
    match api.list_metadata(&ListParams::default().limit(1)).await {
        Err(kube::Error::Api(status)) if status.is_not_found() => bail!(
            "the kind {kind} is not installed: run `omotes-operator crd | kubectl apply --server-side -f -`, or install the chart with crds.enabled=true"
        ),
        result => result.map(drop).with_context(|| format!("listing {kind}s")),
    }
}

async fn settings(client: &Client, run: &Run, config: &Config) -> anyhow::Result<Settings> {
    let api = Api::namespaced(client.clone(), &run.namespace);
    Ok(Settings {
        courier_image: run.courier_image.clone(),
        courier_pull_policy: run.courier_image_pull_policy.clone(),
        courier_resources: config.courier_resources.clone(),
        capability_key: capability_key(&api).await.context("reading the operator's key")?,
        priority_classes: config.priority_classes.clone(),
        defaults: config.defaults.clone(),
        deadline_result: config.deadline_result,
    })
}

/// The key of all capabilities, made at the very first start.
async fn capability_key(api: &Api<Secret>) -> anyhow::Result<CapabilityKey> {
    const FIELD: &str = "key";
    if api.get_opt(names::SECRET_KEY).await?.is_none() {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let secret = Secret {
            metadata: ObjectMeta { name: Some(names::SECRET_KEY.to_owned()), ..ObjectMeta::default() },
            data: Some([(FIELD.to_owned(), ByteString(key.to_vec()))].into()),
            immutable: Some(true),
            ..Secret::default()
        };
        match api.create(&PostParams::default(), &secret).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            created => drop(created?),
        }
    }
    let secret = api.get(names::SECRET_KEY).await?;
    let key = secret.data.and_then(|data| data.get(FIELD).map(|key| key.0.clone())).unwrap_or_default();
    CapabilityKey::new(&key).with_context(|| {
        format!("Secret {} needs a field {FIELD:?}: delete the Secret, and it is made anew", names::SECRET_KEY)
    })
}

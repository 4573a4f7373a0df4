//! What has to be there before a process can lead: the CRDs, and the operator's key.
//!
//! Ring: shell.

use std::{
    fmt::{Debug, Display},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client, Resource,
    api::{ListParams, ObjectMeta, PostParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    backoff::Backoff,
    cli::Run,
    config::Config,
    plan::Settings,
    telemetry::{Metrics, Topic},
    wire::{CapabilityKey, Keys},
    words::kube_words,
};

/// The first wait for an apiserver that does not answer at the start, and the longest.
const START_DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// What has to be there before this process can lead. An apiserver that is away is waited for.
pub(super) async fn start(client: &Client, run: &Run, config: &Config, metrics: &Metrics) -> anyhow::Result<Settings> {
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

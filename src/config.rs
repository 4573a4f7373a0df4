//! From what was typed to what is meant: after this, nothing of the configuration can fail.
//!
//! Ring: shell.

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{ObjectReference, ResourceRequirements};

use crate::{
    api::{job::Priority, status::JobResultType},
    broker::{BrokerConfig, Connector},
    cli::{DeadlineResult, OrphansAction, Run},
    controller::{Options, SweepOptions},
    gateway::GatewayOptions,
    intake::Placement,
    limits::Defaults,
};

/// A resolved configuration.
pub(crate) struct Config {
    /// Requests and limits of the courier's containers.
    pub courier_resources: ResourceRequirements,
    /// The `PriorityClass` of pods by the priority of their job.
    pub priority_classes: BTreeMap<Priority, String>,
    /// The limits of a job that gives none.
    pub defaults: Defaults,
    /// What the client of a job that was stopped at its deadline hears.
    pub deadline_result: JobResultType,
    /// The namespace of the jobs that come over AMQP, where this operator takes them.
    pub gateway_namespace: Option<String>,
    /// How to reach the broker.
    pub broker: BrokerConfig,
    /// What the controller is started with.
    pub controller: Options,
    /// Where the jobs of OMOTES' clients go, where this operator takes them.
    pub gateway: Option<GatewayOptions>,
}

/// An option that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The courier's resources are no resources.
    #[error(
        "--courier-resources {value:?} (OMOTES_COURIER_RESOURCES) is not a container's resources as JSON: {source}. Give something like {{\"requests\":{{\"cpu\":\"10m\"}}}}"
    )]
    Resources {
        /// What was given.
        value: String,
        /// Why it cannot be used.
        source: serde_json::Error,
    },
    /// Jobs would be made that nobody looks at.
    #[error(
        "--gateway-namespace {namespace:?} (OMOTES_GATEWAY_NAMESPACE) is not among --watch-namespaces (OMOTES_WATCH_NAMESPACES): add it there, or leave it out"
    )]
    NotWatched {
        /// The namespace.
        namespace: String,
    },
    /// The priority classes are none.
    #[error(
        "--priority-classes {value:?} (OMOTES_PRIORITY_CLASSES) is no JSON object from Low, Medium and High to names: {source}. Give something like {{\"High\":\"urgent\"}}"
    )]
    PriorityClasses {
        /// What was given.
        value: String,
        /// Why it cannot be used.
        source: serde_json::Error,
    },
    /// A file that must be there is not.
    #[error("{file} is missing: the broker's Secret needs the keys amqp-uri and courier-amqp-uri (see --broker-dir)")]
    Missing {
        /// The file.
        file: String,
    },
}

/// Resolves what was typed.
///
/// # Errors
/// When an option cannot be used; the message names it, its value and the remedy.
pub(crate) fn resolve(run: &Run) -> Result<Config, ConfigError> {
    let courier_resources = serde_json::from_str(&run.courier_resources)
        .map_err(|source| ConfigError::Resources { value: run.courier_resources.clone(), source })?;
    let namespaces = names(&run.watch_namespaces);
    let gateway_namespace = run.gateway_namespace.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) =
        gateway_namespace.filter(|name| !namespaces.is_empty() && !namespaces.iter().any(|known| known == name))
    {
        return Err(ConfigError::NotWatched { namespace: name.to_owned() });
    }
    let priority_classes = serde_json::from_str(&run.priority_classes)
        .map_err(|source| ConfigError::PriorityClasses { value: run.priority_classes.clone(), source })?;
    let file = |name: &str| run.broker_dir.join(name);
    for name in ["amqp-uri", "courier-amqp-uri"] {
        if !file(name).exists() {
            return Err(ConfigError::Missing { file: file(name).display().to_string() });
        }
    }
    Ok(Config {
        courier_resources,
        priority_classes,
        defaults: Defaults {
            seconds_per_resource: run.default_seconds_per_resource,
            buffer_seconds: run.default_buffer_seconds,
            max_run_seconds: run.default_max_run_seconds,
            start_deadline_seconds: run.default_start_deadline_seconds,
        },
        deadline_result: match run.deadline_result_type {
            DeadlineResult::Cancelled => JobResultType::Cancelled,
            DeadlineResult::Timeout => JobResultType::Timeout,
        },
        gateway_namespace: gateway_namespace.map(str::to_owned),
        broker: BrokerConfig {
            amqp_uri_file: file("amqp-uri"),
            management_uri_file: Some(file("management-uri")),
            ca_file: Some(file("ca.crt")),
            requires_tls: run.require_tls,
            connection_name: run.identity.clone(),
            connector: Connector::Amqp,
        },
        controller: Options {
            namespaces,
            concurrency: run.max_concurrent_reconciles,
            courier_uri_file: file("courier-amqp-uri"),
            ca_file: file("ca.crt"),
            requires_tls: run.require_tls,
            identity: run.identity.clone(),
            sweep: SweepOptions {
                deletes: run.orphans_action == OrphansAction::Delete,
                interval: Duration::from_secs(run.orphans_interval_seconds),
                grace: SignedDuration::from_secs(run.orphans_grace_seconds),
            },
        },
        gateway: gateway_namespace.map(|namespace| gateway(run, namespace)),
    })
}

fn names(list: &[String]) -> Vec<String> {
    list.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn gateway(run: &Run, namespace: &str) -> GatewayOptions {
    let pod = ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        name: Some(run.identity.clone()),
        namespace: Some(run.namespace.clone()),
        uid: run.pod_uid.clone(),
        ..ObjectReference::default()
    };
    let namespace = namespace.to_owned();
    let placement = Placement { namespace, ttl_seconds_after_finished: run.gateway_ttl_seconds_after_finished };
    GatewayOptions { placement, pod }
}

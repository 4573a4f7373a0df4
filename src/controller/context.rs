//! What every pass works with.
//!
//! Ring: shell.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, runtime::events::Recorder};
use tokio::sync::Semaphore;

use crate::{api::OmotesJob, broker::Broker, clock::Clock, plan::Settings, telemetry::Metrics};

use super::state::State;

/// What every pass works with. One per leadership.
pub(crate) struct Context {
    pub(crate) clients: Clients,
    pub(crate) state: State,
    pub(crate) settings: Settings,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
    /// Since when this process leads.
    pub(crate) since: Timestamp,
    /// Held by the one pass that lists the Events of its pod, which costs the apiserver more than most.
    pub(crate) event_lists: Semaphore,
}

/// The ways to Kubernetes and to the broker.
pub(crate) struct Clients {
    pub(crate) client: Client,
    pub(crate) broker: Broker,
    pub(crate) recorder: Recorder,
}

impl Clients {
    /// The jobs of one namespace.
    pub(crate) fn jobs_in(&self, namespace: &str) -> Api<OmotesJob> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The pods of one namespace.
    pub(crate) fn pods_in(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

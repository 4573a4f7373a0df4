//! What the messages of all queues share: the gateway of one leadership.
//!
//! Ring: shell.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::api::core::v1::ObjectReference;
use tracing::warn;

use crate::{
    api::{OmotesWorkflow, Reason},
    broker::{Broker, BrokerError, BrokerState, Incoming},
    clock::Clock,
    controller::JobsHandle,
    intake::{Placement, PoisonLog, RejectedMessage, Tombstones},
    telemetry::{HeldMessage, Metrics},
    topology::ClientQueue,
    wire::NamespaceKey,
};

/// Where jobs go, and whom it concerns when messages are dropped.
#[derive(Debug, Clone)]
pub(crate) struct GatewayOptions {
    /// Where jobs go.
    pub placement: Placement,
    /// This process's pod, for Events.
    pub pod: ObjectReference,
}

/// The gateway of one leadership.
pub(crate) struct Gateway {
    pub(super) jobs: JobsHandle,
    pub(super) broker: Broker,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    /// The key of the namespace where jobs go.
    pub(super) key: NamespaceKey,
    pub(super) placement: Placement,
    pod: ObjectReference,
    tombstones: Mutex<Tombstones>,
    /// The uuids whose submissions are being stored. Bounded by the prefetch.
    in_hand: Mutex<HashSet<String>>,
    poison: Mutex<PoisonLog>,
}

impl Gateway {
    /// A gateway that has taken nothing yet.
    pub(super) fn new(
        jobs: JobsHandle,
        broker: Broker,
        clock: Clock,
        metrics: Arc<Metrics>,
        key: NamespaceKey,
        options: GatewayOptions,
    ) -> Self {
        let GatewayOptions { placement, pod } = options;
        Self {
            jobs,
            broker,
            clock,
            metrics,
            key,
            placement,
            pod,
            tombstones: Mutex::default(),
            in_hand: Mutex::default(),
            poison: Mutex::default(),
        }
    }

    pub(super) fn is_broker_ready(&self) -> bool {
        matches!(self.broker.state(), BrokerState::Ready { .. })
    }

    pub(super) fn tombstones(&self) -> MutexGuard<'_, Tombstones> {
        self.tombstones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn of a submission; `None` while the same one is in hand.
    pub(super) fn turn(&self, uuid: &str) -> Option<UuidLock<'_>> {
        let news = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(uuid.to_owned());
        news.then(|| UuidLock { gateway: self, uuid: uuid.to_owned() })
    }

    /// Rejects a message without requeue.
    pub(super) async fn reject(
        &self,
        queue: ClientQueue,
        message: Incoming,
        rejection: &RejectedMessage,
    ) -> Result<(), BrokerError> {
        self.metrics.count_poison(queue.name(), rejection.poison.as_str());
        let news = {
            let mut poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
            poison.note(queue.name(), rejection, self.clock.now())
        };
        if let Some(news) = news {
            warn!(queue = queue.name(), reason = rejection.poison.as_str(), "{news}");
            self.jobs.warn(Reason::MessagesRejected, &news, "TakeSubmissions", &self.pod);
        }
        message.refuse().await
    }

    /// Counts a message that waits here.
    pub(super) fn hold(&self, reason: &'static str) -> HeldMessage {
        self.metrics.hold(reason)
    }

    /// The workflows that clients may ask for. They are known before the first message is taken.
    pub(super) fn workflows(&self) -> Vec<Arc<OmotesWorkflow>> {
        self.jobs.workflows().unwrap_or_default()
    }
}

/// Of two that say the same, one is stored at a time: each puts its input where the other's is.
pub(super) struct UuidLock<'a> {
    gateway: &'a Gateway,
    uuid: String,
}

impl Drop for UuidLock<'_> {
    fn drop(&mut self) {
        self.gateway.in_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.uuid);
    }
}

//! What the courier's containers do, plugged in.

use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use omotes_operator::testing::api::names;

use super::{process::terminated, program::Exit, worker::Worker};

/// What couriers do: the init container and the sidecar, by the name of [`Courier::container`]. An async closure is one.
pub(crate) trait Couriers: Send + Sync {
    /// One run of a courier's container; dropped where it is killed.
    fn run(&self, courier: Courier) -> BoxFuture<'static, Exit>;
}

impl<F, R> Couriers for F
where
    F: Fn(Courier) -> R + Send + Sync,
    R: Future<Output = Exit> + Send + 'static,
{
    fn run(&self, courier: Courier) -> BoxFuture<'static, Exit> {
        Box::pin(self(courier))
    }
}

/// Couriers that do nothing; the sidecar's termination message is `message`.
pub(crate) fn simple(message: &'static str) -> impl Couriers {
    move |courier: Courier| async move {
        if courier.container == names::CONTAINER_COURIER_INPUT {
            return Exit::code(0);
        }
        courier.stopped().await;
        Exit::code(0).saying(message)
    }
}

/// What the courier of a pod and its main know of each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Main {
    pub has_started: bool,
    pub has_input: bool,
    pub end: Option<Exit>,
}

/// One run of a courier's container, and what it sees and does.
pub(crate) struct Courier {
    /// Its name.
    pub container: String,
    pub(super) place: usize,
    pub(super) worker: Arc<Worker>,
}

impl Courier {
    /// The pod, as its kubelet knows it now.
    pub(crate) fn pod(&self) -> Arc<Pod> {
        self.worker.pod()
    }

    /// Waits until the pod is as it is wanted: until it has an annotation, for instance.
    pub(crate) async fn pod_that(&self, wanted: impl Fn(&Pod) -> bool) -> Arc<Pod> {
        self.worker.seen.find(|seen| wanted(&seen.pod).then(|| seen.pod.clone())).await
    }

    /// Waits for SIGTERM.
    pub(crate) async fn stopped(&self) {
        terminated(&self.worker.signals[self.place]).await;
    }

    /// Waits until main runs, or ran.
    pub(crate) async fn main_starts(&self) {
        self.worker.main.until(|main| main.has_started).await;
    }

    /// How main ended, with its output, where it has.
    pub(crate) fn main_end(&self) -> Option<Exit> {
        self.worker.main.look(|main| main.end.clone())
    }

    /// Puts the input where main of a warm pod waits for it.
    pub(crate) fn bring_input(&self) {
        self.worker.main.change(|main| main.has_input = true);
    }
}

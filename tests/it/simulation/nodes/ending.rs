//! How a kubelet ends a pod: what for, within which time, and in which order.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{
    conditions::Condition,
    container::{Container, Role},
    pod::Seen,
    process::Signal,
    worker::Worker,
};

/// No container has less between SIGTERM and SIGKILL.
const LEAST_GRACE: Duration = Duration::from_secs(2);

/// The reason of a pod whose node is shut down.
const SHUTDOWN: &str = "Terminated";

/// Why a pod ends.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    /// By itself.
    Natural,
    /// Its object is deleted.
    Deleted,
    /// Its kubelet wants it.
    Kubelets(KubeletsEnd),
}

/// Why a kubelet ends a pod, and how fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KubeletsEnd {
    pub reason: &'static str,
    pub message: String,
    /// Whether it is a disruption.
    pub is_disruption: bool,
    /// `None` leaves the pod's own.
    pub grace_seconds: Option<u64>,
}

impl KubeletsEnd {
    pub(super) fn deadline() -> Self {
        let message = "Pod was active on the node longer than the specified deadline".to_owned();
        Self { reason: "DeadlineExceeded", message, is_disruption: false, grace_seconds: None }
    }

    /// The node is short of memory.
    pub(super) fn eviction() -> Self {
        let message = "The node was low on resource: memory. ".to_owned();
        Self { reason: "Evicted", message, is_disruption: true, grace_seconds: Some(1) }
    }

    /// The node is shut down.
    pub(super) fn shutdown() -> Self {
        let message = "Pod was terminated in response to imminent node shutdown.".to_owned();
        Self { reason: SHUTDOWN, message, is_disruption: true, grace_seconds: None }
    }

    /// Whether a pod whose program exits with 0 then has succeeded.
    pub(super) fn spares_success(&self) -> bool {
        self.reason == SHUTDOWN
    }

    /// The condition that goes with it.
    pub(super) fn target(&self) -> Option<Condition> {
        self.is_disruption.then(|| Condition::disruption_target("TerminationByKubelet", &self.message))
    }
}

impl Ending {
    fn grace_seconds(&self) -> Option<u64> {
        if let Self::Kubelets(end) = self { end.grace_seconds } else { None }
    }
}

impl Worker {
    /// Waits until something wants the end of the pod.
    pub(super) async fn is_to_end(&self) -> Ending {
        tokio::select! {
            biased;
            () = self.seen.until(Seen::is_deleted) => Ending::Deleted,
            end = self.order.find(Clone::clone) => Ending::Kubelets(end),
            () = self.deadline() => Ending::Kubelets(KubeletsEnd::deadline()),
        }
    }

    /// How long the pod may still be active.
    fn time_left(&self) -> Option<Duration> {
        let end = self.start + Duration::from_secs(self.seen.look(Seen::active_seconds)?);
        Some(Duration::try_from(end.duration_since(self.now())).unwrap_or_default())
    }

    /// Waits for the end of the time that the pod may be active, which may change meanwhile.
    async fn deadline(&self) {
        loop {
            let (seconds, left) = (self.seen.look(Seen::active_seconds), self.time_left());
            let over = async { if let Some(left) = left { sleep(left).await } else { pending().await } };
            tokio::select! {
                biased;
                () = self.seen.until(|seen| seen.active_seconds() != seconds) => {}
                () = over => return,
            }
        }
    }

    /// Whether that is over. Then a kubelet says so, whatever else ended the pod.
    pub(super) fn is_late(&self) -> bool {
        self.time_left().is_some_and(|left| left.is_zero())
    }

    /// Ends the regular containers, and then the sidecars, the last one first.
    pub(super) async fn end_containers(&self, ending: &Ending) {
        let began = Instant::now();
        self.end_those(&self.those_that(|container| container.role != Role::Sidecar), began, ending).await;
        for sidecar in self.those_that(|container| container.role == Role::Sidecar).into_iter().rev() {
            self.end_those(&[sidecar], began, ending).await;
        }
    }

    fn those_that(&self, wanted: impl Fn(&Container) -> bool) -> Vec<usize> {
        let those = |all: &Vec<Container>| {
            all.iter().enumerate().filter(|(_, known)| wanted(known)).map(|(place, _)| place).collect()
        };
        self.containers.look(those)
    }

    /// Ends these containers by SIGTERM and, once the grace since `began` is over, by SIGKILL.
    async fn end_those(&self, those: &[usize], began: Instant, ending: &Ending) {
        self.signal_all(those, Signal::Terminate);
        tokio::select! {
            biased;
            () = self.have_ended(those) => return,
            () = self.grace_is_over(began, ending) => {}
        }
        self.signal_all(those, Signal::Kill);
        self.have_ended(those).await;
    }

    async fn have_ended(&self, those: &[usize]) {
        self.containers.until(|all| !those.iter().any(|place| all[*place].is_running())).await;
    }

    /// The grace counts from `began`; one that is shortened, from when the kubelet sees it.
    async fn grace_is_over(&self, began: Instant, ending: &Ending) {
        let grace_seconds = |seen: &Seen| seen.grace_seconds(ending.grace_seconds());
        let mut grace = self.seen.look(grace_seconds);
        let mut end = began + Duration::from_secs(grace);
        let least = Instant::now() + LEAST_GRACE;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(end.max(least)) => return,
                () = self.seen.until(|seen| grace_seconds(seen) < grace) => {}
            }
            grace = self.seen.look(grace_seconds);
            end = end.min(Instant::now() + Duration::from_secs(grace));
            self.write_status();
        }
    }
}

//! One leader among the replicas, by a `coordination.k8s.io` Lease.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - A change of holder is a compare-and-swap on the Lease's resource version: two processes never both win.
//! - Whether a lease has run out is judged by this process's own clock, from when it saw the Lease change last; nobody's
//!   wall clock is compared with anybody's.
//! - A holder that could not renew for [`RENEW_DEADLINE`] stops leading before any other may begin.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, info, warn};

/// How long a silent holder keeps the lease: with the wait for it and the start of the caches, a killed leader is
/// replaced within 15 s.
pub const LEASE_DURATION: Duration = Duration::from_secs(8);
/// How long a holder that cannot renew goes on leading.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(6);
/// How often the lease is renewed, or looked at by those who wait.
pub const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// How often a holder renews. Rarer than the waiting look, because every renewal is a write.
const RENEW_PERIOD: Duration = Duration::from_secs(2);
/// One request may take so long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// A candidate for leadership.
pub struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    seen: Option<(Option<String>, Instant)>,
}

/// Who leads, as far as a candidate can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// This process.
    Leads,
    /// Another one, named so.
    Follows(String),
}

impl Elector {
    /// A candidate called `identity` for the Lease `name`.
    #[must_use]
    pub fn new(api: Api<Lease>, name: String, identity: String) -> Self {
        Self { api, name, identity, seen: None }
    }

    /// Waits until this process leads; `watching` is told who leads meanwhile.
    pub async fn acquire(&mut self, mut watching: impl FnMut(&str)) {
        let mut told = None;
        loop {
            match self.attempt().await {
                Ok(Standing::Leads) => return info!(identity = self.identity, "this process leads"),
                Ok(Standing::Follows(holder)) => {
                    watching(&holder);
                    if told.as_ref() != Some(&holder) {
                        info!(holder, "another process leads; this one waits");
                        told = Some(holder);
                    }
                }
                Err(error) => warn!(error, "cannot take part in the election; trying again"),
            }
            sleep(RETRY_PERIOD.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
        }
    }

    /// Keeps leading; returns when the lease is lost, at the latest [`RENEW_DEADLINE`] after the last renewal began.
    pub async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            let renewal = async {
                sleep(RENEW_PERIOD).await;
                (Instant::now(), self.attempt().await)
            };
            match timeout_at(renewed + RENEW_DEADLINE, renewal).await {
                Ok((began, Ok(Standing::Leads))) => renewed = began,
                Ok((_, Ok(Standing::Follows(holder)))) => {
                    return warn!(holder, "the lease was taken by another process");
                }
                Ok((_, Err(error))) => warn!(error, "could not renew the lease; trying again"),
                Err(_) => return warn!(seconds = RENEW_DEADLINE.as_secs(), "the lease could not be renewed in time"),
            }
        }
    }

    /// Gives the lease back, so that the next process need not wait for its end.
    pub async fn release(&self) {
        let freed = timeout(REQUEST_TIMEOUT, async {
            let mut lease = self.api.get(&self.name).await?;
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_deref() == Some(self.identity.as_str()) {
                spec.holder_identity = Some(String::new());
                self.api.replace(&self.name, &PostParams::default(), &lease).await?;
            }
            Ok::<_, kube::Error>(())
        });
        match freed.await {
            Ok(Ok(())) => info!("gave the lease back"),
            Ok(Err(error)) => warn!(%error, "could not give the lease back; it runs out by itself"),
            Err(_) => warn!("could not give the lease back in time; it runs out by itself"),
        }
    }

    async fn attempt(&mut self) -> Result<Standing, String> {
        match timeout(REQUEST_TIMEOUT, self.acquire_or_renew()).await {
            Ok(Ok(standing)) => Ok(standing),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs())),
        }
    }

    async fn acquire_or_renew(&mut self) -> kube::Result<Standing> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let created = self.api.create(&PostParams::default(), &self.first()).await;
            return won(created.map(|_| ()));
        };
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
        if holder != self.identity && !holder.is_empty() && !self.has_run_out(&lease) {
            return Ok(Standing::Follows(holder));
        }
        debug!(holder, "writing the lease");
        let taken = self.taken(lease, holder != self.identity);
        let replaced = self.api.replace(&self.name, &PostParams::default(), &taken).await;
        won(replaced.map(|_| ()))
    }

    /// Whether the holder has been silent for its whole lease, by this process's clock.
    fn has_run_out(&mut self, lease: &Lease) -> bool {
        let version = lease.resource_version();
        match &self.seen {
            Some((known, since)) if *known == version => {
                let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
                since.elapsed() > Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
            }
            _ => {
                self.seen = Some((version, Instant::now()));
                false
            }
        }
    }

    fn first(&self) -> Lease {
        Lease {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            spec: Some(self.spec(0)),
        }
    }

    fn taken(&self, mut lease: Lease, changes_hands: bool) -> Lease {
        let old = lease.spec.take().unwrap_or_default();
        let transitions = old.lease_transitions.unwrap_or_default();
        let mut spec = self.spec(transitions.saturating_add(i32::from(changes_hands)));
        if !changes_hands {
            spec.acquire_time = old.acquire_time;
        }
        lease.spec = Some(spec);
        lease
    }

    fn spec(&self, transitions: i32) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        }
    }
}

/// Whoever wrote leads; a conflict means that somebody else wrote first.
fn won(written: kube::Result<()>) -> kube::Result<Standing> {
    match written {
        Ok(()) => Ok(Standing::Leads),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Standing::Follows("another candidate".to_owned())),
        Err(error) => Err(error),
    }
}

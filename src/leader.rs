//! One leader among the replicas, by a `coordination.k8s.io` Lease.
//!
//! Ring: shell.
//!
//! The election runs in a thread of its own, with a runtime, a client and connections of its own ([`Campaign`]): no burst of
//! work is before a renewal, and no work that keeps the other threads busy delays one.
//!
//! # Guarantees
//! - A change of holder is a compare-and-swap on the Lease's resource version: two processes never both win.
//! - Whether a lease has run out is judged by this process's own clock, from when it saw the Lease change last; nobody's
//!   wall clock is compared with anybody's.
//! - A holder that could not renew for [`RENEW_DEADLINE`] stops leading before any other may begin. One request that is lost
//!   or late costs nothing: another one follows within the deadline.

use std::{io, thread, time::Duration};

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};
use tokio::{
    runtime,
    sync::{oneshot, watch},
    time::{Instant, sleep, timeout, timeout_at},
};
use tracing::{debug, error, info, warn};

use crate::{backoff::spread, clock::Clock, task, words::kube_words};

/// How long a silent holder keeps the lease: with the wait for it and the start of the caches, a killed leader is
/// replaced within 15 s.
pub(crate) const LEASE_DURATION: Duration = Duration::from_secs(8);
/// How long a holder that cannot renew goes on leading.
pub(crate) const RENEW_DEADLINE: Duration = Duration::from_secs(6);
/// How often the lease is renewed, or looked at by those who wait.
pub(crate) const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// How often a holder renews. Rarer than the waiting look, because every renewal is a write.
const RENEW_PERIOD: Duration = Duration::from_secs(2);
/// One attempt to become the holder may take so long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// One attempt to renew may take so long: two of them fit between [`RENEW_PERIOD`] and [`RENEW_DEADLINE`].
const RENEW_TIMEOUT: Duration = Duration::from_millis(1900);
/// Between two attempts to renew.
const RENEW_PAUSE: Duration = Duration::from_millis(200);
/// How long a process that has lost the lease may take to end; [`LEASE_DURATION`] is later.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// A candidate for leadership.
pub(crate) struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    clock: Clock,
    seen: Option<(Option<String>, Instant)>,
}

/// Who leads, as far as a candidate can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// This process.
    Leads,
    /// Another one, named so.
    Follows(String),
}

impl Elector {
    /// A candidate called `identity` for the Lease `name`.
    #[must_use]
    pub(crate) fn new(api: Api<Lease>, name: String, identity: String, clock: Clock) -> Self {
        Self { api, name, identity, clock, seen: None }
    }

    /// Waits until this process leads; `watching` is told who leads meanwhile. Returns when the write that made it the holder
    /// began.
    pub(crate) async fn acquire(&mut self, mut watching: impl FnMut(&str)) -> Instant {
        let mut last = None;
        loop {
            let began = Instant::now();
            let seen = self.attempt(REQUEST_TIMEOUT).await;
            let is_news = last.as_ref() != Some(&seen);
            match &seen {
                Ok(Standing::Leads) => {
                    info!(identity = self.identity, "this process leads");
                    return began;
                }
                Ok(Standing::Follows(holder)) => {
                    watching(holder);
                    if is_news {
                        info!(holder, "another process leads; this one waits");
                    }
                }
                Err(error) if is_news => warn!(error, "cannot take part in the election; trying again"),
                Err(_) => {}
            }
            last = Some(seen);
            sleep(spread(RETRY_PERIOD)).await;
        }
    }

    /// Keeps leading since `renewed`; returns when the lease is lost, at the latest [`RENEW_DEADLINE`] after the last renewal
    /// began.
    pub(crate) async fn keep(&mut self, mut renewed: Instant) {
        loop {
            let deadline = renewed + RENEW_DEADLINE;
            let renewal = async {
                sleep(RENEW_PERIOD).await;
                self.renew().await
            };
            match timeout_at(deadline, renewal).await {
                Ok(Ok(began)) => renewed = began,
                Ok(Err(holder)) => return warn!(holder, "the lease was taken by another process"),
                Err(_) => return warn!(seconds = RENEW_DEADLINE.as_secs(), "the lease could not be renewed in time"),
            }
        }
    }

    /// Tries until the lease is renewed, and returns when that attempt began; the other holder where there is one.
    async fn renew(&mut self) -> Result<Instant, String> {
        loop {
            let began = Instant::now();
            match self.attempt(RENEW_TIMEOUT).await {
                Ok(Standing::Leads) => return Ok(began),
                Ok(Standing::Follows(holder)) => return Err(holder),
                Err(error) => warn!(error, "could not renew the lease; trying again"),
            }
            sleep(RENEW_PAUSE).await;
        }
    }

    /// Gives the lease back, so that the next process need not wait for its end.
    pub(crate) async fn release(&self) {
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
            Ok(Err(error)) => warn!(error = kube_words(&error), "could not give the lease back; it runs out by itself"),
            Err(_) => warn!("could not give the lease back in time; it runs out by itself"),
        }
    }

    async fn attempt(&mut self, limit: Duration) -> Result<Standing, String> {
        match timeout(limit, self.acquire_or_renew()).await {
            Ok(Ok(standing)) => Ok(standing),
            Ok(Err(error)) => Err(kube_words(&error)),
            Err(_) => Err(format!("no answer within {limit:?}")),
        }
    }

    async fn acquire_or_renew(&mut self) -> kube::Result<Standing> {
        // The second look tells whether another process wrote meanwhile, or an earlier request of this one whose answer was
        // lost.
        for _ in 0..2 {
            if let Some(standing) = self.look_and_write().await? {
                return Ok(standing);
            }
        }
        Ok(Standing::Follows("another candidate".to_owned()))
    }

    /// `None` where the Lease changed between the look and the write.
    async fn look_and_write(&mut self) -> kube::Result<Option<Standing>> {
        let Some(lease) = self.api.get_opt(&self.name).await? else {
            let created = self.api.create(&PostParams::default(), &self.first()).await;
            return won(created.map(|_| ()));
        };
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
        if holder != self.identity && !holder.is_empty() && !self.has_run_out(&lease) {
            return Ok(Some(Standing::Follows(holder)));
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
        let now = MicroTime(self.clock.now());
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

/// The writer leads; a conflict means that the Lease was written meanwhile.
fn won(written: kube::Result<()>) -> kube::Result<Option<Standing>> {
    match written {
        Ok(()) => Ok(Some(Standing::Leads)),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(None),
        Err(error) => Err(error),
    }
}

/// How far a [`Campaign`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leadership {
    /// No answer from the apiserver yet.
    Unknown,
    /// Another process leads, named so.
    Follows(String),
    /// This process leads.
    Leads,
    /// It led, and does so no more.
    Lost,
}

/// Makes a client for the apiserver. A client lives in the event loop that it is made in.
pub(crate) type Connect = Box<dyn FnOnce() -> kube::Result<Client> + Send>;

/// The Lease to campaign for, and how.
pub(crate) struct Candidate {
    /// Makes its client, where its requests are sent from then on.
    pub connect: Connect,
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub lease: String,
    /// The name of this process among the candidates.
    pub identity: String,
    /// Its clock, which the Lease shows and nothing is judged by.
    pub clock: Clock,
}

/// The election of one process, in a thread of its own.
pub(crate) struct Campaign {
    leadership: watch::Receiver<Leadership>,
    end: oneshot::Sender<()>,
}

impl Campaign {
    /// Starts the thread. Once the lease is lost it ends the process after a second, should that still be there.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub(crate) fn start(candidate: Candidate) -> io::Result<Self> {
        let (told, leadership) = watch::channel(Leadership::Unknown);
        let (end, ended) = oneshot::channel();
        let campaign = move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(candidate.campaign(&told, ended)),
                Err(error) => error!(%error, "the system gives the election no event loop"),
            }
            if *told.borrow() == Leadership::Lost {
                thread::sleep(END_TIMEOUT);
                end_late();
            }
        };
        thread::Builder::new().name("lease".to_owned()).spawn(campaign)?;
        Ok(Self { leadership, end })
    }

    /// Starts it in a task of the simulated replica that calls this, which it ends in the same way.
    #[cfg(feature = "testing")]
    #[must_use]
    pub(crate) fn start_in_task(candidate: Candidate) -> Self {
        let (told, leadership) = watch::channel(Leadership::Unknown);
        let (end, ended) = oneshot::channel();
        task::spawn_vital("election", async move {
            candidate.campaign(&told, ended).await;
            if *told.borrow() == Leadership::Lost {
                sleep(END_TIMEOUT).await;
                end_late();
            }
        });
        Self { leadership, end }
    }

    /// Waits until this process leads; `watching` is told of each other leader meanwhile. Returns false where the thread has
    /// ended before.
    pub(crate) async fn led(&mut self, mut watching: impl FnMut(&str)) -> bool {
        let decided = self.leadership.wait_for(|leadership| {
            if let Leadership::Follows(leader) = leadership {
                watching(leader);
            }
            matches!(leadership, Leadership::Leads | Leadership::Lost)
        });
        decided.await.is_ok_and(|leadership| *leadership == Leadership::Leads)
    }

    /// Waits until this process does not lead any more.
    pub(crate) async fn lost(&mut self) {
        drop(self.leadership.wait_for(|leadership| *leadership == Leadership::Lost).await);
    }

    /// Ends the campaign and gives the lease back, so that the next process need not wait for its end.
    pub(crate) async fn release(mut self) {
        // Fails when the thread has ended, which is as good.
        let _ = self.end.send(());
        let ended = async { while self.leadership.changed().await.is_ok() {} };
        drop(timeout(REQUEST_TIMEOUT, ended).await);
    }
}

fn end_late() {
    error!("the lease is lost, and the process is still there; ending it");
    task::end_replica();
}

impl Candidate {
    async fn campaign(self, told: &watch::Sender<Leadership>, ended: oneshot::Receiver<()>) {
        let Self { connect, namespace, lease, identity, clock } = self;
        let client = match connect() {
            Ok(client) => client,
            Err(error) => return error!(%error, "the election gets no client for the apiserver"),
        };
        let mut elector = Elector::new(Api::namespaced(client, &namespace), lease, identity, clock);
        let leading = async {
            let acquired =
                elector.acquire(|leader| drop(told.send_replace(Leadership::Follows(leader.to_owned())))).await;
            told.send_replace(Leadership::Leads);
            elector.keep(acquired).await;
            told.send_replace(Leadership::Lost);
        };
        let was_told = tokio::select! {
            // A lease that is lost is not to be released.
            biased;
            () = leading => false,
            // An end that is only dropped comes with the end of the process.
            end = ended => end.is_ok(),
        };
        if was_told && *told.borrow() == Leadership::Leads {
            elector.release().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::http::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;
    use crate::task::Tasks;

    /// What the apiserver does with the next write.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Write {
        Answered,
        /// Nothing happens, and no answer comes.
        Lost,
        /// It happens, and no answer comes.
        Unanswered,
    }

    /// The Lease, and what happens to its next writes; once these are used up every write is answered, or all are lost.
    struct Apiserver {
        lease: Value,
        writes: Vec<Write>,
        rest: Write,
    }

    impl Apiserver {
        fn answer(&mut self, method: &Method, body: &Value) -> Option<(u16, Value)> {
            if method == Method::GET {
                return Some((200, self.lease.clone()));
            }
            let write = if self.writes.is_empty() { self.rest } else { self.writes.remove(0) };
            let version = self.lease["metadata"]["resourceVersion"].clone();
            if write == Write::Lost {
                return None;
            }
            if body["metadata"]["resourceVersion"] != version {
                return Some((409, json!({"kind": "Status", "code": 409, "reason": "Conflict", "message": "changed"})));
            }
            self.lease = body.clone();
            let next = version.as_str().unwrap().parse::<u64>().unwrap() + 1;
            self.lease["metadata"]["resourceVersion"] = json!(next.to_string());
            (write == Write::Answered).then(|| (200, self.lease.clone()))
        }
    }

    /// An apiserver with the Lease of that holder, for clients of its own.
    fn apiserver(holder: &str, writes: Vec<Write>, rest: Write) -> impl Fn() -> Client + Clone + Send {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "lease", "namespace": "ns", "resourceVersion": "1"},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": LEASE_DURATION.as_secs()},
        });
        let apiserver = Arc::new(Mutex::new(Apiserver { lease, writes, rest }));
        let service = tower::service_fn(move |request: Request<Body>| {
            let apiserver = Arc::clone(&apiserver);
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let answer = apiserver.lock().unwrap().answer(&head.method, &body);
                let Some((code, body)) = answer else { return std::future::pending().await };
                let body = Body::from(serde_json::to_vec(&body).unwrap());
                Ok::<_, std::convert::Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        move || Client::new(service.clone(), "ns")
    }

    fn elector(writes: Vec<Write>, rest: Write) -> Elector {
        let client = apiserver("me", writes, rest)();
        Elector::new(Api::namespaced(client, "ns"), "lease".to_owned(), "me".to_owned(), Clock::system())
    }

    /// Whether the lease is kept for a minute of these writes.
    async fn is_kept(writes: Vec<Write>) -> bool {
        let mut elector = elector(writes, Write::Answered);
        timeout(Duration::from_secs(60), elector.keep(Instant::now())).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_is_lost_is_tried_again_in_time() {
        assert!(is_kept(vec![]).await);
        assert!(is_kept(vec![Write::Lost]).await);
        assert!(is_kept(vec![Write::Answered, Write::Lost, Write::Answered, Write::Lost]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_whose_answer_is_lost_is_no_other_holders() {
        assert!(is_kept(vec![Write::Unanswered]).await);
    }

    #[tokio::test(start_paused = true)]
    async fn the_lease_is_lost_before_another_may_have_it() {
        let (mut elector, began) = (elector(vec![Write::Answered], Write::Lost), Instant::now());
        elector.keep(began).await;
        let renewed = began + RENEW_PERIOD;
        assert_eq!(renewed.elapsed(), RENEW_DEADLINE);
    }

    /// A replica that only campaigns, and what it was last.
    fn replica(identity: &str, connect: impl Fn() -> Client + Send + 'static) -> (Tasks, watch::Receiver<Leadership>) {
        let candidate = Candidate {
            connect: Box::new(move || Ok(connect())),
            namespace: "ns".to_owned(),
            lease: "lease".to_owned(),
            identity: identity.to_owned(),
            clock: Clock::system(),
        };
        let (tasks, (shows, shown)) = (Tasks::default(), watch::channel(Leadership::Unknown));
        tasks.spawn(async move {
            let mut campaign = Campaign::start_in_task(candidate);
            loop {
                shows.send_replace(campaign.leadership.borrow_and_update().clone());
                drop(campaign.leadership.changed().await);
            }
        });
        (tasks, shown)
    }

    /// A leader that is stopped does nothing while another leads, and ends when it goes on.
    #[tokio::test(start_paused = true)]
    async fn a_frozen_leader_is_replaced_and_ends_once_it_goes_on() {
        let connect = apiserver("", vec![], Write::Answered);
        let (first, shown) = replica("first", connect.clone());
        sleep(RETRY_PERIOD).await;
        assert_eq!(*shown.borrow(), Leadership::Leads);
        let (second, shown_by_second) = replica("second", connect);
        sleep(LEASE_DURATION).await;
        assert_eq!(*shown_by_second.borrow(), Leadership::Follows("first".to_owned()));
        first.freeze();
        sleep(LEASE_DURATION + 3 * RETRY_PERIOD).await;
        assert_eq!(
            [&shown, &shown_by_second].map(|shown| shown.borrow().clone()),
            [Leadership::Leads, Leadership::Leads]
        );
        first.thaw();
        sleep(END_TIMEOUT / 2).await;
        assert_eq!(*shown.borrow(), Leadership::Lost);
        sleep(END_TIMEOUT).await;
        assert_eq!([first.is_killed(), second.is_killed()], [true, false]);
    }

    #[test]
    fn two_renewals_fit_into_the_deadline() {
        assert!(RENEW_PERIOD + RENEW_TIMEOUT + RENEW_PAUSE + RENEW_TIMEOUT <= RENEW_DEADLINE);
        assert!(RENEW_DEADLINE + END_TIMEOUT < LEASE_DURATION);
    }
}

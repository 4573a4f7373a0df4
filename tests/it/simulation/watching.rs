//! A watcher of kube-runtime follows objects of the simulated apiserver, as the operator's caches do.

use std::time::Duration;

use futures::{StreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt as _,
        reflector::{self, Store, reflector},
        watcher::{self, Event, watcher},
    },
};
use omotes_operator::testing::api::OmotesJob;
use serde_json::json;
use tokio::time::timeout;

use crate::support::bed::shell_job;

use super::apiserver::{Requests, SimulatedApiserver};

const NAMESPACE: &str = "team";
/// Longer than a watcher waits after an error.
const PATIENCE: Duration = Duration::from_secs(120);

/// A watcher, and what a store has by it.
struct Follower {
    events: BoxStream<'static, watcher::Result<Event<OmotesJob>>>,
    store: Store<OmotesJob>,
}

impl Follower {
    fn new(apiserver: &SimulatedApiserver) -> Self {
        let api: Api<DeserializeGuard<OmotesJob>> = Api::namespaced(apiserver.client("follower", NAMESPACE), NAMESPACE);
        let events = watcher(api, watcher::Config::default().page_size(2)).default_backoff();
        let (store, writer) = reflector::store();
        let events = events.map(|event| event.map(decoded));
        Self { events: reflector(writer, events).boxed(), store }
    }

    /// The next events, so many.
    async fn see(&mut self, count: usize) -> String {
        let mut seen = Vec::new();
        for _ in 0..count {
            let next = timeout(PATIENCE, self.events.next()).await;
            seen.push(next.map_or_else(|_| "silence".to_owned(), |next| shown(next.unwrap())));
        }
        seen.join(", ")
    }

    async fn sees_nothing(&mut self) -> bool {
        timeout(PATIENCE, self.events.next()).await.is_err()
    }

    fn stored(&self) -> String {
        let mut names: Vec<String> = self.store.state().iter().map(|job| job.name_any()).collect();
        names.sort();
        names.join(" ")
    }
}

fn decoded(event: Event<DeserializeGuard<OmotesJob>>) -> Event<OmotesJob> {
    let job = |guard: DeserializeGuard<OmotesJob>| guard.0.unwrap();
    match event {
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
        Event::InitApply(object) => Event::InitApply(job(object)),
        Event::Apply(object) => Event::Apply(job(object)),
        Event::Delete(object) => Event::Delete(job(object)),
    }
}

fn shown(event: watcher::Result<Event<OmotesJob>>) -> String {
    match event {
        Ok(Event::Init) => "init".to_owned(),
        Ok(Event::InitDone) => "listed".to_owned(),
        Ok(Event::InitApply(job)) => format!("lists {}", job.name_any()),
        Ok(Event::Apply(job)) => format!("applies {} {}", job.name_any(), job.metadata.generation.unwrap_or_default()),
        Ok(Event::Delete(job)) => format!("deletes {}", job.name_any()),
        Err(watcher::Error::WatchError(status)) => format!("fails with {}", status.code),
        Err(watcher::Error::WatchFailed(_)) => "loses its connection".to_owned(),
        Err(other) => other.to_string(),
    }
}

/// A test's own client of jobs.
struct Jobs(Api<OmotesJob>);

impl Jobs {
    async fn create(&self, name: &str) {
        self.0.create(&PostParams::default(), &shell_job(name, "true")).await.unwrap();
    }

    async fn change(&self, name: &str) {
        let patch = Patch::Merge(json!({"spec": {"suspend": true}}));
        self.0.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn delete(&self, name: &str) {
        self.0.delete(name, &DeleteParams::default()).await.unwrap();
    }
}

async fn start() -> (SimulatedApiserver, Jobs, Follower) {
    let apiserver = SimulatedApiserver::start(Timestamp::UNIX_EPOCH);
    apiserver.add_namespace(NAMESPACE);
    let jobs = Jobs(Api::namespaced(apiserver.client("user", NAMESPACE), NAMESPACE));
    for name in ["c", "a", "b"] {
        jobs.create(name).await;
    }
    let mut follower = Follower::new(&apiserver);
    assert_eq!(follower.see(5).await, "init, lists a, lists b, lists c, listed");
    (apiserver, jobs, follower)
}

#[tokio::test(start_paused = true)]
async fn a_watcher_sees_each_change_in_order() {
    let (_apiserver, jobs, mut follower) = start().await;
    jobs.change("a").await;
    jobs.delete("b").await;
    jobs.create("d").await;
    assert_eq!(follower.see(3).await, "applies a 2, deletes b, applies d 1");
    assert!(follower.sees_nothing().await);
    assert_eq!(follower.stored(), "a c d");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_held_comes_later() {
    let (apiserver, jobs, mut follower) = start().await;
    let watches = Requests::of("follower").on("omotesjobs");
    apiserver.hold_watches(watches.clone());
    jobs.change("a").await;
    jobs.change("b").await;
    jobs.delete("a").await;
    assert!(follower.sees_nothing().await);
    apiserver.let_through(&watches, 1);
    assert_eq!(follower.see(1).await, "applies a 2");
    assert!(follower.sees_nothing().await);
    apiserver.release_watches(&watches);
    assert_eq!(follower.see(2).await, "applies b 2, deletes a");
    assert_eq!(follower.stored(), "b c");
}

#[tokio::test(start_paused = true)]
async fn only_the_watches_that_are_meant_are_held() {
    let (apiserver, jobs, mut follower) = start().await;
    apiserver.hold_watches(Requests::of("another"));
    apiserver.hold_watches(Requests::of("follower").on("pods"));
    jobs.change("a").await;
    assert_eq!(follower.see(1).await, "applies a 2");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_expires_lists_again() {
    let (apiserver, jobs, mut follower) = start().await;
    let watches = Requests::of("follower");
    apiserver.hold_watches(watches.clone());
    jobs.delete("a").await;
    jobs.create("d").await;
    apiserver.expire_watches(&watches);
    apiserver.release_watches(&watches);
    assert_eq!(follower.see(6).await, "fails with 410, init, lists b, lists c, lists d, listed");
    assert_eq!(follower.stored(), "b c d", "what was held is lost, and found in the list");
    jobs.change("d").await;
    assert_eq!(follower.see(1).await, "applies d 2");
}

/// No list follows, and nothing is lost or comes twice.
#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_goes_on_where_it_was() {
    let (apiserver, jobs, mut follower) = start().await;
    let watches = Requests::of("follower");
    jobs.change("a").await;
    apiserver.bookmark(&watches);
    assert_eq!(follower.see(1).await, "applies a 2");
    assert!(timeout(Duration::from_secs(1), follower.events.next()).await.is_err(), "a bookmark is no event");
    apiserver.end_watches(&watches);
    jobs.change("b").await;
    assert_eq!(follower.see(1).await, "applies b 2");
    apiserver.break_watches(&watches);
    jobs.change("c").await;
    assert_eq!(follower.see(2).await, "loses its connection, applies c 2");
    let lists = apiserver.log().into_iter().filter(|request| request.user == "follower" && request.verb == "list");
    assert_eq!(lists.count(), 2, "the two pages at its start");
    drop(follower);
    jobs.delete("c").await;
    assert_eq!(apiserver.watches(), 0, "its client is gone");
}

/// A watch lasts as long as its request says: 290 s by kube.
#[tokio::test(start_paused = true)]
async fn a_watch_ends_by_itself_and_begins_anew() {
    let (apiserver, jobs, mut follower) = start().await;
    assert!(timeout(Duration::from_secs(600), follower.events.next()).await.is_err());
    jobs.change("a").await;
    assert_eq!(follower.see(1).await, "applies a 2");
    let begun = apiserver.log().into_iter().filter(|request| request.verb == "watch").count();
    assert_eq!(begun, 3);
}

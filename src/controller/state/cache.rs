//! The jobs and pods as last seen: watched, and written back by whoever wrote them.
//!
//! Ring: shell.
//!
//! # Guarantees
//! - An object that this process wrote is seen at once: its own writes go into the same store, and an older version
//!   never replaces a newer one.
//! - What vanished while a watch was down is noticed at the next list, like any deletion.
//! - What is gone stays gone: neither an event nor the answer to a write that is late brings it back.
//! - One object that cannot be decoded stops no other.
//! - What only the making of a pod needs is left out: [`Slim`].
//!
//! # Assumptions
//! Started after leadership was gained, so that the first list shows everything that a former leader did.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{Stream, StreamExt, pin_mut};
use kube::{
    Resource, ResourceExt,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt,
        reflector::{self, ObjectRef, Store, store::Writer},
        watcher::{self, Event},
    },
};

use crate::{api::finalizers, newest::Newest};

use super::slim::Slim;

/// More objects than go while one request waits for its answer; 1 MB.
const MAX_ENDS: usize = 10_000;

/// Objects of one kind, by namespace and name.
pub(crate) struct Cache<K: Kept> {
    store: Store<K>,
    kept: Mutex<Keeping<K>>,
}

struct Keeping<K: Kept> {
    writer: Writer<K>,
    /// The objects that are there, by UID.
    by_uid: HashMap<String, ObjectRef<K>>,
    ends: Ends,
}

/// How the newest objects went that are not there any more, by UID.
type Ends = Newest<String, ObjectEnd, MAX_ENDS>;

#[derive(Clone, Copy)]
enum ObjectEnd {
    /// With a write of ours: the watch still has to tell the object's life, and must not bring it back.
    Written,
    /// The watch told it, at this version where it is known. A pod may come back, by its labels; then it is newer.
    Told(Option<u64>),
}

/// What a cache can hold.
pub(crate) trait Kept:
    Resource<DynamicType = ()> + Slim + Clone + std::fmt::Debug + Send + Sync + 'static
{
}
impl<K: Resource<DynamicType = ()> + Slim + Clone + std::fmt::Debug + Send + Sync + 'static> Kept for K {}

/// What a watch tells its owner.
#[expect(clippy::large_enum_variant, reason = "handed over by value, one at a time")]
pub(crate) enum Change<K> {
    /// The object is there, new or changed.
    Applied(K),
    /// The object is gone.
    Deleted(K),
    /// The object is there and cannot be decoded.
    Undecodable(kube::core::error_boundary::InvalidObject),
    /// Everything that was there when the watch started has been told.
    Synced,
    /// The watch failed and will be tried again.
    Failed(watcher::Error),
}

impl<K: Kept> Cache<K> {
    pub(crate) fn new() -> Self {
        let (store, mut writer) = reflector::store::<K>();
        // Lists of several namespaces are merged one object at a time: for the store they are changes, never a restart.
        writer.apply_watcher_event(&Event::Init);
        writer.apply_watcher_event(&Event::InitDone);
        Self { store, kept: Mutex::new(Keeping { writer, by_uid: HashMap::new(), ends: Ends::default() }) }
    }

    /// All objects, in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.filtered(|_| true)
    }

    /// The objects that are `wanted`, in the order of their names: what follows from each follows in the same order in each
    /// process. The order of the store is another one each time.
    pub(crate) fn filtered(&self, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        let mut objects = self.store.state_filter(wanted);
        objects.sort_unstable_by(|one, other| name_of(&**one).cmp(&name_of(&**other)));
        objects
    }

    /// The store, for reading in any order.
    pub(crate) fn store(&self) -> Store<K> {
        self.store.clone()
    }

    /// The object called so, as last seen.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The object with this UID, as last seen.
    pub(crate) fn of_uid(&self, uid: &str) -> Option<Arc<K>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.get(kept.by_uid.get(uid)?)
    }

    /// Takes in what the watch said of `object`, unless something newer is known. Tells whether it was taken.
    pub(crate) fn apply(&self, object: &K) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let uid = object.meta().uid.as_deref().unwrap_or_default();
        match kept.ends.get(uid) {
            Some(ObjectEnd::Written) => return false,
            Some(ObjectEnd::Told(_)) => kept.ends.remove(uid),
            None => {}
        }
        self.take(object, &mut kept)
    }

    /// Takes in the answer to a write of ours. An object that is only waiting for its last finalizer is gone with it.
    /// Tells whether the object is there: the watch may have told its end before the answer came.
    pub(crate) fn wrote(&self, object: &K) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if finalizers::is_gone(object) {
            self.end(object, ObjectEnd::Written, &mut kept);
            return false;
        }
        let is_late = match kept.ends.get(object.meta().uid.as_deref().unwrap_or_default()) {
            None => false,
            Some(ObjectEnd::Written | ObjectEnd::Told(None)) => true,
            Some(ObjectEnd::Told(Some(end))) => version(object).is_none_or(|version| version <= *end),
        };
        if !is_late {
            self.take(object, &mut kept);
        }
        !is_late
    }

    /// Takes in that a deletion of ours was answered.
    pub(crate) fn forget_written(&self, object: &K) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.end(object, ObjectEnd::Written, &mut kept);
    }

    /// Takes in the watch's word that `object` is gone, in this version.
    pub(crate) fn remove(&self, object: &K) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.end(object, ObjectEnd::Told(version(object)), &mut kept);
    }

    /// Takes in that a list lacks `object`. Its last version is not known.
    fn vanished(&self, object: &K) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        self.end(object, ObjectEnd::Told(None), &mut kept);
    }

    /// Takes in that a list is complete: it was made after every write whose answer is known.
    fn listed(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let written = kept.ends.values_mut().filter(|end| matches!(end, ObjectEnd::Written));
        written.for_each(|end| *end = ObjectEnd::Told(None));
    }

    fn take(&self, object: &K, kept: &mut Keeping<K>) -> bool {
        let name = ObjectRef::from_obj(object);
        let known = self.store.get(&name);
        if known.as_ref().is_some_and(|known| known.uid() == object.uid() && is_newer(&**known, object)) {
            return false;
        }
        if let Some(former) = known.and_then(|known| known.uid()) {
            kept.by_uid.remove(&former);
        }
        kept.by_uid.insert(object.uid().unwrap_or_default(), name);
        let mut object = object.clone();
        object.slim();
        kept.writer.apply_watcher_event(&Event::Apply(object));
        true
    }

    /// Notes the end of `object`, and forgets it if it is still the one that is known.
    fn end(&self, object: &K, end: ObjectEnd, kept: &mut Keeping<K>) {
        kept.ends.put(object.uid().unwrap_or_default(), end);
        let known = self.store.get(&ObjectRef::from_obj(object));
        if known.is_some_and(|known| known.uid() == object.uid()) {
            kept.by_uid.remove(&object.uid().unwrap_or_default());
            kept.writer.apply_watcher_event(&Event::Delete(object.clone()));
        }
    }
}

/// Its namespace and name.
fn name_of<K: Resource>(object: &K) -> (Option<&String>, Option<&String>) {
    (object.meta().namespace.as_ref(), object.meta().name.as_ref())
}

/// Resource versions of one kind are comparable as numbers (KEP-5504, Kubernetes 1.35; etcd's revisions before).
fn is_newer<K: Resource>(known: &K, other: &K) -> bool {
    version(known).zip(version(other)).is_some_and(|(known, other)| known > other)
}

fn version<K: Resource>(object: &K) -> Option<u64> {
    object.meta().resource_version.as_ref()?.parse().ok()
}

/// Keeps `cache` up to date with one watch and tells `changed` of every change, until the stream ends.
pub(crate) async fn drive<K: Kept>(
    cache: &Cache<K>,
    stream: impl Stream<Item = watcher::Result<Event<DeserializeGuard<K>>>>,
    mut changed: impl FnMut(Change<K>),
) {
    let stream = stream.default_backoff();
    pin_mut!(stream);
    let mut told = HashSet::<ObjectRef<K>>::new();
    let mut listed = HashSet::new();
    while let Some(event) = stream.next().await {
        match event {
            Err(error) => changed(Change::Failed(error)),
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                listed.insert(ObjectRef::from_obj(&object).erase());
                take(cache, object, &mut told, &mut changed);
            }
            Ok(Event::InitDone) => {
                let gone = told.extract_if(|known| !listed.contains(&known.clone().erase()));
                let mut gone: Vec<_> = gone.filter_map(|known| cache.store.get(&known)).collect();
                // What follows from each end follows in the same order everywhere.
                gone.sort_unstable_by(|one, other| name_of(&**one).cmp(&name_of(&**other)));
                for object in gone {
                    cache.vanished(&object);
                    changed(Change::Deleted((*object).clone()));
                }
                cache.listed();
                changed(Change::Synced);
            }
            Ok(Event::Apply(object)) => take(cache, object, &mut told, &mut changed),
            Ok(Event::Delete(DeserializeGuard(Ok(object)))) => {
                told.remove(&ObjectRef::from_obj(&object));
                cache.remove(&object);
                changed(Change::Deleted(object));
            }
            Ok(Event::Delete(DeserializeGuard(Err(_)))) => {}
        }
    }
}

fn take<K: Kept>(
    cache: &Cache<K>,
    DeserializeGuard(object): DeserializeGuard<K>,
    told: &mut HashSet<ObjectRef<K>>,
    changed: &mut impl FnMut(Change<K>),
) {
    match object {
        Err(invalid) => changed(Change::Undecodable(invalid)),
        Ok(mut object) => {
            object.managed_fields_mut().clear();
            told.insert(ObjectRef::from_obj(&object));
            if cache.apply(&object) {
                changed(Change::Applied(object));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Pod;

    fn pod(name: &str, uid: &str, version: &str) -> Pod {
        let mut pod = Pod::default();
        pod.metadata.name = Some(name.to_owned());
        pod.metadata.namespace = Some("ns".to_owned());
        pod.metadata.uid = Some(uid.to_owned());
        pod.metadata.resource_version = Some(version.to_owned());
        pod
    }

    fn version(cache: &Cache<Pod>, name: &str) -> Option<String> {
        cache.get("ns", name).and_then(|pod| pod.resource_version())
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one() {
        let cache = Cache::new();
        cache.wrote(&pod("a", "1", "9"));
        assert!(!cache.apply(&pod("a", "1", "8")));
        assert_eq!(version(&cache, "a").as_deref(), Some("9"));
        assert!(cache.apply(&pod("a", "2", "3")), "another object of that name is another object");
    }

    /// Jobs are triggered, workflows touched and pods released in this order.
    #[tokio::test]
    async fn objects_come_and_go_in_the_order_of_their_names() {
        let (cache, names) = (Cache::new(), ["a", "b", "c", "d", "e", "f", "g", "h"]);
        let apply = |name: &&str| Ok(Event::InitApply(DeserializeGuard(Ok(pod(name, name, "1")))));
        let mut events = vec![Ok(Event::Init)];
        events.extend(names.iter().rev().map(apply));
        events.extend([Ok(Event::InitDone), Ok(Event::Init), Ok(Event::InitDone)]);
        let mut seen: Vec<Vec<String>> = Vec::new();
        let mut gone = Vec::new();
        drive(&cache, futures::stream::iter(events), |change| match change {
            Change::Synced => seen.push(cache.all().iter().map(|pod| pod.name_any()).collect()),
            Change::Deleted(pod) => gone.push(pod.name_any()),
            _ => {}
        })
        .await;
        assert_eq!(seen, [names.map(str::to_owned).to_vec(), Vec::new()]);
        assert_eq!(gone, names);
    }

    #[test]
    fn an_object_is_found_by_its_uid_as_long_as_it_is_there() {
        let cache = Cache::<Pod>::new();
        let found = |uid: &str| cache.of_uid(uid).and_then(|pod| pod.resource_version());
        cache.apply(&pod("a", "1", "3"));
        cache.apply(&pod("a", "1", "4"));
        assert_eq!(found("1").as_deref(), Some("4"));
        cache.apply(&pod("a", "2", "5"));
        assert_eq!((found("1"), found("2").as_deref()), (None, Some("5")), "a successor of that name");
        cache.remove(&pod("a", "1", "6"));
        assert_eq!(found("2").as_deref(), Some("5"));
        cache.remove(&pod("a", "2", "7"));
        assert_eq!(found("2"), None);
    }

    #[test]
    fn what_went_with_a_write_of_ours_does_not_come_back() {
        let cache = Cache::new();
        cache.apply(&pod("a", "1", "3"));
        let mut last = pod("a", "1", "9");
        last.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH));
        cache.wrote(&last);
        assert!(!cache.apply(&pod("a", "1", "4")), "the watch is late");
        assert_eq!(version(&cache, "a"), None);
        cache.remove(&last);
        assert!(cache.apply(&pod("a", "2", "12")), "a successor of that name is another object");
    }

    #[test]
    fn the_answer_to_a_write_does_not_bring_back_what_the_watch_saw_go() {
        let cache = Cache::new();
        cache.apply(&pod("a", "1", "3"));
        cache.remove(&pod("a", "1", "6"));
        assert!(!cache.wrote(&pod("a", "1", "5")), "written before its end, answered after it");
        assert_eq!(version(&cache, "a"), None);
        assert!(cache.wrote(&pod("a", "1", "7")), "it has only left the watch for a while, by its labels");
        assert_eq!(version(&cache, "a").as_deref(), Some("7"));
        assert!(cache.wrote(&pod("a", "2", "5")), "a successor of that name is another object");
    }

    #[test]
    fn only_the_watch_brings_back_what_a_list_lacked() {
        let cache = Cache::new();
        cache.apply(&pod("a", "1", "3"));
        cache.vanished(&pod("a", "1", "3"));
        assert!(!cache.wrote(&pod("a", "1", "9")), "the list was perhaps later");
        assert!(cache.apply(&pod("a", "1", "10")) && cache.wrote(&pod("a", "1", "11")));
    }

    #[test]
    fn a_late_deletion_does_not_take_the_successor() {
        let cache = Cache::new();
        cache.apply(&pod("a", "2", "9"));
        cache.remove(&pod("a", "1", "5"));
        assert!(version(&cache, "a").is_some());
    }

    #[tokio::test]
    async fn what_vanished_between_two_lists_is_told() {
        let cache = Cache::new();
        let ok = |event| Ok::<_, watcher::Error>(event);
        let guard = |name: &str| DeserializeGuard(Ok(pod(name, name, "1")));
        let events = vec![
            ok(Event::Init),
            ok(Event::InitApply(guard("a"))),
            ok(Event::InitApply(guard("b"))),
            ok(Event::InitDone),
            ok(Event::Init),
            ok(Event::InitApply(guard("b"))),
            ok(Event::InitDone),
        ];
        let mut gone = Vec::new();
        drive(&cache, futures::stream::iter(events), |change| {
            if let Change::Deleted(pod) = change {
                gone.push(pod.name_any());
            }
        })
        .await;
        assert_eq!((gone, version(&cache, "a")), (vec!["a".to_owned()], None));
    }
}

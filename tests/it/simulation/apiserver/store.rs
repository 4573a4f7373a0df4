//! The objects, their versions, and every change that there was.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{kinds::Kind, refusal::Refusal};

/// The version of an empty store: no watch begins before it.
const FIRST_REVISION: u64 = 1000;

/// Where an object is: the plural of its kind, then its namespace and name as etcd orders them.
pub(super) type Key = (&'static str, String);

/// What etcd holds, and the clock.
pub(super) struct Store {
    epoch: Timestamp,
    began: Instant,
    revision: u64,
    /// The oldest version that a watch or a page may begin after.
    oldest: u64,
    objects: BTreeMap<Key, Stored>,
    history: Vec<Change>,
    /// How many UIDs and names were given.
    uids: u64,
    names: u64,
}

/// An object, and what each field manager applied last, by its name and the subresource.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    pub value: Value,
    pub applied: BTreeMap<(String, String), Value>,
}

/// One change: created where there was nothing before, deleted where there is nothing after.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub kind: &'static Kind,
    pub key: Key,
    pub revision: u64,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

pub(super) fn key(kind: &Kind, namespace: &str, name: &str) -> Key {
    (kind.plural, format!("{namespace}/{name}"))
}

impl Store {
    pub(super) fn new(epoch: Timestamp) -> Self {
        Self {
            epoch,
            began: Instant::now(),
            revision: FIRST_REVISION,
            oldest: FIRST_REVISION,
            objects: BTreeMap::new(),
            history: Vec::new(),
            uids: 0,
            names: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.epoch + self.began.elapsed()
    }

    /// The time so many seconds from now, as metadata has it.
    pub(super) fn time_in(&self, seconds: u64) -> String {
        let time = self.now() + Duration::from_secs(seconds);
        Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Forgets what was before now: watches and pages of then are too old.
    pub(super) fn compact(&mut self) {
        self.oldest = self.revision;
    }

    pub(super) fn next_uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.uids)
    }

    /// Five characters that no other generated name of this store ends with.
    pub(super) fn next_suffix(&mut self) -> String {
        const CHARACTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
        self.names += 1;
        let digits = (0..5).rev().map(|place| self.names / 27_u64.pow(place) % 27);
        digits.filter_map(|digit| Some(char::from(*CHARACTERS.get(usize::try_from(digit).ok()?)?))).collect()
    }

    pub(super) fn find(&self, kind: &Kind, namespace: &str, name: &str) -> Option<&Stored> {
        self.objects.get(&key(kind, namespace, name))
    }

    pub(super) fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<&Stored, Refusal> {
        self.find(kind, namespace, name).ok_or_else(|| Refusal::not_found(kind, name))
    }

    /// All objects, in the order of their keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, &Stored)> {
        self.objects.iter()
    }

    /// The objects of a kind as they were at `revision`, in order.
    pub(super) fn snapshot(&self, kind: &Kind, revision: u64) -> Vec<Value> {
        if revision == self.revision {
            let now = self.objects.iter().filter(|((plural, _), _)| *plural == kind.plural);
            return now.map(|(_, stored)| stored.value.clone()).collect();
        }
        let mut objects = BTreeMap::new();
        for change in self.history.iter().filter(|change| change.kind == kind && change.revision <= revision) {
            match &change.after {
                Some(object) => objects.insert(&change.key, object),
                None => objects.remove(&change.key),
            };
        }
        objects.into_values().cloned().collect()
    }

    /// What changed since.
    pub(super) fn changes_after(&self, revision: u64) -> impl Iterator<Item = &Change> {
        let first = self.history.partition_point(|change| change.revision <= revision);
        self.history.iter().skip(first)
    }

    /// Stores an object with a version of its own, and returns it.
    pub(super) fn put(&mut self, kind: &'static Kind, mut stored: Stored) -> Value {
        self.revision += 1;
        stored.value["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let value = stored.value.clone();
        let key = key_of(kind, &value);
        let before = self.objects.insert(key.clone(), stored).map(|stored| stored.value);
        self.note(kind, key, before, Some(value.clone()));
        value
    }

    /// Notes what was applied to an object that is as it was.
    pub(super) fn amend(&mut self, kind: &Kind, stored: Stored) {
        self.objects.insert(key_of(kind, &stored.value), stored);
    }

    /// Removes an object.
    pub(super) fn remove(&mut self, kind: &'static Kind, value: &Value) {
        let key = key_of(kind, value);
        if let Some(stored) = self.objects.remove(&key) {
            self.revision += 1;
            self.note(kind, key, Some(stored.value), None);
        }
    }

    fn note(&mut self, kind: &'static Kind, key: Key, before: Option<Value>, after: Option<Value>) {
        self.history.push(Change { kind, key, revision: self.revision, before, after });
    }
}

/// A text in an object's metadata; empty where there is none.
pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// The finalizers of an object.
pub(super) fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// How long a pod that is being deleted has; zero where it is not said.
pub(super) fn grace(object: &Value) -> u64 {
    object["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or_default()
}

fn key_of(kind: &Kind, object: &Value) -> Key {
    key(kind, text(object, "namespace"), text(object, "name"))
}

//! What all steps use: clients, what a step is answered, and the lines of the transcript.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use futures::{StreamExt as _, stream::BoxStream};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, WatchParams},
    core::{ApiResource, DynamicObject, GroupVersionKind, WatchEvent},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::simulation::apiserver::SimulatedApiserver;

/// Longer than an apiserver needs that has much to do, and a garbage collector.
const PATIENCE: Duration = Duration::from_secs(90);
/// What does not come within that does not come.
const SILENCE: Duration = Duration::from_secs(1);

pub(super) type Objects = Api<DynamicObject>;

/// What the script runs against.
pub(super) struct Cluster {
    pub client: Client,
    pub namespace: String,
    /// What collects garbage when it is called; `None` where that happens by itself.
    pub collector: Option<SimulatedApiserver>,
}

pub(super) struct Script {
    pub cluster: Cluster,
    /// The last version of each object, by its UID.
    versions: BTreeMap<String, String>,
    transcript: String,
}

/// A watch, and what comes of it.
pub(super) struct Watch(BoxStream<'static, kube::Result<WatchEvent<DynamicObject>>>);

/// A kind, by its plural.
fn resource(plural: &str) -> ApiResource {
    let (group, version, kind) = match plural {
        "omotesjobs" => ("omotes.io", "v1alpha1", "OmotesJob"),
        "pods" => ("", "v1", "Pod"),
        "secrets" => ("", "v1", "Secret"),
        "leases" => ("coordination.k8s.io", "v1", "Lease"),
        "events" => ("events.k8s.io", "v1", "Event"),
        _ => ("omotes.io", "v1alpha1", "Unknown"),
    };
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

impl Watch {
    /// The next event that is no bookmark: those come when the apiserver wants.
    async fn next(&mut self) -> Option<kube::Result<WatchEvent<DynamicObject>>> {
        loop {
            let next = self.0.next().await;
            if !matches!(next, Some(Ok(WatchEvent::Bookmark(_)))) {
                return next;
            }
        }
    }
}

impl Script {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, versions: BTreeMap::new(), transcript: String::new() }
    }

    pub(super) fn api(&self, plural: &str) -> Objects {
        self.api_in(plural, &self.cluster.namespace)
    }

    pub(super) fn api_in(&self, plural: &str, namespace: &str) -> Objects {
        Api::namespaced_with(self.cluster.client.clone(), namespace, &resource(plural))
    }

    /// An object of that kind with these fields.
    pub(super) fn object(plural: &str, fields: &Value) -> DynamicObject {
        let resource = resource(plural);
        let mut object = fields.clone();
        object["apiVersion"] = json!(resource.api_version);
        object["kind"] = json!(resource.kind);
        serde_json::from_value(object).unwrap()
    }

    /// Writes what was seen.
    pub(super) fn fact(&mut self, step: &str, seen: &str) {
        writeln!(self.transcript, "{step}: {}", seen.replace(&self.cluster.namespace, "NAMESPACE")).unwrap();
    }

    /// Writes what a request for an object was answered.
    pub(super) fn line(&mut self, step: &str, answer: kube::Result<DynamicObject>) -> Option<DynamicObject> {
        let seen = match &answer {
            Ok(object) => format!("{}, {}", self.version(object), shown(object)),
            Err(error) => failure(error),
        };
        self.fact(step, seen.trim_end_matches(", "));
        answer.ok()
    }

    /// Whether the object has another version than it had before.
    fn version(&mut self, object: &DynamicObject) -> &'static str {
        let version = object.resource_version().unwrap_or_default();
        match self.versions.insert(object.uid().unwrap_or_default(), version.clone()) {
            None => "first version",
            Some(before) if before == version => "same version",
            Some(before) if before.parse::<u64>().unwrap() < version.parse().unwrap_or_default() => "new version",
            Some(_) => "older version",
        }
    }

    pub(super) async fn create(&mut self, step: &str, plural: &str, fields: Value) -> Option<DynamicObject> {
        let made = self.api(plural).create(&PostParams::default(), &Self::object(plural, &fields)).await;
        self.line(step, made)
    }

    /// Writes the whole status of an object.
    pub(super) fn status(&mut self, object: Option<&DynamicObject>) {
        let status = object.and_then(|object| object.data.get("status"));
        self.fact("its status", &status.map(ToString::to_string).unwrap_or_default());
    }

    pub(super) async fn get(&mut self, step: &str, plural: &str, name: &str) {
        let found = self.api(plural).get(name).await;
        self.line(step, found);
    }

    pub(super) async fn merge(&mut self, step: &str, plural: &str, name: &str, patch: Value) {
        let patched = self.api(plural).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        self.line(step, patched);
    }

    pub(super) async fn merge_status(&mut self, step: &str, plural: &str, name: &str, patch: Value) {
        let patched = self.api(plural).patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        self.line(step, patched);
    }

    pub(super) async fn strategic(&mut self, step: &str, plural: &str, name: &str, patch: Value) {
        let patched = self.api(plural).patch(name, &PatchParams::default(), &Patch::Strategic(patch)).await;
        self.line(step, patched);
    }

    pub(super) async fn replace(&mut self, step: &str, plural: &str, object: &DynamicObject) {
        let replaced = self.api(plural).replace(&object.name_any(), &PostParams::default(), object).await;
        self.line(step, replaced);
    }

    /// Deletes an object. The version of one that is gone with it is none.
    pub(super) async fn delete(&mut self, step: &str, plural: &str, name: &str, how: &DeleteParams) {
        match self.api(plural).delete(name, how).await {
            Ok(deleted) => match deleted.left() {
                Some(left) => drop(self.line(step, Ok(left))),
                None => self.fact(step, "gone"),
            },
            Err(error) => self.fact(step, &failure(&error)),
        }
    }

    /// Begins a watch with what changes from now on.
    pub(super) async fn watch(&mut self, plural: &str, how: &WatchParams) -> Watch {
        let now = self.api(plural).list(&kube::api::ListParams::default()).await.unwrap().metadata.resource_version;
        self.watch_from(plural, how, &now.unwrap()).await
    }

    pub(super) async fn watch_from(&mut self, plural: &str, how: &WatchParams, version: &str) -> Watch {
        Watch(self.api(plural).watch(how, version).await.unwrap().boxed())
    }

    /// Writes the next events of a watch, and whether another comes.
    pub(super) async fn events(&mut self, step: &str, watch: &mut Watch, count: usize) {
        for number in 1..=count {
            let next = timeout(PATIENCE, watch.next()).await;
            let seen = next.map_or_else(|_| "nothing".to_owned(), event);
            self.fact(&format!("{step}, event {number}"), &seen);
        }
        let next = timeout(SILENCE, watch.next()).await;
        self.fact(&format!("{step}, then"), &next.map_or_else(|_| "nothing".to_owned(), event));
    }

    /// Has garbage collected.
    pub(super) fn collect(&self) {
        self.cluster.collector.iter().for_each(SimulatedApiserver::collect_garbage);
    }

    /// What was written.
    pub(super) fn end(self) -> String {
        self.transcript
    }
}

/// How a request was refused.
pub(super) fn failure(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.reason),
        other => format!("{other:?}"),
    }
}

/// What of an object does not differ from one run to the next.
fn shown(object: &DynamicObject) -> String {
    let metadata = &object.metadata;
    let mut facts = Vec::new();
    facts.extend(metadata.generation.map(|generation| format!("generation {generation}")));
    let grace = metadata.deletion_grace_period_seconds.unwrap_or(-1);
    facts.extend(metadata.deletion_timestamp.as_ref().map(|_| format!("deleting with grace {grace}")));
    facts.extend(metadata.finalizers.as_ref().map(|finalizers| format!("finalizers {finalizers:?}")));
    let phase = object.data.get("status").and_then(|status| status["phase"].as_str());
    facts.extend(phase.map(|phase| format!("phase {phase}")));
    facts.join(", ")
}

fn event(next: Option<kube::Result<WatchEvent<DynamicObject>>>) -> String {
    let named = |what: &str, object: &DynamicObject| format!("{what} {}, {}", object.name_any(), shown(object));
    let seen = match next {
        None => "the end".to_owned(),
        Some(Ok(WatchEvent::Added(object))) => named("ADDED", &object),
        Some(Ok(WatchEvent::Modified(object))) => named("MODIFIED", &object),
        Some(Ok(WatchEvent::Deleted(object))) => named("DELETED", &object),
        Some(Ok(WatchEvent::Bookmark(_))) => "BOOKMARK".to_owned(),
        Some(Ok(WatchEvent::Error(status))) => format!("ERROR {} {}", status.code, status.reason),
        Some(Err(error)) => failure(&error),
    };
    seen.trim_end_matches(", ").to_owned()
}

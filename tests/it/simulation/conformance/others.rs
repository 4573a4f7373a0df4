//! Leases, Events, and Secrets that belong to one another.

use kube::{
    ResourceExt as _,
    api::{DeleteParams, ListParams, PropagationPolicy, WatchParams},
    core::DynamicObject,
};
use serde_json::json;

use super::script::Script;

pub(super) async fn run(script: &mut Script) {
    leases(script).await;
    events(script).await;
    for policy in [PropagationPolicy::Background, PropagationPolicy::Foreground, PropagationPolicy::Orphan] {
        ownership(script, policy).await;
    }
}

async fn leases(script: &mut Script) {
    let spec = json!({"holderIdentity": "one", "leaseDurationSeconds": 8});
    let made = script.create("create a lease", "leases", json!({"metadata": {"name": "lease"}, "spec": spec})).await;
    let Some(lease) = made else { return };
    script.replace("replace it by itself", "leases", &lease).await;
    let held_by = |holder: &str| {
        let mut lease = lease.clone();
        lease.data["spec"]["holderIdentity"] = json!(holder);
        lease
    };
    script.replace("let another hold it", "leases", &held_by("two")).await;
    script.replace("let a third hold it that saw the first", "leases", &held_by("three")).await;
    script.delete("delete it", "leases", "lease", &DeleteParams::default()).await;
    script.replace("replace the one that is gone", "leases", &held_by("two")).await;
}

async fn events(script: &mut Script) {
    let namespace = script.cluster.namespace.clone();
    let regarding = json!({"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": "a", "uid": "an-uid"});
    let event = json!({
        "metadata": {"name": "event"}, "regarding": regarding, "eventTime": "2030-01-01T00:00:00.000000Z",
        "reportingController": "example.com/conformance", "reportingInstance": "one",
        "action": "Test", "reason": "Tested", "type": "Warning", "note": "a note",
    });
    script.create("create an event", "events", event).await;
    for selector in ["regarding.uid=an-uid", "regarding.uid=other", "regarding.name=a,reason=Tested", "reason=Other"] {
        let found = script.api("events").list(&ListParams::default().fields(selector)).await.unwrap();
        script.fact(&format!("events with {selector}"), &found.items.len().to_string());
    }
}

/// An owner and what belongs to it, and what becomes of both.
async fn ownership(script: &mut Script, policy: PropagationPolicy) {
    let step = format!("{policy:?}");
    let mut watch = script.watch("secrets", &WatchParams::default()).await;
    let owner =
        script.create(&format!("{step}: create an owner"), "secrets", json!({"metadata": {"name": "owner"}})).await;
    let own = json!({"metadata": {"name": "own", "ownerReferences": [reference(&owner.unwrap())]}});
    script.create(&format!("{step}: create what it owns"), "secrets", own).await;
    let how = DeleteParams { propagation_policy: Some(policy), ..DeleteParams::default() };
    script.delete(&format!("{step}: delete the owner"), "secrets", "owner", &how).await;
    script.collect();
    let count = if step == "Background" { 4 } else { 5 };
    script.events(&format!("{step}: the watch"), &mut watch, count).await;
}

fn reference(owner: &DynamicObject) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Secret", "name": owner.name_any(), "uid": owner.uid(), "blockOwnerDeletion": true})
}

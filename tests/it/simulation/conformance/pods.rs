//! Pods: their status, their finalizers, and how long their ends take.

use kube::api::{DeleteParams, Patch, PatchParams, WatchParams};
use serde_json::{Value, json};

use crate::support::bed::{merged, pod_spec};

use super::script::Script;

const PODS: &str = "pods";

/// A pod that no scheduler knows.
fn pod(name: &str, finalizers: &[&str], spec: &Value) -> Value {
    let apart = json!({"schedulerName": "none", "terminationGracePeriodSeconds": 30});
    let spec = merged(merged(pod_spec("true"), &apart), spec);
    json!({"metadata": {"name": name, "finalizers": finalizers}, "spec": spec})
}

fn on_a_node() -> Value {
    json!({"nodeName": "no-such-node"})
}

fn within(seconds: u32) -> DeleteParams {
    DeleteParams::default().grace_period(seconds)
}

pub(super) async fn run(script: &mut Script) {
    let mut watch = script.watch(PODS, &WatchParams::default()).await;
    changing(script).await;
    script.delete("delete the pod without a node", PODS, "a", &within(20)).await;
    script.events("the watch of pods", &mut watch, 8).await;
    graceful(script).await;
    script.create("create a pod on a node", PODS, pod("c", &[], &on_a_node())).await;
    script.merge_status("let it succeed", PODS, "c", json!({"status": {"phase": "Succeeded"}})).await;
    script.delete("delete it", PODS, "c", &within(20)).await;
    script.get("get it", PODS, "c").await;
}

async fn changing(script: &mut Script) {
    let held = ["example.com/one", "example.com/two"];
    script.create("create a pod", PODS, pod("a", &held, &json!({}))).await;
    script.merge("change its status beside its spec", PODS, "a", json!({"status": {"phase": "Running"}})).await;
    script.merge_status("change its status", PODS, "a", json!({"status": {"phase": "Running"}})).await;
    let deadline = |seconds: u32| json!({"spec": {"activeDeadlineSeconds": seconds}});
    script.merge_status("change its spec beside its status", PODS, "a", deadline(60)).await;
    script.merge("give it a deadline", PODS, "a", deadline(60)).await;
    script.merge("let it end earlier", PODS, "a", deadline(50)).await;
    script.merge("let it end later", PODS, "a", deadline(70)).await;
    script.merge("change what cannot change", PODS, "a", json!({"spec": {"restartPolicy": "Always"}})).await;
    script
        .merge(
            "annotate another of that name",
            PODS,
            "a",
            json!({"metadata": {"uid": "other", "annotations": {"a": "b"}}}),
        )
        .await;
    for (step, finalizer) in
        [("one", "example.com/one"), ("one again", "example.com/one"), ("the other", "example.com/two")]
    {
        let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": [finalizer]}});
        script.strategic(&format!("take {step} of its finalizers"), PODS, "a", patch).await;
    }
}

async fn graceful(script: &mut Script) {
    script.create("create a pod on a node, held", PODS, pod("b", &["example.com/one"], &on_a_node())).await;
    script.delete("delete it", PODS, "b", &DeleteParams::default()).await;
    script.delete("delete it again", PODS, "b", &DeleteParams::default()).await;
    script.delete("delete it within five seconds", PODS, "b", &within(5)).await;
    script.delete("delete it within ten seconds", PODS, "b", &within(10)).await;
    script.merge_status("let it run meanwhile", PODS, "b", json!({"status": {"phase": "Running"}})).await;
    script.delete("end it, as its kubelet does", PODS, "b", &within(0)).await;
    script.merge_status("let it succeed after that", PODS, "b", json!({"status": {"phase": "Succeeded"}})).await;
    let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/one"]}});
    let gone = script.api(PODS).patch("b", &PatchParams::default(), &Patch::Strategic(patch)).await;
    script.fact("take its finalizer", if gone.is_ok() { "done" } else { "refused" });
    script.get("get it", PODS, "b").await;
    script.create("create a pod on a node, not held", PODS, pod("d", &[], &on_a_node())).await;
    script.delete("delete it", PODS, "d", &DeleteParams::default()).await;
    let patch = json!({"metadata": {"annotations": {"a": "b"}}});
    script.merge("annotate it while its kubelet ends it", PODS, "d", patch).await;
    script.delete("end it, as its kubelet does", PODS, "d", &within(0)).await;
    script.get("get it", PODS, "d").await;
}

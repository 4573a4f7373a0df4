//! Deleting objects of a CustomResourceDefinition, and what a watch shows of it.

use kube::{
    ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, Preconditions, WatchParams},
};
use serde_json::json;

use super::{jobs::job, script::Script};

const JOBS: &str = "omotesjobs";

/// Deletes an object only with that UID and version.
fn only(uid: Option<String>, resource_version: Option<String>) -> DeleteParams {
    DeleteParams { preconditions: Some(Preconditions { uid, resource_version }), ..DeleteParams::default() }
}

pub(super) async fn run(script: &mut Script) {
    let mut watch = script.watch(JOBS, &WatchParams::default()).await;
    held(script).await;
    script.create("create one that nothing holds", JOBS, job(&json!({"name": "b"}))).await;
    script.delete("delete it", JOBS, "b", &DeleteParams::default()).await;
    script.events("the watch", &mut watch, 5).await;
    let mut old = script.watch_from(JOBS, &WatchParams::default(), "1").await;
    script.events("a watch from a forgotten version", &mut old, 2).await;
    selected(script).await;
}

async fn held(script: &mut Script) {
    let found = script.api(JOBS).get("a").await.unwrap();
    script.delete("delete another of that name", JOBS, "a", &only(Some("other".to_owned()), None)).await;
    script.delete("delete an old version", JOBS, "a", &only(found.uid(), Some("1".to_owned()))).await;
    let held = only(found.uid(), found.resource_version());
    script.delete("delete a job that is held", JOBS, "a", &held).await;
    script.delete("delete it again", JOBS, "a", &DeleteParams::default()).await;
    let more = json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}});
    script.merge("hold it once more", JOBS, "a", more).await;
    script.merge("change its spec meanwhile", JOBS, "a", json!({"spec": {"ttlSecondsAfterFinished": 70}})).await;
    let gone = script
        .api(JOBS)
        .patch("a", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": []}})))
        .await;
    let is_gone = gone.is_ok_and(|job| job.metadata.deletion_timestamp.is_some() && job.finalizers().is_empty());
    script.fact("hold it no more, and it is gone", &is_gone.to_string());
    script.get("get it", JOBS, "a").await;
    script.delete("delete it once more", JOBS, "a", &DeleteParams::default()).await;
}

/// What enters and leaves a selection.
async fn selected(script: &mut Script) {
    let mut watch = script.watch(JOBS, &WatchParams::default().labels("colour=red")).await;
    script.create("create a blue job", JOBS, job(&json!({"name": "c", "labels": {"colour": "blue"}}))).await;
    script.merge("make it red", JOBS, "c", json!({"metadata": {"labels": {"colour": "red"}}})).await;
    script.merge("change its spec", JOBS, "c", json!({"spec": {"ttlSecondsAfterFinished": 60}})).await;
    script.merge("make it blue", JOBS, "c", json!({"metadata": {"labels": {"colour": "blue"}}})).await;
    script.delete("delete it", JOBS, "c", &DeleteParams::default()).await;
    script.events("the watch of what is red", &mut watch, 3).await;
}

//! Creating and updating objects of a CustomResourceDefinition.

use kube::{
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use serde_json::{Value, json};

use super::script::Script;

const JOBS: &str = "omotesjobs";

/// A job that the operator leaves alone, with these metadata.
pub(super) fn job(metadata: &Value) -> Value {
    let template = json!({"spec": {"containers": [{"name": "main", "image": "none"}]}});
    json!({"metadata": metadata, "spec": {"managedBy": "example.com/conformance", "template": template}})
}

pub(super) async fn run(script: &mut Script) {
    creating(script).await;
    merging(script).await;
    statuses(script).await;
    replacing(script).await;
}

async fn creating(script: &mut Script) {
    let mut with_status = job(&json!({"name": "a"}));
    with_status["status"] = json!({"phase": "Running"});
    script.get("get a missing job", JOBS, "a").await;
    script.create("create a job with a status", JOBS, with_status).await;
    script.create("create it again", JOBS, job(&json!({"name": "a"}))).await;
    let named =
        script.create("create one with a name of the apiserver's", JOBS, job(&json!({"generateName": "g-"}))).await;
    let name = named.and_then(|job| job.metadata.name).unwrap_or_default();
    script.fact("that name", &format!("{}, {} characters", &name[..2], name.len()));
    script.delete("delete that one", JOBS, &name, &DeleteParams::default()).await;
    script.create("create one without a name", JOBS, job(&json!({}))).await;
    let elsewhere = Script::object(JOBS, &job(&json!({"name": "a"})));
    let made = script.api_in(JOBS, "no-such-namespace").create(&PostParams::default(), &elsewhere).await;
    script.line("create one in a missing namespace", made);
    let trial = PostParams { dry_run: true, ..PostParams::default() };
    let tried = script.api(JOBS).create(&trial, &Script::object(JOBS, &job(&json!({"name": "dry"})))).await;
    script.fact("try to create one", &tried.map_or_else(|error| error.to_string(), |_| "it would be taken".to_owned()));
    script.get("get what was tried", JOBS, "dry").await;
    let unknown = script.api("omotesthings").get("a").await;
    let code = matches!(&unknown, Err(kube::Error::Api(status)) if status.code == 404);
    script.fact("get one of an unknown kind with 404", &code.to_string());
}

async fn merging(script: &mut Script) {
    let finalizers = json!({"metadata": {"finalizers": ["example.com/hold"]}});
    script.merge("add a finalizer", JOBS, "a", finalizers.clone()).await;
    script.merge("add it again", JOBS, "a", finalizers).await;
    script.merge("label it", JOBS, "a", json!({"metadata": {"labels": {"colour": "red"}}})).await;
    script.merge("give it a time to live", JOBS, "a", json!({"spec": {"ttlSecondsAfterFinished": 60}})).await;
    script.merge("do that again", JOBS, "a", json!({"spec": {"ttlSecondsAfterFinished": 60}})).await;
    script.merge("take that away", JOBS, "a", json!({"spec": {"ttlSecondsAfterFinished": null}})).await;
    script
        .merge("change an old version", JOBS, "a", json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}}))
        .await;
    script
        .merge("change another of that name", JOBS, "a", json!({"metadata": {"uid": "other", "labels": {"a": "b"}}}))
        .await;
    script.merge("change its status beside its spec", JOBS, "a", json!({"status": {"phase": "Running"}})).await;
    script.merge("change a missing job", JOBS, "none", json!({"metadata": {"labels": {"a": "b"}}})).await;
    script.strategic("change it by its types", JOBS, "a", json!({"metadata": {"labels": {"a": "b"}}})).await;
}

async fn apply(script: &mut Script, step: &str, name: &str, metadata: Value, status: Value) {
    let (how, job) = (PatchParams::apply("conformance").force(), Script::object(JOBS, &json!({"metadata": metadata})));
    let mut patch = serde_json::to_value(&job).unwrap();
    patch["status"] = status;
    let applied = script.api(JOBS).patch_status(name, &how, &Patch::Apply(&patch)).await;
    let stored = script.line(step, applied);
    if stored.is_some() {
        script.status(stored.as_ref());
    }
}

async fn statuses(script: &mut Script) {
    let condition = |type_: &str, status: &str| json!({"type": type_, "status": status, "reason": "Because", "message": "", "lastTransitionTime": "2030-01-01T00:00:00Z"});
    let queued = json!({"phase": "Queued", "attempt": 1, "podName": "a-1", "conditions": [condition("One", "True")]});
    apply(script, "apply its status", "a", json!({}), queued.clone()).await;
    apply(script, "apply it again", "a", json!({}), queued.clone()).await;
    apply(script, "apply it to an old version", "a", json!({"resourceVersion": "1"}), json!({"phase": "Running"}))
        .await;
    apply(script, "apply it to a missing job", "none", json!({"uid": "other"}), queued).await;
    let running =
        json!({"phase": "Running", "attempt": 1, "conditions": [condition("One", "False"), condition("Two", "True")]});
    apply(script, "apply less and more", "a", json!({}), running).await;
    apply(
        script,
        "apply fewer conditions",
        "a",
        json!({}),
        json!({"phase": "Running", "attempt": 1, "conditions": [condition("Two", "True")]}),
    )
    .await;
    let beside = json!({"metadata": {"finalizers": [], "labels": {"colour": "blue"}}, "spec": {"suspend": false}});
    script.merge_status("change its spec and metadata beside its status", JOBS, "a", beside).await;
    script.merge_status("merge into its status", JOBS, "a", json!({"status": {"attempt": 2}})).await;
    let found = script.api(JOBS).get("a").await.unwrap();
    script.status(Some(&found));
    script.fact("its label", &found.metadata.labels.unwrap_or_default()["colour"]);
}

async fn replacing(script: &mut Script) {
    let job = script.api(JOBS).get("a").await.unwrap();
    script.replace("replace it by itself", JOBS, &job).await;
    let changed = |change: fn(&mut DynamicObject)| {
        let mut job = job.clone();
        change(&mut job);
        job
    };
    let unversioned = changed(|job| job.metadata.resource_version = None);
    script.replace("replace it, whatever its version", JOBS, &unversioned).await;
    script
        .replace("replace an old version", JOBS, &changed(|job| job.metadata.resource_version = Some("1".to_owned())))
        .await;
    script
        .replace("replace another of that name", JOBS, &changed(|job| job.metadata.uid = Some("other".to_owned())))
        .await;
    let relabelled = changed(|job| job.metadata.labels = Some([("colour".to_owned(), "green".to_owned())].into()));
    script.replace("replace its labels", JOBS, &relabelled).await;
    script.replace("replace the version before", JOBS, &relabelled).await;
    let misnamed = changed(|job| job.metadata.name = Some("b".to_owned()));
    let replaced = script.api(JOBS).replace("a", &PostParams::default(), &misnamed).await;
    script.line("replace it under another name", replaced);
}

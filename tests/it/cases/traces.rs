//! A reconcile that fails leaves a trace on the job.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    core::v1::{LimitRange, ResourceQuota},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, LogParams, PostParams},
};
use omotes_operator::testing::{
    api::{
        OmotesJob,
        condition::{self, ConditionType},
    },
    wire::ResultType,
};
use reqwest::Url;
use serde_json::{Value, json};

use super::rotation::UNTIL_TOLD;
use crate::support::{
    bed::{PATIENCE, Space, cause, job, merged, pod_spec, shell_job, variable, verdict},
    client::Listener,
    operator::Operator,
    until,
};

/// How long it takes at most until a failing reconcile is seen on the job, and how long to its start after the repair.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);
const STARTED_WITHIN: Duration = Duration::from_secs(60);
/// What the test bed itself may take.
const SLACK: Duration = Duration::from_secs(15);

/// Waits until the job called `name` has this condition, with these words in it and in an Event, and checks the time.
pub(super) async fn shows(space: &Space, name: &str, type_: &str, reason: &str, words: &[&str]) {
    let (began, expected) = (Instant::now(), format!("True {reason}"));
    let job = space.wait(name, &expected, |job| verdict(job, type_) == expected).await;
    let took = began.elapsed();
    assert!(took < SHOWN_WITHIN + SLACK, "{name}: shown after {took:?}");
    let said = condition_message(&job, type_);
    let note = space.event(name, reason).await;
    for word in words {
        assert!(said.contains(word) && note.contains(word), "{word} is not in {said:?} or not in {note:?}");
    }
}

/// Waits until the job called `name` has succeeded, and checks that it took no longer than it may after a repair.
pub(super) async fn recovers(space: &Space, name: &str) {
    let repaired = Instant::now();
    let job = space.ended(name).await;
    let took = repaired.elapsed();
    assert_eq!(cause(&job), "Completed");
    assert_eq!((verdict(&job, "Stalled"), verdict(&job, "Reconciling")), (String::new(), String::new()));
    assert!(took < STARTED_WITHIN + SLACK, "{name}: {took:?} after the repair");
}

fn condition_message(job: &OmotesJob, type_: &str) -> String {
    let conditions = job.status.iter().flat_map(|status| &status.conditions);
    conditions.into_iter().find(|known| known.type_ == type_).map(|known| known.message.clone()).unwrap_or_default()
}

/// A quota in `space` that is in force.
async fn quota(space: &Space, hard: Value) -> Api<ResourceQuota> {
    let quotas: Api<ResourceQuota> = Api::namespaced(space.client.clone(), &space.name);
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": hard}});
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    until("the quota is in force", PATIENCE, || async {
        let status = quotas.get("q").await.unwrap().status;
        status.and_then(|status| status.used).map(drop).ok_or_else(|| "it has no status".to_owned())
    })
    .await;
    quotas
}

/// kuberay#2210: the first job of a namespace needs a Secret there, and a quota allows none.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_quota_on_secrets_is_shown() {
    let space = Space::new("quota_secrets").await;
    let quotas = quota(&space, json!({"secrets": "0"})).await;
    space.create(&shell_job("waits", "true")).await;
    shows(&space, "waits", "Reconciling", "QuotaExceeded", &["exceeded quota: q", "ResourceQuota"]).await;
    quotas.delete("q", &DeleteParams::default()).await.unwrap();
    recovers(&space, "waits").await;
    space.remove().await;
}

/// kuberay#2210: a job that a quota on pods holds back waits, and nothing about it is wrong.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_quota_on_pods_is_a_wait() {
    let space = Space::new("quota_pods").await;
    let quotas = quota(&space, json!({"pods": "0"})).await;
    space.create(&shell_job("waits", "true")).await;
    shows(&space, "waits", "Reconciling", "QuotaExceeded", &["exceeded quota: q"]).await;
    let waits = space.jobs.get("waits").await.unwrap();
    assert_eq!(verdict(&waits, "Stalled"), "");
    quotas.delete("q", &DeleteParams::default()).await.unwrap();
    recovers(&space, "waits").await;
    space.remove().await;
}

/// kuberay#2210: a LimitRange wants more than the courier requests, and no field of the job changes that.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_limit_range_names_the_couriers_resources() {
    let space = Space::new("limit_range").await;
    let ranges: Api<LimitRange> = Api::namespaced(space.client.clone(), &space.name);
    let range =
        json!({"metadata": {"name": "r"}, "spec": {"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]}});
    ranges.create(&PostParams::default(), &serde_json::from_value(range).unwrap()).await.unwrap();
    space.create(&shell_job("waits", "true")).await;
    shows(&space, "waits", "Stalled", "PodRefused", &["usage per Container", "courier.resources"]).await;
    ranges.delete("r", &DeleteParams::default()).await.unwrap();
    recovers(&space, "waits").await;
    space.remove().await;
}

/// A webhook that must be asked for each `resource` of `space` and whose server is away.
async fn dead_webhook(space: &Space, group: &str, resource: &str) -> Api<ValidatingWebhookConfiguration> {
    let webhooks: Api<ValidatingWebhookConfiguration> = Api::all(space.client.clone());
    let webhook = json!({
        "metadata": {"name": space.name},
        "webhooks": [{
            "name": "dead.example.com",
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "rules": [{"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": [resource]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name}},
            "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        }],
    });
    webhooks.create(&PostParams::default(), &serde_json::from_value(webhook).unwrap()).await.unwrap();
    // The apiserver reads its webhooks anew within a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    webhooks
}

/// kyverno#9889: a webhook with failurePolicy Fail whose server is away.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_dead_webhook_is_shown() {
    for (resource, word) in [("pods", "creating the job's pod"), ("secrets", "courier's Secret")] {
        let space = Space::new(&format!("webhook_{resource}")).await;
        let webhooks = dead_webhook(&space, "", resource).await;
        space.create(&shell_job("waits", "true")).await;
        let words = ["failed calling webhook \"dead.example.com\"", "failurePolicy", word];
        shows(&space, "waits", "Reconciling", "WebhookFailed", &words).await;
        webhooks.delete(&space.name, &DeleteParams::default()).await.unwrap();
        recovers(&space, "waits").await;
        space.remove().await;
    }
}

/// argo-workflows#6635: a volume that is not there keeps the pod in `ContainerCreating` for ever; only its Events say why.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_failed_mount_is_shown_by_its_event() {
    let space = Space::new("mount").await;
    let volumes = json!({"volumes": [{"name": "data", "configMap": {"name": "nowhere"}}]});
    let mounts = json!([{"name": "data", "mountPath": "/data"}]);
    let mut pod = merged(pod_spec("true"), &volumes);
    pod["containers"][0]["volumeMounts"] = mounts;
    space.create(&job("waits", &json!({"template": {"spec": pod}}))).await;
    let shown = |job: &OmotesJob| verdict(job, "Reconciling") == "True FailedMount";
    let waits = space.wait("waits", "the failed mount is shown", shown).await;
    let said = condition_message(&waits, "Reconciling");
    assert!(said.contains("configmap \"nowhere\" not found"), "{said}");
    space.delete("waits").await;
    space.gone("waits").await;
    space.remove().await;
}

/// A job that fails by itself has an Event and a line in the log with its exit code, and each line of the log is an object
/// with each key once that says which job it is about.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_job_that_fails_by_itself_says_its_exit_code() {
    let space = Space::new("exit_code").await;
    space.create(&shell_job("fails", "exit 3")).await;
    assert_eq!(cause(&space.ended("fails").await), "Error");
    let note = space.event("fails", "Error").await;
    assert!(note.contains("exit code 3"), "{note}");
    let operator = Operator::settled().await;
    let log = operator.pods.logs(&operator.leader().await, &LogParams::default()).await.unwrap();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let ours = |line: &&Value| line["namespace"] == space.name.as_str() && line["name"] == "fails";
    let ended = lines.iter().filter(ours).find(|line| line["exit_code"] == 3);
    assert!(ended.is_some(), "no line has the exit code");
    space.remove().await;
}

/// argo-workflows#6635: a courier with a wrong port. That is said within 20 s, in the courier's own words, and
/// taken back when it connects; the output arrives.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_courier_that_cannot_connect_is_said_while_the_program_runs() {
    let space = Space::new("deaf").await;
    // The pod waits until its Secret says something else than the operator wrote.
    let gated = merged(pod_spec(UNTIL_TOLD), &json!({"schedulingGates": [{"name": "tests/secret"}]}));
    let id = space.create(&job("job", &json!({"template": {"spec": gated}}))).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    until("the pod is there", PATIENCE, || async {
        space.pods.get_opt("job-1").await.unwrap().map(drop).ok_or_else(String::new)
    })
    .await;
    let right = variable("OMOTES_COURIER_AMQP_URI");
    let mut wrong = Url::parse(&right).unwrap();
    wrong.set_port(Some(1)).unwrap();
    space.rotate(wrong.as_str(), "job-1").await;
    space.note_on("job-1", &json!({"spec": {"schedulingGates": null}})).await;

    let lost = |job: &OmotesJob| verdict(job, "CourierConnected") == "False CourierNotConnected";
    let said = space.wait("job", "its courier is not connected", lost).await.status.unwrap();
    let known = condition::get(&said.conditions, ConditionType::CourierConnected).unwrap();
    let took = known.last_transition_time.0.duration_since(said.start_time.unwrap().0);
    assert!(took <= SignedDuration::from_secs(20), "{took} after the program's start");
    for words in [":1, vhost omotes", "refused"] {
        assert!(known.message.contains(words), "{words:?} is not in {:?}", known.message);
    }
    assert!(!known.message.contains(Url::parse(&right).unwrap().password().unwrap()), "{}", known.message);
    assert_eq!(space.event("job", "CourierNotConnected").await, known.message);

    space.rotate(&right, "job-1").await;
    space.wait("job", "its courier is connected", |job| verdict(job, "CourierConnected") == "True Connected").await;
    space.let_end("job-1");
    client.listen(PATIENCE, Duration::from_secs(1)).await;
    assert!(client.only_result(ResultType::Succeeded).output_esdl.is_some());
    space.remove().await;
}

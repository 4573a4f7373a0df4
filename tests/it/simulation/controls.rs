//! What a test can do to the simulated apiserver, and what its clients see of that.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
    core::ObjectMeta,
};
use tokio::time::sleep;

use crate::support::bed::shell_job;

use super::apiserver::SimulatedApiserver;

const NAMESPACE: &str = "team";

fn apiserver() -> SimulatedApiserver {
    let apiserver = SimulatedApiserver::start(Timestamp::UNIX_EPOCH);
    apiserver.add_namespace(NAMESPACE);
    apiserver
}

fn secrets(apiserver: &SimulatedApiserver, client: &str) -> Api<Secret> {
    Api::namespaced(apiserver.client(client, NAMESPACE), NAMESPACE)
}

fn secret(name: &str) -> Secret {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    Secret { metadata, ..Secret::default() }
}

/// What a client sees of the creation of a Secret.
async fn seen(secrets: &Api<Secret>, name: &str) -> String {
    match secrets.create(&PostParams::default(), &secret(name)).await {
        Ok(_) => "done".to_owned(),
        Err(kube::Error::Api(status)) => format!("{} {}", status.code, status.reason),
        Err(other) => other.to_string(),
    }
}

fn names(apiserver: &SimulatedApiserver) -> Vec<String> {
    let name = |secret: &serde_json::Value| secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    apiserver.objects("secrets").iter().map(name).collect()
}

#[tokio::test(start_paused = true)]
async fn each_request_is_on_record() {
    let apiserver = apiserver();
    let secrets = secrets(&apiserver, "replica");
    seen(&secrets, "a").await;
    assert!(secrets.get("a").await.is_ok());
    assert!(secrets.get("b").await.is_err());
    let log = apiserver.log();
    let shown: Vec<String> = log
        .iter()
        .map(|request| format!("{}: {} {} {}", request.user, request.short(), request.name, request.code))
        .collect();
    assert_eq!(shown, ["replica: create secrets  201", "replica: get secrets a 200", "replica: get secrets b 404"]);
    assert_eq!(log[0].body["metadata"]["name"], "a");
    assert_eq!(log.iter().filter(|request| request.is_write()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn objects_have_the_time_of_the_event_loop() {
    let apiserver = apiserver();
    sleep(Duration::from_millis(90_900)).await;
    let jobs: Api<omotes_operator::testing::api::OmotesJob> =
        Api::namespaced(apiserver.client("user", NAMESPACE), NAMESPACE);
    let job = jobs.create(&PostParams::default(), &shell_job("a", "true")).await.unwrap();
    assert_eq!(job.creation_timestamp().unwrap().0.as_second(), 90);
    let again = jobs.get("a").await.unwrap();
    assert_eq!(again.uid(), job.uid());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_deleted_takes_nothing_new_and_goes_with_what_it_has() {
    let apiserver = apiserver();
    let secrets = secrets(&apiserver, "user");
    seen(&secrets, "a").await;
    let namespaces: Api<Namespace> = Api::all(apiserver.client("user", NAMESPACE));
    namespaces.delete(NAMESPACE, &DeleteParams::default()).await.unwrap();
    assert_eq!(namespaces.get(NAMESPACE).await.unwrap().status.unwrap().phase.as_deref(), Some("Terminating"));
    assert_eq!(seen(&secrets, "b").await, "403 Forbidden");
    apiserver.collect_garbage();
    assert!(names(&apiserver).is_empty());
    assert!(namespaces.get_opt(NAMESPACE).await.unwrap().is_none());
    assert_eq!(seen(&secrets, "b").await, "404 NotFound");
}

/// What the simulation leaves out is no answer of an apiserver.
#[tokio::test(start_paused = true)]
async fn what_is_not_simulated_says_so() {
    let apiserver = apiserver();
    let pods: Api<Pod> = Api::namespaced(apiserver.client("user", NAMESPACE), NAMESPACE);
    let listed = pods.list(&ListParams::default().labels("a in (b)")).await;
    assert!(matches!(listed, Err(kube::Error::Api(status)) if status.reason == "NotSimulated"));
}

//! What a test can do to the simulated apiserver, and what its clients see of that.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
    core::ObjectMeta,
};
use tokio::time::{sleep, timeout};

use crate::support::bed::shell_job;

use super::apiserver::{Fault, Refusal, Requests, SimulatedApiserver};

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

/// What a client sees of the creation of a Secret, within a minute.
async fn seen(secrets: &Api<Secret>, name: &str) -> String {
    let (how, secret) = (PostParams::default(), secret(name));
    match timeout(Duration::from_secs(60), secrets.create(&how, &secret)).await {
        Err(_) => "no answer".to_owned(),
        Ok(Ok(_)) => "done".to_owned(),
        Ok(Err(kube::Error::Api(status))) => format!("{} {}", status.code, status.reason),
        Ok(Err(_)) => "connection lost".to_owned(),
    }
}

fn names(apiserver: &SimulatedApiserver) -> Vec<String> {
    let name = |secret: &serde_json::Value| secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    apiserver.objects("secrets").iter().map(name).collect()
}

/// What a client sees, and whether it happened.
#[tokio::test(start_paused = true)]
async fn a_request_goes_wrong_as_a_test_wants() {
    let unavailable = Refusal::new(503, "ServiceUnavailable", "the apiserver is shutting down");
    let conflict = Refusal::new(409, "Conflict", "the object has been modified");
    for (fault, expected, happened) in [
        (Fault::Refuse(unavailable), "503 ServiceUnavailable", false),
        (Fault::Refuse(conflict), "409 Conflict", false),
        (Fault::Refuse(Refusal::too_many_requests(7)), "429 TooManyRequests", false),
        (Fault::Disconnect, "connection lost", false),
        (Fault::Silence, "no answer", false),
        (Fault::LoseReply, "connection lost", true),
        (Fault::HoldReply, "no answer", true),
    ] {
        let apiserver = apiserver();
        apiserver.fail_next(Requests::of("replica").verb("create").on("secrets"), fault.clone());
        let others = secrets(&apiserver, "another");
        assert_eq!(seen(&others, "other").await, "done", "{fault:?} is not for it");
        let own = secrets(&apiserver, "replica");
        assert_eq!(own.list(&ListParams::default()).await.unwrap().items.len(), 1, "{fault:?} is not for lists");
        assert_eq!(seen(&own, "own").await, expected, "{fault:?}");
        assert_eq!(names(&apiserver).contains(&"own".to_owned()), happened, "{fault:?}");
        assert_eq!(seen(&own, "later").await, "done", "{fault:?} is once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_lasts_until_it_is_mended() {
    let (apiserver, which) = (apiserver(), Requests::default().on("secrets"));
    apiserver.fail_all(which, Fault::Disconnect);
    let secrets = secrets(&apiserver, "replica");
    assert_eq!([seen(&secrets, "a").await, seen(&secrets, "a").await], ["connection lost"; 2]);
    apiserver.mend();
    assert_eq!(seen(&secrets, "a").await, "done");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_held_comes_when_it_is_released() {
    let apiserver = apiserver();
    apiserver.fail_next(Requests::of("replica"), Fault::HoldReply);
    let secrets = secrets(&apiserver, "replica");
    let releasing = async {
        sleep(Duration::from_secs(5)).await;
        assert_eq!(names(&apiserver), ["a"], "it has happened");
        apiserver.release_replies();
    };
    let (answer, ()) = tokio::join!(seen(&secrets, "a"), releasing);
    assert_eq!(answer, "done");
}

#[tokio::test(start_paused = true)]
async fn each_request_is_on_record() {
    let apiserver = apiserver();
    let secrets = secrets(&apiserver, "replica");
    seen(&secrets, "a").await;
    apiserver.fail_next(Requests::default(), Fault::Disconnect);
    assert!(secrets.get("a").await.is_err());
    assert!(secrets.get("b").await.is_err());
    let log = apiserver.log();
    let shown: Vec<String> = log
        .iter()
        .map(|request| format!("{}: {} {} {}", request.user, request.short(), request.name, request.code))
        .collect();
    assert_eq!(shown, ["replica: create secrets  201", "replica: get secrets a 0", "replica: get secrets b 404"]);
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

#[tokio::test(start_paused = true)]
async fn a_page_of_a_forgotten_version_is_refused() {
    let apiserver = apiserver();
    let secrets = secrets(&apiserver, "user");
    for name in ["a", "b"] {
        seen(&secrets, name).await;
    }
    let page = ListParams::default().limit(1);
    let first = secrets.list(&page).await.unwrap();
    seen(&secrets, "c").await;
    apiserver.expire_watches(&Requests::default());
    let next = page.continue_token(&first.metadata.continue_.unwrap());
    let refused = secrets.list(&next).await;
    assert!(matches!(refused, Err(kube::Error::Api(status)) if status.code == 410));
}

/// UIDs, generated names, versions and times.
#[tokio::test(start_paused = true)]
async fn the_same_requests_make_the_same_objects() {
    async fn run() -> Vec<serde_json::Value> {
        let apiserver = apiserver();
        let secrets = secrets(&apiserver, "user");
        for _ in 0..3 {
            sleep(Duration::from_secs(1)).await;
            let mut secret = secret("");
            secret.metadata.generate_name = Some("a-".to_owned());
            secrets.create(&PostParams::default(), &secret).await.unwrap();
        }
        apiserver.objects("secrets")
    }
    let objects = run().await;
    assert_eq!(objects.len(), 3);
    assert_eq!(objects, run().await);
}

/// What the simulation leaves out is no answer of an apiserver.
#[tokio::test(start_paused = true)]
async fn what_is_not_simulated_says_so() {
    let apiserver = apiserver();
    let pods: Api<Pod> = Api::namespaced(apiserver.client("user", NAMESPACE), NAMESPACE);
    let listed = pods.list(&ListParams::default().labels("a in (b)")).await;
    assert!(matches!(listed, Err(kube::Error::Api(status)) if status.reason == "NotSimulated"));
}

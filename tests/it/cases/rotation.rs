//! Rotated credentials reach running couriers, and revoked permissions are named in their logs.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use omotes_operator::testing::{api::names, wire::ResultType};
use reqwest::Url;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{
    bed::{PATIENCE, Space, kubectl, run_in, shell_job, variable},
    broker as rabbit,
    client::Listener,
    until,
};

const AFTERWARDS: Duration = Duration::from_secs(1);
/// Leaves its output once the test says so.
pub(crate) const UNTIL_TOLD: &str =
    "until [ -e /omotes/output/go ]; do sleep 0.2; done; printf '<esdl/>' > /omotes/output/output.esdl";

impl Space {
    /// Has couriers of this namespace connect as `uri` says: as after a rotation, with a kubelet that looks at `pod` now.
    pub(crate) async fn rotate(&self, uri: &str, pod: &str) {
        self.bring(&json!({"amqp-uri": uri}), pod).await;
    }

    async fn bring(&self, credentials: &serde_json::Value, pod: &str) {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.name);
        let patch = Patch::Merge(json!({"stringData": credentials}));
        secrets.patch(names::SECRET_COURIER, &PatchParams::default(), &patch).await.unwrap();
        // A kubelet that knows of the changed pod before it knows of the Secret mounts the old one for another minute.
        sleep(Duration::from_secs(1)).await;
        self.note_on(pod, &json!({"metadata": {"annotations": {"tests/rotated": fastrand::u64(..).to_string()}}}))
            .await;
    }

    /// Changes `pod`.
    pub(crate) async fn note_on(&self, pod: &str, patch: &serde_json::Value) -> Pod {
        self.pods.patch(pod, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Lets a program go on that waits for it.
    pub(crate) fn let_end(&self, pod: &str) {
        run_in(&self.name, pod, "touch /omotes/output/go");
    }
}

/// The couriers' URI as another user.
pub(crate) fn courier_uri(user: &str, password: &str) -> String {
    let mut uri = Url::parse(&variable("OMOTES_COURIER_AMQP_URI")).unwrap();
    uri.set_username(user).unwrap();
    uri.set_password(Some(password)).unwrap();
    uri.to_string()
}

/// A courier whose connection is closed connects as the user that its Secret names now.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_running_courier_connects_as_its_secret_says_now() {
    let space = Space::new("rotated").await;
    let (user, password) = (space.name.clone(), format!("{:032x}", fastrand::u128(..)));
    rabbit::copy_user("omotes-courier", &user, &password).await;
    let id = space.create(&shell_job("job", UNTIL_TOLD)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    space.rotate(&courier_uri(&user, &password), "job-1").await;
    until("the courier is the other user", PATIENCE, || async {
        rabbit::disconnect_named(&format!("omotes-courier {id} attempt 1")).await;
        sleep(Duration::from_secs(2)).await;
        let connections = rabbit::connections(&user).await;
        if connections.is_empty() { Err("no connection of it".to_owned()) } else { Ok(()) }
    })
    .await;
    space.let_end("job-1");
    client.listen(PATIENCE, AFTERWARDS).await;
    assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    rabbit::remove_user(&user).await;
    space.remove().await;
}

/// A courier that began without TLS believes the authority that its Secret has got since, and no other.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_running_courier_believes_the_authority_of_its_secret() {
    let space = Space::new("authority").await;
    let id = space.create(&shell_job("job", UNTIL_TOLD)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    let (uri, name) = (variable("OMOTES_COURIER_AMQPS_URI"), format!("omotes-courier {id} attempt 1"));
    let log = || kubectl(&["logs", "--namespace", &space.name, "job-1", "--container", "omotes-courier"], None).1;
    space.rotate(&uri, "job-1").await;
    until("the courier trusts no authority that it does not know", PATIENCE, || async {
        rabbit::disconnect_named(&name).await;
        sleep(Duration::from_secs(2)).await;
        if log().contains("UnknownIssuer") { Ok(()) } else { Err(log()) }
    })
    .await;
    let authority = std::fs::read_to_string(variable("OMOTES_BROKER_CA")).unwrap();
    space.bring(&json!({"amqp-uri": uri, "ca.crt": authority}), "job-1").await;
    until("the courier is connected with TLS", PATIENCE, || async {
        if rabbit::is_encrypted(&name).await { Ok(()) } else { Err(log()) }
    })
    .await;
    space.let_end("job-1");
    client.listen(PATIENCE, AFTERWARDS).await;
    assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    space.remove().await;
}

/// A courier whose user may publish no more says so, and connects less and less often.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_courier_that_may_not_publish_connects_less_and_less() {
    let space = Space::new("revoked").await;
    let (user, password) = (space.name.clone(), format!("{:032x}", fastrand::u128(..)));
    rabbit::copy_user("omotes-courier", &user, &password).await;
    let id = space.create(&shell_job("job", UNTIL_TOLD)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    space.rotate(&courier_uri(&user, &password), "job-1").await;
    rabbit::forbid_all(&user).await;
    let log = || kubectl(&["logs", "--namespace", &space.name, "job-1", "--container", "omotes-courier"], None).1;
    let words = "write access to exchange 'omotes.courier'";
    until("the courier names the refusal", PATIENCE, || async {
        rabbit::disconnect_named(&format!("omotes-courier {id} attempt 1")).await;
        sleep(Duration::from_secs(2)).await;
        let log = log();
        if log.contains(words) { Ok(()) } else { Err(log) }
    })
    .await;
    let before = log().matches(words).count();
    sleep(Duration::from_secs(20)).await;
    let more = log().matches(words).count() - before;
    assert!(more <= 15, "{more} attempts in 20 s");
    space.rotate(&variable("OMOTES_COURIER_AMQP_URI"), "job-1").await;
    rabbit::remove_user(&user).await;
    space.let_end("job-1");
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    space.remove().await;
}

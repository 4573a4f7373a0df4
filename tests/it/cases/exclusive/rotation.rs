//! The couriers' password changes at the broker and in the operator's Secret, and the operator's key is followed by another,
//! while jobs run.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    process::Command,
    time::Duration,
};

use futures::FutureExt;
use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::{Pod, Secret},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams},
};
use omotes_operator::testing::{api::names, wire::ResultType};
use reqwest::Url;
use serde_json::{Value, json};

use crate::{
    cases::rotation::{UNTIL_TOLD, courier_uri},
    support::{
        bed::{PATIENCE, Space, run_in, shell_job, testbed, variable},
        broker as rabbit,
        client::Listener,
        operator::{Operator, installer},
        sdk::{Offer, Sdk},
        until,
    },
};

const COURIER: &str = "omotes-courier";

/// An hours-long job outlives a rotation.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_running_job_outlives_a_rotation() {
    let operator = Operator::settled().await;
    let space = Space::new("outlives").await;
    let id = space.create(&shell_job("job", UNTIL_TOLD)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    let rotation = async {
        rotate(&operator, &format!("{:032x}", fastrand::u128(..))).await;
        reconnect().await;
    };
    let tried = AssertUnwindSafe(rotation).catch_unwind().await;
    space.let_end("job-1");
    if tried.is_ok() {
        client.listen(PATIENCE, Duration::from_secs(1)).await;
        assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    }
    let usual = Url::parse(&variable("OMOTES_COURIER_AMQP_URI")).unwrap();
    rotate(&operator, usual.password().unwrap()).await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
    space.remove().await;
}

/// Changes the password at the broker and in the operator's Secret.
async fn rotate(operator: &Operator, password: &str) {
    testbed(&["broker", "cli", "change_password", COURIER, password]);
    let uri = courier_uri(COURIER, password);
    let done = installer().env("OMOTES_COURIER_AMQP_URI", &uri).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    operator.sees(&[("courier-amqp-uri", uri)]).await;
}

/// Breaks the connection of the courier, and waits for its next one: the broker takes only the new password.
async fn reconnect() {
    let broken = Timestamp::now();
    rabbit::disconnect(COURIER).await;
    until("a courier connects with the new password", PATIENCE, || async {
        let since = |connection: &Value| connection["connected_at"].as_i64().unwrap_or_default();
        let newest = rabbit::connections(COURIER).await.iter().map(since).max().unwrap_or_default();
        if newest > broken.as_millisecond() { Ok(()) } else { Err(format!("the newest is of {newest}")) }
    })
    .await;
    println!(
        "connected {:.1} after the operator saw the Secret",
        Timestamp::now().duration_since(broken).as_secs_f64()
    );
}

/// Reads its input, and ends once the test says so.
const COPIES_WHEN_TOLD: &str = "trap 'exit 10' TERM; until [ -e /omotes/output/go ]; do sleep 0.2; done; \
    cp /omotes/input/input.esdl /omotes/output/output.esdl";

/// The operator's Secret with its keys.
struct KeySecret(Api<Secret>);

impl KeySecret {
    async fn current(&self) -> ByteString {
        self.0.get(names::SECRET_KEY).await.unwrap().data.unwrap().remove("key").unwrap()
    }

    /// As an administrator does it: the Secret is immutable.
    async fn replace(&self, operator: &Operator, data: &[(&str, &ByteString)]) {
        self.0.delete(names::SECRET_KEY, &DeleteParams::default()).await.unwrap();
        let data = data.iter().map(|(name, key)| ((*name).to_owned(), (*key).clone())).collect();
        let metadata = ObjectMeta { name: Some(names::SECRET_KEY.to_owned()), ..ObjectMeta::default() };
        let secret = Secret { metadata, data: Some(data), immutable: Some(true), ..Secret::default() };
        self.0.create(&PostParams::default(), &secret).await.unwrap();
        Operator::roll_out();
        operator.connected().await;
    }
}

fn tell(pod: &str, script: &str) {
    run_in(&variable("OMOTES_JOB_NAMESPACE"), pod, script);
}

/// A job that runs speaks on with the key that its pod was made with, and one that waits finds the input that was sealed
/// with it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn jobs_outlive_a_rotation_of_the_operators_key() {
    let operator = Operator::settled().await;
    let offer = Offer::of("key-rotation", COPIES_WHEN_TOLD, &json!({"maxConcurrentJobs": 1})).await;
    let sdk = Sdk::start().await;
    let (runs, mut running) = sdk.submit(&offer.type_name, b"<esdl name='runs'/>", b"").await;
    let pods: Api<Pod> = Api::namespaced(operator.client.clone(), &variable("OMOTES_JOB_NAMESPACE"));
    let started = async |job: &str| {
        until(&format!("{job} runs"), PATIENCE, || async {
            let pod = pods.get(&format!("{job}-1")).await.map_err(|error| error.to_string())?;
            let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
            if phase == "Running" { Ok(()) } else { Err(phase) }
        })
        .await;
    };
    started(&runs).await;
    let (waits, mut waiting) = sdk.submit(&offer.type_name, b"<esdl name='waits'/>", b"").await;
    offer.stored(&waits).await;

    let secret = KeySecret(Api::namespaced(operator.client.clone(), &variable("OMOTES_NAMESPACE")));
    let (old, new) = (secret.current().await, ByteString((0..32).map(|_| fastrand::u8(..)).collect()));
    secret.replace(&operator, &[("key", &new), ("previous-key", &old)]).await;
    let tried = AssertUnwindSafe(async {
        tell(&format!("{runs}-1"), "echo '{\"progress\": 0.7, \"message\": \"on\"}' >> /omotes/progress");
        until("its progress is heard", PATIENCE, || async {
            let job = offer.jobs.get(&runs).await.map_err(|error| error.to_string())?;
            let percent = job.status.and_then(|status| status.progress).map(|progress| progress.percent);
            if percent == Some(70) { Ok(()) } else { Err(format!("{percent:?}")) }
        })
        .await;
        tell(&format!("{runs}-1"), "touch /omotes/output/go");
        running.listen(PATIENCE, Duration::from_secs(1)).await;
        let output = running.only_result(ResultType::Succeeded).output_esdl.clone();
        assert_eq!(output.as_deref(), Some(&b"<esdl name='runs'/>"[..]));
        started(&waits).await;
        tell(&format!("{waits}-1"), "touch /omotes/output/go");
        waiting.listen(PATIENCE, Duration::from_secs(1)).await;
        let output = waiting.only_result(ResultType::Succeeded).output_esdl.clone();
        assert_eq!(output.as_deref(), Some(&b"<esdl name='waits'/>"[..]), "sealed with the key before");
    })
    .catch_unwind()
    .await;
    secret.replace(&operator, &[("key", &old)]).await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
    running.leave().await;
    waiting.leave().await;
    offer.remove().await;
}

/// Where TLS is required nobody connects without: neither the operator, nor a courier with its password.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn where_tls_is_required_nothing_connects_without() {
    let operator = Operator::settled().await;
    let leader = operator.leader().await;
    assert!(operator.metrics(&leader).await.contains("omotes_broker_encrypted 0"));
    let require = || {
        let mut command = installer();
        command.args(["--set", "broker.requireTls=true"]);
        command
    };
    let tried = AssertUnwindSafe(async {
        run(&mut require());
        let problem = "amqp-uri has a URI that is not encrypted, and broker.requireTls is on";
        until("the leader says what is wrong", PATIENCE, || async {
            let said = operator.readiness(&operator.leader().await).await;
            if said.contains(problem) && said.contains("courier-amqp-uri: ") { Ok(()) } else { Err(said) }
        })
        .await;
        let encrypted = ["OMOTES_POD_AMQP_URI", "OMOTES_COURIER_AMQP_URI", "OMOTES_POD_MANAGEMENT_URI"];
        let uris = [variable("OMOTES_POD_AMQPS_URI"), variable("OMOTES_COURIER_AMQPS_URI"), String::new()];
        run(require().envs(encrypted.into_iter().zip(uris)).env("OMOTES_BROKER_CA", variable("OMOTES_BROKER_CA")));
        let leader = operator.connected().await;
        assert!(operator.metrics(&leader).await.contains("omotes_broker_encrypted 1"));
        let space = Space::new("encrypted").await;
        let id = space.create(&shell_job("job", "printf '<esdl/>' > /omotes/output/output.esdl")).await.uid().unwrap();
        let mut client = Listener::attach(&id).await;
        client.listen(PATIENCE, Duration::from_secs(1)).await;
        client.only_result(ResultType::Succeeded);
        space.remove().await;
    })
    .catch_unwind()
    .await;
    run(&mut installer());
    operator.connected().await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

//! The courier in a real pod, and what somebody can do who reads its credentials in the job's namespace.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{Api, ResourceExt, api::PostParams};
use omotes_operator::testing::wire::{
    CourierMessage, CourierNotice, CourierOutput, ProgressLine, ResultType, Severity,
};
use serde_json::{Value, json};

use crate::support::{
    attacker::{Crime, assert_refused, publish, rejected},
    bed::{PATIENCE, Space, cause, job, merged, message, pod_spec, run_in, shell_job},
    client::{Heard, Listener, queues},
    until,
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// Ends well once the test says so.
const UNTIL_TOLD: &str = "trap 'exit 10' TERM; until [ -e /omotes/output/go ]; do sleep 0.2; done; printf '<esdl/>' > /omotes/output/output.esdl";

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn remarks_reach_the_client_with_the_output() {
    let space = Space::new("remarks").await;
    let script = r#"cd /omotes/output && printf '<esdl/>' > output.esdl
        echo '[{"technicalMessage": "pipe 7 is overloaded", "severity": "WARNING", "esdlObjectId": "pipe-7"}]' > messages.json"#;
    let id = space.create(&shell_job("job", script)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    let result = client.only_result(ResultType::Succeeded);
    let [remark] = &result.esdl_messages[..] else { panic!("one remark: {result:?}") };
    assert_eq!((remark.technical_message.as_str(), remark.severity()), ("pipe 7 is overloaded", Severity::Warning));
    assert_eq!((remark.esdl_object_id.as_deref(), result.output_esdl.is_some()), (Some("pipe-7"), true));
    space.remove().await;
}

/// The courier runs as main's user where one is declared; else it may not be able to read, and says what to do.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_umask_hides_nothing_from_a_courier_of_the_same_user() {
    let space = Space::bare("umask").await;
    let hides = "umask 077; printf '<esdl/>' > /omotes/output/output.esdl; [ $(id -u) = $1 ]";
    let main = |user: &str, context: Value| json!({"containers": [{"name": "main", "image": "localhost/busybox:1", "command": ["sh", "-c", hides, "sh", user], "securityContext": context}]});
    let users = [
        ("pod", merged(main("10002", json!({})), &json!({"securityContext": {"runAsUser": 10002}})), "Completed"),
        (
            "container",
            merged(main("10003", json!({"runAsUser": 10003})), &json!({"securityContext": {"runAsUser": 10002}})),
            "Completed",
        ),
        ("declared-root", main("0", json!({"runAsUser": 0})), "Completed"),
        ("image", main("0", json!({})), "OutputUnreadable"),
    ];
    for (name, spec, _) in &users {
        space.create(&job(name, &json!({"template": {"spec": spec}}))).await;
    }
    for (name, _, expected) in users {
        let job = space.ended(name).await;
        assert_eq!(cause(&job), expected, "{name}: {}", message(&job));
        if expected == "OutputUnreadable" {
            for word in [
                "/omotes/output/output.esdl",
                "belongs to user 0 with mode 0600",
                "runs as user 65532",
                "declare runAsUser",
                "chmod",
            ] {
                assert!(message(&job).contains(word), "{word:?} is not in {:?}", message(&job));
            }
        }
    }
    space.remove().await;
}

/// The kubelet brings what a volume refers to about a minute after it came to be.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_input_may_come_after_its_job() {
    let space = Space::new("late").await;
    let spec = json!({
        "input": {"esdl": {"configMapKeyRef": {"name": "network", "key": "esdl"}}},
        "template": {"spec": pod_spec("cp /omotes/input/input.esdl /omotes/output/output.esdl")},
    });
    let id = space.create(&job("job", &spec)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    until("the courier waits for the input", PATIENCE, || async {
        let pod = space.pods.get("job-1").await.map_err(|error| error.to_string())?;
        let inits = pod.status.and_then(|status| status.init_container_statuses).unwrap_or_default();
        let first = inits.first().and_then(|container| container.state.clone());
        first.as_ref().and_then(|state| state.running.as_ref()).map(drop).ok_or_else(|| format!("{first:?}"))
    })
    .await;
    let map = json!({"metadata": {"name": "network"}, "data": {"esdl": "<esdl name='late'/>"}});
    let maps: Api<ConfigMap> = Api::namespaced(space.client.clone(), &space.name);
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    client.listen(PATIENCE, AFTERWARDS).await;
    let output = client.only_result(ResultType::Succeeded).output_esdl.as_deref();
    assert_eq!(output, Some(&b"<esdl name='late'/>"[..]));
    space.remove().await;
}

impl Space {
    /// What the courier in a job's pod sends.
    async fn courier_of(&self, job: &str) -> CourierMessage {
        let (pod, key) = (self.pods.get(&format!("{job}-1")).await.unwrap(), self.key().await);
        let (job, uid) = (environment(&pod, "OMOTES_COURIER_JOB_UID"), pod.uid().unwrap());
        let sealed = environment(&pod, "OMOTES_COURIER_SEALED_CAPABILITY");
        CourierMessage {
            capability: key.open_capability(&sealed, &job, 1).unwrap(),
            proof: Some(key.proof(&job, 1, &uid)),
            job,
            attempt: 1,
            pod: uid,
            notice: CourierNotice::Hello,
        }
    }

    fn tell(&self, job: &str) {
        run_in(&self.name, &format!("{job}-1"), "touch /omotes/output/go");
    }
}

fn environment(pod: &Pod, name: &str) -> String {
    let couriers = pod.spec.as_ref().unwrap().init_containers.as_ref().unwrap();
    let variable = couriers[0].env.iter().flatten().find(|variable| variable.name == name);
    variable.and_then(|variable| variable.value.clone()).unwrap()
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn the_couriers_credentials_reach_no_queue() {
    let space = Space::new("thief").await;
    let id = space.create(&shell_job("job", UNTIL_TOLD)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    let [progress, status, result] = queues(&id);
    let output = format!("omotes.output.{}", space.courier_of("job").await.capability);
    let theirs = [&progress, &status, &result, &output, "omotes.progress", "omotes.events"];
    let on_queues =
        [Crime::Consume, Crime::Get, Crime::Purge, Crime::Delete, Crime::Declare, Crime::Bind, Crime::Publish];
    let on_others = [
        (Crime::Declare, "jobs.own.result"),
        (Crime::Declare, "omotes.input.own"),
        (Crime::Declare, ""),
        (Crime::DeclareExchange, "omotes.courier.own"),
        (Crime::Consume, "omotes.leader"),
        (Crime::Publish, "job_submissions"),
    ];
    let crimes = theirs.iter().flat_map(|queue| on_queues.map(|crime| (crime, *queue))).chain(on_others);
    let thief = space.thief().await;
    for (crime, target) in crimes {
        assert_refused(crime, target, &thief).await;
    }
    // And it is the right connection: what the courier does, it can do.
    publish(&thief.create_channel().await.unwrap(), "omotes.courier", "output.none", b"noise").await.unwrap();

    space.tell("job");
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    assert_eq!(client.statuses().len(), 3, "nothing was taken from the client, and nothing added: {:?}", client.log);
    space.remove().await;
}

/// The operator believes progress only when job, attempt, pod and proof fit together, and an output only when the kubelet
/// brought its digest.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn forged_messages_are_dropped() {
    let space = Space::new("forger").await;
    let id = space.create(&shell_job("victim", UNTIL_TOLD)).await.uid().unwrap();
    space.create(&shell_job("own", UNTIL_TOLD)).await;
    let mut client = Listener::attach(&id).await;
    for job in ["victim", "own"] {
        space.running(job).await;
    }
    let (victim, own) = (space.courier_of("victim").await, space.courier_of("own").await);
    let before = rejected(&space).await;
    let progress = |progress: f64| CourierNotice::Progress(ProgressLine { progress, message: String::new() });
    let forged = |forgery: CourierMessage| CourierMessage { notice: progress(0.9), ..forgery };
    let forgeries = [
        forged(CourierMessage { capability: own.capability, ..victim.clone() }),
        forged(CourierMessage { proof: own.proof, ..victim.clone() }),
        forged(CourierMessage { proof: Some(victim.capability), ..victim.clone() }),
        forged(CourierMessage { proof: None, ..victim.clone() }),
        forged(CourierMessage { capability: "00112233445566778899aabbccddeeff".parse().unwrap(), ..victim.clone() }),
        forged(CourierMessage { pod: own.pod.clone(), ..victim.clone() }),
        forged(CourierMessage { pod: "no-such-pod".to_owned(), ..victim.clone() }),
        forged(CourierMessage { attempt: 2, ..victim.clone() }),
        forged(CourierMessage { job: victim.job.clone(), ..own }),
    ];
    let thief = space.thief().await;
    let channel = thief.create_channel().await.unwrap();
    for forgery in &forgeries {
        publish(&channel, "omotes.courier", "progress", &forgery.to_body()).await.unwrap();
    }
    publish(&channel, "omotes.courier", "progress", b"{}").await.unwrap();
    let esdl = Some("<forged/>".into());
    let output = CourierOutput::new(esdl, Vec::new()).unwrap().to_body();
    let route = space.key().await.output_route(&victim.job, 1);
    publish(&channel, "omotes.courier", &format!("output.{route}"), &output).await.unwrap();
    // Its own courier could have sent this one; by then all the others have been looked at.
    let genuine = CourierMessage { notice: progress(0.25), ..victim };
    publish(&channel, "omotes.courier", "progress", &genuine.to_body()).await.unwrap();
    space
        .wait("victim", "25 %", |job| {
            job.status
                .as_ref()
                .and_then(|status| status.progress.as_ref())
                .is_some_and(|progress| progress.percent == 25)
        })
        .await;
    let counted = rejected(&space).await - before;
    assert!(counted >= forgeries.len() as u64, "{counted} of {} were rejected", forgeries.len());

    space.tell("victim");
    client.listen(PATIENCE, AFTERWARDS).await;
    let result = client.only_result(ResultType::Succeeded);
    assert_eq!(result.output_esdl.as_deref(), Some(&b"<esdl/>"[..]), "the program's own output");
    assert!(!client.log.contains(&Heard::Progress(0.9)), "{:?}", client.log);
    space.remove().await;
}

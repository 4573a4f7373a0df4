//! The courier in a real pod, and what somebody can do who reads its credentials in the job's namespace.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
        QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
    },
    types::FieldTable,
};
use omotes_operator::wire::{CourierOutput, CourierProgress, ResultType, Severity};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, job, kubectl, merged, message, pod_spec, shell_job, variable},
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
    /// A connection with the credentials that anybody finds who may read Secrets in this namespace.
    async fn thief(&self) -> Connection {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.name);
        let data = secrets.get("omotes-courier").await.unwrap().data.unwrap();
        let uri = String::from_utf8(data["amqp-uri"].0.clone()).unwrap();
        Connection::connect(&uri, ConnectionProperties::default()).await.unwrap()
    }

    /// What the courier in a job's pod knows: its capability, and the pod's UID.
    async fn courier_of(&self, job: &str) -> CourierProgress {
        let pod = self.pods.get(&format!("{job}-1")).await.unwrap();
        CourierProgress {
            job: environment(&pod, "OMOTES_COURIER_JOB_UID"),
            attempt: 1,
            pod: pod.uid().unwrap(),
            capability: environment(&pod, "OMOTES_COURIER_CAPABILITY").parse().unwrap(),
            progress: 0.0,
            message: String::new(),
            arrival: false,
        }
    }

    fn tell(&self, job: &str) {
        let pod = format!("{job}-1");
        let exec = ["exec", "--namespace", &self.name, &pod, "--", "touch", "/omotes/output/go"];
        let (told, text) = kubectl(&exec, None);
        assert!(told, "{text}");
    }
}

fn environment(pod: &Pod, name: &str) -> String {
    let couriers = pod.spec.as_ref().unwrap().init_containers.as_ref().unwrap();
    let variable = couriers[0].env.iter().flatten().find(|variable| variable.name == name);
    variable.and_then(|variable| variable.value.clone()).unwrap()
}

async fn publish(channel: &Channel, exchange: &str, key: &str, body: &[u8]) -> lapin::Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?.await?;
    Ok(())
}

/// What somebody with the courier's credentials may try.
#[derive(Debug, Clone, Copy)]
enum Crime {
    Consume,
    Get,
    Purge,
    Delete,
    Declare,
    DeclareExchange,
    /// Binds a queue to the couriers' exchange.
    Bind,
    /// Publishes to the default exchange, which reaches every queue.
    Publish,
}

async fn commit(crime: Crime, target: &str, channel: &Channel) -> lapin::Result<()> {
    let (name, key, arguments) = (target.into(), "#".into(), FieldTable::default());
    match crime {
        Crime::Consume => {
            channel.basic_consume(name, "".into(), BasicConsumeOptions::default(), arguments).await.map(drop)
        }
        Crime::Get => channel.basic_get(name, BasicGetOptions::default()).await.map(drop),
        Crime::Purge => channel.queue_purge(name, QueuePurgeOptions::default()).await.map(drop),
        Crime::Delete => channel.queue_delete(name, QueueDeleteOptions::default()).await.map(drop),
        Crime::Declare => {
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(name, durable, arguments).await.map(drop)
        }
        Crime::DeclareExchange => {
            channel.exchange_declare(name, ExchangeKind::Topic, ExchangeDeclareOptions::default(), arguments).await
        }
        Crime::Bind => {
            channel.queue_bind(name, "omotes.courier".into(), key, QueueBindOptions::default(), arguments).await
        }
        Crime::Publish => publish(channel, "", target, b"forged").await,
    }
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
        let outcome = commit(crime, target, &thief.create_channel().await.unwrap()).await;
        let text = outcome.as_ref().map_or_else(ToString::to_string, |()| "done".to_owned());
        assert!(text.contains("ACCESS_REFUSED") || text.contains("ACCESS-REFUSED"), "{crime:?} {target:?}: {text}");
    }
    // And it is the right connection: what the courier does, it can do.
    publish(&thief.create_channel().await.unwrap(), "omotes.courier", "output.none", b"noise").await.unwrap();

    space.tell("job");
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    assert_eq!(client.statuses().len(), 3, "nothing was taken from the client, and nothing added: {:?}", client.log);
    space.remove().await;
}

/// The operator believes progress only when job, attempt, pod and capability fit together, and an output only when the
/// kubelet brought its digest.
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
    let forged = |forgery: CourierProgress| CourierProgress { progress: 0.9, ..forgery };
    let forgeries = [
        forged(CourierProgress { capability: own.capability, ..victim.clone() }),
        forged(CourierProgress { capability: "00112233445566778899aabbccddeeff".parse().unwrap(), ..victim.clone() }),
        forged(CourierProgress { pod: own.pod.clone(), ..victim.clone() }),
        forged(CourierProgress { pod: "no-such-pod".to_owned(), ..victim.clone() }),
        forged(CourierProgress { attempt: 2, ..victim.clone() }),
        forged(CourierProgress { job: victim.job.clone(), ..own }),
    ];
    let thief = space.thief().await;
    let channel = thief.create_channel().await.unwrap();
    for forgery in &forgeries {
        publish(&channel, "omotes.courier", "progress", &forgery.to_body()).await.unwrap();
    }
    publish(&channel, "omotes.courier", "progress", b"{}").await.unwrap();
    let esdl = Some("<forged/>".into());
    let output = CourierOutput::new(esdl, Vec::new()).unwrap().to_body();
    publish(&channel, "omotes.courier", &format!("output.{}", victim.capability), &output).await.unwrap();
    // Its own courier could have sent this one; by then all the others have been looked at.
    let genuine = CourierProgress { progress: 0.25, ..victim };
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

/// How many progress messages the operator's pods have dropped, as their metrics say.
async fn rejected(space: &Space) -> u64 {
    let namespace = variable("OMOTES_NAMESPACE");
    let pods: Api<Pod> = Api::namespaced(space.client.clone(), &namespace);
    let operators = ListParams::default().labels("app.kubernetes.io/name=omotes-operator");
    let mut sum = 0;
    for pod in pods.list(&operators).await.unwrap().items {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{}:8080/proxy/metrics", pod.name_any());
        let (read, text) = kubectl(&["get", "--raw", &path], None);
        assert!(read, "{text}");
        let count = text.lines().find_map(|line| line.strip_prefix("omotes_progress_rejected_total "));
        sum += count.unwrap_or_else(|| panic!("no such metric: {text}")).parse::<u64>().unwrap();
    }
    sum
}

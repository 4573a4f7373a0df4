//! What a tenant, a client or a program tries, by its own commands, and has nothing of.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use omotes_operator::testing::{
    api::{OmotesJob, status::QueuesState},
    wire::{Capability, CourierMessage, CourierNotice, ProgressLine, ResultType},
};
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::support::{
    attacker::{Crime, assert_refused, publish, rejected},
    bed::{PATIENCE, Space, cause, cluster, job, merged, message, pod_spec, run_in, shell_job, variable},
    broker,
    client::{Heard, Listener, connect, declare, depth, queues, take},
    sdk::{Offer, Sdk},
    until,
};

/// The queues of as many outputs as there are passes at once hold what is not theirs: another namespace's deadline is kept and
/// its client told in time, and each output is found.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed"]
async fn filled_output_queues_hold_up_no_other_namespaces_job() {
    const JOBS: usize = 32;
    const FOREIGN: usize = 20;
    let (hostile, quiet) = (Space::new("fills").await, Space::new("filled").await);
    let script = "until [ -e /omotes/output/go ]; do sleep 0.5; done; printf '<esdl/>' > /omotes/output/output.esdl";
    let template = pod_spec(script);
    let mut uids = Vec::new();
    for number in 0..JOBS {
        let job = job(&format!("job-{number}"), &json!({"template": {"spec": template}}));
        uids.push(hostile.create(&job).await.uid().unwrap());
    }
    for number in 0..JOBS {
        hostile.running(&format!("job-{number}")).await;
    }
    let (thief, key) = (hostile.thief().await, hostile.key().await);
    let (channel, body) = (thief.create_channel().await.unwrap(), vec![b'x'; 64 * 1024]);
    for uid in &uids {
        let route = format!("output.{}", key.output_route(uid, 1));
        for _ in 0..FOREIGN {
            assert!(publish(&channel, "omotes.courier", &route, &body).await.unwrap());
        }
    }
    let spec = json!({"maxRunSeconds": 5, "template": {"spec": pod_spec("exec sleep 600")}});
    let mut client = Listener::attach(&quiet.create(&job("job", &spec)).await.uid().unwrap()).await;
    quiet.running("job").await;
    let started = Instant::now();
    let namespace = hostile.name.clone();
    let ending = spawn_blocking(move || {
        for number in 0..JOBS {
            run_in(&namespace, &format!("job-{number}-1"), "touch /omotes/output/go");
        }
    });
    client.listen(PATIENCE, Duration::ZERO).await;
    let told = started.elapsed();
    client.only_result(ResultType::Cancelled);
    println!("told {told:.1?} after the start");
    ending.await.unwrap();
    for number in 0..JOBS {
        let ended = hostile.ended(&format!("job-{number}")).await;
        assert_eq!(cause(&ended), "Completed", "{}", message(&ended));
    }
    // The limit, the grace of a program that is deaf to SIGTERM, and as much again for a busy machine.
    assert!(told < 2 * Duration::from_secs(5 + 5), "told after {told:?}");
    quiet.remove().await;
    hostile.remove().await;
}

/// A program of the courier's user that sees its process looks into its environment, its memory and its files. It ends with 3
/// where it got something, and with 4 where it saw no courier.
const LOOK_INTO_COURIER: &str = r#"
for process in /proc/[0-9]*; do
    grep -qa '[o]motes-operator' $process/cmdline 2> /dev/null || continue
    seen=yes
    for what in environ maps mem root/etc/hostname fd/0; do
        if head -c 1 $process/$what > /dev/null 2>&1; then echo "read $process/$what"; exit 3; fi
    done
    ls $process/fd $process/root/ > /dev/null 2>&1 && exit 3
done
[ "$seen" ] || exit 4
"#;

/// Somebody who may debug pods, but not read Secrets, runs a container of the courier's user among its processes.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_program_reads_nothing_of_its_courier() {
    let space = Space::new("hostile").await;
    space.create(&shell_job("job", UNTIL_TOLD)).await;
    space.running("job").await;
    let mut debugger = pod_spec(LOOK_INTO_COURIER)["containers"][0].clone();
    debugger["name"] = json!("debugger");
    debugger["targetContainerName"] = json!("omotes-courier");
    let patch = Patch::Strategic(json!({"spec": {"ephemeralContainers": [debugger]}}));
    space.pods.patch_ephemeral_containers("job-1", &PatchParams::default(), &patch).await.unwrap();
    let code = until("the debugger has ended", PATIENCE, || async {
        let pod = space.pods.get("job-1").await.map_err(|error| error.to_string())?;
        let state = pod.status.and_then(|status| status.ephemeral_container_statuses?.pop()?.state);
        let ended = state.as_ref().and_then(|state| state.terminated.as_ref());
        ended.map(|ended| ended.exit_code).ok_or_else(|| format!("{state:?}"))
    })
    .await;
    assert_eq!(code, 0, "3: it read something, 4: it saw no courier");
    space.remove().await;
}

/// A program that puts a pipe or a link in place of its progress again and again holds up nothing, not even its own result.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_program_that_swaps_its_files_stops_no_courier() {
    let space = Space::new("swaps").await;
    let script = "cd /omotes; (while :; do
        mkfifo pipe; ln -s /proc/self/environ link; echo '{\"progress\": 0.5}' > file
        mv -f file progress; mv -f pipe progress; mv -f link progress
    done) & sleep 5; printf '<esdl/>' > /omotes/output/output.esdl";
    space.create(&job("job", &json!({"template": {"spec": pod_spec(script)}}))).await;
    let job = space.ended("job").await;
    assert_eq!(cause(&job), "Completed", "{:?}", job.status.and_then(|status| status.termination));
    space.remove().await;
}

/// Ends well once the test says so.
const UNTIL_TOLD: &str = "trap 'exit 10' TERM; until [ -e /omotes/output/go ]; do sleep 0.2; done; \
    cp /omotes/input/input.esdl /omotes/output/output.esdl";

/// Who may look into a namespace, list all queues, and has a courier's credentials and key of another namespace.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn what_is_seen_of_a_job_lets_nobody_speak_for_it_or_read_its_input() {
    let offer = Offer::new("sealed", UNTIL_TOLD).await;
    let (uuid, mut client) = Sdk::start().await.submit(&offer.type_name, b"<esdl secret='42'/>", b"").await;
    let pods: Api<Pod> = Api::namespaced(cluster().await, &variable("OMOTES_JOB_NAMESPACE"));
    let pod = until("the program runs", PATIENCE, || async {
        let pod = pods.get(&format!("{uuid}-1")).await.map_err(|error| error.to_string())?;
        let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        let runs = statuses.is_some_and(|known| known.iter().any(|main| main.started == Some(true)));
        if runs { Ok(pod) } else { Err("not yet".to_owned()) }
    })
    .await;
    let victim = offer.stored(&uuid).await;
    let space = Space::new("attacker").await;
    space.create(&shell_job("own", "true")).await;
    space.ended("own").await;
    let (thief, key) = (space.thief().await, space.key().await);
    let queues: Vec<String> = broker::depths().await.into_keys().collect();
    let named = |prefix: &str| -> Vec<String> {
        queues.iter().filter_map(|queue| queue.strip_prefix(prefix)).map(str::to_owned).collect()
    };
    let (outputs, inputs) = (named("omotes.output."), named("omotes.input.sealed."));
    assert!(!outputs.is_empty() && !inputs.is_empty(), "{queues:?}");

    let events: Api<Event> = Api::namespaced(cluster().await, &variable("OMOTES_JOB_NAMESPACE"));
    let events = events.list(&ListParams::default()).await.unwrap();
    let shown = json!([pod, victim, events.items]).to_string();
    for label in outputs.iter().chain(&inputs) {
        assert!(!shown.contains(label.as_str()), "{label} is shown");
    }
    let mut read = 0;
    for label in &inputs {
        let queue = format!("omotes.input.sealed.{label}");
        // The queue of another test's job may be gone since it was listed, which ends the channel.
        let channel = thief.create_channel().await.unwrap();
        let got = channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await;
        let message = match got {
            Ok(message) => message,
            Err(error) => {
                assert!(error.to_string().contains("NOT_FOUND"), "{queue}: {error}");
                None
            }
        };
        let Some(message) = message else { continue };
        let body = message.delivery.data;
        assert!(!String::from_utf8_lossy(&body).contains("secret"), "the input can be read");
        assert!(key.open_input(&uuid, body).is_err(), "another namespace's key opens it");
        read += 1;
    }
    assert!(read > 0, "{inputs:?}");
    drop(thief);

    let (thief, before) = (space.thief().await, rejected(&space).await);
    let channel = thief.create_channel().await.unwrap();
    let (job_uid, pod_uid) = (victim.uid().unwrap(), pod.uid().unwrap());
    for label in &outputs {
        let label: Capability = label.parse().unwrap();
        for proof in [None, Some(label), Some(key.proof(&job_uid, 1, &pod_uid))] {
            let line = ProgressLine { progress: 0.9, message: "forged".to_owned() };
            let forged = CourierMessage {
                job: job_uid.clone(),
                attempt: 1,
                pod: pod_uid.clone(),
                capability: label,
                proof,
                notice: CourierNotice::Progress(line),
            };
            publish(&channel, "omotes.courier", "progress", &forged.to_body()).await.unwrap();
        }
        for route in [label, key.output_route(&job_uid, 1)] {
            let taken = publish(&channel, "omotes.courier", &format!("output.{route}"), b"flood").await.unwrap();
            assert!(!taken, "a queue took what was sent by output.{route}");
        }
    }
    // Of each sender only the newest counts while the operator is behind: each label is one, and the true proof.
    let senders = outputs.len() as u64 + 1;
    until("all forgeries are rejected", PATIENCE, || async {
        let counted = rejected(&space).await - before;
        if counted >= senders { Ok(()) } else { Err(format!("{counted} of {senders}")) }
    })
    .await;

    run_in(&variable("OMOTES_JOB_NAMESPACE"), &pod.name_any(), "touch /omotes/output/go");
    client.listen(PATIENCE, Duration::from_secs(1)).await;
    let result = client.only_result(ResultType::Succeeded);
    assert_eq!(result.output_esdl.as_deref(), Some(&b"<esdl secret='42'/>"[..]), "its program read its input");
    assert!(!client.log.contains(&Heard::Progress(0.9)), "{:?}", client.log);
    client.leave().await;
    offer.remove().await;
    space.remove().await;
}

/// A token that the program is to have is its own: the courier beside it has none.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_courier_has_no_token() {
    const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let space = Space::new("token").await;
    let script = format!("[ -s {TOKEN}/token ]");
    let pod = merged(pod_spec(&script), &json!({"automountServiceAccountToken": true}));
    space.create(&job("job", &json!({"template": {"spec": pod}}))).await;
    assert_eq!(cause(&space.ended("job").await), "Completed", "the program has its token");
    let spec = space.pods.get("job-1").await.unwrap().spec.unwrap();
    for courier in spec.init_containers.iter().flatten() {
        let mounts = courier.volume_mounts.iter().flatten();
        let on_token: Vec<&str> =
            mounts.filter(|mount| mount.mount_path == TOKEN).map(|mount| mount.name.as_str()).collect();
        assert_eq!(on_token, ["omotes-control"], "{}", courier.name);
    }
    space.remove().await;
}

/// A client is no administrator: it touches nothing but what is for clients.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_clients_credentials_reach_nothing_of_the_operators() {
    let offer = Offer::new("client", UNTIL_TOLD).await;
    let (uuid, client) = Sdk::start().await.submit(&offer.type_name, b"<esdl/>", b"").await;
    offer.stored(&uuid).await;
    let connection = connect().await;
    declare(&connection, "jobs.attack.status", Some(60_000)).await;
    assert_refused(Crime::BindEvents, "jobs.attack.status", &connection).await;
    assert_refused(Crime::Bind, "jobs.attack.status", &connection).await;
    let queues: Vec<String> = broker::depths().await.into_keys().collect();
    let own = queues.iter().filter(|queue| queue.starts_with("omotes.")).map(String::as_str);
    let own: Vec<&str> = own.chain(["omotes.leader", "job_submissions"]).collect();
    assert!(own.iter().any(|queue| queue.starts_with("omotes.input.sealed.")), "{own:?}");
    for queue in own {
        for crime in [Crime::Consume, Crime::Get, Crime::Purge] {
            assert_refused(crime, queue, &connection).await;
        }
        if queue != "job_submissions" {
            assert_refused(Crime::Declare, queue, &connection).await;
            assert_refused(Crime::Delete, queue, &connection).await;
        }
    }
    for exchange in ["omotes.courier", "amq.rabbitmq.event"] {
        assert_refused(Crime::PublishTo, exchange, &connection).await;
        assert_refused(Crime::DeclareExchange, &format!("{exchange}.own"), &connection).await;
    }
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete("jobs.attack.status".into(), QueueDeleteOptions::default()).await.unwrap();
    client.leave().await;
    offer.jobs.delete(&uuid, &DeleteParams::default()).await.unwrap();
    offer.remove().await;
}

/// Through the default exchange a client reaches every queue, also that of the broker's events; what comes so is no event.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_forged_event_is_no_evidence() {
    let space = Space::new("events").await;
    let done = json!({"template": {"spec": pod_spec("printf '<esdl/>' > /omotes/output/output.esdl")}});
    let mut results = Vec::new();
    for name in ["forged", "read"] {
        let id = space.create(&job(name, &done)).await.uid().unwrap();
        space.ended(name).await;
        results.push(queues(&id)[2].clone());
    }
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    let mut headers = FieldTable::default();
    let words = [("name", results[0].as_str()), ("vhost", "omotes"), ("user_who_performed_action", "omotes-client")];
    for (key, value) in words {
        headers.insert(key.into(), AMQPValue::LongString(value.into()));
    }
    headers.insert("timestamp_in_ms".into(), AMQPValue::LongLongInt(jiff::Timestamp::now().as_millisecond()));
    let event = BasicProperties::default().with_headers(headers);
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "omotes.events".into(), options, b"", event).await.unwrap();
    // The broker's own event comes after it, by the same queue.
    assert!(matches!(take(&connection, &results[1]).await, Some(Heard::Result { .. })));
    channel.queue_delete(results[1].as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let state = |job: &OmotesJob| job.status.as_ref().and_then(|status| status.queues.as_ref()?.state);
    space.wait("read", "read", |job| state(job) == Some(QueuesState::Consumed)).await;
    let forged = space.jobs.get("forged").await.unwrap();
    assert_eq!(state(&forged), Some(QueuesState::Ensured), "{:?}", forged.status);
    assert_eq!(depth(&connection, &results[0]).await, Some(1), "the result waits for its client");
    space.remove().await;
}

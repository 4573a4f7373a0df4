//! What is between the operator and the apiserver or the broker fails: replies and confirmations are lost, events are late,
//! connections fall silent without a word, everything is slow. Each job gets one pod, and its client one result.
//!
//! The operator is a process of this machine behind a proxy, in place of the installed one. Couriers use the broker itself.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use omotes_operator::testing::{
    api::{OmotesJob, OmotesWorkflow, names, status::Phase},
    wire::ResultType,
};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::Fleet;
use crate::support::{
    audit::{self, Mark},
    bed::{PATIENCE, Space, cause, job, merged, message, phase, pod_spec, quits, shell_job},
    broker as rabbit,
    client::queues,
    proxy::{Asked, Fault, ProxiedOperator},
    until,
};

/// How late a watch tells what happens.
const LATE: Duration = Duration::from_secs(20);
/// How long the apiserver is away: some times as long as a leader may go on without it.
const DARK: Duration = Duration::from_secs(60);
/// What each way takes, so that the answer to a request takes 200 ms.
const ONE_WAY: Duration = Duration::from_millis(100);
const MANY: usize = 20;

/// Jobs of an operator behind a proxy, and all that the operator has asked for.
struct Scene {
    operator: ProxiedOperator,
    fleet: Fleet,
    mark: Mark,
}

/// A job that is aborted.
struct Aborted {
    name: String,
    id: String,
}

impl Scene {
    async fn new(test: &str) -> Self {
        let operator = ProxiedOperator::start().await;
        Self { operator, fleet: Fleet::new(test).await, mark: audit::mark() }
    }

    /// Starts a job that is to be aborted.
    async fn start_doomed(&self, job: &OmotesJob) -> Aborted {
        let id = self.fleet.space.create(job).await.uid().unwrap();
        Aborted { name: job.name_any(), id }
    }

    async fn abort(&self, name: &str) {
        self.fleet.space.change(name, &json!({"abort": {"reason": "enough"}})).await;
    }

    /// All jobs have succeeded with one pod and one result each, and nothing is left; the same of these that were aborted.
    async fn ends_well(self, aborted: &[Aborted]) {
        let Self { operator, fleet, mark } = self;
        for job in aborted {
            job.ends_well(&fleet.space).await;
        }
        let space = fleet.space.name.clone();
        let jobs = fleet.names().into_iter().chain(aborted.iter().map(|job| job.name.clone()));
        let mut expected: Vec<String> = jobs.map(|job| format!("{job}-1")).collect();
        expected.sort_unstable();
        fleet.ends_well().await;
        operator.stop().await;
        assert_eq!(pods_made(&mark, &space), expected, "one pod for each job");
    }
}

impl Aborted {
    /// It was aborted, no program of its runs on, and its client was told once.
    async fn ends_well(&self, space: &Space) {
        let job = space.ended(&self.name).await;
        assert_eq!(phase(&job), Some(Phase::Aborted), "{}", message(&job));
        until("its program has ended", PATIENCE, || async {
            let pod = space.pods.get_opt(&format!("{}-1", self.name)).await.unwrap();
            let states = pod.and_then(|pod| pod.status?.container_statuses).into_iter().flatten();
            let running: Vec<_> = states.filter_map(|container| container.state?.running).collect();
            if running.is_empty() { Ok(()) } else { Err(format!("{running:?}")) }
        })
        .await;
        rabbit::only_result_waiting(&self.id, ResultType::Cancelled).await;
    }
}

/// The pods that the operator has made in `space`, in order of their names.
fn pods_made(mark: &Mark, space: &str) -> Vec<String> {
    let requests = mark.of_operator().into_iter().filter(|request| request.namespace == space);
    let made = requests.filter(|request| request.short() == "create pods" && request.code == 201);
    let mut names: Vec<String> =
        made.map(|request| request.body["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect();
    names.sort_unstable();
    names
}

fn makes_pod(name: &'static str) -> impl Fn(&Asked) -> bool {
    move |asked| asked.short() == "create pods" && asked.name == name
}

/// The write that records how the job called `name` ended.
fn records_end(name: &'static str) -> impl Fn(&Asked) -> bool {
    move |asked| {
        let is_end = asked.body["status"]["phase"] == "Succeeded";
        asked.short() == "patch omotesjobs/status" && asked.name == name && is_end
    }
}

/// What an AMQP client sends to publish to `queue`: the method `basic.publish`, the default exchange, the routing key.
fn publication_to(queue: &str) -> Vec<u8> {
    const BASIC_PUBLISH: [u8; 4] = [0, 60, 0, 40];
    const RESERVED: [u8; 2] = [0, 0];
    const DEFAULT_EXCHANGE: [u8; 1] = [0];
    let length = [u8::try_from(queue.len()).unwrap()];
    [&BASIC_PUBLISH[..], &RESERVED, &DEFAULT_EXCHANGE, &length, queue.as_bytes()].concat()
}

/// Pods whose program may run: not ended, as far as the apiserver knows.
fn live(pods: &[Pod]) -> Vec<String> {
    let ended = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
        matches!(phase.as_deref(), Some("Succeeded" | "Failed"))
    };
    pods.iter().filter(|pod| !ended(pod)).map(ResourceExt::name_any).collect()
}

/// Watches the pods of workflows; ends where more of them live at once than there are seats.
fn watch_seats(pods: Api<Pod>, seats: usize) -> JoinHandle<()> {
    let of_workflows = ListParams::default().labels(names::LABEL_WORKFLOW);
    tokio::spawn(async move {
        loop {
            let there = live(&pods.list(&of_workflows).await.unwrap().items);
            assert!(there.len() <= seats, "more live pods than seats: {there:?}");
            sleep(Duration::from_millis(50)).await;
        }
    })
}

/// Makes a workflow whose jobs run `script`, with these limits.
async fn make_workflow(space: &Space, name: &str, script: &str, limit: &Value) {
    let workflows: Api<OmotesWorkflow> = Api::namespaced(space.client.clone(), &space.name);
    let spec = merged(json!({"typeName": name, "template": {"spec": pod_spec(script)}}), limit);
    let manifest = json!({"metadata": {"name": name}, "spec": spec});
    workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
}

/// A pod that was made and one that was not look the same to the operator.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_lost_reply_to_a_creation_makes_no_second_pod() {
    let mut scene = Scene::new("unanswered").await;
    let faults = &scene.operator.proxy.faults;
    let strikes = [
        faults.strike(Fault::ReplyLost, makes_pod("made-1")),
        faults.strike(Fault::NeverArrives, makes_pod("not-made-1")),
    ];
    scene.fleet.start("made", 1.0).await;
    scene.fleet.start("not-made", 1.0).await;
    for strike in strikes {
        strike.struck().await;
    }
    scene.ends_well(&[]).await;
}

/// The result was sent before; one client has read it, and one has not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_lost_reply_to_the_last_status_sends_no_second_result() {
    let mut scene = Scene::new("unrecorded").await;
    let faults = &scene.operator.proxy.faults;
    let strikes = ["read", "unread"].map(|name| faults.strike(Fault::ReplyLost, records_end(name)));
    scene.fleet.start("unread", 1.0).await;
    scene.fleet.start("read", 1.0).await;
    scene.fleet.listen();
    for strike in strikes {
        strike.struck().await;
    }
    scene.ends_well(&[]).await;
}

/// One job ends meanwhile. Another one is aborted whose pod is not known to have been made; its seat is taken until its program
/// has ended.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn late_news_of_pods_change_no_end() {
    let mut scene = Scene::new("late").await;
    scene.fleet.start("ends", 5.0).await;
    scene.fleet.listen();
    scene.fleet.all_run().await;
    let (space, faults) = (&scene.fleet.space, &scene.operator.proxy.faults);
    make_workflow(space, "seated", &quits(10), &json!({"maxConcurrentJobs": 1})).await;
    let watching = watch_seats(space.pods.clone(), 1);
    faults.delay_watches("pods", LATE);
    let lost = faults.strike(Fault::ReplyLost, makes_pod("unseen-1"));
    let seated = |name| job(name, &json!({"workflowRef": {"name": "seated"}}));
    let unseen = scene.start_doomed(&seated("unseen")).await;
    lost.struck().await;
    let next = scene.start_doomed(&seated("next")).await;
    scene.abort("unseen").await;
    let ended = scene.fleet.program_ended("ends").await.finished_at.unwrap().0;
    space.ended("ends").await;
    println!("recorded {:.1?} after its end", jiff::Timestamp::now().duration_since(ended));
    faults.delay_watches("pods", Duration::ZERO);
    space.running("next").await;
    scene.abort("next").await;
    scene.ends_well(&[unseen, next]).await;
    assert!(!watching.is_finished(), "more live pods than seats");
}

/// Nothing passes, and nobody is told. One job ends meanwhile, and one is aborted.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn an_apiserver_that_falls_silent_changes_no_end() {
    let mut scene = Scene::new("silent").await;
    let aborted = scene.start_doomed(&shell_job("aborted", &quits(10))).await;
    scene.fleet.space.running("aborted").await;
    scene.fleet.start("ends", 8.0).await;
    scene.fleet.start_bare("ends-bare", 8.0).await;
    scene.fleet.all_run().await;
    let line = &scene.operator.proxy.apiserver;
    line.go_dark();
    let dark = Instant::now();
    scene.abort("aborted").await;
    scene.fleet.all_programs_end().await;
    let noticed = scene.operator.ended().await;
    println!("the operator noticed {:.1?} after it was cut off", noticed.duration_since(dark));
    sleep(DARK.saturating_sub(dark.elapsed())).await;
    line.heal();
    let healed = Instant::now();
    for name in ["ends", "ends-bare", "aborted"] {
        scene.fleet.space.ended(name).await;
    }
    println!("all had ended {:.1?} after it was reached again", healed.elapsed());
    assert_eq!(cause(&scene.fleet.space.ended(&aborted.name).await), "SoftAborted");
    scene.ends_well(&[aborted]).await;
}

/// What is between has forgotten the connections that there were, as a load balancer does that is replaced. New ones are
/// served, so that the operator keeps its Lease.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn watches_that_are_dead_delay_no_end_for_long() {
    let mut scene = Scene::new("forgotten").await;
    scene.fleet.start_bare("ends", 5.0).await;
    scene.fleet.all_run().await;
    scene.operator.proxy.apiserver.forget();
    scene.fleet.all_programs_end().await;
    let ended = Instant::now();
    scene.fleet.space.ended("ends").await;
    println!("recorded {:.1?} after its end", ended.elapsed());
    assert_eq!(scene.operator.restarts(), 0, "it kept its Lease");
    scene.ends_well(&[]).await;
}

/// The broker has a result and confirms it, and the operator does not get that, nor anything else.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_broker_that_falls_silent_at_a_result_gets_it_once() {
    let mut scene = Scene::new("unconfirmed").await;
    let unread = scene.fleet.start("unread", 3.0).await;
    scene.fleet.start("read", 3.0).await;
    scene.fleet.listen();
    let broker = &scene.operator.proxy.broker;
    broker.mute_after(publication_to(&queues(&unread)[2]));
    timeout(PATIENCE, broker.muted()).await.unwrap();
    rabbit::result_waits(&unread).await;
    let silent = Instant::now();
    broker.forget();
    until("the operator knows that the broker is away", PATIENCE, || async {
        let readiness = scene.operator.readiness().await;
        if readiness.contains("unreachable since") { Ok(()) } else { Err(readiness) }
    })
    .await;
    println!("the operator noticed {:.1?} after it was cut off", silent.elapsed());
    scene.operator.connected().await;
    println!("connected again after {:.1?}", silent.elapsed());
    scene.ends_well(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_slow_network_changes_no_end() {
    let mut scene = Scene::new("slow").await;
    let proxy = &scene.operator.proxy;
    for line in [&proxy.apiserver, &proxy.broker, &proxy.management] {
        line.slow_down(ONE_WAY);
    }
    let began = Instant::now();
    for number in 0..MANY {
        match number % 2 {
            0 => scene.fleet.start(&format!("job-{number}"), 1.0).await,
            _ => scene.fleet.start_bare(&format!("job-{number}"), 1.0).await,
        };
    }
    for name in scene.fleet.names() {
        scene.fleet.space.ended(&name).await;
    }
    println!("{MANY} jobs had ended after {:.1?}", began.elapsed());
    assert_eq!(scene.operator.restarts(), 0, "it kept its Lease");
    scene.ends_well(&[]).await;
}

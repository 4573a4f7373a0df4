//! How soon a job runs, and how fast five hundred short ones go, beside bare pods on the same node: `make bench-starts`.
//!
//! A node starts so many pods a second and no more, so that what jobs take is told as a ratio to pods that nobody looks
//! after, in the same run.

use futures::future::join_all;
use kube::api::PostParams;

use super::*;
use crate::support::{bed::Space, operator::Operator};

const CLIENTS: usize = 5;
const EACH: usize = 100;
const JOBS: usize = CLIENTS * EACH;
/// How many jobs one after the other tell how soon a job runs.
const SINGLE: usize = 15;
const POOL: i32 = 16;
/// So many run at once, jobs as well as bare pods. A node that gets five hundred pods at once takes more than twice as long.
const AT_ONCE: i32 = 16;
const LONG: Duration = Duration::from_secs(1200);
const GOAL: Duration = Duration::from_secs(1);

/// From the submission until the client hears RUNNING: the median and the longest, while the node is quiet.
async fn latency(offer: &Offer) -> (Duration, Duration) {
    let sdk = Sdk::start().await;
    let mut took = Vec::new();
    for _ in 0..SINGLE {
        if offer.workflows.get(&offer.type_name).await.unwrap().spec.warm_pool.is_some() {
            offer.pool_is("True Ready").await;
        }
        let asked = Instant::now();
        let (_, mut listener) = sdk.submit(&offer.type_name, b"<esdl/>", b"").await;
        listener.runs().await;
        took.push(asked.elapsed());
        listener.listen(PATIENCE, Duration::ZERO).await;
        listener.only_result(ResultType::Succeeded);
        listener.leave().await;
    }
    took.sort_unstable();
    (took[SINGLE / 2], took[SINGLE - 1])
}

/// From the first submission until every client has every result.
async fn burst(offer: &Offer) -> Duration {
    let clients = join_all((0..CLIENTS).map(|_| Sdk::start())).await;
    let began = Instant::now();
    join_all(clients.iter().map(async |sdk| {
        let mut listeners = Vec::new();
        for _ in 0..EACH {
            listeners.push(sdk.submit_here(&offer.type_name, b"<esdl/>").await);
        }
        for mut listener in listeners {
            listener.listen(LONG, Duration::ZERO).await;
            listener.only_result(ResultType::Succeeded);
            listener.leave().await;
        }
    }))
    .await;
    began.elapsed()
}

/// How many pods with this spec, that nobody looks after, come to their end in a second, as many at once as jobs do.
async fn bare(spec: &Value, count: usize) -> f64 {
    let space = Space::new("bare").await;
    let pod: Pod = serde_json::from_value(json!({"metadata": {"generateName": "bare-"}, "spec": spec})).unwrap();
    let succeeded = ListParams::default().fields("status.phase=Succeeded").match_any();
    let (began, mut made, mut ended) = (Instant::now(), 0, 0);
    while ended < count {
        let next = (usize::try_from(AT_ONCE).unwrap() + ended - made).min(count - made);
        join_all((0..next).map(async |_| space.pods.create(&PostParams::default(), &pod).await.unwrap())).await;
        made += next;
        tokio::time::sleep(Duration::from_millis(200)).await;
        ended = space.pods.list_metadata(&succeeded).await.unwrap().items.len();
        assert!(began.elapsed() < LONG, "{ended} of {made} bare pods have ended");
    }
    let took = began.elapsed();
    space.pods.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    space.remove().await;
    rate(count, took)
}

/// A pod that does nothing, with a sidecar that does nothing until it is told to go.
fn accompanied() -> Value {
    let mut spec = pod_spec("true");
    let mut sidecar = spec["containers"][0].clone();
    sidecar["name"] = json!("sidecar");
    sidecar["command"] = json!(["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"]);
    sidecar["restartPolicy"] = json!("Always");
    spec["initContainers"] = json!([sidecar]);
    spec
}

fn rate(count: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make bench-starts"]
async fn short_jobs_beside_bare_pods() {
    Operator::settled().await;
    let seats = json!({"maxConcurrentJobs": AT_ONCE});
    let cold = Offer::of("cold", ECHO_COLD, &seats).await;
    let warm = Offer::warm("warm", ECHO_WARM, POOL, &seats).await;
    warm.pool_is("True Ready").await;
    let (median, longest) = latency(&cold).await;
    println!(
        "RUNNING after the submission: a pod of its own {median:.2?} (median of {SINGLE}; the longest {longest:.2?})"
    );
    let (median, longest) = latency(&warm).await;
    println!(
        "                              a pod that waited {median:.2?} (median of {SINGLE}; the longest {longest:.2?})"
    );
    let pods = bare(&pod_spec("true"), JOBS).await;
    println!("bare pods: {pods:.2} a second");
    let accompanied = bare(&accompanied(), EACH).await;
    println!(
        "bare pods with a second container, as the courier is: {accompanied:.2} a second, {:.2} of that",
        accompanied / pods
    );
    for (how, offer) in [("with a warm pool", &warm), ("with pods of their own", &cold)] {
        let took = burst(offer).await;
        let jobs = rate(JOBS, took);
        println!(
            "{CLIENTS} × {EACH} jobs {how}: {took:.0?}, {jobs:.2} a second, {:.2} of bare pods, {:.2} of those with a second container",
            jobs / pods,
            jobs / accompanied
        );
    }
    assert!(median < GOAL, "a pod that waited runs its job within {GOAL:?}");
    warm.vanish().await;
    cold.vanish().await;
}

/// Looks rarely: each look starts a process, and there are many pods that wait.
const ECHO_WARM: &str = "trap 'exit 10' TERM; until [ -e /omotes/input/input.esdl ]; do sleep 0.5; done; \
    cp /omotes/input/input.esdl /omotes/output/output.esdl";
const ECHO_COLD: &str = "cp /omotes/input/input.esdl /omotes/output/output.esdl";

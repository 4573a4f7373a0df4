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
/// How many jobs one after the other tell how soon a job runs.
const SINGLE: usize = 15;
const POOL: i32 = 16;
/// So many run at once, jobs as well as bare pods. A node that gets five hundred pods at once takes more than twice as long.
const AT_ONCE: i32 = 16;
const LONG: Duration = Duration::from_secs(900);
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
            listeners.push(sdk.submit(&offer.type_name, b"<esdl/>", b"").await.1);
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

/// The same number of pods, as many at once, that do nothing and that nobody looks after.
async fn bare() -> Duration {
    let space = Space::new("bare").await;
    let pod: Pod =
        serde_json::from_value(json!({"metadata": {"generateName": "bare-"}, "spec": pod_spec("true")})).unwrap();
    let succeeded = ListParams::default().fields("status.phase=Succeeded").match_any();
    let (began, mut made, mut ended) = (Instant::now(), 0, 0);
    while ended < CLIENTS * EACH {
        let next = (usize::try_from(AT_ONCE).unwrap() + ended - made).min(CLIENTS * EACH - made);
        join_all((0..next).map(async |_| space.pods.create(&PostParams::default(), &pod).await.unwrap())).await;
        made += next;
        tokio::time::sleep(Duration::from_millis(200)).await;
        ended = space.pods.list_metadata(&succeeded).await.unwrap().items.len();
        assert!(began.elapsed() < LONG, "{ended} of {made} bare pods have ended");
    }
    let took = began.elapsed();
    space.pods.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    space.remove().await;
    took
}

fn rate(took: Duration) -> f64 {
    f64::from(u32::try_from(CLIENTS * EACH).unwrap()) / took.as_secs_f64()
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
    let pods = bare().await;
    println!("{CLIENTS} × {EACH} bare pods: {pods:.1?}, {:.1} a second", rate(pods));
    for (how, offer) in [("with a warm pool", &warm), ("with pods of their own", &cold)] {
        let jobs = burst(offer).await;
        println!(
            "{CLIENTS} × {EACH} jobs {how}: {jobs:.1?}, {:.1} a second, {:.2} of what bare pods do",
            rate(jobs),
            rate(jobs) / rate(pods)
        );
    }
    assert!(median < GOAL, "a pod that waited runs its job within {GOAL:?}");
    warm.vanish().await;
    cold.vanish().await;
}

const ECHO_WARM: &str = "until [ -e /omotes/input/input.esdl ]; do sleep 0.05; done; \
    cp /omotes/input/input.esdl /omotes/output/output.esdl";
const ECHO_COLD: &str = "cp /omotes/input/input.esdl /omotes/output/output.esdl";

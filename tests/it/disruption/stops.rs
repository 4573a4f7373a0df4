//! Stops while no operator is there: every job ends for its reason, once.

use std::time::{Duration, Instant};

use futures::future::join_all;
use kube::{ResourceExt, api::EvictParams};
use omotes_operator::testing::{
    api::{
        OmotesJob,
        status::Phase::{self, Failed, Succeeded},
    },
    wire::ResultType,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{
    bed::{Space, cause, container, deaf, job, merged, message, phase, pod_spec, quits, verdict},
    broker as rabbit,
    operator::Operator,
};

/// After this many seconds of running a job is told to stop.
const LIMIT: i64 = 20;
/// Longer than that, and shorter than the pods' own limit, which is a minute more.
const AWAY: Duration = Duration::from_secs(30);

/// A job that does not end as it likes, and how it must end.
struct Doomed {
    name: &'static str,
    spec: Value,
    end: (Phase, &'static str, Option<i32>),
    /// The reason of its condition Failed or Complete.
    reason: &'static str,
    heard: ResultType,
}

fn doomed(
    name: &'static str,
    script: &str,
    patch: &Value,
    end: (Phase, &'static str, Option<i32>),
    reason: &'static str,
    heard: ResultType,
) -> Doomed {
    let spec = json!({"queues": {"expireAfterSeconds": 900}, "template": {"spec": pod_spec(script)}});
    Doomed { name, spec: merged(spec, patch), end, reason, heard }
}

fn all() -> Vec<Doomed> {
    use ResultType::{Cancelled, Error, Succeeded as Done};
    let (soft, zero, deaf) = (quits(10), quits(0), deaf());
    let limit = json!({"maxRunSeconds": LIMIT});
    let beat = json!({"heartbeat": {"timeoutSeconds": LIMIT, "onTimeout": "Abort"}});
    let nowhere = json!({"startDeadlineSeconds": LIMIT, "template": {"spec": {"nodeSelector": {"no-such": "node"}}}});
    let retry = json!({"backoffLimit": 1, "retry": {"initialSeconds": 2, "maxSeconds": 2}});
    let flaky = format!("[ $OMOTES_ATTEMPT = 1 ] || exit 0; sleep {LIMIT}; exit 3");
    let mut main = container("main", &format!("sleep {LIMIT}; text=x; while :; do text=$text$text; done"));
    main["resources"] = json!({"limits": {"memory": "24Mi"}});
    let small = json!({"template": {"spec": {"containers": [main]}}});
    vec![
        doomed("soft", &soft, &limit, (Failed, "SoftAborted", Some(10)), "DeadlineExceeded", Cancelled),
        doomed("zero", &zero, &limit, (Failed, "SoftAborted", Some(0)), "DeadlineExceeded", Cancelled),
        doomed("deaf", &deaf, &limit, (Failed, "KilledAfterGrace", Some(137)), "DeadlineExceeded", Cancelled),
        doomed("silent", &soft, &beat, (Failed, "SoftAborted", Some(10)), "NoProgress", Error),
        doomed("nowhere", "true", &nowhere, (Failed, "NeverStarted", None), "StartDeadlineExceeded", Error),
        doomed("flaky", &flaky, &retry, (Succeeded, "Completed", Some(0)), "Completed", Done),
        doomed("greedy", "", &small, (Failed, "OOMKilled", Some(137)), "OOMKilled", Error),
        doomed("in-time", "sleep 15", &limit, (Succeeded, "Completed", Some(0)), "Completed", Done),
    ]
}

impl Doomed {
    async fn start(&self, space: &Space) -> String {
        space.create(&job(self.name, &self.spec)).await.uid().unwrap()
    }

    async fn check(&self, space: &Space, id: &str) {
        let job = space.ended(self.name).await;
        let exit = job.status.as_ref().and_then(|status| status.termination.as_ref()?.exit_code);
        let end = (phase(&job).unwrap(), cause(&job), exit);
        assert_eq!(end, self.end, "{}: {}", self.name, message(&job));
        let condition = if self.end.0 == Succeeded { "Complete" } else { "Failed" };
        assert_eq!(verdict(&job, condition), format!("True {}", self.reason), "{}", self.name);
        let result = rabbit::only_result_waiting(id, self.heard).await;
        assert_eq!(result.uuid, id);
    }
}

fn stop_second(job: &OmotesJob) -> Option<i64> {
    Some(job.status.as_ref()?.abort.as_ref()?.requested_time.0.as_second())
}

/// Limits pass while no operator is there: it stops the jobs as soon as it is back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn limits_hold_while_no_operator_is_there() {
    let operator = Operator::settled().await;
    let space = Space::new("away").await;
    let mut jobs = all();
    let zero = quits(0);
    let retry = json!({"courier": {"enabled": false}, "retry": {"initialSeconds": 1, "maxSeconds": 1}});
    let again = format!("[ $OMOTES_ATTEMPT = 1 ] || exit 0; {zero}");
    jobs.push(doomed("drained", &again, &retry, (Succeeded, "Completed", Some(0)), "Completed", ResultType::Succeeded));
    let ids = join_all(jobs.iter().map(|job| job.start(&space))).await;
    for job in jobs.iter().filter(|job| job.name != "nowhere") {
        space.running(job.name).await;
    }
    let away = Instant::now();
    Operator::scale(0);
    // It exits with 0 because it is told to, and nobody sees it: that is no success.
    space.pods.evict("drained-1", &EvictParams::default()).await.unwrap();
    sleep(AWAY).await;
    for name in ["soft", "deaf", "silent"] {
        assert_eq!(phase(&space.jobs.get(name).await.unwrap()), Some(Phase::Running), "nobody was there: {name}");
    }
    let back = jiff::Timestamp::now();
    Operator::scale(2);
    println!("the operator was away for {:.1?}", away.elapsed());
    for (job, id) in jobs.iter().zip(&ids) {
        job.check(&space, id).await;
    }
    let drained = space.jobs.get("drained").await.unwrap().status.unwrap();
    assert_eq!(drained.attempt, Some(2), "{drained:?}");
    for name in ["soft", "zero", "deaf", "nowhere"] {
        let decided = stop_second(&space.jobs.get(name).await.unwrap()).unwrap() - back.as_second();
        println!("{name}: decided {decided} s after the operator was started");
    }
    operator.connected().await;
    leave_nothing(space, &jobs).await;
}

async fn leave_nothing(space: Space, jobs: &[Doomed]) {
    for job in jobs {
        space.delete(job.name).await;
    }
    space.empty().await;
    space.remove().await;
}

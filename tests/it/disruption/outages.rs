//! Outages of the broker at every phase of a job: jobs run on, each client hears once how its job ended, and nothing is
//! left.

use std::time::{Duration, Instant};

use futures::future::join_all;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams},
};
use omotes_operator::testing::{
    api::{
        OmotesJob, names,
        status::{
            Phase::{self, Aborted, Failed, Succeeded},
            QueuesState,
        },
    },
    wire::ResultType::{self, Cancelled, Error},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::broker::broker;
use crate::support::{
    audit,
    bed::{PATIENCE, Space, WAITS, cause, job, merged, message, phase, pod_spec, quits, testbed, verdict},
    broker::{self as rabbit, LostVhost},
    client::{connect, depth, queues},
    operator::Operator,
    until,
};

/// How long the broker is away. A deadline, an abort and a retry fall into it.
const AWAY: Duration = Duration::from_secs(24);
/// In seconds; it is renewed every third of it.
const SHORT_LEASE: u8 = 20;
const OUTPUT: &str = "printf '<esdl/>' > /omotes/output/output.esdl";

/// How a broker is away.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outage {
    Killed,
    /// It is there, and takes no messages.
    DiskFull,
    /// It is there, and its virtual host is not; with that goes all that was in it.
    VhostGone,
}

impl Outage {
    async fn begin(self) -> Option<LostVhost> {
        match self {
            Self::Killed => broker("kill").await,
            Self::DiskFull => drop(testbed(&["broker", "cli", "set_disk_free_limit", "100000GB"])),
            Self::VhostGone => return Some(LostVhost::remove().await),
        }
        None
    }

    async fn end(self, lost: Option<LostVhost>) {
        match self {
            Self::Killed => broker("start").await,
            Self::DiskFull => drop(testbed(&["broker", "cli", "set_disk_free_limit", "50MB"])),
            Self::VhostGone => {
                lost.unwrap().restore().await;
                // The event exchange comes with the start of its plugin.
                broker("restart").await;
            }
        }
    }
}

/// A job, where it is when the broker goes, and how it must end.
struct Member {
    name: &'static str,
    spec: Value,
    /// The phase that it must have before.
    before: Option<Phase>,
    end: (Phase, &'static str, ResultType),
}

fn member(
    name: &'static str,
    script: &str,
    patch: &Value,
    before: Option<Phase>,
    end: (Phase, &'static str, ResultType),
) -> Member {
    let spec = json!({"queues": {"expireAfterSeconds": 900}, "template": {"spec": pod_spec(script)}});
    Member { name, spec: merged(spec, patch), before, end }
}

/// Some of a full broker have shorter leases than it is full for: they are renewed meanwhile.
fn crew(outage: Outage) -> Vec<Member> {
    let lease =
        if outage == Outage::DiskFull { json!({"queues": {"expireAfterSeconds": SHORT_LEASE}}) } else { json!({}) };
    let soft = quits(10);
    let works = |seconds: u8| format!("sleep {seconds}; {OUTPUT}");
    let flaky = format!("[ $OMOTES_ATTEMPT = 1 ] || exit 0; {}; exit 3", "sleep 16");
    let retry = json!({"backoffLimit": 1, "retry": {"initialSeconds": 2, "maxSeconds": 2}});
    let bare = json!({"courier": {"enabled": false}});
    let runs = Some(Phase::Running);
    let done = (Succeeded, "Completed", ResultType::Succeeded);
    let cancelled = (Aborted, "SoftAborted", Cancelled);
    vec![
        member("done", OUTPUT, &json!({}), Some(Succeeded), done),
        member("ends", &works(16), &json!({}), runs, done),
        member("ends-bare", "sleep 16", &bare, runs, done),
        member("fails", "sleep 16; exit 3", &json!({}), runs, (Failed, "Error", Error)),
        member("goes-on", &works(50), &lease, runs, done),
        member("retried", &flaky, &retry, runs, done),
        member("limited", &soft, &json!({"maxRunSeconds": 18}), runs, (Failed, "SoftAborted", Cancelled)),
        member("aborted", &soft, &json!({}), runs, cancelled),
        member("paused", &works(1), &json!({"suspend": true}), Some(Phase::Suspended), done),
        member("late", &works(1), &json!({}), None, done),
    ]
}

/// What happens to jobs while the broker is away.
async fn meanwhile(space: &Space, crew: &[Member]) {
    let late = crew.iter().find(|member| member.before.is_none()).unwrap();
    space.create(&job(late.name, &late.spec)).await;
    space.change("aborted", &json!({"abort": {"reason": "enough"}})).await;
    space.change("paused", &json!({"suspend": false})).await;
    space.delete("leaves").await;
}

/// Jobs that need the broker say what they wait for, and so does the operator.
async fn is_shown(operator: &Operator, space: &Space) {
    for (name, type_, said) in
        [("late", "Reconciling", "True BrokerUnreachable"), ("ends-bare", "ResultPublished", "False BrokerUnreachable")]
    {
        space.wait(name, said, |job| verdict(job, type_) == said).await;
    }
    let readiness = operator.readiness(&operator.leader().await).await;
    assert!(readiness.contains("broker: unreachable since"), "{readiness}");
}

/// Brings each job to where it must be when the broker goes.
async fn start(space: &Space, crew: &[Member]) {
    let patient = member("leaves", WAITS, &json!({"queues": {"cleanupTimeoutSeconds": 5}}), None, crew[0].end);
    space.create(&job(patient.name, &patient.spec)).await;
    let (running, others): (Vec<_>, Vec<_>) =
        crew.iter().filter(|member| member.before.is_some()).partition(|member| member.before == Some(Phase::Running));
    join_all(others.iter().map(|member| member.start(space))).await;
    space.running("leaves").await;
    // Their clocks run: they start last, and together.
    join_all(running.iter().map(|member| member.start(space))).await;
}

/// Lives through an outage.
async fn survive(outage: Outage) {
    let operator = Operator::settled().await;
    let restarts = operator.restarts().await;
    let (space, crew) = (Space::new("outage").await, crew(outage));
    start(&space, &crew).await;
    let lost = outage.begin().await;
    let (mark, away) = (audit::mark(), Instant::now());
    let ((), gone) = tokio::join!(sleep(AWAY), async {
        meanwhile(&space, &crew).await;
        if outage == Outage::Killed {
            is_shown(&operator, &space).await;
        }
        space.gone("leaves").await;
        away.elapsed()
    });
    let writes = mark.of_operator().into_iter().filter(|request| request.namespace == space.name).count();
    outage.end(lost).await;
    let back = Instant::now();
    println!(
        "{outage:?}: a deleted job was gone after {gone:.1?}, with 5 s for the broker; {writes} requests for 11 jobs"
    );
    assert!(gone < AWAY + Duration::from_secs(30), "one that waits for the broker starves no deletion");
    assert!(writes <= 11 * 8, "an outage costs few calls, not {writes}");
    let ids = join_all(crew.iter().map(|member| member.check(&space))).await;
    println!("{outage:?}: all had ended {:.1?} after the broker was back", back.elapsed());
    assert_eq!(operator.restarts().await, restarts, "no operator ended for that");
    read_once(&space, &crew, &ids, outage).await;
    operator.connected().await;
    leave_nothing(space, &ids).await;
}

impl Member {
    async fn start(&self, space: &Space) {
        space.create(&job(self.name, &self.spec)).await;
        space.wait(self.name, "in its phase", |job| phase(job) == self.before).await;
    }

    async fn check(&self, space: &Space) -> String {
        let job = space.ended(self.name).await;
        let (expected, why, _) = self.end;
        assert_eq!((phase(&job), cause(&job)), (Some(expected), why), "{}: {}", self.name, message(&job));
        job.uid().unwrap()
    }
}

/// Each client finds one result. What was in a virtual host that is gone is gone with it, and the job says so.
async fn read_once(space: &Space, crew: &[Member], ids: &[String], outage: Outage) {
    for (member, id) in crew.iter().zip(ids) {
        if outage == Outage::VhostGone && member.before == Some(Succeeded) {
            space.wait(member.name, "lost with its virtual host", says_who_lost_it).await;
            continue;
        }
        if outage == Outage::VhostGone {
            ask_for_kept(space, member.name).await;
        }
        let confirmed = |job: &OmotesJob| verdict(job, "ResultPublished").starts_with("True Confirmed");
        space.wait(member.name, "told", confirmed).await;
        rabbit::only_result_waiting(id, member.end.2).await;
    }
}

/// A virtual host takes its queues along one by one. Who hears of that in time is told by whom; anybody else only sees that
/// the queue is gone.
fn says_who_lost_it(job: &OmotesJob) -> bool {
    let queues = job.status.as_ref().and_then(|status| status.queues.clone()).unwrap_or_default();
    let reason = queues.reason.unwrap_or_default();
    match queues.state {
        Some(QueuesState::Deleted) => reason.starts_with("Unknown"),
        Some(QueuesState::Consumed) => reason == "user omotes-admin deleted the result queue",
        _ => false,
    }
}

/// No result queue is made again once a program has ended, unless somebody asks for its result.
async fn ask_for_kept(space: &Space, name: &str) {
    if verdict(&space.jobs.get(name).await.unwrap(), "ResultPublished") == "False Unroutable" {
        println!("asking for the result of {name}");
        let patch = json!({"metadata": {"annotations": {names::ANNOTATION_REPUBLISH_RESULT: "yes"}}});
        space.jobs.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }
}

async fn leave_nothing(space: Space, ids: &[String]) {
    for id in ids {
        until(&format!("nothing of {id} is left at the broker"), PATIENCE, || async {
            let left: Vec<_> = rabbit::depths().await.into_keys().filter(|queue| queue.contains(id)).collect();
            if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
        })
        .await;
    }
    space.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_killed_broker_costs_nobody_a_result() {
    survive(Outage::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_full_disk_costs_nobody_a_result() {
    survive(Outage::DiskFull).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_lost_virtual_host_costs_running_jobs_nothing() {
    survive(Outage::VhostGone).await;
}

/// A broker counts anew when it restarts; the job's own time to live does not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_restart_makes_no_queue_older_than_it_may_get() {
    Operator::settled().await;
    let space = Space::new("aged").await;
    let spec = json!({"queues": {"expireAfterSeconds": 40}, "template": {"spec": pod_spec(OUTPUT)}});
    let id = space.create(&job("job", &spec)).await.uid().unwrap();
    let ended = space.ended("job").await;
    let due = ended.status.unwrap().queues.unwrap().expire_time.unwrap().0;
    sleep(Duration::from_secs(15)).await;
    broker("restart").await;
    let restarted = jiff::Timestamp::now();
    println!("the broker was there again {:.1?} before its time", due.duration_since(restarted));
    let connection = connect().await;
    assert!(rabbit::is_there(&queues(&id)[2]).await, "it outlives the restart");
    let job = space.wait("job", "expired", |job| verdict(job, "CleanedUp") == "True QueuesRemoved").await;
    let gone = jiff::Timestamp::now();
    println!(
        "removed {:.1?} after its time, when the broker would have taken {:.1?}",
        gone.duration_since(due),
        restarted.duration_since(due) + jiff::SignedDuration::from_secs(40)
    );
    assert!(gone < restarted + jiff::SignedDuration::from_secs(39), "before the broker does it");
    assert_eq!(job.status.unwrap().queues.unwrap().state, Some(QueuesState::Expired));
    assert_eq!(depth(&connection, &queues(&id)[2]).await, None);
    space.remove().await;
}

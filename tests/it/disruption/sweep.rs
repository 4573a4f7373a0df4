//! Queues that no job has: those that are nobody's go, and no other.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, resume_unwind},
    time::Duration,
};

use futures::{FutureExt, future::join_all};
use kube::ResourceExt;
use lapin::{
    Channel, Consumer,
    options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, job, kubectl, merged, pod_spec, shell_job},
    broker as rabbit,
    client::{connect_as_admin, queues},
    operator::{Operator, installer},
    random_uuid, until,
};

/// What the operator is installed with here, in seconds.
const INTERVAL: u64 = 10;
const GRACE: u64 = 10;
/// Long enough for whatever would be removed to be removed.
const SWEEPS: Duration = Duration::from_secs(GRACE + 2 * INTERVAL);

/// Installs the operator by the repository's own script, with these values.
fn install(values: &[&str]) {
    let set = values.iter().flat_map(|value| ["--set", value]);
    let done = installer().args(set).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn declare(channel: &Channel, queue: &str, seconds: i64) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongLongInt(seconds * 1000));
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await.unwrap();
}

/// Somebody's queues, which the operator must leave alone or remove.
struct Leftovers {
    channel: Channel,
    consumer: Option<Consumer>,
    stay: BTreeSet<String>,
    go: BTreeSet<String>,
}

impl Leftovers {
    async fn new() -> Self {
        let channel = connect_as_admin().await.create_channel().await.unwrap();
        Self { channel, consumer: None, stay: BTreeSet::new(), go: BTreeSet::new() }
    }

    async fn stays(&mut self, queue: &str, seconds: i64) {
        declare(&self.channel, queue, seconds).await;
        self.stay.insert(queue.to_owned());
    }

    async fn goes(&mut self, queue: &str, seconds: i64) {
        declare(&self.channel, queue, seconds).await;
        self.go.insert(queue.to_owned());
    }

    async fn fill(&self, queue: &str) {
        let options = BasicPublishOptions::default();
        let sent = self.channel.basic_publish("".into(), queue.into(), options, b"result", <_>::default()).await;
        sent.unwrap().await.unwrap();
    }

    async fn lay(&mut self) {
        let [dead, unread, consumed] = [(); 3].map(|()| random_uuid());
        for queue in queues(&dead) {
            self.goes(&queue, 3600).await;
        }
        self.goes(&format!("omotes.output.{:032x}", fastrand::u128(..)), 3600).await;
        self.goes(&format!("omotes.kept.{}", random_uuid()), 3600).await;
        // A result that nobody has read outlives its job, for its own time.
        let [_, _, result] = queues(&unread);
        self.stays(&result, 3600).await;
        self.fill(&result).await;
        let [progress, _, _] = queues(&consumed);
        self.stays(&progress, 3600).await;
        let consume = BasicConsumeOptions::default();
        let consumer = self.channel.basic_consume(progress.as_str().into(), "".into(), consume, FieldTable::default());
        self.consumer = Some(consumer.await.unwrap());
        for other in
            ["jobs.theirs.result", "reports", "omotes.output.theirs", "omotes.kept.theirs", "job_submissions.x"]
        {
            self.stays(other, 3600).await;
        }
    }

    async fn there(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let now: BTreeSet<String> = rabbit::depths().await.into_keys().collect();
        (self.stay.intersection(&now).cloned().collect(), self.go.intersection(&now).cloned().collect())
    }

    async fn remove(self) {
        drop(self.consumer);
        for queue in &self.stay {
            self.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        }
    }
}

/// What the leader counts.
async fn orphans(operator: &Operator) -> String {
    let metrics = operator.metrics(&operator.leader().await).await;
    metrics.lines().find(|line| line.starts_with("omotes_orphan_queues ")).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn queues_that_are_nobodys_go_and_no_other() {
    let operator = Operator::settled().await;
    let tried = AssertUnwindSafe(swept(&operator)).catch_unwind().await;
    allow_lists(true);
    install(&[]);
    operator.connected().await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
}

async fn swept(operator: &Operator) {
    let space = Space::new("sweep").await;
    let spec = |more: Value| merged(json!({"template": {"spec": pod_spec("true")}}), &more);
    let suspended = space.create(&job("suspended", &spec(json!({"suspend": true})))).await;
    let unread = space.create(&shell_job("unread", "true")).await;
    let mut left = Leftovers::new().await;
    let own = random_uuid();
    for queue in queues(&own) {
        left.stays(&queue, 3600).await;
    }
    let never = json!({"jobId": own, "suspend": true, "queues": {"declare": "Never"}});
    space.create(&job("own", &spec(never))).await;
    space.ended("unread").await;
    let living: Vec<String> = [suspended, unread].iter().flat_map(|job| queues(&job.uid().unwrap())).collect();
    left.stay.extend(living);
    until("all are there before any sweep", PATIENCE, || async {
        let (there, _) = left.there().await;
        if there == left.stay { Ok(()) } else { Err(format!("{there:?} of {:?}", left.stay)) }
    })
    .await;
    left.lay().await;

    // It only reports, as it is installed by default.
    install(&[&format!("orphans.intervalSeconds={INTERVAL}"), &format!("orphans.graceSeconds={GRACE}")]);
    operator.connected().await;
    let found = left.go.len();
    until("they are counted", PATIENCE, || async {
        let counted = orphans(operator).await;
        let count = counted.rsplit(' ').next().and_then(|count| count.parse::<usize>().ok());
        if count.is_some_and(|count| count >= found) { Ok(()) } else { Err(counted) }
    })
    .await;
    tokio::time::sleep(SWEEPS).await;
    assert_eq!(left.there().await, (left.stay.clone(), left.go.clone()), "reported only");

    install(&[
        "orphans.action=Delete",
        &format!("orphans.intervalSeconds={INTERVAL}"),
        &format!("orphans.graceSeconds={GRACE}"),
    ]);
    until("what is nobody's is gone", PATIENCE, || async {
        let (_, go) = left.there().await;
        if go.is_empty() { Ok(()) } else { Err(format!("{go:?}")) }
    })
    .await;
    assert_eq!(left.there().await.0, left.stay, "and no other");

    // It cannot know all jobs, so nothing is its to remove.
    allow_lists(false);
    let late = queues(&random_uuid());
    for queue in &late {
        left.goes(queue, 3600).await;
    }
    tokio::time::sleep(SWEEPS).await;
    let (stay, go) = left.there().await;
    assert_eq!((stay, go.len()), (left.stay.clone(), late.len()), "nothing is removed on incomplete knowledge");
    allow_lists(true);
    until("they are gone", PATIENCE, || async {
        let (_, go) = left.there().await;
        if go.is_empty() { Ok(()) } else { Err(format!("{go:?}")) }
    })
    .await;
    assert_eq!(left.there().await.0, left.stay, "and no other, after several sweeps that removed");
    join_all(["suspended", "unread", "own"].map(|name| space.delete(name))).await;
    space.empty().await;
    left.remove().await;
    space.abandon().await;
}

/// Whether the operator may list jobs. Its watch goes on. The change is Helm's, so that its next one meets no other's.
fn allow_lists(wanted: bool) {
    let (there, said) = kubectl(&["get", "clusterrole/omotes-operator-jobs", "--output=json"], None);
    assert!(there, "{said}");
    let mut role: Value = serde_json::from_str(&said).unwrap();
    role["metadata"]
        .as_object_mut()
        .unwrap()
        .retain(|key, _| ["name", "labels", "annotations"].contains(&key.as_str()));
    let verbs = role["rules"][0]["verbs"].as_array_mut().unwrap();
    verbs.retain(|verb| *verb != "list");
    verbs.extend(wanted.then(|| json!("list")));
    let apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=helm", "--filename=-"];
    let (done, said) = kubectl(&apply, Some(&role.to_string()));
    assert!(done, "{said}");
}

//! A nack is no publication, and an empty queue was not read for that.

use std::time::{Duration, Instant};

use kube::ResourceExt;
use omotes_operator::testing::{
    api::{OmotesJob, status::QueuesState},
    wire::ResultType,
};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, job, message, pod_spec, verdict},
    broker::{Policy, depths, only_result_waiting, purge, result_waits},
    client::queues,
    random_uuid, until,
};

/// A program that leaves an output of so many bytes.
fn writes(bytes: u32) -> String {
    format!("head -c {bytes} /dev/zero | tr '\\0' x > /omotes/output/output.esdl")
}

/// A job with an id that its queues' policies can name before it is there.
fn known_job(name: &str, id: &str, script: &str) -> OmotesJob {
    job(name, &json!({"jobId": id, "queues": {"expireAfterSeconds": 900}, "template": {"spec": pod_spec(script)}}))
}

fn state(job: &OmotesJob) -> Option<QueuesState> {
    job.status.as_ref()?.queues.as_ref()?.state
}

fn rejecting(limits: &Value) -> Value {
    crate::support::bed::merged(json!({"overflow": "reject-publish"}), limits)
}

async fn finish(space: Space, names: &[&str]) {
    for name in names {
        space.delete(name).await;
    }
    space.empty().await;
    space.remove().await;
}

/// smallrye-reactive-messaging#2726: a result over its queue's limit is kept and said, whether the queue rejects or drops
/// it, and reaches the client once the limit is raised.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_over_its_queues_limit_is_kept() {
    let space = Space::new("over-limit").await;
    let limit = json!({"max-length-bytes": 100});
    for (name, definition) in [("rejects", rejecting(&limit)), ("drops", limit.clone())] {
        let id = random_uuid();
        let policy = Policy::set(&format!("^jobs[.]{id}[.]result$"), &definition).await;
        space.create(&known_job(name, &id, &writes(440))).await;
        let job = space.ended(name).await;
        assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "False ResultRefused"));
        assert!(space.event(name, "ResultRefused").await.contains("the queue's max-length-bytes is 100"));
        assert_eq!(depths().await.get(&queues(&id)[2]), Some(&0), "nothing is in the queue");
        policy.clear().await;
        let lifted = Instant::now();
        space.wait(name, "passed on", |job| verdict(job, "ResultPublished") == "True ConfirmedLate").await;
        println!("{name}: passed on {:.1?} after the limit was lifted", lifted.elapsed());
        let result = only_result_waiting(&id, ResultType::Succeeded).await;
        assert_eq!(result.output_esdl.map(|esdl| esdl.len()), Some(440));
        space.wait(name, "cleaned up", |job| verdict(job, "CleanedUp").starts_with("True")).await;
    }
    finish(space, &["rejects", "drops"]).await;
}

/// smallrye-reactive-messaging#2726: where every queue refuses the output the client is told so, with both numbers; where
/// they refuse that, too, the job ends all the same and says it.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_that_every_queue_refuses_is_told_without_its_output() {
    let space = Space::new("all-refuse").await;
    for (name, limit, published) in
        [("told", 3000, "True ConfirmedWithoutOutput"), ("not-told", 20, "False ResultRefused")]
    {
        let id = random_uuid();
        let uid = space.create(&known_job(name, &id, &format!("sleep 5; {}", writes(9000)))).await.uid().unwrap();
        let queues = format!("^(jobs[.]{id}[.]result|omotes[.]kept[.]{uid})$");
        let policy = Policy::set(&queues, &rejecting(&json!({"max-length-bytes": limit}))).await;
        let job = space.ended(name).await;
        assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("OutputTooLarge", published));
        assert!(message(&job).contains(&format!("the queue's max-length-bytes is {limit}")), "{}", message(&job));
        space.event(name, "OutputRefused").await;
        if published.starts_with("True") {
            let result = only_result_waiting(&id, ResultType::Error).await;
            assert_eq!(result.output_esdl, None);
            assert!(result.logs.contains(&format!("the queue's max-length-bytes is {limit}")), "{}", result.logs);
        }
        policy.clear().await;
    }
    finish(space, &["told", "not-told"]).await;
}

/// smallrye-reactive-messaging#2726: statuses and progress that their queues refuse delay neither start nor end.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn refused_updates_delay_nothing() {
    let space = Space::new("refused-updates").await;
    let id = random_uuid();
    let limit = rejecting(&json!({"max-length": 1}));
    let policy = Policy::set(&format!("^jobs[.]{id}[.](progress|status)$"), &limit).await;
    let tells = "for step in 1 2 3 4; do echo '{\"progress\": 0.'$step'}' > /omotes/progress; sleep 1; done";
    space.create(&known_job("job", &id, &format!("{tells}; {}", writes(10)))).await;
    let job = space.ended("job").await;
    assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "True Confirmed"));
    let status = job.status.clone().unwrap();
    let started = status.start_time.unwrap().0.duration_since(job.creation_timestamp().unwrap().0);
    let told = status.result.unwrap().published_time.unwrap().0.duration_since(status.completion_time.unwrap().0);
    assert!(started.as_secs() < 30 && told.as_secs() < 20, "started after {started:#}, told after {told:#}");
    let waiting = depths().await;
    assert_eq!((waiting.get(&queues(&id)[0]), waiting.get(&queues(&id)[1])), (Some(&1), Some(&1)));
    only_result_waiting(&id, ResultType::Succeeded).await;
    policy.clear().await;
    finish(space, &["job"]).await;
}

/// sensu#709: a result that a message TTL or a purge removed is not told as read, and the queues keep their time to live.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_that_was_removed_was_not_read() {
    let space = Space::new("removed").await;
    let (dropped, purged) = (random_uuid(), random_uuid());
    let policy = Policy::set(&format!("^jobs[.]{dropped}[.]"), &json!({"message-ttl": 5000})).await;
    space.create(&known_job("dropped", &dropped, &writes(10))).await;
    space.create(&known_job("purged", &purged, &writes(10))).await;
    space.ended("purged").await;
    result_waits(&purged).await;
    purge(&queues(&purged)[2]).await;
    for (name, id) in [("dropped", &dropped), ("purged", &purged)] {
        let job = space.wait(name, "gone", |job| !matches!(state(job), None | Some(QueuesState::Ensured))).await;
        assert_eq!(state(&job), Some(QueuesState::Gone), "{name}");
        assert!(space.event(name, "ResultGone").await.contains("the broker counts no delivery"));
        tokio::time::sleep(Duration::from_secs(6)).await;
        let there = until("the queues", PATIENCE, || async { Ok::<_, String>(depths().await) }).await;
        assert!(queues(id).iter().all(|queue| there.contains_key(queue)), "{name}: the queues have their time to live");
    }
    policy.clear().await;
    finish(space, &["dropped", "purged"]).await;
}

//! One jobId, one result queue, one job.

use lapin::options::{BasicAckOptions, BasicGetOptions};
use omotes_operator::testing::{
    api::{OmotesJob, status::QueuesState},
    wire::{JobResult, ResultType},
};
use prost::Message;
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, cause, job, merged, pod_spec, verdict},
    broker::{depths, only_result_waiting, result_waits},
    client::{connect, queues},
    random_uuid, until,
};

/// A job with this id whose output names it.
fn job_with(id: &str, name: &str, queues: serde_json::Value) -> OmotesJob {
    let script = format!("printf '<esdl>{name}</esdl>' > /omotes/output/output.esdl");
    let policy = merged(json!({"expireAfterSeconds": 900}), &queues);
    job(name, &json!({"jobId": id, "queues": policy, "template": {"spec": pod_spec(&script)}}))
}

/// Reads one result and acknowledges it, and leaves the queue.
async fn read(id: &str) -> Vec<u8> {
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    let queue = &queues(id)[2];
    let message = channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await.unwrap().unwrap();
    message.acker.ack(BasicAckOptions::default()).await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
    JobResult::decode(&*message.data).unwrap().output_esdl.unwrap_or_default().to_vec()
}

async fn waits_in_result_queue(id: &str) -> Option<u64> {
    depths().await.get(&queues(id)[2]).copied()
}

/// A job whose jobId was an earlier job's, in another namespace, waits until that one's result was read, whatever its own
/// queues are to become; its deletion leaves the result.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_earlier_jobs_unread_result_stays() {
    let (first, second) = (Space::new("job-id-a").await, Space::new("job-id-b").await);
    let id = random_uuid();
    first.create(&job_with(&id, "earlier", json!({}))).await;
    first.ended("earlier").await;
    result_waits(&id).await;
    first.delete("earlier").await;
    first.gone("earlier").await;
    for name in ["waits", "runs"] {
        second.create(&job_with(&id, name, json!({"deletionPolicy": "Delete"}))).await;
        let job = second.wait(name, "waits", |job| verdict(job, "Stalled") == "True ResultQueueInUse").await;
        assert_eq!(verdict(&job, "QueuesReady"), "False ResultQueueInUse");
        assert!(second.event(name, "ResultQueueInUse").await.contains("another spec.jobId"));
        if name == "waits" {
            second.delete(name).await;
            second.gone(name).await;
        }
        assert_eq!(waits_in_result_queue(&id).await, Some(1), "the earlier job's result stays");
    }
    second.change("runs", &json!({"queues": {"deletionPolicy": "AfterResultConsumed"}})).await;
    assert_eq!(read(&id).await, b"<esdl>earlier</esdl>");
    let job = second.ended("runs").await;
    assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "True Confirmed"));
    let result = only_result_waiting(&id, ResultType::Succeeded).await;
    assert_eq!(result.output_esdl.as_deref(), Some(&b"<esdl>runs</esdl>"[..]));
    second.delete("runs").await;
    for space in [first, second] {
        space.empty().await;
        space.remove().await;
    }
}

/// A job that was aborted while it waited for its queue publishes nothing into it.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_that_never_had_its_queue_leaves_it_alone() {
    let space = Space::new("job-id-abort").await;
    let id = random_uuid();
    space.create(&job_with(&id, "earlier", json!({}))).await;
    space.ended("earlier").await;
    result_waits(&id).await;
    space.delete("earlier").await;
    space.gone("earlier").await;
    space.create(&job_with(&id, "aborted", json!({}))).await;
    space.wait("aborted", "waits", |job| verdict(job, "Stalled") == "True ResultQueueInUse").await;
    space.change("aborted", &json!({"abort": {}})).await;
    let job = space.ended("aborted").await;
    assert_eq!(verdict(&job, "ResultPublished"), "False ResultQueueInUse");
    space.delete("aborted").await;
    space.empty().await;
    assert_eq!(
        only_result_waiting(&id, ResultType::Succeeded).await.output_esdl.as_deref(),
        Some(&b"<esdl>earlier</esdl>"[..])
    );
    space.remove().await;
}

/// The counters of a queue that an earlier job used are not taken for those of the next one.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_used_queue_is_declared_anew() {
    let space = Space::new("job-id-again").await;
    let id = random_uuid();
    // Retain: the queue outlives its result.
    space.create(&job_with(&id, "earlier", json!({"deletionPolicy": "Retain"}))).await;
    space.ended("earlier").await;
    result_waits(&id).await;
    assert_eq!(read(&id).await, b"<esdl>earlier</esdl>");
    let consumed = |job: &OmotesJob| job.status.as_ref().unwrap().queues.as_ref().unwrap().state;
    space.wait("earlier", "read", |job| consumed(job) == Some(QueuesState::Consumed)).await;
    space.delete("earlier").await;
    space.gone("earlier").await;
    space.create(&job_with(&id, "later", json!({}))).await;
    let job = space.ended("later").await;
    assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "True Confirmed"));
    crate::support::broker::purge(&queues(&id)[2]).await;
    let job = space.wait("later", "told", |job| consumed(job) != Some(QueuesState::Ensured)).await;
    assert_eq!(consumed(&job), Some(QueuesState::Gone), "the earlier job's delivery does not count");
    until("nothing waits", PATIENCE, || async {
        (waits_in_result_queue(&id).await == Some(0)).then_some(()).ok_or_else(String::new)
    })
    .await;
    space.delete("later").await;
    space.empty().await;
    space.remove().await;
}

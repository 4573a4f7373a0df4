//! What becomes of a job's queues: read, left, expired, deleted, removed; and of the resource when its time is over.

use lapin::{
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use omotes_operator::testing::api::status::QueuesState::{self, Consumed, Deleted, Expired};

use super::*;
use crate::support::{broker as rabbit, until};

fn queues_with(policy: Value) -> Value {
    json!({"queues": policy})
}

fn state(job: &OmotesJob) -> Option<QueuesState> {
    job.status.as_ref()?.queues.as_ref()?.state
}

fn is_cleaned_up(job: &OmotesJob) -> bool {
    verdict(job, "CleanedUp").starts_with("True")
}

/// Waits until the queues of `id` are exactly these kinds.
async fn left(id: &str, kinds: &[&str]) {
    let expected: Vec<String> = kinds.iter().map(|kind| format!("jobs.{id}.{kind}")).collect();
    until(&format!("of the queues of {id} {kinds:?} are left"), PATIENCE, || async {
        let there: Vec<String> = rabbit::depths().await.into_keys().filter(|queue| queue.contains(id)).collect();
        if there == expected { Ok(()) } else { Err(format!("{there:?}")) }
    })
    .await;
}

/// The client that waits has read its result at once: seconds later nothing is left but the resource, which says so.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_that_is_read_leaves_no_queue() {
    let space = Space::new("consumed").await;
    let script = "printf '<esdl/>' > /omotes/output/output.esdl; \
        printf '[{\"technicalMessage\": \"look at pipe 7\", \"severity\": \"WARNING\"}]' > /omotes/output/messages.json";
    let id = space.create(&life(script).job("job")).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    // Somebody consumes the queues still.
    let job = space.wait("job", "read", |job| state(job) == Some(Consumed)).await;
    assert!(!is_cleaned_up(&job), "{:?}", job.status);
    left(&id, &["progress", "result", "status"]).await;
    client.leave().await;
    let began = std::time::Instant::now();
    let job = space.wait("job", "cleaned up", is_cleaned_up).await;
    println!("cleaned up {:.1?} after the client left", began.elapsed());
    left(&id, &[]).await;
    let result = job.status.unwrap().result.unwrap();
    assert_eq!((result.size_bytes, result.messages), (Some(7), vec!["look at pipe 7".to_owned()]));
    assert_eq!(result.sha256.as_deref(), Some("36c51cb9160874db0966f4a1d6a7214df228a23351561d4d3fcb5cc73186ccaf"));
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// A client that was away reads its result after the job has ended, and deletes the queue, as OMOTES' SDK does.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_client_that_comes_back_reads_its_result() {
    let space = Space::new("later").await;
    let id = space.create(&life(OUTPUT).job("job")).await.uid().unwrap();
    let client = Listener::attach(&id).await;
    client.leave().await;
    let job = space.ended("job").await;
    let status = job.status.unwrap();
    let published = status.result.as_ref().unwrap().published_time.clone().unwrap().0;
    let expire = status.queues.as_ref().unwrap().expire_time.clone().unwrap().0;
    assert_eq!(expire.duration_since(published), SignedDuration::from_secs(900));
    tokio::time::sleep(Duration::from_secs(12)).await;
    left(&id, &["progress", "result", "status"]).await;
    let connection = connect().await;
    let [_, _, result] = queues(&id);
    let channel = connection.create_channel().await.unwrap();
    assert!(matches!(take(&connection, &result).await, Some(Heard::Result { .. })));
    let unused = QueueDeleteOptions { if_unused: true, if_empty: true, nowait: false };
    channel.queue_delete(result.as_str().into(), unused).await.unwrap();
    let job = space.wait("job", "cleaned up", is_cleaned_up).await;
    let queues = job.status.unwrap().queues.unwrap();
    assert_eq!(queues.state, Some(Consumed));
    assert!(queues.reason.unwrap().contains("user omotes-client deleted"));
    left(&id, &[]).await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// Nobody comes: the queues go at their time to live, which counts from the end of the job, and the resource tells.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_that_nobody_reads_expires() {
    let space = Space::new("expired").await;
    let job = life(&format!("sleep 14; {OUTPUT}")).of(&queues_with(json!({"expireAfterSeconds": 8})));
    let id = space.create(&job.job("job")).await.uid().unwrap();
    let job = space.ended("job").await;
    let result = job.status.unwrap().result.unwrap();
    assert!(result.routed, "renewed while the job lived");
    let published = result.published_time.unwrap().0;
    let job = space.wait("job", "expired", |job| state(job) == Some(Expired)).await;
    let took = jiff::Timestamp::now().duration_since(published).as_secs();
    assert!((7..=18).contains(&took), "told {took} s after it was published, with a time to live of 8 s");
    assert_eq!(cause(&job), "Completed", "the job itself succeeded");
    assert!(space.event("job", "ResultExpired").await.contains("nobody read the result"));
    space.wait("job", "cleaned up", is_cleaned_up).await;
    left(&id, &[]).await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// What somebody deletes before the job has ended is made again, and the client gets its result all the same.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_queue_that_somebody_deletes_too_early_is_made_again() {
    let space = Space::new("drift").await;
    let id = space.create(&life(&quits(10)).job("job")).await.uid().unwrap();
    space.running("job").await;
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    let began = std::time::Instant::now();
    for queue in queues(&id) {
        channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    }
    left(&id, &["progress", "result", "status"]).await;
    println!("three queues were there again after {:.1?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(10));
    space.change("job", &json!({"abort": {}})).await;
    space.ended("job").await;
    assert!(take(&connection, &queues(&id)[2]).await.is_some());
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// Queues stay, go at the end, or are the client's own: then only what is empty and unused goes.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn queues_stay_as_long_as_the_job_says() {
    let space = Space::new("policies").await;
    let connection = connect().await;
    let mut ids = Vec::new();
    for (name, policy) in [
        ("retain", json!({"deletionPolicy": "Retain"})),
        ("delete", json!({"deletionPolicy": "Delete"})),
        ("held", json!({"deletionPolicy": "Delete"})),
    ] {
        ids.push(
            space.create(&life(&format!("sleep 3; {OUTPUT}")).of(&queues_with(policy)).job(name)).await.uid().unwrap(),
        );
    }
    // A client's own queues: the status is never read.
    let own = random_uuid();
    let channel = connection.create_channel().await.unwrap();
    for queue in queues(&own) {
        channel
            .queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default())
            .await
            .unwrap();
    }
    let never = json!({"jobId": own, "queues": {"declare": "Never"}});
    space.create(&life(OUTPUT).of(&never).job("own")).await;
    until("the queues of the job are there", PATIENCE, || async {
        depth(&connection, &queues(&ids[2])[2]).await.map(drop).ok_or_else(String::new)
    })
    .await;
    let consumed = queues(&ids[2])[1].clone();
    let _consumer = channel
        .basic_consume(consumed.as_str().into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
        .await
        .unwrap();
    for name in ["retain", "delete", "held", "own"] {
        assert_eq!(cause(&space.ended(name).await), "Completed");
    }
    for (id, name) in [(&ids[0], "retain"), (&own, "own")] {
        assert!(take(&connection, &queues(id)[2]).await.is_some(), "{name}");
        space.wait(name, "read", |job| state(job) == Some(Consumed)).await;
    }
    let job = space.wait("delete", "cleaned up", is_cleaned_up).await;
    assert_eq!(state(&job), Some(Deleted));
    left(&ids[1], &[]).await;
    space.wait("held", "in use", |job| verdict(job, "CleanedUp") == "False InUse").await;
    left(&ids[2], &["status"]).await;
    space.wait("own", "in use", |job| verdict(job, "CleanedUp") == "False InUse").await;
    left(&own, &["status"]).await;
    left(&ids[0], &["progress", "result", "status"]).await;
    connection.close(200, "done".into()).await.unwrap();
    space.change("retain", &queues_with(json!({"deletionPolicy": "AfterResultConsumed"}))).await;
    for name in ["held", "retain"] {
        space.wait(name, "cleaned up", is_cleaned_up).await;
    }
    for name in ["retain", "delete", "held", "own"] {
        space.delete(name).await;
    }
    space.empty().await;
    space.remove().await;
}

/// Each end has its time; where the resource stays as a record, applying it again runs nothing.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_goes_by_how_it_ended() {
    let space = Space::new("ttl").await;
    let policy =
        |action: &str| json!({"ttlPolicy": {"afterSucceededSeconds": 3, "afterFailedSeconds": 3600, "action": action}});
    let failed = space.create(&life("exit 3").of(&policy("Delete")).job("failed")).await.uid().unwrap();
    let gone = space.create(&life(OUTPUT).of(&policy("Delete")).job("gone")).await.uid().unwrap();
    let retried = life(&second_time("exit 3")).of(&soon()).of(&json!({"backoffLimit": 1}));
    let record = retried.of(&policy("CleanUp")).job("record");
    let id = space.create(&record).await.uid().unwrap();
    space.gone("gone").await;
    left(&gone, &["result"]).await;
    let connection = connect().await;
    assert!(take(&connection, &queues(&gone)[2]).await.is_some(), "an unread result outlives its job");

    let job = space.ended("record").await;
    let (ended, due) = job.status.map(|status| (status.completion_time, status.expiration_time)).unwrap();
    assert_eq!(due.unwrap().0.duration_since(ended.unwrap().0), SignedDuration::from_secs(3));
    until("its pods are gone", PATIENCE, || async {
        let pods = futures::future::join_all(["record-1", "record-2"].map(|pod| space.pods.get_opt(pod))).await;
        if pods.iter().all(|pod| matches!(pod, Ok(None))) { Ok(()) } else { Err(String::new()) }
    })
    .await;
    assert!(!is_cleaned_up(&space.jobs.get("record").await.unwrap()), "its result is unread");
    assert!(take(&connection, &queues(&id)[2]).await.is_some());
    let job = space.wait("record", "let go", |job| job.finalizers().is_empty()).await;
    assert_eq!((cause(&job), state(&job), is_cleaned_up(&job)), ("Completed", Some(Consumed), true));
    left(&id, &[]).await;
    let patch = Patch::Apply(&record);
    space.jobs.patch("record", &PatchParams::apply("gitops").force(), &patch).await.unwrap();
    tokio::time::sleep(AFTERWARDS).await;
    let again = space.jobs.get("record").await.unwrap();
    assert_eq!((again.status, again.metadata.finalizers), (job.status, None), "it runs nothing twice");

    assert!(space.jobs.get_opt("failed").await.unwrap().is_some(), "it has an hour");
    space.change("failed", &json!({"ttlPolicy": {"afterFailedSeconds": 0}})).await;
    space.gone("failed").await;
    left(&failed, &["result"]).await;
    space.delete("record").await;
    space.empty().await;
    space.remove().await;
}

/// The client's queues were not there when the job ended. It comes back, and has its result; once.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_result_waits_for_a_client_whose_queue_was_gone() {
    let space = Space::new("kept").await;
    let id = random_uuid();
    let never = json!({"jobId": id, "queues": {"declare": "Never", "expireAfterSeconds": 600}});
    let uid = space.create(&life(OUTPUT).of(&never).job("job")).await.uid().unwrap();
    let job = space.ended("job").await;
    assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "False Unroutable"));
    assert!(space.event("job", "ResultUnroutable").await.contains("keeps it for 600 s"));
    let kept = format!("omotes.kept.{uid}");
    assert_eq!(rabbit::depths().await.get(&kept), Some(&1));
    let connection = connect().await;
    let began = std::time::Instant::now();
    declare(&connection, &queues(&id)[2], Some(600_000)).await;
    let job = space.wait("job", "passed on", |job| verdict(job, "ResultPublished") == "True ConfirmedLate").await;
    println!("passed on {:.1?} after the queue was there again", began.elapsed());
    let status = job.status.unwrap();
    assert_eq!((status.queues.unwrap().state, status.result.unwrap().routed), (Some(QueuesState::Ensured), true));
    assert!(!rabbit::depths().await.contains_key(&kept));
    let Some(Heard::Result { message_id, .. }) = take(&connection, &queues(&id)[2]).await else { panic!("no result") };
    assert_eq!(message_id, format!("{uid}-result"), "the same one as ever");
    assert!(take(&connection, &queues(&id)[2]).await.is_none(), "it came once");
    space.wait("job", "read", |job| state(job) == Some(Consumed)).await;
    space.wait("job", "cleaned up", is_cleaned_up).await;
    left(&id, &[]).await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// Somebody deleted the queue between the end of the program and its result; later somebody else asks for the result.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_kept_result_is_sent_again_on_request() {
    let space = Space::new("republish").await;
    let slow = container("slow", &format!("trap 'sleep 4; exit 0' TERM; {WAITS}"));
    let job = life("").pod(json!({"containers": [container("main", OUTPUT), slow]}));
    let id = space.create(&job.job("job")).await.uid().unwrap();
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    // Before the courier is asked for the output, and its result is sent.
    until("the program has ended", PATIENCE, || async {
        let pod = space.pods.get("job-1").await.map_err(|error| error.to_string())?;
        let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
        let main = containers.into_iter().find(|container| container.name == "main").and_then(|main| main.state);
        main.and_then(|state| state.terminated).map(drop).ok_or_else(|| "it runs".to_owned())
    })
    .await;
    channel.queue_delete(queues(&id)[2].as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let job = space.ended("job").await;
    assert_eq!(verdict(&job, "ResultPublished"), "False Unroutable");
    assert_eq!(state(&job), Some(Deleted));
    tokio::time::sleep(Duration::from_secs(8)).await;
    let kept = format!("omotes.kept.{id}");
    assert_eq!(rabbit::depths().await.get(&kept), Some(&1), "nobody has asked for it");
    let annotate = json!({"metadata": {"annotations": {"omotes.io/republish-result": "please"}}});
    space.jobs.patch("job", &PatchParams::default(), &Patch::Merge(annotate)).await.unwrap();
    space.wait("job", "sent again", |job| verdict(job, "ResultPublished") == "True ConfirmedLate").await;
    assert!(matches!(take(&connection, &queues(&id)[2]).await, Some(Heard::Result { .. })));
    space.wait("job", "cleaned up", is_cleaned_up).await;
    left(&id, &[]).await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// A queue of the job's name that somebody made otherwise: the job says so with both values, and goes on when it is gone.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_queue_with_other_arguments_is_told() {
    let space = Space::new("differs").await;
    let id = random_uuid();
    let connection = connect().await;
    declare(&connection, &queues(&id)[2], Some(60_000)).await;
    space.create(&life("true").of(&json!({"jobId": id})).job("job")).await;
    let job = space.wait("job", "refused", |job| verdict(job, "QueuesReady") == "False ArgumentsDiffer").await;
    assert_eq!(verdict(&job, "Stalled"), "True ArgumentsDiffer");
    let conditions = job.status.unwrap().conditions;
    let said = conditions.iter().find(|condition| condition.type_ == "QueuesReady").unwrap();
    for words in ["60000", "900000", "x-expires", "Delete the queue"] {
        assert!(said.message.contains(words), "{}", said.message);
    }
    assert!(space.pods.get_opt("job-1").await.unwrap().is_none());
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete(queues(&id)[2].as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    space.ended("job").await;
    assert!(matches!(take(&connection, &queues(&id)[2]).await, Some(Heard::Result { .. })));
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// The same while the program runs: it is told, and that it is mended, and the program is not disturbed.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_queue_that_becomes_another_is_told() {
    let space = Space::new("becomes").await;
    let lease = queues_with(json!({"expireAfterSeconds": 30}));
    let id = space.create(&life(&quits(10)).of(&lease).job("job")).await.uid().unwrap();
    space.running("job").await;
    let connection = connect().await;
    let [progress, _, _] = queues(&id);
    // The operator makes it again at once: whoever is quicker.
    until("the queue is another", PATIENCE, || async {
        let channel = connection.create_channel().await.unwrap();
        channel.queue_delete(progress.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        let mut other = FieldTable::default();
        other.insert("x-expires".into(), AMQPValue::LongLongInt(60_000));
        let declared = channel.queue_declare(progress.as_str().into(), QueueDeclareOptions::durable(), other).await;
        declared.map(drop).map_err(|error| error.to_string())
    })
    .await;
    space.wait("job", "told", |job| verdict(job, "QueuesReady") == "False ArgumentsDiffer").await;
    assert!(space.event("job", "ArgumentsDiffer").await.contains("Delete the queue"));
    assert_eq!(phase(&space.jobs.get("job").await.unwrap()), Some(Phase::Running));
    let channel = connection.create_channel().await.unwrap();
    channel.queue_delete(progress.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    space.wait("job", "told again", |job| verdict(job, "QueuesReady") == "True Declared").await;
    left(&id, &["progress", "result", "status"]).await;
    space.change("job", &json!({"abort": {}})).await;
    space.ended("job").await;
    assert!(matches!(take(&connection, &queues(&id)[2]).await, Some(Heard::Result { .. })));
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// Nobody reads the progress, and a lot of it waits already: no more is added, and the status shows it all the same.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn unread_progress_is_bounded() {
    let space = Space::new("unread").await;
    let progress = "sleep 6; echo '{\"progress\": 0.5, \"message\": \"half\"}' >> /omotes/progress";
    let id = space.create(&life(&format!("{progress}; {WAITS}")).job("job")).await.uid().unwrap();
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    let [queue, _, _] = queues(&id);
    until("the progress queue is there", PATIENCE, || async {
        depth(&connection, &queue).await.map(drop).ok_or_else(String::new)
    })
    .await;
    let options = lapin::options::BasicPublishOptions::default();
    for _ in 0..1000 {
        channel.basic_publish("".into(), queue.as_str().into(), options, b"x", <_>::default()).await.unwrap();
    }
    let told = |job: &OmotesJob| job.status.as_ref().and_then(|status| status.progress.as_ref()).map(|it| it.percent);
    space.wait("job", "half way", |job| told(job) == Some(50)).await;
    tokio::time::sleep(AFTERWARDS).await;
    assert_eq!(rabbit::depths().await.get(&queue), Some(&1000));
    space.delete("job").await;
    space.empty().await;
    left(&id, &["result"]).await;
    take(&connection, &queues(&id)[2]).await.expect("CANCELLED");
    space.remove().await;
}

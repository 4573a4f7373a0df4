//! What becomes of a job's pods: suspended and made again, kept or removed, and on a node that the test plays.

use super::*;
use crate::support::{
    ghost::{Ghost, bound, reports, starts, this_second},
    until,
};

/// Waits until the pod called `pod` is gone.
async fn gone(space: &Space, pod: &str) {
    until(&format!("{pod} is gone"), PATIENCE, || async {
        space.pods.get_opt(pod).await.unwrap().map_or(Ok(()), |pod| Err(format!("{:?}", pod.metadata)))
    })
    .await;
}

fn suspended(wanted: bool) -> Value {
    json!({"suspend": wanted})
}

/// Nothing runs while a job is suspended, its queues outlive their time to live, and its start deadline stands still.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_may_be_born_suspended() {
    let space = Space::new("born-suspended").await;
    let patient = json!({"suspend": true, "startDeadlineSeconds": 20, "queues": {"expireAfterSeconds": 4}});
    let id = space.create(&life(OUTPUT).of(&patient).job("job")).await.uid().unwrap();
    let job = space.wait("job", "suspended", |job| phase(job) == Some(Phase::Suspended)).await;
    assert_eq!(["Suspended", "Running"].map(|type_| verdict(&job, type_)), ["True Suspended", "False Suspended"]);
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(space.pods.get_opt("job-1").await.unwrap(), None);
    let mut client = Listener::attach(&id).await;
    space.change("job", &suspended(false)).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    assert_eq!(client.statuses(), [Registered, Enqueued, Running]);
    let job = space.ended("job").await;
    assert_eq!((cause(&job), verdict(&job, "Suspended")), ("Completed", "False Resumed".to_owned()));
    client.leave().await;
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// A program that runs is stopped softly and another attempt goes on; the client hears of neither.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_running_job_can_be_suspended() {
    let space = Space::new("suspended").await;
    let limits = json!({"maxRunSeconds": 600});
    let id = space.create(&life(&second_time(&quits(10))).of(&limits).job("job")).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    space.change("job", &suspended(true)).await;
    let job = space.wait("job", "suspended", |job| phase(job) == Some(Phase::Suspended)).await;
    let status = job.status.unwrap();
    assert_eq!((status.attempt, status.failures, status.deadline_time), (Some(2), None, None));
    assert_eq!((status.attempts[0].cause.as_str(), status.attempts[0].exit_code), ("SoftAborted", Some(10)));
    assert!(status.attempts[0].message.contains("spec.suspend asked for it"), "{}", status.attempts[0].message);
    let active = status.active_seconds.unwrap();
    gone(&space, "job-1").await;
    tokio::time::sleep(AFTERWARDS).await;
    assert_eq!(space.pods.get_opt("job-2").await.unwrap(), None);
    space.change("job", &suspended(false)).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    assert_eq!(client.statuses(), [Registered, Enqueued, Running]);
    let status = space.ended("job").await.status.unwrap();
    assert!(status.active_seconds >= Some(active), "{status:?}");
    client.leave().await;

    // Who suspended a job may then want its end, before and after its program has stopped.
    for (name, at) in [("stopping", Phase::Aborting), ("stopped", Phase::Suspended)] {
        let stubborn = life(&deaf()).of(&json!({"template": {"spec": {"terminationGracePeriodSeconds": 8}}}));
        let id = space.create(&stubborn.job(name)).await.uid().unwrap();
        space.running(name).await;
        space.change(name, &suspended(true)).await;
        space.wait(name, at.as_str(), |job| phase(job) == Some(at)).await;
        space.change(name, &json!({"abort": {"reason": "moot"}})).await;
        let job = space.ended(name).await;
        assert_eq!((phase(&job), cause(&job)), (Some(Aborted), "KilledAfterGrace"), "{}", message(&job));
        assert!(message(&job).contains("asked for it: moot"), "{}", message(&job));
        let connection = connect().await;
        let heard = take(&connection, &queues(&id)[2]).await;
        let told =
            matches!(&heard, Some(Heard::Result { result, .. }) if result.result_type() == ResultType::Cancelled);
        assert!(told, "{heard:?}");
        assert_eq!(take(&connection, &queues(&id)[2]).await, None, "one result");
        space.delete(name).await;
    }
    space.delete("job").await;
    space.empty().await;
    space.remove().await;
}

/// A job of another controller is not touched, and takes no `jobId` away.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_of_another_controller_is_left_alone() {
    let space = Space::new("managed-by").await;
    let id = json!({"jobId": random_uuid()});
    let theirs = life("true").of(&id).of(&json!({"managedBy": "example.com/another"}));
    space.create(&theirs.job("theirs")).await;
    let named = life("true").of(&id).of(&json!({"managedBy": "omotes.io/omotes-operator"}));
    space.create(&named.job("ours")).await;
    assert_eq!(cause(&space.ended("ours").await), "Completed");
    let job = space.jobs.get("theirs").await.unwrap();
    assert_eq!((job.finalizers(), &job.status), (&[][..], &None));
    let taken_over = space.try_change("theirs", &json!({"managedBy": null})).await.unwrap_err();
    assert!(taken_over.contains("spec.managedBy cannot change"), "{taken_over}");
    for name in ["theirs", "ours"] {
        space.delete(name).await;
    }
    space.empty().await;
    space.remove().await;
}

/// Pods that ended by themselves stay for who wants to read their logs, or go.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn pods_stay_as_long_as_the_job_says() {
    let space = Space::new("retention").await;
    let retry = json!({"backoffLimit": 1, "retry": {"initialSeconds": 1, "maxSeconds": 1}});
    for (name, policy) in [("all", "Retain"), ("failed", "RetainOnFailure"), ("none", "Delete")] {
        let policy = json!({"podRetentionPolicy": policy});
        space.create(&life(&second_time("exit 3")).of(&retry).of(&policy).job(name)).await;
    }
    for name in ["all", "failed", "none"] {
        assert_eq!(cause(&space.ended(name).await), "Completed");
    }
    for pod in ["failed-2", "none-1", "none-2"] {
        gone(&space, pod).await;
    }
    for name in ["all-1", "all-2", "failed-1"] {
        let pod = space.released(name).await;
        assert_eq!(pod.metadata.deletion_timestamp, None, "it stays");
    }
    space.change("all", &json!({"podRetentionPolicy": "Delete"})).await;
    gone(&space, "all-2").await;
    for name in ["all", "failed", "none"] {
        space.delete(name).await;
    }
    space.empty().await;
    space.remove().await;
}

/// Kubernetes deletes the pod of a node that is cut off; nobody says how its program ended. The next attempt begins when
/// the job says that it may.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_lost_node_delays_the_next_attempt() {
    let space = Space::new("force").await;
    let ghost = Ghost::new(&space).await;
    let spec = json!({"courier": {"enabled": false}, "retry": {"initialSeconds": 1, "maxSeconds": 1}});
    let forced = json!({"forceDeletionPolicy": {"afterSeconds": 60}});
    for (name, policy) in [("patient", json!({})), ("forced", forced)] {
        space.create(&life("true").of(&spec).of(&policy).pod(ghost.there()).job(name)).await;
    }
    for pod in ["patient-1", "forced-1"] {
        starts(&space, pod).await;
    }
    for job in ["patient", "forced"] {
        space.running(job).await;
    }
    space.pods.delete("patient-1", &DeleteParams::default()).await.unwrap();
    let deleted = this_second();
    space.pods.delete("forced-1", &DeleteParams::default()).await.unwrap();
    let job = space.wait("forced", "tried again", |job| attempt(job) == 2).await;
    let waited = this_second().duration_since(deleted).as_secs();
    assert!((GRACE + 60..GRACE + 120).contains(&waited), "forced off after {waited} s");
    let record = job.status.unwrap().attempts[0].clone();
    assert_eq!(record.cause.as_str(), "Disrupted", "{record:?}");
    assert!(record.message.contains("how it ended is unknown"), "{}", record.message);
    bound(&space, "forced-2").await;
    assert_eq!(attempt(&space.jobs.get("patient").await.unwrap()), 1, "never two at once, unless the job says so");
    // Somebody says that the node is dead.
    space.pods.delete("patient-1", &DeleteParams::default().grace_period(0)).await.unwrap();
    space.wait("patient", "tried again", |job| attempt(job) == 2).await;
    for (job, pod) in [("patient", "patient-2"), ("forced", "forced-2")] {
        starts(&space, pod).await;
        reports(&space, pod, "Succeeded", &exited(0, "Completed"), &json!({})).await;
        assert_eq!(cause(&space.ended(job).await), "Completed");
        space.delete(job).await;
    }
    space.empty().await;
    ghost.remove().await;
    space.remove().await;
}

/// A node that is short of something evicts a pod for its own sake, and says so in a condition; or because the pod took
/// more than its limits, and then it does not.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_node_evicts_for_its_own_sake_or_for_the_jobs_fault() {
    let space = Space::new("evicted").await;
    let ghost = Ghost::new(&space).await;
    let spec = json!({"courier": {"enabled": false}, "retry": {"initialSeconds": 1, "maxSeconds": 1}});
    let target =
        json!([{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": "low"}]);
    let cases = [
        (
            "pressed",
            json!({"reason": "Evicted", "message": "The node was low on resource: memory.", "conditions": target}),
        ),
        (
            "greedy",
            json!({"reason": "Evicted", "message": "Pod ephemeral local storage usage exceeds the total limit."}),
        ),
    ];
    for (name, words) in &cases {
        space.create(&life("true").of(&spec).pod(ghost.there()).job(name)).await;
        let pod = format!("{name}-1");
        starts(&space, &pod).await;
        space.running(name).await;
        reports(&space, &pod, "Failed", &exited(137, "Error"), words).await;
    }
    let job = space.ended("greedy").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Failed), "Evicted"));
    assert!(message(&job).contains("ephemeral local storage"), "{}", message(&job));
    let job = space.wait("pressed", "tried again", |job| attempt(job) == 2).await;
    let status = job.status.unwrap();
    assert_eq!((status.attempts[0].cause.as_str(), status.failures), ("Evicted", Some(0)));
    bound(&space, "pressed-2").await;
    reports(&space, "pressed-2", "Succeeded", &exited(0, "Completed"), &json!({})).await;
    assert_eq!(cause(&space.ended("pressed").await), "Completed");
    for (name, _) in &cases {
        space.delete(name).await;
    }
    space.empty().await;
    ghost.remove().await;
    space.remove().await;
}

fn attempt(job: &OmotesJob) -> i32 {
    job.status.as_ref().and_then(|status| status.attempt).unwrap_or(1)
}

fn exited(code: i32, reason: &str) -> Value {
    let now = this_second();
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}})
}

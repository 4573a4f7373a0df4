//! A node's clock that is wrong, on a node whose kubelet is the test.

use jiff::SignedDuration;
use kube::api::DeleteParams;
use omotes_operator::testing::api::status::Phase;
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, message, phase},
    ghost::{Ghost, bound, reports, runs, this_second},
    until,
};

async fn told_to_stop(space: &Space, pod: &str) {
    until(&format!("{pod} is told to stop"), PATIENCE, || async {
        let pod = space.pods.get(pod).await.unwrap();
        pod.metadata.deletion_timestamp.map(drop).ok_or_else(String::new)
    })
    .await;
}

fn succeeded(started: jiff::Timestamp, finished: jiff::Timestamp) -> Value {
    json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": finished}})
}

/// kubernetes#77208: an end that a node dates a minute before the stop, and before its own start, makes no stopped job a success.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn an_impossible_end_is_no_success() {
    let space = Space::new("behind").await;
    let ghost = Ghost::new(&space).await;
    space.create(&ghost.job("aborted", &json!({}))).await;
    space.create(&ghost.job("deleted", &json!({}))).await;
    for name in ["aborted", "deleted"] {
        let pod = format!("{name}-1");
        bound(&space, &pod).await;
        let started = this_second();
        runs(&space, &pod, started).await;
        space.running(name).await;
        match name {
            "aborted" => space.change(name, &json!({"abort": {}})).await,
            _ => drop(space.pods.delete(&pod, &DeleteParams::default()).await.unwrap()),
        }
        told_to_stop(&space, &pod).await;
        let before = this_second() - SignedDuration::from_secs(60);
        reports(&space, &pod, "Succeeded", &succeeded(started, before), &json!({})).await;
    }
    let job = space.ended("aborted").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Phase::Aborted), "SoftAborted"), "{}", message(&job));
    let job = space.wait("deleted", "tried again", |job| {
        job.status
            .as_ref()
            .is_some_and(|status| !status.attempts.is_empty() || phase(job).is_some_and(Phase::is_terminal))
    });
    let status = job.await.status.unwrap();
    assert_eq!((status.attempts[0].cause.as_str(), status.attempt, status.failures), ("Disrupted", Some(2), Some(0)));
    ghost.remove().await;
    space.abandon().await;
}

/// A clock that is an hour behind ends no job at its deadline, one that is ahead shortens none, and each is reported once.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_deadline_counts_from_a_possible_time() {
    for (test, ahead, words) in [("hour-behind", -3600, "s behind"), ("hour-ahead", 3600, "s ahead")] {
        let space = Space::new(test).await;
        let ghost = Ghost::new(&space).await;
        space.create(&ghost.job("job", &json!({"maxRunSeconds": 600}))).await;
        bound(&space, "job-1").await;
        let (created, started) = (this_second(), this_second() + SignedDuration::from_secs(ahead));
        runs(&space, "job-1", started).await;
        let status = space.running("job").await.status.unwrap();
        let deadline = status.deadline_time.unwrap().0.duration_since(created).as_secs();
        assert!((580..=620).contains(&deadline), "{test}: {deadline} s");
        let note = space.event("job", "ClockSkew").await;
        assert!(note.contains(&space.name) && note.contains(words), "{note}");
        space.change("job", &json!({"abort": {"mode": "Immediate"}})).await;
        told_to_stop(&space, "job-1").await;
        let ended = this_second() + SignedDuration::from_secs(ahead);
        reports(&space, "job-1", "Succeeded", &succeeded(started, ended), &json!({})).await;
        let job = space.ended("job").await;
        assert_eq!(phase(&job), Some(Phase::Aborted), "{test}: {}", message(&job));
        ghost.remove().await;
        space.abandon().await;
    }
}

//! Jobs that are stopped: why, what their program may still do, how it ends, and what its client hears.

use std::collections::BTreeSet;

use omotes_operator::testing::api::status::AbortStatus;

use super::*;
use crate::support::{
    bed::run_in,
    ghost::{Ghost, starts},
};

const SILENT: &str = r#"echo '{"progress": 0.4, "message": "half"}' >> /omotes/progress; "#;

fn limited_to(seconds: i64) -> Value {
    json!({"maxRunSeconds": seconds})
}

fn starts_within(seconds: i64) -> Value {
    json!({"startDeadlineSeconds": seconds})
}

fn beats_within(seconds: i64) -> Value {
    json!({"heartbeat": {"timeoutSeconds": seconds, "onTimeout": "Abort"}})
}

fn no_image() -> Value {
    json!({"image": "localhost/no-such:1", "imagePullPolicy": "Never"})
}

fn no_config_map() -> Value {
    json!({"volumes": [{"name": "settings", "configMap": {"name": "no-such-map"}}]})
}

lives! {
    at_its_deadline_it_stops_softly => life(&quits(10)).of(&limited_to(6)).stopped_for("DeadlineExceeded").ends(Failed, "SoftAborted", 10).saying("longer than its limit of 6 s");
    at_its_deadline_it_does_not_succeed => life(&quits(0)).of(&limited_to(6)).stopped_for("DeadlineExceeded").ends(Failed, "SoftAborted", 0);
    at_its_deadline_and_deaf_it_has_its_grace => life(&deaf()).of(&limited_to(6)).stopped_for("DeadlineExceeded").ends(Failed, "KilledAfterGrace", 137).saying("within its grace period");
    what_is_expected_is_a_deadline => life(&quits(10)).of(&json!({"expectedDuration": {"numResources": 3, "secondsPerResource": 2, "bufferSeconds": 1}})).stopped_for("DeadlineExceeded").ends(Failed, "SoftAborted", 10).saying("limit of 7 s");
    within_its_limits_it_succeeds => life(OUTPUT).of(&limited_to(60)).of(&starts_within(60)).of(&beats_within(30));
    its_last_words_are_told => life(&format!("trap 'echo stopped at step 7 >&2; exit 10' TERM; {WAITS}")).of(&limited_to(6)).stopped_for("DeadlineExceeded").ends(Failed, "SoftAborted", 10).saying("stopped at step 7");
    a_limit_of_its_own_is_a_deadline => life("exit 11").of(&json!({"exitCodes": {"limitReached": 11}})).stopped_for("DeadlineExceeded").ends(Failed, "DeadlineExceeded", 11).saying("a limit of its own");
    a_soft_end_that_nobody_asked_for_is_one => life("exit $OMOTES_EXIT_CODE_SOFT_ABORTED").ends(Failed, "SoftAborted", 10).saying("had not told it to");
    the_kubelet_holds_the_templates_own_limit => life(&quits(0)).pod(json!({"activeDeadlineSeconds": 15})).stopped_for("DeadlineExceeded").ends(Failed, "DeadlineExceeded", 0).saying("activeDeadlineSeconds");

    where_no_node_takes_it_it_fails => Life { name: "nowhere".to_owned(), ..life("true") }.pod(nowhere()).of(&starts_within(5)).stopped_for("StartDeadlineExceeded").ends(Failed, "NeverStarted", None).saying("within 5 s: Unschedulable: ");
    without_an_image_it_fails => life("true").main(&no_image()).of(&starts_within(20)).stopped_for("StartDeadlineExceeded").ends(Failed, "NeverStarted", None).saying("ErrImageNeverPull");
    without_a_volume_it_fails => life("true").pod(no_config_map()).main(&json!({"volumeMounts": [{"name": "settings", "mountPath": "/settings"}]})).of(&starts_within(20)).stopped_for("StartDeadlineExceeded").ends(Failed, "NeverStarted", None).saying("configmap \"no-such-map\" not found");

    silent_it_is_stopped => life(&format!("{SILENT}{}", quits(10))).of(&beats_within(5)).stopped_for("NoProgress").ends(Failed, "SoftAborted", 10).saying("for 5 s; it had come to 40 %: half");
    never_heard_it_is_stopped => life(&quits(10)).of(&beats_within(5)).stopped_for("NoProgress").ends(Failed, "SoftAborted", 10).saying("it had not told any");

    aborted_it_stops_softly => life(&quits(10)).then(Fate::Aborted(Phase::Running, r#"{"reason": "not needed"}"#)).ends(Aborted, "SoftAborted", 10).saying("asked for it: not needed");
    aborted_and_deaf_it_has_its_grace => life(&deaf()).then(Fate::Aborted(Phase::Running, "{}")).ends(Aborted, "KilledAfterGrace", 137);
    aborted_at_once_it_has_a_second => life(&deaf()).pod(json!({"terminationGracePeriodSeconds": 120})).then(Fate::Aborted(Phase::Running, r#"{"mode": "Immediate"}"#)).ends(Aborted, "KilledAfterGrace", 137);
    aborted_while_no_node_takes_it => Life { name: "nowhere".to_owned(), ..life("true") }.pod(nowhere()).then(Fate::Aborted(Phase::Queued, r#"{"afterSeconds": 3600}"#)).ends(Aborted, "NeverStarted", None).saying("before its program started");
}

/// The stop that was decided on for the job called `name`.
async fn decided(space: &Space, name: &str) -> AbortStatus {
    let decided = |job: &OmotesJob| job.status.as_ref().and_then(|status| status.abort.clone());
    decided(&space.wait(name, "to be stopped", |job| decided(job).is_some()).await).unwrap()
}

/// In the last second before the stop, which is decided already: a success. In the second of the stop: none.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn success_wins_the_tie() {
    let space = Space::new("tie").await;
    let scratch = json!({"volumes": [{"name": "tmp", "emptyDir": {}}]});
    let mount = json!({"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]});
    let script = "until [ -s /tmp/at ]; do sleep 0.1; done; at=$(cat /tmp/at); \
        while [ $(date +%s) -lt $at ]; do sleep 0.01; done; printf '<esdl/>' > /omotes/output/output.esdl";
    // The program does not listen: it ends by itself, at that second. On a busy machine it may miss it.
    let program = life(&format!("trap '' TERM; {script}")).pod(scratch).main(&mount);
    let tries = (1..=3).flat_map(|number| [("before", 1, number), ("after", 0, number)]);
    let mut met = BTreeSet::new();
    for (case, early, number) in tries {
        if met.contains(case) {
            continue;
        }
        let name = &format!("{case}-{number}");
        let id = space.create(&program.job(name)).await.uid().unwrap();
        let mut client = Listener::attach(&id).await;
        space.running(name).await;
        space.change(name, &json!({"abort": {"afterSeconds": 10}})).await;
        let stop = decided(&space, name).await.stop_time.0.as_second();
        let pod = format!("{name}-1");
        run_in(&space.name, &pod, &format!("echo {} > /tmp/at", stop - early));
        client.listen(PATIENCE, AFTERWARDS).await;
        client.leave().await;
        let job = space.ended(name).await;
        let finished = job.status.as_ref().and_then(|status| status.completion_time.clone()).unwrap().0.as_second();
        let expected = if finished < stop { (Succeeded, "Completed") } else { (Aborted, "SoftAborted") };
        assert_eq!((phase(&job).unwrap(), cause(&job)), expected, "{:?}", job.status);
        if finished == stop - early {
            met.insert(case);
        }
    }
    assert_eq!(met.len(), 2, "the test did not end its programs when it meant to, only {met:?}");
    space.remove().await;
}

/// A stop can be made harder and sooner, not gentler.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_stop_can_be_hurried() {
    let space = Space::new("hurry").await;
    let patient = life(&deaf()).pod(json!({"terminationGracePeriodSeconds": 600}));
    for name in ["sooner", "deleted", "early"] {
        space.create(&patient.job(name)).await;
    }
    // A kubelet that has begun to stop a pod keeps to the grace period that it began with.
    let begun = life(&deaf()).pod(json!({"terminationGracePeriodSeconds": 20}));
    space.create(&begun.job("harder")).await;
    space.create(&life("sleep 30").job("itself")).await;
    for name in ["itself", "harder", "sooner", "deleted", "early"] {
        space.running(name).await;
    }
    space.change("harder", &json!({"abort": {}})).await;
    for name in ["sooner", "deleted", "itself"] {
        space.change(name, &json!({"abort": {"afterSeconds": 3600}})).await;
    }
    let signalled = |job: &OmotesJob| {
        let abort = job.status.as_ref().and_then(|status| status.abort.as_ref());
        abort.is_some_and(|abort| abort.stage == AbortStage::Signalled)
    };
    space.wait("harder", "told to stop", signalled).await;
    space.change("harder", &json!({"abort": {"mode": "Immediate"}})).await;
    decided(&space, "sooner").await;
    space.change("sooner", &json!({"abort": {"afterSeconds": 0, "mode": "Immediate"}})).await;
    decided(&space, "deleted").await;
    let hold = json!({"metadata": {"finalizers": [HOLD, "omotes.io/cleanup"]}});
    space.jobs.patch("deleted", &PatchParams::default(), &Patch::Merge(hold)).await.unwrap();
    space.change("deleted", &json!({"abort": {"mode": "Immediate"}})).await;
    space.delete("deleted").await;
    for name in ["harder", "sooner", "deleted"] {
        let job = space.ended(name).await;
        assert_eq!((phase(&job), cause(&job)), (Some(Aborted), "KilledAfterGrace"), "{name}: {:?}", job.status);
        let abort = job.status.and_then(|status| status.abort).unwrap();
        let expected = if name == "deleted" { "Deleted" } else { "Requested" };
        let stopped = (format!("{:?}", abort.cause), abort.stage, abort.mode);
        assert_eq!(stopped, (expected.to_owned(), AbortStage::Killed, AbortMode::Immediate), "{name}");
    }
    let job = space.ended("itself").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Succeeded), "Completed"), "left undisturbed it succeeds");

    space.change("early", &json!({"abort": {"mode": "Immediate", "afterSeconds": 5, "reason": "a"}})).await;
    for gentler in [json!(null), json!({"mode": "Graceful"}), json!({"afterSeconds": 6}), json!({"reason": "b"})] {
        let refusal = space.try_change("early", &json!({"abort": gentler})).await.unwrap_err();
        assert!(refusal.contains("spec.abort cannot be taken back or made gentler"), "{gentler}: {refusal}");
    }
    space.ended("early").await;
    for name in ["harder", "sooner", "early", "itself"] {
        space.delete(name).await;
    }
    space.leave_nothing("deleted").await;
    space.remove().await;
}

/// A client that waits hears of a job that was never to run.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_that_cannot_have_a_pod_tells_its_client() {
    let space = Space::new("podless").await;
    let root = json!({"template": {"spec": {"securityContext": null}}, "startDeadlineSeconds": 5});
    let born_aborted =
        space.create(&life("true").of(&json!({"abort": {"reason": "moot"}})).job("moot")).await.uid().unwrap();
    let refused = space.create(&life("true").of(&root).job("refused")).await.uid().unwrap();
    let expected = [
        ("moot", born_aborted, Aborted, ResultType::Cancelled, "asked for it: moot before its program started"),
        ("refused", refused, Failed, ResultType::Error, "did not start within 5 s: PodRefused: "),
    ];
    let connection = connect().await;
    for (name, id, end, heard, words) in expected {
        let job = space.ended(name).await;
        assert_eq!((phase(&job), cause(&job)), (Some(end), "NeverStarted"), "{:?}", job.status);
        assert!(message(&job).contains(words), "{}", message(&job));
        let told = take(&connection, &queues(&id)[2]).await;
        assert!(matches!(&told, Some(Heard::Result { result, .. }) if result.result_type() == heard), "{told:?}");
        assert_eq!(space.pods.get_opt(&format!("{name}-1")).await.unwrap(), None);
        space.delete(name).await;
    }
    space.empty().await;
    space.remove().await;
}

/// Where nobody stops it for that, silence shows on the job and goes with it; limits show, too.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn silence_is_reported_until_it_ends() {
    let space = Space::new("silence").await;
    let script = "sleep 8; echo '{\"progress\": 0.5}' >> /omotes/progress; sleep 4";
    let limits = json!({"heartbeat": {"timeoutSeconds": 5}, "maxRunSeconds": 600});
    space.create(&life(script).of(&limits).job("job")).await;
    let job = space.running("job").await;
    let status = job.status.unwrap();
    let limit = status.deadline_time.unwrap().0.duration_since(status.start_time.unwrap().0);
    assert_eq!(limit, SignedDuration::from_secs(600));
    let stalled = space.wait("job", "stalled", |job| verdict(job, "ProgressStalled") == "True NoProgress").await;
    assert_eq!(phase(&stalled), Some(Phase::Running));
    let heard = space.wait("job", "heard again", |job| verdict(job, "ProgressStalled").is_empty()).await;
    assert_eq!(phase(&heard), Some(Phase::Running));
    let half = |job: &OmotesJob| job.status.as_ref().and_then(|status| status.progress.clone());
    let job = space.wait("job", "half way", |job| half(job).is_some_and(|progress| progress.percent == 50)).await;
    let estimate = half(&job).unwrap().estimated_completion_time.unwrap().0;
    let (start, now) = (job.status.unwrap().start_time.unwrap().0, jiff::Timestamp::now());
    assert!(start < estimate && estimate < now + SignedDuration::from_secs(60), "{estimate}");
    assert_eq!(cause(&space.ended("job").await), "Completed");
    space.remove().await;
}

/// What is expected can be raised up to what was allowed from the start, and the deadline follows; lowering what a job may
/// run below what it ran stops it.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_deadline_follows_the_spec() {
    let space = Space::new("raise").await;
    let expected = |resources: i64| json!({"expectedDuration": {"numResources": resources, "secondsPerResource": 60, "bufferSeconds": 0}});
    let allowed = json!({"maxRunSeconds": 3600});
    space.create(&life(&quits(10)).of(&expected(1)).of(&allowed).job("job")).await;
    space.create(&life(&quits(10)).of(&expected(1)).job("bound")).await;
    let limit = |job: &OmotesJob| {
        let status = job.status.clone()?;
        Some(status.deadline_time?.0.duration_since(status.start_time?.0).as_secs())
    };
    space.wait("job", "limited", |job| limit(job) == Some(60)).await;
    space.change("job", &expected(2)).await;
    space.wait("job", "raised", |job| limit(job) == Some(120)).await;
    for (name, patch, words) in [
        ("job", expected(1), "spec.expectedDuration can only be raised"),
        ("job", json!({"expectedDuration": null}), "spec.expectedDuration can only be raised"),
        ("job", json!({"maxRunSeconds": 7200}), "spec.maxRunSeconds can only be lowered"),
        ("job", json!({"maxRunSeconds": null}), "spec.maxRunSeconds can only be lowered"),
        ("job", json!({"startDeadlineSeconds": 5}), "spec.startDeadlineSeconds cannot change"),
        ("job", json!({"heartbeat": {"timeoutSeconds": 5}}), "spec.heartbeat cannot change"),
        ("job", json!({"exitCodes": {"softAborted": 3}}), "spec.exitCodes cannot change"),
        ("bound", expected(2), "only where spec.maxRunSeconds was given from the start"),
        ("bound", allowed, "spec.maxRunSeconds can only be lowered: to stop a job that has none, set spec.abort"),
    ] {
        let refusal = space.try_change(name, &patch).await.unwrap_err();
        assert!(refusal.contains(words), "{patch}: {refusal}");
    }
    space.change("job", &json!({"maxRunSeconds": 1})).await;
    let job = space.ended("job").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Failed), "SoftAborted"), "{:?}", job.status);
    assert_eq!(verdict(&job, "Failed"), "True DeadlineExceeded");
    space.remove().await;
}

/// The node of a job's pod is cut off, played by this test: it reports that the program runs, and then nothing any more.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_lost_node_holds_nobody_for_ever() {
    let space = Space::new("lost").await;
    let ghost = Ghost::new(&space).await;
    let spec = json!({"courier": {"enabled": false}, "maxRunSeconds": 5});
    let id = space.create(&life(&deaf()).of(&spec).pod(ghost.there()).job("job")).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    starts(&space, "job-1").await;
    space.running("job").await;

    client.listen(PATIENCE, AFTERWARDS).await;
    assert!(client.only_result(ResultType::Cancelled).logs.contains("it may still run"));
    let job = space.ended("job").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Failed), "NodeLost"), "{:?}", job.status);
    let verdicts = ["Failed", "PodTerminated"].map(|type_| verdict(&job, type_));
    assert_eq!(verdicts, ["True DeadlineExceeded", "False Unconfirmed"]);
    let abort = job.status.and_then(|status| status.abort).unwrap();
    assert_eq!(abort.stage, AbortStage::Unconfirmed);
    // The resource stays as long as its pod may run, and goes when somebody says that the node is dead.
    space.delete("job").await;
    tokio::time::sleep(AFTERWARDS).await;
    let pod = space.pods.get("job-1").await.unwrap();
    assert!(pod.finalizers().contains(&"omotes.io/exit-recorded".to_owned()), "{:?}", pod.metadata);
    assert!(space.jobs.get("job").await.unwrap().finalizers().contains(&"omotes.io/cleanup".to_owned()));
    space.pods.delete("job-1", &DeleteParams::default().grace_period(0)).await.unwrap();
    space.empty().await;
    ghost.remove().await;
    space.remove().await;
}

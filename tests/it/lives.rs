//! Lives of jobs, on the real kubelet and broker: how each ends, and what its client hears.

use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, EvictParams, Patch, PatchParams, PostParams},
};
use lapin::options::QueueDeleteOptions;
use omotes_operator::testing::{
    api::{
        OmotesJob, names,
        status::{
            AbortStage,
            Phase::{self, Aborted, Failed, Succeeded},
        },
        stop::AbortMode,
    },
    wire::{
        JobStatus::{self, Cancelled, Enqueued, Registered, Running},
        ResultType,
    },
};
use serde_json::{Value, json};

use crate::support::{
    audit,
    bed::{
        PATIENCE, Space, WAITS, cause, container, deaf, job, merged, message, phase, pod_spec, quits, shell_job,
        verdict,
    },
    client::{Heard, Listener, connect, declare, depth, queues, take},
    random_uuid,
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// Keeps a job that was deleted until its last status has been read.
const HOLD: &str = "omotes.io/test-reads-the-status";
/// The grace of every template here, in seconds; that of a courier's flush is longer.
const GRACE: i64 = 5;

const OUTPUT: &str = "printf '<esdl/>' > /omotes/output/output.esdl";
const GREEDY: &str = r"text=x; while :; do text=$text$text; done";

/// What happens to a job.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Nothing: it ends by itself.
    Left,
    /// It is deleted as soon as its status has this phase.
    Deleted(Phase),
    /// The same, and the garbage collector is to remove its pod first.
    DeletedInForeground,
    /// Somebody deletes its pod while it runs.
    PodDeleted,
    /// Somebody drains the node while it runs.
    PodEvicted,
    /// Its `spec.abort` is set so while it has this phase.
    Aborted(Phase, &'static str),
}

/// A job and what becomes of it.
struct Life {
    name: String,
    spec: Value,
    fate: Fate,
    end: (Phase, &'static str, Option<i32>),
    /// Why it is stopped, in `status.abort.cause`.
    stopped: Option<&'static str>,
    words: &'static str,
    attempts: usize,
}

fn life(script: &str) -> Life {
    let spec = json!({
        "queues": {"expireAfterSeconds": 900},
        "courier": {"flushSeconds": 60},
        "template": {"spec": merged(pod_spec(script), &json!({"terminationGracePeriodSeconds": GRACE}))},
    });
    let end = (Succeeded, "Completed", Some(0));
    Life { name: "job".to_owned(), spec, fate: Fate::Left, end, stopped: None, words: "", attempts: 1 }
}

impl Life {
    fn of(mut self, patch: &Value) -> Self {
        self.spec = merged(self.spec, patch);
        self
    }

    fn pod(self, patch: Value) -> Self {
        self.of(&json!({"template": {"spec": patch}}))
    }

    fn main(self, patch: &Value) -> Self {
        let main = self.spec["template"]["spec"]["containers"][0].clone();
        self.pod(json!({"containers": [merged(main, patch)]}))
    }

    fn then(self, fate: Fate) -> Self {
        let stopped = match fate {
            Fate::Deleted(_) | Fate::DeletedInForeground => Some("Deleted"),
            Fate::Aborted(..) => Some("Requested"),
            Fate::Left | Fate::PodDeleted | Fate::PodEvicted => None,
        };
        Self { fate, stopped, ..self }
    }

    /// How many attempts it takes.
    fn after(self, attempts: usize) -> Self {
        Self { attempts, ..self }
    }

    fn stopped_for(self, cause: &'static str) -> Self {
        Self { stopped: Some(cause), ..self }
    }

    fn ends(self, phase: Phase, cause: &'static str, code: impl Into<Option<i32>>) -> Self {
        Self { end: (phase, cause, code.into()), ..self }
    }

    fn saying(self, words: &'static str) -> Self {
        Self { words, ..self }
    }

    fn job(&self, name: &str) -> OmotesJob {
        job(name, &self.spec)
    }

    /// Lives it, and asserts everything that status and client say of it.
    async fn live(self, test: &str) {
        let space = Space::new(test).await;
        let mut job = self.job(&self.name);
        job.finalizers_mut().push(HOLD.to_owned());
        let id = space.create(&job).await.uid().unwrap();
        let mut client = Listener::attach(&id).await;
        self.meet(&space).await;
        client.listen(PATIENCE, AFTERWARDS).await;
        let job = space.ended(&self.name).await;
        self.check(&job, &client);
        client.leave().await;
        space.leave_nothing(&self.name).await;
        space.remove().await;
    }

    async fn meet(&self, space: &Space) {
        let (job, pod) = (self.name.as_str(), format!("{}-1", self.name));
        match self.fate {
            Fate::Left => {}
            Fate::Deleted(at) => {
                space.wait(job, at.as_str(), |job| phase(job) == Some(at)).await;
                space.delete(job).await;
            }
            Fate::DeletedInForeground => {
                space.running(job).await;
                space.jobs.delete(job, &DeleteParams::foreground()).await.unwrap();
            }
            Fate::PodDeleted => {
                space.running(job).await;
                space.pods.delete(&pod, &DeleteParams::default()).await.unwrap();
            }
            Fate::Aborted(at, abort) => {
                space.wait(job, at.as_str(), |job| phase(job) == Some(at)).await;
                let abort: Value = serde_json::from_str(abort).unwrap();
                space.change(job, &json!({"abort": abort})).await;
            }
            Fate::PodEvicted => {
                space.running(job).await;
                space.pods.evict(&pod, &EvictParams::default()).await.unwrap();
            }
        }
    }

    fn check(&self, job: &OmotesJob, client: &Listener) {
        let status = job.status.as_ref().unwrap();
        let (phase, expected, code) = self.end;
        let exit = status.termination.as_ref().unwrap().exit_code;
        assert_eq!((status.phase, cause(job), exit), (Some(phase), expected, code), "{}", message(job));
        assert!(message(job).contains(self.words), "{:?} is not in {:?}", self.words, message(job));

        let done = verdict(job, "Complete") == "True Completed";
        let reason = if phase == Aborted { "Aborted" } else { self.stopped.unwrap_or(expected) };
        let failed = verdict(job, "Failed") == format!("True {reason}");
        assert_eq!((done, failed), (phase == Succeeded, phase != Succeeded), "{:?}", status.conditions);
        assert_eq!(verdict(job, "ResultPublished"), "True Confirmed");
        for kstatus in ["Reconciling", "Stalled"] {
            assert_eq!(verdict(job, kstatus), "");
        }
        let year = |time: &jiff::Timestamp| time.to_zoned(jiff::tz::TimeZone::UTC).year();
        let (start, completion) = (status.start_time.as_ref(), status.completion_time.as_ref().unwrap());
        assert!(
            start.is_none_or(|start| start.0 <= completion.0 && year(&start.0) > 2000),
            "{start:?} to {completion:?}"
        );
        let pod = format!("{}-{}", self.name, self.attempts);
        assert_eq!((start.is_some(), status.pod_name.clone()), (code.is_some(), Some(pod)));
        let attempts: Vec<_> = status.attempts.iter().map(|attempt| attempt.number.unsigned_abs()).collect();
        assert!(attempts.iter().eq(&(1..=u32::try_from(self.attempts).unwrap()).collect::<Vec<_>>()), "{attempts:?}");
        assert_eq!(status.attempts.last().map(|last| last.cause.as_str()), Some(expected));

        let result = status.result.as_ref().unwrap();
        let (type_, heard) = match (phase, self.stopped) {
            (Succeeded, _) => (ResultType::Succeeded, None),
            (Aborted, _) | (_, Some("DeadlineExceeded")) => (ResultType::Cancelled, Some(Cancelled)),
            _ => (ResultType::Error, None),
        };
        self.check_stop(job);
        assert!(client.only_result(type_).logs.contains(self.words), "{}", client.only_result(type_).logs);
        assert_eq!(client.message_ids(), [result.message_id.as_str()]);
        let ran = (code.is_some() || self.attempts > 1).then_some(Running);
        let expected: Vec<JobStatus> = [Registered, Enqueued].into_iter().chain(ran).chain(heard).collect();
        assert_eq!(client.statuses(), expected);
    }
}

impl Life {
    /// A program that does not listen has its grace, and no more than that.
    fn check_stop(&self, job: &OmotesJob) {
        let status = job.status.clone().unwrap();
        let Some(abort) = status.abort else {
            return assert!(
                self.stopped.is_none() || cause(job) == "DeadlineExceeded",
                "nobody stopped it: {status:?}"
            );
        };
        let killed = self.end.1 == "KilledAfterGrace";
        let stage = if killed { AbortStage::Killed } else { AbortStage::Stopped };
        assert_eq!((Some(format!("{:?}", abort.cause).as_str()), abort.stage), (self.stopped, stage), "{abort:?}");
        let grace = self.spec["template"]["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap();
        let grace = SignedDuration::from_secs(if abort.mode == AbortMode::Graceful { grace } else { 1 });
        let lived = status.completion_time.unwrap().0.duration_since(abort.stop_time.0);
        // On a busy machine the kubelet takes some seconds to notice; to the courier's flush it is far.
        let bounds = if killed { grace } else { SignedDuration::ZERO }..grace + SignedDuration::from_secs(30);
        assert!(bounds.contains(&lived), "ended {lived:#} after it was told to stop: {abort:?}");
    }
}

impl Space {
    /// Takes the test's own finalizer off and deletes the job; nothing but that may have kept it and its pod.
    async fn leave_nothing(&self, job: &str) {
        self.delete(job).await;
        let held = [HOLD.to_owned()];
        self.wait(job, "let go by the operator", |job| {
            let ours = job.finalizers().iter().filter(|finalizer| *finalizer != names::FINALIZER_FOREGROUND);
            ours.eq(&held)
        })
        .await;
        let patch = json!({"metadata": {"finalizers": null}});
        self.jobs.patch(job, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        self.empty().await;
    }
}

macro_rules! lives {
    ($($name:ident => $life:expr;)*) => {$(
        #[tokio::test]
        #[ignore = "needs the test bed: make test"]
        async fn $name() {
            $life.live(stringify!($name)).await;
        }
    )*};
}

mod pods;
mod queues;
mod stops;
mod workflows;

fn limited() -> Value {
    json!({"resources": {"limits": {"memory": "24Mi"}}})
}

fn nowhere() -> Value {
    json!({"nodeSelector": {"no-such": "node"}})
}

/// Succeeds at its second attempt; the first is `script`.
fn second_time(script: &str) -> String {
    format!("[ $OMOTES_ATTEMPT = 1 ] || exit 0; {script}")
}

fn soon() -> Value {
    json!({"retry": {"initialSeconds": 1, "maxSeconds": 1}})
}

/// A policy by which what fits `rule` is the end of the job.
fn never(rule: &str, what: &Value) -> Value {
    json!({"podFailurePolicy": {"rules": [{"action": "FailJob", rule: what}]}})
}

lives! {
    success_needs_no_output => life("true");
    a_name_may_be_long_and_have_dots => Life { name: format!("{}.b", "n".repeat(61)), ..life("true") };
    an_exit_code_is_an_error => life("echo 'no solution for pump 7' >&2; exit 3").ends(Failed, "Error", 3).saying("code 3: no solution for pump 7");
    too_little_memory_is_named => life(GREEDY).main(&limited()).ends(Failed, "OOMKilled", 137).saying("raise resources.limits.memory");
    a_part_killed_for_memory_is_no_success => life(&format!("sh -c '{GREEDY}'; sleep 2; true")).main(&limited()).ends(Failed, "OOMKilled", 0);
    // Kubernetes makes $$$$ into $$. The first process of a container is not killed by its own signals.
    a_signal_of_its_own_is_an_error => life("sh -c 'kill -9 $$$$'; exit $?").ends(Failed, "Error", 137);
    a_failing_init_container_is_named =>
        life("true").pod(json!({"initContainers": [container("fetch", "echo no licence; exit 4")]})).ends(Failed, "Error", None).saying("container fetch exited with code 4: no licence");
    a_program_that_is_not_there_never_ran => life("").main(&json!({"command": ["/no/such/program"]})).ends(Failed, "Error", None).saying("/no/such/program");

    main_decides_when_it_ends_first =>
        life(OUTPUT).pod(json!({"containers": [container("main", OUTPUT), container("other", &quits(1))]}));
    main_is_the_default_container =>
        life("").pod(json!({"containers": [container("other", &quits(0)), container("solver", "exit 3")]}))
            .of(&json!({"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/default-container": "solver"}}}})).ends(Failed, "Error", 3);
    without_a_courier_the_pod_decides => life("exit 0").of(&json!({"courier": {"enabled": false}}));
    without_a_courier_a_failure_is_one => life("exit 5").of(&json!({"courier": {"enabled": false}})).ends(Failed, "Error", 5);

    deleted_it_stops_softly => life(&quits(10)).then(Fate::Deleted(Phase::Running)).ends(Aborted, "SoftAborted", 10).saying("was deleted");
    deleted_it_does_not_succeed => life(&quits(0)).then(Fate::Deleted(Phase::Running)).ends(Aborted, "SoftAborted", 0);
    deleted_in_foreground_it_stops_softly => life(&quits(10)).then(Fate::DeletedInForeground).ends(Aborted, "SoftAborted", 10);
    deleted_and_deaf_it_has_its_grace => life(&deaf()).then(Fate::Deleted(Phase::Running)).ends(Aborted, "KilledAfterGrace", 137).saying("within its grace period");
    deleted_without_a_courier => life(&quits(10)).of(&json!({"courier": {"enabled": false}})).then(Fate::Deleted(Phase::Running)).ends(Aborted, "SoftAborted", 10);
    deleted_while_no_node_takes_it => Life { name: "nowhere".to_owned(), ..life("true") }.pod(nowhere()).then(Fate::Deleted(Phase::Queued)).ends(Aborted, "NeverStarted", None).saying("before its program started");
    deleted_while_its_image_is_missing => life("true").main(&json!({"image": "localhost/no-such:1", "imagePullPolicy": "Never"})).then(Fate::Deleted(Phase::Queued)).ends(Aborted, "NeverStarted", None);

    a_pod_deleted_by_somebody_is_no_success => life(&second_time(&quits(0))).of(&soon()).then(Fate::PodDeleted).after(2);
    a_drained_pod_is_no_failure_of_the_program => life(&second_time(&quits(7))).of(&soon()).then(Fate::PodEvicted).after(2);
    a_disruption_may_be_the_end => life(&quits(7)).of(&never("onPodConditions", &json!([{"type": "DisruptionTarget"}]))).then(Fate::PodEvicted).ends(Failed, "Disrupted", 7).saying("Eviction");
    // No cache of the operator keeps one so long: it is read again.
    an_esdl_that_stands_in_its_job_is_there_at_each_attempt =>
        life("[ $OMOTES_ATTEMPT = 2 ] || exit 3; [ $(wc -c < /omotes/input/input.esdl) = 100000 ]")
            .of(&soon()).of(&json!({"backoffLimit": 1, "input": {"esdl": {"inline": "x".repeat(100_000)}}})).after(2);
    a_failure_is_tried_again => life(&second_time("echo flaky; exit 3")).of(&soon()).of(&json!({"backoffLimit": 3})).after(2);
    failures_have_an_end => life("echo no solution; exit 3").of(&soon()).of(&json!({"backoffLimit": 2})).after(3).ends(Failed, "Error", 3).saying("no solution");
    some_failures_are_final => life("exit 3").of(&soon()).of(&json!({"backoffLimit": 2})).of(&never("onExitCodes", &json!({"containerName": "main", "operator": "In", "values": [3]}))).ends(Failed, "Error", 3);
    a_deadline_wins_over_a_retry => life(&quits(10)).of(&soon()).of(&json!({"backoffLimit": 2, "maxRunSeconds": 6})).stopped_for("DeadlineExceeded").ends(Failed, "SoftAborted", 10);
    too_little_memory_is_tried_again => life(&second_time(GREEDY)).main(&limited()).of(&soon()).of(&json!({"backoffLimit": 1})).after(2);
}

/// The main promise, with the price of it: six writes, no Event.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_succeeds_with_six_writes() {
    let space = Space::new("success").await;
    // The first job of a namespace brings the courier's Secret along; it is not part of the price.
    space.create(&shell_job("first", "true")).await;
    space.ended("first").await;
    let mark = audit::mark();
    let script = r#"for share in 0.3 0.6 1.0; do sleep 1; echo "{\"progress\": $share, \"message\": \"part $share\"}" >> /omotes/progress; done
        printf '<esdl/>' > /omotes/output/output.esdl"#;
    let id = space.create(&shell_job("job", script)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    let job = space.ended("job").await;

    assert_eq!((phase(&job), cause(&job)), (Some(Phase::Succeeded), "Completed"));
    assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    assert_eq!(client.statuses(), [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running]);
    let progress: Vec<f64> = client
        .log
        .iter()
        .filter_map(|heard| if let Heard::Progress(share) = heard { Some(*share) } else { None })
        .collect();
    assert!(progress.is_sorted() && progress.last() == Some(&1.0), "{progress:?}");

    client.leave().await;
    space.delete("job").await;
    space.delete("first").await;
    space.empty().await;
    let writes: Vec<_> = mark
        .of_operator()
        .into_iter()
        .filter(|request| request.is_write() && request.namespace == space.name)
        .collect();
    let of_job =
        |name: &str| writes.iter().filter(|write| write.name == name).map(audit::Request::short).collect::<Vec<_>>();
    let mut all = of_job("job");
    all.extend(of_job("job-1"));
    let status_patches = all.iter().filter(|write| *write == "patch omotesjobs/status").count();
    assert_eq!(of_job("job-1"), ["create pods", "patch pods"]);
    assert!(
        (2..=4).contains(&status_patches),
        "two, at most one for progress, and one if the operator still saw that the result was read: {all:?}"
    );
    assert_eq!(all.iter().filter(|write| *write == "patch omotesjobs").count(), 2, "finalizer on and off: {all:?}");
    assert_eq!(all.len(), 4 + status_patches, "{all:?}");
    assert!(writes.iter().all(|write| write.resource != "events"), "no Events on the happy path");

    let connection = connect().await;
    let left: Vec<_> = futures::future::join_all(queues(&id).iter().map(|queue| depth(&connection, queue))).await;
    assert_eq!(left[..2], [None, None], "progress and status queues go with the job");
    assert_eq!(left[2], Some(0), "the client has read the result");
    space.remove().await;
}

/// A client that was away reads the result of a job that is gone.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_deleted_job_leaves_only_its_unread_result() {
    let space = Space::new("unread").await;
    let running = space.create(&life(&quits(10)).job("running")).await.uid().unwrap();
    let done = space.create(&life(OUTPUT).job("done")).await.uid().unwrap();
    space.running("running").await;
    space.ended("done").await;
    for job in ["running", "done"] {
        space.delete(job).await;
    }
    space.empty().await;

    let connection = connect().await;
    for (id, expected) in [(&running, ResultType::Cancelled), (&done, ResultType::Succeeded)] {
        let [progress, status, result] = queues(id);
        assert_eq!((depth(&connection, &progress).await, depth(&connection, &status).await), (None, None));
        let heard = take(&connection, &result).await;
        assert!(matches!(&heard, Some(Heard::Result { result, .. }) if result.result_type() == expected), "{heard:?}");
        assert_eq!(take(&connection, &result).await, None, "one result");
    }
    space.remove().await;
}

/// Some before the operator took them on: they are moot, and no client is told. Some at that very moment: the apiserver
/// may drop a job in spite of its finalizer, and what was made for it goes by its own time to live.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_may_be_deleted_at_any_moment_of_its_beginning() {
    let space = Space::new("brief").await;
    let briefly = life("true").of(&json!({"queues": {"expireAfterSeconds": 10}}));
    let mut ids = Vec::new();
    for moment in 0..30 {
        let name = format!("job-{moment}");
        ids.push(space.create(&briefly.job(&name)).await.uid().unwrap());
        tokio::time::sleep(Duration::from_millis(5 * moment)).await;
        space.delete(&name).await;
    }
    space.empty().await;
    let connection = connect().await;
    for id in &ids {
        assert!(depth(&connection, &queues(id)[2]).await.is_none_or(|results| results <= 1), "at most one result");
    }
    space.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_goes_when_its_time_to_live_is_over() {
    let space = Space::new("ttl").await;
    let after = |seconds: i64| life("true").of(&json!({"ttlSecondsAfterFinished": seconds}));
    let at_once = space.create(&after(0).job("at-once")).await.uid().unwrap();
    space.create(&after(3).job("soon")).await;
    space.create(&after(3600).job("later")).await;
    for job in ["at-once", "soon"] {
        space.gone(job).await;
    }
    let later = space.ended("later").await;
    assert_eq!(later.metadata.deletion_timestamp, None);
    let connection = connect().await;
    assert_eq!(depth(&connection, &queues(&at_once)[2]).await, Some(1), "the result stays for its client");
    // It can change at any time, and then counts from the end of the job.
    space.change("later", &json!({"ttlSecondsAfterFinished": 1})).await;
    space.empty().await;
    space.remove().await;
}

/// GitOps and `kubectl replace --force` do this. The pod of the first one may still be there.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_that_is_made_again_at_once_runs_again() {
    let space = Space::new("again").await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(space.create(&life("true").job("job")).await.uid().unwrap());
        space.ended("job").await;
        space.delete("job").await;
        space.gone("job").await;
    }
    let connection = connect().await;
    for id in ids {
        assert_eq!(depth(&connection, &queues(&id)[2]).await, Some(1), "one result each");
    }
    space.remove().await;
}

/// Where the operator declares nothing: it publishes to what is there, and leaves it alone.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_client_may_own_its_queues() {
    let space = Space::new("own-queues").await;
    let connection = connect().await;
    let declare_never = json!({"queues": {"declare": "Never"}});
    let mut ids = Vec::new();
    for (name, expires) in [("short", Some(60_000)), ("endless", None)] {
        let id = random_uuid();
        for queue in queues(&id) {
            declare(&connection, &queue, expires).await;
        }
        let spec = merged(declare_never.clone(), &json!({"jobId": id}));
        space.create(&life(OUTPUT).of(&spec).job(name)).await;
        let job = space.ended(name).await;
        assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "True Confirmed"));
        ids.push(id);
    }
    let lost = space.create(&life(OUTPUT).of(&declare_never).job("no-queues")).await.uid().unwrap();
    let job = space.ended("no-queues").await;
    assert_eq!((cause(&job), verdict(&job, "ResultPublished").as_str()), ("Completed", "False Unroutable"));
    assert_eq!(job.status.as_ref().and_then(|status| status.result.as_ref()).map(|result| result.routed), Some(false));
    let note = space.event("no-queues", "ResultUnroutable").await;
    assert!(note.contains(&queues(&lost)[2]), "{note}");

    for job in ["short", "endless", "no-queues"] {
        space.delete(job).await;
    }
    space.empty().await;
    for id in ids {
        let channel = connection.create_channel().await.unwrap();
        let [progress, status, result] = queues(&id);
        let left =
            [depth(&connection, &progress).await, depth(&connection, &status).await, depth(&connection, &result).await];
        assert_eq!(left, [Some(0), Some(3), Some(1)], "REGISTERED, ENQUEUED, RUNNING and the result");
        for queue in queues(&id) {
            channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
        }
    }
    for queue in queues(&lost) {
        assert_eq!(depth(&connection, &queue).await, None, "the operator made no queue");
    }
    space.remove().await;
}

/// Kubernetes removes the pods of a namespace before anything else of it, so the job sees its pod deleted first.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_namespace_goes_with_its_running_job() {
    let space = Space::new("goes").await;
    let id = space.create(&life(&quits(10)).job("job")).await.uid().unwrap();
    let unscheduled = space.create(&life("true").pod(nowhere()).job("waits")).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    space.running("job").await;
    space.remove().await;
    client.listen(PATIENCE, AFTERWARDS).await;
    assert!(client.only_result(ResultType::Cancelled).logs.contains("the job was deleted"));
    let connection = connect().await;
    assert_eq!(depth(&connection, &queues(&unscheduled)[2]).await, Some(1));
}

/// No labels, no Secret, no security context: what a first `kubectl apply` meets.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_job_runs_in_a_namespace_that_nobody_prepared() {
    let space = Space::bare("bare").await;
    let main = json!({"name": "main", "image": "localhost/busybox:1", "command": ["sh", "-c", OUTPUT]});
    let id = space.create(&job("job", &json!({"template": {"spec": {"containers": [main]}}}))).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    space.remove().await;
}

/// The program finds its input where the documentation says, wherever it comes from, and its environment.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_program_finds_its_input() {
    let space = Space::new("input").await;
    // The operator keeps none so long in memory.
    let esdl = &format!("<esdl name=\"Zürich\" about=\"{}\"/>\n", "é".repeat(60_000));
    let map = json!({"metadata": {"name": "networks"}, "data": {"district-b": esdl}});
    let maps: Api<ConfigMap> = Api::namespaced(space.client.clone(), &space.name);
    maps.create(&PostParams::default(), &serde_json::from_value(map.clone()).unwrap()).await.unwrap();
    let secret = json!({"metadata": {"name": "networks"}, "stringData": {"district-b": esdl}});
    let secrets: Api<Secret> = Api::namespaced(space.client.clone(), &space.name);
    secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();

    let parameters = json!({"n": 3, "share": 0.5, "list": [1, {"deep": -2}], "name": "b", "on": true});
    let script = "if touch /omotes/input/mine 2> /dev/null; then exit 9; fi
        { cat /omotes/input/job.json; echo; cat /omotes/input/parameters.json; echo; \
        echo $OMOTES_JOB_ID $OMOTES_ATTEMPT; cat /omotes/input/input.esdl; } > /omotes/output/output.esdl";
    let reference = json!({"name": "networks", "key": "district-b"});
    for (name, source) in [
        ("inline", json!({"inline": esdl})),
        ("config-map", json!({"configMapKeyRef": reference})),
        ("secret", json!({"secretKeyRef": reference})),
    ] {
        let id = random_uuid();
        let spec =
            json!({"jobId": id, "jobReference": "district B", "input": {"parameters": parameters, "esdl": source}});
        // A template's own variable of that name loses.
        let variable = json!({"env": [{"name": "OMOTES_JOB_ID", "value": "other"}]});
        let created = space.create(&life(script).main(&variable).of(&spec).job(name)).await;
        assert_ne!(created.uid().as_ref(), Some(&id));
        let mut client = Listener::attach(&id).await;
        client.listen(PATIENCE, AFTERWARDS).await;
        let result = client.only_result(ResultType::Succeeded);
        assert_eq!(result.uuid, id);
        let output = String::from_utf8(result.output_esdl.clone().unwrap().to_vec()).unwrap();
        let lines: Vec<&str> = output.splitn(4, '\n').collect();
        let about: Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(
            about,
            json!({"id": id, "name": name, "reference": "district B", "attempt": 1, "timeLimitSeconds": null, "workflow": null})
        );
        let doubles = r#"{"list":[1.0,{"deep":-2.0}],"n":3.0,"name":"b","on":true,"share":0.5}"#;
        assert_eq!(lines[1..], [doubles, &format!("{id} 1"), esdl]);
        assert_eq!(space.ended(name).await.status.and_then(|status| status.job_id), Some(id));
    }
    space.remove().await;
}

/// Without a courier the input comes by the kubelet alone.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_program_without_a_courier_finds_its_input() {
    let space = Space::new("alone").await;
    let script = "cd /omotes/input && grep -q '\"n\":3.0' parameters.json && grep -q '\"name\":\"job\"' job.json && \
        [ \"$(cat input.esdl)\" = '<esdl/>' ] && [ $OMOTES_ATTEMPT = 1 ] && ! [ -e /omotes/output ]";
    let input = json!({"parameters": {"n": 3}, "esdl": {"configMapKeyRef": {"name": "late", "key": "esdl"}}});
    space.create(&life(script).of(&json!({"courier": {"enabled": false}, "input": input})).job("job")).await;
    // The kubelet waits for what is referred to.
    let job = space.wait("job", "queued", |job| phase(job) == Some(Phase::Queued)).await;
    assert!(verdict(&job, "Reconciling").starts_with("True "), "{:?}", job.status);
    let map = json!({"metadata": {"name": "late"}, "data": {"esdl": "<esdl/>"}});
    let maps: Api<ConfigMap> = Api::namespaced(space.client.clone(), &space.name);
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let job = space.ended("job").await;
    assert_eq!(cause(&job), "Completed", "{}", message(&job));
    let secrets: Api<Secret> = Api::namespaced(space.client.clone(), &space.name);
    assert_eq!(secrets.get_opt("omotes-courier").await.unwrap(), None, "no credentials where nobody uses them");
    space.remove().await;
}

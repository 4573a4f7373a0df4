//! The properties that the core holds, over a model world: a cluster and a broker in a few maps.
//!
//! The world is driven by random histories in which the operator dies after any step and forgets everything, the broker
//! goes away, the kubelet starts and ends pods or is cut off, limits pass, and a user aborts or deletes the job. However
//! it went, once things are quiet the end is the same: one result, one terminal status, nothing left.

mod presence;
mod records;
mod upgrade;
mod warm;
mod winding;
mod workflows;
pub(crate) mod world;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use kube::ResourceExt;
use omotes_operator::testing::{
    api::{
        OmotesJob, Reason, names,
        queues::QueueDeletionPolicy,
        status::{AbortCause, AbortStage, AttemptStatus, JobResultType, Phase, QueuesState, TerminationCause},
        time::whole_second,
    },
    wire::{self, JobResult, JobStatus},
    workflow::seats::{Limit, Seat},
};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use crate::support::bed::{merged, verdict};
use workflows::referring;
use world::{ByCluster, Cut, End, Event, GRACE, KEPT, Refuses, World, time};

/// What a program did before it was told to stop is its own, and nothing after that is a success.
pub(crate) fn assert_stop(world: &World, job: &OmotesJob) {
    let status = job.status.as_ref().unwrap();
    assert!(status.phase != Some(Phase::Succeeded) || world.succeeded_by_itself, "a false success: {status:?}");
    let unstarted = |attempt: &AttemptStatus| attempt.cause == TerminationCause::NeverStarted;
    let forgotten = status.attempts.iter().find(|attempt| attempt.start_time.is_some() && unstarted(attempt));
    assert_eq!(forgotten, None, "it had started");
    // The time of its end is not the true one.
    if world.node_ahead != 0 {
        return;
    }
    let Some(abort) = &status.abort else { return };
    let finished = status.completion_time.as_ref().unwrap();
    let succeeded = status.phase == Some(Phase::Succeeded);
    assert!(!succeeded || finished.0 < abort.stop_time.0, "a success after the stop: {status:?}");
    let settled = matches!(abort.stage, AbortStage::Stopped | AbortStage::Killed | AbortStage::Unconfirmed);
    let by_itself = finished.0 < abort.stop_time.0;
    assert!(settled || by_itself || status.termination.as_ref().unwrap().exit_code.is_none(), "{status:?}");
}

/// Once its result was read nothing of a job is left at the broker, and its status says so.
fn assert_cleaned_up(world: &World, job: &OmotesJob) {
    let status = job.status.as_ref().unwrap();
    let routed = status.result.as_ref().is_some_and(|result| result.routed);
    let left: Vec<_> = world.queues.iter().filter(|queue| queue.starts_with("jobs.")).collect();
    let cleaned = status.conditions.iter().any(|known| known.type_ == "CleanedUp" && known.status == "True");
    assert!(!cleaned || left.is_empty(), "{left:?}");
    let policy = job.spec.queues.deletion_policy;
    if routed && !world.unread && policy != QueueDeletionPolicy::Retain && !world.left_to_ttl {
        assert!(cleaned, "read, and not cleaned up: {status:?}");
    }
}

fn events() -> impl Strategy<Value = Event> {
    let end = prop_oneof![
        4 => Just(End::Success),
        1 => Just(End::Failure),
        1 => Just(End::OutOfMemory),
        1 => Just(End::OutputLost),
        1 => Just(End::OutputVanished),
    ];
    prop_oneof![
        2 => (1_i64..90).prop_map(Event::Wait),
        3 => Just(Event::Start),
        2 => end.clone().prop_map(Event::Finish),
        2 => end.prop_map(Event::MainEnds),
        2 => any::<bool>().prop_map(Event::CourierSends),
        2 => ended_by_cluster().prop_map(Event::ByCluster),
        1 => prop_oneof![Just(0_i64), Just(60), Just(-60), Just(-3600)].prop_map(Event::NodeAhead),
        1 => Just(Event::Delete),
        1 => (any::<bool>(), 0_i64..60).prop_map(|(immediate, after)| Event::Abort(immediate, after)),
        1 => Just(Event::Disrupt),
        1 => Just(Event::NodeLost),
        1 => Just(Event::NodeBack),
        1 => any::<bool>().prop_map(Event::Suspend),
        2 => any::<bool>().prop_map(Event::Read),
        1 => any::<bool>().prop_map(Event::Attach),
        1 => Just(Event::Purge),
        1 => Just(Event::ReadEarlier),
        2 => prop_oneof![Just(Refuses::Nothing), Just(Refuses::ByClient), Just(Refuses::Outputs), Just(Refuses::All)].prop_map(Event::Refuse),
        1 => Just(Event::Declare),
        1 => Just(Event::Ask),
        1 => Just(Event::EditWorkflow),
        1 => prop_oneof![Just(None), Just(Some("p")), Just(Some("q"))].prop_map(Event::Pool),
        1 => any::<bool>().prop_map(Event::Workflow),
        3 => any::<bool>().prop_map(Event::Warm),
        1 => Just(Event::InputMissing),
        1 => Just(Event::InputThere),
        2 => prop_oneof![Just(Seat::Taken), Just(Seat::Full { limit: Limit::Workflow, ahead: 2, renewed: None }), Just(Seat::Suspended)].prop_map(Event::Seats),
        1 => Just(Event::BrokerDown),
        1 => any::<bool>().prop_map(Event::Blocked),
        1 => any::<bool>().prop_map(Event::Differ),
        1 => any::<bool>().prop_map(Event::Silent),
        1 => any::<bool>().prop_map(Event::Deny),
        2 => Just(Event::BrokerUp),
        1 => (0_u8..=100).prop_map(Event::Progress),
        1 => any::<bool>().prop_map(Event::CourierCut),
        1 => Just(Event::Crash),
        3 => (0_usize..8).prop_map(Event::ReconcileThenCrash),
        3 => ((0_usize..8), prop_oneof![Just(Cut::Fails), Just(Cut::Unanswered)]).prop_map(|(steps, cut)| Event::Cut(steps, cut)),
        1 => Just(Event::Relabel),
        1 => Just(Event::Disown),
        1 => any::<bool>().prop_map(Event::WatchLags),
        4 => Just(Event::Reconcile),
    ]
}

/// What kubelets and nodes do to pods, as they say it.
fn ended_by_cluster() -> impl Strategy<Value = ByCluster> {
    let reasons = prop_oneof![
        Just(("", "")),
        Just(("Terminated", "Pod was terminated in response to imminent node shutdown.")),
        Just(("Preempting", "Preempted in order to admit critical pod")),
        Just(("Evicted", "The node was low on resource: memory. ")),
        Just(("Evicted", "The node was low on resource: ephemeral-storage. ")),
        Just(("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed")),
    ];
    let kubelet = (reasons, any::<bool>(), prop_oneof![Just(0), Just(143), Just(137)]);
    let kubelet = kubelet.prop_map(|((reason, message), targeted, code)| ByCluster::Kubelet {
        reason,
        message,
        // Without either word nothing shows that the kubelet ended it.
        targeted: targeted || reason.is_empty(),
        code,
    });
    let refusals = ["UnexpectedAdmissionError", "OutOfcpu", "NodeAffinity", "NodeShutdown"];
    prop_oneof![
        4 => kubelet,
        1 => Just(ByCluster::Unknown { code: 255, reason: "Unknown" }),
        1 => Just(ByCluster::Unknown { code: 137, reason: "ContainerStatusUnknown" }),
        1 => any::<bool>().prop_map(|helped| ByCluster::PowerLoss { helped }),
        1 => any::<bool>().prop_map(|waits| ByCluster::Forgotten { waits }),
        1 => Just(ByCluster::Reboot),
        2 => proptest::sample::select(refusals.to_vec()).prop_map(ByCluster::Refusal),
    ]
}

fn limits() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"maxRunSeconds": 100})),
        Just(json!({"expectedDuration": {"numResources": 3, "bufferSeconds": 5}, "startDeadlineSeconds": 90})),
        Just(json!({"maxRunSeconds": 200, "heartbeat": {"timeoutSeconds": 40, "onTimeout": "Abort"}})),
        Just(json!({"heartbeat": {"timeoutSeconds": 20, "onTimeout": "Report"}})),
        Just(json!({"backoffLimit": 2, "retry": {"initialSeconds": 3, "maxSeconds": 9}})),
        Just(json!({"backoffLimit": 1, "maxRunSeconds": 60, "retry": {"initialSeconds": 20, "maxSeconds": 20}})),
        Just(json!({"backoffLimit": 3, "podRetentionPolicy": "Delete", "forceDeletionPolicy": {"afterSeconds": 60}})),
        Just(json!({"podRetentionPolicy": "RetainOnFailure", "suspend": true})),
    ]
}

/// What the job's status shows of a pass that fails.
fn shown_failure(world: &World) -> Option<String> {
    let status = world.job.as_ref()?.status.clone()?;
    let shown =
        status.conditions.into_iter().find(|known| Reason::FAILURES.iter().any(|reason| known.reason == *reason));
    shown.map(|known| format!("{} {}", known.type_, known.reason))
}

pub(crate) fn assert_ended_well(world: &World) {
    assert_eq!(shown_failure(world), None, "what is over is still shown");
    let told: BTreeSet<&String> = world.results.iter().map(|(id, _)| id).collect();
    let expected = usize::from(world.taken_on && !world.given_up && !world.reached_nobody);
    assert_eq!(
        (world.results.len(), told.len()),
        (expected + world.repeats, expected),
        "the client is told exactly once"
    );
    assert!(!world.statuses.contains(&JobStatus::Finished), "FINISHED is never sent");
    for status in [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running] {
        let times = world.statuses.iter().filter(|told| **told == status).count();
        assert!(times <= 1 + world.lapses, "{status:?} is sent {times} times: {:?}", world.statuses);
    }
    let held = world.pod.as_ref().is_some_and(|pod| !pod.finalizers().is_empty());
    assert!(!held, "a pod is held for ever");
    let queues: Vec<_> = world.queues.iter().filter(|_| !world.left_to_ttl).collect();
    let working = |queue: &&&String| queue.starts_with("omotes.output.") || queue.starts_with("omotes.input.");
    assert_eq!(queues.iter().find(working), None, "an output or an input is left: {queues:?}");
    if let Some(job) = &world.job {
        assert_stop(world, job);
        // An operator that dies when it has passed on a result leaves its copy to the time to live, or to the sweep.
        let withheld = world.withholds() && world.reached_nobody && !world.left_to_ttl;
        assert!(!withheld, "a result is withheld: {:?}", world.queues);
        assert_cleaned_up(world, job);
        assert!(job.status.as_ref().and_then(|status| status.phase).is_some_and(Phase::is_terminal));
    } else {
        assert_eq!(world.pod, None, "a pod outlived its job");
        let swept = |queue: &String| world.left_to_sweep && queue.starts_with(KEPT);
        let left: Vec<_> = queues.into_iter().filter(|queue| !queue.ends_with(".result") && !swept(queue)).collect();
        assert!(left.is_empty(), "queues outlived their job: {left:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn any_history_ends_well(
        history in proptest::collection::vec(events(), 0..40),
        courier: bool,
        owned: bool,
        declared: bool,
        ttl in proptest::option::of(0_i64..100),
        policy in prop_oneof![Just("AfterResultConsumed"), Just("Retain"), Just("Delete")],
        clean_up: bool,
        over_amqp: bool,
        limits in limits(),
        referred: bool,
        earlier in prop_oneof![3 => Just(false), 1 => Just(true)],
        injects: bool,
    ) {
        let declare = if owned { "Ensure" } else { "Never" };
        let action = if clean_up { "CleanUp" } else { "Delete" };
        let queues = json!({"declare": declare, "deletionPolicy": policy});
        let spec = json!({"queues": queues, "ttlSecondsAfterFinished": ttl, "ttlPolicy": {"action": action}});
        // A heartbeat needs the courier.
        let courier = courier || over_amqp || !limits["heartbeat"].is_null();
        let spec = if over_amqp { merged(spec, &input_at_the_broker()) } else { spec };
        let spec = merged(merged(spec, &limits), &json!({"courier": {"enabled": courier}}));
        let spec = if earlier { merged(spec, &json!({"jobId": world::NAME})) } else { spec };
        let mut world = World::new(&if referred || over_amqp { merged(spec, &referring()) } else { spec });
        world.injects = injects;
        if declared {
            world.client_declares();
        }
        if earlier {
            world.left_by_an_earlier_job();
        }
        for event in history {
            world.happen(event);
        }
        world.settle();
        assert_ended_well(&world);
    }
}

/// A hiccup leaves nothing, what lasts is shown once, and goes with the first pass that comes to rest.
#[test]
fn a_pass_that_fails_leaves_a_trace() {
    let mut world = World::new(&json!({}));
    world.happen(Event::Deny(true));
    for (wait, shown) in
        [(0, None), (9, None), (1, Some("Reconciling QuotaExceeded")), (30, Some("Reconciling QuotaExceeded"))]
    {
        world.happen(Event::Wait(wait));
        world.happen(Event::Reconcile);
        assert_eq!(shown_failure(&world).as_deref(), shown, "after {wait} s more");
    }
    assert_eq!(world.writes, ["status"], "the time in the message is no news");
    world.happen(Event::Deny(false));
    world.happen(Event::Reconcile);
    assert_eq!(shown_failure(&world), None);
    world.start();
    world.happen(Event::Reconcile);
    world.happen(Event::Deny(true));
    world.happen(Event::Finish(End::Success));
    for wait in [0, 12] {
        world.happen(Event::Wait(wait));
        world.happen(Event::Reconcile);
    }
    assert_eq!(shown_failure(&world).as_deref(), Some("Stalled QuotaExceeded"));
    world.settle();
    assert_ended_well(&world);
}

/// A result whose queue does not answer is published once, and the status says what the job waits for.
#[test]
fn a_result_that_is_not_confirmed_is_waited_for_in_words() {
    for courier in [true, false] {
        let mut world = World::new(&json!({"courier": {"enabled": courier}}));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.happen(Event::Silent(true));
        world.finish(End::Success);
        for _ in 0..60 {
            world.happen(Event::Wait(5));
            let plan = world.reconcile(usize::MAX).expect("the pass comes to rest");
            assert_eq!(plan.wake, Some(world.now + SignedDuration::from_secs(2)));
        }
        let job = world.job.clone().unwrap();
        assert_eq!((job.has_ended(), verdict(&job, "ResultPublished").as_str()), (false, "False ResultUnconfirmed"));
        world.happen(Event::Silent(false));
        world.reconcile(usize::MAX);
        let job = world.job.clone().unwrap();
        assert_eq!((job.has_ended(), verdict(&job, "ResultPublished").as_str()), (true, "True Confirmed"));
        assert_eq!(world.results.len(), 1);
    }
}

/// A job that was deleted goes, although the queue of its result never answers.
#[test]
fn a_deleted_job_does_not_wait_for_ever_for_an_answer() {
    let mut world = World::new(&json!({"queues": {"cleanupTimeoutSeconds": 100}}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::Silent(true));
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    world.user_deletes();
    world.live(90);
    assert!(world.job.is_some(), "it may still be confirmed");
    world.live(30);
    assert!(world.job.is_none() && world.given_up, "{:?}", world.job);
}

/// Longer than `status.attempts` remembers: what is left of its first attempt is not the pod of a later one.
#[test]
fn each_of_many_attempts_has_a_pod_of_its_own() {
    let mut world = World::new(&json!({"backoffLimit": 20, "retry": {"initialSeconds": 1, "maxSeconds": 1}}));
    for number in 1..=15 {
        world.live(5);
        assert_eq!(world.pod.as_ref().map(ResourceExt::name_any), Some(format!("job-{number}")));
        if number == 1 {
            world.start();
            world.reconcile(usize::MAX);
            world.finish(End::Failure);
        } else {
            world::set_status(world.pod.as_mut().unwrap(), &json!({"phase": "Failed", "reason": "NoSuchNode"}));
        }
    }
    world.live(5);
    assert_eq!(world.job.as_ref().unwrap().status.as_ref().unwrap().attempt, Some(16));
}

fn input_at_the_broker() -> Value {
    json!({"jobId": world::NAME, "input": {"esdl": {"fromBroker": {}}}})
}

/// An input stays for every attempt, and goes with the last.
#[test]
fn an_input_is_there_for_every_attempt() {
    let input = |world: &World| world.queues.iter().any(|queue| queue.starts_with("omotes.input."));
    let mut world = World::new(&merged(
        json!({"backoffLimit": 1, "retry": {"initialSeconds": 1, "maxSeconds": 1}}),
        &input_at_the_broker(),
    ));
    for _ in 0..2 {
        world.live(5);
        assert!(input(&world), "the next attempt reads it");
        world.start();
        world.reconcile(usize::MAX);
        world.finish(End::Failure);
        world.reconcile(usize::MAX);
    }
    assert_eq!((world.pods_made, input(&world)), (2, false));
}

/// What the cluster ended is tried again and is no success, whatever the exit code; unless main was seen to have ended before.
#[test]
fn what_the_cluster_ends_is_tried_again() {
    let kubelet = |reason, targeted, code| ByCluster::Kubelet { reason, message: "why", targeted, code };
    for (by, cause) in [
        (kubelet("", true, 0), "Disrupted"),
        (kubelet("Terminated", true, 143), "Disrupted"),
        (kubelet("Preempting", false, 0), "Disrupted"),
        (kubelet("Evicted", true, 137), "Evicted"),
        (ByCluster::Unknown { code: 255, reason: "Unknown" }, "Disrupted"),
        (ByCluster::Unknown { code: 137, reason: "ContainerStatusUnknown" }, "Disrupted"),
        (ByCluster::PowerLoss { helped: false }, "Disrupted"),
        (ByCluster::PowerLoss { helped: true }, "Disrupted"),
        (ByCluster::Forgotten { waits: false }, "Disrupted"),
        (ByCluster::Forgotten { waits: true }, "Disrupted"),
        (ByCluster::Reboot, "Disrupted"),
        (ByCluster::Refusal("UnexpectedAdmissionError"), "NeverStarted"),
    ] {
        let mut world = World::new(&json!({"retry": {"initialSeconds": 1, "maxSeconds": 1}}));
        world.reconcile(usize::MAX);
        if !matches!(by, ByCluster::Refusal(_) | ByCluster::Reboot) {
            world.start();
            world.live(10);
        }
        world.happen(Event::ByCluster(by));
        world.crash();
        world.live(3);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!(status.attempts[0].cause.as_str(), cause, "{by:?}");
        assert!(status.attempts[0].disruption.is_some(), "{by:?}");
        assert_eq!((status.attempt, status.failures, status.disruptions), (Some(2), Some(0), Some(1)), "{by:?}");
        assert_eq!((world.pods_made, world.results.len()), (2, 0), "{by:?}");
    }
}

/// Who wished for a job's end does not see it fail, although the cluster ends its pod before the operator does.
#[test]
fn a_wish_holds_where_the_cluster_comes_first() {
    let wishes: [fn(&mut World); 2] = [|world| world.user_aborts(false, 60), World::user_deletes];
    let message = "preempted to admit critical pods";
    for (wish, cause) in wishes.into_iter().zip(["spec.abort asked for it", "the job was deleted"]) {
        let mut world = World::new(&json!({}));
        world.reconcile(usize::MAX);
        world.start();
        world.live(5);
        wish(&mut world);
        let by = ByCluster::Kubelet { reason: "Preempting", message, targeted: true, code: 0 };
        world.happen(Event::ByCluster(by));
        world.crash();
        world.live(3);
        let [(_, body)] = &world.results[..] else { panic!("{cause}: {:?}", world.results) };
        let result = JobResult::decode(body.clone()).unwrap();
        assert_eq!((world.pods_made, result.result_type()), (1, wire::ResultType::Cancelled), "{cause}");
        assert!(result.logs.contains(cause) && result.logs.contains(message), "{}", result.logs);
    }
}

/// Twenty disruptions are not counted, nor two losses of its node; after that the job fails.
#[test]
fn disruptions_are_bounded() {
    let lost = ByCluster::Unknown { code: 255, reason: "Unknown" };
    let refused = ByCluster::Refusal("OutOfcpu");
    let by_turns: [fn(usize) -> bool; 3] = [|_| true, |_| false, |number| number.is_multiple_of(3)];
    for ((name, attempts), is_refusal) in [("refused", 21), ("lost", 3), ("both", 21)].into_iter().zip(by_turns) {
        let by = |number| if is_refusal(number) { refused } else { lost };
        let mut world = World::new(&json!({"retry": {"initialSeconds": 1, "maxSeconds": 1}}));
        for number in 0..30 {
            world.live(5);
            if by(number) == lost {
                world.start();
                world.reconcile(usize::MAX);
            }
            world.happen(Event::ByCluster(by(number)));
            world.crash();
        }
        world.live(5);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!((status.phase, world.pods_made), (Some(Phase::Failed), attempts), "{name}: {status:?}");
        assert!(status.termination.unwrap().message.unwrap().contains("it counts as a failure"), "{name}");
        assert_eq!(world.results.len(), 1, "{name}");
    }
}

/// A pod that was seen with main at its end is a success, whatever the cluster does to it then.
#[test]
fn a_main_that_was_seen_to_end_has_succeeded() {
    for seen in [true, false] {
        let mut world = World::new(&json!({"backoffLimit": 0}));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.happen(Event::MainEnds(End::Success));
        if !seen {
            world.crash();
        }
        world.finish(End::Success);
        let target = json!([{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}]);
        world.kubelet_says(&json!({"conditions": target}));
        world.live(5);
        let phase = world.job.as_ref().unwrap().status.as_ref().unwrap().phase;
        assert_eq!(phase, Some(if seen { Phase::Succeeded } else { Phase::Queued }));
    }
}

/// A node's clock that is an hour behind ends no job at its deadline, and makes no stop a success.
#[test]
fn a_nodes_clock_decides_nothing() {
    for ahead in [-3600, 3600] {
        let mut world = World::new(&json!({"maxRunSeconds": 600, "courier": {"enabled": false}}));
        world.node_ahead = ahead;
        world.reconcile(usize::MAX);
        world.start();
        world.live(300);
        let status = |world: &World| world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!((status(&world).phase, status(&world).abort), (Some(Phase::Running), None), "{ahead}");
        world.user_aborts(false, 0);
        world.live(2);
        world.finish(End::Success);
        world.reconcile(usize::MAX);
        assert_eq!(status(&world).phase, Some(Phase::Aborted), "{ahead}: {:?}", status(&world));
    }
}

/// The whole life of a job, cut at every step, for every step, in each way in which a step can go wrong.
#[test]
fn a_step_that_goes_wrong_changes_nothing() {
    for cut in [Cut::Dies, Cut::Fails, Cut::Unanswered] {
        for end in [End::Success, End::Failure, End::OutputLost] {
            for (first, second) in (0..12).flat_map(|first| (0..12).map(move |second| (first, second))) {
                let mut world = World::new(&json!({}));
                world.happen(Event::Cut(first, cut));
                world.reconcile(usize::MAX);
                world.start();
                world.happen(Event::Cut(second, cut));
                world.finish(end);
                for limit in 0..12 {
                    world.happen(Event::Cut(limit, cut));
                }
                world.settle();
                assert_ended_well(&world);
                assert_eq!(world.pods_made, 1, "one pod an attempt");
            }
        }
    }
}

#[test]
fn the_happy_path_writes_six_times() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(2));
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(2));
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    world.user_deletes();
    world.reconcile(usize::MAX);
    assert_eq!(world.writes, ["finalizer on", "pod create", "status", "status", "pod finalizer off", "finalizer off"]);
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running]);
    assert!(world.job.is_none() && world.pod.is_none());
}

#[test]
fn a_broker_that_is_gone_holds_a_deletion_for_a_bounded_time() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::BrokerDown);
    world.user_deletes();
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(5));
    world.finish(End::Failure);
    world.reconcile(usize::MAX);
    assert!(world.job.is_some(), "the client may still be told");
    world.happen(Event::Wait(300));
    world.reconcile(usize::MAX);
    assert!(world.job.is_none() && world.pod.is_none() && world.results.is_empty());
}

type Setup<'a> = &'a dyn Fn(&mut World);

/// A program that never ends by itself, whatever is to stop it: why, how it ended, what the client hears, and when.
#[test]
fn a_job_never_hangs() {
    use TerminationCause::{KilledAfterGrace, NeverStarted, NodeLost};
    let runs = |world: &mut World| {
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
    };
    let cut_off = |world: &mut World| {
        runs(world);
        world.node_lost = true;
    };
    let aborted = |world: &mut World| {
        runs(world);
        world.user_aborts(false, 30);
    };
    let at_once = |world: &mut World| {
        runs(world);
        world.user_aborts(true, 0);
    };
    let hurried = |world: &mut World| {
        runs(world);
        world.user_aborts(false, 0);
        world.live(2);
        world.user_aborts(true, 0);
    };
    let deadline = json!({"expectedDuration": {"numResources": 3, "bufferSeconds": 0}});
    let heartbeat = json!({"heartbeat": {"timeoutSeconds": 40, "onTimeout": "Abort"}});
    let table: [(&str, Value, Setup, AbortCause, TerminationCause, JobResultType, i64); 9] = [
        (
            "deadline",
            deadline.clone(),
            &runs,
            AbortCause::DeadlineExceeded,
            KilledAfterGrace,
            JobResultType::Cancelled,
            67,
        ),
        ("node lost", deadline, &cut_off, AbortCause::DeadlineExceeded, NodeLost, JobResultType::Cancelled, 126),
        (
            "most",
            json!({"maxRunSeconds": 50}),
            &runs,
            AbortCause::DeadlineExceeded,
            KilledAfterGrace,
            JobResultType::Cancelled,
            57,
        ),
        (
            "start",
            json!({"startDeadlineSeconds": 90}),
            &|world| drop(world.reconcile(9)),
            AbortCause::StartDeadlineExceeded,
            NeverStarted,
            JobResultType::Error,
            90,
        ),
        ("heartbeat", heartbeat, &runs, AbortCause::NoProgress, KilledAfterGrace, JobResultType::Error, 47),
        ("abort", json!({}), &aborted, AbortCause::Requested, KilledAfterGrace, JobResultType::Cancelled, 38),
        ("abort at once", json!({}), &at_once, AbortCause::Requested, KilledAfterGrace, JobResultType::Cancelled, 4),
        ("hurried", json!({}), &hurried, AbortCause::Requested, KilledAfterGrace, JobResultType::Cancelled, 5),
        (
            "deleted",
            json!({}),
            &|world| {
                runs(world);
                world.user_deletes();
            },
            AbortCause::Deleted,
            KilledAfterGrace,
            JobResultType::Cancelled,
            8,
        ),
    ];
    for (name, spec, setup, cause, end, heard, within) in table {
        let mut world = World::new(&spec);
        world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
        setup(&mut world);
        world.live(within + 2);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        let stage = match end {
            KilledAfterGrace => AbortStage::Killed,
            NodeLost => AbortStage::Unconfirmed,
            _ => AbortStage::Stopped,
        };
        let abort = status.abort.clone().unwrap_or_else(|| panic!("{name}: {status:?}"));
        assert_eq!((abort.cause, abort.stage), (cause, stage), "{name}: {status:?}");
        assert_eq!(status.termination.as_ref().map(|end| end.cause), Some(end), "{name}: {status:?}");
        assert_eq!(status.result.as_ref().map(|result| result.type_), Some(heard), "{name}");
        let took = status.completion_time.unwrap().0.duration_since(time(0)).as_secs();
        assert!((within - 2..=within).contains(&took), "{name} took {took} s and not {within} s");
        assert_eq!(world.results.len(), 1, "{name}");
    }
}

/// Where nobody stops it for that, silence shows and goes.
#[test]
fn a_silent_program_is_reported_until_it_is_heard() {
    let mut world = World::new(&json!({"heartbeat": {"timeoutSeconds": 30}}));
    world.reconcile(usize::MAX);
    world.start();
    let stalled = |world: &World| {
        let status = world.job.as_ref().unwrap().status.clone().unwrap_or_default();
        status.conditions.iter().any(|condition| condition.type_ == "ProgressStalled")
    };
    let mut shown = Vec::new();
    for event in [
        Event::Wait(29),
        Event::Wait(2),
        Event::Progress(40),
        Event::Wait(29),
        Event::BrokerDown,
        Event::Wait(2),
        Event::BrokerUp,
        Event::Wait(31),
        // That nobody listened is no sign of life.
        Event::Crash,
        Event::BrokerDown,
        Event::BrokerUp,
        Event::Wait(5),
        Event::Progress(50),
    ] {
        world.happen(event);
        world.reconcile(usize::MAX);
        shown.push(stalled(&world));
    }
    assert_eq!(shown, [false, true, false, false, false, false, false, true, true, true, true, true, false]);
}

/// A courier that does not reach the broker is reported while its program runs, once, and taken back when it is heard. What a
/// new leader, or one whose broker was away, did not hear says nothing for a minute.
#[test]
fn a_courier_that_is_not_heard_is_reported_until_it_is() {
    let verdict = |world: &World| {
        let status = world.job.as_ref().unwrap().status.clone().unwrap_or_default();
        let known = status.conditions.iter().find(|condition| condition.type_ == "CourierConnected");
        known.map(|condition| format!("{} {}", condition.status, condition.reason)).unwrap_or_default()
    };
    let (none, lost, found) = ("", "False CourierNotConnected", "True Connected");
    let mut world = World::new(&json!({}));
    world.happen(Event::CourierCut(true));
    world.reconcile(usize::MAX);
    world.start();
    for (event, expected) in [
        (Event::Wait(14), none),
        (Event::Wait(1), lost),
        (Event::Wait(1000), lost),
        (Event::BrokerDown, lost),
        (Event::BrokerUp, lost),
        (Event::Crash, lost),
        (Event::CourierCut(false), found),
        (Event::CourierCut(true), found),
        (Event::Wait(74), found),
        (Event::BrokerDown, found),
        (Event::Wait(10), found),
        (Event::BrokerUp, found),
        (Event::Wait(74), found),
        (Event::Wait(1), lost),
    ] {
        world.happen(event);
        world.reconcile(usize::MAX);
        assert_eq!(verdict(&world), expected, "{event:?}");
    }
    let writes = world.writes.len();
    world.reconcile(usize::MAX);
    assert_eq!(world.writes.len(), writes, "it is said once");
}

/// The happy path has no write for it.
#[test]
fn a_courier_that_is_heard_is_not_mentioned() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    for _ in 0..10 {
        world.happen(Event::Wait(60));
        world.reconcile(usize::MAX);
    }
    let status = world.job.as_ref().unwrap().status.clone().unwrap_or_default();
    assert!(status.conditions.iter().all(|condition| condition.type_ != "CourierConnected"), "{status:?}");
}

/// A job whose attempts fail: so many as it may have, each a while after the last, and then its end is told once.
#[test]
fn attempts_follow_each_other_until_there_are_no_more() {
    let retry = json!({"backoffLimit": 2, "retry": {"initialSeconds": 10, "maxSeconds": 15}, "maxRunSeconds": 3600});
    let mut world = World::new(&retry);
    let mut waits = Vec::new();
    // The second is disrupted, which does not count.
    for (number, end) in [End::Failure, End::Failure, End::OutOfMemory, End::Failure].into_iter().enumerate() {
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.happen(Event::Wait(20));
        if number == 1 {
            world.disrupt();
        } else {
            world.finish(end);
        }
        world.reconcile(usize::MAX);
        if let Some(due) = world.retry_time() {
            waits.push(due.duration_since(world.now).as_secs());
            world.now = due;
        }
    }
    assert!((5..=10).contains(&waits[0]) && waits[1..].iter().all(|wait| (7..=15).contains(wait)), "{waits:?}");
    let status = world.job.as_ref().unwrap().status.clone().unwrap();
    let causes: Vec<_> = status.attempts.iter().map(|attempt| attempt.cause.as_str()).collect();
    assert_eq!(causes, ["Error", "Disrupted", "OOMKilled", "Error"]);
    assert_eq!((status.phase, status.attempt, status.active_seconds), (Some(Phase::Failed), Some(4), Some(80)));
    assert_eq!((world.pods_made, world.results.len()), (4, 1));
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running], "each is said once");
}

/// The deadline wins over a retry: what the job may run is spent.
#[test]
fn attempts_share_what_the_job_may_run() {
    let mut world =
        World::new(&json!({"backoffLimit": 9, "maxRunSeconds": 50, "retry": {"initialSeconds": 1, "maxSeconds": 1}}));
    for (seconds, left) in [(20, 50), (20, 30), (9, 10)] {
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        let limit = status.deadline_time.unwrap().0.duration_since(status.start_time.unwrap().0);
        assert_eq!(limit, SignedDuration::from_secs(left));
        world.happen(Event::Wait(seconds));
        world.finish(End::Failure);
        world.reconcile(usize::MAX);
        world.happen(Event::Wait(2));
    }
    world.reconcile(usize::MAX);
    world.start();
    world.live(10);
    let status = world.job.as_ref().unwrap().status.clone().unwrap();
    assert_eq!(status.abort.map(|abort| abort.cause), Some(AbortCause::DeadlineExceeded));
    assert_eq!((status.attempt, world.results.len()), (Some(4), 1));
}

/// A suspension stops the program and its clock; what follows is another attempt with what was left.
#[test]
fn a_suspended_job_goes_on_with_what_it_had_left() {
    let mut world = World::new(&json!({"maxRunSeconds": 100, "startDeadlineSeconds": 60, "suspend": true}));
    let status = |world: &World| world.job.as_ref().unwrap().status.clone().unwrap_or_default();
    world.live(500);
    assert_eq!((status(&world).phase, world.pods_made), (Some(Phase::Suspended), 0), "its start deadline stood still");
    world.user_suspends(false);
    world.reconcile(usize::MAX);
    world.start();
    world.live(30);
    world.user_suspends(true);
    world.live(2);
    assert_eq!(status(&world).abort.map(|abort| abort.cause), Some(AbortCause::Suspended));
    world.live(500);
    let suspended = status(&world);
    assert_eq!((suspended.phase, suspended.attempt, suspended.abort), (Some(Phase::Suspended), Some(2), None));
    assert_eq!((suspended.deadline_time, suspended.failures), (None, None));
    let active = suspended.active_seconds.unwrap();
    assert!((30..=32).contains(&active), "what it took to stop does not count: {active} s");
    world.user_suspends(false);
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    let again = status(&world);
    let left = again.deadline_time.unwrap().0.duration_since(again.start_time.unwrap().0).as_secs();
    assert_eq!((again.phase, left), (Some(Phase::Running), 100 - active));
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    assert_eq!((status(&world).phase, world.pods_made, world.results.len()), (Some(Phase::Succeeded), 2, 1));
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running], "each is said once");
}

/// Whoever suspended a job may then want its end; and a limit that was lowered below what it ran is one.
#[test]
fn a_suspended_job_can_end() {
    let lowered = |world: &mut World| {
        world.live(30);
        let job = world.job.as_mut().unwrap();
        (job.spec.max_run_seconds, job.metadata.generation) = (Some(10), Some(99));
        world.user_suspends(false);
    };
    let table: [(&str, Setup, AbortCause, TerminationCause, JobResultType); 4] = [
        (
            "aborted while it stops",
            &|world| world.user_aborts(false, 600),
            AbortCause::Requested,
            TerminationCause::KilledAfterGrace,
            JobResultType::Cancelled,
        ),
        (
            "deleted while it stops",
            &World::user_deletes,
            AbortCause::Deleted,
            TerminationCause::KilledAfterGrace,
            JobResultType::Cancelled,
        ),
        (
            "aborted while it is suspended",
            &|world| {
                world.live(30);
                world.user_aborts(false, 600);
            },
            AbortCause::Requested,
            TerminationCause::KilledAfterGrace,
            JobResultType::Cancelled,
        ),
        (
            "lowered",
            &lowered,
            AbortCause::DeadlineExceeded,
            TerminationCause::KilledAfterGrace,
            JobResultType::Cancelled,
        ),
    ];
    for (name, then, cause, end, heard) in table {
        let mut world = World::new(&json!({"maxRunSeconds": 3600}));
        world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
        world.reconcile(usize::MAX);
        world.start();
        world.live(20);
        world.user_suspends(true);
        world.live(3);
        then(&mut world);
        world.live(20);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!(status.abort.as_ref().map(|abort| abort.cause), Some(cause), "{name}: {status:?}");
        assert_eq!(status.termination.as_ref().map(|end| end.cause), Some(end), "{name}: {status:?}");
        assert_eq!(status.result.as_ref().map(|result| result.type_), Some(heard), "{name}");
        assert_eq!((world.pods_made, world.results.len()), (1, 1), "{name}");
    }
}

/// A program that does not stop for a suspension meets its limits again once it should have stopped, and the operator is awake
/// then.
#[test]
fn a_limit_ends_a_suspension_that_does_not_come_about() {
    let heartbeat = json!({"heartbeat": {"timeoutSeconds": 100, "onTimeout": "Abort"}});
    for (limit, cause) in
        [(json!({"maxRunSeconds": 100}), AbortCause::DeadlineExceeded), (heartbeat, AbortCause::NoProgress)]
    {
        let mut world = World::new(&limit);
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.node_lost = true;
        world.user_suspends(true);
        world.live(300);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!((status.abort.map(|abort| abort.cause), world.results.len()), (Some(cause), 1));
        let took = status.completion_time.unwrap().0.duration_since(status.start_time.unwrap().0).as_secs();
        assert!((100..=102).contains(&took), "{cause:?} took {took} s");
    }
}

/// A node that never answers holds the next attempt for as long as the job says, and no longer.
#[test]
fn a_pod_of_a_lost_node_is_forced_off_where_the_job_wants_that() {
    for (policy, expected) in [(json!(null), 1), (json!({"afterSeconds": 300}), 2)] {
        let mut world = World::new(&json!({"forceDeletionPolicy": policy, "retry": {"initialSeconds": 1}}));
        world.reconcile(usize::MAX);
        world.start();
        world.live(10);
        world.disrupt_lost();
        world.live(GRACE + 295);
        assert_eq!(world.pods_made, 1, "not before its time");
        world.live(10);
        assert_eq!(world.pods_made, expected, "{policy}");
        assert!(world.results.is_empty(), "the job goes on");
    }
}

/// Where pods are not to be kept, they go when their end is recorded; those that another controller runs are not touched.
#[test]
fn pods_stay_as_the_job_says() {
    for (policy, end, kept) in [
        ("Retain", End::Success, true),
        ("Retain", End::Failure, true),
        ("RetainOnFailure", End::Success, false),
        ("RetainOnFailure", End::Failure, true),
        ("Delete", End::Success, false),
        ("Delete", End::Failure, false),
    ] {
        let mut world = World::new(&json!({"podRetentionPolicy": policy}));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.finish(end);
        world.reconcile(usize::MAX);
        assert_eq!(world.pod.is_some(), kept, "{policy} after {end:?}");
    }
    let mut world = World::new(&json!({"managedBy": "example.com/another"}));
    world.live(60);
    world.user_deletes();
    assert!(world.job.is_none() && world.writes.is_empty() && world.queues.is_empty(), "{:?}", world.writes);
}

/// The garbage collector tells the pod of a job that is deleted in the foreground to stop, before the operator knows of it or
/// after: what the program does then is no success.
#[test]
fn a_program_that_the_collector_stopped_was_stopped() {
    let stopped = (Phase::Aborted, TerminationCause::SoftAborted);
    for (known, before, expected) in
        [(true, 0, stopped), (false, 0, stopped), (false, 2, (Phase::Succeeded, TerminationCause::Completed))]
    {
        let mut world = World::new(&json!({"courier": {"enabled": false}}));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.happen(Event::Wait(10));
        if before > 0 {
            world.finish(End::Success);
            world.happen(Event::Wait(before));
        }
        let deleted = world.now;
        world.job.as_mut().unwrap().finalizers_mut().push(names::FINALIZER_FOREGROUND.to_owned());
        world.user_deletes();
        if known {
            world.reconcile(1);
        }
        world.pod_deleted();
        world.finish(End::Success);
        world.reconcile(usize::MAX);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        let abort = status.abort.unwrap();
        assert_eq!((status.phase.unwrap(), status.termination.unwrap().cause), expected, "{abort:?}");
        assert_eq!((abort.cause, abort.stop_time.0), (AbortCause::Deleted, whole_second(deleted)));
    }
}

/// A queue that becomes another while the program runs is told, and disturbs it no more than that.
#[test]
fn a_queue_that_becomes_another_is_told() {
    let mut world = World::new(&json!({}));
    let said = |world: &World| {
        let conditions = world.job.as_ref().unwrap().status.clone().unwrap_or_default().conditions;
        let known = conditions.into_iter().find(|known| known.type_ == "QueuesReady").unwrap();
        format!("{} {}: {}", known.status, known.reason, known.message)
    };
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::Differ(true));
    world.live(4000);
    assert_eq!(said(&world), "False ArgumentsDiffer: they differ");
    let writes = world.writes.len();
    world.live(600);
    assert_eq!(world.writes.len(), writes, "once");
    world.happen(Event::Differ(false));
    world.live(120);
    assert_eq!(said(&world), "True Declared: the job's queues are there");
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    assert_eq!(world.job.as_ref().unwrap().status.as_ref().unwrap().phase, Some(Phase::Succeeded));
}

/// A count alone removes no result: it stays until it was read, or until its time to live is over.
#[test]
fn a_miscounted_result_stays() {
    for (reads, expected) in [(true, "True QueuesRemoved"), (false, "False InUse")] {
        let mut world = World::new(&json!({"queues": {"expireAfterSeconds": 3600}}));
        let said = |world: &World| verdict(world.job.as_ref().unwrap(), "CleanedUp");
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.miscounts = true;
        world.finish(End::Success);
        world.live(600);
        assert_eq!((world.unread, said(&world).as_str()), (true, "False InUse"));
        if reads {
            world.happen(Event::Read(false));
        }
        world.live(1800);
        assert_eq!((world.unread, said(&world).as_str()), (!reads, expected));
        world.live(1800);
        assert_eq!(said(&world), "True QueuesRemoved");
    }
}

/// A job whose queues refuse its result ends in bounded time, and its status and its client hear the truth.
#[test]
fn a_refused_result_is_kept_or_goes_without_its_output() {
    let (succeeded, too_large) = ((Phase::Succeeded, "Completed"), (Phase::Failed, "OutputTooLarge"));
    for (refuses, expected, published, results, later) in [
        (Refuses::ByClient, succeeded, "False ResultRefused", 0, "True ConfirmedLate"),
        (Refuses::Outputs, too_large, "True ConfirmedWithoutOutput", 1, "True ConfirmedWithoutOutput"),
        (Refuses::All, too_large, "False ResultRefused", 0, "False ResultRefused"),
    ] {
        for cut in 0..12 {
            let mut world = World::new(&json!({}));
            let status = |world: &World| world.job.as_ref().unwrap().status.clone().unwrap();
            let said = |world: &World| verdict(world.job.as_ref().unwrap(), "ResultPublished");
            world.reconcile(usize::MAX);
            world.start();
            world.reconcile(usize::MAX);
            world.happen(Event::Refuse(refuses));
            world.finish(End::Success);
            world.happen(Event::ReconcileThenCrash(cut));
            world.live(1);
            let ended = status(&world);
            assert_eq!(
                (ended.phase.unwrap(), ended.termination.unwrap().cause.as_str()),
                expected,
                "{refuses:?} {cut}"
            );
            assert_eq!((said(&world).as_str(), world.results.len()), (published, results), "{refuses:?} {cut}");
            world.live(60);
            assert_eq!(world.results.len(), results, "{refuses:?}: nothing more while it is refused");
            world.happen(Event::Refuse(Refuses::Nothing));
            world.live(60);
            assert_eq!(said(&world), later, "{refuses:?}");
        }
    }
}

/// What a client is told of a job whose output no queue takes: an error, with the reason.
#[test]
fn a_result_without_its_output_is_no_success() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::Refuse(Refuses::Outputs));
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    let told = JobResult::decode(&*world.results[0].1).unwrap();
    assert_eq!((told.result_type(), told.output_esdl), (wire::ResultType::Error, None));
    assert!(told.logs.contains("the model refuses it"), "{}", told.logs);
}

/// sensu#709: a result that a policy, a message TTL or a purge removed was not read, and the rest stays until its time.
#[test]
fn a_result_that_nobody_took_was_not_read() {
    let mut world = World::new(&json!({"queues": {"expireAfterSeconds": 3600}}));
    let state = |world: &World| world.job.as_ref().unwrap().status.clone().unwrap().queues.unwrap().state;
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.finish(End::Success);
    world.live(10);
    world.happen(Event::Purge);
    world.live(600);
    assert_eq!(state(&world), Some(QueuesState::Gone));
    assert!(world.queues.iter().any(|queue| queue.ends_with(".result")), "the queues have their time to live");
    world.live(3600);
    assert_eq!(verdict(world.job.as_ref().unwrap(), "CleanedUp"), "True QueuesRemoved");
}

/// A job whose jobId was an earlier job's waits until that one's result was read, and then has the queue for itself. Where
/// it ends before that, it leaves the queue alone.
#[test]
fn a_job_waits_for_an_earlier_one_with_its_id() {
    let spec = json!({"jobId": world::NAME, "queues": {"deletionPolicy": "Delete"}});
    let said = |world: &World, type_: &str| verdict(world.job.as_ref().unwrap(), type_);
    let waits = || {
        let mut world = World::new(&spec);
        world.left_by_an_earlier_job();
        world.live(200);
        assert_eq!((said(&world, "Stalled").as_str(), world.pods_made), ("True ResultQueueInUse", 0));
        world
    };
    let mut world = waits();
    world.happen(Event::ReadEarlier);
    world.live(61);
    world.start();
    world.reconcile(usize::MAX);
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    assert_eq!(said(&world, "ResultPublished"), "True Confirmed");
    assert_eq!(world.results.len(), 1);
    for cut in 0..8 {
        let mut world = waits();
        world.user_aborts(false, 0);
        world.happen(Event::ReconcileThenCrash(cut));
        world.live(30);
        assert_eq!(said(&world, "ResultPublished"), "False ResultQueueInUse", "{cut}");
        world.live(200_000);
        world.user_deletes();
        world.reconcile(usize::MAX);
        assert!(world.job.is_none() && world.earlier && world.results.is_empty());
        let mut world = waits();
        world.user_deletes();
        world.happen(Event::ReconcileThenCrash(cut));
        world.live(30);
        assert!(world.job.is_none() && world.earlier && world.results.is_empty());
    }
}

/// A job of a workflow waits for it and for a seat, and keeps to what the workflow was.
#[test]
fn a_job_of_a_workflow_waits_and_then_keeps_to_it() {
    let mut world = World::new(&merged(json!({"startDeadlineSeconds": 60, "backoffLimit": 1}), &referring()));
    let status = |world: &World| world.job.as_ref().unwrap().status.clone().unwrap_or_default();
    let said = |world: &World, type_: &str| verdict(world.job.as_ref().unwrap(), type_);
    world.happen(Event::Workflow(false));
    world.live(500);
    assert_eq!(
        (said(&world, "Accepted").as_str(), world.writes.as_slice()),
        ("False WorkflowNotFound", ["status"].as_slice())
    );
    world.happen(Event::Workflow(true));
    world.happen(Event::Seats(Seat::Full { limit: Limit::Workflow, ahead: 3, renewed: None }));
    world.live(500);
    assert_eq!(
        (status(&world).phase, said(&world, "Reconciling").as_str()),
        (Some(Phase::Queued), "True WaitingForSeat")
    );
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued]);
    let pinned = status(&world).workflow_revision;
    world.happen(Event::EditWorkflow);
    world.happen(Event::Workflow(false));
    world.happen(Event::Seats(Seat::Suspended));
    world.live(500);
    assert_eq!((said(&world, "Reconciling").as_str(), world.pods_made), ("True WorkflowSuspended", 0));
    world.crash();
    world.happen(Event::Seats(Seat::Taken));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.finish(End::Failure);
    world.live(20);
    assert_eq!((world.pods_made, status(&world).attempt), (2, Some(2)), "its start deadline stood still");
    assert_eq!(status(&world).workflow_revision, pinned);
    world.start();
    world.reconcile(usize::MAX);
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    assert_eq!(status(&world).phase, Some(Phase::Succeeded));
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running], "each is said once");
}

/// A job that waits for its seat needs nothing else meanwhile: it keeps its turn and the time to its start, and its client
/// hears nothing twice.
#[test]
fn what_comes_between_costs_a_waiting_job_no_turn() {
    let full = Seat::Full { limit: Limit::Workflow, ahead: 3, renewed: None };
    for (begins, ends) in [
        (Event::BrokerDown, Event::BrokerUp),
        (Event::Blocked(true), Event::Blocked(false)),
        (Event::Differ(true), Event::Differ(false)),
        (Event::Deny(true), Event::Deny(false)),
    ] {
        let mut world = World::new(&merged(json!({"startDeadlineSeconds": 60}), &referring()));
        world.happen(Event::Seats(full));
        world.live(30);
        world.happen(begins);
        world.crash();
        world.live(500);
        let job = world.job.clone().unwrap();
        let said = (job.status.as_ref().and_then(|status| status.phase), verdict(&job, "Reconciling"));
        assert_eq!(said, (Some(Phase::Queued), "True WaitingForSeat".to_owned()), "{begins:?}");
        world.happen(ends);
        world.live(100);
        assert_eq!(shown_failure(&world), None, "{begins:?}");
        world.happen(Event::Seats(Seat::Taken));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.finish(End::Success);
        world.reconcile(usize::MAX);
        let phase = world.job.as_ref().unwrap().status.as_ref().unwrap().phase;
        let once = vec![JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running];
        assert_eq!((phase, &world.statuses), (Some(Phase::Succeeded), &once), "{begins:?}");
    }
}

/// What its client was told is stored: a job that is suspended while it waits, whose pod cannot be made for a while, or whose
/// program starts while the broker is away has it told once, and in order.
#[test]
fn each_status_is_told_once_whatever_comes_between() {
    let full = Seat::Full { limit: Limit::Workflow, ahead: 3, renewed: None };
    let waits = [Event::Seats(full), Event::Reconcile];
    let suspended = [Event::Suspend(true), Event::Reconcile, Event::Suspend(false), Event::Reconcile];
    let denied =
        [Event::Deny(true), Event::Reconcile, Event::Wait(20), Event::Reconcile, Event::Crash, Event::Deny(false)];
    let unheard = [Event::Reconcile, Event::BrokerDown, Event::Start, Event::Reconcile, Event::Crash, Event::Reconcile];
    for before in [
        [waits.as_slice(), &suspended].concat(),
        [suspended.as_slice(), &denied].concat(),
        [waits.as_slice(), &denied, &suspended].concat(),
        denied.to_vec(),
        unheard.to_vec(),
        [suspended.as_slice(), &unheard].concat(),
    ] {
        let mut world = World::new(&referring());
        for event in &before {
            world.happen(*event);
        }
        for event in [Event::BrokerUp, Event::Seats(Seat::Taken), Event::Reconcile, Event::Start, Event::Reconcile] {
            world.happen(event);
        }
        let once = [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running];
        assert_eq!(world.statuses, once, "{before:?}");
    }
}

/// A new leader has no connection at first. That is no reason to let a job go whose time for the broker is long over.
#[test]
fn a_leader_that_is_not_connected_yet_gives_up_no_result() {
    for ends in [true, false] {
        let mut world = World::new(&json!({"queues": {"cleanupTimeoutSeconds": 10}}));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.user_deletes();
        if ends {
            world.finish(End::Success);
        }
        // Nobody operates.
        world.happen(Event::Wait(400));
        world.crash();
        world.happen(Event::BrokerDown);
        world.reconcile(usize::MAX);
        world.live(20);
        assert!(world.job.is_some() && !world.given_up, "{:?}", world.job);
        world.happen(Event::BrokerUp);
        world.live(60);
        assert_eq!((world.results.len(), world.given_up, world.job.is_none()), (1, false, true));
    }
}

/// The broker was away when the program ended, and then the queue of the result never answers.
#[test]
fn a_deleted_job_goes_whatever_its_result_waited_for_before() {
    let mut world = World::new(&json!({"queues": {"cleanupTimeoutSeconds": 100}}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::BrokerDown);
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    let said = |world: &World| verdict(world.job.as_ref().unwrap(), "ResultPublished");
    assert_eq!(said(&world), "False BrokerUnreachable");
    world.happen(Event::Silent(true));
    world.happen(Event::BrokerUp);
    world.live(20);
    assert_eq!(said(&world), "False ResultUnconfirmed");
    world.user_deletes();
    world.live(130);
    assert!(world.job.is_none() && world.given_up, "{:?}", world.job);
}

/// A client that has just come may not show in the statistics yet: the broker would refuse to remove what it consumes.
#[test]
fn queues_go_once_the_statistics_can_show_who_reads_them() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    world.happen(Event::Read(true));
    let has_status = |world: &World| world.queues.iter().any(|queue| queue.ends_with(".status"));
    world.live(4);
    assert!(has_status(&world));
    world.live(4);
    assert!(!has_status(&world), "{:?}", world.queues);
}

/// What waits can be stopped: its client is told, and it never runs.
#[test]
fn a_job_that_waits_for_its_workflow_or_a_seat_can_be_aborted() {
    for (there, seat) in [
        (false, Seat::Taken),
        (true, Seat::Full { limit: Limit::Workflow, ahead: 0, renewed: None }),
        (true, Seat::Suspended),
    ] {
        let mut world = World::new(&referring());
        world.happen(Event::Workflow(there));
        world.happen(Event::Seats(seat));
        world.live(30);
        world.user_aborts(false, 0);
        world.live(30);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!(
            (status.phase, world.pods_made, world.results.len()),
            (Some(Phase::Aborted), 0, 1),
            "{there} {seat:?}"
        );
    }
}

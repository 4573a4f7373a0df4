//! Attempts whose main has ended before their pod: what is told, when, and what is left.

use k8s_openapi::api::core::v1::{Pod, Probe};
use omotes_operator::testing::{
    api::{OmotesJobStatus, names},
    wire::JobResult,
};
use prost::Message as _;

use super::*;

/// A job whose main has ended.
fn ended(spec: &Value, injects: bool, end: End) -> World {
    let mut world = World::new(spec);
    world.injects = injects;
    world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
    world.reconcile(usize::MAX);
    world.start();
    world.live(10);
    world.main_ends(end);
    world.reconcile(usize::MAX);
    world
}

fn status(world: &World) -> OmotesJobStatus {
    world.job.as_ref().unwrap().status.clone().unwrap_or_default()
}

fn end(world: &World) -> (Option<Phase>, Option<TerminationCause>) {
    let status = status(world);
    (status.phase, status.termination.map(|end| end.cause))
}

const DONE: (Option<Phase>, Option<TerminationCause>) = (Some(Phase::Succeeded), Some(TerminationCause::Completed));

/// The status that shows main's end and the courier's word together are enough, whichever comes first.
#[test]
fn a_result_is_published_before_the_pod_has_ended() {
    for crashes in [false, true] {
        let mut world = ended(&json!({}), false, End::Success);
        assert_eq!((end(&world).0, world.results.len()), (Some(Phase::Running), 0), "its output may be lost");
        world.courier_sends(true);
        if crashes {
            // After the result and before the status that says so.
            world.happen(Event::ReconcileThenCrash(1));
            assert_eq!((end(&world).0, world.results.len()), (Some(Phase::Running), 1));
            world.reconcile(usize::MAX);
            world.courier_sends(true);
        }
        world.reconcile(usize::MAX);
        assert_eq!((end(&world), world.results.len()), (DONE, 1));
        assert_eq!(verdict(world.job.as_ref().unwrap(), "PodTerminated"), "True Terminated");
        assert!(!world.pod.as_ref().unwrap().finalizers().is_empty(), "its pod has not ended");
        world.pod_ends();
        world.reconcile(usize::MAX);
        let writes = ["finalizer on", "pod create", "status", "status", "pod finalizer off"];
        assert_eq!(world.writes, writes, "no more than before");
    }
}

/// A word that was lost is in the pod's termination message.
#[test]
fn a_word_that_is_lost_costs_time_alone() {
    let mut world = ended(&json!({}), false, End::Success);
    world.courier_sends(false);
    world.live(5);
    assert_eq!(world.results.len(), 0);
    world.pod_ends();
    world.reconcile(usize::MAX);
    assert_eq!((end(&world), world.results.len()), (DONE, 1));
}

/// `linkerd2#7122`, `kuma#7583`: who main is is not asked of the pod, and what was injected ends with it.
#[test]
fn an_injected_container_changes_nothing() {
    for courier in [true, false] {
        let spec = json!({"courier": {"enabled": courier}, "podRetentionPolicy": "RetainOnFailure"});
        let mut world = ended(&spec, true, End::Success);
        let asked = |world: &World| world.pod.as_ref().unwrap().annotations().get(names::ANNOTATION_FLUSH).cloned();
        assert_eq!(asked(&world).is_some(), courier, "its output is asked for");
        world.courier_sends(true);
        world.reconcile(usize::MAX);
        assert_eq!((end(&world), world.results.len()), (DONE, 1));
        assert_eq!(world.writes.iter().filter(|write| **write == "status").count(), 2);
        let pod = world.pod.clone().unwrap();
        assert_eq!((pod.spec.unwrap().active_deadline_seconds, pod.metadata.deletion_timestamp), (Some(11), None));
        world.pod_ends();
        world.reconcile(usize::MAX);
        assert!(world.pod.is_none(), "it has succeeded, and its pod is not kept");
    }
}

/// A program that fails beside a container that runs on keeps its pod, and the deadline that ended the pod was not its own.
#[test]
fn a_pod_that_the_operator_ended_stays() {
    for (limit, attempts) in [(0, 1), (1, 2)] {
        let retry = json!({"backoffLimit": limit, "retry": {"initialSeconds": 1, "maxSeconds": 1}});
        let mut world = ended(&merged(retry, &json!({"courier": {"enabled": false}})), true, End::Failure);
        assert!(world.writes.contains(&"pod end"), "{:?}", world.writes);
        assert_eq!(world.results.len(), usize::from(attempts == 1), "another attempt waits for the pod's end");
        world.pod_ends();
        world.live(5);
        assert_eq!(world.pods_made, attempts);
        let told = if attempts == 1 { end(&world).1 } else { status(&world).attempts.first().map(|one| one.cause) };
        assert_eq!(told, Some(TerminationCause::Error), "{:?}", status(&world));
        assert!(attempts == 2 || world.pod.as_ref().is_some_and(|pod| pod.metadata.deletion_timestamp.is_none()));
    }
}

/// A courier that does not answer is asked again, and waited for as long as the job says.
#[test]
fn a_courier_that_is_silent_is_not_waited_for_longer_than_it_may_take() {
    let mut world = ended(&json!({"courier": {"flushSeconds": 20}}), true, End::Success);
    let tries = |world: &World| world.pod.as_ref().unwrap().annotations()[names::ANNOTATION_FLUSH].clone();
    assert!(tries(&world).ends_with(r#""tries":1}"#), "{}", tries(&world));
    world.live(3);
    assert!(tries(&world).ends_with(r#""tries":2}"#), "{}", tries(&world));
    world.live(15);
    assert!(!world.writes.contains(&"pod end"));
    world.live(4);
    assert!(world.writes.contains(&"pod end"));
    world.pod_ends();
    world.reconcile(usize::MAX);
    assert_eq!(end(&world), DONE, "it sent its output when it was told to stop");
}

/// Whatever should end it: a node that falls silent now keeps no client waiting.
#[test]
fn a_node_that_falls_silent_holds_no_client() {
    let abort = |world: &mut World| world.user_aborts(false, 0);
    let nothing = |_: &mut World| {};
    let delete = |world: &mut World| world.user_deletes();
    let suspend = |world: &mut World| world.user_suspends(true);
    let table: [(Value, bool, Setup, Phase, i64); 6] = [
        (json!({}), false, &nothing, Phase::Failed, 180),
        (json!({"maxRunSeconds": 15}), false, &nothing, Phase::Failed, 180),
        (json!({}), true, &nothing, Phase::Failed, 300),
        (json!({}), false, &suspend, Phase::Failed, 180),
        (json!({}), false, &abort, Phase::Aborted, 70),
        (json!({}), false, &delete, Phase::Aborted, 188),
    ];
    for (spec, injects, then, phase, seconds) in table {
        let mut world = ended(&spec, injects, End::Success);
        world.node_lost = true;
        then(&mut world);
        world.live(seconds - 10);
        assert_eq!(world.results.len(), 0, "{spec}: too early");
        world.live(20);
        assert_eq!((end(&world), world.results.len()), ((Some(phase), Some(TerminationCause::NodeLost)), 1), "{spec}");
        assert_eq!(verdict(world.job.as_ref().unwrap(), "PodTerminated"), "False Unconfirmed");
    }
}

/// The same where what became of the output is known.
#[test]
fn a_node_that_falls_silent_after_the_output_was_sent_costs_no_success() {
    let mut world = ended(&json!({}), false, End::Success);
    world.courier_sends(true);
    world.node_lost = true;
    // Something asked for the pod's end after main's, so that its status proves nothing.
    let metadata = &mut world.pod.as_mut().unwrap().metadata;
    metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(time(60)));
    metadata.deletion_grace_period_seconds = Some(30);
    world.live(170);
    assert_eq!(world.results.len(), 0);
    world.live(20);
    assert_eq!((end(&world), world.results.len()), (DONE, 1));
    assert!(world.pod.as_ref().is_none_or(|pod| pod.finalizers().is_empty()), "its exit is recorded");
}

/// An abort ends the sending of the output, and the client that asked for it is told so.
#[test]
fn an_abort_holds_after_main_has_ended() {
    let mut world = ended(&json!({}), false, End::OutputLost);
    world.user_aborts(false, 0);
    world.live(3);
    assert_eq!((world.writes.last(), end(&world).0), (Some(&"status"), Some(Phase::Aborting)));
    assert!(world.writes.contains(&"pod delete"));
    world.pod_ends();
    world.reconcile(usize::MAX);
    let result = status(&world).result.map(|result| result.type_);
    assert_eq!((end(&world).0, result), (Some(Phase::Aborted), Some(JobResultType::Cancelled)));
}

/// Messages of a program that failed reach its client; their absence changes nothing.
#[test]
fn messages_of_a_failed_job_reach_the_client() {
    for sends in [true, false] {
        let mut world = ended(&json!({}), false, End::Failure);
        if sends {
            world.courier_sends(false);
        }
        world.pod_ends();
        world.reconcile(usize::MAX);
        let (_, body) = world.results.first().unwrap();
        let result = JobResult::decode(body.clone()).unwrap();
        let said: Vec<_> = result.esdl_messages.iter().map(|message| message.technical_message.as_str()).collect();
        assert_eq!((said, result.output_esdl), (if sends { vec!["no solution"] } else { vec![] }, None));
        assert_eq!(end(&world), (Some(Phase::Failed), Some(TerminationCause::Error)));
    }
}

/// The next attempt waits for the end of this pod, and its node is silent: not for ever.
#[test]
fn a_node_that_falls_silent_before_the_next_attempt_holds_no_client() {
    let spec = json!({"backoffLimit": 1, "courier": {"enabled": false}});
    let mut world = ended(&spec, true, End::Failure);
    world.node_lost = true;
    world.live(GRACE + 300);
    assert_eq!((end(&world), world.results.len()), ((Some(Phase::Failed), Some(TerminationCause::NodeLost)), 1));
}

/// A suspended job whose node falls silent after main's end can still be aborted and deleted.
#[test]
fn a_suspended_job_on_a_silent_node_can_end() {
    for deleted in [false, true] {
        let mut world = World::new(&json!({}));
        world.reconcile(usize::MAX);
        world.start();
        world.live(10);
        world.user_suspends(true);
        world.live(2);
        world.main_ends(End::Failure);
        world.node_lost = true;
        world.live(5);
        if deleted {
            world.user_deletes();
        } else {
            world.user_aborts(false, 0);
        }
        world.live(GRACE + 600);
        assert_eq!(world.results.len(), 1, "deleted: {deleted}");
    }
}

/// An admission policy adds a probe to main, and what the program does then is not its own.
#[test]
fn a_probe_that_a_policy_adds_makes_no_success() {
    for (starts, end_of_main) in [(false, End::Success), (true, End::Success), (true, End::Failure)] {
        let mut world = World::new(&json!({"backoffLimit": 3}));
        world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
        world.reconcile(usize::MAX);
        let main = |pod: &mut Pod| pod.spec.as_mut().unwrap().containers[0].liveness_probe = Some(Probe::default());
        main(world.pod.as_mut().unwrap());
        if starts {
            world.start();
            world.finish(end_of_main);
        }
        world.live(GRACE + 30);
        let told = status(&world);
        assert_eq!((told.phase, world.results.len(), world.pods_made), (Some(Phase::Failed), 1, 1), "{told:?}");
        assert!(told.termination.unwrap().message.unwrap().contains("added livenessProbe"));
    }
}

/// An eviction or a preemption announces itself, its deletion is refused, and the pod runs on: what main did then is its own.
#[test]
fn a_deletion_that_never_came_takes_no_proof_away() {
    for reason in ["EvictionByEvictionAPI", "PreemptionByScheduler"] {
        for (code, expected) in
            [(End::Success, DONE), (End::Failure, (Some(Phase::Failed), Some(TerminationCause::Error)))]
        {
            let mut world = World::new(&json!({}));
            world.reconcile(usize::MAX);
            world.start();
            world.live(10);
            let target = json!([{"type": "DisruptionTarget", "status": "True", "reason": reason}]);
            world.kubelet_says(&json!({"conditions": target}));
            world.main_ends(code);
            world.reconcile(usize::MAX);
            world.courier_sends(true);
            world.reconcile(usize::MAX);
            assert_eq!((end(&world), world.results.len()), (expected, 1), "{reason}: its pod has not ended");
            world.pod_ends();
            world.live(5);
            assert_eq!((end(&world), world.pods_made), (expected, 1), "{reason}");
        }
    }
}

/// While nobody looked, the time was over in which the pod should have ended, and nothing had asked it to.
#[test]
fn a_pod_that_nothing_had_ended_in_time_is_ended_late() {
    for (courier, deletes) in [(false, true), (true, true), (true, false)] {
        let mut world = ended(&json!({"courier": {"enabled": courier}}), true, End::Failure);
        if deletes {
            world.user_deletes();
            world.reconcile(usize::MAX);
        }
        world.happen(Event::Wait(600));
        world.reconcile(usize::MAX);
        assert!(end(&world).0.is_some_and(Phase::is_terminal), "{:?}", status(&world));
        world.pod_ends();
        world.reconcile(usize::MAX);
        let held = world.pod.as_ref().is_some_and(|pod| !pod.finalizers().is_empty());
        assert!(!held, "courier {courier}, deleted {deletes}: {:?}", world.pod);
    }
}

//! Jobs that get a pod which had waited for one.

use omotes_operator::testing::{
    api::{names, status::TerminationCause},
    pods::warm::{assigned_time, nudges},
};

use super::*;
use world::{container, set_status, whole};

fn world(patch: &Value) -> World {
    let mut world = World::new(&merged(merged(patch.clone(), &input_at_the_broker()), &referring()));
    world.warm_up();
    world
}

fn status(world: &World) -> omotes_operator::testing::api::OmotesJobStatus {
    world.job.as_ref().unwrap().status.clone().unwrap_or_default()
}

/// Carries on until the choice of the pod is stored, and dies.
fn choose(world: &mut World) {
    for limit in 1..10 {
        if status(world).pod_name.is_none() {
            world.happen(Event::ReconcileThenCrash(limit));
        }
    }
    assert!(status(world).pod_name.is_some() && world.pod.is_none());
}

fn ends(world: &mut World, end: End) -> (Option<Phase>, TerminationCause) {
    world.finish(end);
    world.live(30);
    (status(world).phase, status(world).termination.unwrap().cause)
}

#[test]
fn it_runs_once_its_input_is_there() {
    let mut world = world(&json!({"maxRunSeconds": 100}));
    world.happen(Event::Wait(40));
    world.reconcile(usize::MAX);
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued]);
    assert_eq!(world.writes, ["status", "status", "pod assign"], "the revision, the choice");
    world.happen(Event::InputThere);
    world.reconcile(usize::MAX);
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running]);
    let (pod, status) = (world.pod.clone().unwrap(), status(&world));
    assert_eq!(status.start_time.map(|time| time.0), assigned_time(&pod), "not when its pod started");
    assert_eq!(status.pod_name, pod.metadata.name);
    let started = pod.status.unwrap().start_time;
    assert_eq!((started, pod.spec.unwrap().active_deadline_seconds), (None, Some(86_400 + 100 + 120 + 120 + 60)));
    assert_eq!(ends(&mut world, End::Success), (Some(Phase::Succeeded), TerminationCause::Completed));
}

#[test]
fn a_kubelet_that_missed_it_is_told_again_and_silence_ends() {
    let mut world = world(&json!({}));
    world.reconcile(usize::MAX);
    for (wait, expected) in [(1, 0), (1, 1), (2, 2), (4, 3), (8, 4), (16, 5), (32, 6), (20, 6)] {
        world.live(wait);
        assert_eq!((nudges(world.pod.as_ref().unwrap()), status(&world).start_time), (expected, None));
    }
    world.live(6);
    assert_eq!((nudges(world.pod.as_ref().unwrap()), status(&world).phase), (6, Some(Phase::Running)));
}

#[test]
fn what_a_former_leader_may_have_heard_is_not_waited_for() {
    let mut world = world(&json!({}));
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(3));
    world.happen(Event::Crash);
    world.live(5);
    assert_eq!(status(&world).start_time, None);
    world.live(3);
    assert_eq!(status(&world).phase, Some(Phase::Running));
}

#[test]
fn a_crash_after_any_step_changes_nothing() {
    for end in [End::Success, End::Failure] {
        for first in 0..12 {
            for second in 0..12 {
                let mut world = world(&json!({}));
                world.happen(Event::ReconcileThenCrash(first));
                world.warm_up();
                world.reconcile(usize::MAX);
                world.happen(Event::InputThere);
                world.happen(Event::ReconcileThenCrash(second));
                world.finish(end);
                world.settle();
                assert_ended_well(&world);
            }
        }
    }
}

#[test]
fn a_pod_that_nobody_can_be_given_any_more_is_replaced_by_its_own() {
    let fail = |world: &mut World| set_status(world.warm.as_mut().unwrap(), &json!({"phase": "Failed"}));
    let leave = |world: &mut World| world.warm = None;
    for lose in [&fail as &dyn Fn(&mut World), &leave] {
        let mut world = world(&json!({}));
        choose(&mut world);
        let told = world.statuses.len();
        lose(&mut world);
        world.reconcile(usize::MAX);
        assert_eq!(world.pod.as_ref().map(ResourceExt::name_any).as_deref(), Some("job-1"));
        assert_eq!(world.statuses.len(), told, "its client hears nothing twice");
        world.start();
        world.reconcile(usize::MAX);
        assert_eq!(ends(&mut world, End::Success), (Some(Phase::Succeeded), TerminationCause::Completed));
    }
}

#[test]
fn an_accepted_job_gets_no_pod_of_what_its_workflow_became() {
    let mut world = World::new(&merged(input_at_the_broker(), &referring()));
    world.happen(Event::ReconcileThenCrash(1));
    world.happen(Event::EditWorkflow);
    world.warm_up();
    world.reconcile(usize::MAX);
    assert_eq!(world.pod.as_ref().map(ResourceExt::name_any).as_deref(), Some("job-1"));
}

#[test]
fn an_input_that_is_missing_ends_it() {
    let mut world = world(&json!({}));
    world.reconcile(usize::MAX);
    world.happen(Event::InputMissing);
    world.happen(Event::ReconcileThenCrash(1));
    world.reconcile(usize::MAX);
    let pod = world.pod.as_mut().unwrap();
    assert!(pod.metadata.deletion_timestamp.is_some(), "its program would wait for ever");
    // The kubelet had started the courier again, and that says nothing.
    let courier = json!([container(names::CONTAINER_COURIER, &json!({"terminated": {"exitCode": 1}}))]);
    let now = whole(world.now);
    let main = json!({"terminated": {"exitCode": 10, "reason": "Error", "startedAt": now, "finishedAt": now}});
    set_status(
        pod,
        &json!({"phase": "Failed", "containerStatuses": [container("main", &main)], "initContainerStatuses": courier}),
    );
    world.live(10);
    let ended = status(&world);
    assert_eq!((ended.phase, ended.termination.unwrap().cause), (Some(Phase::Failed), TerminationCause::InputMissing));
    assert_eq!(world.results.len(), 1);
}

#[test]
fn a_program_that_had_ended_before_costs_no_attempt() {
    let mut world = world(&json!({}));
    choose(&mut world);
    world.happen(Event::Wait(30));
    let ended = whole(world.now - SignedDuration::from_secs(5));
    world.reconcile(usize::MAX);
    let main = json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": ended, "finishedAt": ended}});
    let pod = world.pod.as_mut().unwrap();
    set_status(pod, &json!({"phase": "Failed", "containerStatuses": [container("main", &main)]}));
    world.live(30);
    let next = status(&world);
    assert_eq!((next.attempt, next.failures), (Some(2), Some(0)));
    assert_eq!(next.attempts[0].cause, TerminationCause::Disrupted);
    assert_eq!(world.pod.as_ref().map(ResourceExt::name_any).as_deref(), Some("job-2"));
}

/// What the courier says is of this job: it had brought the input. Then it is the node's clock that is behind.
#[test]
fn a_node_whose_clock_is_behind_loses_no_result() {
    let mut world = world(&json!({}));
    world.happen(Event::Wait(30));
    world.reconcile(usize::MAX);
    world.happen(Event::InputThere);
    world.reconcile(usize::MAX);
    world.now -= SignedDuration::from_secs(5);
    world.finish(End::Success);
    world.now += SignedDuration::from_secs(6);
    world.live(5);
    assert_eq!((status(&world).phase, status(&world).attempt), (Some(Phase::Succeeded), Some(1)));
}

/// The exit of a program that had ended before is judged by no rule for the job's exits.
#[test]
fn a_foreign_exit_fails_no_job() {
    let rule = json!({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}});
    let mut world = world(&json!({"podFailurePolicy": {"rules": [rule]}}));
    choose(&mut world);
    world.happen(Event::Wait(30));
    let ended = whole(world.now - SignedDuration::from_secs(5));
    world.reconcile(usize::MAX);
    let main = json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": ended, "finishedAt": ended}});
    set_status(
        world.pod.as_mut().unwrap(),
        &json!({"phase": "Failed", "containerStatuses": [container("main", &main)]}),
    );
    world.live(30);
    assert_eq!(status(&world).attempt, Some(2));
}

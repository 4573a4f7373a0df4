//! A pod that the operator's watch does not show, and is there all the same.

use kube::ResourceExt;
use omotes_operator::testing::api::{
    OmotesJobStatus,
    status::{AbortCause, Phase, TerminationCause},
};
use serde_json::json;

use super::{
    assert_ended_well,
    world::{Cut, End, Event, GRACE, World},
};

/// More steps than a job takes to its pod.
const MANY: usize = 10;

fn status(world: &World) -> OmotesJobStatus {
    world.job.as_ref().unwrap().status.clone().unwrap_or_default()
}

/// A world in which the creation of the pod went wrong so, and whose watch shows no pod.
fn creation(cut: Cut) -> World {
    let tried = |step| {
        let mut world = World::new(&json!({}));
        world.happen(Event::WatchLags(true));
        world.happen(Event::Cut(step, cut));
        world
    };
    (0..MANY).map(tried).find(|world| world.memory.awaits_pod()).unwrap()
}

/// A job whose pod gets other labels, or loses its owner, runs on and ends as it would have.
#[test]
fn a_pod_that_someone_changed_changes_nothing() {
    let lives = [(true, false), (true, true), (false, false), (false, true)];
    let both = [Event::Relabel, Event::Disown];
    for (event, (started, restarted)) in both.into_iter().flat_map(|event| lives.map(|life| (event, life))) {
        let mut world = World::new(&json!({"maxRunSeconds": 600}));
        world.reconcile(usize::MAX);
        if started {
            world.start();
            world.reconcile(usize::MAX);
        }
        world.happen(event);
        if restarted {
            world.crash();
        }
        world.live(60);
        assert_eq!(world.pod.as_ref().unwrap().owner_references().len(), 1, "it has its owner");
        world.start();
        world.live(60);
        assert_eq!((status(&world).phase, world.pods_made), (Some(Phase::Running), 1));
        world.finish(End::Success);
        world.live(10);
        assert_eq!(status(&world).phase, Some(Phase::Succeeded));
        assert!(world.pod.as_ref().unwrap().finalizers().is_empty(), "it cannot be deleted");
        assert_ended_well(&world);
    }
}

/// A relabelled pod is stopped like any other: at its deadline, and for its job's deletion.
#[test]
fn a_relabelled_pod_can_be_stopped() {
    let mut world = World::new(&json!({"maxRunSeconds": 60}));
    world.reconcile(usize::MAX);
    world.start();
    world.happen(Event::Relabel);
    world.live(60 + GRACE + 10);
    assert_eq!(status(&world).termination.map(|end| end.cause), Some(TerminationCause::KilledAfterGrace));
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::Relabel);
    world.crash();
    world.user_deletes();
    world.live(GRACE + 10);
    assert!(world.job.is_none() && world.pod.is_none(), "a pod outlived its job");
    assert_eq!(world.results.len(), 1);
}

/// The creation of a pod has its effect and no answer, and the watch lags: the job is aborted meanwhile, and
/// its program does not run on behind its client's back.
#[test]
fn a_pod_whose_creation_had_no_answer_is_stopped() {
    let mut world = creation(Cut::Unanswered);
    world.start();
    world.user_aborts(false, 0);
    world.live(GRACE + 5);
    assert_eq!((world.pods_made, status(&world).abort.map(|abort| abort.cause)), (1, Some(AbortCause::Requested)));
    let stopped = world.pod.as_ref().is_none_or(|pod| pod.metadata.deletion_timestamp.is_some());
    assert!(stopped, "it runs on: {:?}", status(&world));
}

/// A job that is not stopped goes on with the pod that it has.
#[test]
fn a_pod_whose_creation_had_no_answer_is_the_jobs() {
    let mut world = creation(Cut::Unanswered);
    world.live(5);
    world.happen(Event::WatchLags(false));
    world.start();
    world.live(5);
    assert_eq!((status(&world).phase, world.pods_made), (Some(Phase::Running), 1));
}

/// A creation that failed may still come through: a job that is stopped waits for that before its client is told, and one
/// that goes on makes its pod at once.
#[test]
fn a_creation_that_failed_is_waited_for() {
    let mut world = creation(Cut::Fails);
    world.user_aborts(false, 0);
    world.live(60);
    assert_eq!((world.results.len(), status(&world).phase), (0, None));
    world.live(30);
    assert_eq!((world.results.len(), status(&world).phase), (1, Some(Phase::Aborted)));
    let mut world = creation(Cut::Fails);
    world.live(1);
    assert_eq!(world.pods_made, 1);
}

/// A pod that gets other labels once its job has ended, while other containers of it run, is ended and released all the same.
#[test]
fn a_relabelled_pod_of_an_ended_job_is_released() {
    for restarted in [true, false] {
        let mut world = World::new(&json!({"courier": {"enabled": false}}));
        world.injects = true;
        world.live(5);
        world.start();
        world.live(5);
        world.main_ends(End::Success);
        world.reconcile(usize::MAX);
        assert_eq!(status(&world).phase, Some(Phase::Succeeded));
        world.happen(Event::Relabel);
        if restarted {
            world.crash();
        }
        world.live(5);
        world.pod_ends();
        world.live(10);
        assert!(world.pod.as_ref().unwrap().finalizers().is_empty(), "it cannot be deleted");
    }
}

/// `kubectl delete --cascade=orphan`: the program is stopped all the same, and the client is told.
#[test]
fn a_job_that_is_deleted_without_its_pod_is_stopped() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.user_deletes();
    world.happen(Event::Disown);
    world.crash();
    world.live(GRACE + 10);
    assert!(world.job.is_none() && world.pod.is_none(), "a pod outlived its job");
    assert_eq!(world.results.len(), 1);
}

/// Somebody removes a pod together with its finalizer: that is a disruption, and a suspended job stays suspended.
#[test]
fn a_pod_that_is_removed_by_force_is_a_disruption() {
    for suspended in [false, true] {
        let mut world = World::new(&json!({"backoffLimit": 0, "retry": {"initialSeconds": 1, "maxSeconds": 1}}));
        world.reconcile(usize::MAX);
        world.start();
        world.live(5);
        if suspended {
            world.user_suspends(true);
            world.live(2);
        }
        world.pod = None;
        world.live(5);
        let phase = if suspended { Phase::Suspended } else { Phase::Queued };
        let known = status(&world);
        assert_eq!((known.phase, known.attempt, known.failures.unwrap_or(0)), (Some(phase), Some(2), 0), "{known:?}");
        assert_eq!((world.pods_made, world.results.len()), (if suspended { 1 } else { 2 }, 0));
    }
}

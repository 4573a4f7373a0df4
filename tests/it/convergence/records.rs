//! What the status records, and what holds for it: that a job was accepted, and what its attempt was started with.

use kube::ResourceExt;
use omotes_operator::testing::{
    api::{
        OmotesJob, OmotesJobStatus, names,
        status::{AbortCause, JobResultType, Phase, TerminationCause},
    },
    limits::Defaults,
    plan::facts::observed::Claim,
};
use serde_json::{Value, json};

use super::{
    input_at_the_broker,
    world::{End, Event, World},
};
use crate::support::bed::merged;

fn status(world: &World) -> OmotesJobStatus {
    world.job.as_ref().unwrap().status.clone().unwrap_or_default()
}

/// Parameters that no job may have.
fn too_large() -> Value {
    json!({"input": {"parameters": {"text": "x".repeat(70_000)}}})
}

fn change_spec(world: &mut World, change: impl FnOnce(&mut OmotesJob)) {
    let job = world.job.as_mut().unwrap();
    job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    change(job);
}

/// A job whose manifest has the operator's finalizer is refused as without it, and touches nothing of any other job.
#[test]
fn a_finalizer_in_a_manifest_is_no_acceptance() {
    let taken = Claim::TakenBy("another".to_owned());
    for (spec, claim, reason) in [
        (too_large(), Claim::Ours, "ParametersTooLarge"),
        (json!({}), taken, "DuplicateJobId"),
        (json!({"maxRunSeconds": 10, "heartbeat": {"timeoutSeconds": 60}}), Claim::Ours, "LimitsContradict"),
    ] {
        for (forged, deleted) in [(false, false), (true, false), (true, true)] {
            let mut world = World::new(&spec);
            world.claim = claim.clone();
            world.client_declares();
            let queues = world.queues.clone();
            if forged {
                world.job.as_mut().unwrap().finalizers_mut().push(names::FINALIZER_CLEANUP.to_owned());
            }
            world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
            if deleted {
                world.user_deletes();
            }
            world.live(60);
            let status = status(&world);
            let accepted = status.conditions.iter().find(|known| known.type_ == "Accepted").unwrap();
            assert_eq!((accepted.status.as_str(), accepted.reason.as_str()), ("False", reason));
            assert_eq!(status.termination.map(|end| end.cause), Some(TerminationCause::Refused), "{reason}");
            assert_eq!(world.job.as_ref().unwrap().metadata.finalizers.as_ref().unwrap(), &["test/keeps-it"]);
            assert_eq!((world.pods_made, world.results.len(), world.statuses.len()), (0, 0, 0), "{reason}");
            assert_eq!(world.queues, queues, "{reason}: a queue of another job was touched");
        }
    }
}

/// A submission that became invalid before its job was accepted: its client gets one ERROR, wherever the operator dies.
#[test]
fn a_refused_submission_is_answered_once() {
    for limit in 0..8 {
        let mut world = World::new(&merged(too_large(), &input_at_the_broker()));
        world.client_declares();
        world.happen(Event::ReconcileThenCrash(limit));
        world.happen(Event::ReconcileThenCrash(limit));
        world.live(30);
        let (status, told) = (status(&world), world.results.len());
        assert_eq!((status.phase, told, world.pods_made), (Some(Phase::Failed), 1, 0), "after {limit} steps");
        assert_eq!(status.result.map(|result| result.type_), Some(JobResultType::Error));
        world.user_deletes();
        world.live(30);
        assert!(
            world.job.is_none() && !world.queues.iter().any(|queue| queue.starts_with("omotes.")),
            "{:?}",
            world.queues
        );
    }
}

/// The operator is installed anew with other limits between a job's pod and the status that says that it was accepted.
#[test]
fn a_job_that_has_its_pod_is_not_refused_for_other_defaults() {
    let mut world = World::new(&json!({"heartbeat": {"timeoutSeconds": 60}}));
    world.reconcile(usize::MAX);
    assert_eq!((world.pods_made, status(&world).phase), (1, None));
    world.settings.defaults.max_run_seconds = Some(10);
    world.crash();
    world.live(20);
    assert_ne!(status(&world).phase, Some(Phase::Failed));
}

/// A job that lost its id before its acceptance was stored has a pod already: that is stopped, and nothing is published.
#[test]
fn a_pod_of_a_job_that_is_refused_is_stopped() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.claim = Claim::TakenBy("another".to_owned());
    world.crash();
    world.live(10);
    assert!(world.pod.as_ref().is_some_and(|pod| pod.metadata.deletion_timestamp.is_some()), "it runs on");
    world.finish(End::Killed);
    world.live(10);
    assert_eq!((world.pod.is_none(), world.results.len()), (true, 0));
    assert!(world.job.as_ref().unwrap().metadata.finalizers.as_ref().is_none_or(Vec::is_empty));
}

/// Other defaults and edits of what limits nothing leave an attempt as it was started; the next one follows the defaults.
#[test]
fn an_attempt_keeps_the_limits_that_it_was_started_with() {
    let tight = Defaults {
        seconds_per_resource: 1,
        buffer_seconds: 1,
        max_run_seconds: Some(40),
        start_deadline_seconds: Some(5),
    };
    for spec in [
        json!({}),
        json!({"expectedDuration": {"numResources": 5}}),
        json!({"maxRunSeconds": 600}),
        json!({"heartbeat": {"timeoutSeconds": 500, "onTimeout": "Abort"}}),
    ] {
        let mut world =
            World::new(&merged(json!({"backoffLimit": 1, "retry": {"initialSeconds": 1, "maxSeconds": 1}}), &spec));
        world.live(20);
        world.settings.defaults = tight.clone();
        world.crash();
        world.live(10);
        assert_eq!(status(&world).abort, None, "{spec}: its start deadline changed");
        world.start();
        world.reconcile(usize::MAX);
        let before = status(&world);
        change_spec(&mut world, |job| job.spec.ttl_seconds_after_finished = Some(5000));
        world.live(100);
        assert_eq!((status(&world).abort, status(&world).deadline_time), (None, before.deadline_time), "{spec}");
        assert_eq!(status(&world).limits, before.limits, "{spec}");
        world.settings.defaults.max_run_seconds = Some(400);
        world.finish(End::Failure);
        world.live(3);
        world.start();
        world.reconcile(usize::MAX);
        let limits = status(&world).limits.unwrap();
        let most = spec["maxRunSeconds"].as_i64().unwrap_or(400);
        assert_eq!((status(&world).attempt, limits.max_run_seconds), (Some(2), Some(most)), "{spec}");
    }
}

/// What the job itself says can change, as its schema allows, is taken in with the defaults that the attempt has.
#[test]
fn a_job_can_still_change_its_own_limits() {
    let spec = json!({"maxRunSeconds": 3600, "expectedDuration": {"numResources": 5}});
    for recorded in [true, false] {
        let mut world = World::new(&spec);
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        let limit = |world: &World| {
            let status = status(world);
            status.deadline_time.unwrap().0.duration_since(status.start_time.unwrap().0).as_secs()
        };
        assert_eq!(limit(&world), 5 * 20 + 1200);
        // An operator of before kept no record.
        if !recorded {
            world.job.as_mut().unwrap().status.as_mut().unwrap().limits = None;
        }
        world.settings.defaults.buffer_seconds = 10;
        change_spec(&mut world, |job| job.spec.ttl_seconds_after_finished = Some(5000));
        world.reconcile(usize::MAX);
        assert_eq!((limit(&world), status(&world).limits.is_some()), (1300, recorded));
        world.settings.defaults.buffer_seconds = 1200;
        change_spec(&mut world, |job| job.spec.expected_duration.as_mut().unwrap().num_resources = 50);
        world.reconcile(usize::MAX);
        assert_eq!(limit(&world), 50 * 20 + 1200);
        change_spec(&mut world, |job| job.spec.max_run_seconds = Some(60));
        world.reconcile(usize::MAX);
        assert_eq!(limit(&world), 60);
        world.live(70);
        assert_eq!(status(&world).abort.map(|abort| abort.cause), Some(AbortCause::DeadlineExceeded));
    }
}

//! Jobs in every phase as version 3527ffc left them (`stored.jsonl`: its own model world, written out), planned by the
//! core of now. The jobs have none of the records that came later, and are not judged anew for that.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use omotes_operator::testing::{
    api::{
        OmotesJob, OmotesJobStatus,
        status::{Phase, TerminationCause},
    },
    workflow::seats::Seat,
};
use serde::Deserialize;
use serde_json::json;

use super::world::{End, Event, World, time};

const STORED: &str = include_str!("stored.jsonl");

/// A job, and what the cluster and the broker had of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that was stored")]
struct Stored {
    name: String,
    second: i64,
    job: OmotesJob,
    pod: Option<Pod>,
    queues: Vec<String>,
    output: Option<Padded>,
    unread: bool,
    reached_nobody: bool,
    secret: bool,
    left_to_ttl: bool,
    results: Vec<(String, Vec<u8>)>,
    statuses: Vec<String>,
    pods_made: usize,
}

/// An output as the courier pads it.
#[derive(Deserialize)]
struct Padded {
    head: Vec<u8>,
    zeros: usize,
}

impl Padded {
    fn bytes(mut self) -> Bytes {
        self.head.resize(self.head.len() + self.zeros, 0);
        self.head.into()
    }
}

impl Stored {
    /// The world in which a process of now begins.
    fn world(self) -> World {
        let mut world = World::new(&json!({}));
        world.now = time(self.second);
        world.taken_on = self.job.metadata.finalizers.is_some();
        (world.job, world.pod) = (Some(self.job), self.pod);
        world.queues = self.queues.into_iter().collect();
        world.output = self.output.map(Padded::bytes);
        (world.unread, world.reached_nobody) = (self.unread, self.reached_nobody);
        (world.secret, world.left_to_ttl) = (self.secret, self.left_to_ttl);
        world.results = self.results.into_iter().map(|(id, body)| (id, Bytes::from(body))).collect();
        world.pods_made = self.pods_made;
        let message_id = status(&world).result.map(|result| result.message_id);
        world.kept = message_id.filter(|_| self.reached_nobody).map(|id| (id, Bytes::new()));
        world.crash();
        world
    }
}

fn stored() -> Vec<Stored> {
    STORED.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn named(name: &str) -> Stored {
    stored().into_iter().find(|stored| stored.name == name).unwrap_or_else(|| panic!("no stored job is {name}"))
}

fn status(world: &World) -> OmotesJobStatus {
    world.job.as_ref().and_then(|job| job.status.clone()).unwrap_or_default()
}

/// What a new version must not change by itself.
fn verdicts(status: &OmotesJobStatus) -> impl PartialEq + std::fmt::Debug + use<> {
    let second = |time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| time.as_ref().map(|time| time.0);
    (
        (status.phase, status.attempt, status.failures, status.attempts.len()),
        (second(&status.start_time), second(&status.deadline_time), second(&status.completion_time)),
        (status.abort.clone(), status.termination.clone(), status.result.clone()),
        (status.job_id.clone(), status.workflow_revision.clone(), status.pod_name.clone()),
    )
}

/// Whether nothing but time may go on with this job.
fn rests(name: &str) -> bool {
    !["new", "ended and not seen", "published and not stored"].contains(&name)
}

/// A new version changes nothing of a job to which nothing happens.
#[test]
fn what_an_older_version_left_is_not_judged_anew() {
    for stored in stored().into_iter().filter(|stored| rests(&stored.name)) {
        let (name, results) = (stored.name.clone(), stored.results.len());
        let mut world = stored.world();
        world.happen(Event::Seats(Seat::Full { limit: super::Limit::Workflow, ahead: 3, renewed: None }));
        let (before, made) = (verdicts(&status(&world)), world.pods_made);
        for seconds in [0, 2] {
            world.now += SignedDuration::from_secs(seconds);
            world.reconcile(usize::MAX);
            assert_eq!(verdicts(&status(&world)), before, "{name}, {seconds} s after the upgrade");
        }
        let harm: Vec<_> = world.writes.iter().filter(|write| **write != "status").collect();
        assert!(harm.is_empty(), "{name}: {harm:?}");
        assert_eq!((world.pods_made, world.results.len()), (made, results), "{name}");
        assert!(world.statuses.is_empty(), "{name}: the client has had {:?} before", world.statuses);
    }
}

/// What comes of a stored job: what happens to it, and its end.
type Course = (&'static str, fn(&mut World), Phase, TerminationCause);

fn runs_and_succeeds(world: &mut World) {
    world.reconcile(usize::MAX);
    world.start();
    world.live(10);
    succeeds(world);
}

fn succeeds(world: &mut World) {
    world.finish(End::Success);
    world.live(30);
}

fn fails(world: &mut World) {
    world.finish(End::Failure);
    world.live(30);
}

fn lives(world: &mut World) {
    world.live(30);
}

/// Every job ends as it would have, and its client gets one result, before the upgrade or after it.
#[test]
fn what_an_older_version_left_ends_with_one_result() {
    use Phase::{Aborted, Failed, Succeeded};
    use TerminationCause::{Completed, Error, KilledAfterGrace, SoftAborted};
    let resumed = |world: &mut World| {
        world.user_suspends(false);
        runs_and_succeeds(world);
    };
    let due = |world: &mut World| {
        world.now = world.retry_time().unwrap();
        runs_and_succeeds(world);
    };
    let reaches_its_limit = |world: &mut World| {
        world.live(3600);
    };
    let courses: [Course; 22] = [
        ("new", runs_and_succeeds, Succeeded, Completed),
        ("waiting for a seat", runs_and_succeeds, Succeeded, Completed),
        ("queued", runs_and_succeeds, Succeeded, Completed),
        ("queued of a workflow", runs_and_succeeds, Succeeded, Completed),
        ("running", succeeds, Succeeded, Completed),
        ("running", fails, Failed, Error),
        ("running", reaches_its_limit, Failed, KilledAfterGrace),
        ("running without courier", succeeds, Succeeded, Completed),
        ("running of a workflow", succeeds, Succeeded, Completed),
        ("running in a warm pod", succeeds, Succeeded, Completed),
        ("suspended", resumed, Succeeded, Completed),
        ("stopping", fails, Aborted, SoftAborted),
        ("stopping", lives, Aborted, KilledAfterGrace),
        ("to be stopped", succeeds, Succeeded, Completed),
        ("between attempts", due, Succeeded, Completed),
        ("ended and not seen", lives, Succeeded, Completed),
        ("published and not stored", lives, Succeeded, Completed),
        ("ended and unread", lives, Succeeded, Completed),
        ("ended and read", lives, Succeeded, Completed),
        ("ended and kept", lives, Succeeded, Completed),
        ("failed and unread", lives, Failed, Error),
        ("aborted and unread", lives, Aborted, KilledAfterGrace),
    ];
    for (name, then, phase, cause) in courses {
        let stored = named(name);
        let heard = stored.statuses.clone();
        let (kept, deadline) = (stored.reached_nobody, deadline(&stored.job));
        let mut world = stored.world();
        world.happen(Event::Seats(Seat::Taken));
        then(&mut world);
        let status = status(&world);
        let end = (status.phase.unwrap(), status.termination.as_ref().unwrap().cause);
        assert_eq!(end, (phase, cause), "{name}: {status:?}");
        assert_eq!((world.results.len(), world.reached_nobody), (usize::from(!kept), kept), "{name}");
        if let Some(deadline) = deadline.filter(|_| status.attempt == Some(1)) {
            assert_eq!(status.deadline_time.map(|time| time.0), Some(deadline), "{name}");
        }
        let all: Vec<String> =
            heard.into_iter().chain(world.statuses.iter().map(|status| format!("{status:?}"))).collect();
        let mut once = all.clone();
        once.dedup();
        assert_eq!(all, once, "{name}: a status is sent again");
    }
    let mut world = named("deleted").world();
    world.live(30);
    assert!(world.job.is_none() && world.pod.is_none(), "a job that was deleted goes");
    assert_eq!(world.results.len(), 1);
}

fn deadline(job: &OmotesJob) -> Option<Timestamp> {
    Some(job.status.as_ref()?.deadline_time.as_ref()?.0)
}

/// A result that was kept reaches the client whose queue is there again, once.
#[test]
fn a_result_that_an_older_version_kept_is_passed_on() {
    let mut world = named("ended and kept").world();
    world.live(5);
    world.happen(Event::Declare);
    world.live(120);
    assert_eq!((world.results.len(), world.unread, world.withholds()), (1, true, false));
}

/// New fields of a workflow that it does not use change no revision: jobs keep those that they pin.
#[test]
fn a_revision_has_the_name_that_an_older_version_gave_it() {
    let pinned = status(&named("running of a workflow").world()).workflow_revision.unwrap();
    let world = World::new(&super::referring());
    assert!(world.workflows.has(&pinned), "{pinned} is another revision now");
}

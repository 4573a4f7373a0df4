//! How much the operator does: for a hundred jobs at once, and for none.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use kube::{ResourceExt, api::ListParams};
use omotes_operator::testing::api::{OmotesJob, status::Phase};
use serde_json::json;
use tokio::time::sleep;

use super::Fleet;
use crate::support::{
    audit::{self, Request},
    bed::{Space, job, phase, pod_spec},
    broker as rabbit,
    operator::{Operator, resident},
    until,
};

const JOBS: usize = 100;
/// Two cores start two to three pods a second.
const LIMIT: Duration = Duration::from_secs(400);

/// ESDLs that stand in their jobs are not kept in the operator's memory, also where their jobs have not begun.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn inputs_that_stand_in_their_jobs_cost_no_memory() {
    const INPUTS: usize = 200;
    const INLINE_KIB: usize = 128;
    let operator = Operator::settled().await;
    let process = operator.process(&operator.leader().await).await;
    let space = Space::new("inputs").await;
    let before = resident(process);
    let input = json!({"esdl": {"inline": "x".repeat(INLINE_KIB * 1024)}});
    let spec = json!({"suspend": true, "template": {"spec": pod_spec("true")}, "input": input});
    for number in 0..INPUTS {
        space.create(&job(&format!("job-{number}"), &spec)).await;
    }
    until("all jobs are accepted", LIMIT, || async {
        let jobs = space.jobs.list_metadata(&ListParams::default()).await.unwrap().items;
        let held = jobs.iter().filter(|job| !job.finalizers().is_empty()).count();
        if held == INPUTS { Ok(()) } else { Err(format!("{held} of {INPUTS}")) }
    })
    .await;
    let after = resident(process);
    println!(
        "memory of the leader: {} MiB before {INPUTS} inputs of {INLINE_KIB} KiB, {} MiB after",
        before / 1024,
        after / 1024
    );
    let all = u64::try_from(INPUTS * INLINE_KIB).unwrap();
    assert!(after < before + all / 2, "memory grew from {before} KiB to {after} KiB");
    space.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_hundred_jobs_at_once() {
    Operator::settled().await;
    let mut fleet = Fleet::new("scale").await;
    let mark = audit::mark();
    let began = Instant::now();
    for number in 0..JOBS {
        match number % 2 {
            0 => fleet.start(&format!("job-{number}"), 1.0).await,
            _ => fleet.start_bare(&format!("job-{number}"), 1.0).await,
        };
    }
    println!("{JOBS} jobs applied in {:.1?}", began.elapsed());
    until("all jobs have ended", LIMIT, || async {
        sleep(Duration::from_secs(1)).await;
        let jobs = fleet.space.jobs.list(&ListParams::default()).await.unwrap().items;
        let phases = counted(jobs.iter().map(|job| phase(job).map_or("", Phase::as_str)));
        let ended = jobs.iter().filter(|job| phase(job).is_some_and(Phase::is_terminal)).count();
        if ended == JOBS { Ok(()) } else { Err(format!("{phases:?}")) }
    })
    .await;
    println!("all ended after {:.1?}", began.elapsed());
    let depths = rabbit::depths().await;
    let waiting = counted(fleet.crew.iter().map(|member| depths.get(&format!("jobs.{}.result", member.id))));
    assert_eq!(waiting, [(Some(&1), JOBS)].into(), "each client has one result waiting");

    let space = fleet.space.name.clone();
    let deleted = Instant::now();
    fleet.ends_well().await;
    println!("all deleted in {:.1?}", deleted.elapsed());
    let requests = mark.of_operator();
    let late = counted(requests.iter().filter(|request| is_late(request)).map(|request| request.name.clone()));
    println!("{} notes of a result that was read came too late", late.len());
    assert!(late.values().all(|notes| *notes == 1), "a note that came too late came again: {late:?}");
    let unanswered = unanswered(&requests);
    assert!(unanswered.len() <= JOBS / 10, "the apiserver could often not answer: {unanswered:?}");
    let refused =
        requests.iter().filter(|request| request.was_refused() && !is_first_look(request) && !is_late(request));
    let errors = counted(refused.filter(|request| !unanswered.contains(job_of(request))).map(failed));
    println!("errors: {errors:?}");
    let looks = requests.iter().filter(|request| is_first_look(request)).count();
    assert!(looks <= 1, "a Secret that is there is found: {looks} looks found none");
    assert_prices(requests.iter().filter(|request| request.namespace == space), &unanswered);
    assert!(errors.is_empty(), "nothing the operator asks for is refused: {errors:?}");
}

/// Before a namespace's first job the courier's Secret is not there, and the operator learns it by this answer.
fn is_first_look(request: &Request) -> bool {
    request.code == 404 && request.short() == "get secrets"
}

/// A job is deleted while it is noted that its result was read.
fn is_late(request: &Request) -> bool {
    request.code == 409 && request.short() == "patch omotesjobs/status"
}

fn failed(request: &Request) -> String {
    format!("{} {}", request.code, request.short())
}

/// The job that a request for a job or its pod is about; the name of anything else.
fn job_of(request: &Request) -> &str {
    request.name.strip_suffix("-1").filter(|_| request.resource == "pods").unwrap_or(&request.name)
}

/// The names of what the apiserver had no answer for. The operator asks again, so such a job has no fixed price, and what was
/// done without an answer is refused the second time.
fn unanswered(requests: &[Request]) -> BTreeSet<String> {
    let unanswered = || requests.iter().filter(|request| request.was_unanswered());
    println!("the apiserver had no answer: {:?}", counted(unanswered().map(failed)));
    unanswered().map(|request| job_of(request).to_owned()).collect()
}

/// Every write of the operator for these jobs that was taken, by kind: the price of each job is what it should be. A note
/// that came too late is tried again before the deletion is known.
fn assert_prices<'a>(requests: impl Iterator<Item = &'a Request>, unanswered: &BTreeSet<String>) {
    let mut jobs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for write in requests.filter(|request| request.is_write() && request.resource != "secrets" && !is_late(request)) {
        jobs.entry(job_of(write)).or_default().push(write.short());
    }
    assert_eq!(jobs.len(), JOBS);
    jobs.retain(|name, _| !unanswered.contains(*name));
    let all = counted(jobs.values().flatten());
    let patches = jobs.values().map(|writes| writes.iter().filter(|w| *w == "patch omotesjobs/status").count());
    println!("writes: {all:?}; jobs by number of status patches: {:?}", counted(patches.clone()));
    for (name, writes) in &jobs {
        let of = counted(writes.iter().map(String::as_str).filter(|write| *write != "patch omotesjobs/status"));
        assert_eq!(of, [("create pods", 1), ("patch pods", 1), ("patch omotesjobs", 2)].into(), "{name}: {writes:?}");
    }
    // What it waits for, Running, the end, and that its result was read. On a busy machine a job waits for two things.
    let dear = patches.clone().filter(|patches| *patches > 4).count();
    assert!(
        dear <= JOBS / 20 && patches.clone().all(|patches| patches <= 5),
        "{dear} jobs have more than four patches"
    );
}

fn counted<T: Ord>(items: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    items.fold(BTreeMap::new(), |mut counts, item| {
        *counts.entry(item).or_default() += 1;
        counts
    })
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn without_live_jobs_there_is_silence() {
    const WHILE: Duration = Duration::from_secs(20);
    let operator = Operator::settled().await;
    let jobs = kube::Api::<OmotesJob>::all(operator.client.clone()).list(&ListParams::default()).await.unwrap();
    let live = jobs.iter().filter(|job| !phase(job).is_some_and(Phase::is_terminal)).map(ResourceExt::name_any);
    assert_eq!(live.collect::<Vec<_>>(), Vec::<String>::new(), "no job may be alive");
    let mark = audit::mark();
    sleep(WHILE).await;
    let requests = mark.of_operator();
    let asked = counted(requests.iter().map(Request::short));
    println!("asked in {WHILE:?}: {asked:?}");
    let noise = asked.keys().filter(|short| !short.ends_with(" leases") && !short.starts_with("watch "));
    assert_eq!(noise.collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(asked["update leases"] > 5, "the leader renews, and the audit log sees it");
}

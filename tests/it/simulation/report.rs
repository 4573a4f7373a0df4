//! What a run left behind, and how that differs from a run in which nothing went wrong.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kube::ResourceExt;
use omotes_operator::testing::api::{OmotesJob, OmotesJobStatus};
use serde_json::Value;

use super::{client::Heard, nodes::Life, world::World};

/// What counts of a run when it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// What did not come about.
    pub gave_up: Option<String>,
    /// How each job is: its phase, and how it came there.
    pub jobs: BTreeMap<String, String>,
    /// What the client heard of each job: a new leader may say a status again, which counts once; progress does not count.
    pub heard: BTreeMap<String, Vec<String>>,
    /// How many results came to each job's client.
    pub results: BTreeMap<String, usize>,
    /// In which pods a program has begun.
    pub started: Vec<String>,
    /// All that is left: objects, queues, and what holds them.
    pub left: Vec<String>,
    /// Programs of one job that ran at one time.
    pub overlap: Option<String>,
    /// How many programs of jobs ran at one time at most.
    pub at_once: usize,
    /// Programs that ran on after their job's `maxRunSeconds`.
    pub overran: Vec<String>,
    /// How many effects there were.
    pub effects: usize,
}

/// How long after its deadline a program has ended at the latest: a leader that stands still is replaced before.
const DEADLINE_DELAY: SignedDuration = SignedDuration::from_secs(45);

impl Report {
    /// Looks at a world in which nothing happens any more.
    pub(crate) fn of(world: &World, outcome: Result<(), String>) -> Self {
        let heard = world.heard();
        let results = |heard: &Vec<Heard>| heard.iter().filter(|heard| matches!(heard, Heard::Result { .. })).count();
        Self {
            gave_up: outcome.err(),
            jobs: world.all("omotesjobs").iter().map(|job: &OmotesJob| (job.name_any(), shown(job))).collect(),
            results: heard.iter().map(|(id, heard)| (id.clone(), results(heard))).collect(),
            heard: heard.into_iter().map(|(id, heard)| (id, summary(&heard))).collect(),
            started: started(world),
            at_once: at_once(world),
            left: left(world),
            overlap: world.nodes().two_at_once().map(|lives| format!("{lives:?}")),
            overran: overran(world),
            effects: world.effects().done().len(),
        }
    }

    /// What is wrong with it beside a run in which nothing went wrong; empty where all is well.
    pub(crate) fn faults(&self, calm: &Self) -> Vec<String> {
        let mut faults: Vec<String> = self.gave_up.iter().cloned().collect();
        let twice = self.results.iter().filter(|(_, count)| **count > 1);
        faults.extend(twice.map(|(id, count)| format!("the client of {id} got {count} results")));
        faults.extend(self.overlap.iter().map(|overlap| format!("two programs of one job at one time: {overlap}")));
        faults.extend(self.overran.iter().cloned());
        if self.at_once > calm.at_once {
            faults.push(format!("{} programs ran at one time, where {} may", self.at_once, calm.at_once));
        }
        let differs = |what: &str, own: String, calm: String| {
            (own != calm).then(|| format!("{what}: {own}\n      without a fault: {calm}"))
        };
        faults.extend(differs("jobs", format!("{:?}", self.jobs), format!("{:?}", calm.jobs)));
        faults.extend(differs("heard", format!("{:?}", self.heard), format!("{:?}", calm.heard)));
        faults.extend(differs("programs", format!("{:?}", self.started), format!("{:?}", calm.started)));
        faults.extend(differs("left", format!("{:?}", self.left), format!("{:?}", calm.left)));
        // An effect that failed is tried again, and a new leader looks at everything.
        let most = 3 * calm.effects + 60;
        if self.effects > most {
            faults.push(format!("{} effects, where {most} would do", self.effects));
        }
        faults
    }
}

/// The lives of programs that had a job.
fn mains(world: &World) -> impl Iterator<Item = Life> {
    world.nodes().lives().into_iter().filter(|life| life.is_main && !life.job.is_empty())
}

fn at_once(world: &World) -> usize {
    let lives: Vec<Life> = mains(world).collect();
    let runs_at = |life: &Life, time| life.began <= time && life.ended.is_none_or(|ended| ended > time);
    let counts = lives.iter().map(|one| lives.iter().filter(|other| runs_at(other, one.began)).count());
    counts.max().unwrap_or_default()
}

fn overran(world: &World) -> Vec<String> {
    let jobs: Vec<OmotesJob> = world.all("omotesjobs");
    let now = world.apiserver().now();
    let late = |life: Life| {
        let job = jobs.iter().find(|job| job.name_any() == life.job)?;
        let most = SignedDuration::from_secs(job.spec.max_run_seconds?);
        let lasted = life.ended.unwrap_or(now).duration_since(life.began);
        (lasted > most + DEADLINE_DELAY)
            .then(|| format!("{} ran for {lasted:#}, and was to run for {most:#}", life.job))
    };
    mains(world).filter_map(late).collect()
}

fn started(world: &World) -> Vec<String> {
    let mut started: Vec<String> = mains(world).map(|life| format!("{} in {}", life.job, life.pod)).collect();
    started.sort();
    started
}

fn shown(job: &OmotesJob) -> String {
    let Some(status) = &job.status else { return "no status".to_owned() };
    let OmotesJobStatus { phase, attempt, attempts, failures, disruptions, termination, .. } = status;
    let causes: Vec<String> = attempts.iter().map(|attempt| format!("{:?}", attempt.cause)).collect();
    let cause = termination.as_ref().map(|termination| &termination.cause);
    format!(
        "{phase:?} attempt {attempt:?} {causes:?} failures {failures:?} disruptions {disruptions:?} cause {cause:?}"
    )
}

fn summary(heard: &[Heard]) -> Vec<String> {
    let mut said = Vec::new();
    for heard in heard.iter().filter(|heard| !matches!(heard, Heard::Progress(_))).map(ToString::to_string) {
        if !said.contains(&heard) {
            said.push(heard);
        }
    }
    said
}

fn left(world: &World) -> Vec<String> {
    let mut left = Vec::new();
    for plural in ["omotesjobs", "omotesworkflows", "pods", "secrets"] {
        for object in world.apiserver().objects(plural) {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let finalizers = object["metadata"]["finalizers"].as_array().map_or(&[][..], Vec::as_slice);
            let held: Vec<&str> = finalizers.iter().filter_map(Value::as_str).collect();
            let held = if held.is_empty() { String::new() } else { format!(", held by {}", held.join(" and ")) };
            left.push(format!("{plural} {name}{held}"));
        }
    }
    let queues = world.broker().queues().into_iter().filter(|queue| queue.owner.is_none());
    left.extend(queues.map(|queue| format!("queue {} with {}", queue.name, queue.messages)));
    left
}

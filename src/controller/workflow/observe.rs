//! Reads what a decision on a workflow needs. Writes nothing but this process's memory.
//!
//! Ring: shell.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::{OmotesJob, OmotesWorkflow, names},
    controller::state::{Key, State, is_of},
    plan::facts::pod_state::{self, Life, REASON_STARTING},
    pods::{main_container, warm},
    text::bounded_chars,
    workflow::{
        advance::{HeldRevision, JobCounts, ObservedWorkflow},
        pool::{self, Pool, Trouble, WarmPod},
    },
};

use super::memory::{PoolMemory, WorkflowMemory};

/// What is known of the workflow at `now`. Nothing is asked for: what its pool lacks, `execute::prepare_pool` brings.
pub(super) fn observe(state: &State, key: &Key, memory: &mut WorkflowMemory, now: Timestamp) -> ObservedWorkflow {
    let (namespace, name) = key;
    let jobs = state.jobs.store().state_filter(|job| is_of(job, key));
    let pinned: HashSet<&str> =
        jobs.iter().filter_map(|job| job.status.as_ref()?.workflow_revision.as_deref()).collect();
    let revisions = state.revisions.filtered(|revision| {
        revision.metadata.namespace.as_ref() == Some(namespace)
            && revision.labels().get(names::LABEL_WORKFLOW) == Some(name)
    });
    memory.idle.retain(|known, _| {
        !pinned.contains(known.as_str()) && revisions.iter().any(|revision| revision.name_any() == *known)
    });
    let held = revisions.into_iter().map(|object| {
        let revision = object.name_any();
        let idle = || *memory.idle.entry(revision.clone()).or_insert(now);
        let idle_since = (!pinned.contains(revision.as_str())).then(idle);
        HeldRevision { object, idle_since }
    });
    let revisions = held.collect();
    let workflow = state.catalog.cache.get(namespace, name);
    let rival = workflow.as_ref().and_then(|workflow| state.catalog.rival(workflow));
    let pool = match &workflow {
        Some(workflow) => look_at_pool(workflow, &mut memory.pool, now, state),
        None => Pool::default(),
    };
    let jobs = count(state, key, &jobs);
    let slots = state.seats.use_of(key);
    ObservedWorkflow { now, workflow, rival, revisions, jobs, slots, pool, written: memory.written }
}

fn count(state: &State, key: &Key, jobs: &[Arc<OmotesJob>]) -> JobCounts {
    let mut counts = JobCounts::default();
    for job in jobs {
        let ended = job.has_ended();
        let holds = state.seats.is_holder(key, &job.uid().unwrap_or_default());
        match (holds, ended) {
            (true, _) => counts.running += 1,
            (false, true) => counts.finished += 1,
            (false, false) => counts.waiting += 1,
        }
    }
    counts
}

/// What is known of the pods of `workflow` that wait; `memory` forgets what is over.
fn look_at_pool(workflow: &OmotesWorkflow, memory: &mut PoolMemory, now: Timestamp, state: &State) -> Pool {
    let pods = state.waiting_in(&workflow.namespace().unwrap_or_default(), &workflow.name_any());
    let main = main_container(&workflow.spec.template);
    let pods: Vec<WarmPod> = pods.into_iter().map(|pod| known(pod, &main, now, state)).collect();
    if pool::has_recovered(&pods, &memory.trouble, now) {
        memory.trouble = Trouble::default();
    }
    Pool { pods, form: None, trouble: memory.trouble.clone() }
}

fn known(pod: Arc<Pod>, main: &str, now: Timestamp, state: &State) -> WarmPod {
    let is_promised = state.is_promised(&pod);
    let obstacle = obstacle(&pod, main, now);
    WarmPod { pod, main: main.to_owned(), is_promised, obstacle }
}

/// What keeps `pod` from being ready, or how it ended.
fn obstacle(pod: &Pod, main: &str, now: Timestamp) -> Option<String> {
    let exit = warm::main_end(pod, main)
        .map(|end| format!("exit code {}: {}", end.exit_code, end.message.as_deref().unwrap_or_default().trim()));
    let words = match pod_state::life(pod, main, now) {
        Life::Waiting { reason, message } => (reason != REASON_STARTING).then(|| format!("{reason}: {message}")),
        Life::Ended(ending) => {
            let pod = ending.pod.map(|(reason, message)| format!("{reason}: {message}"));
            ending.culprit.or(exit).or(pod)
        }
        Life::Running(_) | Life::Winding(_) => exit,
    };
    words.map(|words| bounded_chars(&words, 512))
}

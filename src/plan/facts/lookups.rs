//! What has to be asked before a decision: costly questions, asked only of a job that ends.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

use crate::{
    api::time::after,
    plan::facts::{
        SILENT_WAIT, admission,
        ending::Ending,
        observed::Observed,
        outcome::{self, Circumstances, Verdict},
        pod_state::{self, Life, REASON_STARTING},
        stop_times,
        winding::{self, MainEnd},
    },
    pods::{Settings, main_of},
    wire::OutputMark,
};

/// How long after the first look at a pod's Events the next one is; twice as long after each that follows.
const FIRST_LOOK_WAIT_SECONDS: i64 = 10;
const LONGEST_LOOK_WAIT_SECONDS: i64 = 60;

/// What has to be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Inquiry {
    /// Nothing: the job can still run, so nobody has told its client how it ended.
    Alive,
    /// Nothing of the broker, for the same reason; but Kubernetes' Events: the pod has not started for a while.
    Unstarted,
    /// Nothing: its main has ended, and how is not proved yet. A former leader may have known more, and told the client.
    Winding,
    /// Nothing yet: the watch does not show its pod. It is looked up, or made, first.
    Unseen,
    /// Nothing: its status says how it ended, or it was never taken on.
    Settled,
    /// Whether its client has been told already, and for the output that its courier sent.
    Ending {
        /// When the program ended, where it ran.
        finished: Option<Timestamp>,
        /// By what the courier's output is known; `None` where there can be none.
        output: Option<OutputMark>,
        /// Whether the outcome depends on it; else it only has the program's messages.
        needs_output: bool,
    },
}

/// What has to be asked about `observed`'s job.
#[must_use]
pub fn inquiry(observed: &Observed, settings: &Settings) -> Inquiry {
    if observed.is_terminal() || !observed.has_finalizer() {
        return Inquiry::Settled;
    }
    let over = Inquiry::Ending { finished: None, output: None, needs_output: false };
    if admission::has_client(observed, settings) && admission::rejection(observed, settings).is_some() {
        return over;
    }
    let status = observed.status();
    let life = |pod: &Pod| pod_state::life(pod, &main_of(&observed.job, pod), observed.now);
    match own_pod(observed).map(|pod| (pod, life(pod))) {
        Some((_, Life::Ended(ending))) => about(observed, settings, *ending),
        Some((pod, Life::Winding(winding))) => match winding::standing(observed, pod, &winding) {
            MainEnd::Open => Inquiry::Winding,
            MainEnd::Proved | MainEnd::Overdue => about(observed, settings, winding.ending),
        },
        Some((pod, _)) if stop_times::is_unconfirmed(observed, pod) => over,
        Some((pod, Life::Waiting { reason, .. }))
            if reason == REASON_STARTING
                && (is_late(observed, settings) || next_look(observed, pod) <= observed.now) =>
        {
            Inquiry::Unstarted
        }
        Some(_) => Inquiry::Alive,
        // It may be there, and have ended.
        None if observed.no_pod().is_none() => Inquiry::Unseen,
        // Without a pod nothing is sent before the intent to stop is stored.
        None if status.abort.is_some() || status.start_time.is_some() => over,
        None => Inquiry::Alive,
    }
}

/// When Kubernetes' Events of a pod that does not start are looked at: after a while of silence, then more and more seldom.
/// The kubelet repeats the Event of a failed mount for as long as it fails.
pub(crate) fn next_look(observed: &Observed, pod: &Pod) -> Timestamp {
    match &observed.pod_events {
        None => pod.creation_timestamp().map_or(observed.now, |time| time.0) + SILENT_WAIT,
        Some(events) => {
            let wait = FIRST_LOOK_WAIT_SECONDS << events.looks.saturating_sub(1).min(10);
            after(events.looked, wait.min(LONGEST_LOOK_WAIT_SECONDS))
        }
    }
}

/// Whether the job is about to be given up because its program did not start.
fn is_late(observed: &Observed, settings: &Settings) -> bool {
    let due = settings.defaults.start_deadline(&observed.job);
    observed.status().abort.is_none() && due.is_some_and(|due| observed.now >= due)
}

fn own_pod(observed: &Observed) -> Option<&Pod> {
    observed.own_pod().map(|pod| &**pod)
}

fn about(observed: &Observed, settings: &Settings, ending: Ending) -> Inquiry {
    let ending = observed.heard(ending);
    let finished = ending.exit.as_ref().and_then(|exit| exit.finished);
    let record = ending.committed().map(OutputMark::Record);
    let needs_output = matches!(outcome::judge(ending, &Circumstances::of(observed)), Verdict::NeedsOutput(..));
    let proof = || observed.current().proof(observed.own_pod()?, settings).map(OutputMark::Proof);
    Inquiry::Ending { finished, output: record.or_else(|| proof().filter(|_| needs_output)), needs_output }
}

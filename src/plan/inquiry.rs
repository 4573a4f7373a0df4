//! What has to be asked before a decision: costly questions, asked only of a job that ends.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::wire::CommitRecord;

use super::{
    Settings,
    attempt::{self, Ending, Life, REASON_STARTING},
    observed::{Observed, Sight},
    outcome::{self, Circumstances, Verdict},
    stop,
};

/// What has to be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Inquiry {
    /// Nothing: the job can still run, so nobody has told its client how it ended.
    Alive,
    /// Nothing of the broker, for the same reason; but what Kubernetes' Events say keeps its pod from starting.
    Unstarted,
    /// Nothing: its status says how it ended, or it was never taken on.
    Settled,
    /// Whether its client has been told already, and for the output that its courier sent.
    Ending {
        /// When the program ended, where it ran.
        finished: Option<Timestamp>,
        /// What the courier says that it sent, where the outcome depends on it.
        output: Option<CommitRecord>,
    },
}

/// What has to be asked about `observed`'s job.
#[must_use]
pub fn inquiry(observed: &Observed, settings: &Settings) -> Inquiry {
    if observed.is_terminal() || !observed.has_finalizer() {
        return Inquiry::Settled;
    }
    let over = Inquiry::Ending { finished: None, output: None };
    let status = observed.status();
    match own_pod(observed).map(|pod| (pod, attempt::life(pod, observed.now))) {
        Some((_, Life::Ended(ending))) => about(observed, *ending),
        Some((pod, _)) if stop::is_unconfirmed(observed, pod) => over,
        Some((_, Life::Waiting { reason, .. })) if reason == REASON_STARTING && is_late(observed, settings) => {
            Inquiry::Unstarted
        }
        Some(_) => Inquiry::Alive,
        // Without a pod nothing is sent before the intent to stop is stored.
        None if status.abort.is_some() || status.start_time.is_some() => over,
        None => Inquiry::Alive,
    }
}

/// Whether the job is about to be given up because its program did not start.
fn is_late(observed: &Observed, settings: &Settings) -> bool {
    let due = settings.defaults.start_deadline(&observed.job);
    observed.status().abort.is_none() && due.is_some_and(|due| observed.now >= due)
}

fn own_pod(observed: &Observed) -> Option<&Pod> {
    match &observed.pod {
        Sight::Known(pod) => attempt::is_owned_by(pod, &observed.uid()).then_some(&**pod),
        Sight::Absent | Sight::Unreachable => None,
    }
}

fn about(observed: &Observed, ending: Ending) -> Inquiry {
    let finished = ending.exit.as_ref().and_then(|exit| exit.finished);
    let output = match outcome::judge(ending, &Circumstances::of(observed)) {
        Verdict::NeedsOutput(_, record) => Some(record),
        Verdict::Final(_) => None,
    };
    Inquiry::Ending { finished, output }
}

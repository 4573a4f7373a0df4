//! What has to be asked of the broker before a decision: costly questions, asked only of a job that ends.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::wire::CommitRecord;

use super::{
    attempt::{self, Ending, Life},
    observed::{Observed, Sight},
    outcome::{self, Circumstances, Verdict},
};

/// What has to be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Inquiry {
    /// Nothing: the job can still run, so nobody has told its client how it ended.
    Alive,
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
pub fn inquiry(observed: &Observed) -> Inquiry {
    if observed.is_terminal() || !observed.has_finalizer() {
        return Inquiry::Settled;
    }
    match own_pod(observed).map(attempt::life) {
        Some(Life::Ended(ending)) => about(observed, *ending),
        Some(Life::Waiting { .. } | Life::Running(_) | Life::Winding { .. }) => Inquiry::Alive,
        None if observed.deletion().is_some() || observed.status().start_time.is_some() => {
            Inquiry::Ending { finished: None, output: None }
        }
        None => Inquiry::Alive,
    }
}

fn own_pod(observed: &Observed) -> Option<&Pod> {
    match &observed.pod {
        Sight::Known(pod) => attempt::is_owned_by(pod, &observed.uid()).then_some(&**pod),
        Sight::Absent | Sight::Unreachable => None,
    }
}

fn about(observed: &Observed, ending: Ending) -> Inquiry {
    let finished = ending.exit.as_ref().and_then(|exit| exit.finished);
    let output = match outcome::judge(ending, Circumstances::of(observed)) {
        Verdict::NeedsOutput(_, record) => Some(record),
        Verdict::Final(_) => None,
    };
    Inquiry::Ending { finished, output }
}

//! What is known of a job, and what follows from that alone.
//!
//! Ring: core. Each file answers one question about an [`observed::Observed`] job or its pod, and plans nothing.

use jiff::SignedDuration;

pub(crate) mod admission;
mod client;
mod deadline;
pub(crate) mod demand;
pub mod disruption;
pub mod ending;
pub mod failure;
pub mod lookups;
pub(crate) mod node_clock;
pub mod observed;
pub mod orphans;
pub mod outcome;
pub mod owner;
pub mod pod_state;
pub mod presence;
pub mod seat;
pub(crate) mod stop_times;
pub mod winding;

/// How long a job waits in silence before its status says what it waits for. A pod on a node that has its image starts
/// sooner, and then the status is written once, at Running.
pub(crate) const SILENT_WAIT: SignedDuration = SignedDuration::from_secs(10);
/// How often a job that waits for the broker is looked at, should nobody tell that the broker is back: an alarm that is
/// over, say.
pub(crate) const BROKER_RETRY: SignedDuration = SignedDuration::from_secs(15);

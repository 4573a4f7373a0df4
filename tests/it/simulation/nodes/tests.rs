//! What becomes of pods on simulated nodes, and what their statuses say of it.

mod bed;
mod disruptions;
mod lives;
mod operators_pod;
mod scheduling;

//! A pass over one job: observe, plan, execute.
//!
//! Ring: shell.

mod clocks;
mod esdl;
mod execute;
mod observe;
mod reconcile;
mod trace;

pub(super) use reconcile::reconcile_all;

//! A whole cluster in memory, in which the operator runs with paused time.

mod apiserver;
mod conformance;
mod controls;
mod nodes;
mod watching;

//! A whole cluster in memory, in which the operator runs with paused time.

mod apiserver;
mod controls;
mod watching;

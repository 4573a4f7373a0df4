//! All tests but the unit tests, in one binary.
//!
//! The first group needs nothing but this checkout (`make test-unit`). The others run against a real apiserver, kubelet
//! and RabbitMQ with the operator installed (`make test`) and are ignored without them. `disruption` breaks things that
//! the others rely on, so it runs by itself, one test at a time. `deadlines` measures, and has a target of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod architecture;
mod convergence;
mod crd;
mod golden;
mod intake;
mod search;
mod simulation;

mod audit;
mod broker;
mod cases;
mod courier;
mod deadlines;
mod disruption;
mod gateway;
mod lives;
mod output;
mod refusals;
mod rights;
mod support;
mod trust;
mod warm;

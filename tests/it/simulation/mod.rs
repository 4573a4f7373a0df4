//! A whole cluster in memory, in which the operator runs with paused time.
//!
//! The replicas are the operator's own code from `Replica::serve` down, and so are the couriers in pods; apiserver, RabbitMQ with
//! its management API, scheduler, kubelets and controllers are simulated; apiserver, RabbitMQ and kubelets are held to the same
//! transcripts as real ones. [`world`] puts them together, [`scenarios`] are the lives of jobs in it.
//!
//! Each thing that a replica does to the apiserver or the broker is an effect with a number ([`effects`]). [`runs`] repeats each
//! scenario for each effect and each way in which that can go wrong, and compares what is left with a run in which nothing goes
//! wrong ([`report`]): how the jobs ended, what their clients heard, in which pods programs ran, what is left of all. A run is
//! repeated by its scenario and the numbers that a failure prints: `Scenario::run(&[(Point::Effect(17), EffectFault::DiesAfter)])`.
//!
//! # Caveats
//! What is read does not go wrong, nor does the Lease; Events have the system's clock, and are no effects. What the simulated
//! apiserver and broker leave out stands at their heads.

mod apiserver;
mod client;
mod conformance;
mod controls;
mod couriers;
mod disturbances;
mod effects;
mod folder;
mod management;
mod nightly;
mod nodes;
mod replicas;
mod report;
mod runs;
mod scenario;
mod scenarios;
mod sweep;
mod watching;
mod world;

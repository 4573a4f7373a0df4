//! omotes-operator: long, expensive jobs as Kubernetes resources, with their results on RabbitMQ.
//!
//! # Rings
//! ```text
//! shell   main cli config operator leader http telemetry controller gateway broker courier backoff clock newest task   async, clients, clock
//!   |
//! core    denial  intake  plan  pods  result  limits  topology  wire  workflow                              pure: no clock, no I/O
//!   |
//! api     api  text  words                                                                                  types, schema, names
//! ```
//! Imports lead inward only, from a room to those below it and never in a circle; `tests/it/architecture.rs` has their order
//! and holds that. A pass over a job is: [`controller`] observes (reads only, takes the time once), [`plan`] decides (pure
//! and total), [`controller`] executes (writes only), until the plan is empty.
//!
//! # Invariants
//! - Nothing outside before the job has the operator's finalizer; the finalizer goes last. A job that came over AMQP has it
//!   from the start, because its input is there before.
//! - The result is sent between the last non-terminal and the terminal status, over the one connection that holds the
//!   exclusive leader queue, always with the same message-id; after a crash only where the broker has no evidence of it.
//! - Unknown is not absent: nothing is deleted or made again because something could not be looked at.
//! - One live pod for each job. Where an attempt may get one that waited, which it gets is stored before it gets any.
//! - Terminal is terminal, and a pod's exit codes are stored before the pod can go.

#![forbid(unsafe_code)]

pub mod api;
mod backoff;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod controller;
pub mod courier;
pub mod denial;
pub mod gateway;
pub mod http;
pub mod intake;
pub mod leader;
pub mod limits;
mod newest;
pub mod operator;
pub mod plan;
pub mod pods;
pub mod result;
mod task;
pub mod telemetry;
mod text;
pub mod topology;
pub mod wire;
mod words;
pub mod workflow;

/// What a simulation of several replicas works with.
#[cfg(any(test, feature = "simulation"))]
pub use task::Tasks;

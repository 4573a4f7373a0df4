//! omotes-operator: long, expensive jobs as Kubernetes resources, with their results on RabbitMQ.
//!
//! # Rings
//! ```text
//! shell   main command cli config operator leader http telemetry controller gateway broker courier backoff clock newest task   async, clients, clock
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
#![cfg_attr(feature = "testing", warn(unreachable_pub))]

mod api;
mod backoff;
mod broker;
mod cli;
mod clock;
mod command;
mod config;
mod controller;
mod courier;
mod denial;
mod gateway;
mod http;
mod intake;
mod leader;
mod limits;
mod newest;
mod operator;
mod plan;
mod pods;
mod result;
mod task;
mod telemetry;
mod text;
mod topology;
mod wire;
mod words;
mod workflow;

pub use command::run;

/// The rooms that `tests/it` looks into.
///
/// The feature is off in every build that is not for tests: the compiler calls nothing dead that a library exports.
#[cfg(feature = "testing")]
pub mod testing {
    macro_rules! rooms {
        ($($room:ident)*) => {$(
            #[doc = concat!("What `", stringify!($room), "` shows to tests.")]
            pub mod $room {
                pub use crate::$room::*;
            }
        )*};
    }
    rooms!(api broker clock courier intake limits operator plan pods result task topology wire workflow);
}

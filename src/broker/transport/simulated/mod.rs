//! A RabbitMQ in memory, for tests: deterministic, and driven by Tokio's clock alone.
//!
//! Ring: shell. Its clients' side is spoken to as lapin is, with lapin's options, tables and errors, and knows nothing of
//! what is built on it.
//!
//! Guarantees: what it does it does as RabbitMQ does, and says in RabbitMQ's words; `conformance` compares both. An
//! operation takes no time, and everything comes in order.
//!
//! Caveats: one virtual host and one node; classic queues only; users have no passwords and no limits to what they may do;
//! no dead letters, no priorities, no headers exchange, no policies and no management API.

mod arguments;
mod broker;
mod channel;
mod confirm;
mod connection;
mod consumer;
mod consuming;
mod control;
mod declaring;
mod ending;
mod exchange;
mod failure;
mod line;
mod message;
mod publishing;
mod queue;
mod records;
mod refusal;
mod state;
#[cfg(test)]
mod tests;

pub use broker::SimulatedBroker;
pub use control::{SimulatedConnection, SimulatedQueue, TakenMessage};
pub use failure::{Failure, Operation, OperationAsked};

pub(super) use channel::Channel;
pub(super) use confirm::Confirm;
pub(super) use connection::Connection;
pub(super) use consumer::{Acker, Consumer, Delivery};
pub(super) use declaring::Counts;
pub(super) use message::Delivered;
pub(super) use publishing::Outcome;

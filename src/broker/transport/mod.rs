//! What the operator and the courier need of AMQP, in words of their own.
//!
//! Ring: shell. The one place that names lapin. Connections, channels, consumers, confirmations and acknowledgements are
//! enums of what carries them, so that another carrier is one more variant, and no other module learns of it. For tests
//! there is one more: a simulated broker.
//!
//! Guarantees: what is asked of the broker has no limit in time and no second try, and is one request each; consuming is
//! two, of which the bound on what comes by itself goes first. Any may be dropped at any moment. The last handle of a
//! channel closes it, a consumer among them; a consumer that is dropped is cancelled; what is not acknowledged returns to
//! its queue when its channel closes.

mod address;
mod channel;
mod confirm;
#[cfg(test)]
mod conformance;
mod connect;
mod connection;
mod connector;
mod consumer;
mod delivery;
mod error;
#[cfg(feature = "testing")]
mod simulated;
mod values;

pub(crate) use address::Address;
pub(crate) use channel::{Channel, Publication, QueueCounts, QueueLife};
pub(crate) use confirm::{Confirm, Confirmation};
pub(crate) use connection::{Connection, Event};
pub(crate) use consumer::Consumer;
pub(crate) use delivery::{Acker, Delivery, Properties};
pub(crate) use error::{AmqpError, Fault, code};
pub(crate) use values::check_name;

pub use connector::Connector;
#[cfg(feature = "testing")]
pub use simulated::{
    Failure, Operation, OperationAsked, SimulatedBroker, SimulatedConnection, SimulatedQueue, TakenMessage,
};

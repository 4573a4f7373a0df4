//! What carries a connection.
//!
//! Ring: shell; plain values.

#[cfg(feature = "testing")]
use super::simulated::SimulatedBroker;

/// What connections are opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connector {
    /// AMQP over TCP, to where the URI leads.
    #[default]
    Amqp,
    /// A broker in memory. Of the URI only user and virtual host count.
    #[cfg(feature = "testing")]
    Simulated(SimulatedBroker),
}

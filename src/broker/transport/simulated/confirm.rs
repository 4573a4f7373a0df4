//! The confirmation of a message that was published.
//!
//! Ring: shell.

use std::pin::Pin;
use std::task::{Context, Poll};

use lapin::Error;
use tokio::sync::oneshot;

use super::broker::SimulatedBroker;
use super::publishing::Outcome;
use super::records::Origin;

/// What becomes of a message. It keeps no channel open.
#[derive(Debug)]
pub(crate) struct Confirm {
    broker: SimulatedBroker,
    origin: Origin,
    reply: oneshot::Receiver<Result<Outcome, Error>>,
}

impl Confirm {
    pub(super) fn new(
        broker: SimulatedBroker,
        origin: Origin,
        reply: oneshot::Receiver<Result<Outcome, Error>>,
    ) -> Self {
        Self { broker, origin, reply }
    }
}

impl Future for Confirm {
    type Output = Result<Outcome, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = Pin::new(&mut self.reply).poll(context);
        reply.map(|reply| reply.unwrap_or_else(|_| Err(self.broker.why_ended(self.origin))))
    }
}

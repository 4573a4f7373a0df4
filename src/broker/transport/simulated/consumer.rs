//! The client's side of a consumer, and of the messages that come to it.
//!
//! Ring: shell.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::Stream;
use lapin::Error;
use lapin::options::BasicRejectOptions;
use tokio::sync::mpsc::UnboundedReceiver;

use super::broker::SimulatedBroker;
use super::consuming::Settlement;
use super::failure::Operation;
use super::line::Lane;
use super::message::Delivered;
use super::records::{Id, Origin};

/// A queue's messages. It is cancelled when this is dropped.
#[derive(Debug)]
pub(crate) struct Consumer {
    lane: Arc<Lane>,
    id: Id,
    deliveries: UnboundedReceiver<Result<Delivered, Error>>,
}

/// A message, and what settles it.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) delivered: Delivered,
    pub(crate) acker: Acker,
}

/// Settles one message, once. It keeps no channel open.
#[derive(Debug)]
pub(crate) struct Acker {
    broker: SimulatedBroker,
    origin: Origin,
    tag: u64,
    is_used: AtomicBool,
}

impl Consumer {
    pub(super) fn new(lane: Arc<Lane>, id: Id, deliveries: UnboundedReceiver<Result<Delivered, Error>>) -> Self {
        Self { lane, id, deliveries }
    }
}

impl Stream for Consumer {
    type Item = Result<Delivery, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.deliveries.poll_recv(context);
        let attach = |delivered| Acker::attach(&self.lane.line.broker, self.lane.origin(), delivered);
        next.map(|next| next.map(|next| next.map(attach)))
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let (connection, id) = (self.lane.line.id, self.id);
        self.lane.line.broker.with(|state| state.in_order(connection, move |state| state.cancel(id)));
    }
}

impl Acker {
    pub(super) fn attach(broker: &SimulatedBroker, origin: Origin, delivered: Delivered) -> Delivery {
        let acker = Self { broker: broker.clone(), origin, tag: delivered.tag, is_used: AtomicBool::new(false) };
        Delivery { delivered, acker }
    }

    pub(crate) fn ack(&self) -> Result<bool, Error> {
        self.settle(Settlement::Acknowledge)
    }

    pub(crate) fn reject(&self, options: BasicRejectOptions) -> Result<bool, Error> {
        self.settle(if options.requeue { Settlement::Requeue } else { Settlement::Discard })
    }

    /// The broker does not answer. False where the channel has ended, or the message was settled before.
    fn settle(&self, settlement: Settlement) -> Result<bool, Error> {
        let (origin, tag) = (self.origin, self.tag);
        let Some(channel) = origin.channel.filter(|_| self.broker.is_open(origin)) else { return Ok(false) };
        if self.is_used.swap(true, Ordering::Relaxed) {
            return Ok(false);
        }
        drop(self.broker.order(origin, Operation::Settle, move |state| state.settle(channel, tag, settlement)));
        if self.broker.is_open(origin) { Ok(true) } else { Err(self.broker.why_ended(origin)) }
    }
}

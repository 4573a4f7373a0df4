//! What keeps a connection or a channel open at the broker: it ends with its last handle.
//!
//! Ring: shell.

use std::sync::Arc;

use super::broker::SimulatedBroker;
use super::records::{Id, Origin};
use super::refusal::{ended_channel, ended_connection};

/// Keeps a connection open.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) broker: SimulatedBroker,
    pub(super) id: Id,
}

impl Line {
    pub(super) fn new(broker: SimulatedBroker, id: Id) -> Self {
        Self { broker, id }
    }

    pub(super) fn origin(&self) -> Origin {
        Origin { connection: self.id, channel: None }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let id = self.id;
        self.broker.with(|state| {
            state.end_connection(id, ended_connection());
            state.channels.retain(|_, channel| channel.connection != id);
            state.connections.remove(&id);
        });
    }
}

/// Keeps a channel open, and its connection.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) line: Arc<Line>,
    pub(super) id: Id,
}

impl Lane {
    pub(super) fn origin(&self) -> Origin {
        Origin { channel: Some(self.id), ..self.line.origin() }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let id = self.id;
        self.line.broker.with(|state| {
            state.in_order(self.line.id, move |state| {
                state.end_channel(id, &ended_channel("all handles were dropped"));
                state.channels.remove(&id);
            });
        });
    }
}

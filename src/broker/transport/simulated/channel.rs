//! The client's side of a channel. It is spoken to as lapin's channels are.
//!
//! Ring: shell.

use std::sync::Arc;

use bytes::Bytes;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Error, ExchangeKind};
use tokio::sync::mpsc;

use super::confirm::Confirm;
use super::consumer::{Acker, Consumer, Delivery};
use super::consuming::Subscription;
use super::declaring::Counts;
use super::failure::Operation;
use super::line::{Lane, Line};
use super::message::Message;
use super::records::Id;
use super::refusal::{Refusal, ended_channel};
use super::state::State;

/// A channel. It ends when this, its clones and its consumers are dropped.
#[derive(Clone, Debug)]
pub(crate) struct Channel(Arc<Lane>);

impl Channel {
    pub(super) fn new(line: Arc<Line>, id: Id) -> Self {
        Self(Arc::new(Lane { line, id }))
    }

    async fn ask<T: Send + 'static>(
        &self,
        operation: Operation,
        act: impl FnOnce(&mut State) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.line.broker.ask(self.0.origin(), operation, act).await
    }

    pub(crate) async fn close(&self) -> Result<(), Error> {
        let id = self.0.id;
        let closing = self.ask(Operation::Close, move |state| {
            state.end_channel(id, &ended_channel("channel.close-ok received"));
            Ok(())
        });
        closing.await
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.0.line.broker.is_open(self.0.origin())
    }

    pub(crate) async fn confirm_select(&self) -> Result<(), Error> {
        let id = self.0.id;
        let selecting = self.ask(Operation::ConfirmSelect, move |state| {
            state.channels.entry(id).and_modify(|channel| channel.confirms = true);
            Ok(())
        });
        selecting.await
    }

    pub(crate) async fn exchange_declare(
        &self,
        exchange: ShortString,
        kind: ExchangeKind,
        options: ExchangeDeclareOptions,
    ) -> Result<(), Error> {
        let act = move |state: &mut State| state.declare_exchange(exchange.as_str(), kind, options);
        self.ask(Operation::DeclareExchange, act).await
    }

    pub(crate) async fn queue_declare(
        &self,
        queue: ShortString,
        options: QueueDeclareOptions,
        arguments: FieldTable,
    ) -> Result<Counts, Error> {
        let operation = if options.passive { Operation::LookAtQueue } else { Operation::DeclareQueue };
        let origin = self.0.origin();
        self.ask(operation, move |state| state.declare_queue(origin, queue.as_str(), options, arguments)).await
    }

    pub(crate) async fn queue_bind(
        &self,
        queue: ShortString,
        exchange: ShortString,
        routing_key: ShortString,
    ) -> Result<(), Error> {
        let origin = self.0.origin();
        let binding = self.ask(Operation::BindQueue, move |state| {
            state.bind_queue(origin, queue.as_str(), exchange.as_str(), routing_key.as_str())
        });
        binding.await
    }

    /// Tells how many messages were removed.
    pub(crate) async fn queue_purge(&self, queue: ShortString) -> Result<usize, Error> {
        let origin = self.0.origin();
        self.ask(Operation::PurgeQueue, move |state| state.purge_queue(origin, queue.as_str())).await
    }

    /// Tells how many messages went with the queue.
    pub(crate) async fn queue_delete(&self, queue: ShortString, options: QueueDeleteOptions) -> Result<usize, Error> {
        let origin = self.0.origin();
        self.ask(Operation::DeleteQueue, move |state| state.delete_queue(origin, queue.as_str(), options)).await
    }

    pub(crate) async fn basic_get(
        &self,
        queue: ShortString,
        options: BasicGetOptions,
    ) -> Result<Option<Delivery>, Error> {
        let origin = self.0.origin();
        let getting = self.ask(Operation::Get, move |state| state.get(origin, queue.as_str(), options.no_ack));
        let got = getting.await?;
        Ok(got.map(|delivered| Acker::attach(&self.0.line.broker, origin, delivered)))
    }

    pub(crate) async fn basic_qos(&self, prefetch: u16) -> Result<(), Error> {
        let id = self.0.id;
        let bounding = self.ask(Operation::Qos, move |state| {
            state.channels.entry(id).and_modify(|channel| channel.prefetch = prefetch);
            Ok(())
        });
        bounding.await
    }

    pub(crate) async fn basic_consume(
        &self,
        queue: ShortString,
        tag: ShortString,
        options: BasicConsumeOptions,
    ) -> Result<Consumer, Error> {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let (queue, tag, origin) = (queue.to_string(), tag.to_string(), self.0.origin());
        let wanted = Subscription { queue, tag, options, deliveries: sender };
        let id = self.ask(Operation::Consume, move |state| state.consume(origin, wanted)).await?;
        Ok(Consumer::new(Arc::clone(&self.0), id, deliveries))
    }

    /// Publishes a message. It is sent when this returns.
    pub(crate) fn basic_publish(
        &self,
        exchange: ShortString,
        routing_key: ShortString,
        options: BasicPublishOptions,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<Confirm, Error> {
        if !self.is_connected() {
            return Err(ended_channel("basic.publish"));
        }
        let (exchange, routing_key) = (exchange.to_string(), routing_key.to_string());
        let message = Message { exchange, routing_key, properties, body: Bytes::copy_from_slice(body) };
        let (id, origin, broker) = (self.0.id, self.0.origin(), &self.0.line.broker);
        let act = move |state: &mut State| state.publish(id, options.mandatory, message);
        Ok(Confirm::new(broker.clone(), origin, broker.order(origin, Operation::Publish, act)))
    }
}

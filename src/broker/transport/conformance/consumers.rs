//! Consuming, and the events of the broker.

use futures::StreamExt as _;

use super::super::{Consumer, Delivery, Event, QueueLife};
use super::script::{CLASSIC, Script, publish};
use crate::broker::DeleteCondition;

pub(super) async fn run(script: &mut Script) {
    prefetching(script).await;
    taking_turns(script).await;
    self_deleting_queues(script).await;
    used_tags(script).await;
    events(script).await;
}

async fn prefetching(script: &mut Script) {
    let (queue, channel, publisher) = (script.name("consumed"), script.channel().await, script.confirming().await);
    script.line("consume a missing queue", channel.consume(&queue, 1).await.map(drop));
    let channel = script.channel().await;
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    for body in ["1", "2", "3"] {
        publish(&publisher, ("", &queue), body).await.unwrap();
    }
    let mut consumer = channel.consume(&queue, 2).await.unwrap();
    let first = script.receives("consume two at once", &mut consumer).await.unwrap();
    let second = script.receives("the next", &mut consumer).await;
    script.receives_nothing("while both are unsettled", &mut consumer).await;
    script.holds("look at the queue", &queue, (1, 1)).await;
    script.line("acknowledge the first", first.acker.ack().await);
    let third = script.receives("the next", &mut consumer).await.unwrap();
    script.line("reject it", third.acker.reject().await);
    drop(consumer);
    script.holds("cancel and look at the queue", &queue, (0, 0)).await;
    drop((channel, second));
    script.holds("close the channel and look at the queue", &queue, (1, 0)).await;
    let mut consumer = script.channel().await.consume(&queue, 2).await.unwrap();
    script.receives("consume it again", &mut consumer).await;
    script.channel().await.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
    script.receives("delete the queue", &mut consumer).await;
}

async fn taking_turns(script: &mut Script) {
    let (queue, publisher) = (script.name("turns"), script.confirming().await);
    publisher.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    let mut one = script.channel().await.consume(&queue, 10).await.unwrap();
    let channel = script.channel().await;
    let mut two = channel.consume(&queue, 10).await.unwrap();
    for body in ["1", "2", "3", "4"] {
        publish(&publisher, ("", &queue), body).await.unwrap();
    }
    script.receives("the first consumer of two", &mut one).await;
    script.receives("the first again", &mut one).await;
    script.receives("the second", &mut two).await;
    script.receives("the second again", &mut two).await;
    script.line("close the second's channel", channel.close().await);
    script.receives("the second then", &mut two).await;
    script.receives("the first then", &mut one).await;
    script.receives("the first at last", &mut one).await;
    script.channel().await.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

async fn self_deleting_queues(script: &mut Script) {
    let (queue, channel) = (script.name("self-deleting"), script.channel().await);
    let declared = channel.declare_queue(&queue, QueueLife::Consumer, &[CLASSIC]).await;
    script.line("declare a queue that deletes itself", declared);
    script.holds("look at it before it has a consumer", &queue, (0, 0)).await;
    let consumer = channel.consume(&queue, 1).await.unwrap();
    script.holds("look at it with a consumer", &queue, (0, 1)).await;
    drop(consumer);
    script.vanishes("look at it after its consumer", &queue).await;
}

/// A second consumer of a channel has the name of the first.
async fn used_tags(script: &mut Script) {
    let (connection, queue) = (script.connect().await, script.name("tags"));
    let mut events = connection.events();
    let channel = connection.create_channel().await.unwrap();
    channel.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await.unwrap();
    let mut consumer = channel.consume(&queue, 1).await.unwrap();
    script.line("consume twice on one channel", channel.consume(&queue, 1).await.map(drop));
    let event = loop {
        match events.next().await {
            Some(Event::Error(error)) => break Err::<(), _>(error),
            Some(_) => {}
            None => break Ok(()),
        }
    };
    script.line("the connection's event", event);
    script.receives("the consumer", &mut consumer).await;
    script.fact("the connection lives", &connection.is_connected().to_string());
    script.vanishes("look at its exclusive queue", &queue).await;
}

async fn events(script: &mut Script) {
    let (queue, channel) = (script.name("events"), script.channel().await);
    channel.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await.unwrap();
    channel.bind_queue(&queue, "amq.rabbitmq.event", "queue.deleted").await.unwrap();
    let mut consumer = channel.consume(&queue, 100).await.unwrap();
    for (step, arguments) in [
        ("delete a queue", vec![CLASSIC]),
        ("let one expire", vec![CLASSIC, ("x-expires", crate::topology::Argument::Integer(300))]),
    ] {
        let name = script.name(step);
        channel.declare_queue(&name, QueueLife::Durable, &arguments).await.unwrap();
        if arguments.len() == 1 {
            channel.delete_queue(&name, DeleteCondition::Always).await.unwrap();
        }
        let event = deletion(&name, &mut consumer).await;
        script.transcribe_event(step, &event);
    }
    channel.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

/// The event of the deletion of a queue, among those of others.
async fn deletion(queue: &str, consumer: &mut Consumer) -> Delivery {
    loop {
        let event = consumer.next().await.unwrap().unwrap();
        if event.properties.text("name").as_deref() == Some(queue) {
            return event;
        }
    }
}

impl Script {
    fn transcribe_event(&mut self, step: &str, event: &Delivery) {
        let user = event.properties.text("user_who_performed_action").unwrap();
        let user = if user == self.address.user() { "its user" } else { &user };
        let is_here = event.properties.text("vhost").as_deref() == Some(self.address.vhost());
        let has_time = event.properties.integer("timestamp_in_ms").is_some();
        let seen = format!("{}, by {user}, here {is_here}, with a time {has_time}", event.exchange);
        self.fact(&format!("{step} and hear of it"), &seen);
    }
}

//! Publishing, fetching and settling.

use super::super::{Publication, QueueLife};
use super::script::{CLASSIC, Script, publish};
use crate::broker::DeleteCondition;
use crate::topology::Argument;

pub(super) async fn run(script: &mut Script) {
    confirmations(script).await;
    full_queues(script).await;
    fetching(script).await;
    settling(script).await;
}

async fn confirmations(script: &mut Script) {
    let (queue, publisher) = (script.name("published"), script.confirming().await);
    publisher.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    script.line("publish to a queue", publish(&publisher, ("", &queue), "x").await);
    let missing = script.name("missing");
    script.line("publish to a missing queue", publish(&publisher, ("", &missing), "x").await);
    let optional = Publication {
        exchange: "",
        routing_key: &missing,
        is_mandatory: false,
        is_persistent: false,
        message_id: Some("id"),
        body: b"x",
    };
    let confirm = publisher.publish(optional).await.unwrap();
    script.line("publish to it, if it is there", confirm.await);
    let silent = script.channel().await;
    script.line("publish without confirmations", publish(&silent, ("", &queue), "x").await);
    script.line("publish to a missing exchange", publish(&publisher, (&missing, "key"), "x").await);
    script.line("publish on the ended channel", publish(&publisher, ("", &queue), "x").await);
    let publisher = script.confirming().await;
    script.line("publish an event", publish(&publisher, ("amq.rabbitmq.event", "queue.deleted"), "x").await);
    script.channel().await.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

async fn full_queues(script: &mut Script) {
    let publisher = script.confirming().await;
    let rejects = ("x-overflow", Argument::Text("reject-publish"));
    let queue = script.name("full");
    for (what, limit, bodies) in [
        ("a queue of one message that rejects more", [("x-max-length", Argument::Integer(1)), rejects], ["1", "2"]),
        (
            "a queue of 9 bytes that rejects more",
            [("x-max-length-bytes", Argument::Integer(9)), rejects],
            ["12345", "67890"],
        ),
        ("a queue of one message", [("x-max-length", Argument::Integer(1)), CLASSIC], ["1", "2"]),
        ("a queue of 9 bytes", [("x-max-length-bytes", Argument::Integer(9)), CLASSIC], ["12345", "67890"]),
    ] {
        let channel = script.channel().await;
        channel.declare_queue(&queue, QueueLife::Durable, &limit).await.unwrap();
        for body in bodies {
            script.line(&format!("publish {body} to {what}"), publish(&publisher, ("", &queue), body).await);
        }
        script.fetches("fetch the first", &channel, &queue).await;
        script.line(&format!("publish to {what} that is unsettled"), publish(&publisher, ("", &queue), "3").await);
        channel.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
    }
}

async fn fetching(script: &mut Script) {
    let (queue, channel, publisher) = (script.name("fetched"), script.channel().await, script.confirming().await);
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    script.fetches("fetch from an empty queue", &channel, &queue).await;
    for body in ["1", "2", "3"] {
        publish(&publisher, ("", &queue), body).await.unwrap();
    }
    let holder = script.channel().await;
    let first = script.fetches("fetch the first of three messages", &holder, &queue).await;
    script.fetches("fetch the second", &holder, &queue).await;
    script.holds("look at the queue", &queue, (1, 0)).await;
    holder.close().await.unwrap();
    script.holds("look at it when both were given back", &queue, (3, 0)).await;
    script.line("acknowledge the first after that", first.unwrap().acker.ack().await);
    for step in ["fetch the first again", "fetch the second again", "fetch the third", "fetch one more"] {
        script.fetches(step, &channel, &queue).await;
    }
    channel.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
    script.fetches("fetch from a missing queue", &channel, &queue).await;
}

async fn settling(script: &mut Script) {
    let (queue, channel, publisher) = (script.name("settled"), script.channel().await, script.confirming().await);
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    for body in ["1", "2", "3"] {
        publish(&publisher, ("", &queue), body).await.unwrap();
    }
    let first = script.fetches("fetch the first of three messages", &channel, &queue).await.unwrap();
    script.line("acknowledge it", first.acker.ack().await);
    script.line("acknowledge it again", first.acker.ack().await);
    let second = script.fetches("fetch the second", &channel, &queue).await.unwrap();
    script.line("reject it", second.acker.reject().await);
    script.fact("the channel lives", &channel.is_connected().to_string());
    script.line("close the channel", channel.close().await);
    script.holds("look at the queue", &queue, (1, 0)).await;
    script.line("fetch on the closed channel", channel.get(&queue).await.map(drop));
    script.channel().await.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

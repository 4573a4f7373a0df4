//! What happens by itself. Each wait differs from what it waits for by more than a busy broker is late.

use std::time::Duration;

use tokio::time::sleep;

use super::super::QueueLife;
use super::script::{CLASSIC, Script, publish};
use crate::broker::DeleteCondition;
use crate::topology::Argument;

const LIFE: (&str, Argument) = ("x-expires", Argument::Integer(1000));
const TTL: (&str, Argument) = ("x-message-ttl", Argument::Integer(1000));

pub(super) async fn run(script: &mut Script) {
    message_ttl(script).await;
    refreshed_queues(script).await;
    used_queues(script).await;
}

async fn wait(milliseconds: u64) {
    sleep(Duration::from_millis(milliseconds)).await;
}

async fn message_ttl(script: &mut Script) {
    let (queue, publisher, holder) = (script.name("ttl"), script.confirming().await, script.channel().await);
    publisher.declare_queue(&queue, QueueLife::Durable, &[CLASSIC, TTL]).await.unwrap();
    for body in ["1", "2"] {
        publish(&publisher, ("", &queue), body).await.unwrap();
    }
    script.fetches("fetch the first of two messages that expire", &holder, &queue).await;
    script.holds("look at the queue", &queue, (1, 0)).await;
    wait(1500).await;
    script.holds("look at it when they have expired", &queue, (0, 0)).await;
    holder.close().await.unwrap();
    script.holds("look at it when the first was given back", &queue, (0, 0)).await;
    script.fetches("fetch from it", &publisher, &queue).await;
    publisher.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

/// What refreshes a queue's time to live does so after 700 ms; 1350 ms after its declaration such a queue is there.
async fn refreshed_queues(script: &mut Script) {
    let (channel, publisher) = (script.channel().await, script.confirming().await);
    let queues = ["looked-at", "declared-again", "fetched-from", "published-to"].map(|name| (name, script.name(name)));
    for (_, queue) in &queues {
        channel.declare_queue(queue, QueueLife::Durable, &[CLASSIC, LIFE]).await.unwrap();
    }
    wait(700).await;
    channel.look_at_queue(&queues[0].1).await.unwrap();
    channel.declare_queue(&queues[1].1, QueueLife::Durable, &[CLASSIC, LIFE]).await.unwrap();
    assert!(channel.get(&queues[2].1).await.unwrap().is_none());
    publish(&publisher, ("", &queues[3].1), "x").await.unwrap();
    for after in ["1350 ms", "2350 ms"] {
        wait(if after == "1350 ms" { 650 } else { 1000 }).await;
        for (name, queue) in &queues {
            let published = publish(&publisher, ("", queue), "x").await;
            script.line(&format!("publish to a queue that was {name} after {after}"), published);
        }
    }
}

async fn used_queues(script: &mut Script) {
    let (queue, channel, publisher) = (script.name("used"), script.channel().await, script.confirming().await);
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC, LIFE]).await.unwrap();
    let consumer = channel.consume(&queue, 1).await.unwrap();
    wait(1500).await;
    script.line("publish to a queue with a consumer after 1500 ms", publish(&publisher, ("", &queue), "x").await);
    drop(consumer);
    wait(500).await;
    script.line("publish to it 500 ms after its consumer", publish(&publisher, ("", &queue), "x").await);
    wait(1000).await;
    script.line("publish to it 1500 ms after its consumer", publish(&publisher, ("", &queue), "x").await);
}

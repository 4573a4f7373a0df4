//! Declaring, binding and deleting.

use super::super::{Channel, QueueLife};
use super::script::{CLASSIC, Script, publish};
use crate::broker::DeleteCondition;
use crate::topology::Argument;

pub(super) async fn run(script: &mut Script) {
    declarations(script).await;
    exclusive_queues(script).await;
    locks(script).await;
    exchanges(script).await;
    bindings(script).await;
    deletions(script).await;
    purges(script).await;
}

async fn declarations(script: &mut Script) {
    let (queue, channel) = (script.name("declared"), script.channel().await);
    let arguments = [CLASSIC, ("x-max-length", Argument::Integer(3)), ("x-expires", Argument::Integer(600_000))];
    let declared = channel.declare_queue(&queue, QueueLife::Durable, &arguments).await;
    script.line("declare a queue", declared);
    let declared = channel.declare_queue(&queue, QueueLife::Durable, &arguments).await;
    script.line("declare it again", declared);
    let declared = channel.declare_queue(&queue, QueueLife::Durable, &arguments[1..]).await;
    script.line("declare it without its type", declared);
    script.line("look at it", channel.look_at_queue(&queue).await);
    let long = "q".repeat(256);
    script.line("look at a name of 256 bytes", channel.look_at_queue(&long).await);
    let other = [CLASSIC, ("x-max-length", Argument::Integer(4)), ("x-expires", Argument::Integer(1000))];
    let declared = channel.declare_queue(&queue, QueueLife::Durable, &other).await;
    script.line("declare it with two other arguments", declared);
    script.fact("the channel lives", &channel.is_connected().to_string());
    script.line("look on the ended channel", channel.look_at_queue(&queue).await);
    script.fact("the connection lives", &script.main.is_connected().to_string());
    let channel = script.channel().await;
    script.line("look at a missing queue", channel.look_at_queue(&script.name("missing")).await);
    script.channel().await.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

async fn exclusive_queues(script: &mut Script) {
    let owner = script.connect().await;
    let queue = script.name("exclusive");
    let channel = owner.create_channel().await.unwrap();
    let declared = channel.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await;
    script.line("declare an exclusive queue", declared);
    let declared = channel.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await;
    script.line("declare it again", declared);
    let taken = script.channel().await.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await;
    script.line("declare it on another connection", taken);
    let publisher = script.confirming().await;
    script.line("publish to it from another connection", publish(&publisher, ("", &queue), "x").await);
    let shared = channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await;
    script.line("declare it as one for all", shared);
    script.line("close its connection", owner.close().await);
    script.fact("that connection lives", &owner.is_connected().to_string());
    script.vanishes("look at it", &queue).await;
    script.line("open a channel there", owner.create_channel().await.map(drop));
    let dropped = script.connect().await;
    let channel = dropped.create_channel().await.unwrap();
    channel.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await.unwrap();
    drop((dropped, channel));
    script.vanishes("look at it after its connection was dropped", &queue).await;
}

/// Each refusal ends a channel.
async fn locks(script: &mut Script) {
    let queue = script.name("locked");
    let owner = script.other.create_channel().await.unwrap();
    owner.declare_queue(&queue, QueueLife::Connection, &[CLASSIC]).await.unwrap();
    script.line("look at another's queue", script.channel().await.look_at_queue(&queue).await);
    script.line("fetch from another's queue", script.channel().await.get(&queue).await.map(drop));
    script.line("consume another's queue", script.channel().await.consume(&queue, 1).await.map(drop));
    script.line("purge another's queue", script.channel().await.purge_queue(&queue).await);
    script.line("bind another's queue", script.channel().await.bind_queue(&queue, "amq.direct", &queue).await);
    let deleted = script.channel().await.delete_queue(&queue, DeleteCondition::Always).await;
    script.line("delete another's queue", deleted);
    let durable = script.name("for-all");
    let channel = script.channel().await;
    channel.declare_queue(&durable, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    let declared = channel.declare_queue(&durable, QueueLife::Connection, &[CLASSIC]).await;
    script.line("declare a queue for all as exclusive", declared);
    script.channel().await.delete_queue(&durable, DeleteCondition::Always).await.unwrap();
    owner.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
}

/// The exchange of all runs. It stays, for the transport deletes none; the broker forgets it when it restarts.
const EXCHANGE: &str = "omotes.conformance";

async fn exchanges(script: &mut Script) {
    let (exchange, channel) = (EXCHANGE, script.channel().await);
    script.line("declare an exchange", channel.declare_exchange(exchange, false).await);
    script.line("declare it again", channel.declare_exchange(exchange, false).await);
    script.line("declare it as durable", channel.declare_exchange(exchange, true).await);
    let channel = script.channel().await;
    script.line("declare a topic exchange as direct", channel.declare_exchange("amq.topic", true).await);
}

async fn bindings(script: &mut Script) {
    let (queue, exchange, key) = (script.name("bound"), EXCHANGE, &script.name("key"));
    let channel = script.channel().await;
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    script.line("bind the queue", channel.bind_queue(&queue, exchange, key).await);
    script.line("bind it again", channel.bind_queue(&queue, exchange, key).await);
    let publisher = script.confirming().await;
    script.line("publish by its key", publish(&publisher, (exchange, key), "x").await);
    script.line("publish by another key", publish(&publisher, (exchange, &script.name("other")), "x").await);
    script.holds("look at it", &queue, (1, 0)).await;
    topics(script, &channel, &queue).await;
    script.line("bind it to a missing exchange", channel.bind_queue(&queue, &script.name("none"), "").await);
    let channel = script.channel().await;
    script.line("bind a missing queue", channel.bind_queue(&script.name("none"), exchange, "").await);
    let channel = script.channel().await;
    script.line("bind it to the default exchange", channel.bind_queue(&queue, "", key).await);
    let channel = script.channel().await;
    channel.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
    script.line("publish by the key of a deleted queue", publish(&publisher, (exchange, key), "x").await);
}

async fn topics(script: &mut Script, channel: &Channel, queue: &str) {
    let publisher = script.confirming().await;
    for (bound, keys) in [("a.*", ["a.b", "a", "a.b.c"]), ("c.#", ["c", "c.d.e", "d"])] {
        channel.bind_queue(queue, "amq.topic", &script.name(bound)).await.unwrap();
        let mut seen = Vec::new();
        for key in keys {
            seen.push(format!("{key} {:?}", publish(&publisher, ("amq.topic", &script.name(key)), "x").await.unwrap()));
        }
        script.fact(&format!("publish to the topic {bound}"), &seen.join(", "));
    }
    channel.bind_queue(queue, "amq.fanout", "ignored").await.unwrap();
    script.line("publish to all", publish(&publisher, ("amq.fanout", "any"), "x").await);
}

async fn deletions(script: &mut Script) {
    let (queue, publisher) = (script.name("deleted"), script.confirming().await);
    let channel = script.channel().await;
    script.line("delete a missing queue", channel.delete_queue(&queue, DeleteCondition::Always).await);
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    publish(&publisher, ("", &queue), "x").await.unwrap();
    let deleted = channel.delete_queue(&queue, DeleteCondition::IfUnusedAndEmpty).await;
    script.line("delete a queue with a message if it is empty", deleted);
    let mut consumer = script.channel().await.consume(&queue, 1).await.unwrap();
    script.receives("consume it", &mut consumer).await;
    let deleted = script.channel().await.delete_queue(&queue, DeleteCondition::IfUnusedAndEmpty).await;
    script.line("delete it if it is empty and unused", deleted);
    let deleted = script.channel().await.delete_queue(&queue, DeleteCondition::IfUnused).await;
    script.line("delete it if it is unused", deleted);
    let deleted = script.channel().await.delete_queue(&queue, DeleteCondition::Always).await;
    script.line("delete it", deleted);
    script.receives("consume it further", &mut consumer).await;
    script.line("publish to it", publish(&publisher, ("", &queue), "x").await);
}

async fn purges(script: &mut Script) {
    let (queue, channel, publisher) = (script.name("purged"), script.channel().await, script.confirming().await);
    channel.declare_queue(&queue, QueueLife::Durable, &[CLASSIC]).await.unwrap();
    for body in ["1", "2", "3"] {
        publish(&publisher, ("", &queue), body).await.unwrap();
    }
    let holder = script.channel().await;
    script.fetches("fetch the first of three messages", &holder, &queue).await;
    script.line("purge the queue", channel.purge_queue(&queue).await);
    script.holds("look at it", &queue, (0, 0)).await;
    holder.close().await.unwrap();
    script.holds("look at it after the first was given back", &queue, (1, 0)).await;
    channel.delete_queue(&queue, DeleteCondition::Always).await.unwrap();
    script.line("purge a missing queue", channel.purge_queue(&queue).await);
}

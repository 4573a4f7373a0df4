use super::control::SimulatedConnection;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicRejectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Event};
use tokio::time::{sleep, timeout};

use super::*;

const MOMENT: Duration = Duration::from_millis(1);

fn broker() -> SimulatedBroker {
    SimulatedBroker::start("omotes", Timestamp::UNIX_EPOCH)
}

async fn connect(broker: &SimulatedBroker, name: &str) -> Connection {
    Connection::open(broker, "user", "omotes", name.to_owned()).await.unwrap()
}

/// A channel that confirms, with the queue `q`.
async fn channel(connection: &Connection) -> Channel {
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select().await.unwrap();
    declare(&channel).await.unwrap();
    channel
}

async fn declare(channel: &Channel) -> Result<Counts, lapin::Error> {
    channel.queue_declare("q".into(), QueueDeclareOptions::default(), FieldTable::default()).await
}

fn publish(channel: &Channel, body: &str) -> Confirm {
    let options = BasicPublishOptions { mandatory: true, immediate: false };
    channel.basic_publish("".into(), "q".into(), options, body.as_bytes(), BasicProperties::default()).unwrap()
}

fn messages(broker: &SimulatedBroker) -> usize {
    broker.queue("q").unwrap().messages
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_an_administrator_closes_says_so() {
    let broker = broker();
    let (one, two) = (connect(&broker, "one").await, connect(&broker, "two").await);
    let mut events = one.events();
    let channel = channel(&one).await;
    let mut consumer = channel.basic_consume("q".into(), "tag".into(), BasicConsumeOptions::default()).await.unwrap();
    broker.drop_connections("one");
    let why = "protocol error: AMQP hard error: CONNECTION-FORCED: CONNECTION_FORCED - Closed via management plugin";
    let Some(Event::Error(error)) = events.next().await else { panic!() };
    assert_eq!(error.to_string(), why);
    assert_eq!(consumer.next().await.unwrap().unwrap_err().to_string(), why);
    assert!(consumer.next().await.is_none() && events.next().await.is_none());
    assert!(!one.is_connected() && !channel.is_connected() && two.is_connected());
    assert!(declare(&channel).await.unwrap_err().to_string().contains("invalid channel state"));
    assert_eq!(broker.connections(), [SimulatedConnection { name: "two".to_owned(), user: "user".to_owned() }]);
    broker.drop_all_connections();
    assert_eq!(broker.connections(), []);
}

#[tokio::test(start_paused = true)]
async fn connections_can_be_refused() {
    let broker = broker();
    let kept = connect(&broker, "kept").await;
    broker.refuse_connections();
    let refused = Connection::open(&broker, "user", "omotes", "new".to_owned()).await.unwrap_err();
    assert!(refused.is_io_error() && kept.is_connected(), "{refused}");
    broker.accept_connections();
    assert!(connect(&broker, "new").await.is_connected());
    let elsewhere = Connection::open(&broker, "user", "other", "new".to_owned()).await.unwrap_err();
    assert!(elsewhere.to_string().ends_with("NOT_ALLOWED - vhost other not found"), "{elsewhere}");
}

/// What a blocked connection sends is read later, in order, even what follows from the end of its handles.
#[tokio::test(start_paused = true)]
async fn an_alarm_blocks_connections_that_publish() {
    let broker = broker();
    let (publisher, other) = (connect(&broker, "publisher").await, connect(&broker, "other").await);
    let (publishing, looking) = (channel(&publisher).await, channel(&other).await);
    let mut events = publisher.events();
    broker.block("low on memory");
    assert!(!publisher.is_blocked());
    let confirm = publish(&publishing, "1");
    assert!(matches!(events.next().await, Some(Event::ConnectionBlocked(reason)) if reason == "low on memory"));
    assert!(publisher.is_blocked() && !other.is_blocked());
    assert!(timeout(MOMENT, declare(&publishing)).await.is_err(), "nothing is read from it");
    assert_eq!(declare(&looking).await.unwrap().messages, 0);
    drop(publishing);
    assert_eq!(messages(&broker), 0);
    broker.unblock();
    assert!(matches!(events.next().await, Some(Event::ConnectionUnblocked)));
    assert_eq!(confirm.await.unwrap(), Outcome::Taken);
    assert_eq!(messages(&broker), 1);
}

#[tokio::test(start_paused = true)]
async fn an_operation_fails_as_a_test_wants_it() {
    let broker = broker();
    for (failure, reached) in [(Failure::BeforeEffect, 0), (Failure::ReplyLost, 1)] {
        let connection = connect(&broker, "test").await;
        let channel = channel(&connection).await;
        broker.fail_next(Operation::Publish, failure);
        assert!(publish(&channel, "x").await.unwrap_err().is_io_error());
        assert!(!connection.is_connected());
        assert_eq!(messages(&broker), reached);
    }
    let connection = connect(&broker, "test").await;
    let channel = channel(&connection).await;
    let text = "PRECONDITION_FAILED - queue limit in vhost 'omotes' (3) is reached".to_owned();
    broker.fail_next(Operation::DeclareQueue, Failure::Refused { code: 406, text: text.clone() });
    let refused = declare(&channel).await.unwrap_err();
    assert!(refused.is_amqp_soft_error() && refused.to_string().ends_with(&text), "{refused}");
    assert!(!channel.is_connected() && connection.is_connected());
}

#[tokio::test(start_paused = true)]
async fn replies_are_held_and_come_in_order() {
    let broker = broker();
    let (one, two) = (connect(&broker, "one").await, connect(&broker, "two").await);
    let (channel, lost) = (channel(&one).await, channel(&two).await);
    let mut consumer = channel.basic_consume("q".into(), "tag".into(), BasicConsumeOptions::default()).await.unwrap();
    broker.hold_replies();
    let (mut confirm, lost) = (publish(&channel, "1"), publish(&lost, "2"));
    assert!(timeout(MOMENT, &mut confirm).await.is_err() && timeout(MOMENT, consumer.next()).await.is_err());
    assert_eq!(broker.queue("q").unwrap().unacknowledged, 2, "they have their effect");
    broker.drop_connections("two");
    assert!(lost.await.unwrap_err().is_amqp_hard_error());
    broker.release_replies();
    assert_eq!(confirm.await.unwrap(), Outcome::Taken);
    for body in ["1", "2"] {
        assert_eq!(consumer.next().await.unwrap().unwrap().delivered.body, body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_has_one_exclusive_consumer() {
    let broker = broker();
    let connection = connect(&broker, "test").await;
    let (first, second) = (channel(&connection).await, channel(&connection).await);
    let exclusive = BasicConsumeOptions { exclusive: true, ..BasicConsumeOptions::default() };
    let consumer = first.basic_consume("q".into(), "tag".into(), exclusive).await.unwrap();
    let refused = second.basic_consume("q".into(), "tag".into(), BasicConsumeOptions::default()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.ends_with("ACCESS_REFUSED - queue 'q' in vhost 'omotes' in exclusive use"), "{refused}");
    drop(consumer);
    let third = channel(&connection).await;
    let _shared = third.basic_consume("q".into(), "tag".into(), BasicConsumeOptions::default()).await.unwrap();
    let refused = first.basic_consume("q".into(), "tag".into(), exclusive).await.unwrap_err();
    assert!(refused.is_amqp_soft_error(), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_message_returns_to_its_place() {
    let broker = broker();
    let connection = connect(&broker, "test").await;
    let channel = channel(&connection).await;
    for body in ["1", "2", "3"] {
        publish(&channel, body).await.unwrap();
    }
    let get = || channel.basic_get("q".into(), BasicGetOptions::default());
    let (first, second) = (get().await.unwrap().unwrap(), get().await.unwrap().unwrap());
    for message in [&second, &first] {
        assert!(message.acker.reject(BasicRejectOptions { requeue: true }).unwrap());
        assert!(!message.acker.ack().unwrap(), "it is settled once");
    }
    for (body, redelivered) in [("1", true), ("2", true), ("3", false)] {
        let message = get().await.unwrap().unwrap().delivered;
        assert_eq!((&*message.body, message.redelivered), (body.as_bytes(), redelivered));
    }
}

/// The broker's clock starts where the test wants it.
#[tokio::test(start_paused = true)]
async fn a_deletion_is_dated_by_the_brokers_clock() {
    let broker = broker();
    let connection = connect(&broker, "test").await;
    let channel = channel(&connection).await;
    let events = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare("events".into(), events, FieldTable::default()).await.unwrap();
    channel.queue_bind("events".into(), "amq.rabbitmq.event".into(), "queue.*".into()).await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    channel.queue_delete("q".into(), QueueDeleteOptions::default()).await.unwrap();
    let event = channel.basic_get("events".into(), BasicGetOptions::default()).await.unwrap().unwrap().delivered;
    let headers = event.properties.headers().clone().unwrap();
    let shown = headers.inner().iter().map(|(name, value)| format!("{name} {}", super::arguments::shown(value)));
    assert_eq!(
        shown.collect::<Vec<_>>(),
        ["name q", "timestamp_in_ms 1500", "user_who_performed_action user", "vhost omotes"]
    );
    assert_eq!(broker.queue("q"), None);
    assert_eq!(broker.queue("events").unwrap().owner.as_deref(), Some("test"));
}

#[tokio::test(start_paused = true)]
async fn a_large_message_and_a_deleted_exchange_are_refused() {
    let broker = broker();
    broker.limit_message_bytes(3);
    let connection = connect(&broker, "test").await;
    let large = publish(&channel(&connection).await, "1234").await.unwrap_err().to_string();
    assert!(large.ends_with("PRECONDITION_FAILED - message size 4 is larger than configured max size 3"), "{large}");
    broker.delete_exchange("amq.direct");
    let channel = channel(&connection).await;
    let missing = channel.queue_bind("q".into(), "amq.direct".into(), "key".into()).await.unwrap_err().to_string();
    assert!(missing.ends_with("NOT_FOUND - no exchange 'amq.direct' in vhost 'omotes'"), "{missing}");
    broker.delete_queue("q", "somebody");
    assert_eq!(broker.queues(), []);
}

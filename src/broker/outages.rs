//! The operator's broker over the simulated one: what it does at a start, and when the connection breaks.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{
    Broker, BrokerConfig, BrokerError, BrokerEvent, BrokerState, Connector, Failure, Operation, Outgoing, Routing,
    SimulatedBroker,
};
use crate::clock::Clock;
use crate::result::Deleter;
use crate::topology::{Argument, job_queues};

const PATIENCE: Duration = Duration::from_secs(60);

/// The operator's broker, and the one that it talks to.
struct World {
    simulated: SimulatedBroker,
    broker: Broker,
    events: mpsc::Receiver<BrokerEvent>,
    folder: PathBuf,
}

impl World {
    async fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("omotes-broker-{:016x}", fastrand::u64(..)));
        fs::create_dir(&folder).unwrap();
        let simulated = SimulatedBroker::start("omotes", Timestamp::UNIX_EPOCH);
        let (broker, events) =
            Broker::start(config(&folder, &simulated), Clock::simulated(Timestamp::UNIX_EPOCH), std::future::pending());
        let world = Self { simulated, broker, events, folder };
        world.reaches(|state| matches!(state, BrokerState::Ready { .. })).await;
        world
    }

    async fn reaches(&self, wanted: impl FnMut(&BrokerState) -> bool) {
        let mut state = self.broker.subscribe();
        let reached = timeout(PATIENCE, state.wait_for(wanted)).await.is_ok();
        assert!(reached, "the broker is {:?}", self.broker.state());
    }

    async fn event(&mut self) -> BrokerEvent {
        timeout(PATIENCE, self.events.recv()).await.unwrap().unwrap()
    }

    /// Publishes a result.
    async fn publishes(&self, queue: &str) -> Result<Routing, BrokerError> {
        let message = Outgoing { body: Bytes::from_static(b"result"), message_id: Some("id".to_owned()) };
        self.broker.publish_result(queue, message).await
    }

    fn messages(&self, queue: &str) -> usize {
        self.simulated.queue(queue).unwrap().messages
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn config(folder: &std::path::Path, simulated: &SimulatedBroker) -> BrokerConfig {
    let amqp_uri_file = folder.join("amqp-uri");
    fs::write(&amqp_uri_file, "amqp://omotes-operator:s3cret@simulated/omotes").unwrap();
    BrokerConfig {
        amqp_uri_file,
        management_uri_file: None,
        ca_file: None,
        requires_tls: false,
        connection_name: "operator".to_owned(),
        connector: Connector::Simulated(simulated.clone()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_is_published_over_the_simulated_broker() {
    let world = World::start().await;
    let leader = world.simulated.queue("omotes.leader").unwrap();
    assert_eq!(leader.owner.as_deref(), Some("operator"));
    let queues = job_queues("job", 600);
    world.broker.ensure_queues(&queues).await.unwrap();
    let [_, _, result] = queues.map(|queue| queue.name);
    assert_eq!(world.publishes(&result).await, Ok(Routing::Routed));
    let listed = world.simulated.queue(&result).unwrap();
    assert_eq!((listed.messages, listed.arguments["x-expires"].as_str()), (1, "600000"));
    assert_eq!(world.publishes("jobs.none.result").await, Ok(Routing::Unroutable));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_a_result() {
    let world = World::start().await;
    let session = world.broker.shared.session().unwrap();
    let arguments = [("x-max-length", Argument::Integer(0)), ("x-overflow", Argument::Text("reject-publish"))];
    let life = super::transport::QueueLife::Durable;
    session.errand().await.unwrap().declare_queue("jobs.job.result", life, &arguments).await.unwrap();
    assert_eq!(world.publishes("jobs.job.result").await, Err(BrokerError::Nacked));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_is_opened_again() {
    let mut world = World::start().await;
    assert_eq!(world.event().await, BrokerEvent::Connected);
    let queues = job_queues("job", 600);
    world.broker.ensure_queues(&queues).await.unwrap();
    let [_, status, result] = queues.map(|queue| queue.name);
    world.simulated.refuse_connections();
    world.simulated.drop_connections("operator");
    assert_eq!(world.event().await, BrokerEvent::Lost);
    assert!(world.publishes(&result).await.unwrap_err().is_transient());
    world.simulated.accept_connections();
    assert_eq!(world.event().await, BrokerEvent::Connected);
    assert_eq!(world.broker.stats().reconnects(), 1);
    assert_eq!(world.publishes(&result).await, Ok(Routing::Routed));
    assert_eq!(world.messages(&result), 1);
    world.simulated.delete_queue(&status, "omotes-client");
    let BrokerEvent::QueueDeleted { queue, by, .. } = world.event().await else { panic!() };
    assert_eq!((queue, by), (status, Deleter::Other("omotes-client".to_owned())));
}

/// Whether the broker has it is not known then, and it has.
#[tokio::test(start_paused = true)]
async fn a_confirmation_that_is_lost_leaves_the_result_there() {
    let mut world = World::start().await;
    let queues = job_queues("job", 600);
    world.broker.ensure_queues(&queues).await.unwrap();
    let [_, _, result] = queues.map(|queue| queue.name);
    world.simulated.fail_next(Operation::Publish, Failure::ReplyLost);
    let lost = world.publishes(&result).await.unwrap_err();
    assert_eq!(lost.category(), "Unreachable", "{lost}");
    assert_eq!(world.messages(&result), 1);
    let expected = [BrokerEvent::Connected, BrokerEvent::Lost, BrokerEvent::Connected];
    for event in expected {
        assert_eq!(world.event().await, event);
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_is_waited_for() {
    let world = World::start().await;
    let queues = job_queues("job", 600);
    world.broker.ensure_queues(&queues).await.unwrap();
    let [_, status, result] = queues.map(|queue| queue.name);
    world.simulated.block("low on memory");
    assert_eq!(world.publishes(&result).await.unwrap_err().category(), "Unanswered");
    world.reaches(|state| matches!(state, BrokerState::Blocked { .. })).await;
    let message = Outgoing { body: Bytes::new(), message_id: None };
    assert_eq!(world.broker.publish(&status, message).await.unwrap_err().category(), "Blocked");
    assert_eq!(world.messages(&result), 0);
    world.simulated.unblock();
    world.reaches(|state| matches!(state, BrokerState::Ready { .. })).await;
    assert_eq!(world.messages(&result), 1);
}

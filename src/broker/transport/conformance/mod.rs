//! One script that a real RabbitMQ and the simulated one must answer alike.
//!
//! Ring: shell. What happened is a transcript of lines; the one that is right is in
//! `tests/golden/broker-transcript.txt`. A change of it is a claim about RabbitMQ: only the test on a real one proves that.
//!
//! Assumes of a real broker: its user may do everything in its virtual host, which the event exchange is for.

mod consumers;
mod messages;
mod queues;
mod script;
mod time;

use jiff::Timestamp;

use super::simulated::SimulatedBroker;
use super::{Address, Connector};
use script::Script;

const TRANSCRIPT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/broker-transcript.txt"));
/// Whose URI the test bed exports: of a user who may do everything.
const URI: &str = "OMOTES_ADMIN_AMQP_URI";

async fn transcript(connector: Connector, uri: &str, suffix: &str) -> String {
    let mut script = Script::open(connector, Address::parse(uri).unwrap(), suffix).await;
    queues::run(&mut script).await;
    messages::run(&mut script).await;
    consumers::run(&mut script).await;
    time::run(&mut script).await;
    script.end()
}

#[tokio::test(start_paused = true)]
async fn the_simulated_broker_answers_as_written() {
    let connector = Connector::Simulated(SimulatedBroker::start("omotes", Timestamp::UNIX_EPOCH));
    let uri = "amqp://omotes-admin:secret@simulated/omotes";
    compare(&transcript(connector, uri, &"0".repeat(16)).await);
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_real_broker_answers_as_written() {
    let uri = std::env::var(URI).unwrap_or_else(|_| panic!("{URI} is not set: . target/testbed/env"));
    compare(&transcript(Connector::Amqp, &uri, &format!("{:016x}", fastrand::u64(..))).await);
}

/// Names the first line that is another one.
fn compare(transcript: &str) {
    for (number, (said, written)) in transcript.lines().zip(TRANSCRIPT.lines()).enumerate() {
        assert_eq!(said, written, "line {}", number + 1);
    }
    assert_eq!(transcript.lines().count(), TRANSCRIPT.lines().count());
}

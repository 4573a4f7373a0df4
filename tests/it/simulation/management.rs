//! The management API of the simulated broker. Like the real one it counts every five seconds, and is late by that.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use omotes_operator::testing::broker::{SimulatedBroker, SimulatedQueue, simulate_management};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

/// The host of its URI.
pub(super) const HOST: &str = "broker";
/// As a broker has it by default.
const COUNTS_EVERY: Duration = Duration::from_secs(5);

type Counts = Arc<Mutex<BTreeMap<String, SimulatedQueue>>>;

/// Serves it to all replicas of this thread.
pub(super) fn serve(broker: &SimulatedBroker) {
    let (counts, counted) = (Counts::default(), broker.clone());
    let kept = Arc::clone(&counts);
    tokio::spawn(async move {
        loop {
            let queues = counted.queues().into_iter().map(|queue| (queue.name.clone(), queue));
            *kept.lock().unwrap() = queues.collect();
            sleep(COUNTS_EVERY).await;
        }
    });
    let broker = broker.clone();
    simulate_management(HOST, move |path| Some(answer(&broker, &counts.lock().unwrap(), path)));
}

fn answer(broker: &SimulatedBroker, counted: &BTreeMap<String, SimulatedQueue>, path: &str) -> (u16, String) {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let found = match parts.as_slice() {
        ["api", "overview"] => Some(json!({"rates_mode": "basic"})),
        ["api", "vhosts"] => Some(json!([{"name": "omotes", "default_queue_type": "classic"}])),
        ["api", "queues", _] => Some(broker.queues().iter().map(|queue| shown(queue, Some(queue))).collect()),
        ["api", "queues", _, name] => broker.queue(name).map(|queue| shown(&queue, counted.get(*name))),
        ["api", "exchanges", ..] => Some(json!({})),
        _ => None,
    };
    match found {
        Some(body) => (200, body.to_string()),
        None => (404, json!({"error": "Object Not Found", "reason": "Not Found"}).to_string()),
    }
}

/// A queue, with the numbers of `counted`.
fn shown(queue: &SimulatedQueue, counted: Option<&SimulatedQueue>) -> Value {
    let number = |(name, value): (&String, &String)| {
        let value = value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number));
        (name.clone(), value)
    };
    let arguments: Map<String, Value> = queue.arguments.iter().map(number).collect();
    let mut shown = json!({
        "name": queue.name,
        "type": "classic",
        "arguments": arguments,
        "consumers": queue.consumers,
    });
    // What was declared since the last count has no numbers yet.
    if let Some(counts) = counted {
        shown["messages"] = json!(counts.messages + counts.unacknowledged);
        shown["message_stats"] = json!({"publish": counts.published, "ack": counts.acknowledged});
    }
    shown
}

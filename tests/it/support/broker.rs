//! The broker as its administrator sees it.

use std::collections::{BTreeMap, BTreeSet};

use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeleteOptions};
use omotes_operator::testing::wire::{JobResult, ResultType};
use prost::Message;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{
    bed::{PATIENCE, testbed, variable},
    client::{connect, queues},
    until,
};

/// Starts the broker, unless it runs.
pub(crate) fn up() {
    testbed(&["broker", "start"]);
}

async fn ask(method: Method, path: &str) -> Result<Value, String> {
    order(method, path, &Value::Null).await
}

/// One request to the management API, as its administrator.
async fn order(method: Method, path: &str, body: &Value) -> Result<Value, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().tls_certs_only([]).build().unwrap();
    let url = format!("{}/api/{path}", variable("OMOTES_ADMIN_MANAGEMENT_URI"));
    let answer = client.request(method, url).json(body).send().await.map_err(|error| error.to_string())?;
    let body = answer.bytes().await.map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// The address that holds the exclusive leader queue.
pub(crate) async fn leader_queue_holder() -> Option<String> {
    let queue = ask(Method::GET, "queues/omotes/omotes.leader").await.ok()?;
    queue["owner_pid_details"]["peer_host"].as_str().map(str::to_owned)
}

/// All connections of `user`.
pub(crate) async fn connections(user: &str) -> Vec<Value> {
    let all = ask(Method::GET, "connections?columns=user,peer_host,ssl,state,vhost,connected_at").await.unwrap();
    all.as_array().unwrap().iter().filter(|connection| connection["user"] == user).cloned().collect()
}

/// Breaks all connections of `user`.
pub(crate) async fn disconnect(user: &str) {
    ask(Method::DELETE, &format!("connections/username/{user}")).await.unwrap();
}

/// Breaks all connections that call themselves `name`.
pub(crate) async fn disconnect_named(name: &str) {
    let all = ask(Method::GET, "connections?columns=name,user_provided_name").await.unwrap();
    for connection in all.as_array().unwrap().iter().filter(|connection| connection["user_provided_name"] == name) {
        let mut path = reqwest::Url::parse("http://broker/connections/").unwrap();
        path.path_segments_mut().unwrap().pop_if_empty().push(connection["name"].as_str().unwrap());
        ask(Method::DELETE, path.path().trim_start_matches('/')).await.unwrap();
    }
}

/// Whether a connection that calls itself `name` is encrypted.
pub(crate) async fn is_encrypted(name: &str) -> bool {
    let all = ask(Method::GET, "connections?columns=user_provided_name,ssl").await.unwrap();
    all.as_array().unwrap().iter().any(|known| known["user_provided_name"] == name && known["ssl"] == true)
}

/// Makes the user `name`, who may do what `other` may.
pub(crate) async fn copy_user(other: &str, name: &str, password: &str) {
    let permissions = ask(Method::GET, &format!("permissions/omotes/{other}")).await.unwrap();
    let user = json!({"password": password, "tags": ""});
    order(Method::PUT, &format!("users/{name}"), &user).await.unwrap();
    order(Method::PUT, &format!("permissions/omotes/{name}"), &permissions).await.unwrap();
}

/// Takes all permissions from the user `name`.
pub(crate) async fn forbid_all(name: &str) {
    let nothing = json!({"configure": "^$", "write": "^$", "read": "^$"});
    order(Method::PUT, &format!("permissions/omotes/{name}"), &nothing).await.unwrap();
}

/// Deletes the exchange `name`.
pub(crate) async fn delete_exchange(name: &str) {
    ask(Method::DELETE, &format!("exchanges/omotes/{name}")).await.unwrap();
}

/// Removes the user `name`.
pub(crate) async fn remove_user(name: &str) {
    ask(Method::DELETE, &format!("users/{name}")).await.unwrap();
}

/// Whether `queue` is there, asked of the broker itself.
pub(crate) async fn is_there(queue: &str) -> bool {
    ask(Method::GET, &format!("queues/omotes/{queue}")).await.is_ok_and(|answer| answer["name"] == queue)
}

/// How many file descriptors the broker may have open.
pub(crate) async fn file_descriptors() -> u64 {
    ask(Method::GET, "nodes?columns=fd_total").await.unwrap()[0]["fd_total"].as_u64().unwrap()
}

/// Limits how many queues the virtual host takes, or does not any more.
pub(crate) async fn limit_queues(most: Option<u64>) {
    let path = "vhost-limits/omotes/max-queues";
    match most {
        Some(most) => order(Method::PUT, path, &json!({"value": most})).await.unwrap(),
        None => ask(Method::DELETE, path).await.unwrap(),
    };
}

/// A policy of the broker on some queues, until it is cleared.
pub(crate) struct Policy(String);

impl Policy {
    /// Applies `definition` to the queues whose names match `pattern`.
    pub(crate) async fn set(pattern: &str, definition: &Value) -> Self {
        let path = format!("policies/omotes/test-{:016x}", fastrand::u64(..));
        let policy = json!({"pattern": pattern, "definition": definition, "apply-to": "queues", "priority": 9});
        order(Method::PUT, &path, &policy).await.unwrap();
        Self(path)
    }

    /// Takes it away.
    pub(crate) async fn clear(self) {
        ask(Method::DELETE, &self.0).await.unwrap();
    }
}

/// Removes all messages from `queue`.
pub(crate) async fn purge(queue: &str) {
    ask(Method::DELETE, &format!("queues/omotes/{queue}/contents")).await.unwrap();
}

/// The virtual host while it is away: who could do what in it.
pub(crate) struct LostVhost(Vec<(String, Value)>);

impl LostVhost {
    /// Takes the virtual host away with all that is in it.
    pub(crate) async fn remove() -> Self {
        let mut allowed = Vec::new();
        for user in ["omotes-operator", "omotes-courier", "omotes-client", "omotes-admin"] {
            let path = format!("permissions/omotes/{user}");
            let permissions = ask(Method::GET, &path).await.unwrap();
            allowed.push((path, permissions));
        }
        ask(Method::DELETE, "vhosts/omotes").await.unwrap();
        Self(allowed)
    }

    /// Makes it anew, for the same users.
    pub(crate) async fn restore(self) {
        ask(Method::PUT, "vhosts/omotes").await.unwrap();
        for (path, permissions) in &self.0 {
            order(Method::PUT, path, permissions).await.unwrap();
        }
    }
}

/// All queues and how many messages wait in each, as of now.
pub(crate) async fn depths() -> BTreeMap<String, u64> {
    let all = until("the management API answers", PATIENCE, || async {
        let queues = ask(Method::GET, "queues/omotes?disable_stats=true&enable_queue_totals=true").await?;
        queues.as_array().cloned().ok_or_else(|| queues.to_string())
    })
    .await;
    let named = all.iter().map(|queue| (queue["name"].as_str().unwrap().to_owned(), queue["messages"].as_u64()));
    named.map(|(name, messages)| (name, messages.unwrap_or_default())).collect()
}

/// Waits until a result waits for the client of `job_id`.
pub(crate) async fn result_waits(job_id: &str) {
    until("a result waits", PATIENCE, || async {
        let depth = depths().await.get(&queues(job_id)[2]).copied();
        if depth == Some(0) || depth.is_none() { Err(format!("{depth:?}")) } else { Ok(()) }
    })
    .await;
}

/// The queues with outputs of jobs that there are now.
pub(crate) async fn outputs() -> BTreeSet<String> {
    depths().await.into_keys().filter(|queue| queue.starts_with("omotes.output.")).collect()
}

/// Waits until nothing is left of these deleted jobs but result queues, and no output but those of `before`.
pub(crate) async fn clean(job_ids: &[String], before: &BTreeSet<String>) {
    until("the broker holds nothing of the deleted jobs", PATIENCE, || async {
        let ours = |queue: &String| {
            queue.starts_with("omotes.output.") && !before.contains(queue)
                || job_ids.iter().any(|id| queue.contains(id.as_str()) && !queue.ends_with(".result"))
        };
        let left: Vec<String> = depths().await.into_keys().filter(ours).collect();
        if left.is_empty() { Ok(()) } else { Err(left.join(", ")) }
    })
    .await;
}

/// The one result that waits for the client of `job_id`; panics unless it is exactly one, of this type. Removes its queue.
pub(crate) async fn only_result_waiting(job_id: &str, expected: ResultType) -> JobResult {
    let connection = connect().await;
    let channel = connection.create_channel().await.unwrap();
    let queue = &queues(job_id)[2];
    let mut results = Vec::new();
    while let Some(message) = channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await.unwrap() {
        message.acker.ack(BasicAckOptions::default()).await.unwrap();
        results.push(JobResult::decode(&*message.data).unwrap());
    }
    channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
    assert_eq!(results.len(), 1, "exactly one result of {job_id}: {results:?}");
    assert_eq!(results[0].result_type(), expected, "{:?}", results[0]);
    results.remove(0)
}

/// Deletes a queue that is there, whatever is in it.
pub(crate) async fn delete_queue(queue: &str) {
    assert!(depths().await.contains_key(queue), "no queue {queue}");
    ask(Method::DELETE, &format!("queues/omotes/{queue}")).await.unwrap();
}

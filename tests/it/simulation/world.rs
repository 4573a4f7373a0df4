//! A whole world: cluster, broker, two replicas of the operator, and a client, in one event loop with paused time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use omotes_operator::testing::{
    api::{OmotesJob, status::Phase},
    broker::SimulatedBroker,
    clock::Clock,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    apiserver::SimulatedApiserver,
    client::{Heard, SimulatedClient},
    couriers::RealCouriers,
    effects::Effects,
    folder::Folder,
    management,
    nodes::Nodes,
    replicas::{self, Grounds},
    scenario::Scenario,
};
use crate::support::bed::phase;

/// Where the jobs are.
pub(crate) const JOBS: &str = "jobs";
/// The nodes, and how many pods each takes.
const NODES: [(&str, usize); 2] = [("node-a", 10), ("node-b", 10)];
const VHOST: &str = "omotes";
/// How long a request, a reply and a message are on their way.
const LATENCY: Duration = Duration::from_millis(1);
/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(1200);
/// A leader that has just begun needs a moment for the broker.
const NEWS: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// When a simulation begins: any time will do.
const EPOCH: i64 = 1_700_000_000;

/// The handle on a world. Clones are the same one.
#[derive(Clone)]
pub(crate) struct World(Arc<Inner>);

struct Inner {
    apiserver: SimulatedApiserver,
    broker: SimulatedBroker,
    nodes: Nodes,
    client: SimulatedClient,
    effects: Effects,
    jobs: Api<OmotesJob>,
    _folder: Folder,
}

impl World {
    /// Starts everything that `scenario` needs. `effects` decides what goes wrong.
    pub(crate) fn start(scenario: &Scenario, effects: &Effects) -> Self {
        let epoch = Timestamp::from_second(EPOCH).unwrap();
        let (apiserver, broker) = (SimulatedApiserver::start(epoch), SimulatedBroker::start(VHOST, epoch));
        for namespace in [replicas::NAMESPACE, JOBS] {
            apiserver.add_namespace(namespace);
        }
        apiserver.add("secrets", key());
        apiserver.delay_requests(LATENCY);
        broker.delay_replies(LATENCY);
        management::serve(&broker);
        let folder = Folder::new();
        let host = management::HOST;
        folder.write("amqp-uri", format!("amqp://omotes-operator:secret@{host}/{VHOST}"));
        folder.write("courier-amqp-uri", format!("amqp://omotes-courier:secret@{host}/{VHOST}"));
        folder.write("management-uri", format!("http://omotes-operator:secret@{host}:15672"));
        let couriers = RealCouriers::new(&apiserver, &broker);
        let nodes = Nodes::start(&apiserver, &NODES, scenario.programs, couriers);
        let grounds = Grounds {
            apiserver: apiserver.clone(),
            broker: broker.clone(),
            clock: Clock::simulated(epoch),
            effects: effects.clone(),
            typed: replicas::typed(folder.path(), scenario.typed),
        };
        grounds.start();
        let client = SimulatedClient::start(&broker);
        let jobs = Api::namespaced(apiserver.client("user", JOBS), JOBS);
        Self(Arc::new(Inner { apiserver, broker, nodes, client, effects: effects.clone(), jobs, _folder: folder }))
    }

    pub(crate) fn apiserver(&self) -> &SimulatedApiserver {
        &self.0.apiserver
    }

    pub(crate) fn broker(&self) -> &SimulatedBroker {
        &self.0.broker
    }

    pub(crate) fn nodes(&self) -> &Nodes {
        &self.0.nodes
    }

    pub(crate) fn client(&self) -> &SimulatedClient {
        &self.0.client
    }

    pub(crate) fn effects(&self) -> &Effects {
        &self.0.effects
    }

    /// Applies a job, and listens to it as a client that knows its id.
    pub(crate) async fn apply(&self, job: &OmotesJob) {
        self.0.jobs.create(&PostParams::default(), job).await.unwrap();
        if let Some(id) = &job.spec.job_id {
            self.0.client.follow(id);
        }
    }

    /// Changes the spec of a job.
    pub(crate) async fn change(&self, name: &str, spec: &Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.0.jobs.patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.0.jobs.delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) fn job(&self, name: &str) -> Option<OmotesJob> {
        self.all("omotesjobs").into_iter().find(|job: &OmotesJob| job.name_any() == name)
    }

    pub(crate) fn pods(&self) -> Vec<Pod> {
        self.all("pods")
    }

    /// The pod of a job.
    pub(crate) fn pod_of(&self, job: &str) -> Result<String, String> {
        let status = self.job(job).and_then(|job| job.status);
        status.and_then(|status| status.pod_name).ok_or_else(|| format!("{job} has no pod"))
    }

    /// The node that a job's pod is on.
    pub(crate) fn node_of(&self, job: &str) -> Result<String, String> {
        let name = self.pod_of(job)?;
        let pod = self.pods().into_iter().find(|pod| pod.name_any() == name);
        let node = pod.and_then(|pod| pod.spec).and_then(|spec| spec.node_name);
        node.ok_or_else(|| format!("{name} is on no node"))
    }

    /// All objects of a kind.
    pub(crate) fn all<K: serde::de::DeserializeOwned>(&self, plural: &str) -> Vec<K> {
        let objects = self.0.apiserver.objects(plural).into_iter();
        objects.map(|object| serde_json::from_value(object).unwrap()).collect()
    }

    /// Waits until something holds, for twenty minutes at most: a test fails by what has not come about then.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) -> Result<(), String> {
        let began = Instant::now();
        while !holds(self) {
            if began.elapsed() > PATIENCE {
                return Err(format!("within twenty minutes it did not come about that {what}"));
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits until a job is in this phase.
    pub(crate) async fn reaches(&self, name: &str, wanted: Phase) -> Result<(), String> {
        let what = format!("{name} is {wanted:?}");
        self.until(&what, |world| world.job(name).is_some_and(|job| phase(&job) == Some(wanted))).await
    }

    /// Waits until a job runs, and its client knows that.
    pub(crate) async fn runs(&self, name: &str) -> Result<(), String> {
        self.reaches(name, Phase::Running).await?;
        sleep(NEWS).await;
        Ok(())
    }

    /// Waits until a job has ended, and its result is where it belongs.
    pub(crate) async fn ends(&self, name: &str) -> Result<(), String> {
        let is_over = |world: &Self| world.job(name).is_some_and(|job| phase(&job).is_some_and(Phase::is_terminal));
        self.until(&format!("{name} has ended"), is_over).await
    }

    pub(crate) async fn is_gone(&self, name: &str) -> Result<(), String> {
        self.until(&format!("{name} is gone"), |world| world.job(name).is_none()).await
    }

    /// Waits until the client has heard the result of the job with this id.
    pub(crate) async fn is_told(&self, id: &str) -> Result<(), String> {
        let has_result = |heard: &Vec<Heard>| heard.iter().any(|heard| matches!(heard, Heard::Result { .. }));
        self.until(&format!("the client of {id} has its result"), |world| {
            world.client().heard().get(id).is_some_and(has_result)
        })
        .await
    }

    /// What the client heard of each job.
    pub(crate) fn heard(&self) -> BTreeMap<String, Vec<Heard>> {
        self.0.client.heard()
    }
}

/// The operator's key, as from an earlier start.
fn key() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "omotes-operator-key", "namespace": replicas::NAMESPACE},
        "data": {"key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="},
        "immutable": true,
    })
}

//! The operator as Helm installed it: its replicas, who leads, and ways to break them.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use serde_json::json;

use super::{
    bed::{PATIENCE, cluster, kubectl, variable},
    broker, until,
};

/// The installed operator.
pub(crate) struct Operator {
    pub client: Client,
    pub pods: Api<Pod>,
    leases: Api<Lease>,
}

/// How a leader ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// Its pod is removed at once; the kubelet still sends SIGTERM, but the pod's token is worth nothing any more.
    ForceDeleted,
    /// The process gets SIGKILL, and then the same: as if its node had died.
    Killed,
}

impl Operator {
    /// The operator in good order: broker up, both replicas ready, one of them leading and connected.
    pub(crate) async fn settled() -> Self {
        broker::up();
        let client = cluster().await;
        let namespace = variable("OMOTES_NAMESPACE");
        let operator = Self {
            pods: Api::namespaced(client.clone(), &namespace),
            leases: Api::namespaced(client.clone(), &namespace),
            client,
        };
        operator.connected().await;
        operator
    }

    /// Waits until both replicas are ready and the holder of the Lease holds the leader queue; tells its name.
    pub(crate) async fn connected(&self) -> String {
        until("the operator is in good order", PATIENCE, || async {
            let pods = self.replicas().await;
            let ready = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none() && is_ready(pod)).count();
            let leader = self.leader().await;
            let address = pods.iter().find(|pod| pod.name_any() == leader).and_then(address);
            let holder = broker::leader_queue_holder().await;
            if ready == 2 && pods.len() == 2 && address.is_some() && address == holder {
                return Ok(leader);
            }
            Err(format!("{ready} of {} ready, {leader:?} leads at {address:?}, {holder:?} holds the queue", pods.len()))
        })
        .await
    }

    /// The pods of the operator that are there.
    pub(crate) async fn replicas(&self) -> Vec<Pod> {
        let selector = ListParams::default().labels("app.kubernetes.io/name=omotes-operator");
        self.pods.list(&selector).await.unwrap().items
    }

    /// The holder of the Lease; empty while nobody is.
    pub(crate) async fn leader(&self) -> String {
        let lease = self.leases.get_opt("omotes-operator").await.unwrap();
        lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default()
    }

    /// Waits until another one than `former` holds the Lease; tells who, and how long after `since`.
    pub(crate) async fn replaced(&self, former: &str, since: Instant) -> (String, Duration) {
        until(&format!("another one than {former} leads"), PATIENCE, || async {
            match self.leader().await {
                leader if leader.is_empty() || leader == former => Err(format!("{leader:?} leads")),
                leader => Ok((leader, since.elapsed())),
            }
        })
        .await
    }

    /// Ends the replica called `name` without any good-bye.
    pub(crate) async fn end(&self, name: &str, process: u32, end: End) {
        if matches!(end, End::Killed) {
            signal("KILL", process);
        }
        self.pods.delete(name, &DeleteParams::default().grace_period(0)).await.unwrap();
    }

    /// The process of the replica called `name`, as this machine numbers it.
    pub(crate) async fn process(&self, name: &str) -> u32 {
        // One that has just begun may lead before the kubelet says so.
        let id = until(&format!("{name} has a container"), PATIENCE, || async {
            let pod = self.pods.get(name).await.map_err(|error| error.to_string())?;
            let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
            let id = containers.into_iter().find_map(|container| container.container_id);
            id.and_then(|id| id.rsplit('/').next().map(str::to_owned)).ok_or_else(|| "none yet".to_owned())
        })
        .await;
        let tasks = Command::new("ctr").args(["tasks", "list"]).output().unwrap();
        let tasks = String::from_utf8(tasks.stdout).unwrap();
        let line = tasks.lines().find(|line| line.starts_with(&id)).unwrap_or_else(|| panic!("{id} is not in {tasks}"));
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// What the replica called `name` says of itself.
    pub(crate) async fn readiness(&self, name: &str) -> String {
        self.asks(name, "readyz").await
    }

    /// Has the kubelet bring the broker's Secret into the replicas' volumes now, not at its next minute, and waits until
    /// all of them see these files in it.
    pub(crate) async fn sees(&self, files: &[(&str, String)]) {
        let patch = json!({"metadata": {"annotations": {"tests/refreshed": fastrand::u64(..).to_string()}}});
        for pod in self.replicas().await {
            let name = pod.name_any();
            self.pods.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
            let folder = format!("/proc/{}/root/etc/omotes/broker", self.process(&name).await);
            until(&format!("{name} sees the Secret"), PATIENCE, || async {
                let differs = |(file, text): &&(&str, String)| {
                    std::fs::read_to_string(format!("{folder}/{file}")).unwrap_or_default() != *text
                };
                files.iter().find(differs).map_or(Ok(()), |(file, _)| Err(format!("{file} is another")))
            })
            .await;
        }
    }

    /// What the replica called `name` counts.
    pub(crate) async fn metrics(&self, name: &str) -> String {
        self.asks(name, "metrics").await
    }

    async fn asks(&self, name: &str, page: &str) -> String {
        let path = format!("/api/v1/namespaces/{}/pods/{name}:8080/proxy/{page}", variable("OMOTES_NAMESPACE"));
        let request = axum::http::Request::get(path).body(Vec::new()).unwrap();
        self.client.request_text(request).await.unwrap_or_else(|error| error.to_string())
    }

    /// How often containers of the operator were started again.
    pub(crate) async fn restarts(&self) -> i32 {
        let pods = self.replicas().await;
        pods.iter().filter_map(|pod| pod.status.clone()?.container_statuses).flatten().map(|c| c.restart_count).sum()
    }

    /// Starts all replicas anew, one by one, as after a change of the Deployment.
    pub(crate) fn roll_out() {
        let namespace = variable("OMOTES_NAMESPACE");
        for words in [&["restart"][..], &["status", "--timeout=120s"]] {
            let all = [&["-n", &namespace, "rollout"], words, &["deployment/omotes-operator"]].concat();
            let (done, said) = kubectl(&all, None);
            assert!(done, "{said}");
        }
    }

    /// Gives the operator so many replicas, and waits until all of them are there, or none.
    pub(crate) fn scale(replicas: u8) {
        let namespace = variable("OMOTES_NAMESPACE");
        let count = format!("--replicas={replicas}");
        let deployment = "deployment/omotes-operator";
        let gone =
            ["wait", "--for=delete", "pod", "--selector=app.kubernetes.io/name=omotes-operator", "--timeout=60s"];
        let ready = ["rollout", "status", deployment, "--timeout=120s"];
        for words in [&["scale", deployment, &count][..], if replicas == 0 { &gone } else { &ready }] {
            let (done, said) = kubectl(&[&["--namespace", &namespace], words].concat(), None);
            assert!(done, "{said}");
        }
    }
}

/// The repository's own script that installs the operator, with the image that is installed.
pub(crate) fn installer() -> Command {
    let namespace = variable("OMOTES_NAMESPACE");
    let path = "--output=jsonpath={.spec.template.spec.containers[0].image}";
    let (_, image) = kubectl(&["-n", &namespace, "get", "deployment/omotes-operator", path], None);
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/testbed/install-operator"));
    script.env("IMAGE", image).env_remove("OMOTES_BROKER_CA");
    script
}

/// Sends a signal to a process of the test bed.
pub(crate) fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success(), "kill -{name} {process}");
}

fn is_ready(pod: &Pod) -> bool {
    let status = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    status.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn address(pod: &Pod) -> Option<String> {
    pod.status.as_ref()?.pod_ip.clone()
}

/// What a process has in memory, in KiB.
pub(crate) fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

//! A node that is there, and whose kubelet is the test: pods are bound to it, and it reports what the test says.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use omotes_operator::testing::api::OmotesJob;
use serde_json::{Value, json};

use super::{
    bed::{PATIENCE, Space, job, merged, pod_spec},
    until,
};

/// A node called after its test's namespace.
pub(crate) struct Ghost {
    name: String,
    nodes: Api<Node>,
}

impl Ghost {
    /// A node that takes a few thousand pods of `space`.
    pub(crate) async fn new(space: &Space) -> Self {
        let (name, nodes) = (space.name.clone(), Api::<Node>::all(space.client.clone()));
        let node = json!({
            "metadata": {"name": name, "labels": {"ghost": name}},
            "spec": {"taints": [{"key": "ghost", "effect": "NoSchedule"}]},
        });
        nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
        let capacity = json!({"cpu": "100", "memory": "1Ti", "pods": "2000"});
        let status = Patch::Merge(json!({"status": {"allocatable": capacity, "capacity": capacity}}));
        nodes.patch_status(&name, &PatchParams::default(), &status).await.unwrap();
        Self { name, nodes }
    }

    /// What brings a pod there, as part of its spec.
    pub(crate) fn there(&self) -> Value {
        json!({"nodeSelector": {"ghost": self.name}, "tolerations": [{"operator": "Exists"}]})
    }

    /// A job without a courier whose pods come there, and are reported on by the test.
    pub(crate) fn job(&self, name: &str, patch: &Value) -> OmotesJob {
        let spec = json!({
            "courier": {"enabled": false},
            "retry": {"initialSeconds": 1, "maxSeconds": 1},
            "template": {"spec": merged(pod_spec("true"), &self.there())},
        });
        job(name, &merged(spec, patch))
    }

    /// Takes the node away.
    pub(crate) async fn remove(self) {
        self.nodes.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

/// Waits until the pod called `pod` has a node.
pub(crate) async fn bound(space: &Space, pod: &str) {
    until(&format!("{pod} has a node"), PATIENCE, || async {
        let pod = space.pods.get_opt(pod).await.unwrap();
        pod.and_then(|pod| pod.spec?.node_name).map(drop).ok_or_else(String::new)
    })
    .await;
}

/// The second that it is.
pub(crate) fn this_second() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

/// Waits until the pod called `pod` has a node, and says as a kubelet that its program has just begun.
pub(crate) async fn starts(space: &Space, pod: &str) {
    bound(space, pod).await;
    runs(space, pod, this_second()).await;
}

/// As a kubelet says that the program in `pod` runs since then.
pub(crate) async fn runs(space: &Space, pod: &str, since: Timestamp) {
    reports(space, pod, "Running", &json!({"running": {"startedAt": since}}), &json!({})).await;
}

/// As a kubelet says that the program in `pod` was killed.
pub(crate) async fn was_killed(space: &Space, pod: &str) {
    let now = this_second();
    let end = json!({"exitCode": 137, "reason": "Error", "startedAt": now, "finishedAt": now});
    reports(space, pod, "Failed", &json!({"terminated": end}), &json!({})).await;
}

/// As a kubelet says that it cannot find main of `pod` any more, which had run: without an id and times.
pub(crate) async fn forgot(space: &Space, pod: &str) {
    let lost = |message: &str| json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": message}});
    let main = json!({
        "name": "main", "image": "i", "imageID": "", "ready": false, "restartCount": 1,
        "state": lost("The container could not be located when the pod was terminated"),
        "lastState": lost("The container could not be located when the pod was deleted.  The container used to be Running"),
    });
    reports(space, pod, "Failed", &json!({}), &json!({"containerStatuses": [main]})).await;
}

/// As a kubelet says that `pod` is in this phase and its main container in this state, and what else it says.
pub(crate) async fn reports(space: &Space, pod: &str, phase: &str, state: &Value, more: &Value) {
    let main = json!({"name": "main", "image": "i", "imageID": "", "containerID": "ghost://1", "ready": false, "restartCount": 0, "state": state});
    let status = merged(json!({"phase": phase, "containerStatuses": [main]}), more);
    let patch = Patch::Merge(json!({"status": status}));
    space.pods.patch_status(pod, &PatchParams::default(), &patch).await.unwrap();
}

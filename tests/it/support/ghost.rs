//! A node that is there, and whose kubelet is the test: pods are bound to it, and it reports what the test says.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::bed::Space;

/// A node called after its test's namespace.
pub struct Ghost {
    name: String,
    nodes: Api<Node>,
}

impl Ghost {
    /// A node that takes a few thousand pods of `space`.
    pub async fn new(space: &Space) -> Self {
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
    pub fn there(&self) -> Value {
        json!({"nodeSelector": {"ghost": self.name}, "tolerations": [{"operator": "Exists"}]})
    }

    /// Takes the node away.
    pub async fn remove(self) {
        self.nodes.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

/// The second that it is.
pub fn this_second() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

/// As a kubelet says that the program in `pod` runs since then.
pub async fn runs(space: &Space, pod: &str, since: Timestamp) {
    report(space, pod, "Running", &json!({"running": {"startedAt": since}})).await;
}

/// As a kubelet says that the program in `pod` was killed.
pub async fn was_killed(space: &Space, pod: &str) {
    let now = this_second();
    let end = json!({"exitCode": 137, "reason": "Error", "startedAt": now, "finishedAt": now});
    report(space, pod, "Failed", &json!({"terminated": end})).await;
}

async fn report(space: &Space, pod: &str, phase: &str, state: &Value) {
    let main = json!({"name": "main", "image": "i", "imageID": "", "containerID": "ghost://1", "ready": false, "restartCount": 0, "state": state});
    let patch = Patch::Merge(json!({"status": {"phase": phase, "containerStatuses": [main]}}));
    space.pods.patch_status(pod, &PatchParams::default(), &patch).await.unwrap();
}

//! Where pods go, what refuses them, and what collects them.

use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use omotes_operator::testing::api::OmotesJob;
use serde_json::json;

use super::{
    super::{Exit, Program},
    bed::{Bed, NAMESPACE, pod, seconds, wait},
};
use crate::{
    simulation::apiserver::{Fault, Requests},
    support::bed::shell_job,
};

impl Bed {
    async fn unscheduled(&self, pod: &str) -> Option<String> {
        let status = self.pods.get(pod).await.unwrap().status?;
        let condition = status.conditions?.into_iter().find(|condition| condition.type_ == "PodScheduled")?;
        (condition.status == "False").then_some(condition.message?)
    }

    /// The nodes of pods, in the order of these.
    async fn placed(&self, pods: &[&str]) -> Vec<String> {
        let mut nodes = Vec::new();
        for pod in pods {
            let pod = self.pods.get(pod).await.unwrap();
            nodes.push(pod.spec.unwrap().node_name.unwrap_or_default());
        }
        nodes
    }
}

#[tokio::test(start_paused = true)]
async fn pods_wait_for_places() {
    let bed = Bed::all(Program::ends(seconds(100), Exit::code(0)));
    for name in ["p", "q", "r", "s", "t"] {
        bed.create(pod(name, &json!({}))).await;
        wait(1).await;
    }
    assert_eq!(bed.placed(&["p", "q", "r", "s", "t"]).await, ["a", "b", "a", "b", ""]);
    assert_eq!(bed.unscheduled("t").await.as_deref(), Some("0/2 nodes are available: 2 Too many pods."));
    bed.nodes.delete_pod("q", None);
    wait(1).await;
    assert_eq!(bed.placed(&["t"]).await, ["b"], "where a pod has gone");
    wait(200).await;
    assert_eq!(bed.shown("t").await, "Succeeded, main Completed 0, Ready False PodCompleted");
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_that_refuses_says_why() {
    let bed = Bed::all(Program::forever());
    bed.nodes.refuse(Some("0/2 nodes are available: 2 Insufficient cpu."));
    bed.create(pod("p", &json!({}))).await;
    wait(60).await;
    assert_eq!(bed.unscheduled("p").await.as_deref(), Some("0/2 nodes are available: 2 Insufficient cpu."));
    bed.nodes.refuse(None);
    wait(1).await;
    assert_eq!(bed.unscheduled("p").await, None);
    assert_eq!(bed.shown("p").await, "Running, main runs, Ready True");
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_refuses_what_it_cannot_take() {
    let bed = Bed::all(Program::forever());
    bed.nodes.reject_pods("a", "UnexpectedAdmissionError", "no device");
    bed.create(pod("p", &json!({}))).await;
    wait(1).await;
    assert_eq!(bed.shown("p").await, "Failed UnexpectedAdmissionError");
    bed.nodes.restore_node("a");
    bed.create(pod("q", &json!({}))).await;
    wait(1).await;
    assert_eq!(bed.shown("q").await, "Running, main runs, Ready True");
}

/// A node that is not ready gets no pods; one that is lost and still ready gets them, and starts them when it is back.
#[tokio::test(start_paused = true)]
async fn a_lost_node_gets_pods_only_while_it_seems_ready() {
    let bed = Bed::all(Program::forever());
    bed.nodes.lose_node("a");
    bed.create(pod("p", &json!({}))).await;
    wait(50).await;
    bed.create(pod("q", &json!({}))).await;
    bed.create(pod("r", &json!({}))).await;
    wait(1).await;
    assert_eq!(bed.placed(&["p", "q", "r"]).await, ["a", "b", "b"]);
    assert_eq!(bed.shown("p").await, "Pending, Ready False");
    bed.nodes.restore_node("a");
    wait(1).await;
    assert_eq!(bed.shown("p").await, "Running, main runs, Ready True");
}

#[tokio::test(start_paused = true)]
async fn the_pod_of_a_job_that_is_gone_is_collected() {
    let bed = Bed::all(Program::forever());
    let jobs: Api<OmotesJob> = Api::namespaced(bed.apiserver.client("user", NAMESPACE), NAMESPACE);
    let job = jobs.create(&PostParams::default(), &shell_job("job", "true")).await.unwrap();
    let owner =
        json!({"apiVersion": "omotes.io/v1alpha1", "kind": "OmotesJob", "name": "job", "uid": job.metadata.uid});
    bed.create(pod("p", &json!({"metadata": {"ownerReferences": [owner]}}))).await;
    wait(5).await;
    jobs.delete("job", &DeleteParams::default()).await.unwrap();
    wait(2).await;
    assert_eq!(bed.shown("p").await, "gone");
    assert_eq!(bed.life("p"), (0, Some(5)));
}

/// Whatever goes wrong with requests, and however watches end.
#[tokio::test(start_paused = true)]
async fn nodes_are_not_subject_to_the_faults_of_clients() {
    let bed = Bed::all(Program::ends(seconds(10), Exit::code(0)));
    bed.create(pod("p", &json!({}))).await;
    bed.apiserver.fail_all(Requests::default(), Fault::Disconnect);
    wait(2).await;
    bed.apiserver.break_watches(&Requests::default());
    wait(2).await;
    bed.apiserver.expire_watches(&Requests::default());
    wait(10).await;
    bed.apiserver.mend();
    assert_eq!(bed.shown("p").await, "Succeeded, main Completed 0, Ready False PodCompleted");
    assert!(bed.apiserver.log().iter().all(|request| request.user == "user"));
}

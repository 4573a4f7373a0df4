//! How pods end that something else ends.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::{
    super::{Exit, Nodes, Program},
    bed::{Bed, couriers, held, pod, seconds, wait},
};
use crate::support::bed::merged;

type Act = fn(&Nodes);

/// What is done to a pod that runs, and what is shown a minute later of one that is held.
#[tokio::test(start_paused = true)]
async fn a_pod_ends_as_the_cluster_ends_it() {
    const DELETED: &str = "Ready False PodFailed, deleted within 0";
    let runs = Program::forever;
    let helpful = || runs().at_sigterm(seconds(4), Exit::code(0));
    let delete: Act = |nodes| nodes.delete_pod("p", None);
    let shut_down: Act = |nodes| ["a", "b"].iter().for_each(|node| nodes.shut_down_node(node));
    let target = |what: &str| format!("Ready False PodFailed, DisruptionTarget True {what}");
    let cases: [(Program, Act, String); 13] = [
        (runs(), delete, format!("Failed, main Error 143, {DELETED}")),
        (runs().deaf(), delete, format!("Failed, main Error 137, {DELETED}")),
        (helpful(), delete, "Succeeded, main Completed 0, Ready False PodCompleted, deleted within 0".to_owned()),
        (runs().at_sigterm(seconds(20), Exit::code(0)), delete, format!("Failed, main Error 137, {DELETED}")),
        (runs(), |nodes| nodes.delete_pod("p", Some(0)), format!("Failed, main Error 143, {DELETED}")),
        (
            runs(),
            |nodes| nodes.evict("p"),
            format!("Failed, main Error 143, {}, deleted within 0", target("EvictionByEvictionAPI")),
        ),
        (
            runs(),
            |nodes| nodes.preempt("p"),
            format!("Failed, main Error 143, {}, deleted within 0", target("PreemptionByScheduler")),
        ),
        (
            runs().deaf(),
            |nodes| nodes.evict_by_kubelet("p"),
            format!("Failed Evicted, main Error 137, {}", target("TerminationByKubelet")),
        ),
        (runs(), |nodes| nodes.kill("p", "main"), "Failed, main Error 137, Ready False PodFailed".to_owned()),
        (
            runs(),
            |nodes| nodes.exhaust_memory("p", "main"),
            "Failed, main OOMKilled 137, Ready False PodFailed".to_owned(),
        ),
        (runs(), shut_down, format!("Failed Terminated, main Error 143, {}", target("TerminationByKubelet"))),
        (
            helpful(),
            shut_down,
            "Succeeded Terminated, main Completed 0, Ready False PodCompleted, DisruptionTarget True TerminationByKubelet"
                .to_owned(),
        ),
        (
            runs(),
            |nodes| nodes.remove_node("a"),
            "Failed, main runs, Ready True, DisruptionTarget True DeletionByPodGC, deleted within 0".to_owned(),
        ),
    ];
    for (program, act, expected) in cases {
        let bed = Bed::all(program);
        bed.create(held("p")).await;
        wait(10).await;
        act(&bed.nodes);
        wait(60).await;
        assert_eq!(bed.shown("p").await, expected);
    }
}

/// A kubelet says nothing while it ends containers; then it deletes the object.
#[tokio::test(start_paused = true)]
async fn a_deletion_takes_its_grace() {
    let bed = Bed::all(Program::forever().deaf());
    bed.create(pod("p", &couriers())).await;
    wait(5).await;
    bed.pods.delete("p", &DeleteParams::default()).await.unwrap();
    wait(9).await;
    let running = "Running, omotes-courier-input Completed 0, proxy runs, omotes-courier runs, main runs, Ready True";
    assert_eq!(bed.shown("p").await, format!("{running}, deleted within 10"));
    assert_eq!(bed.life("p").1, None);
    wait(2).await;
    assert_eq!(bed.shown("p").await, "gone");
    assert_eq!(bed.life("p").1, Some(15));
}

#[tokio::test(start_paused = true)]
async fn a_grace_that_is_shortened_counts_from_then() {
    let bed = Bed::all(Program::forever().deaf());
    bed.create(pod("p", &json!({"spec": {"terminationGracePeriodSeconds": 100}}))).await;
    wait(5).await;
    bed.nodes.delete_pod("p", None);
    wait(10).await;
    bed.nodes.delete_pod("p", Some(5));
    wait(10).await;
    assert_eq!((bed.shown("p").await.as_str(), bed.life("p").1), ("gone", Some(20)));
}

/// A pod without a node has nothing to end.
#[tokio::test(start_paused = true)]
async fn a_pod_that_waits_is_deleted_at_once_and_one_that_starts_never_runs() {
    let bed = Bed::all(Program::forever());
    bed.nodes.refuse(Some("no"));
    bed.create(pod("p", &json!({}))).await;
    wait(1).await;
    bed.nodes.delete_pod("p", None);
    assert_eq!(bed.shown("p").await, "gone");
    bed.nodes.refuse(None);
    bed.create(held("q")).await;
    tokio::time::sleep(seconds(1) / 5).await;
    bed.nodes.delete_pod("q", None);
    wait(5).await;
    let expected = "Failed, main ContainerStatusUnknown 137: The container could not be located when the pod was terminated, Ready False ContainersNotReady, deleted within 0";
    assert_eq!(bed.shown("q").await, expected);
    assert!(bed.nodes.lives().is_empty());
}

/// Another pod of the job may begin meanwhile, and that is on record.
#[tokio::test(start_paused = true)]
async fn a_pod_that_is_forced_off_runs_on_without_an_object() {
    let of_job = json!({"metadata": {"labels": {"omotes.io/job-name": "job"}}});
    let bed = Bed::all(Program::forever().deaf());
    bed.create(pod("p", &of_job)).await;
    wait(5).await;
    bed.nodes.delete_pod("p", Some(0));
    assert_eq!(bed.shown("p").await, "gone");
    assert_eq!(bed.nodes.two_at_once(), None);
    bed.create(pod("q", &of_job)).await;
    wait(5).await;
    assert_eq!(bed.life("p").1, None);
    let (one, other) = bed.nodes.two_at_once().unwrap();
    assert_eq!((one.pod.as_str(), other.pod.as_str()), ("p", "q"));
    assert_ne!(one.uid, other.uid);
    wait(10).await;
    assert_eq!(bed.life("p").1, Some(15), "within its own grace");
}

/// Nothing is confirmed before the node is back; the pods go on meanwhile.
#[tokio::test(start_paused = true)]
async fn a_node_that_is_lost_confirms_no_end_until_it_is_back() {
    let bed = Bed::all(Program::ends(seconds(600), Exit::code(0)).deaf());
    bed.create(held("p")).await;
    wait(5).await;
    bed.nodes.lose_node("a");
    wait(39).await;
    assert_eq!(bed.shown("p").await, "Running, main runs, Ready True");
    wait(2).await;
    assert_eq!(bed.shown("p").await, "Running, main runs, Ready False");
    wait(300).await;
    let deleted = "DisruptionTarget True DeletionByTaintManager, deleted within 10";
    let expected = format!("Running, main runs, Ready False, {deleted}");
    assert_eq!(bed.shown("p").await, expected);
    wait(400).await;
    assert_eq!(bed.shown("p").await, expected);
    assert_eq!(bed.life("p").1, Some(600), "it ended by itself, and nothing says so");
    bed.nodes.restore_node("a");
    wait(1).await;
    let deleted = "DisruptionTarget True DeletionByTaintManager, deleted within 0";
    assert_eq!(bed.shown("p").await, format!("Succeeded, main Completed 0, Ready False PodCompleted, {deleted}"));
}

/// A kubelet that comes back ends what was deleted meanwhile, by grace or by force.
#[tokio::test(start_paused = true)]
async fn a_node_that_is_back_ends_what_was_deleted() {
    let bed = Bed::all(Program::forever());
    bed.create(pod("p", &json!({"spec": {"nodeName": "a"}}))).await;
    bed.create(pod("q", &json!({"spec": {"nodeName": "a"}}))).await;
    wait(5).await;
    bed.nodes.lose_node("a");
    bed.nodes.delete_pod("p", None);
    bed.nodes.delete_pod("q", Some(0));
    wait(30).await;
    assert_eq!((bed.life("p").1, bed.life("q").1), (None, None));
    bed.nodes.restore_node("a");
    wait(1).await;
    assert_eq!((bed.life("p").1, bed.life("q").1), (Some(35), Some(35)));
    assert_eq!((bed.shown("p").await.as_str(), bed.shown("q").await.as_str()), ("gone", "gone"));
    assert_eq!(bed.nodes.lives().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_removed_takes_its_containers_with_it() {
    let bed = Bed::all(Program::forever().deaf());
    bed.create(pod("p", &couriers())).await;
    wait(5).await;
    bed.nodes.remove_node("a");
    wait(1).await;
    assert_eq!(bed.life("p").1, Some(5));
    wait(38).await;
    assert!(bed.shown("p").await.starts_with("Running, "));
    wait(2).await;
    assert_eq!(bed.shown("p").await, "gone");
}

/// The operator ends containers beside main so. What had ended before its time keeps its exit code.
#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_lowered_ends_what_still_runs() {
    let beside = json!({"spec": {"containers": [{"name": "main", "image": "i"}, {"name": "proxy", "image": "i"}]}});
    let bed = Bed::new(|start| match start.container {
        "main" => Program::ends(seconds(10), Exit::code(0)),
        _ => Program::forever(),
    });
    bed.create(merged(pod("p", &beside), &json!({"spec": {"activeDeadlineSeconds": 1000}}))).await;
    wait(20).await;
    let lower = Patch::Merge(json!({"spec": {"activeDeadlineSeconds": 11}}));
    bed.pods.patch("p", &PatchParams::default(), &lower).await.unwrap();
    wait(1).await;
    let expected = "Failed DeadlineExceeded, main Completed 0, proxy Error 143, Ready False PodFailed";
    assert_eq!(bed.shown("p").await, expected);
}

//! Never more live jobs than seats, whoever leads.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use omotes_operator::testing::api::{OmotesWorkflow, names};
use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};

use crate::support::{
    bed::{Space, cause, job, merged, pod_spec},
    operator::{End, Operator},
};

const SEATS: usize = 2;
const JOBS: usize = 12;

/// Pods whose program may run: not ended, as far as the apiserver knows.
fn live(pods: &[Pod]) -> Vec<String> {
    let ended = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
        matches!(phase.as_deref(), Some("Succeeded" | "Failed"))
    };
    pods.iter().filter(|pod| !ended(pod)).map(ResourceExt::name_any).collect()
}

/// Watches the pods of workflows; ends where more of them live at once than there are seats.
pub(super) fn watch(pods: Api<Pod>, seats: usize) -> JoinHandle<()> {
    let of_workflows = ListParams::default().labels(names::LABEL_WORKFLOW);
    tokio::spawn(async move {
        loop {
            let there = live(&pods.list(&of_workflows).await.unwrap().items);
            assert!(there.len() <= seats, "more live pods than seats: {there:?}");
            sleep(Duration::from_millis(50)).await;
        }
    })
}

/// Makes a workflow whose jobs run `script`, with these limits.
pub(super) async fn make_workflow(space: &Space, name: &str, script: &str, limit: &Value) {
    let workflows: Api<OmotesWorkflow> = Api::namespaced(space.client.clone(), &space.name);
    let spec = merged(json!({"typeName": name, "template": {"spec": pod_spec(script)}}), limit);
    let manifest = json!({"metadata": {"name": name}, "spec": spec});
    workflows.create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
}

/// Workflows, and what keeps all of their jobs together to so many at once.
struct Limited {
    workflows: &'static [&'static str],
    limit: Value,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn dead_leaders_give_no_seat_twice() {
    kill_leaders("seats-kills", Limited { workflows: &["only"], limit: json!({"maxConcurrentJobs": SEATS}) }).await;
}

/// The same with slots that three workflows share.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn dead_leaders_give_no_slot_twice() {
    let limit = json!({"slots": {"pool": "solver", "max": SEATS}});
    kill_leaders("slots-kills", Limited { workflows: &["one", "two", "three"], limit }).await;
}

async fn kill_leaders(test: &str, limited: Limited) {
    let operator = Operator::settled().await;
    let space = Space::new(test).await;
    for name in limited.workflows {
        make_workflow(&space, name, "sleep 3", &limited.limit).await;
    }
    let watching = watch(space.pods.clone(), SEATS);
    for number in 0..JOBS {
        let workflow = limited.workflows[number % limited.workflows.len()];
        space.create(&job(&format!("job-{number}"), &json!({"workflowRef": {"name": workflow}}))).await;
    }
    for _ in 0..3 {
        let former = operator.leader().await;
        let process = operator.process(&former).await;
        operator.end(&former, process, End::Killed).await;
        operator.replaced(&former, Instant::now()).await;
        assert!(!watching.is_finished(), "more live pods than seats");
    }
    for number in 0..JOBS {
        let name = format!("job-{number}");
        assert_eq!(cause(&space.ended(&name).await), "Completed");
        space.delete(&name).await;
    }
    assert!(!watching.is_finished(), "more live pods than seats");
    watching.abort();
    space.empty().await;
    space.remove().await;
    operator.connected().await;
}

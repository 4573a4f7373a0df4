//! The operator is uninstalled, as the README says how: nothing that is left blocks anybody.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    process::Command,
    time::{Duration, Instant},
};

use futures::FutureExt;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::ListParams};
use omotes_operator::testing::{api::names, wire::ResultType};
use serde_json::json;

use super::broker::broker;
use crate::support::{
    bed::{Space, job, merged, pod_spec, quits, shell_job, variable},
    broker as rabbit,
    operator::{Operator, installer},
};

/// The commands of the README's section "Uninstalling".
fn readme(title: &str) -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let section = text.split(title).nth(1).unwrap_or_else(|| panic!("the README has no {title:?}"));
    let block = section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    block.lines().map(|line| line.split("  #").next().unwrap().trim_end().to_owned()).collect()
}

fn shell(command: &str) {
    let output = Command::new("bash").args(["-euc", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn courier_secrets(operator: &Operator) -> Vec<String> {
    let secrets: Api<Secret> = Api::all(operator.client.clone());
    let ours = ListParams::default().labels(&format!("{}={}", names::LABEL_MANAGED_BY, names::OPERATOR));
    let ours = secrets.list(&ours).await.unwrap().items;
    ours.iter().filter(|secret| secret.name_any() == names::SECRET_COURIER).map(ResourceExt::name_any).collect()
}

/// Jobs that run, and one that has ended, are told and let go before the operator goes.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn an_uninstalled_operator_leaves_nothing() {
    let operator = Operator::settled().await;
    let mut install = installer();
    let others = rabbit::depths().await;
    let space = Space::new("uninstall").await;
    let running = space.create(&shell_job("running", &quits(3))).await.uid().unwrap();
    let ended = space.create(&shell_job("ended", "true")).await.uid().unwrap();
    space.running("running").await;
    space.ended("ended").await;
    let tried = AssertUnwindSafe(async {
        for command in readme("**Uninstalling.**") {
            println!("{command}");
            shell(&command);
        }
        rabbit::only_result_waiting(&running, ResultType::Cancelled).await;
        rabbit::only_result_waiting(&ended, ResultType::Succeeded).await;
        assert_eq!(courier_secrets(&operator).await, Vec::<String>::new());
        let news = rabbit::depths().await.into_keys().filter(|queue| !others.contains_key(queue));
        assert_eq!(news.collect::<Vec<_>>(), Vec::<String>::new(), "at the broker");
    })
    .catch_unwind()
    .await;
    let done = install.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    operator.connected().await;
    if let Err(panic) = tried {
        resume_unwind(panic);
    }
    space.empty().await;
    space.remove().await;
}

/// Somebody has removed the operator first. His jobs and their namespace can go all the same.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn jobs_without_an_operator_can_be_let_go() {
    let operator = Operator::settled().await;
    let mut install = installer();
    let space = Space::new("abandoned").await;
    space.create(&shell_job("running", &quits(3))).await;
    space.running("running").await;
    let namespace = variable("OMOTES_NAMESPACE");
    shell(&format!("helm uninstall omotes-operator --namespace {namespace} --wait"));
    for command in readme("**Jobs without an operator.**") {
        shell(&command.replace("kubectl ", &format!("kubectl --namespace {} ", space.name)));
    }
    space.empty().await;
    let name = space.name.clone();
    space.vanish().await;
    println!("namespace {name} is gone without an operator");
    let done = install.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    operator.connected().await;
}

/// A namespace with a running job and one that has ended goes while the broker is away.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the test bed: make test"]
async fn a_namespace_goes_while_the_broker_is_away() {
    let operator = Operator::settled().await;
    let space = Space::new("going").await;
    // The namespace deletes the pod first, with the grace that lets its courier flush.
    let soon = json!({"queues": {"cleanupTimeoutSeconds": 8}, "courier": {"flushSeconds": 8}});
    for (name, script) in [("running", quits(3)), ("ended", "true".to_owned())] {
        let spec = merged(soon.clone(), &json!({"template": {"spec": pod_spec(&script)}}));
        space.create(&job(name, &spec)).await;
    }
    space.running("running").await;
    space.ended("ended").await;
    broker("stop").await;
    let began = Instant::now();
    space.vanish().await;
    println!("gone after {:.1?}, with 8 s for the broker", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(60));
    broker("start").await;
    operator.connected().await;
}

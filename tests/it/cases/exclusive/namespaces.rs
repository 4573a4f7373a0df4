//! A namespace that is watched and missing disturbs no other.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::PostParams};
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, Space, cause, shell_job, variable},
    operator::{Operator, installer},
    until,
};

/// Installs the operator for these namespaces and that of the gateway; with none, for all.
fn watch(namespaces: &[&str]) {
    let mut script = installer();
    if !namespaces.is_empty() {
        let all = [namespaces, &[&variable("OMOTES_JOB_NAMESPACE")]].concat().join(",");
        script.args(["--set", &format!("watchNamespaces={{{all}}}")]);
    }
    assert!(script.status().unwrap().success());
}

/// cloud-on-k8s#7586: of two watched namespaces one is deleted, and the operator starts anew. The other is served, the missing one
/// is named, and served once it is there again.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_missing_namespace_is_named_and_holds_up_no_other() {
    let operator = Operator::settled().await;
    let (kept, gone) = (Space::new("wa").await, Space::new("wb").await);
    watch(&[&kept.name, &gone.name]);
    operator.connected().await;
    let name = gone.name.clone();
    gone.vanish().await;
    Operator::roll_out();
    let leader = operator.connected().await;
    kept.create(&shell_job("served", "true")).await;
    assert_eq!(cause(&kept.ended("served").await), "Completed");
    until("the missing namespace is named", PATIENCE, || async {
        let (ready, metrics) = (operator.readiness(&leader).await, operator.metrics(&leader).await);
        let named = ready.contains(&format!("namespace {name} not watched"));
        let counted = metrics.contains("omotes_namespaces_unwatched 1");
        if named && counted { Ok(()) } else { Err(ready) }
    })
    .await;

    let namespaces: Api<Namespace> = Api::all(kept.client.clone());
    let again = json!({"metadata": {"name": name}});
    namespaces.create(&PostParams::default(), &serde_json::from_value(again).unwrap()).await.unwrap();
    watch(&[&kept.name, &name]);
    let back = Space {
        jobs: Api::namespaced(kept.client.clone(), &name),
        pods: Api::namespaced(kept.client.clone(), &name),
        client: kept.client.clone(),
        name,
    };
    back.create(&shell_job("served", "true")).await;
    assert_eq!(cause(&back.ended("served").await), "Completed");
    for space in [&kept, &back] {
        space.delete("served").await;
        space.gone("served").await;
    }
    watch(&[]);
    operator.connected().await;
    kept.remove().await;
    back.remove().await;
}

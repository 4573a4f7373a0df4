//! A submission never blocks another.

use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy as Policy, ValidatingAdmissionPolicyBinding as Binding,
};
use kube::{
    Api, Client,
    api::{DeleteParams, PostParams},
};
use omotes_operator::testing::wire::ResultType;
use serde_json::json;

use crate::support::{
    bed::{PATIENCE, cluster, job, variable},
    client::Listener,
    sdk::{Offer, Sdk},
    until,
    wire::{number, params, text},
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// A refusal comes at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(20);

/// A policy that refuses jobs of one workflow whose reference begins with `bad`.
struct Refusing {
    name: String,
    policies: Api<Policy>,
    bindings: Api<Binding>,
}

impl Refusing {
    async fn new(client: &Client, workflow: &str) -> Self {
        let (policies, bindings) = (Api::<Policy>::all(client.clone()), Api::<Binding>::all(client.clone()));
        let ours = format!("has(object.spec.workflowRef) && object.spec.workflowRef.name == '{workflow}'");
        let policy = json!({
            "metadata": {"name": workflow},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": [
                    {"apiGroups": ["omotes.io"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["omotesjobs"]},
                ]},
                "matchConditions": [{"name": "ours", "expression": ours}],
                "validations": [{
                    "expression": "!object.spec.jobReference.startsWith('bad')",
                    "message": "no bad references here",
                    "reason": "Forbidden",
                }],
            },
        });
        policies.create(&PostParams::default(), &serde_json::from_value(policy).unwrap()).await.unwrap();
        let binding = json!({
            "metadata": {"name": workflow},
            "spec": {"policyName": workflow, "validationActions": ["Deny"]},
        });
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
        Self { name: workflow.to_owned(), policies, bindings }
    }

    /// Waits until the apiserver refuses by it.
    async fn in_force(&self, offer: &Offer) {
        let bad = job("bad", &json!({"workflowRef": {"name": self.name}, "jobReference": "bad"}));
        let trial = PostParams { dry_run: true, ..PostParams::default() };
        until("the policy is in force", PATIENCE, || async {
            let refused = offer.jobs.create(&trial, &bad).await.err().map(|error| error.to_string());
            refused.filter(|words| words.contains("no bad references here")).ok_or_else(|| "not yet".to_owned())
        })
        .await;
    }

    async fn remove(self) {
        self.bindings.delete(&self.name, &DeleteParams::default()).await.unwrap();
        self.policies.delete(&self.name, &DeleteParams::default()).await.unwrap();
    }
}

async fn submit(sdk: &Sdk, offer: &Offer, reference: &str) -> Listener {
    sdk.submit(&offer.type_name, b"<esdl/>", &text(6, reference.as_bytes())).await.1
}

/// Cluster API #4848: as many submissions as the operator takes at once are refused by a policy; each is answered with the policy's
/// words, and the next one runs.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn what_a_policy_refuses_is_answered_and_holds_up_nothing() {
    let script = "cp /omotes/input/input.esdl /omotes/output/output.esdl";
    let offer = Offer::new("policy", script).await;
    let policy = Refusing::new(&cluster().await, &offer.type_name).await;
    policy.in_force(&offer).await;
    let sdk = Sdk::start().await;
    let bad = [submit(&sdk, &offer, "bad 1").await, submit(&sdk, &offer, "bad 2").await];
    let mut good = submit(&sdk, &offer, "good").await;
    for mut listener in bad {
        listener.listen(AT_ONCE, AFTERWARDS).await;
        let logs = listener.only_result(ResultType::Error).logs.clone();
        assert!(logs.contains("no bad references here"), "{logs}");
        listener.leave().await;
    }
    good.listen(PATIENCE, AFTERWARDS).await;
    good.only_result(ResultType::Succeeded);
    good.leave().await;
    policy.remove().await;
    offer.remove().await;
}

/// The program gets a parameter that its workflow does not declare, where the workflow passes such parameters on.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn undeclared_parameters_are_passed_on_where_the_workflow_says_so() {
    let script = "cp /omotes/input/parameters.json /omotes/output/output.esdl";
    let open = Offer::of("passes-on", script, &json!({"undeclaredParameters": "PassOn"})).await;
    let closed = Offer::new("refuses", script).await;
    let sdk = Sdk::start().await;
    let undeclared = params(&number("gap", 0.25));
    let (_, mut passed) = sdk.submit(&open.type_name, b"<esdl/>", &undeclared).await;
    let (_, mut refused) = sdk.submit(&closed.type_name, b"<esdl/>", &undeclared).await;
    refused.listen(AT_ONCE, AFTERWARDS).await;
    assert!(refused.only_result(ResultType::Error).logs.contains("parameter gap"));
    passed.listen(PATIENCE, AFTERWARDS).await;
    let output = passed.only_result(ResultType::Succeeded).output_esdl.clone().unwrap();
    let given: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(given["gap"].as_f64(), Some(0.25), "in {}", variable("OMOTES_JOB_NAMESPACE"));
    for listener in [passed, refused] {
        listener.leave().await;
    }
    open.remove().await;
    closed.remove().await;
}

//! Who main is, and what other containers may do to its pod.

use std::time::Duration;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, ResourceExt,
    api::{LogParams, ObjectMeta, PostParams},
};
use omotes_operator::testing::{
    api::{names, status::Phase},
    wire::ResultType,
};
use serde_json::{Value, json};

use crate::support::{
    bed::{PATIENCE, Space, cause, container, job, kubectl, merged, phase, pod_spec, shell_job, variable},
    client::Listener,
    until,
};

/// Long enough for a second result to arrive, if one were sent.
const AFTERWARDS: Duration = Duration::from_secs(1);
const OUTPUT: &str = "printf '<esdl/>' > /omotes/output/output.esdl";

/// A policy that changes the pods of one namespace, for as long as the test runs.
struct Policy(String);

impl Policy {
    /// Applies the `mutation` to each pod of `space`; returns once the apiserver does.
    async fn on(space: &Space, mutation: Value) -> Self {
        let name = space.name.clone();
        let here = json!({"matchLabels": {"kubernetes.io/metadata.name": name}});
        let pods = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"namespaceSelector": here, "resourceRules": [pods]},
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "mutations": [mutation],
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        });
        for object in [policy, binding] {
            let (applied, said) = kubectl(&["apply", "-f", "-"], Some(&object.to_string()));
            assert!(applied, "{said}");
        }
        let this = Self(name);
        this.takes_effect(space).await;
        this
    }

    /// An apiserver reads its policies again every now and then.
    async fn takes_effect(&self, space: &Space) {
        let spec = json!({"metadata": {"generateName": "probe-", "annotations": {"a": "b"}}, "spec": pod_spec("true")});
        let probe = serde_json::from_value(spec).unwrap();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        until("the policy takes effect", PATIENCE, || async {
            let made = space.pods.create(&dry, &probe).await.map_err(|error| error.to_string())?;
            let changed = made.annotations().contains_key("test/changed");
            if changed { Ok(()) } else { Err("the pod is as it was".to_owned()) }
        })
        .await;
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        for kind in ["mutatingadmissionpolicybinding", "mutatingadmissionpolicy"] {
            kubectl(&["delete", kind, &self.0, "--wait=false"], None);
        }
    }
}

/// What marks a pod that a policy has changed.
const MARK: &str = r#"JSONPatch{op: "add", path: "/metadata/annotations/test~1changed", value: "true"}"#;

/// `linkerd2#7122`, `kuma#7583`: a proxy that something puts before main, and names the default container.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_container_put_before_main_is_not_main() {
    let space = Space::bare("injected").await;
    let proxy = r#"JSONPatch{op: "add", path: "/spec/containers/0", value: Object.spec.containers{
        name: "proxy", image: "localhost/busybox:1", command: ["sh", "-c", "sleep 3600 & while :; do wait; done"]}}"#;
    let named = r#"JSONPatch{op: "add", path: "/metadata/annotations/kubectl.kubernetes.io~1default-container", value: "proxy"}"#;
    let expression = format!("[{proxy}, {named}, {MARK}]");
    let _policy = Policy::on(&space, json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}})).await;
    let id = space.create(&shell_job("job", &format!("sleep 5; {OUTPUT}"))).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Succeeded);
    let job = space.ended("job").await;
    assert_eq!((phase(&job), cause(&job)), (Some(Phase::Succeeded), "Completed"), "{:?}", job.status);
    let pod = space.pods.get("job-1").await.unwrap();
    assert_eq!(pod.spec.unwrap().containers[0].name, "proxy");
    until("the proxy was stopped", PATIENCE, || async {
        let pod = space.pods.get("job-1").await.map_err(|error| error.to_string())?;
        let phase = pod.status.and_then(|status| status.phase).unwrap_or_default();
        if phase == "Failed" { Ok(()) } else { Err(phase) }
    })
    .await;
    client.leave().await;
    space.remove().await;
}

/// Brings the broker to the pod's own loopback, and ends at SIGTERM as proxies do.
fn forwarder(broker: &str) -> Value {
    let (host, port) = broker.rsplit_once(':').unwrap();
    container("proxy", &format!("trap 'exit 0' TERM; nc -ll -p 5672 -e nc {host} {port} & wait"))
}

/// Runs a job whose courier reaches its broker only through the `proxy` of `pod`, and asserts that its output arrives.
async fn succeeds_through_a_proxy(test: &str, pod: impl Fn(Value) -> Value) {
    let space = Space::new(test).await;
    let uri = variable("OMOTES_COURIER_AMQP_URI");
    let (user, rest) = uri.split_once('@').unwrap();
    let (broker, vhost) = rest.split_once('/').unwrap();
    // The namespace's key comes with its first job.
    space.create(&shell_job("first", "true")).await;
    space.ended("first").await;
    let secrets: Api<Secret> = Api::namespaced(space.client.clone(), &space.name);
    let mut local = secrets.get(names::SECRET_COURIER).await.unwrap();
    local.metadata = ObjectMeta { name: Some("local".to_owned()), ..ObjectMeta::default() };
    let uri = ByteString(format!("{user}@127.0.0.1:5672/{vhost}").into_bytes());
    local.data.get_or_insert_default().insert("amqp-uri".to_owned(), uri);
    secrets.create(&PostParams::default(), &local).await.unwrap();
    let expression = r#"Object{
        metadata: Object.metadata{annotations: {"test/changed": "true"}},
        spec: Object.spec{volumes: [Object.spec.volumes{
            name: "omotes-credentials", secret: Object.spec.volumes.secret{secretName: "local"}}]}}"#;
    let apply = json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}});
    let _policy = Policy::on(&space, apply).await;
    let spec = json!({"template": {"spec": pod(forwarder(broker))}, "courier": {"flushSeconds": 30}});
    let id = space.create(&job("job", &spec)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    assert_eq!(client.only_result(ResultType::Succeeded).output_esdl.as_deref(), Some(&b"<esdl/>"[..]));
    assert_eq!(cause(&space.ended("job").await), "Completed");
    client.leave().await;
    space.remove().await;
}

/// `argo-workflows#12919`: the courier sends the output before a proxy beside main is stopped.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn an_output_is_sent_before_a_proxy_is_stopped() {
    let main = container("main", &format!("sleep 5; {OUTPUT}"));
    succeeds_through_a_proxy("proxied", |proxy| merged(pod_spec(""), &json!({"containers": [main, proxy]}))).await;
}

/// The same where the proxy is a native sidecar of the template.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn an_output_is_sent_before_a_sidecar_is_stopped() {
    let main = pod_spec(&format!("sleep 5; {OUTPUT}"));
    succeeds_through_a_proxy("sidecar", |proxy| {
        let sidecar = merged(proxy, &json!({"restartPolicy": "Always"}));
        merged(main.clone(), &json!({"initContainers": [sidecar]}))
    })
    .await;
}

/// A program that fails beside a container that does not want to end: its pod and both logs stay.
#[tokio::test]
#[ignore = "needs the test bed"]
async fn a_pod_stays_whose_other_container_traps_term() {
    let space = Space::new("traps").await;
    let traps = container("traps", "trap 'echo told' TERM; echo here; sleep 3600 & while :; do wait; done");
    let pod = merged(pod_spec(""), &json!({"containers": [container("main", "echo no solution; exit 4"), traps]}));
    let spec = json!({"template": {"spec": pod}, "courier": {"enabled": false}});
    let id = space.create(&job("job", &spec)).await.uid().unwrap();
    let mut client = Listener::attach(&id).await;
    client.listen(PATIENCE, AFTERWARDS).await;
    client.only_result(ResultType::Error);
    let job = space.ended("job").await;
    let termination = job.status.clone().unwrap().termination.unwrap();
    assert_eq!((cause(&job), termination.exit_code), ("Error", Some(4)), "{:?}", job.status);
    let pod = space.released("job-1").await;
    assert_eq!(pod.metadata.deletion_timestamp, None);
    for (name, words) in [("main", "no solution"), ("traps", "told")] {
        let of = LogParams { container: Some(name.to_owned()), ..LogParams::default() };
        let log = space.pods.logs("job-1", &of).await.unwrap();
        assert!(log.contains(words), "{name}: {log}");
    }
    client.leave().await;
    space.remove().await;
}

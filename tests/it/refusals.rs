//! Bad input: refused at the apiserver where schema and CEL can, else by a condition; and never to another job's harm.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use omotes_operator::testing::{
    api::{OmotesJob, OmotesWorkflow, crd, status::Phase},
    wire::{JobStatus, ResultType},
};
use serde_json::{Value, json};

use crate::support::{
    bed::{
        PATIENCE, Space, cause, cluster, container, job, kubectl, merged, message, phase, pod_spec, run_in, shell_job,
        verdict,
    },
    client::{Listener, connect, depth, queues},
};

/// Long enough for what must not be sent to arrive.
const AFTERWARDS: Duration = Duration::from_secs(2);
const UUID: &str = "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10";

/// A manifest that nothing is wrong with.
fn good() -> Value {
    json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesJob",
        "metadata": {"name": "good"},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "localhost/busybox:1"}]}}},
    })
}

fn in_spec(patch: Value) -> Value {
    json!({"spec": patch})
}

fn in_pod(patch: Value) -> Value {
    in_spec(json!({"template": {"spec": patch}}))
}

fn in_main(patch: &Value) -> Value {
    in_pod(json!({"containers": [merged(json!({"name": "main", "image": "localhost/busybox:1"}), patch)]}))
}

fn in_rule(rule: Value) -> Value {
    in_spec(json!({"podFailurePolicy": {"rules": [rule]}}))
}

fn in_esdl(source: Value) -> Value {
    in_spec(json!({"input": {"esdl": source}}))
}

fn dynamic(space: &Space) -> Api<DynamicObject> {
    Api::namespaced_with(space.client.clone(), &space.name, &ApiResource::erase::<OmotesJob>(&()))
}

/// Asserts that the apiserver refused, in all these words.
fn refused(what: &Value, answer: Result<DynamicObject, kube::Error>, words: &[&str]) {
    match answer {
        Err(kube::Error::Api(status)) => {
            let missing: Vec<_> = words.iter().filter(|word| !status.message.contains(**word)).collect();
            assert!(missing.is_empty(), "{what}: {missing:?} is not in {:?}", status.message);
        }
        other => panic!("{what} must be refused: {other:?}"),
    }
}

/// What is wrong, and what the apiserver says of it.
fn bad() -> Vec<(Value, Vec<&'static str>)> {
    let both = json!({"inline": "<esdl/>", "configMapKeyRef": {"name": "a", "key": "b"}});
    let belongs = vec!["container names that start with omotes-courier belong to the operator: rename the container"];
    let mount = |path: &str| in_main(&json!({"volumeMounts": [{"name": "v", "mountPath": path}]}));
    let our_mount = vec!["mounts the job's files at /omotes: mount your volume somewhere else"];
    let one_of = vec!["spec needs exactly one of workflowRef and template"];
    let never = vec!["spec.template.spec.restartPolicy must be Never or left out"];
    let uuid = vec!["spec.jobId", "should match '^[0-9a-f]{8}-[0-9a-f]{4}-"];
    let at_most = "should be less than or equal to 315360000";
    let one_source = vec!["spec.input.esdl needs exactly one of configMapKeyRef, secretKeyRef, inline and fromBroker"];
    let port = |port: Value| in_main(&json!({"livenessProbe": {"httpGet": {"port": port}}}));
    vec![
        (in_spec(json!({"template": null})), one_of.clone()),
        (in_spec(json!({"workflowRef": {"name": "a"}})), one_of),
        (
            in_spec(json!({"template": null, "workflowRef": {"name": ""}})),
            vec!["spec.workflowRef.name", "should be at least 1 chars long"],
        ),
        (
            in_spec(json!({"priority": "Urgent"})),
            vec!["spec.priority", "supported values: \"Low\", \"Medium\", \"High\""],
        ),
        (in_pod(Value::Null), vec!["spec.template.spec: Required value"]),
        (in_pod(json!({"containers": null})), vec!["spec.template.spec.containers: Required value"]),
        (in_pod(json!({"containers": []})), vec!["spec.template.spec.containers", "should have at least 1 items"]),
        (in_pod(json!({"restartPolicy": "Always"})), never.clone()),
        (in_pod(json!({"restartPolicy": "OnFailure"})), never),
        (in_main(&json!({"name": "omotes-courier"})), belongs.clone()),
        (in_pod(json!({"initContainers": [{"name": "omotes-courier-input", "image": "i"}]})), belongs),
        (
            in_pod(json!({"volumes": [{"name": "omotes-work"}]})),
            vec!["volume names that start with omotes- belong to the operator: rename the volume"],
        ),
        (mount("/omotes"), our_mount.clone()),
        (mount("/omotes/output"), our_mount),
        (
            in_pod(json!({"activeDeadlineSeconds": 0})),
            vec!["activeDeadlineSeconds", "should be greater than or equal to 1"],
        ),
        (
            in_pod(json!({"terminationGracePeriodSeconds": -1})),
            vec!["terminationGracePeriodSeconds", "should be greater than or equal to 0"],
        ),
        (in_pod(json!({"terminationGracePeriodSeconds": 315_360_001})), vec!["terminationGracePeriodSeconds", at_most]),
        (in_main(&json!({"ports": [{"containerPort": 99_999_999_999_i64}]})), vec!["containerPort", "int32"]),
        (port(json!(99_999_999_999_i64)), vec!["livenessProbe.httpGet.port", "should be less than or equal to 65535"]),
        (port(json!(0)), vec!["livenessProbe.httpGet.port", "should be greater than or equal to 1"]),
        (in_spec(json!({"jobId": "district-b"})), uuid.clone()),
        (in_spec(json!({"jobId": UUID.to_uppercase()})), uuid),
        (
            in_spec(json!({"queues": {"expireAfterSeconds": 0}})),
            vec!["spec.queues.expireAfterSeconds", "should be greater than or equal to 1"],
        ),
        (
            in_spec(json!({"queues": {"expireAfterSeconds": -1}})),
            vec!["spec.queues.expireAfterSeconds", "should be greater than or equal to 1"],
        ),
        (
            in_spec(json!({"queues": {"expireAfterSeconds": 315_360_001}})),
            vec!["spec.queues.expireAfterSeconds", at_most],
        ),
        (
            in_spec(json!({"queues": {"declare": "Maybe"}})),
            vec!["spec.queues.declare", "supported values: \"Ensure\", \"Never\""],
        ),
        (
            in_spec(json!({"courier": {"flushSeconds": 0}})),
            vec!["spec.courier.flushSeconds", "should be greater than or equal to 5"],
        ),
        (
            in_spec(json!({"ttlSecondsAfterFinished": -1})),
            vec!["spec.ttlSecondsAfterFinished", "should be greater than or equal to 0"],
        ),
        (in_spec(json!({"ttlSecondsAfterFinished": 315_360_001})), vec!["spec.ttlSecondsAfterFinished", at_most]),
        (
            json!({"metadata": {"name": "n".repeat(64)}}),
            vec!["metadata.name must have at most 63 characters", "choose a shorter name"],
        ),
        (in_spec(json!({"input": {"parameters": [1]}})), vec!["spec.input.parameters", "must be of type object"]),
        (in_spec(json!({"input": {"parameters": "a: 1"}})), vec!["spec.input.parameters", "must be of type object"]),
        (in_esdl(json!({})), one_source.clone()),
        (in_esdl(both), one_source),
        (in_esdl(json!({"inline": ""})), vec!["spec.input.esdl.inline", "should be at least 1 chars long"]),
        (
            in_esdl(json!({"inline": "x".repeat(131_073)})),
            vec!["spec.input.esdl.inline", "may not be more than 131072"],
        ),
        (
            in_esdl(json!({"configMapKeyRef": {"name": "a"}})),
            vec!["spec.input.esdl.configMapKeyRef.key: Required value"],
        ),
        (
            in_esdl(json!({"configMapKeyRef": {"name": "", "key": "b"}})),
            vec!["spec.input.esdl.configMapKeyRef.name", "at least 1 chars"],
        ),
        (in_esdl(json!({"secretKeyRef": {"key": "a"}})), vec!["spec.input.esdl.secretKeyRef.name: Required value"]),
        (in_spec(json!({"jobReference": "x".repeat(1025)})), vec!["spec.jobReference", "may not be more than 1024"]),
    ]
}

/// The same of the limits and of `spec.abort`.
fn bad_limits() -> Vec<(Value, Vec<&'static str>)> {
    let at_most = "should be less than or equal to 315360000";
    vec![
        (in_spec(json!({"maxRunSeconds": 0})), vec!["spec.maxRunSeconds", "should be greater than or equal to 1"]),
        (in_spec(json!({"maxRunSeconds": 315_360_001})), vec!["spec.maxRunSeconds", at_most]),
        (
            in_spec(json!({"startDeadlineSeconds": -1})),
            vec!["spec.startDeadlineSeconds", "should be greater than or equal to 1"],
        ),
        (in_spec(json!({"expectedDuration": {}})), vec!["spec.expectedDuration.numResources: Required value"]),
        (
            in_spec(json!({"expectedDuration": {"numResources": 0}})),
            vec!["spec.expectedDuration.numResources", "should be greater than or equal to 1"],
        ),
        (
            in_spec(json!({"expectedDuration": {"numResources": 10_000_000, "secondsPerResource": 32}})),
            vec!["spec.expectedDuration is longer than ten years: lower numResources or secondsPerResource"],
        ),
        (
            in_spec(json!({"heartbeat": {"timeoutSeconds": 0}})),
            vec!["spec.heartbeat.timeoutSeconds", "should be greater than or equal to 1"],
        ),
        (
            in_spec(json!({"heartbeat": {"timeoutSeconds": 5, "onTimeout": "Kill"}})),
            vec!["spec.heartbeat.onTimeout", "supported values: \"Report\", \"Abort\""],
        ),
        (
            in_spec(json!({"heartbeat": {"timeoutSeconds": 5}, "courier": {"enabled": false}})),
            vec!["spec.heartbeat needs the courier, which carries progress: leave spec.heartbeat out"],
        ),
        (
            in_spec(json!({"template": {"spec": {"shareProcessNamespace": true}}})),
            vec!["shareProcessNamespace and hostPID would let the program stop its courier"],
        ),
        (
            in_spec(json!({"template": {"spec": {"hostPID": true}}})),
            vec!["leave them out, or set spec.courier.enabled to false"],
        ),
        (in_spec(json!({"backoffLimit": -1})), vec!["spec.backoffLimit", "should be greater than or equal to 0"]),
        (
            in_spec(json!({"retry": {"initialSeconds": 301}})),
            vec!["spec.retry.initialSeconds must not be more than maxSeconds: lower it"],
        ),
        (
            in_rule(json!({"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}})),
            vec!["spec.podFailurePolicy.rules[0].action", "supported values: \"FailJob\", \"Ignore\", \"Count\""],
        ),
        (in_rule(json!({"action": "Count"})), vec!["needs exactly one of onExitCodes and onPodConditions"]),
        (
            in_rule(json!({"action": "Count", "onExitCodes": {"operator": "In", "values": [0, 1]}})),
            vec!["exit code 0 is no failure, so operator In cannot have it among its values"],
        ),
        (
            in_rule(json!({"action": "Count", "onExitCodes": {"operator": "In", "values": []}})),
            vec!["spec.podFailurePolicy.rules[0].onExitCodes.values", "should have at least 1 items"],
        ),
        (
            in_rule(json!({"action": "Count", "onExitCodes": {"operator": "In", "values": [256]}})),
            vec!["spec.podFailurePolicy.rules[0].onExitCodes.values[0]", "should be less than or equal to 255"],
        ),
        (
            in_rule(
                json!({"action": "Count", "onExitCodes": {"containerName": "mian", "operator": "In", "values": [1]}}),
            ),
            vec!["spec.podFailurePolicy names a container that spec.template does not have: correct containerName"],
        ),
        (in_spec(json!({"suspend": "yes"})), vec!["spec.suspend", "must be of type boolean"]),
        (in_spec(json!({"managedBy": "me"})), vec!["spec.managedBy", "should match"]),
        (
            in_spec(json!({"podRetentionPolicy": "Never"})),
            vec!["spec.podRetentionPolicy", "supported values: \"Retain\", \"RetainOnFailure\", \"Delete\""],
        ),
        (
            in_spec(json!({"forceDeletionPolicy": {"afterSeconds": 5}})),
            vec!["spec.forceDeletionPolicy.afterSeconds", "should be greater than or equal to 60"],
        ),
        (
            in_spec(json!({"abort": {"mode": "Now"}})),
            vec!["spec.abort.mode", "supported values: \"Graceful\", \"Immediate\""],
        ),
        (
            in_spec(json!({"exitCodes": {"softAborted": 0}})),
            vec!["spec.exitCodes.softAborted", "should be greater than or equal to 1"],
        ),
        (
            in_spec(json!({"exitCodes": {"limitReached": 10}})),
            vec!["spec.exitCodes.softAborted and limitReached must differ: choose another code"],
        ),
    ]
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_bad_manifest_is_refused_with_field_and_remedy() {
    let space = Space::new("bad").await;
    let dry = PostParams { dry_run: true, field_manager: None };
    let create = async |manifest: Value| dynamic(&space).create(&dry, &serde_json::from_value(manifest).unwrap()).await;
    create(good()).await.unwrap();
    create(merged(good(), &json!({"metadata": {"name": "n".repeat(63)}}))).await.unwrap();
    for (patch, words) in bad().into_iter().chain(bad_limits()) {
        refused(&patch, create(merged(good(), &patch)).await, &words);
    }
    space.remove().await;
}

/// A workflow that nothing is wrong with.
fn good_workflow() -> Value {
    let template = json!({"spec": {"containers": [{"name": "main", "image": "localhost/busybox:1"}]}});
    json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesWorkflow",
        "metadata": {"name": "good"},
        "spec": {"typeName": "good", "template": template, "parameters": [{"keyName": "n", "integer": {}}]},
    })
}

/// What is wrong with a workflow, and what the apiserver says of it.
fn bad_workflows() -> Vec<(Value, Vec<&'static str>)> {
    let parameters = |parameters: Value| in_spec(json!({"parameters": parameters}));
    let integer = vec!["an integer parameter needs minimum <= default <= maximum"];
    let one_type = vec!["a parameter needs exactly one of string, boolean, integer, float, dateTime and duration"];
    let waits = vec!["annotate spec.template with omotes.io/warm: wait-for-input if this one does"];
    let annotated = |value: &str| json!({"metadata": {"annotations": {"omotes.io/warm": value}}});
    let other = vec!["a constraint of spec.parameters must name another parameter of this workflow"];
    let constrained = |other: &str| {
        parameters(
            json!([{"keyName": "n", "integer": {}, "constraints": [{"otherKeyName": other, "relation": "Greater"}]}]),
        )
    };
    vec![
        (in_spec(json!({"typeName": null})), vec!["spec.typeName: Required value"]),
        (in_spec(json!({"typeName": "two words"})), vec!["spec.typeName", "should match '^[!-~]+$'"]),
        (in_spec(json!({"template": null})), vec!["spec.template: Required value"]),
        (
            in_pod(json!({"restartPolicy": "Always"})),
            vec!["spec.template.spec.restartPolicy must be Never or left out"],
        ),
        (
            in_main(&json!({"name": "omotes-courier"})),
            vec!["container names that start with omotes-courier belong to the operator"],
        ),
        (
            in_spec(json!({"maxConcurrentJobs": 0})),
            vec!["spec.maxConcurrentJobs", "should be greater than or equal to 1"],
        ),
        (parameters(json!([{"keyName": "n"}])), one_type.clone()),
        (parameters(json!([{"keyName": "n", "integer": {}, "float": {}}])), one_type),
        (
            parameters(json!([{"keyName": "n", "integer": {}}, {"keyName": "n", "float": {}}])),
            vec!["spec.parameters[1]: Duplicate value"],
        ),
        (parameters(json!([{"keyName": "n", "integer": {"minimum": 2, "maximum": 1}}])), integer.clone()),
        (parameters(json!([{"keyName": "n", "integer": {"minimum": 2, "default": 1}}])), integer),
        (
            parameters(json!([{"keyName": "n", "float": {"maximum": 2, "default": 2.5}}])),
            vec!["a float parameter needs minimum <= default <= maximum"],
        ),
        (
            parameters(json!([{"keyName": "n", "duration": {"minimumSeconds": 2, "defaultSeconds": 1}}])),
            vec!["a duration parameter needs minimumSeconds <= defaultSeconds <= maximumSeconds"],
        ),
        (
            parameters(json!([{"keyName": "n", "string": {"default": "c", "enumOptions": [{"keyName": "a"}]}}])),
            vec!["the default of a string parameter must be the keyName of one of its enumOptions"],
        ),
        (
            parameters(json!([{"keyName": "n", "dateTime": {"default": "2030-01-01"}}])),
            vec!["spec.parameters[0].dateTime.default", "should match"],
        ),
        (constrained("m"), other.clone()),
        (constrained("n"), other),
        (
            in_spec(json!({"jobDefaults": {"maxRunSeconds": 3}, "jobMaxima": {"maxRunSeconds": 2}})),
            vec![
                "spec.jobDefaults.maxRunSeconds is more than spec.jobMaxima.maxRunSeconds: lower the one or raise the other",
            ],
        ),
        (
            in_spec(json!({"jobDefaults": {"heartbeat": {"timeoutSeconds": 3}, "courier": {"enabled": false}}})),
            vec!["spec.jobDefaults.heartbeat needs the courier"],
        ),
        (
            in_spec(json!({"template": {"spec": {"shareProcessNamespace": true}}})),
            vec!["leave them out, or set spec.jobDefaults.courier.enabled to false"],
        ),
        (json!({"metadata": {"name": "n".repeat(64)}}), vec!["metadata.name must have at most 63 characters"]),
        (in_spec(json!({"warmPool": {"size": 1}})), waits.clone()),
        (in_spec(json!({"warmPool": {"size": 1}, "template": annotated("yes")})), waits),
        (
            in_spec(json!({"warmPool": {"size": 101}, "template": annotated("wait-for-input")})),
            vec!["spec.warmPool.size", "should be less than or equal to 100"],
        ),
        (
            in_spec(json!({
                "warmPool": {"size": 1},
                "template": annotated("wait-for-input"),
                "jobDefaults": {"courier": {"enabled": false}},
            })),
            vec!["spec.warmPool needs the courier, which brings the input"],
        ),
    ]
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_bad_workflow_is_refused_with_field_and_remedy() {
    let space = Space::new("bad-workflow").await;
    let api: Api<DynamicObject> =
        Api::namespaced_with(space.client.clone(), &space.name, &ApiResource::erase::<OmotesWorkflow>(&()));
    let dry = PostParams { dry_run: true, field_manager: None };
    let create = async |manifest: Value| api.create(&dry, &serde_json::from_value(manifest).unwrap()).await;
    create(good_workflow()).await.unwrap();
    for (patch, words) in bad_workflows() {
        refused(&patch, create(merged(good_workflow(), &patch)).await, &words);
    }
    api.create(&PostParams::default(), &serde_json::from_value(good_workflow()).unwrap()).await.unwrap();
    let renamed = Patch::Merge(json!({"spec": {"typeName": "better"}}));
    let answer = api.patch("good", &PatchParams::default(), &renamed).await;
    refused(&json!("a new typeName"), answer, &["spec.typeName cannot change, because clients ask for it"]);
    space.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn what_a_running_job_was_made_from_cannot_change() {
    let space = Space::new("change").await;
    let (with_id, without) = (json!({"metadata": {"name": "with-id"}, "spec": {"jobId": UUID}}), json!({}));
    for patch in [&with_id, &without] {
        // It is never run: no node has this label.
        let manifest = merged(merged(good(), patch), &in_pod(json!({"nodeSelector": {"no-such": "node"}})));
        dynamic(&space).create(&PostParams::default(), &serde_json::from_value(manifest).unwrap()).await.unwrap();
    }
    let id = "spec.jobId cannot change, because it names the queues that a client waits on";
    let (input, queues) = ("spec.input cannot change", "spec.queues.declare and expireAfterSeconds cannot change");
    let changes = [
        ("with-id", json!({"jobId": UUID.replace('0', "1")}), id),
        ("with-id", json!({"jobId": null}), id),
        ("good", json!({"jobId": UUID}), id),
        (
            "good",
            json!({"template": {"spec": {"priority": 5}}}),
            "spec.template cannot change: delete this OmotesJob and create another one",
        ),
        ("good", json!({"template": {"metadata": {"labels": {"a": "b"}}}}), "spec.template cannot change"),
        ("good", json!({"input": {"parameters": {"n": 1}}}), input),
        ("good", json!({"input": {}}), input),
        ("good", json!({"queues": {"expireAfterSeconds": 60}}), queues),
        ("good", json!({"queues": {"declare": "Never"}}), queues),
        ("good", json!({"courier": {"enabled": false}}), "spec.courier cannot change"),
        ("good", json!({"backoffLimit": 3}), "spec.backoffLimit, spec.retry and spec.podFailurePolicy cannot change"),
        ("good", json!({"podFailurePolicy": {"rules": []}}), "spec.podFailurePolicy cannot change"),
        ("good", json!({"jobReference": "b"}), "spec.jobReference cannot change: create another OmotesJob instead"),
    ];
    let change = async |name: &str, patch: Value| {
        dynamic(&space).patch(name, &PatchParams::default(), &Patch::Merge(in_spec(patch))).await
    };
    for (name, patch, words) in changes {
        refused(&patch, change(name, patch.clone()).await, &[words]);
    }
    for patch in
        [json!({"ttlSecondsAfterFinished": 60}), json!({"ttlSecondsAfterFinished": null}), json!({"queues": {}})]
    {
        change("good", patch).await.unwrap();
    }
    space.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_misspelt_field_is_refused_by_kubectl() {
    let space = Space::new("strict").await;
    for (patch, field) in [
        (in_spec(json!({"ttlSecondsAfterFinish": 5})), "spec.ttlSecondsAfterFinish"),
        (in_main(&json!({"comand": ["true"]})), "spec.template.spec.containers[0].comand"),
    ] {
        let apply = ["apply", "--dry-run=server", "--validate=strict", "--namespace", &space.name, "--filename", "-"];
        let (applied, text) = kubectl(&apply, Some(&merged(good(), &patch).to_string()));
        assert!(!applied && text.contains(&format!("unknown field \"{field}\"")), "{text}");
    }
    space.remove().await;
}

/// Asserts what is seen of a job that the operator does not run, and that nobody at the broker hears of it.
async fn never_runs(space: &Space, name: &str, reason: &str, words: &[&str]) {
    let job = space.ended(name).await;
    assert_eq!((phase(&job), cause(&job)), (Some(Phase::Failed), "Refused"));
    for (type_, status) in [("Accepted", "False"), ("Failed", "True"), ("Stalled", "True")] {
        assert_eq!(verdict(&job, type_), format!("{status} {reason}"));
    }
    let note = space.event(name, reason).await;
    for word in words {
        assert!(message(&job).contains(word) && note.contains(word), "{word:?}: {} / {note}", message(&job));
    }
    assert_eq!(space.pods.get_opt(&format!("{name}-1")).await.unwrap(), None);
    assert!(job.finalizers().is_empty(), "nothing holds it back: {:?}", job.finalizers());
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_taken_job_id_is_refused_and_its_holder_goes_on() {
    let (space, elsewhere) = (Space::new("holder").await, Space::new("taker").await);
    let id = format!("{:08x}-93a8-4c0c-b6c4-6f6a0a8d4a10", fastrand::u32(..));
    let waits = "until [ -e /tmp/go ]; do sleep 0.2; done; printf '<esdl/>' > /omotes/output/output.esdl";
    let scratch = json!({"volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [merged(container("main", waits), &json!({"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}))]});
    let with_id =
        |name: &str| job(name, &json!({"jobId": id, "template": {"spec": merged(pod_spec("true"), &scratch)}}));
    space.create(&with_id("job")).await;
    let mut client = Listener::attach(&id).await;
    space.running("job").await;

    for (taken, holder) in [(&space, "OmotesJob job,"), (&elsewhere, "OmotesJob of another namespace,")] {
        taken.create(&with_id("late")).await;
        never_runs(taken, "late", "DuplicateJobId", &[&id, holder, "give this job another id"]).await;
        taken.delete("late").await;
        taken.gone("late").await;
    }
    let connection = connect().await;
    for queue in queues(&id) {
        assert!(depth(&connection, &queue).await.is_some(), "{queue} belongs to the holder");
    }
    run_in(&space.name, "job-1", "touch /tmp/go");
    client.listen(PATIENCE, AFTERWARDS).await;
    assert_eq!(phase(&space.ended("job").await), Some(Phase::Succeeded));
    client.only_result(ResultType::Succeeded);
    assert_eq!(client.statuses(), [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running]);
    space.remove().await;
    elsewhere.remove().await;
}

/// What the schema cannot count is refused by a condition.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn an_input_that_is_too_large_is_refused() {
    let space = Space::new("large").await;
    let large = [
        (
            "parameters",
            json!({"parameters": {"text": "x".repeat(64 * 1024)}}),
            "ParametersTooLarge",
            "may have 65536: put large data into the ESDL or a volume",
        ),
        (
            "inline",
            json!({"esdl": {"inline": "ü".repeat(70_000)}}),
            "InlineEsdlTooLarge",
            "has 140000 bytes and may have 131072: put it into a ConfigMap or Secret",
        ),
    ];
    let connection = connect().await;
    for (name, input, reason, words) in large {
        let id = space
            .create(&job(name, &json!({"input": input, "template": {"spec": pod_spec("true")}})))
            .await
            .uid()
            .unwrap();
        never_runs(&space, name, reason, &[words]).await;
        for queue in queues(&id) {
            assert_eq!(depth(&connection, &queue).await, None, "{queue}");
        }
        space.delete(name).await;
    }
    let fits = json!({"parameters": {"text": "x".repeat(64 * 1024 - 11)}, "esdl": {"inline": "x".repeat(128 * 1024)}});
    space
        .create(&job(
            "fits",
            &json!({"input": fits, "template": {"spec": pod_spec("[ $(wc -c < /omotes/input/input.esdl) = 131072 ]")}}),
        ))
        .await;
    assert_eq!(cause(&space.ended("fits").await), "Completed");
    space.remove().await;
}

/// Limits of which one could never be reached, or that nothing could keep.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn limits_that_contradict_each_other_are_refused() {
    let space = Space::new("limits").await;
    for (name, spec, reason, words) in [
        (
            "heartbeat",
            json!({"heartbeat": {"timeoutSeconds": 60}, "maxRunSeconds": 60}),
            "LimitsContradict",
            ["spec.heartbeat.timeoutSeconds is 60", "may run for 60 s", "Lower it"],
        ),
        (
            "years",
            json!({"expectedDuration": {"numResources": 10_000_000, "bufferSeconds": 300_000_000}}),
            "LimitTooLong",
            ["spec.expectedDuration comes to 500000000 s", "315360000 s", "lower numResources"],
        ),
    ] {
        space.create(&job(name, &merged(json!({"template": {"spec": pod_spec("true")}}), &spec))).await;
        never_runs(&space, name, reason, &words).await;
    }
    space.remove().await;
}

/// Waits until the job called `name` says that it stalls for this reason, and why.
async fn stalls(space: &Space, name: &str, reason: &str, words: &str) {
    let stalled = format!("True {reason}");
    let job = space.wait(name, &stalled, |job| verdict(job, "Stalled") == stalled).await;
    assert_eq!(phase(&job), Some(Phase::Queued));
    let note = space.event(name, reason).await;
    assert!(note.contains(words), "{note}");
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_pod_that_kubernetes_refuses_is_told_and_tried_again() {
    let space = Space::new("refused").await;
    let root = json!({"template": {"spec": {"containers": [{"name": "main", "image": "localhost/busybox:1", "command": ["true"]}]}}});
    let twins = json!({"template": {"spec": merged(pod_spec("true"), &json!({"containers": [container("main", "true"), container("main", "true")]}))}});
    space.create(&job("root", &root)).await;
    space.create(&job("twins", &twins)).await;
    space.create(&shell_job("good", "true")).await;
    stalls(&space, "root", "PodRefused", "violates PodSecurity").await;
    stalls(&space, "twins", "PodRefused", "Duplicate value: \"main\"").await;
    assert_eq!(cause(&space.ended("good").await), "Completed");

    let namespaces: Api<Namespace> = Api::all(space.client.clone());
    let allow = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}});
    namespaces.patch(&space.name, &PatchParams::default(), &Patch::Merge(allow)).await.unwrap();
    let job = space.ended("root").await;
    assert_eq!((cause(&job), verdict(&job, "Stalled").as_str()), ("Completed", ""));
    space.delete("twins").await;
    space.gone("twins").await;
    space.remove().await;
}

#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn a_pod_name_that_somebody_has_is_waited_for() {
    let space = Space::new("pod-name").await;
    let pod = |labels: Value| json!({"metadata": {"name": "job-1", "labels": labels}, "spec": merged(pod_spec("sleep 600"), &json!({"terminationGracePeriodSeconds": 0}))});
    for labels in [json!({}), json!({"app.kubernetes.io/managed-by": "omotes-operator"})] {
        let theirs =
            space.pods.create(&PostParams::default(), &serde_json::from_value(pod(labels)).unwrap()).await.unwrap();
        space.create(&shell_job("job", "true")).await;
        stalls(&space, "job", "PodNameTaken", "job-1").await;
        let now = space.pods.get("job-1").await.unwrap();
        assert_eq!(
            (now.uid(), now.metadata.deletion_timestamp),
            (theirs.uid(), None),
            "somebody else's pod is left alone"
        );
        space.pods.delete("job-1", &DeleteParams::default()).await.unwrap();
        assert_eq!(cause(&space.ended("job").await), "Completed");
        space.delete("job").await;
        space.empty().await;
    }
    space.remove().await;
}

/// `kubectl explain` prints the documentation of every field of ours.
#[tokio::test]
#[ignore = "needs the test bed: make test"]
async fn the_fields_explain_themselves() {
    cluster().await;
    explained_to_kubectl(
        "ojob",
        &crd::omotes_job(),
        &[
            "spec",
            "spec.input",
            "spec.input.esdl",
            "spec.input.esdl.configMapKeyRef",
            "spec.queues",
            "spec.courier",
            "spec.expectedDuration",
            "spec.heartbeat",
            "spec.abort",
            "spec.exitCodes",
            "spec.retry",
            "spec.podFailurePolicy",
            "spec.forceDeletionPolicy",
            "status",
            "status.progress",
            "status.abort",
            "status.termination",
            "status.queues",
            "status.result",
            "spec.workflowRef",
        ],
    );
    explained_to_kubectl(
        "owf",
        &crd::omotes_workflow(),
        &[
            "spec",
            "spec.parameters",
            "spec.parameters.integer",
            "spec.parameters.constraints",
            "spec.jobDefaults",
            "spec.jobMaxima",
            "spec.warmPool",
            "status",
        ],
    );
    for (kind, words) in [
        ("ojob", "OmotesJob runs one long, expensive computation in a pod"),
        ("owf", "OmotesWorkflow is a type of job that clients may ask for"),
    ] {
        let (_, text) = kubectl(&["explain", kind], None);
        assert!(flowing(&text).contains(words), "{text}");
    }
}

fn explained_to_kubectl(kind: &str, crd: &Value, paths: &[&str]) {
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    for path in paths {
        let (explained, text) = kubectl(&["explain", &format!("{kind}.{path}")], None);
        assert!(explained, "{path}: {text}");
        let text = flowing(&text);
        let inside = |at: &'_ Value| if at["items"].is_null() { at.clone() } else { at["items"].clone() };
        let here = path.split('.').fold(schema.clone(), |at, name| {
            inside(if at["properties"].is_null() { &at[name] } else { &at["properties"][name] })
        });
        for (name, field) in here["properties"].as_object().unwrap() {
            let prose = flowing(field["description"].as_str().unwrap());
            assert!(text.contains(&prose), "{path}.{name}: {prose:?} is not in {text:?}");
        }
    }
}

fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

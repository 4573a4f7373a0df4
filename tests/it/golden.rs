//! The pod of a job with everything in it, as text that people read and diff.

use std::{collections::BTreeMap, fs, path::Path};

use k8s_openapi::api::core::v1::ResourceRequirements;
use omotes_operator::testing::{
    api::{
        OmotesJob, OmotesWorkflow,
        job::{EsdlSource, FromBroker, Priority},
        names,
        status::JobResultType,
    },
    limits::Defaults,
    pods::{
        self, Attempt, Settings,
        warm::{Form, assignment},
    },
    topology,
    wire::{CapabilityKey, Keys},
};
use serde_json::json;

fn job() -> OmotesJob {
    let job = json!({
        "apiVersion": "omotes.io/v1alpha1",
        "kind": "OmotesJob",
        "metadata": {"name": "district-b", "namespace": "team-a", "uid": "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11"},
        "spec": {
            "jobId": "0b0f1c9e-93a8-4c0c-b6c4-6f6a0a8d4a10",
            "priority": "High",
            "jobReference": "district heating, variant B",
            "template": {
                "metadata": {"labels": {"team": "heat"}, "annotations": {"kubectl.kubernetes.io/default-container": "solver"}},
                "spec": {
                    "securityContext": {"runAsUser": 1000, "runAsGroup": 3000},
                    "terminationGracePeriodSeconds": 20,
                    "initContainers": [{"name": "prepare", "image": "prepare:1"}],
                    "containers": [
                        {"name": "helper", "image": "helper:1"},
                        {"name": "solver", "image": "solver:1", "resources": {"limits": {"cpu": 2}}, "env": [{"name": "OMOTES_ATTEMPT", "value": "x"}]},
                    ],
                },
            },
            "input": {"parameters": {"n": 3, "deep": [1, {"m": 2.5}]}, "esdl": {"secretKeyRef": {"name": "networks", "key": "b.esdl"}}},
            "courier": {"flushSeconds": 60},
            "expectedDuration": {"numResources": 120},
            "maxRunSeconds": 7200,
            "startDeadlineSeconds": 900,
            "exitCodes": {"limitReached": 11},
        },
    });
    serde_json::from_value(job).unwrap()
}

/// Has the input of `job` wait at the broker, sealed under the key with this id.
fn seal(job: &mut OmotesJob, key_id: Option<&str>) {
    let esdl = EsdlSource { from_broker: Some(FromBroker {}), ..EsdlSource::default() };
    job.spec.input.as_mut().unwrap().esdl = Some(esdl);
    let id = key_id.map(|id| (names::ANNOTATION_INPUT_KEY.to_owned(), id.to_owned()));
    job.metadata.annotations = Some(id.into_iter().collect());
}

fn settings() -> Settings {
    Settings {
        courier_image: "registry.example/omotes-operator:1".to_owned(),
        courier_pull_policy: Some("IfNotPresent".to_owned()),
        courier_resources: serde_json::from_value::<ResourceRequirements>(json!({"requests": {"cpu": "10m"}})).unwrap(),
        keys: Keys { current: CapabilityKey::new(&[7; 32]).unwrap(), previous: None },
        defaults: Defaults::default(),
        gateway_namespace: Some("team-a".to_owned()),
        priority_classes: BTreeMap::from([(Priority::High, "urgent".to_owned())]),
        deadline_result: JobResultType::Cancelled,
    }
}

fn attempt(job: &OmotesJob) -> Attempt<'_> {
    Attempt { job, number: 1, workflow: Some("grow_optimizer"), slot_pool: None }
}

fn assert_golden(object: &impl serde::Serialize, file: &str) {
    let rendered = serde_saphyr::to_string(&serde_json::to_value(object).unwrap()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &rendered).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        rendered == golden,
        "it has changed; `UPDATE_GOLDEN=1 make test-unit` and read the diff of tests/golden/{file}:\n{rendered}"
    );
}

#[test]
fn the_pod_of_a_job() {
    assert_golden(&pods::build(attempt(&job()), &settings()), "pod.yaml");
}

#[test]
fn the_pod_of_a_job_whose_input_waits_at_the_broker() {
    let mut job = job();
    seal(&mut job, Some("d4d3470b1ca6ca97"));
    assert_golden(&pods::build(attempt(&job), &settings()), "pod-from-broker.yaml");
}

/// A pod that waits for such a job, and what gives it to the job.
#[test]
fn the_pod_that_waits_for_a_job() {
    let mut job = job();
    seal(&mut job, Some("d4d3470b1ca6ca97"));
    let workflow: OmotesWorkflow = serde_json::from_value(json!({
        "metadata": {"name": "grow", "namespace": "team-a", "uid": "1f7a", "generation": 1},
        "spec": {"typeName": "grow_optimizer", "template": job.spec.template},
    }))
    .unwrap();
    let form = Form::of(attempt(&job), &settings());
    let mut pod = form.to_pod(&workflow);
    assert_golden(&pod, "pod-warm.yaml");
    let other = Settings { courier_image: "registry.example/omotes-operator:2".to_owned(), ..settings() };
    assert!(form.fits(&pod) && !Form::of(attempt(&job), &other).fits(&pod));
    pod.metadata.uid = Some("2b8c".to_owned());
    pod.metadata.resource_version = Some("42".to_owned());
    pod.status = serde_json::from_value(json!({"startTime": "2026-01-01T00:00:00Z"})).unwrap();
    let now = "2026-01-01T00:10:00.4Z".parse().unwrap();
    assert_golden(&assignment(attempt(&job), &settings(), &pod, now), "pod-warm-assignment.yaml");
}

fn route(queue: topology::QueueDeclaration) -> (String, String) {
    (queue.name, queue.binding.unwrap().routing_key)
}

/// Nothing that a pod shows is what its courier proves itself or sends its output by, nor what its queues are named after.
#[test]
fn what_only_a_courier_may_know_is_in_no_pod() {
    let (job, settings) = (job(), settings());
    let (attempt, pod) = (attempt(&job), pods::build(attempt(&job), &settings));
    let key = settings.keys.current.namespace_key("team-a");
    let uid = job.metadata.uid.clone().unwrap();
    let (queue, routing_key) = route(attempt.output_queue(Some(&pod), &settings));
    assert_eq!(routing_key, format!("output.{}", key.output_route(&uid, 1)));
    let shown = serde_json::to_string(&pod).unwrap();
    for secret in
        [&queue["omotes.output.".len()..], &routing_key["output.".len()..], &key.proof(&uid, 1, "p").to_string()]
    {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert!(pods::proves(&pod));
}

/// Pods and inputs of the version before are there during an upgrade.
#[test]
fn pods_and_inputs_of_an_earlier_version_keep_their_names() {
    let (mut job, settings) = (job(), settings());
    let mut pod = pods::build(attempt(&job), &settings);
    let couriers = pod.spec.as_mut().unwrap().init_containers.as_mut().unwrap();
    let capability = settings.keys.current.capability(job.metadata.uid.as_ref().unwrap(), 1);
    for variable in couriers.iter_mut().flat_map(|courier| courier.env.iter_mut().flatten()) {
        if variable.name == "OMOTES_COURIER_SEALED_CAPABILITY" {
            variable.name = "OMOTES_COURIER_CAPABILITY".to_owned();
            variable.value = Some(capability.to_string());
        }
        variable.name = variable.name.replace("KEY_ID", "UNHEARD_OF");
    }
    assert!(!pods::proves(&pod));
    let (current, previous) = (CapabilityKey::new(&[8; 32]).unwrap(), Some(settings.keys.current.clone()));
    let rotated = Settings { keys: Keys { current, previous }, ..self::settings() };
    for settings in [&settings, &rotated] {
        let earlier = route(attempt(&job).output_queue(Some(&pod), settings));
        assert_eq!(earlier, (format!("omotes.output.{capability}"), format!("output.{capability}")));
        assert!(attempt(&job).output_queue_names(settings).contains(&earlier.0), "it is removed with its job");
    }

    seal(&mut job, None);
    let label = settings.keys.current.input_capability("team-a", "district-b");
    let queue = format!("omotes.input.{label}");
    assert_eq!(pods::input_queue(&job, &settings.keys).as_ref(), Some(&queue));
    let pod = serde_json::to_value(pods::build(attempt(&job), &settings)).unwrap();
    let variable = json!({"name": "OMOTES_COURIER_INPUT_QUEUE", "value": queue});
    let knows = |container: &serde_json::Value| container["env"].as_array().unwrap().contains(&variable);
    let inits = pod["spec"]["initContainers"].as_array().unwrap();
    assert!(knows(&inits[0]) && !knows(&inits[inits.len() - 1]), "only the init container");
    seal(&mut job, Some(&settings.keys.current.namespace_key("team-a").id().to_string()));
    let sealed = pods::input_queue(&job, &settings.keys).unwrap();
    let label = settings.keys.current.namespace_key("team-a").input_label("district-b");
    assert_eq!(sealed, format!("omotes.input.sealed.{label}"));
}

/// After a rotation of the operator's key what was made before it goes on with the key before.
#[test]
fn what_was_made_before_a_rotation_keeps_its_names() {
    let (mut job, before) = (job(), settings());
    let id = before.keys.current.namespace_key("team-a").id().to_string();
    seal(&mut job, Some(&id));
    let pod = pods::build(attempt(&job), &before);
    let current = CapabilityKey::new(&[8; 32]).unwrap();
    let after = Settings { keys: Keys { current, previous: Some(before.keys.current.clone()) }, ..settings() };
    let names = |settings: &Settings, pod| {
        (route(attempt(&job).output_queue(pod, settings)), pods::input_queue(&job, &settings.keys))
    };
    assert_eq!(names(&after, Some(&pod)), names(&before, Some(&pod)));
    assert_ne!(names(&after, None).0, names(&before, None).0, "an attempt that is still to come");
}

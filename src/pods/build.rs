//! The pod of one attempt: the template, and what the operator adds to it.
//!
//! Ring: core.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Volume};
use kube::{Resource, ResourceExt, api::ObjectMeta};
use serde_json::{Map, Value, json};

use super::{
    attempt::Attempt,
    courier::add_courier,
    input::is_from_broker,
    main_container::main_container,
    places::{ABOUT, INLINE_ESDL, INPUT, VOLUME_INPUT, VOLUME_SOURCE, VOLUME_WORK},
    settings::Settings,
    values::{mount, variable},
    volumes::{brought_input, control, downward, projected, referenced, work},
};
use crate::{
    api::{
        OmotesJob,
        names::{self, JobId, ROOT},
    },
    limits::grace_seconds,
};

/// What a template must not say of its pods.
const OF_THE_OPERATOR: [&str; 5] = [
    names::ANNOTATION_ASSIGNMENT,
    names::ANNOTATION_FLUSH,
    names::ANNOTATION_INPUT_MISSING,
    names::ANNOTATION_NUDGES,
    names::ANNOTATION_WARM_FORM,
];

/// The pod of `attempt`.
#[must_use]
pub fn build(attempt: Attempt<'_>, settings: &Settings) -> Pod {
    let job = attempt.job;
    let template = job.spec.template.clone().unwrap_or_default();
    let main = main_container(&template);
    let mut pod = Pod { metadata: metadata(attempt, &main, settings), spec: template.spec, status: None };
    let courier = job.spec.courier().enabled;
    if let Some(spec) = &mut pod.spec {
        spec.restart_policy = Some("Never".to_owned());
        classify(spec, job, settings);
        spec.volumes.get_or_insert_default().extend(volumes(job));
        spec.init_containers.iter_mut().flatten().chain(&mut spec.containers).for_each(keep_last_words);
        if let Some(main) = spec.containers.iter_mut().find(|container| container.name == main) {
            equip(main, attempt, settings);
        }
        if courier {
            add_courier(spec, &main, attempt, settings);
        }
        lower_ceiling(spec, job, settings);
    }
    pod
}

/// A template that has a class of its own keeps it.
fn classify(spec: &mut PodSpec, job: &OmotesJob, settings: &Settings) {
    if spec.priority_class_name.is_none() && spec.priority.is_none() {
        spec.priority_class_name = settings.priority_classes.get(&job.spec.priority.unwrap_or_default()).cloned();
    }
}

fn metadata(attempt: Attempt<'_>, main: &str, settings: &Settings) -> ObjectMeta {
    let job = attempt.job;
    let template = job.spec.template.clone().and_then(|template| template.metadata).unwrap_or_default();
    let mut labels = template.labels.unwrap_or_default();
    labels.retain(|key, _| !RESERVED_LABELS.contains(&key.as_str()));
    labels.extend(own_labels(attempt));
    labels.extend(attempt.slot_pool.map(|pool| (names::LABEL_SLOT_POOL.to_owned(), pool.to_owned())));
    labels.extend(workflow_label(job));
    let mut annotations = template.annotations.unwrap_or_default();
    annotations.retain(|key, _| !OF_THE_OPERATOR.contains(&key.as_str()));
    annotations.extend(input_annotations(attempt, settings));
    // For kubectl: the operator knows main from the template.
    annotations.insert(names::ANNOTATION_DEFAULT_CONTAINER.to_owned(), main.to_owned());
    ObjectMeta {
        name: Some(names::pod_name(&job.name_any(), attempt.number)),
        namespace: job.namespace(),
        labels: Some(labels),
        annotations: Some(annotations),
        finalizers: Some(vec![names::FINALIZER_EXIT_RECORDED.to_owned()]),
        owner_references: job.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// By these a pod holds a seat and a slot, or waits for a job: no template may set them.
const RESERVED_LABELS: [&str; 3] = [names::LABEL_WORKFLOW, names::LABEL_WARM_POOL, names::LABEL_SLOT_POOL];

fn workflow_label(job: &OmotesJob) -> Option<(String, String)> {
    let workflow = job.spec.workflow_ref.as_ref()?;
    Some((names::LABEL_WORKFLOW.to_owned(), workflow.name.clone()))
}

fn own_labels(attempt: Attempt<'_>) -> impl Iterator<Item = (String, String)> {
    [
        (names::LABEL_MANAGED_BY, names::OPERATOR.to_owned()),
        (names::LABEL_JOB_NAME, attempt.job.name_any()),
        (names::LABEL_JOB_ID, JobId::of(attempt.job).to_string()),
        (names::LABEL_ATTEMPT, attempt.number.to_string()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
}

fn input_annotations(attempt: Attempt<'_>, settings: &Settings) -> BTreeMap<String, String> {
    let spec = &attempt.job.spec;
    let input = spec.input.clone().unwrap_or_default();
    let about = json!({
        "id": JobId::of(attempt.job).as_str(),
        "name": attempt.job.name_any(),
        "workflow": attempt.workflow,
        "reference": spec.job_reference,
        "attempt": attempt.number,
        "timeLimitSeconds": attempt.run_seconds(settings),
    });
    let inline = input.esdl.and_then(|esdl| esdl.inline);
    [
        Some((names::ANNOTATION_JOB, about.to_string())),
        Some((names::ANNOTATION_PARAMETERS, parameters_json(&input.parameters.unwrap_or_default()))),
        inline.map(|text| (names::ANNOTATION_INPUT_ESDL, text)),
    ]
    .into_iter()
    .flatten()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// `parameters` as JSON whose numbers are doubles: OMOTES workers take `3` for something else than `3.0`.
#[must_use]
pub(crate) fn parameters_json(parameters: &Map<String, Value>) -> String {
    let mut value = Value::Object(parameters.clone());
    numbers_to_doubles(&mut value);
    value.to_string()
}

fn numbers_to_doubles(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(double) = number.as_f64() {
                *value = json!(double);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(numbers_to_doubles),
        Value::Object(map) => map.values_mut().for_each(numbers_to_doubles),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn volumes(job: &OmotesJob) -> Vec<Volume> {
    let esdl = job.spec.input.as_ref().and_then(|input| input.esdl.as_ref());
    let inline = esdl.is_some_and(|esdl| esdl.inline.is_some()).then_some(INLINE_ESDL);
    let mut sources = vec![downward(ABOUT.into_iter().chain(inline))];
    sources.extend(esdl.and_then(|esdl| referenced(esdl, job.spec.courier().enabled)));
    let control = job.spec.courier().enabled.then(control);
    // The courier writes the ESDL beside the files that Kubernetes projects, and a projected volume takes no other.
    let input = if is_from_broker(job) {
        vec![brought_input(), projected(VOLUME_SOURCE, sources)]
    } else {
        vec![projected(VOLUME_INPUT, sources)]
    };
    [work()].into_iter().chain(input).chain(control).collect()
}

/// A container that fails without a word leaves the end of its log: the log itself goes with the pod.
fn keep_last_words(container: &mut Container) {
    container.termination_message_policy.get_or_insert_with(|| "FallbackToLogsOnError".to_owned());
}

/// Main's environment and mounts.
fn equip(main: &mut Container, attempt: Attempt<'_>, settings: &Settings) {
    let variables = environment(attempt, settings);
    let env = main.env.get_or_insert_default();
    env.retain(|known| variables.iter().all(|(name, _)| known.name != *name));
    env.extend(variables.into_iter().filter_map(|(name, value)| Some(variable(name, value?))));
    let mounts = main.volume_mounts.get_or_insert_default();
    if attempt.job.spec.courier().enabled {
        mounts.push(mount(VOLUME_WORK, ROOT, false));
    }
    mounts.push(mount(VOLUME_INPUT, INPUT, true));
}

/// What main finds in its environment. A name without a value is not there, and not the template's either.
fn environment(attempt: Attempt<'_>, settings: &Settings) -> [(&'static str, Option<String>); 6] {
    let spec = &attempt.job.spec;
    [
        ("OMOTES_JOB_ID", Some(JobId::of(attempt.job).to_string())),
        ("OMOTES_WORKFLOW", attempt.workflow.map(str::to_owned)),
        ("OMOTES_ATTEMPT", Some(attempt.number.to_string())),
        ("OMOTES_TIME_LIMIT_SECONDS", attempt.run_seconds(settings).map(|seconds| seconds.to_string())),
        ("OMOTES_EXIT_CODE_SOFT_ABORTED", Some(spec.exit_codes().soft_aborted.to_string())),
        ("OMOTES_EXIT_CODE_LIMIT_REACHED", spec.exit_codes().limit_reached.map(|code| code.to_string())),
    ]
}

/// Lets the kubelet stop the pod when nobody else does. A template that wants it stopped earlier has it so.
fn lower_ceiling(spec: &mut PodSpec, job: &OmotesJob, settings: &Settings) {
    let grace = spec.termination_grace_period_seconds.unwrap_or_else(|| grace_seconds(&job.spec));
    let ceiling = settings.defaults.in_force(job).ceiling_seconds(&job.spec, grace);
    spec.active_deadline_seconds = spec.active_deadline_seconds.into_iter().chain(ceiling).min();
}

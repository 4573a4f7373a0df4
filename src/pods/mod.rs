//! The pod of a job: the user's template and, around it, the job's files and the courier. [`warm`] has those that wait for a
//! job.
//!
//! Ring: core. Main's command, environment and user stay as they are; `OMOTES_…` variables and the mount at `/omotes`
//! are added to main alone.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapProjection, Container, DownwardAPIProjection, DownwardAPIVolumeFile, EmptyDirVolumeSource,
    EnvVar, EnvVarSource, KeyToPath, ObjectFieldSelector, Pod, PodSpec, ProjectedVolumeSource, ResourceRequirements,
    SeccompProfile, SecretKeySelector, SecretProjection, SecurityContext, Volume, VolumeMount, VolumeProjection,
};
use kube::{Resource, ResourceExt, api::ObjectMeta};
use serde_json::{Map, Value, json};

use crate::{
    api::{
        OmotesJob,
        job::{EsdlSource, Priority},
        names::{self, JobId, ROOT},
        status::ResultType,
    },
    limits::{Defaults, grace_seconds},
    topology,
    wire::{Capability, CapabilityKey},
};

pub mod warm;

/// The user of the courier where main declares none: the image's own, `nonroot` by convention.
const COURIER_USER: i64 = 65532;

const VOLUME_WORK: &str = "omotes-work";
const VOLUME_INPUT: &str = "omotes-input";
const INPUT: &str = "/omotes/input";
/// Where the courier finds what it brings to [`INPUT`] beside the ESDL of the broker: only it mounts this.
const VOLUME_SOURCE: &str = "omotes-source";
const SOURCE: &str = "/omotes-source";

/// The files that every job has, and the annotations behind them.
const ABOUT: [(&str, &str); 2] =
    [(names::ANNOTATION_JOB, "job.json"), (names::ANNOTATION_PARAMETERS, "parameters.json")];
/// The same of an inline ESDL.
const INLINE_ESDL: (&str, &str) = (names::ANNOTATION_INPUT_ESDL, "input.esdl");
/// What a template must not say of its pods.
const OF_WARM_PODS: [&str; 4] = [
    names::ANNOTATION_ASSIGNMENT,
    names::ANNOTATION_INPUT_MISSING,
    names::ANNOTATION_NUDGES,
    names::ANNOTATION_WARM_FORM,
];

/// What the operator was configured with, as far as decisions need it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The image that holds the courier: the operator's own.
    pub courier_image: String,
    /// The pull policy of the courier's image; `None` leaves it to Kubernetes.
    pub courier_pull_policy: Option<String>,
    /// Requests and limits of the courier's containers.
    pub courier_resources: ResourceRequirements,
    /// The key under which every job's capability is made.
    pub capability_key: CapabilityKey,
    /// The limits of a job that gives none.
    pub defaults: Defaults,
    /// The namespace of the jobs that come over AMQP, where there is one.
    pub gateway_namespace: Option<String>,
    /// The `PriorityClass` of pods by the priority of their job; none for a priority that is not in it.
    pub priority_classes: BTreeMap<Priority, String>,
    /// What a client hears of a job that was stopped at its deadline: CANCELLED, as OMOTES' clients expect, or TIMEOUT.
    pub deadline_result: ResultType,
}

/// One attempt of a job.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The job.
    pub job: &'a OmotesJob,
    /// Counted from 1.
    pub number: i32,
    /// The typeName of the job's workflow, where it has one.
    pub workflow: Option<&'a str>,
}

impl Attempt<'_> {
    fn uid(&self) -> String {
        self.job.uid().unwrap_or_default()
    }

    /// How long its program may run, in seconds; `None` is without limit.
    #[must_use]
    pub fn run_seconds(&self, settings: &Settings) -> Option<i64> {
        let active = self.job.status.as_ref().and_then(|status| status.active_seconds);
        settings.defaults.run_seconds(&self.job.spec, active.unwrap_or(0))
    }

    /// What the courier of this attempt is known by at the broker.
    #[must_use]
    pub fn capability(&self, settings: &Settings) -> Capability {
        settings.capability_key.capability(&self.uid(), self.number)
    }
}

/// The name of the queue with the input of `job`, where that came over the broker.
#[must_use]
pub fn input_queue(job: &OmotesJob, key: &CapabilityKey) -> Option<String> {
    is_from_broker(job).then(|| {
        let capability = key.input_capability(&job.namespace().unwrap_or_default(), &job.name_any());
        topology::input_queue_name(&capability)
    })
}

fn is_from_broker(job: &OmotesJob) -> bool {
    let esdl = job.spec.input.as_ref().and_then(|input| input.esdl.as_ref());
    esdl.is_some_and(|esdl| esdl.from_broker.is_some())
}

/// The name of the container that decides.
#[must_use]
pub fn main_container(pod: &Pod) -> String {
    let named = pod.annotations().get(names::ANNOTATION_DEFAULT_CONTAINER).cloned();
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let names: Vec<&String> = containers.map(|container| &container.name).collect();
    named.filter(|name| names.contains(&name)).or_else(|| names.first().map(|name| (*name).clone())).unwrap_or_default()
}

/// The pod of `attempt`.
#[must_use]
pub fn build(attempt: Attempt<'_>, settings: &Settings) -> Pod {
    let job = attempt.job;
    let template = job.spec.template.clone().unwrap_or_default();
    let mut pod = Pod { metadata: metadata(attempt, settings), spec: template.spec, status: None };
    let main = main_container(&pod);
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

fn metadata(attempt: Attempt<'_>, settings: &Settings) -> ObjectMeta {
    let job = attempt.job;
    let template = job.spec.template.clone().and_then(|template| template.metadata).unwrap_or_default();
    let mut labels = template.labels.unwrap_or_default();
    // By these the pod holds a seat, or waits for a job, which a template must not say.
    labels.retain(|key, _| ![names::LABEL_WORKFLOW, names::LABEL_WARM_POOL].contains(&key.as_str()));
    labels.extend(own_labels(attempt));
    labels.extend(workflow_label(job));
    let mut annotations = template.annotations.unwrap_or_default();
    annotations.retain(|key, _| !OF_WARM_PODS.contains(&key.as_str()));
    annotations.extend(input_annotations(attempt, settings));
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
pub fn parameters_json(parameters: &Map<String, Value>) -> String {
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
    if is_from_broker(job) {
        // The courier writes the ESDL beside the files that Kubernetes projects, and a projected volume takes no other.
        return vec![scratch(VOLUME_WORK), scratch(VOLUME_INPUT), projected(VOLUME_SOURCE, sources)];
    }
    vec![scratch(VOLUME_WORK), projected(VOLUME_INPUT, sources)]
}

fn scratch(name: &str) -> Volume {
    Volume { name: name.to_owned(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() }
}

fn projected(name: &str, sources: Vec<VolumeProjection>) -> Volume {
    let projected = ProjectedVolumeSource { sources: Some(sources), ..ProjectedVolumeSource::default() };
    Volume { name: name.to_owned(), projected: Some(projected), ..Volume::default() }
}

/// Annotations of the pod as files.
fn downward(files: impl IntoIterator<Item = (&'static str, &'static str)>) -> VolumeProjection {
    let items = files.into_iter().map(|(annotation, path)| DownwardAPIVolumeFile {
        path: path.to_owned(),
        field_ref: Some(annotation_field(annotation)),
        ..DownwardAPIVolumeFile::default()
    });
    VolumeProjection {
        downward_api: Some(DownwardAPIProjection { items: Some(items.collect()) }),
        ..VolumeProjection::default()
    }
}

fn annotation_field(annotation: &str) -> ObjectFieldSelector {
    ObjectFieldSelector { api_version: None, field_path: format!("metadata.annotations['{annotation}']") }
}

/// With a courier the reference is optional for the kubelet, because the courier says more clearly what is missing;
/// without one the kubelet holds the pod until it is there.
fn referenced(esdl: &EsdlSource, courier: bool) -> Option<VolumeProjection> {
    let item = |key: &str| {
        Some(vec![KeyToPath { key: key.to_owned(), path: "input.esdl".to_owned(), ..KeyToPath::default() }])
    };
    let EsdlSource { config_map_key_ref, secret_key_ref, inline: _, from_broker: _ } = esdl;
    let config_map = config_map_key_ref.as_ref().map(|reference| VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: reference.name.clone(),
            items: item(&reference.key),
            optional: Some(courier),
        }),
        ..VolumeProjection::default()
    });
    let secret = secret_key_ref.as_ref().map(|reference| VolumeProjection {
        secret: Some(SecretProjection {
            name: reference.name.clone(),
            items: item(&reference.key),
            optional: Some(courier),
        }),
        ..VolumeProjection::default()
    });
    config_map.or(secret)
}

/// What the courier is to wait for, in words; `None` when nothing is referred to.
fn expected_input(job: &OmotesJob) -> Option<String> {
    let esdl = job.spec.input.as_ref()?.esdl.as_ref()?;
    let EsdlSource { config_map_key_ref, secret_key_ref, inline: _, from_broker: _ } = esdl;
    let config_map =
        config_map_key_ref.as_ref().map(|reference| format!("key {} of ConfigMap {}", reference.key, reference.name));
    let secret = secret_key_ref.as_ref().map(|reference| format!("key {} of Secret {}", reference.key, reference.name));
    config_map.or(secret)
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

fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.into()), value_from: None }
}

fn mount(volume: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    }
}

/// The mounts of a courier that writes the ESDL beside the files that Kubernetes projects.
fn bringing_mounts() -> Vec<VolumeMount> {
    vec![mount(VOLUME_WORK, ROOT, false), mount(VOLUME_INPUT, INPUT, false), mount(VOLUME_SOURCE, SOURCE, true)]
}

/// Lets the kubelet stop the pod when nobody else does. A template that wants it stopped earlier has it so.
fn lower_ceiling(spec: &mut PodSpec, job: &OmotesJob, settings: &Settings) {
    let grace = spec.termination_grace_period_seconds.unwrap_or_else(|| grace_seconds(&job.spec));
    let ceiling = settings.defaults.ceiling_seconds(&job.spec, grace);
    spec.active_deadline_seconds = spec.active_deadline_seconds.into_iter().chain(ceiling).min();
}

fn add_courier(spec: &mut PodSpec, main: &str, attempt: Attempt<'_>, settings: &Settings) {
    let user = declared_user(spec, main);
    let flush = attempt.job.spec.courier().flush_seconds;
    spec.termination_grace_period_seconds = Some(grace_seconds(&attempt.job.spec).max(flush));
    let environment = courier_environment(attempt, settings);
    let mut input = courier(names::CONTAINER_COURIER_INPUT, "input", user, &environment, settings);
    if is_from_broker(attempt.job) {
        input.volume_mounts = Some(bringing_mounts());
    }
    let mut carrier = courier(names::CONTAINER_COURIER, "run", user, &environment, settings);
    carrier.restart_policy = Some("Always".to_owned());
    let own = spec.init_containers.take().unwrap_or_default();
    spec.init_containers = Some([input, carrier].into_iter().chain(own).collect());
}

/// The user that main declares, which the courier then runs as, so that a umask of 077 hides nothing from it.
fn declared_user(spec: &PodSpec, main: &str) -> Option<(i64, Option<i64>)> {
    let container = spec.containers.iter().find(|container| container.name == main);
    let own = container.and_then(|container| container.security_context.as_ref());
    let pod = spec.security_context.as_ref();
    let user = own.and_then(|context| context.run_as_user).or_else(|| pod.and_then(|context| context.run_as_user))?;
    let group = own.and_then(|context| context.run_as_group).or_else(|| pod.and_then(|context| context.run_as_group));
    Some((user, group))
}

fn courier(
    name: &str,
    role: &str,
    user: Option<(i64, Option<i64>)>,
    environment: &[EnvVar],
    settings: &Settings,
) -> Container {
    let (user, group) = user.unwrap_or((COURIER_USER, None));
    Container {
        name: name.to_owned(),
        image: Some(settings.courier_image.clone()),
        image_pull_policy: settings.courier_pull_policy.clone(),
        args: Some(vec!["courier".to_owned(), role.to_owned()]),
        env: Some(environment.to_vec()),
        resources: Some(settings.courier_resources.clone()),
        volume_mounts: Some(vec![mount(VOLUME_WORK, ROOT, false), mount(VOLUME_INPUT, INPUT, true)]),
        termination_message_policy: Some("File".to_owned()),
        security_context: Some(SecurityContext {
            run_as_user: Some(user),
            run_as_group: group,
            run_as_non_root: Some(user != 0),
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn courier_environment(attempt: Attempt<'_>, settings: &Settings) -> Vec<EnvVar> {
    let expected = expected_input(attempt.job).map(|expected| variable("OMOTES_COURIER_EXPECTED_INPUT", expected));
    let queue =
        input_queue(attempt.job, &settings.capability_key).map(|queue| variable("OMOTES_COURIER_INPUT_QUEUE", queue));
    [
        from_secret("OMOTES_COURIER_AMQP_URI", "amqp-uri", false),
        from_secret("OMOTES_COURIER_CA_PEM", "ca.crt", true),
        variable("OMOTES_COURIER_CAPABILITY", attempt.capability(settings).to_string()),
        variable("OMOTES_COURIER_JOB_UID", attempt.uid()),
        variable("OMOTES_COURIER_ATTEMPT", attempt.number.to_string()),
        EnvVar { name: "OMOTES_COURIER_POD_UID".to_owned(), value: None, value_from: Some(field("metadata.uid")) },
        variable("OMOTES_COURIER_FLUSH_SECONDS", attempt.job.spec.courier().flush_seconds.to_string()),
    ]
    .into_iter()
    .chain(expected)
    .chain(queue)
    .collect()
}

fn from_secret(name: &str, key: &str, optional: bool) -> EnvVar {
    let secret =
        SecretKeySelector { name: names::SECRET_COURIER.to_owned(), key: key.to_owned(), optional: Some(optional) };
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource { secret_key_ref: Some(secret), ..EnvVarSource::default() }),
    }
}

fn field(path: &str) -> EnvVarSource {
    EnvVarSource {
        field_ref: Some(ObjectFieldSelector { api_version: None, field_path: path.to_owned() }),
        ..EnvVarSource::default()
    }
}

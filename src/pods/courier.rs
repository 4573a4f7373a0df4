//! The courier in the pod: its containers, what they know, and what only they mount.
//!
//! Ring: core. Nothing that a pod shows lets somebody else speak as its courier: proofs are derived in the pod, from a key in
//! the namespace's Secret.

use k8s_openapi::api::core::v1::{
    Capabilities, Container, EnvVar, PodSpec, SeccompProfile, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
};

use super::{
    attempt::Attempt,
    input::{expected_input, is_from_broker, open_input_queue, sealed_input},
    places::{
        CONTROL, CREDENTIALS, INPUT, SOURCE, VOLUME_CONTROL, VOLUME_CREDENTIALS, VOLUME_INPUT, VOLUME_SOURCE,
        VOLUME_WORK,
    },
    settings::Settings,
    shown::KEY_ID,
    values::{field, mount, variable},
};
use crate::{
    api::{
        OmotesJob,
        names::{self, ROOT},
    },
    limits::grace_seconds,
};

/// The user of the courier where main declares none: the image's own, `nonroot` by convention.
const COURIER_USER: i64 = 65532;
/// Whoever runs as whatever user: without an fsGroup, which main would get, too, the files belong to root.
const CREDENTIALS_MODE: i32 = 0o444;

/// Where Kubernetes mounts the token of the pod's ServiceAccount, unless something else is mounted there: the courier has no
/// use for one.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What its output queue is named after, sealed.
const SEALED_CAPABILITY: &str = "OMOTES_COURIER_SEALED_CAPABILITY";

pub(super) fn add_courier(spec: &mut PodSpec, main: &str, attempt: Attempt<'_>, settings: &Settings) {
    let user = declared_user(spec, main);
    let flush = attempt.job.spec.courier().flush_seconds;
    spec.termination_grace_period_seconds = Some(grace_seconds(&attempt.job.spec).max(flush));
    spec.volumes.get_or_insert_default().push(credentials());
    keep_from_template(spec);
    let environment = courier_environment(attempt, settings);
    let mut input = courier(names::CONTAINER_COURIER_INPUT, "input", user, &environment, settings);
    input.env.get_or_insert_default().extend(input_environment(attempt.job, settings));
    input.volume_mounts = Some(mounts(is_from_broker(attempt.job)));
    let mut carrier = courier(names::CONTAINER_COURIER, "run", user, &environment, settings);
    carrier.restart_policy = Some("Always".to_owned());
    let own = spec.init_containers.take().unwrap_or_default();
    // The kubelet stops sidecars in reverse order: the last one sends while those that it may need, a proxy, still run.
    spec.init_containers = Some([input].into_iter().chain(own).chain([carrier]).collect());
}

pub(super) fn credentials() -> Volume {
    let secret = SecretVolumeSource {
        secret_name: Some(names::SECRET_COURIER.to_owned()),
        default_mode: Some(CREDENTIALS_MODE),
        ..SecretVolumeSource::default()
    };
    Volume { name: VOLUME_CREDENTIALS.to_owned(), secret: Some(secret), ..Volume::default() }
}

/// A template that knows the volume's name gets no credentials by it.
fn keep_from_template(spec: &mut PodSpec) {
    let containers = spec.init_containers.iter_mut().flatten().chain(&mut spec.containers);
    for mounts in containers.filter_map(|container| container.volume_mounts.as_mut()) {
        mounts.retain(|mount| mount.name != VOLUME_CREDENTIALS);
    }
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
        volume_mounts: Some(mounts(false)),
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
    [
        variable("OMOTES_COURIER_CREDENTIALS_DIR", CREDENTIALS),
        variable(KEY_ID, attempt.namespace_key(settings).id().to_string()),
        variable(SEALED_CAPABILITY, attempt.sealed_capability(settings)),
        variable("OMOTES_COURIER_JOB_UID", attempt.uid()),
        variable("OMOTES_COURIER_ATTEMPT", attempt.number.to_string()),
        EnvVar { name: "OMOTES_COURIER_POD_UID".to_owned(), value: None, value_from: Some(field("metadata.uid")) },
        variable("OMOTES_COURIER_FLUSH_SECONDS", attempt.job.spec.courier().flush_seconds.to_string()),
    ]
    .into()
}

/// What only the courier that brings the input has to know.
fn input_environment(job: &OmotesJob, settings: &Settings) -> impl Iterator<Item = EnvVar> {
    let known = [
        ("OMOTES_COURIER_EXPECTED_INPUT", expected_input(job)),
        ("OMOTES_COURIER_SEALED_INPUT", sealed_input(job).map(|input| input.job)),
        ("OMOTES_COURIER_INPUT_KEY_ID", sealed_input(job).map(|input| input.key_id)),
        ("OMOTES_COURIER_INPUT_QUEUE", open_input_queue(job, &settings.keys)),
    ];
    known.into_iter().filter_map(|(name, value)| Some(variable(name, value?)))
}

/// What the courier mounts; one that `brings` the ESDL writes it beside the files that Kubernetes projects.
pub(super) fn mounts(brings: bool) -> Vec<VolumeMount> {
    let source = brings.then(|| mount(VOLUME_SOURCE, SOURCE, true));
    [mount(VOLUME_WORK, ROOT, false), mount(VOLUME_INPUT, INPUT, !brings)]
        .into_iter()
        .chain(source)
        .chain([
            mount(VOLUME_CREDENTIALS, CREDENTIALS, true),
            mount(VOLUME_CONTROL, CONTROL, true),
            mount(VOLUME_CONTROL, TOKEN, true),
        ])
        .collect()
}

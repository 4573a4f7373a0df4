//! Pods that wait for a job: started before there is one, and given to a job that would get just such a pod.
//!
//! Ring: core. Of a pod that is there only labels, annotations, owner, finalizers and `activeDeadlineSeconds` can change. So
//! a warm pod learns its job by annotations, which the kubelet shows to its courier as files. All else is its [`Form`], and
//! a job gets no pod of another form than its own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{Container, ContainerStateTerminated, Pod, PodSpec, PodTemplateSpec, Volume},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{Resource, ResourceExt, api::ObjectMeta};
use serde_json::{Value, json};

use super::{
    attempt::Attempt,
    build::build,
    courier::{credentials, mounts},
    input::{open_input_queue, sealed_input},
    main_container::main_of,
    places::{ABOUT, INLINE_ESDL, VOLUME_SOURCE},
    settings::Settings,
    shown::KEY_ID,
    volumes::{brought_input, control, downward, projected, work},
};
use crate::{
    api::{OmotesWorkflow, names, time::whole_second},
    wire::{Assignment, Capability, Digest},
};

/// How long a pod without a job has to stop: it has nothing to finish.
pub(crate) const GRACE_SECONDS: u32 = 1;
/// How much of the checksum tells one form from another.
const FORM_DIGITS: usize = 16;
/// What only a pod that was made for one job has in main's environment.
const OF_ONE_JOB: [&str; 3] = ["OMOTES_JOB_ID", "OMOTES_ATTEMPT", "OMOTES_TIME_LIMIT_SECONDS"];
/// The labels of a pod that has a job; one that waits for a job takes no slot.
const OF_ONE_ATTEMPT: [&str; 4] =
    [names::LABEL_JOB_NAME, names::LABEL_JOB_ID, names::LABEL_ATTEMPT, names::LABEL_SLOT_POOL];
/// What the courier of a warm pod has in its environment before it has a job.
const OF_EVERY_COURIER: [&str; 3] = ["OMOTES_COURIER_CREDENTIALS_DIR", KEY_ID, "OMOTES_COURIER_POD_UID"];

/// Where a pod that waits for a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has not started, or is not ready.
    Starting,
    /// Its containers run, and are ready where they have probes.
    Ready,
    /// It has ended, or is about to.
    Over,
}

/// Whether the program of `template` can be started before there is a job for it.
#[must_use]
pub(crate) fn waits_for_input(template: &PodTemplateSpec) -> bool {
    let annotations = template.metadata.as_ref().and_then(|metadata| metadata.annotations.as_ref());
    let said = annotations.and_then(|annotations| annotations.get(names::ANNOTATION_WARM));
    said.is_some_and(|said| said == names::WAIT_FOR_INPUT)
}

/// Whether a warm pod may do for `attempt`: its program waits for an input that the courier can bring.
#[must_use]
pub fn may_serve(attempt: Attempt<'_>) -> bool {
    let spec = &attempt.job.spec;
    let esdl = spec.input.as_ref().and_then(|input| input.esdl.as_ref());
    let brought = esdl.is_some_and(|esdl| esdl.inline.is_some() || esdl.from_broker.is_some());
    brought && spec.courier().enabled && spec.template.as_ref().is_some_and(waits_for_input)
}

/// Whether `pod`, whose main container is called `main`, waits for a job.
#[must_use]
pub(crate) fn is_free(pod: &Pod, main: &str) -> bool {
    pod.labels().contains_key(names::LABEL_WARM_POOL) && readiness(pod, main) != Readiness::Over
}

/// Where `pod` is in its life.
#[must_use]
pub fn readiness(pod: &Pod, main: &str) -> Readiness {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref());
    let leaves = pod.metadata.deletion_timestamp.is_some() || main_end(pod, main).is_some();
    if leaves || matches!(phase, Some("Succeeded" | "Failed")) {
        return Readiness::Over;
    }
    if ready_since(pod).is_some() { Readiness::Ready } else { Readiness::Starting }
}

/// Since when `pod` has been ready; `None` while it is not.
#[must_use]
pub(crate) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = conditions.iter().find(|known| known.type_ == "Ready" && known.status == "True")?;
    Some(ready.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0))
}

/// How main ended, where it did, whether other containers go on or not.
#[must_use]
pub(crate) fn main_end<'a>(pod: &'a Pod, main: &str) -> Option<&'a ContainerStateTerminated> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == main)?.state.as_ref()?.terminated.as_ref()
}

/// How long main of a pod that has ended had run; `None` where it never did.
#[must_use]
pub fn lived(pod: &Pod, main: &str) -> Option<SignedDuration> {
    let end = main_end(pod, main)?;
    let (started, finished) = (end.started_at.as_ref()?.0, end.finished_at.as_ref()?.0);
    Some(finished.duration_since(started)).filter(|_| started > Timestamp::UNIX_EPOCH)
}

/// When `pod` got its job; `None` where it was made for it.
#[must_use]
pub fn assigned_time(pod: &Pod) -> Option<Timestamp> {
    let assignment = pod.annotations().get(names::ANNOTATION_ASSIGNMENT)?;
    Some(Assignment::parse(assignment)?.assigned_time.0)
}

/// All of a pod that cannot change once it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    pod: Pod,
    digest: String,
}

impl Form {
    /// The form of the pod of `attempt`. Credentials are no part of it: its courier reads them when it connects.
    #[must_use]
    pub fn of(attempt: Attempt<'_>, settings: &Settings) -> Self {
        let pod = build(attempt, settings);
        let main = main_of(attempt.job, &pod);
        let pod = blank(pod, &main);
        let text = serde_json::to_string(&pod).unwrap_or_default();
        let digest = Digest::of(text.as_bytes()).to_string()[..FORM_DIGITS].to_owned();
        Self { pod, digest }
    }

    /// Whether `pod` is of this form.
    #[must_use]
    pub fn fits(&self, pod: &Pod) -> bool {
        pod.annotations().get(names::ANNOTATION_WARM_FORM) == Some(&self.digest)
    }

    /// A pod of this form that waits for a job of `workflow`, and goes with it.
    #[must_use]
    pub fn to_pod(&self, workflow: &OmotesWorkflow) -> Pod {
        let mut pod = self.pod.clone();
        let name = workflow.name_any();
        pod.metadata.generate_name = Some(format!("{name}-warm-"));
        pod.labels_mut().insert(names::LABEL_WARM_POOL.to_owned(), name);
        pod.annotations_mut().insert(names::ANNOTATION_WARM_FORM.to_owned(), self.digest.clone());
        pod.metadata.owner_references = workflow.controller_owner_ref(&()).map(|owner| vec![owner]);
        pod
    }
}

/// The merge patch that gives `pod` to `attempt`, if it is still as it was seen.
#[must_use]
pub fn assignment(attempt: Attempt<'_>, settings: &Settings, pod: &Pod, now: Timestamp) -> Value {
    let own = build(attempt, settings);
    let assignment = Assignment {
        job_uid: attempt.uid(),
        attempt: attempt.number,
        capability: Capability::none(),
        sealed_capability: attempt.sealed_capability(settings),
        flush_seconds: attempt.job.spec.courier().flush_seconds,
        sealed_input: sealed_input(attempt.job),
        input_queue: open_input_queue(attempt.job, &settings.keys),
        assigned_time: Time(whole_second(now)),
    };
    let mut annotations = own.annotations().clone();
    annotations.insert(names::ANNOTATION_ASSIGNMENT.to_owned(), assignment.to_json());
    let mut labels = json!(own.labels());
    labels[names::LABEL_WARM_POOL] = Value::Null;
    let mut patch = json!({"metadata": {
        "uid": pod.uid(),
        "resourceVersion": pod.resource_version(),
        "labels": labels,
        "annotations": annotations,
        "finalizers": own.finalizers(),
        "ownerReferences": own.owner_references(),
    }});
    // The kubelet counts from when it took the pod.
    let waited = waited_seconds(pod, now);
    if let Some(ceiling) = own.spec.and_then(|spec| spec.active_deadline_seconds) {
        patch["spec"] = json!({"activeDeadlineSeconds": ceiling.saturating_add(waited).min(i64::from(i32::MAX))});
    }
    patch
}

/// How often the kubelet was told again to look at `pod`.
#[must_use]
pub fn nudges(pod: &Pod) -> u32 {
    pod.annotations().get(names::ANNOTATION_NUDGES).and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// The merge patch that notes something on `pod`.
#[must_use]
pub fn note(pod: &Pod, annotation: &str, text: &str) -> Value {
    json!({"metadata": {"uid": pod.uid(), "annotations": {annotation: text}}})
}

fn waited_seconds(pod: &Pod, now: Timestamp) -> i64 {
    let since = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    since.map_or(0, |since| now.duration_since(since.0).as_secs().saturating_add(1).max(0))
}

/// `pod` without what is of its job alone, and with a courier that waits for one.
fn blank(mut pod: Pod, main: &str) -> Pod {
    let ObjectMeta { labels, annotations, namespace, .. } = std::mem::take(&mut pod.metadata);
    pod.metadata = ObjectMeta {
        labels: without(labels, &OF_ONE_ATTEMPT),
        annotations: without(
            annotations,
            &[names::ANNOTATION_JOB, names::ANNOTATION_PARAMETERS, names::ANNOTATION_INPUT_ESDL],
        ),
        namespace,
        ..ObjectMeta::default()
    };
    if let Some(spec) = &mut pod.spec {
        blank_spec(spec, main);
    }
    pod
}

fn without(map: Option<BTreeMap<String, String>>, keys: &[&str]) -> Option<BTreeMap<String, String>> {
    map.map(|map| map.into_iter().filter(|(key, _)| !keys.contains(&key.as_str())).collect())
}

fn blank_spec(spec: &mut PodSpec, main: &str) {
    spec.active_deadline_seconds = None;
    let volumes = spec.volumes.get_or_insert_default();
    volumes.retain(|volume| !volume.name.starts_with(names::VOLUME_PREFIX));
    volumes.extend([work(), brought_input()]);
    volumes.extend([source(), credentials(), control()]);
    for container in spec.containers.iter_mut().filter(|container| container.name == main) {
        container.env.iter_mut().for_each(|env| env.retain(|known| !OF_ONE_JOB.contains(&known.name.as_str())));
    }
    // Main waits for its input anyhow: one courier prepares its folders, too, and the pod starts sooner.
    let inits = spec.init_containers.get_or_insert_default();
    inits.retain(|container| container.name != names::CONTAINER_COURIER_INPUT);
    inits.iter_mut().filter(|container| container.name == names::CONTAINER_COURIER).for_each(blank_courier);
}

fn blank_courier(courier: &mut Container) {
    courier.args = Some(vec!["courier".to_owned(), "warm".to_owned()]);
    courier.env.iter_mut().for_each(|env| env.retain(|known| OF_EVERY_COURIER.contains(&known.name.as_str())));
    courier.volume_mounts = Some(mounts(true));
}

/// The files of the job, which are empty until there is one.
fn source() -> Volume {
    let assignment = (names::ANNOTATION_ASSIGNMENT, "assignment.json");
    projected(VOLUME_SOURCE, vec![downward(ABOUT.into_iter().chain([INLINE_ESDL, assignment]))])
}

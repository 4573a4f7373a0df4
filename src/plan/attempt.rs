//! What a pod says of its attempt: whether it waits, runs or has ended, and how.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodStatus},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::ResourceExt;

use crate::{
    api::names,
    limits::after,
    pods::{main_container, warm::assigned_time},
    wire::TerminationRecord,
};

/// How long the kubelet of a pod that was forced off may take to say how its program ended.
pub const FORCED_TIMEOUT_SECONDS: i64 = 60;
/// The reason of a pod that waits and of which the kubelet says no more than that.
pub const REASON_STARTING: &str = "PodStarting";

/// Where an attempt is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum Life {
    /// Main has not started.
    Waiting {
        /// A PascalCase fact, the kubelet's or the scheduler's word.
        reason: String,
        /// What is waited for, for people.
        message: String,
    },
    /// Main runs since then.
    Running(Option<Timestamp>),
    /// Main has ended, and the pod has not: the courier flushes, or other containers go on.
    Winding {
        /// Whether other containers of the template keep the pod.
        others_run: bool,
        /// When main ended, in whole seconds.
        finished: Option<Timestamp>,
    },
    /// Every container has ended, or none will ever start.
    Ended(Box<Ending>),
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Main's exit, where it ran and its code is known.
    pub exit: Option<Exit>,
    /// What the courier left; `None` where it left nothing that can be read.
    pub courier: Option<TerminationRecord>,
    /// The pod's own reason and message, such as `Evicted`.
    pub pod: Option<(String, String)>,
    /// What kept main from starting, or the first other container that failed, and how: an init container, say.
    pub culprit: Option<String>,
    /// When somebody asked for the pod's end, and why, where that is known.
    pub stop: Option<Stop>,
    /// When the kubelet began to stop the pod, because its `activeDeadlineSeconds` were over.
    pub ceiling: Option<Timestamp>,
    /// Main was last seen running, and nobody knows how it ended: the node is gone.
    pub lost: bool,
    /// The pod waited for a job, and main had ended before it got this one.
    pub was_over: bool,
}

/// Somebody asked for a pod's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// When, in whole seconds; where it is not exact, at some time before.
    pub at: Timestamp,
    /// Whether that is known. Once its containers have ended the kubelet deletes a pod that was to stop for good, and the
    /// time of the first request is lost.
    pub is_exact: bool,
    /// Why: `the node is drained`, say; empty where nobody said so.
    pub why: String,
}

/// Main's exit.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// The exit code; 137 may be a kill.
    pub code: i32,
    /// The kubelet's word for it: `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`.
    pub reason: String,
    /// When main started.
    pub started: Option<Timestamp>,
    /// When main ended, in whole seconds.
    pub finished: Option<Timestamp>,
    /// Main's last words: its termination message or the tail of its log.
    pub words: String,
}

impl Ending {
    /// The ending of a pod that got its job only then: what its program did before was not for this job.
    fn since(mut self, assigned: Option<Timestamp>) -> Self {
        let ended = self.exit.as_ref().and_then(|exit| exit.finished);
        // What a courier says is of this job, and then a node's clock is behind.
        let unheard = self.courier.is_none();
        if unheard && ended.zip(assigned).is_some_and(|(ended, assigned)| ended < assigned) {
            (self.exit, self.was_over) = (None, true);
        }
        if let Some(exit) = &mut self.exit {
            exit.started = exit.started.max(assigned);
        }
        self
    }
}

/// The job that `pod` says it is of.
#[must_use]
pub fn owner(pod: &Pod) -> Option<&OwnerReference> {
    pod.owner_references().iter().find(|owner| owner.kind == "OmotesJob")
}

/// Whether `pod` belongs to the job with this UID.
#[must_use]
pub fn is_owned_by(pod: &Pod, job_uid: &str) -> bool {
    pod.owner_references().iter().any(|owner| owner.controller == Some(true) && owner.uid == job_uid)
}

/// Whether `pod` waits for its exit codes to be stored.
#[must_use]
pub fn is_held(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|finalizer| finalizer == names::FINALIZER_EXIT_RECORDED)
}

/// When a pod that was forced off is taken to have ended, whatever its kubelet says: whoever does that says that its node
/// is dead.
#[must_use]
pub fn forced_off(pod: &Pod) -> Option<Timestamp> {
    let forced = pod.metadata.deletion_grace_period_seconds == Some(0);
    let asked = pod.metadata.deletion_timestamp.as_ref().filter(|_| forced)?;
    Some(after(asked.0, FORCED_TIMEOUT_SECONDS))
}

/// Where `pod` is in its life at `now`.
#[must_use]
pub fn life(pod: &Pod, now: Timestamp) -> Life {
    let status = pod.status.clone().unwrap_or_default();
    let assigned = assigned_time(pod);
    let main = container(status.container_statuses.as_ref(), &main_container(pod)).cloned();
    if has_ended(pod, &status) || forced_off(pod).is_some_and(|end| end <= now) {
        let ending = ending(&status, main.as_ref(), &main_container(pod));
        let noted = pod.annotations().get(names::ANNOTATION_INPUT_MISSING);
        let noted = noted.and_then(|record| TerminationRecord::parse(record).ok());
        let courier = noted.or_else(|| ending.courier.clone());
        let ending = Ending { courier, stop: stop(pod, &status), ceiling: ceiling(pod, &status), ..ending };
        return Life::Ended(Box::new(ending.since(assigned)));
    }
    let state = main.as_ref().and_then(|main| main.state.clone()).unwrap_or_default();
    if let Some(terminated) = state.terminated {
        let finished = terminated.finished_at.map(|time| time.0);
        return Life::Winding { others_run: others_run(&status, &main_container(pod)), finished };
    }
    match state.running {
        Some(running) => Life::Running(running.started_at.map(|time| time.0).max(assigned)),
        None => waiting(&status, main.as_ref()),
    }
}

/// A pod has ended when the kubelet says so, or when it is being deleted and no kubelet ever had it.
fn has_ended(pod: &Pod, status: &PodStatus) -> bool {
    let phase = status.phase.as_deref();
    let never_bound = pod.spec.as_ref().is_none_or(|spec| spec.node_name.is_none());
    matches!(phase, Some("Succeeded" | "Failed")) || (pod.metadata.deletion_timestamp.is_some() && never_bound)
}

/// A pod's deletion timestamp is the end of its grace. A grace of 0 is that of a pod that had ended before, or the kubelet's
/// last word: then it knew of the deletion when it said how the containers ended.
fn stop(pod: &Pod, status: &PodStatus) -> Option<Stop> {
    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
    let at = pod.metadata.deletion_timestamp.as_ref()?.0 - SignedDuration::from_secs(grace);
    let was_told = status.observed_generation.is_some() && status.observed_generation == pod.metadata.generation;
    let conditions = status.conditions.iter().flatten();
    let told = conditions.filter(|condition| condition.type_ == "DisruptionTarget" && condition.status == "True");
    let why = told.filter_map(|condition| condition.message.clone()).collect();
    Some(Stop { at, is_exact: grace > 0 || !was_told, why })
}

/// The kubelet counts from when it took the pod, and says so even of a program that then exits with 0.
fn ceiling(pod: &Pod, status: &PodStatus) -> Option<Timestamp> {
    let started = status.start_time.as_ref().filter(|_| status.reason.as_deref() == Some("DeadlineExceeded"))?;
    let seconds = pod.spec.as_ref()?.active_deadline_seconds?;
    Some(after(started.0, seconds))
}

fn container<'a>(statuses: Option<&'a Vec<ContainerStatus>>, name: &str) -> Option<&'a ContainerStatus> {
    statuses.into_iter().flatten().find(|status| status.name == name)
}

fn terminated(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    status.state.as_ref().and_then(|state| state.terminated.as_ref())
}

fn others_run(status: &PodStatus, main: &str) -> bool {
    status
        .container_statuses
        .iter()
        .flatten()
        .any(|container| container.name != main && terminated(container).is_none())
}

fn ending(status: &PodStatus, main: Option<&ContainerStatus>, main_name: &str) -> Ending {
    let courier = container(status.init_container_statuses.as_ref(), names::CONTAINER_COURIER);
    let input = container(status.init_container_statuses.as_ref(), names::CONTAINER_COURIER_INPUT);
    let record = [courier, input].into_iter().flatten().find_map(record);
    let pod = status.reason.clone().map(|reason| (reason, status.message.clone().unwrap_or_default()));
    let exit = main.filter(|main| ran(main)).and_then(terminated).map(exit);
    let culprit = main.and_then(start_error).or_else(|| culprit(status, main_name));
    let lost = main.and_then(|main| main.state.as_ref()?.running.as_ref()).is_some();
    Ending { exit, courier: record, pod, culprit, stop: None, ceiling: None, lost, was_over: false }
}

/// A container that could not be started is said to have started in 1970, one that was never made has no id.
fn ran(status: &ContainerStatus) -> bool {
    let started = terminated(status).and_then(|state| state.started_at.as_ref());
    started.map_or(status.container_id.is_some(), |time| time.0 > Timestamp::UNIX_EPOCH)
}

fn start_error(main: &ContainerStatus) -> Option<String> {
    let words = terminated(main).filter(|_| !ran(main))?.message.clone()?;
    main.container_id.as_ref().map(|_| format!("its container cannot be started: {words}"))
}

fn record(status: &ContainerStatus) -> Option<TerminationRecord> {
    TerminationRecord::parse(terminated(status)?.message.as_deref()?).ok()
}

fn courier(pod: &Pod) -> Option<&ContainerStatus> {
    container(pod.status.as_ref()?.init_container_statuses.as_ref(), names::CONTAINER_COURIER)
}

/// Whether the courier of `pod` runs.
#[must_use]
pub fn courier_runs(pod: &Pod) -> bool {
    let state = courier(pod).and_then(|courier| courier.state.as_ref());
    state.is_some_and(|state| state.running.is_some())
}

/// What the courier of a warm pod last said when it could not bring the job's input, so that main waits in vain.
#[must_use]
pub fn missing_input(pod: &Pod) -> Option<TerminationRecord> {
    assigned_time(pod)?;
    let courier = courier(pod)?;
    let last = courier.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let words = terminated(courier).or(last)?.message.as_deref()?;
    TerminationRecord::parse(words).ok().filter(TerminationRecord::is_missing_input)
}

fn exit(state: &ContainerStateTerminated) -> Exit {
    Exit {
        code: state.exit_code,
        reason: state.reason.clone().unwrap_or_default(),
        started: state.started_at.as_ref().map(|time| time.0),
        finished: state.finished_at.as_ref().map(|time| time.0),
        words: state.message.clone().unwrap_or_default(),
    }
}

fn culprit(status: &PodStatus, main: &str) -> Option<String> {
    let others = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    others.filter(|container| container.name != main && container.name != names::CONTAINER_COURIER).find_map(
        |container| {
            let state = terminated(container).filter(|state| state.exit_code != 0)?;
            let words = state.message.as_deref().unwrap_or_default().trim();
            Some(format!(
                "container {} exited with code {}{}{words}",
                container.name,
                state.exit_code,
                if words.is_empty() { "" } else { ": " }
            ))
        },
    )
}

fn waiting(status: &PodStatus, main: Option<&ContainerStatus>) -> Life {
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    if let Some(condition) = unscheduled {
        let reason = condition.reason.clone().unwrap_or_else(|| "Unschedulable".to_owned());
        return Life::Waiting { reason, message: condition.message.clone().unwrap_or_default() };
    }
    let inits = status.init_container_statuses.iter().flatten();
    let stuck = inits
        .chain(main)
        .filter_map(|container| container.state.as_ref()?.waiting.as_ref())
        .find(|waiting| !matches!(waiting.reason.as_deref(), None | Some("PodInitializing" | "ContainerCreating")));
    let reason = stuck.and_then(|waiting| waiting.reason.clone()).unwrap_or_else(|| REASON_STARTING.to_owned());
    let message = stuck.and_then(|waiting| waiting.message.clone()).unwrap_or_else(|| "the pod starts".to_owned());
    Life::Waiting { reason, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ended(main: Value) -> Ending {
        let mut main = main;
        main["name"] = json!("main");
        let pod = json!({
            "metadata": {"name": "job-1"},
            "spec": {"containers": [{"name": "main"}]},
            "status": {"phase": "Failed", "containerStatuses": [main]},
        });
        match life(&serde_json::from_value(pod).unwrap(), Timestamp::UNIX_EPOCH) {
            Life::Ended(ending) => *ending,
            other => panic!("{other:?}"),
        }
    }

    /// As a kubelet 1.37 with containerd 2 reports it.
    #[test]
    fn a_container_that_never_started_has_no_exit() {
        let no_image = json!({"state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated"}}});
        let no_program = json!({"containerID": "containerd://fc53", "state": {"terminated": {"exitCode": 128, "reason": "StartError",
            "startedAt": "1970-01-01T00:00:00Z", "finishedAt": "2026-11-23T10:58:19Z", "message": "exec: \"/no\": no such file"}}});
        let lost = json!({"containerID": "containerd://0b0f", "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}});
        assert_eq!((ended(no_image.clone()).exit, ended(no_image).culprit), (None, None));
        assert_eq!(ended(no_program.clone()).exit, None);
        assert!(ended(no_program).culprit.unwrap().contains("cannot be started: exec: \"/no\": no such file"));
        assert_eq!(ended(lost).exit.map(|exit| exit.code), Some(137));
    }

    fn stopped(metadata: &Value, observed: i64) -> Stop {
        let pod: Pod = serde_json::from_value(json!({"metadata": metadata, "status": {"observedGeneration": observed,
            "conditions": [{"type": "DisruptionTarget", "status": "True", "message": "the node is drained"}]}}))
        .unwrap();
        stop(&pod, pod.status.as_ref().unwrap()).unwrap()
    }

    #[test]
    fn the_deletion_of_a_pod_was_asked_for_its_grace_before() {
        let asked =
            json!({"deletionTimestamp": "2026-01-01T00:01:00Z", "deletionGracePeriodSeconds": 45, "generation": 2});
        let Stop { at, is_exact, why } = stopped(&asked, 2);
        assert_eq!((at.to_string().as_str(), is_exact), ("2026-01-01T00:00:15Z", true));
        assert_eq!(why, "the node is drained");
    }

    /// As a kubelet 1.37 leaves a pod that something else holds.
    #[test]
    fn the_kubelets_last_word_hides_when_the_deletion_was_asked_for() {
        let last =
            json!({"deletionTimestamp": "2026-01-01T00:01:00Z", "deletionGracePeriodSeconds": 0, "generation": 2});
        assert!(!stopped(&last, 2).is_exact, "it knew of the deletion when it said how the containers ended");
        assert!(stopped(&last, 1).is_exact, "the pod was deleted after its containers had ended");
    }
}

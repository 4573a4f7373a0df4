//! What a pod says of its attempt: whether it waits, runs or has ended, and how.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodCondition, PodStatus};
use kube::ResourceExt;

use crate::{
    api::{Reason, finalizers, names, time::after},
    plan::facts::{
        disruption::{self, BY_KUBELET, DISRUPTION_TARGET, STATUS_UNKNOWN},
        ending::{Ending, Exit, NodeFault, Stop},
        node_clock::NodeClock,
    },
    pods::warm::assigned_time,
    wire::{CommitRecord, TerminationRecord},
};

/// How long the kubelet of a pod that was forced off may take to say how its program ended.
pub(crate) const FORCED_TIMEOUT_SECONDS: i64 = 60;
/// The reason of a pod that waits and of which the kubelet says no more than that.
pub(crate) const REASON_STARTING: &str = Reason::PodStarting.as_str();

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
    Winding(Box<Winding>),
    /// Every container has ended, or none will ever start.
    Ended(Box<Ending>),
}

/// An attempt whose main has ended before its pod.
#[derive(Debug, Clone, PartialEq)]
pub struct Winding {
    /// How the attempt ended, as far as its pod says it now.
    pub ending: Ending,
    /// When main ended, in whole seconds of its node's clock.
    pub finished: Option<Timestamp>,
    /// Whether other regular containers keep the pod: of the template, or of whatever admitted the pod.
    pub others_run: bool,
    /// Whether this status shows that main ended by itself: another container runs, nothing asked for the pod's end, and
    /// the kubelet does not take the pod for failed, as it does one that it ends itself.
    pub is_by_itself: bool,
}

impl Ending {
    /// What the courier says that it sent.
    #[must_use]
    pub(crate) fn committed(&self) -> Option<CommitRecord> {
        match &self.courier {
            Some(TerminationRecord::Committed(record)) => Some(record.clone()),
            Some(TerminationRecord::Failed(_)) | None => None,
        }
    }

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

    /// The ending with the times of its main that `clock` makes possible.
    fn by(mut self, clock: NodeClock, main: Option<&ContainerStateTerminated>) -> Self {
        if let Some(exit) = &mut self.exit {
            // Both by the same clock, whatever it shows.
            self.ceiling = self.ceiling.filter(|ceiling| exit.finished.is_none_or(|finished| finished >= *ceiling));
            exit.started = exit.started.map(|started| clock.clamp(started));
            exit.finished = main.and_then(|main| clock.end(main));
        }
        self
    }
}

/// Whether this version of `pod` proves that its container `main` ended with 0 by itself: it has, while another container
/// runs, and neither a deletion nor the kubelet has begun to stop the pod.
#[must_use]
pub fn ended_by_itself(pod: &Pod, main: &str) -> bool {
    let Some(status) = &pod.status else { return false };
    let found = container(status.container_statuses.as_ref(), main).filter(|main| has_started(main));
    let Some(end) = found.and_then(terminated) else { return false };
    let exited = end.exit_code == 0 && !["OOMKilled", STATUS_UNKNOWN].contains(&reason_of(end));
    let before = assigned_time(pod).zip(end.finished_at.as_ref()).is_some_and(|(assigned, end)| end.0 < assigned);
    exited && is_by_itself(pod, status, main) && !before
}

fn reason_of(state: &ContainerStateTerminated) -> &str {
    state.reason.as_deref().unwrap_or_default()
}

/// Whether `pod` waits for its exit codes to be stored.
#[must_use]
pub(crate) fn is_held(pod: &Pod) -> bool {
    finalizers::has(pod, names::FINALIZER_EXIT_RECORDED)
}

/// When a pod that was forced off is taken to have ended, whatever its kubelet says: whoever does that says that its node
/// is dead.
#[must_use]
pub(crate) fn forced_off(pod: &Pod) -> Option<Timestamp> {
    let forced = pod.metadata.deletion_grace_period_seconds == Some(0);
    let asked = pod.metadata.deletion_timestamp.as_ref().filter(|_| forced)?;
    Some(after(asked.0, FORCED_TIMEOUT_SECONDS))
}

/// Whether nothing of `pod` runs any more at `now`, or ever will.
#[must_use]
pub fn is_over(pod: &Pod, now: Timestamp) -> bool {
    let ended =
        pod.status.as_ref().map_or_else(|| has_ended(pod, &PodStatus::default()), |status| has_ended(pod, status));
    ended || forced_off(pod).is_some_and(|end| end <= now)
}

/// Where `pod`, whose main container is called `main`, is in its life at `now`.
#[must_use]
pub fn life(pod: &Pod, main: &str, now: Timestamp) -> Life {
    let status = pod.status.clone().unwrap_or_default();
    let found = container(status.container_statuses.as_ref(), main);
    let clock = NodeClock::of(pod, main, now);
    let ending = || ending_so_far(pod, &status, found, main).by(clock, found.and_then(end));
    if is_over(pod, now) {
        return Life::Ended(Box::new(ending()));
    }
    let state = found.and_then(|main| main.state.clone()).unwrap_or_default();
    match (state.terminated, state.running) {
        (Some(terminated), _) => Life::Winding(Box::new(Winding {
            ending: ending(),
            finished: terminated.finished_at.map(|time| time.0),
            others_run: others_run(&status, main),
            is_by_itself: is_by_itself(pod, &status, main),
        })),
        (None, Some(running)) => {
            Life::Running(running.started_at.map(|time| clock.clamp(time.0)).max(assigned_time(pod)))
        }
        (None, None) => waiting(&status, found),
    }
}

fn ending_so_far(pod: &Pod, status: &PodStatus, found: Option<&ContainerStatus>, main: &str) -> Ending {
    let ending = ending(status, found, main);
    let noted = pod.annotations().get(names::ANNOTATION_INPUT_MISSING);
    let noted = noted.and_then(|record| TerminationRecord::parse(record).ok());
    let courier = noted.or_else(|| ending.courier.clone());
    let ending = Ending { courier, stop: stop(pod, status), ceiling: ceiling(pod, status, found), ..ending };
    ending.since(assigned_time(pod))
}

/// A kubelet that ends a pod by itself reports it as failed with the first status in which main has ended; the reason of the
/// end follows only when all containers have. The control plane's `DisruptionTarget` stops nothing without a deletion, and
/// stays where that was refused.
fn is_by_itself(pod: &Pod, status: &PodStatus, main: &str) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    let failed =
        conditions.any(|known| known.type_ == "ContainersReady" && known.reason.as_deref() == Some("PodFailed"));
    let mut others = disruption::containers(status).filter(|container| container.name != main);
    let another = others.any(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
    let is_kubelets = |condition: &PodCondition| condition.reason.as_deref() == Some(BY_KUBELET);
    let undisturbed = status.reason.is_none() && !target(status).is_some_and(is_kubelets);
    another && !failed && undisturbed && pod.metadata.deletion_timestamp.is_none()
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
    let why = target(status).and_then(|condition| condition.message.clone()).unwrap_or_default();
    Some(Stop { at, is_exact: grace > 0 || !was_told, why })
}

/// The condition of a pod that the cluster ends.
fn target(status: &PodStatus) -> Option<&PodCondition> {
    let mut conditions = status.conditions.iter().flatten();
    conditions.find(|condition| condition.type_ == DISRUPTION_TARGET && condition.status == "True")
}

/// The kubelet counts from when it took the pod, and says so even of a program that then exits with 0. One that had ended
/// before, by the same clock, was not stopped so: the operator lowers the deadline then to end other containers.
fn ceiling(pod: &Pod, status: &PodStatus, main: Option<&ContainerStatus>) -> Option<Timestamp> {
    let started = status.start_time.as_ref().filter(|_| status.reason.as_deref() == Some("DeadlineExceeded"))?;
    let seconds = pod.spec.as_ref()?.active_deadline_seconds?;
    let ended = main.and_then(end).and_then(|main| main.finished_at.as_ref());
    Some(after(started.0, seconds)).filter(|end| ended.is_none_or(|ended| ended.0 >= *end))
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
    let exit = main.and_then(end).map(exit);
    let culprit = main.and_then(start_error).or_else(|| culprit(status, main_name));
    let forgotten = exit.is_none() && culprit.is_none() && forgot_another(status, main_name);
    let node = disruption::node_fault(status, main.and_then(terminated));
    let lost = main.and_then(|main| main.state.as_ref()?.running.as_ref()).is_some();
    Ending {
        exit,
        courier: record,
        pod,
        target: target(status).map(|condition| condition.reason.clone().unwrap_or_default()),
        node: node.or(forgotten.then_some(NodeFault::Forgot)),
        culprit,
        stop: None,
        ceiling: None,
        lost,
        was_over: false,
    }
}

/// A container that could not be started is said to have started in 1970, one that was never made has no id.
fn has_started(status: &ContainerStatus) -> bool {
    let started = terminated(status).and_then(|state| state.started_at.as_ref());
    started.map_or(status.container_id.is_some(), |time| time.0 > Timestamp::UNIX_EPOCH)
}

/// How a container that ran has ended. Of one that its node lost, nothing but the last state says that it ran: the state is
/// that of a container which was never made, without an id and times.
fn end(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let runs = status.state.as_ref().is_some_and(|state| state.running.is_some());
    let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    terminated(status).filter(|_| has_started(status)).or(last.filter(|_| !runs))
}

/// Whether the node lost a container beside main that had started.
fn forgot_another(status: &PodStatus, main: &str) -> bool {
    let mut others = disruption::containers(status).filter(|container| container.name != main);
    others.any(|container| end(container).is_some_and(|end| disruption::is_made_up(reason_of(end))))
}

fn start_error(main: &ContainerStatus) -> Option<String> {
    let words = terminated(main).filter(|_| !has_started(main))?.message.clone()?;
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
pub(crate) fn courier_runs(pod: &Pod) -> bool {
    let state = courier(pod).and_then(|courier| courier.state.as_ref());
    state.is_some_and(|state| state.running.is_some())
}

/// What the courier of a warm pod last said when it could not bring the job's input, so that main waits in vain.
#[must_use]
pub(crate) fn missing_input(pod: &Pod) -> Option<TerminationRecord> {
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
    disruption::containers(status)
        .filter(|other| other.name != main && other.name != names::CONTAINER_COURIER)
        .find_map(|container| {
            let failed =
                |state: &&ContainerStateTerminated| state.exit_code != 0 && !disruption::is_made_up(reason_of(state));
            let state = terminated(container).filter(failed)?;
            let words = state.message.as_deref().unwrap_or_default().trim();
            Some(format!(
                "container {} exited with code {}{}{words}",
                container.name,
                state.exit_code,
                if words.is_empty() { "" } else { ": " }
            ))
        })
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
    use crate::api::status::Disruption;
    use serde_json::{Value, json};

    fn ended(main: Value) -> Ending {
        let mut main = main;
        main["name"] = json!("main");
        ending_of(&json!({"phase": "Failed", "containerStatuses": [main]}))
    }

    fn ending_of(status: &Value) -> Ending {
        let pod = json!({"metadata": {"name": "job-1"}, "spec": {"containers": [{"name": "main"}]}, "status": status});
        match life(&serde_json::from_value(pod).unwrap(), "main", Timestamp::UNIX_EPOCH) {
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

    /// As a kubelet 1.37 reports a container that it cannot find any more: of main, which had run, and of a pod whose main
    /// had not.
    #[test]
    fn a_container_that_its_node_lost_is_no_failure() {
        let made_up = |words: &str| json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": words}});
        let gone = made_up("The container could not be located when the pod was terminated");
        let ran =
            made_up("The container could not be located when the pod was deleted.  The container used to be Running");
        for state in [gone.clone(), json!({"waiting": {"reason": "ContainerCreating"}})] {
            let ending = ended(json!({"state": state, "lastState": ran}));
            let exit = ending.exit.clone().unwrap_or_else(|| panic!("{ending:?}"));
            assert_eq!((exit.code, exit.started, exit.finished), (137, None, None));
            assert_eq!(disruption::of(&ending), Some(Disruption::NodeLost));
        }
        let rebooted =
            json!({"terminated": {"exitCode": 255, "reason": "Unknown", "startedAt": "2026-11-23T10:58:19Z"}});
        let failed = json!({"terminated": {"exitCode": 3, "reason": "Error", "startedAt": "2026-11-23T10:58:19Z"}});
        let lost = (Some(NodeFault::Forgot), None, Some(Disruption::NodeLost));
        for (name, init, expected) in [
            ("omotes-courier-input", json!({"state": rebooted}), lost.clone()),
            ("first", json!({"state": rebooted}), lost.clone()),
            ("first", json!({"state": gone, "lastState": ran}), lost),
            // It never ran: the image could not be pulled before the pod's deadline, say.
            ("first", json!({"state": gone}), (None, None, None)),
            ("first", json!({"state": failed}), (None, Some("container first exited with code 3".to_owned()), None)),
        ] {
            let mut init = init;
            init["name"] = json!(name);
            let waiting = json!({"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}});
            let ending =
                ending_of(&json!({"phase": "Failed", "initContainerStatuses": [init], "containerStatuses": [waiting]}));
            let disruption = disruption::of(&ending);
            assert_eq!((ending.node, ending.culprit, disruption), expected, "{init}");
            assert_eq!(ending.exit, None, "{init}");
        }
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

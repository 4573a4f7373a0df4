//! Another attempt after one that failed: whether, and when.
//!
//! What succeeded or was stopped is final; a suspension stops the attempt, and not the job. A disruption is not the job's fault and is not counted. The next attempt is
//! stored before anything is done for it, and begins when nothing of the last one runs any more.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJobStatus,
        condition::{self, ConditionType, Verdict},
        names,
        retry::{ExitCodesOperator, OnExitCodes, PodFailureAction, PodFailurePolicyRule},
        status::{AttemptStatus, Phase, TerminationCause},
    },
    limits::{after, next_second, whole_second},
    pods::{main_container, warm::assigned_time},
    wire::{Digest, JobStatus},
};

use super::{
    Settings, attempt, finish,
    observed::{BrokerSight, Observed, ResultSight, Sight},
    outcome::Outcome,
    start,
    status::bounded,
    step::{Plan, Step},
};

/// How many attempts `status.attempts` tells of; the oldest go first.
const MAX_ATTEMPTS: usize = 10;

/// What a failure means for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The job has failed.
    Final,
    /// One of the failures that `backoffLimit` allows.
    Counted,
    /// Not the job's fault.
    Uncounted,
}

/// Plans the next attempt after one that ended with `outcome`; `None` when that is the end of the job.
pub(super) fn plan(observed: &Observed, settings: &Settings, outcome: &Outcome) -> Option<Plan> {
    if outcome.stopped.is_some_and(|cause| !cause.is_final()) {
        let status = observed.interrupted_status(settings, outcome);
        return Some(Plan::steps(vec![Step::PatchStatus(Box::new(status))]));
    }
    let spec = &observed.job.spec;
    let Sight::Known(pod) = &observed.pod else { return None };
    let decided = observed.status().abort.is_some_and(|abort| abort.cause.is_final());
    let wanted = observed.deletion().is_none() && spec.abort.is_none() && !decided;
    let counted = match weigh(pod, outcome, spec.pod_failure_policy.iter().flat_map(|policy| &policy.rules)) {
        Weight::Final => return None,
        Weight::Counted => 1,
        Weight::Uncounted => 0,
    };
    let failures = observed.status().failures.unwrap_or(0).saturating_add(counted);
    let time_left = settings.defaults.run_seconds(spec, observed.active_after(outcome)).is_none_or(|left| left > 0);
    if !wanted || failures > spec.backoff_limit.unwrap_or(0) || !time_left || observed.result != ResultSight::Unsent {
        return None;
    }
    let status = observed.retried_status(settings, outcome, failures);
    let note = format!(
        "attempt {} failed, and attempt {} follows: {}",
        observed.attempt(),
        observed.attempt() + 1,
        outcome.message
    );
    let news = outcome.exit.is_some() && !observed.was_running() && observed.broker == BrokerSight::Ready;
    let told = news.then(|| start::tell(observed, JobStatus::Running));
    let stored = [Step::PatchStatus(Box::new(status)), Step::Warn { reason: "AttemptFailed", note }];
    Some(Plan::steps(told.into_iter().chain(stored).collect()))
}

fn weigh<'a>(pod: &Pod, outcome: &Outcome, mut rules: impl Iterator<Item = &'a PodFailurePolicyRule>) -> Weight {
    if outcome.stopped.is_some() || outcome.cause == TerminationCause::Completed {
        return Weight::Final;
    }
    // Main of a pod that had waited may have ended, and not in this job.
    let foreign = outcome.exit.is_none() && assigned_time(pod).is_some();
    match rules.find(|rule| fits(rule, pod, foreign)).map(|rule| rule.action) {
        Some(PodFailureAction::FailJob) => Weight::Final,
        Some(PodFailureAction::Ignore) => Weight::Uncounted,
        Some(PodFailureAction::Count) => Weight::Counted,
        None if is_disruption(pod, outcome) => Weight::Uncounted,
        None => Weight::Counted,
    }
}

/// Whether the cluster ended the attempt, and not the job: a node that evicts a pod for its own sake says so in a
/// condition, and evicts one that took more than its limits without it.
fn is_disruption(pod: &Pod, outcome: &Outcome) -> bool {
    let targeted = || has_condition(pod, "DisruptionTarget", "True");
    match outcome.cause {
        TerminationCause::Disrupted => true,
        TerminationCause::Evicted | TerminationCause::NeverStarted => targeted(),
        _ => false,
    }
}

fn has_condition(pod: &Pod, type_: &str, status: &str) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|known| known.type_ == type_ && known.status == status)
}

fn fits(rule: &PodFailurePolicyRule, pod: &Pod, is_main_foreign: bool) -> bool {
    let PodFailurePolicyRule { action: _, on_exit_codes, on_pod_conditions } = rule;
    let mut conditions = on_pod_conditions.iter().flatten();
    on_exit_codes.as_ref().is_some_and(|codes| exited_so(codes, pod, is_main_foreign))
        || conditions.any(|condition| has_condition(pod, &condition.type_, &condition.status))
}

fn exited_so(codes: &OnExitCodes, pod: &Pod, is_main_foreign: bool) -> bool {
    let status = pod.status.clone().unwrap_or_default();
    let foreign = is_main_foreign.then(|| main_container(pod));
    let containers = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    let ours = containers.filter(|container| foreign.as_ref() != Some(&container.name));
    let mut exits = ours.filter(|container| is_meant(codes, container)).filter_map(|container| {
        let terminated = container.state.as_ref()?.terminated.as_ref()?;
        (terminated.exit_code != 0).then_some(terminated.exit_code)
    });
    exits.any(|code| codes.values.contains(&code) == (codes.operator == ExitCodesOperator::In))
}

fn is_meant(codes: &OnExitCodes, container: &ContainerStatus) -> bool {
    let ours = [names::CONTAINER_COURIER, names::CONTAINER_COURIER_INPUT].contains(&container.name.as_str());
    codes.container_name.as_ref().map_or(!ours, |name| *name == container.name)
}

impl Observed {
    /// For how many seconds the job's programs have run when the current attempt ended with `outcome`. What a program
    /// takes to stop for a suspension does not count.
    pub(super) fn active_after(&self, outcome: &Outcome) -> i64 {
        let status = self.status();
        let exit = outcome.exit.as_ref();
        let started = exit.and_then(|exit| exit.started).or(status.start_time.map(|time| time.0));
        let suspended = status.abort.filter(|_| outcome.stopped.is_some_and(|cause| !cause.is_final()));
        let finished = exit.and_then(|exit| exit.finished).unwrap_or(self.now);
        let finished = suspended.map_or(finished, |abort| finished.min(abort.stop_time.0));
        let lived = started.map_or(0, |started| next_second(finished).duration_since(started).as_secs().max(0));
        status.active_seconds.unwrap_or(0).saturating_add(lived)
    }

    /// What is recorded of the attempts up to the current one, which ended with `outcome`.
    pub(super) fn attempts_after(&self, outcome: &Outcome) -> Vec<AttemptStatus> {
        let mut attempts = self.status().attempts;
        let Sight::Known(pod) = &self.pod else { return attempts };
        if !attempt::is_owned_by(pod, &self.uid()) {
            return attempts;
        }
        let exit = outcome.exit.as_ref();
        attempts.push(AttemptStatus {
            number: self.attempt(),
            pod_name: pod.name_any(),
            node_name: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
            start_time: exit.and_then(|exit| exit.started).or(self.status().start_time.map(|time| time.0)).map(Time),
            completion_time: Some(Time(exit.and_then(|exit| exit.finished).unwrap_or(whole_second(self.now)))),
            cause: outcome.cause,
            exit_code: exit.map(|exit| exit.code),
            message: bounded(&outcome.message, 1024),
        });
        attempts.drain(..attempts.len().saturating_sub(MAX_ATTEMPTS));
        attempts
    }

    /// The status of a job whose attempt ended with `outcome` and is followed by another, due then.
    fn next_status(&self, settings: &Settings, outcome: &Outcome, due: Timestamp) -> OmotesJobStatus {
        let attempts = self.attempts_after(outcome);
        let mut status = OmotesJobStatus {
            attempt: Some(self.attempt().saturating_add(1)),
            // No choice for the attempt that follows.
            pod_name: attempts.last().map(|last| last.pod_name.clone()),
            attempts,
            active_seconds: Some(self.active_after(outcome)),
            retry_time: Some(Time(due)),
            start_time: None,
            deadline_time: None,
            progress: None,
            abort: None,
            phase: Some(Phase::Queued),
            ..self.accepted(settings)
        };
        for gone in [ConditionType::Stalled, ConditionType::ProgressStalled] {
            condition::clear(&mut status.conditions, gone);
        }
        status
    }

    /// The status of a job that was suspended, now that its program has stopped.
    pub(super) fn interrupted_status(&self, settings: &Settings, outcome: &Outcome) -> OmotesJobStatus {
        let mut status = self.next_status(settings, outcome, whole_second(self.now));
        if self.job.spec.suspend {
            self.suspend(&mut status);
        } else {
            self.set(&mut status, ConditionType::Running, Verdict::no("Resumed", "the job waits for its pod"));
        }
        status
    }

    fn retried_status(&self, settings: &Settings, outcome: &Outcome, failures: i32) -> OmotesJobStatus {
        let next = self.attempt().saturating_add(1);
        let due = self.retry_time(next);
        let message = format!("{}; attempt {next} follows at {due}", outcome.message);
        let mut status = OmotesJobStatus { failures: Some(failures), ..self.next_status(settings, outcome, due) };
        self.set(&mut status, ConditionType::Running, Verdict::no("AttemptFailed", bounded(&message, 1024)));
        self.set(&mut status, ConditionType::Reconciling, Verdict::yes("Retrying", bounded(&message, 1024)));
        status
    }

    /// When attempt `next` may begin: exponential, and different for each job, so that a cluster that comes back is not
    /// asked for everything at once.
    fn retry_time(&self, next: i32) -> Timestamp {
        let retry = self.job.spec.retry();
        let doublings = u32::try_from(next - 2).unwrap_or(0).min(20);
        let wait = retry.initial_seconds.saturating_mul(1 << doublings).min(retry.max_seconds);
        let chance = Digest::of(format!("{}-{next}", self.uid()).as_bytes()).to_string();
        let share = i64::from_str_radix(&chance[..2], 16).unwrap_or(0);
        next_second(after(self.now, wait - wait * share / 512))
    }
}

/// Lets go of what is left of the last attempt: its pod's exit is recorded, and nobody wants its output.
pub(super) fn release_former(observed: &Observed, settings: &Settings) -> Option<Plan> {
    let Sight::Known(pod) = &observed.former else { return None };
    if !attempt::is_owned_by(pod, &observed.uid()) {
        return None;
    }
    finish::release(observed, settings, pod, observed.attempt().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::retry::PodFailurePolicy;
    use serde_json::{Value, json};

    fn weighed(cause: TerminationCause, pod: &Value, rules: &Value) -> Weight {
        let pod: Pod = serde_json::from_value(pod.clone()).unwrap();
        let policy: PodFailurePolicy = serde_json::from_value(json!({"rules": rules})).unwrap();
        weigh(&pod, &Outcome::without_exit(cause, "", None), policy.rules.iter())
    }

    fn exited(name: &str, code: i32) -> Value {
        let container = |name: &str, code: i32| json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": code}}});
        json!({"status": {"containerStatuses": [container(name, code)], "initContainerStatuses": [container("omotes-courier", 9)]}})
    }

    fn targeted() -> Value {
        json!({"status": {"conditions": [{"type": "DisruptionTarget", "status": "True"}]}})
    }

    #[test]
    fn a_failure_has_its_weight() {
        use TerminationCause::{Completed, Disrupted, Error, Evicted, NeverStarted, OOMKilled};
        let on_codes = |operator: &str, values: Value| json!([{"action": "FailJob", "onExitCodes": {"operator": operator, "values": values}}]);
        let named = |name: &str| json!([{"action": "Ignore", "onExitCodes": {"containerName": name, "operator": "In", "values": [3]}}]);
        let disrupted = |action: &str| json!([{"action": action, "onPodConditions": [{"type": "DisruptionTarget"}]}]);
        for (cause, pod, rules, expected) in [
            (Error, exited("main", 3), json!([]), Weight::Counted),
            (OOMKilled, exited("main", 137), json!([]), Weight::Counted),
            (Completed, exited("main", 0), json!([]), Weight::Final),
            (Disrupted, exited("main", 0), json!([]), Weight::Uncounted),
            (Evicted, exited("main", 137), json!([]), Weight::Counted),
            (Evicted, targeted(), json!([]), Weight::Uncounted),
            (NeverStarted, targeted(), json!([]), Weight::Uncounted),
            (Error, exited("main", 3), on_codes("In", json!([3, 4])), Weight::Final),
            (Error, exited("main", 5), on_codes("In", json!([3, 4])), Weight::Counted),
            (Error, exited("main", 5), on_codes("NotIn", json!([3, 4])), Weight::Final),
            (Disrupted, exited("main", 0), on_codes("NotIn", json!([3])), Weight::Uncounted),
            // The courier's own code says nothing of the job.
            (Error, exited("main", 5), on_codes("In", json!([9])), Weight::Counted),
            (Error, exited("main", 3), named("main"), Weight::Uncounted),
            (Error, exited("main", 3), named("other"), Weight::Counted),
            (Disrupted, targeted(), disrupted("FailJob"), Weight::Final),
            (Disrupted, targeted(), disrupted("Count"), Weight::Counted),
            (Error, exited("main", 3), disrupted("FailJob"), Weight::Counted),
        ] {
            assert_eq!(weighed(cause, &pod, &rules), expected, "{cause:?} {pod} {rules}");
        }
    }
}

//! Another attempt after one that failed: whether, and when.
//!
//! What succeeded or was stopped is final; a suspension stops the attempt, and not the job. A disruption is not the job's
//! fault and is not counted, unless there are too many or the job is under suspicion. The next attempt is stored before
//! anything is done for it, and begins when nothing of the last one runs any more.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod, PodTemplateSpec},
    apimachinery::pkg::apis::meta::v1::Time,
};

use crate::{
    api::{
        OmotesJobStatus, Reason,
        condition::{self, ConditionType, ConditionUpdate},
        names,
        retry::{ExitCodesOperator, OnExitCodes, PodFailureAction, PodFailurePolicyRule},
        status::{AttemptStatus, Disruption, Phase, TerminationCause},
        time::{after, next_second, whole_second},
    },
    plan::{
        facts::{
            demand, disruption,
            observed::{Observed, ResultSight},
            outcome::Outcome,
        },
        steps::{Plan, Step, client},
    },
    pods::{
        Settings, main_of,
        warm::{assigned_time, main_end},
    },
    text::{bounded, printable},
    wire::Digest,
};

/// How many attempts `status.attempts` tells of; the oldest go first.
const MAX_ATTEMPTS: usize = 10;
/// How many disruptions of one job are not counted: a cluster that is repaired for a day does not use them up, a node that
/// refuses every pod does.
const MAX_DISRUPTIONS: i32 = 20;
/// How many losses of their node, or evictions for memory, attempts may have in a row until the program is the likely cause.
const MAX_SUSPECT_DISRUPTIONS: usize = 2;

/// What a failure means for the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The job has failed.
    Final,
    /// One of the failures that `backoffLimit` allows.
    Counted,
    /// Not the job's fault.
    Disruption,
    /// Not to be counted, as the job says.
    Ignored,
}

/// Plans the next attempt after one that ended with `outcome`; `None` when that is the end of the job.
pub(crate) fn plan(observed: &Observed, settings: &Settings, outcome: &Outcome) -> Option<Plan> {
    // Its client may have been told that its pod was given up.
    if observed.is_death_unconfirmed() {
        return None;
    }
    if outcome.stopped.is_some_and(|cause| !cause.is_final()) {
        let status = observed.interrupted_status(settings, outcome);
        return Some(Plan::steps(vec![Step::PatchStatus(Box::new(status))]));
    }
    let tally = allowed(observed, settings, outcome).filter(|_| observed.result == ResultSight::Unsent)?;
    let status = observed.retried_status(settings, outcome, tally);
    let note = format!(
        "attempt {} failed, and attempt {} follows: {}{}",
        observed.attempt(),
        observed.attempt() + 1,
        outcome.message,
        tally.words()
    );
    let told = outcome.exit.is_some().then(|| client::tell_running(observed)).flatten();
    let stored = [Step::PatchStatus(Box::new(status)), Step::Warn { reason: tally.reason(), note }];
    Some(Plan::steps(told.into_iter().chain(stored).collect()))
}

/// What the job has behind it, where another attempt may follow one that ended with `outcome` unless its client was told.
fn allowed(observed: &Observed, settings: &Settings, outcome: &Outcome) -> Option<Tally> {
    let spec = &observed.job.spec;
    let decided = observed.status().abort.as_ref().is_some_and(|abort| abort.cause.is_final());
    let wanted = observed.deletion().is_none() && spec.abort.is_none() && !decided;
    let tally = observed.tally(weight(observed, outcome)?)?;
    let time_left = settings.defaults.run_seconds(spec, observed.active_after(outcome)).is_none_or(|left| left > 0);
    (wanted && time_left && tally.failures <= spec.backoff_limit.unwrap_or(0)).then_some(tally)
}

/// Whether the client was told another end than `outcome`: else another attempt would follow.
pub(crate) fn was_told_another(observed: &Observed, settings: &Settings, outcome: &Outcome) -> bool {
    observed.has_unstored_result() && allowed(observed, settings, outcome).is_some()
}

/// `outcome` with why it counts as a failure although the cluster brought it about, where that is so.
pub(crate) fn explained(observed: &Observed, outcome: Outcome) -> Outcome {
    let counts = weight(observed, &outcome) == Some(Weight::Counted);
    let why = is_disruption(&outcome).then(|| observed.why_it_counts(&outcome)).flatten().filter(|_| counts);
    match why {
        Some(why) => Outcome { message: format!("{}; {why}", outcome.message), ..outcome },
        None => outcome,
    }
}

/// `outcome` of an attempt that no other follows. Where a user wished for the job's end, and the cluster came first, the job
/// did not fail.
pub(crate) fn last(observed: &Observed, outcome: Outcome) -> Outcome {
    let came_first = outcome.stopped.is_none() && is_disruption(&outcome);
    match demand::wish(observed).filter(|_| came_first) {
        Some((cause, reason)) => Outcome {
            message: format!("{reason}; before the program was told to stop: {}", outcome.message),
            stopped: Some(cause),
            ..outcome
        },
        None => outcome,
    }
}

/// What the attempt that ended with `outcome` means for the job; `None` where that is unknown.
fn weight(observed: &Observed, outcome: &Outcome) -> Option<Weight> {
    let Some(pod) = observed.own_pod() else {
        return is_disruption(outcome).then(|| weight_of_disruption(observed, outcome));
    };
    let rules = observed.job.spec.pod_failure_policy.iter().flat_map(|policy| &policy.rules);
    let template = observed.job.spec.template.as_ref();
    let programs = Programs { pod, main: &main_of(&observed.job, pod), template };
    Some(match weigh(programs, outcome, rules) {
        Weight::Disruption => weight_of_disruption(observed, outcome),
        weight => weight,
    })
}

fn weight_of_disruption(observed: &Observed, outcome: &Outcome) -> Weight {
    if observed.why_it_counts(outcome).is_some() { Weight::Counted } else { Weight::Disruption }
}

/// What a job has behind it with the current attempt.
#[derive(Debug, Clone, Copy)]
struct Tally {
    weight: Weight,
    failures: i32,
    disruptions: i32,
}

impl Tally {
    fn reason(self) -> Reason {
        if self.weight == Weight::Disruption { Reason::AttemptDisrupted } else { Reason::AttemptFailed }
    }

    fn words(self) -> String {
        match self.weight {
            Weight::Disruption => {
                format!("; not counted as a failure ({} of {MAX_DISRUPTIONS} disruptions)", self.disruptions)
            }
            Weight::Ignored => "; not counted as a failure, by spec.podFailurePolicy".to_owned(),
            Weight::Counted | Weight::Final => String::new(),
        }
    }
}

/// The job's programs, as their pod tells of them.
#[derive(Clone, Copy)]
struct Programs<'a> {
    pod: &'a Pod,
    main: &'a str,
    /// Where they are from, if that is known. A pod has other containers, too.
    template: Option<&'a PodTemplateSpec>,
}

fn weigh<'a>(
    programs: Programs<'_>,
    outcome: &Outcome,
    mut rules: impl Iterator<Item = &'a PodFailurePolicyRule>,
) -> Weight {
    let is_final = matches!(outcome.cause, TerminationCause::Completed | TerminationCause::Refused);
    if outcome.stopped.is_some() || is_final {
        return Weight::Final;
    }
    let codes = match (outcome.disruption, &outcome.exit) {
        (Some(Disruption::NodeLost), _) => Codes::MadeUp,
        (_, None) if assigned_time(programs.pod).is_some() => Codes::OthersOwn,
        _ => Codes::Own,
    };
    match rules.find(|rule| fits(rule, programs, codes)).map(|rule| rule.action) {
        Some(PodFailureAction::FailJob) => Weight::Final,
        Some(PodFailureAction::Ignore) => Weight::Ignored,
        Some(PodFailureAction::Count) => Weight::Counted,
        None if is_disruption(outcome) => Weight::Disruption,
        None => Weight::Counted,
    }
}

/// Whether the cluster ended the attempt, and not the job.
fn is_disruption(outcome: &Outcome) -> bool {
    outcome.disruption.is_some() || outcome.cause == TerminationCause::Disrupted
}

fn has_condition(pod: &Pod, type_: &str, status: &str) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|known| known.type_ == type_ && known.status == status)
}

/// What the exit codes in a pod's status say of the job's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codes {
    /// They are theirs.
    Own,
    /// All but main's: that of a pod that had waited may have ended, and not in this job.
    OthersOwn,
    /// Nothing: a node that had lost them made them up.
    MadeUp,
}

fn fits(rule: &PodFailurePolicyRule, programs: Programs<'_>, known: Codes) -> bool {
    let PodFailurePolicyRule { action: _, on_exit_codes, on_pod_conditions } = rule;
    let mut conditions = on_pod_conditions.iter().flatten();
    on_exit_codes.as_ref().is_some_and(|codes| known != Codes::MadeUp && exited_so(codes, programs, known))
        || conditions.any(|condition| has_condition(programs.pod, &condition.type_, &condition.status))
}

/// What ended after main says nothing: the operator ends the containers that go on without it.
fn exited_so(codes: &OnExitCodes, programs: Programs<'_>, known: Codes) -> bool {
    let Programs { pod, main, template: _ } = programs;
    let end = main_end(pod, main).and_then(|end| end.finished_at.as_ref()).filter(|_| known == Codes::Own);
    let of_job = |container: &&ContainerStatus| known != Codes::OthersOwn || container.name != *main;
    let statuses = pod.status.iter().flat_map(disruption::containers);
    let mut exits =
        statuses.filter(of_job).filter(|container| is_meant(codes, programs, container)).filter_map(|container| {
            let ended = container.state.as_ref()?.terminated.as_ref()?;
            let is_later = container.name != *main && end.is_some_and(|end| ended.finished_at.as_ref() > Some(end));
            let is_own = !is_later && !disruption::is_made_up(ended.reason.as_deref().unwrap_or_default());
            (ended.exit_code != 0 && is_own).then_some(ended.exit_code)
        });
    exits.any(|code| codes.values.contains(&code) == (codes.operator == ExitCodesOperator::In))
}

/// Without a name any container of the template is meant.
fn is_meant(codes: &OnExitCodes, programs: Programs<'_>, container: &ContainerStatus) -> bool {
    let name = &container.name;
    let is_courier = [names::CONTAINER_COURIER, names::CONTAINER_COURIER_INPUT].contains(&name.as_str());
    let pod_spec = programs.template.and_then(|template| template.spec.as_ref());
    let is_of_template = pod_spec.is_none_or(|spec| {
        spec.init_containers.iter().flatten().chain(&spec.containers).any(|known| known.name == *name)
    });
    codes.container_name.as_ref().map_or(!is_courier && is_of_template, |meant| meant == name)
}

impl Observed {
    /// What the job has behind it with an attempt of this weight; `None` where it has failed.
    fn tally(&self, weight: Weight) -> Option<Tally> {
        let status = self.status();
        let (failures, disruptions) = (status.failures.unwrap_or(0), status.disruptions.unwrap_or(0));
        let (failed, disrupted) = match weight {
            Weight::Final => return None,
            Weight::Counted => (1, 0),
            Weight::Disruption => (0, 1),
            Weight::Ignored => (0, 0),
        };
        let failures = failures.saturating_add(failed);
        Some(Tally { weight, failures, disruptions: disruptions.saturating_add(disrupted) })
    }

    /// Why a disruption counts as a failure, where it does.
    fn why_it_counts(&self, outcome: &Outcome) -> Option<String> {
        let status = self.status();
        let suspect = |attempt: &&AttemptStatus| attempt.disruption.is_some_and(Disruption::is_suspect);
        let before = status.attempts.iter().rev().take_while(suspect).count();
        if outcome.disruption.is_some_and(Disruption::is_suspect) && before >= MAX_SUSPECT_DISRUPTIONS {
            return Some(format!(
                "it counts as a failure: {} attempts in a row lost their node or were evicted for memory, which the program may have brought about. Raise its memory request and limit",
                before + 1
            ));
        }
        (status.disruptions.unwrap_or(0) >= MAX_DISRUPTIONS)
            .then(|| format!("it counts as a failure: the cluster ended {MAX_DISRUPTIONS} attempts before"))
    }

    /// For how many seconds the job's programs have run when the current attempt ended with `outcome`. What a program
    /// takes to stop for a suspension does not count.
    pub(crate) fn active_after(&self, outcome: &Outcome) -> i64 {
        let status = self.status();
        let exit = outcome.exit.as_ref();
        let started = exit.and_then(|exit| exit.started).or(status.start_time.as_ref().map(|time| time.0));
        let suspended = status.abort.as_ref().filter(|_| outcome.stopped.is_some_and(|cause| !cause.is_final()));
        let finished = exit.and_then(|exit| exit.finished).unwrap_or(self.now);
        let finished = suspended.map_or(finished, |abort| finished.min(abort.stop_time.0));
        let lived = started.map_or(0, |started| next_second(finished).duration_since(started).as_secs().max(0));
        status.active_seconds.unwrap_or(0).saturating_add(lived)
    }

    /// What is recorded of the attempts up to the current one, which ended with `outcome`.
    pub(crate) fn attempts_after(&self, outcome: &Outcome) -> Vec<AttemptStatus> {
        let mut attempts = self.status().attempts.clone();
        let pod = self.own_pod();
        // A program that ran had a pod, although it is gone.
        if pod.is_none() && self.status().start_time.is_none() {
            return attempts;
        }
        let exit = outcome.exit.as_ref();
        attempts.push(AttemptStatus {
            number: self.attempt(),
            pod_name: names::pod_of(&self.job, self.attempt()),
            node_name: pod.and_then(|pod| pod.spec.as_ref()?.node_name.clone()),
            start_time: exit
                .and_then(|exit| exit.started)
                .or(self.status().start_time.as_ref().map(|time| time.0))
                .map(Time),
            completion_time: Some(Time(exit.and_then(|exit| exit.finished).unwrap_or(whole_second(self.now)))),
            cause: outcome.cause,
            disruption: outcome.disruption,
            exit_code: exit.map(|exit| exit.code),
            message: printable(&bounded(&outcome.message, 1024)),
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
            limits: None,
            progress: None,
            abort: None,
            phase: Some(Phase::Queued),
            ..self.accepted(settings)
        };
        // What they say of the attempt that has ended is in `attempts`.
        let gone = [
            ConditionType::Stalled,
            ConditionType::ProgressStalled,
            ConditionType::CourierConnected,
            ConditionType::ResultPublished,
        ];
        condition::clear(&mut status.conditions, gone);
        status
    }

    /// The status of a job that was suspended, now that its program has stopped.
    pub(crate) fn interrupted_status(&self, settings: &Settings, outcome: &Outcome) -> OmotesJobStatus {
        let mut status = self.next_status(settings, outcome, whole_second(self.now));
        if self.job.spec.suspend {
            self.suspend(&mut status);
        } else {
            self.set(
                &mut status,
                ConditionType::Running,
                ConditionUpdate::no(Reason::Resumed, "the job waits for its pod"),
            );
        }
        status
    }

    fn retried_status(&self, settings: &Settings, outcome: &Outcome, tally: Tally) -> OmotesJobStatus {
        let next = self.attempt().saturating_add(1);
        let due = self.retry_time(next);
        let message = format!("{}{}; attempt {next} follows at {due}", outcome.message, tally.words());
        let mut status = OmotesJobStatus {
            failures: Some(tally.failures),
            disruptions: Some(tally.disruptions).filter(|disruptions| *disruptions > 0),
            ..self.next_status(settings, outcome, due)
        };
        self.set(&mut status, ConditionType::Running, ConditionUpdate::no(tally.reason(), bounded(&message, 1024)));
        self.set(
            &mut status,
            ConditionType::Reconciling,
            ConditionUpdate::yes(Reason::Retrying, bounded(&message, 1024)),
        );
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::retry::PodFailurePolicy;
    use serde_json::{Value, json};

    fn weighed(ended: (TerminationCause, Option<Disruption>), pod: &Value, rules: &Value) -> Weight {
        let pod: Pod = serde_json::from_value(pod.clone()).unwrap();
        let policy: PodFailurePolicy = serde_json::from_value(json!({"rules": rules})).unwrap();
        let (cause, disruption) = ended;
        let containers =
            json!({"initContainers": [{"name": "first"}], "containers": [{"name": "main"}, {"name": "second"}]});
        let template: PodTemplateSpec = serde_json::from_value(json!({"spec": containers})).unwrap();
        let programs = Programs { pod: &pod, main: "main", template: Some(&template) };
        weigh(programs, &Outcome { disruption, ..Outcome::without_exit(cause, "", None) }, policy.rules.iter())
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
        use Disruption::{AdmissionRefused, MemoryPressure, NodeLost, PodDeleted};
        use TerminationCause::{Completed, Disrupted, Error, Evicted, NeverStarted, OOMKilled};
        let on_codes = |operator: &str, values: Value| json!([{"action": "FailJob", "onExitCodes": {"operator": operator, "values": values}}]);
        let named = |name: &str| json!([{"action": "Ignore", "onExitCodes": {"containerName": name, "operator": "In", "values": [3]}}]);
        let disrupted = |action: &str| json!([{"action": action, "onPodConditions": [{"type": "DisruptionTarget"}]}]);
        let by = |disruption| Some(disruption);
        for (cause, disruption, pod, rules, expected) in [
            (Error, None, exited("main", 3), json!([]), Weight::Counted),
            (OOMKilled, None, exited("main", 137), json!([]), Weight::Counted),
            (Completed, None, exited("main", 0), json!([]), Weight::Final),
            (Disrupted, by(PodDeleted), exited("main", 0), json!([]), Weight::Disruption),
            (Disrupted, None, exited("main", 0), json!([]), Weight::Disruption),
            (Evicted, None, exited("main", 137), json!([]), Weight::Counted),
            (Evicted, by(MemoryPressure), targeted(), json!([]), Weight::Disruption),
            (NeverStarted, by(AdmissionRefused), json!({}), json!([]), Weight::Disruption),
            (NeverStarted, None, json!({}), json!([]), Weight::Counted),
            (Error, None, exited("main", 3), on_codes("In", json!([3, 4])), Weight::Final),
            (Error, None, exited("main", 5), on_codes("In", json!([3, 4])), Weight::Counted),
            (Error, None, exited("main", 5), on_codes("NotIn", json!([3, 4])), Weight::Final),
            (Disrupted, by(PodDeleted), exited("main", 0), on_codes("NotIn", json!([3])), Weight::Disruption),
            (Disrupted, by(PodDeleted), exited("main", 143), on_codes("NotIn", json!([3])), Weight::Final),
            // The node made the code up.
            (Disrupted, by(NodeLost), exited("main", 255), on_codes("NotIn", json!([3, 9])), Weight::Disruption),
            // The courier's own code says nothing of the job.
            (Error, None, exited("main", 5), on_codes("In", json!([9])), Weight::Counted),
            (Error, None, exited("main", 3), named("main"), Weight::Ignored),
            (Error, None, exited("main", 3), named("other"), Weight::Counted),
            (Disrupted, by(PodDeleted), targeted(), disrupted("FailJob"), Weight::Final),
            (Disrupted, by(PodDeleted), targeted(), disrupted("Count"), Weight::Counted),
            (Error, None, exited("main", 3), disrupted("FailJob"), Weight::Counted),
        ] {
            assert_eq!(weighed((cause, disruption), &pod, &rules), expected, "{cause:?} {pod} {rules}");
        }
    }

    /// Main exited with 42 in second 10, and another container so.
    #[test]
    fn what_the_operator_ended_has_no_exit_code() {
        let ended = |name: &str, code: i32, second: i64| {
            let finished = Timestamp::from_second(1_800_000_000 + second).unwrap();
            json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": code, "finishedAt": finished}}})
        };
        let not_in = json!([{"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [42]}}]);
        let ignored = json!([{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [143]}}]);
        let named = json!([{"action": "FailJob", "onExitCodes": {"containerName": "second", "operator": "In", "values": [3, 143]}}]);
        for (name, code, second, rules, expected) in [
            ("proxy", 143, 12, &not_in, Weight::Counted),
            ("proxy", 143, 12, &ignored, Weight::Counted),
            // It is none of the template's, whenever it ended.
            ("proxy", 3, 5, &not_in, Weight::Counted),
            ("second", 143, 12, &not_in, Weight::Counted),
            ("second", 143, 12, &named, Weight::Counted),
            ("second", 143, 12, &ignored, Weight::Counted),
            ("second", 3, 5, &not_in, Weight::Final),
            ("second", 3, 10, &named, Weight::Final),
            ("first", 3, 1, &not_in, Weight::Final),
        ] {
            let containers = [ended(name, code, second), ended("main", 42, 10)];
            let pod = json!({"status": {"containerStatuses": containers}});
            assert_eq!(weighed((TerminationCause::Error, None), &pod, rules), expected, "{name} {code} {rules}");
        }
    }
}

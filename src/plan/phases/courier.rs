//! Whether the operator hears the job's courier: without it neither progress nor output reach the client.
//!
//! A courier greets the operator after each connect and once a minute. One that is silent for longer is reported in a
//! condition and an Event, with what the pod's status shows of the cause. No deadline depends on it: the program goes on,
//! and a broker that comes back in time gets its output.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt;

use crate::{
    api::{
        OmotesJob, OmotesJobStatus,
        condition::{self, ConditionType, ConditionUpdate},
        names,
        reason::Reason,
    },
    plan::{
        facts::observed::{BrokerSight, Observed},
        steps::{Plan, Step},
    },
    pods,
};

/// How long after the program's start the first message may take: the courier starts before the program.
pub(crate) const FIRST_MESSAGE: SignedDuration = SignedDuration::from_secs(15);
/// The longest silence later: a minute between two greetings, of which a reconnect takes up to half, and as much again.
pub(crate) const LONGEST_SILENCE: SignedDuration = SignedDuration::from_secs(75);

/// Whether a message of the job's courier changes what its status says.
#[must_use]
pub(crate) fn waits_for_message(job: &OmotesJob) -> bool {
    let conditions = job.status.iter().flat_map(|status| &status.conditions);
    let waits = [(ConditionType::ProgressStalled, "True"), (ConditionType::CourierConnected, "False")];
    conditions
        .into_iter()
        .any(|known| waits.iter().any(|(type_, status)| known.type_ == type_.as_str() && known.status == *status))
}

/// Adds to `plan` what the silence of the courier of `pod` leads to, whose program has run since `started`.
pub(crate) fn with_courier(observed: &Observed, pod: &Pod, started: Option<Timestamp>, plan: Plan) -> Plan {
    let stored = observed.status().start_time.as_ref().map(|time| time.0);
    let Some(due) = stored.or(started).and_then(|started| overdue(observed, pod, started)) else { return plan };
    // Each status is made from the stored one: another one would take back what the first says.
    if plan.steps.iter().any(|step| matches!(step, Step::PatchStatus(_))) {
        return plan;
    }
    match (observed.now >= due, lost_since(observed)) {
        (true, None) => with(plan, not_connected(observed, pod)),
        (false, Some(since)) if observed.courier_heard.is_some_and(|heard| heard > since) => {
            with(plan, vec![Step::PatchStatus(Box::new(observed.courier_status(connected())))])
        }
        (false, _) => plan.by(due),
        (true, Some(_)) => plan,
    }
}

fn with(mut plan: Plan, steps: Vec<Step>) -> Plan {
    plan.steps.extend(steps);
    plan
}

/// From when on the courier counts as not connected, should it stay silent. `None` where it cannot be heard.
fn overdue(observed: &Observed, pod: &Pod, started: Timestamp) -> Option<Timestamp> {
    if observed.broker != BrokerSight::Ready || !pods::greets(pod) {
        return None;
    }
    let since = observed.listening_since;
    Some(match observed.courier_heard {
        None if since <= started => started + FIRST_MESSAGE,
        heard => heard.unwrap_or(started).max(since) + LONGEST_SILENCE,
    })
}

fn lost_since(observed: &Observed) -> Option<Timestamp> {
    let stored = observed.status();
    let known = condition::get(&stored.conditions, ConditionType::CourierConnected)?;
    (known.status == "False").then_some(known.last_transition_time.0)
}

fn not_connected(observed: &Observed, pod: &Pod) -> Vec<Step> {
    let note = silence(observed, pod);
    let status = observed.courier_status(ConditionUpdate::no(Reason::CourierNotConnected, note.clone()));
    vec![Step::PatchStatus(Box::new(status)), Step::Warn { reason: Reason::CourierNotConnected, note }]
}

fn connected() -> ConditionUpdate {
    ConditionUpdate::yes(Reason::Connected, "messages of the courier arrive")
}

fn silence(observed: &Observed, pod: &Pod) -> String {
    let was_heard = observed.courier_heard.is_some();
    let seconds = if was_heard { LONGEST_SILENCE } else { FIRST_MESSAGE }.as_secs();
    format!(
        "no message of the courier in pod {} for {seconds} s: {}. The program runs, but without a courier its progress and output do not reach \
         the broker. Check courier-amqp-uri and ca.crt in the broker's Secret and network policies; the courier goes on trying",
        pod.name_any(),
        cause(pod, was_heard)
    )
}

/// What the pod's status shows of the cause. What kept a courier from the broker before it was heard is over.
fn cause(pod: &Pod, was_heard: bool) -> String {
    let statuses = || pod.status.iter().flat_map(|status| status.init_container_statuses.iter().flatten());
    let named = |name: &str| statuses().find(|status| status.name == name);
    let restarted = named(names::CONTAINER_COURIER).and_then(restarts);
    let note = named(names::CONTAINER_COURIER_INPUT).filter(|_| !was_heard).and_then(note);
    restarted.or(note).unwrap_or_else(|| {
        format!("the reason is in its log (kubectl logs {} -c {})", pod.name_any(), names::CONTAINER_COURIER)
    })
}

fn restarts(courier: &ContainerStatus) -> Option<String> {
    let last = courier.last_state.as_ref()?.terminated.as_ref()?;
    let reason = last.reason.as_deref().unwrap_or("Error");
    Some(format!(
        "it was restarted {} times, at last after {reason} (exit code {})",
        courier.restart_count, last.exit_code
    ))
}

/// What the init container wrote down that could not reach the broker.
fn note(input: &ContainerStatus) -> Option<String> {
    let end = input.state.as_ref()?.terminated.as_ref().filter(|end| end.exit_code == 0)?;
    let words = end.message.as_deref().map(str::trim).filter(|words| !words.is_empty())?;
    Some(format!("before the program started, {words}"))
}

impl Observed {
    /// Whether the stored status says that the job's courier is not connected.
    pub(crate) fn is_courier_lost(&self) -> bool {
        lost_since(self).is_some()
    }

    fn courier_status(&self, verdict: ConditionUpdate) -> OmotesJobStatus {
        let mut status = self.new_status();
        self.set(&mut status, ConditionType::CourierConnected, verdict);
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(statuses: &serde_json::Value) -> Pod {
        let pod = json!({"metadata": {"name": "job-1"}, "status": {"initContainerStatuses": statuses}});
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn the_cause_is_what_the_pod_shows() {
        let status = |name: &str, more: serde_json::Value| {
            let mut status = json!({"name": name, "ready": true, "restartCount": 2, "image": "", "imageID": ""});
            status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            status
        };
        let tried = status(
            "omotes-courier-input",
            json!({"state": {"terminated": {"exitCode": 0, "message": "amqp://courier@broker:1: connection refused"}}}),
        );
        let killed =
            status("omotes-courier", json!({"lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}));
        let silent = status("omotes-courier", json!({"state": {"running": {}}}));
        let in_its_log = "the reason is in its log (kubectl logs job-1 -c omotes-courier)";
        for (statuses, words) in [
            (json!([tried, silent]), "before the program started, amqp://courier@broker:1: connection refused"),
            (json!([tried, killed]), "it was restarted 2 times, at last after OOMKilled (exit code 137)"),
            (json!([silent]), in_its_log),
            (json!([]), in_its_log),
        ] {
            assert_eq!(cause(&pod(&statuses), false), words);
        }
        assert_eq!(cause(&pod(&json!([tried, silent])), true), in_its_log, "it had connected since");
    }
}

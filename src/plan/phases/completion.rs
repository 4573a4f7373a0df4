//! The end of a job: judge it, tell the client once, store it, let the pod go – in this order.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::{
    api::{
        Reason,
        condition::{self, ConditionType},
        queues::QueueDeletionPolicy,
        status::{AbortCause, ClientStatus, JobResultType, Phase, TerminationCause},
    },
    plan::{
        facts::{
            BROKER_RETRY, admission,
            ending::{Ending, Exit},
            observed::{BrokerSight, Observed, Preparation, RefusedResult, ResultSight, SHORTEST_ABSENCE, Sight},
            outcome::{self, Circumstances, Outcome, Verdict},
            pod_state,
            presence::NoPod,
        },
        phases::retry,
        status::{ResultDelivery, ResultSummary, delivery::WITHHELD},
        steps::{FinalMessage, Plan, Step, client, queues},
    },
    pods::Settings,
    topology,
    wire::{CommitRecord, CourierOutput, JobResult, JobStatus},
};

/// How long a job that is overdue to go waits for the answer to its result.
const LONGEST_SILENCE: SignedDuration = SignedDuration::from_secs(60);
/// What the status says meanwhile.
const UNCONFIRMED: &str = "the program has ended; whether its result is in the queue is not known yet. If this lasts the queue does not answer: look after it, a quorum queue needs a majority of its members";

/// Plans the end of an attempt whose pod ended so: another one, where the job may have one; else the end of the job.
#[must_use]
pub(crate) fn pod_ended(observed: &Observed, settings: &Settings, ending: Ending) -> Plan {
    match attempt_end(observed, settings, observed.heard(ending)) {
        AttemptEnd::Open(plan) => plan,
        AttemptEnd::Known(outcome, output) => follow(observed, settings, *outcome, output),
    }
}

/// Plans another attempt, where the job may have one; else the end of the job.
fn follow(observed: &Observed, settings: &Settings, outcome: Outcome, output: Option<CourierOutput>) -> Plan {
    let outcome = retry::explained(observed, outcome);
    if retry::was_told_another(observed, settings, &outcome)
        && let Some(told) = told(observed, outcome.exit.clone())
    {
        return conclude(observed, settings, told, None);
    }
    retry::plan(observed, settings, &outcome)
        .unwrap_or_else(|| conclude(observed, settings, retry::last(observed, outcome), output))
}

/// Plans the end of an attempt whose pod is gone without a record.
pub(crate) fn lost(observed: &Observed, settings: &Settings, outcome: Outcome, _: NoPod) -> Plan {
    follow(observed, settings, outcome, None)
}

/// How main ended, by what a former leader told the client.
pub(crate) fn told(observed: &Observed, exit: Option<Exit>) -> Option<Outcome> {
    outcome::told(exit?, &observed.job.spec.exit_codes())
}

/// Plans the end of a job whose main ended so before its pod. `None` where another attempt follows, which begins when the
/// pod has ended.
pub(crate) fn main_ended(observed: &Observed, settings: &Settings, ending: Ending) -> Option<Plan> {
    match attempt_end(observed, settings, ending) {
        AttemptEnd::Open(plan) => Some(plan),
        AttemptEnd::Known(outcome, output) => {
            let follows = retry::plan(observed, settings, &outcome).is_some();
            (!follows).then(|| conclude(observed, settings, *outcome, output))
        }
    }
}

/// How an attempt ended.
enum AttemptEnd {
    /// So, and it left that.
    Known(Box<Outcome>, Option<CourierOutput>),
    /// That is not known before the broker has been asked.
    Open(Plan),
}

fn known(outcome: Outcome, output: Option<CourierOutput>) -> AttemptEnd {
    AttemptEnd::Known(Box::new(outcome), output)
}

fn attempt_end(observed: &Observed, settings: &Settings, ending: Ending) -> AttemptEnd {
    if let Some(why) = observed.own_pod().and_then(|pod| admission::added_defect(observed, pod)) {
        return known(Outcome::without_exit(TerminationCause::Refused, why, None), None);
    }
    match outcome::judge(ending, &Circumstances::of(observed)) {
        Verdict::Final(outcome) => known(outcome, messages(observed)),
        Verdict::NeedsOutput(outcome, record) => with_output(observed, settings, outcome, record.as_ref()),
    }
}

/// What a program that failed leaves for its client. Its absence changes nothing.
fn messages(observed: &Observed) -> Option<CourierOutput> {
    let Sight::Known(body) = &observed.output else { return None };
    CourierOutput::from_body(body.clone()).ok().map(CourierOutput::without_esdl)
}

fn with_output(
    observed: &Observed,
    settings: &Settings,
    outcome: Outcome,
    record: Option<&CommitRecord>,
) -> AttemptEnd {
    let unfetched = |outcome| known(if record.is_some() { outcome } else { unsent(observed, outcome) }, None);
    let body = match &observed.output {
        Sight::Unlisted | Sight::Unreachable if broker_deadline_passed(observed) => return unfetched(outcome),
        Sight::Unlisted | Sight::Unreachable => {
            let plan = match observed.result {
                // Its output is not fetched then.
                ResultSight::Unknown(_) if given_up_waiting(observed) => return unfetched(outcome),
                ResultSight::Unknown(retry) => wait_for_answer(observed, settings, retry),
                _ => wait_for_broker(observed, settings, "the output cannot be fetched"),
            };
            return AttemptEnd::Open(plan);
        }
        Sight::Absent => {
            let outcome = match record {
                Some(record) => output_lost(outcome, record),
                None => unsent(observed, outcome),
            };
            return known(outcome, None);
        }
        Sight::Known(body) => body.clone(),
    };
    match CourierOutput::from_body(body) {
        Ok(output) => known(outcome, Some(output)),
        Err(error) => {
            let message = format!("the courier's output cannot be read: {error}");
            known(outcome.become_failure(TerminationCause::OutputUnreadable, message), None)
        }
    }
}

fn unsent(observed: &Observed, outcome: Outcome) -> Outcome {
    outcome::unsent(outcome, observed.status().abort.as_ref())
}

fn output_lost(outcome: Outcome, record: &CommitRecord) -> Outcome {
    let message = format!(
        "the program exited with code 0 and its courier sent {} bytes (sha256 {}), but the broker does not have them any more: its output queue was deleted, purged or expired",
        record.bytes, record.sha256
    );
    outcome.become_failure(TerminationCause::OutputLost, message)
}

/// Plans the end of a job that ends so: what is missing of result, status and release.
#[must_use]
pub(crate) fn conclude(
    observed: &Observed,
    settings: &Settings,
    outcome: Outcome,
    output: Option<CourierOutput>,
) -> Plan {
    let (outcome, output) = match observed.recorded_as_unconfirmed(&outcome) {
        Some(recorded) => (recorded, None),
        None => (outcome, output),
    };
    let (outcome, output) = match observed.left_out_output() {
        Some(why) => (outcome.become_failure(TerminationCause::OutputTooLarge, why), None),
        None => (outcome, output),
    };
    let unchecked = observed.is_to_take_queue() && observed.queues == Preparation::Unknown;
    if unchecked && observed.broker == BrokerSight::Ready {
        return Plan::steps(vec![queues::take_queue(observed, settings)]);
    }
    let delivery = match &observed.result {
        // Whatever is in that queue is not this job's result.
        _ if observed.is_queue_occupied() => match observed.broker.obstacle() {
            Some(_) if broker_deadline_passed(observed) => ResultDelivery::GivenUp,
            Some(why) => return wait_for_broker(observed, settings, why),
            None => ResultDelivery::Withheld,
        },
        ResultSight::Sent { at, routed } => ResultDelivery::Sent { at: *at, routed: *routed },
        ResultSight::Refused(refused) if refused.kept || !refused.had_output => {
            ResultDelivery::Refused(refused.clone())
        }
        ResultSight::Refused(refused) if output.is_some() => return leave_output_out(observed, settings, refused),
        _ if broker_deadline_passed(observed) => ResultDelivery::GivenUp,
        ResultSight::Unknown(_) if given_up_waiting(observed) => ResultDelivery::GivenUp,
        ResultSight::Unknown(retry) => return wait_for_answer(observed, settings, *retry),
        ResultSight::Unsent | ResultSight::Refused(_) => return publish(observed, settings, &outcome, output),
    };
    let summary = output.as_ref().map(ResultSummary::of).unwrap_or_default();
    let status = observed.terminal_status(settings, &outcome, &delivery, summary);
    // No attempt follows, so nobody reads it any more. Where a pod is held the input goes with its release: what follows a
    // verdict is done when that is stored.
    let is_held = observed.own_pod().is_some_and(|pod| pod_state::is_held(pod));
    let input = observed.input_queue(settings).filter(|_| observed.broker == BrokerSight::Ready && !is_held);
    let stored = [Step::PatchStatus(Box::new(status))];
    let steps = input.map(Step::DeleteOwnQueue).into_iter().chain(stored);
    Plan::steps(steps.chain(failed(observed, &outcome)).chain(warning(observed, &delivery)).collect())
}

/// No queue takes the result with its output: the client is told the failure instead. That is stored first, so that a
/// successor of this process tells the same.
fn leave_output_out(observed: &Observed, settings: &Settings, refused: &RefusedResult) -> Plan {
    let note = format!("the program succeeded, and no queue takes the result with its output: {}", refused.why);
    let status = observed.output_refused_status(settings, &note);
    Plan::steps(vec![Step::PatchStatus(Box::new(status)), Step::Warn { reason: Reason::OutputRefused, note }])
}

/// The broker is away for a while, and the job was deleted so long ago that it must not wait any longer.
pub(crate) fn broker_deadline_passed(observed: &Observed) -> bool {
    observed.broker != BrokerSight::Ready && observed.give_up_time().is_some_and(|time| observed.now >= time)
}

impl Observed {
    /// The end of an attempt that was stored as not confirmed, before its client was told: whatever `outcome` it has come to.
    fn recorded_as_unconfirmed(&self, outcome: &Outcome) -> Option<Outcome> {
        let known = condition::get(&self.status().conditions, ConditionType::PodTerminated)?;
        let stop = self.status().abort.as_ref().map(|abort| abort.cause);
        let deleted = self.deletion().is_some_and(|at| self.knew_of_deletion(known, at));
        let stopped = stop.or(deleted.then_some(AbortCause::Deleted));
        self.is_death_unconfirmed().then(|| Outcome {
            exit: outcome.exit.clone(),
            ..Outcome::without_exit(TerminationCause::NodeLost, known.message.clone(), stopped)
        })
    }

    /// Whether a result was sent, and the status says of no end that may have been told.
    pub(crate) fn has_unstored_result(&self) -> bool {
        matches!(self.result, ResultSight::Sent { .. }) && !self.is_death_unconfirmed()
    }

    /// Whether it was known that the job was deleted at `at` when `known` was stored. A deletion makes another generation, which
    /// tells the order also within one second.
    fn knew_of_deletion(&self, known: &Condition, at: Timestamp) -> bool {
        known.observed_generation == self.job.metadata.generation || at < known.last_transition_time.0
    }

    /// When a deleted job goes without a broker that stays away; `None` while nobody has deleted the job.
    pub(crate) fn give_up_time(&self) -> Option<Timestamp> {
        Some(self.cleanup_deadline()?.max(self.broker_since + SHORTEST_ABSENCE))
    }
}

pub(crate) fn publish(
    observed: &Observed,
    settings: &Settings,
    outcome: &Outcome,
    output: Option<CourierOutput>,
) -> Plan {
    if let Some(why) = observed.broker.obstacle() {
        return wait_for_broker(observed, settings, why);
    }
    if let Some(renewal) = lease_for_result(observed, settings) {
        return Plan::steps(vec![renewal]);
    }
    if outcome.cause == TerminationCause::NodeLost && !observed.is_death_unconfirmed() {
        // What its pod still says would be another end. So this one is stored before it is told.
        return Plan::steps(vec![Step::PatchStatus(Box::new(observed.unconfirmed_status(settings, outcome)))]);
    }
    let job_id = observed.job_id().to_string();
    let type_ = outcome.result_type(settings);
    let before = status_before_result(observed, outcome, type_).map(|status| client::tell(observed, status));
    let has_output = output.is_some();
    let body = result_body(&job_id, outcome, type_, output);
    let message = FinalMessage {
        has_output,
        queue: topology::result_queue(&job_id),
        message_id: observed.result_message_id(),
        body,
        kept: observed.kept_queue(),
    };
    Plan::steps(
        before.into_iter().chain(client::unsent_progress(observed)).chain([Step::PublishResult(message)]).collect(),
    )
}

/// The renewal of the queues' lease, where it is not fresh. Publishing does not renew it.
fn lease_for_result(observed: &Observed, settings: &Settings) -> Option<Step> {
    let oldest = queues::oldest_lease(observed);
    let fresh = match &observed.queues {
        Preparation::Ready(last) => observed.now < *last + oldest,
        Preparation::Unknown => false,
        Preparation::Refused(_) | Preparation::Occupied { .. } => true,
    };
    (!fresh).then(|| queues::renew_queues(observed, settings))
}

/// A client hears RUNNING also of a job that was too short to be seen running, and CANCELLED before the result says that
/// the job was stopped.
fn status_before_result(observed: &Observed, outcome: &Outcome, type_: JobResultType) -> Option<JobStatus> {
    match type_ {
        JobResultType::Cancelled | JobResultType::Timeout => Some(JobStatus::Cancelled),
        _ if outcome.exit.is_some() && observed.client_status() < Some(ClientStatus::Running) => {
            Some(JobStatus::Running)
        }
        _ => None,
    }
}

fn result_body(job_id: &str, outcome: &Outcome, type_: JobResultType, output: Option<CourierOutput>) -> Bytes {
    let words = outcome.exit.as_ref().map(|exit| exit.words.as_str()).unwrap_or_default();
    let logs = if outcome.phase() == Phase::Succeeded { words } else { &outcome.message };
    match output {
        Some(output) => JobResult::finished(job_id, outcome::wire_type(type_), output, logs).to_body(),
        None => JobResult::without_output(job_id, outcome::wire_type(type_), logs).to_body(),
    }
}

/// Whether a job that was deleted has waited for long enough for the answer to its result: its queue may never give one.
pub(crate) fn given_up_waiting(observed: &Observed) -> bool {
    let heard = observed.listening_since + LONGEST_SILENCE;
    observed.cleanup_deadline().is_some_and(|deadline| observed.now >= deadline.max(heard))
}

/// Whether a queue has the result is not known.
fn wait_for_answer(observed: &Observed, settings: &Settings, retry: Timestamp) -> Plan {
    let status = observed.result_waits_status(settings, Reason::ResultUnconfirmed, UNCONFIRMED);
    Plan::steps(status.map(|status| Step::PatchStatus(Box::new(status))).into_iter().collect()).by(retry)
}

fn wait_for_broker(observed: &Observed, settings: &Settings, why: &str) -> Plan {
    let message = format!("the program has ended; its result waits for the broker: {why}");
    let status = observed.result_waits_status(settings, observed.broker.reason(), message);
    let status = status.map(|status| Step::PatchStatus(Box::new(status)));
    let plan = Plan::steps(status.into_iter().collect()).by(observed.now + BROKER_RETRY);
    plan.by_any(observed.give_up_time())
}

/// The Event of a job that failed by itself. A stop had one when it was decided on.
fn failed(observed: &Observed, outcome: &Outcome) -> Option<Step> {
    if outcome.phase() != Phase::Failed || outcome.stopped.is_some() {
        return None;
    }
    let code = outcome.exit.as_ref().map(|exit| format!(", exit code {}", exit.code)).unwrap_or_default();
    let note = format!("attempt {}{code}: {}", observed.attempt(), outcome.message);
    Some(Step::Warn { reason: outcome.reason(), note })
}

fn warning(observed: &Observed, delivery: &ResultDelivery) -> Option<Step> {
    let queue = topology::result_queue(observed.job_id().as_str());
    match delivery {
        ResultDelivery::Sent { routed: true, .. } => None,
        ResultDelivery::Sent { routed: false, .. } => Some(Step::Warn {
            reason: Reason::ResultUnroutable,
            note: format!(
                "the result reached nobody: queue {queue} is gone (expired, or deleted by its client){}",
                keeping(observed)
            ),
        }),
        ResultDelivery::Refused(refused) => {
            Some(Step::Warn { reason: Reason::ResultRefused, note: observed.refusal(refused) })
        }
        ResultDelivery::Withheld => {
            Some(Step::Warn { reason: Reason::ResultQueueInUse, note: format!("{queue}: {WITHHELD}") })
        }
        ResultDelivery::GivenUp => Some(Step::Warn { reason: Reason::ResultGivenUp, note: observed.why_given_up() }),
    }
}

/// What becomes of a result that reached nobody.
fn keeping(observed: &Observed) -> String {
    let queues = &observed.job.spec.queues;
    if queues.deletion_policy == QueueDeletionPolicy::Delete {
        return ", and queues.deletionPolicy Delete keeps none".to_owned();
    }
    format!(
        ". The operator keeps it for {} s, while the resource is there, and passes it on if the queue is there again",
        queues.expire_after_seconds
    )
}

//! The conditions of an `OmotesJob` or an `OmotesWorkflow` and how they are set.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::reason::Reason;
use crate::text::on_one_line;

/// The types of conditions that an `OmotesJob` carries; an `OmotesWorkflow` has `Accepted`, `Ready`,
/// `WarmPoolReady`, `SlotsConsistent` and `Stalled`. `Stalled` and `Reconciling` mean what kstatus says: they are
/// present only while they are true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionType {
    /// The job is one that this operator runs.
    Accepted,
    /// A job of the workflow that is made now can start, once there is a seat.
    Ready,
    /// The workflow has as many warm pods as it wants. Present only where it wants any.
    WarmPoolReady,
    /// The workflows of a pool of slots agree on its max. Present only where the workflow shares slots.
    SlotsConsistent,
    /// The job's queues are there.
    QueuesReady,
    /// `spec.suspend` keeps the job from running.
    Suspended,
    /// The job's program runs.
    Running,
    /// The job's program has not told any progress for longer than `spec.heartbeat` allows. Present only while that is so.
    ProgressStalled,
    /// Messages of the job's courier arrive. Set only once they did not.
    CourierConnected,
    /// The job's program succeeded and its output is complete.
    Complete,
    /// The job ended without success.
    Failed,
    /// Every container of the job's last pod is known to have ended.
    PodTerminated,
    /// The waiting client has been told how the job ended.
    ResultPublished,
    /// What the job had beside the resource itself – queues, and by `ttlPolicy` its pods – is gone.
    CleanedUp,
    /// kstatus: the job is on its way to running, and not there yet.
    Reconciling,
    /// kstatus: nothing happens until somebody changes something; the message says what.
    Stalled,
}

impl ConditionType {
    /// The name in `status.conditions[].type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Ready => "Ready",
            Self::WarmPoolReady => "WarmPoolReady",
            Self::SlotsConsistent => "SlotsConsistent",
            Self::QueuesReady => "QueuesReady",
            Self::Suspended => "Suspended",
            Self::Running => "Running",
            Self::ProgressStalled => "ProgressStalled",
            Self::CourierConnected => "CourierConnected",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::PodTerminated => "PodTerminated",
            Self::ResultPublished => "ResultPublished",
            Self::CleanedUp => "CleanedUp",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }
}

/// What a condition says, before it is merged into the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionUpdate {
    /// Whether the condition holds.
    pub holds: bool,
    /// Why.
    pub reason: Reason,
    /// A sentence with the numbers in it, on one line.
    pub message: String,
}

impl ConditionUpdate {
    /// The condition holds.
    #[must_use]
    pub fn yes(reason: Reason, message: impl AsRef<str>) -> Self {
        Self { holds: true, reason, message: on_one_line(message.as_ref()) }
    }

    /// The condition does not hold.
    #[must_use]
    pub fn no(reason: Reason, message: impl AsRef<str>) -> Self {
        Self { holds: false, reason, message: on_one_line(message.as_ref()) }
    }
}

/// The clock and generation that every condition of one status write shares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// When the status is computed.
    pub now: Timestamp,
    /// The generation of the spec it was computed from.
    pub generation: Option<i64>,
}

/// Sets `type_` in `conditions` to `verdict`; the transition time changes only with the status.
pub(crate) fn set(conditions: &mut Vec<Condition>, type_: ConditionType, verdict: ConditionUpdate, stamp: Stamp) {
    let status = if verdict.holds { "True" } else { "False" };
    let before = conditions.iter().position(|condition| condition.type_ == type_.as_str());
    let since =
        before.map(|at| &conditions[at]).filter(|old| old.status == status).map(|old| old.last_transition_time.clone());
    let fresh = Condition {
        type_: type_.as_str().to_owned(),
        status: status.to_owned(),
        reason: verdict.reason.as_str().to_owned(),
        message: verdict.message,
        observed_generation: stamp.generation,
        last_transition_time: since.unwrap_or(Time(stamp.now)),
    };
    match before {
        Some(at) => conditions[at] = fresh,
        None => conditions.push(fresh),
    }
}

/// The condition of `type_` in `conditions`, if it is there.
#[must_use]
pub fn get(conditions: &[Condition], type_: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == type_.as_str())
}

/// Takes those `types` out of `conditions`.
pub fn clear<const N: usize>(conditions: &mut Vec<Condition>, types: [ConditionType; N]) {
    conditions.retain(|condition| !types.iter().any(|type_| condition.type_ == type_.as_str()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(second: i64) -> Stamp {
        Stamp { now: Timestamp::from_second(second).unwrap(), generation: Some(1) }
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        set(&mut conditions, ConditionType::Running, ConditionUpdate::no(Reason::NotReady, "waits"), stamp(1));
        set(&mut conditions, ConditionType::Running, ConditionUpdate::no(Reason::NotStarted, "pulls"), stamp(2));
        assert_eq!(conditions[0].last_transition_time.0.as_second(), 1);
        set(&mut conditions, ConditionType::Running, ConditionUpdate::yes(Reason::Started, "runs"), stamp(3));
        assert_eq!((conditions.len(), conditions[0].last_transition_time.0.as_second()), (1, 3));
        clear(&mut conditions, [ConditionType::Running]);
        assert!(conditions.is_empty());
    }
}

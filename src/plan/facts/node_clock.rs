//! The clock of a pod's node, as far as it is to be believed: a kubelet writes a pod's times by it, and deadlines and
//! verdicts are the operator's.
//!
//! Ring: core. A time of a pod lies between the pod's creation, which the apiserver dates, and the operator's look at it. One
//! that does not was told by a clock that is wrong, and then no time of that node decides anything.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{ContainerStateTerminated, Pod},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

/// Kubernetes' times are cut to whole seconds, and synchronized clocks differ by less.
pub(crate) const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);
/// A clock that is wrong by more than this is worth a warning.
pub(crate) const WORTH_A_WARNING: SignedDuration = SignedDuration::from_secs(5);

/// What the times of one pod may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeClock {
    earliest: Timestamp,
    latest: Timestamp,
    skew: SignedDuration,
}

impl NodeClock {
    /// The clock of the node that `pod`, whose main container is called `main`, is on; seen at `now`.
    #[must_use]
    pub(crate) fn of(pod: &Pod, main: &str, now: Timestamp) -> Self {
        let earliest = scheduled(pod).into_iter().chain(pod.creation_timestamp().map(|time| time.0)).max();
        let unmeasured = Self { earliest: earliest.unwrap_or(Timestamp::MIN), latest: now, skew: SignedDuration::ZERO };
        let skew = times(pod, main).map(|time| unmeasured.distance(time)).max_by_key(|skew| skew.unsigned_abs());
        Self { skew: skew.unwrap_or_default(), ..unmeasured }
    }

    /// By how much at least the clock is ahead, or behind where that is negative; zero where that cannot be seen.
    #[must_use]
    pub(crate) fn skew(&self) -> SignedDuration {
        self.skew
    }

    /// When main ended, where that can be known.
    #[must_use]
    pub(crate) fn end(&self, state: &ContainerStateTerminated) -> Option<Timestamp> {
        let (started, finished) = (known(state.started_at.as_ref()), known(state.finished_at.as_ref())?);
        let ordered = started.is_none_or(|started| started <= finished + TOLERANCE);
        (ordered && self.skew.unsigned_abs() <= TOLERANCE.unsigned_abs()).then_some(finished)
    }

    /// `time`, or the nearest that is possible.
    #[must_use]
    pub(crate) fn clamp(&self, time: Timestamp) -> Timestamp {
        if self.distance(time).unsigned_abs() <= TOLERANCE.unsigned_abs() {
            return time;
        }
        time.min(self.latest).max(self.earliest)
    }

    /// How far `time` is from what is possible.
    fn distance(&self, time: Timestamp) -> SignedDuration {
        if time < self.earliest {
            time.duration_since(self.earliest)
        } else {
            time.duration_since(self.latest).max(SignedDuration::ZERO)
        }
    }
}

/// When the pod was given to its node.
fn scheduled(pod: &Pod) -> Option<Timestamp> {
    let mut conditions = pod.status.as_ref()?.conditions.iter().flatten();
    let bound = conditions.find(|known| known.type_ == "PodScheduled" && known.status == "True")?;
    known(bound.last_transition_time.as_ref())
}

/// The times that the kubelet wrote.
fn times(pod: &Pod, name: &str) -> impl Iterator<Item = Timestamp> + use<> {
    let status = pod.status.clone().unwrap_or_default();
    let main = status.container_statuses.into_iter().flatten().find(|container| container.name == name);
    let state = main.and_then(|main| main.state).unwrap_or_default();
    let ended = state.terminated.map_or([None, None], |state| [state.started_at, state.finished_at]);
    let running = state.running.and_then(|running| running.started_at);
    [status.start_time, running].into_iter().chain(ended).filter_map(|time| known(time.as_ref()))
}

/// A runtime that knows no time says 1970.
fn known(time: Option<&Time>) -> Option<Timestamp> {
    time.map(|time| time.0).filter(|time| *time > Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CREATED: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(CREATED + second).unwrap()
    }

    /// A pod that was created at 0 and scheduled at 10, with these times of its kubelet: when it took it, when main started
    /// and when it ended.
    fn pod([taken, started, finished]: [i64; 3]) -> (Pod, ContainerStateTerminated) {
        let ended = json!({"exitCode": 0, "startedAt": at(started), "finishedAt": at(finished)});
        let main = json!({"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": ended}});
        let scheduled = json!({"type": "PodScheduled", "status": "True", "lastTransitionTime": at(10)});
        let status = json!({"startTime": at(taken), "conditions": [scheduled], "containerStatuses": [main]});
        let pod = json!({"metadata": {"creationTimestamp": at(0)}, "spec": {"containers": [{"name": "main"}]}, "status": status});
        (serde_json::from_value(pod).unwrap(), serde_json::from_value(ended).unwrap())
    }

    #[test]
    fn a_node_is_believed_as_long_as_its_times_are_possible() {
        for (times, end, skew) in [
            ([10, 12, 90], Some(90), 0),
            ([9, 12, 101], Some(101), 1),
            // Behind: also where the end by itself could be true.
            ([-50, -40, 30], None, -60),
            ([-50, 20, 90], None, -60),
            ([10, 20, 5], None, -5),
            // Ahead.
            ([70, 72, 150], None, 50),
            ([10, 12, 160], None, 60),
            // The clock was set while main ran.
            ([10, 80, 30], None, 0),
        ] {
            let (pod, state) = pod(times);
            let clock = NodeClock::of(&pod, "main", at(100));
            assert_eq!((clock.end(&state), clock.skew().as_secs()), (end.map(at), skew), "{times:?}");
        }
    }

    #[test]
    fn a_deadline_counts_from_a_time_that_is_possible() {
        let (pod, _) = pod([10, 12, 90]);
        let clock = NodeClock::of(&pod, "main", at(100));
        for (time, expected) in [(-60, 10), (9, 9), (50, 50), (101, 101), (3700, 100)] {
            assert_eq!(clock.clamp(at(time)), at(expected), "{time}");
        }
    }
}

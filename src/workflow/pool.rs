//! The warm pool of a workflow: how many pods wait for a job, and which of them have to go.
//!
//! Ring: core. Pods are made while fewer wait than are wanted, and removed when they have ended, when they are more, or when
//! a job of now would get another pod. One that is promised to a job is left alone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::json;

use crate::{
    api::{OmotesJob, OmotesWorkflow, Reason, condition::ConditionUpdate, names},
    pods::{
        Attempt, Settings,
        warm::{Form, Readiness, lived, readiness, ready_since, waits_for_input},
    },
};

use super::{Revision, step::WorkflowStep};

/// A pod whose program ended sooner than that has failed; one that lived for longer has only waited in vain.
const SHORT_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// How long after the first failure the next pod is made; twice as long after each that follows.
const FIRST_DELAY_SECONDS: i64 = 5;
const MOST_DELAY_SECONDS: i64 = 300;

/// What is known of the pool.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// The pods without a job.
    pub pods: Vec<WarmPod>,
    /// What a pod must be like; `None` while that is not known: the courier's Secret cannot be put into the namespace.
    pub form: Option<Form>,
    /// What went wrong lately.
    pub trouble: Trouble,
}

/// A pod without a job.
#[derive(Debug, Clone)]
pub struct WarmPod {
    /// The pod.
    pub pod: Arc<Pod>,
    /// The name of its main container.
    pub main: String,
    /// A job is about to get it.
    pub is_promised: bool,
    /// What keeps it from being ready, or how it ended, for people.
    pub obstacle: Option<String>,
}

impl WarmPod {
    fn readiness(&self) -> Readiness {
        readiness(&self.pod, &self.main)
    }
}

/// What went wrong lately with the pods of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// How often in a row.
    pub failures: u32,
    /// The last time.
    pub since: Option<Timestamp>,
    /// No pod is made before that time.
    pub until: Option<Timestamp>,
    /// The reason of the condition; `None` while nothing went wrong.
    pub reason: Option<Reason>,
    /// What happened, for people.
    pub message: String,
}

impl Trouble {
    /// Notes another failure; `chance`, from 0 to 1, spreads what follows it. Those of pods that were made together are one.
    pub fn grow(&mut self, now: Timestamp, reason: Reason, message: String, chance: f64) {
        if self.until.is_some_and(|until| now < until) {
            return;
        }
        let doublings = self.failures.min(10);
        let most = (FIRST_DELAY_SECONDS << doublings).min(MOST_DELAY_SECONDS);
        let wait = SignedDuration::from_secs(most).mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0);
        let failures = self.failures.saturating_add(1);
        *self = Self { failures, since: Some(now), until: now.checked_add(wait).ok(), reason: Some(reason), message };
    }

    /// Forgets a failure that would have repeated by now.
    pub(crate) fn forgive(&mut self, reason: Reason) {
        if self.reason == Some(reason) {
            *self = Self::default();
        }
    }
}

/// What a pod of `workflow` must be like to be given to a job that is accepted now.
#[must_use]
pub fn form(workflow: &OmotesWorkflow, settings: &Settings) -> Option<Form> {
    let revision = Revision::of(workflow);
    let anybody: OmotesJob = serde_json::from_value(json!({
        "metadata": {"name": workflow.name_any(), "namespace": workflow.namespace()},
        "spec": {"workflowRef": {"name": workflow.name_any()}, "input": {"esdl": {"fromBroker": {}}}},
    }))
    .ok()?;
    let job = revision.complete(anybody);
    let attempt = Attempt { job: &job, number: 1, workflow: Some(&workflow.spec.type_name), slot_pool: None };
    Some(Form::of(attempt, settings))
}

/// How many pods `workflow` wants to wait. A program that does not wait for its input would run without a job.
#[must_use]
pub fn wanted(workflow: &OmotesWorkflow) -> usize {
    let spec = &workflow.spec;
    let able = waits_for_input(&spec.template) && spec.job_defaults.courier.as_ref().is_none_or(|known| known.enabled);
    let limits = [spec.max_concurrent_jobs, spec.slots.as_ref().map(|slots| slots.max)];
    let size = limits.into_iter().flatten().fold(spec.warm_pool.map_or(0, |pool| pool.size), i32::min);
    if able && !spec.suspend { usize::try_from(size).unwrap_or(0) } else { 0 }
}

/// What to do for the pool, and when to look again, while `wanted` pods are wanted.
pub(super) fn plan(
    pool: &Pool,
    workflow: &OmotesWorkflow,
    wanted: usize,
    now: Timestamp,
) -> (Vec<WorkflowStep>, Option<Timestamp>) {
    let Pool { pods, form, trouble } = pool;
    let (over, living): (Vec<_>, Vec<_>) = pods.iter().partition(|known| known.readiness() == Readiness::Over);
    let ended = over.into_iter().filter(|known| known.pod.metadata.deletion_timestamp.is_none());
    let mut steps: Vec<WorkflowStep> = ended.map(|known| delete(known, failure(known))).collect();
    let Some(form) = form.as_ref().filter(|_| wanted > 0) else {
        steps.extend(
            living.into_iter().filter(|known| wanted == 0 && !known.is_promised).map(|known| delete(known, None)),
        );
        return (steps, None);
    };
    let waiting = living.into_iter().filter(|known| !known.is_promised);
    let (mut fit, unfit): (Vec<_>, Vec<_>) = waiting.partition(|known| form.fits(&known.pod));
    steps.extend(unfit.into_iter().map(|known| delete(known, None)));
    // The ready ones stay, and of those the oldest.
    fit.sort_by_key(|known| (known.readiness() != Readiness::Ready, known.pod.creation_timestamp()));
    steps.extend(fit.iter().skip(wanted).map(|known| delete(known, None)));
    let missing = wanted.saturating_sub(fit.len());
    let blocked = trouble.until.filter(|until| now < *until && missing > 0);
    if blocked.is_none() && steps.is_empty() {
        steps.extend((0..missing).map(|_| WorkflowStep::CreateWarmPod(Box::new(form.to_pod(workflow)))));
    }
    (steps, blocked)
}

/// What the failure of a pod was that ended; `None` where it only waited in vain.
fn failure(known: &WarmPod) -> Option<String> {
    let short = lived(&known.pod, &known.main).is_none_or(|lived| lived < SHORT_LIFE);
    short.then(|| known.obstacle.clone().unwrap_or_else(|| "it ended without a word".to_owned()))
}

fn delete(known: &WarmPod, failure: Option<String>) -> WorkflowStep {
    let pod = &known.pod;
    WorkflowStep::DeleteWarmPod {
        name: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        resource_version: pod.resource_version().unwrap_or_default(),
        failure,
    }
}

/// Whether one of `pods` that became ready after `trouble` has been so for as long as shows that they can be.
#[must_use]
pub(crate) fn has_recovered(pods: &[WarmPod], trouble: &Trouble, now: Timestamp) -> bool {
    let since = pods.iter().filter_map(|known| ready_since(&known.pod));
    let mut later = since.filter(|since| trouble.since.is_none_or(|failed| *since > failed));
    later.any(|since| now.duration_since(since) >= SHORT_LIFE)
}

/// How many pods are ready for a job.
#[must_use]
pub fn ready(pool: &Pool) -> i32 {
    let ready = pool.pods.iter().filter(|known| !known.is_promised && known.readiness() == Readiness::Ready);
    i32::try_from(ready.count()).unwrap_or(i32::MAX)
}

/// Whether as many pods wait as `workflow` wants; `None` where it wants none at all.
pub(super) fn verdict(pool: &Pool, workflow: &OmotesWorkflow, wanted: usize) -> Option<ConditionUpdate> {
    workflow.spec.warm_pool?;
    let ready = usize::try_from(ready(pool)).unwrap_or(0);
    let obstacle = pool.pods.iter().find_map(|known| {
        let starting = known.readiness() == Readiness::Starting;
        known.obstacle.as_ref().filter(|_| starting).map(|words| format!("{}: {words}", known.pod.name_any()))
    });
    let count = format!("{ready} of {wanted} pods wait for a job");
    Some(match (wanted, &pool.trouble, obstacle) {
        (0, ..) => ConditionUpdate::no(Reason::NotWanted, "no pods wait for a job while the workflow takes none"),
        (wanted, ..) if ready >= wanted => ConditionUpdate::yes(Reason::Ready, count),
        (_, Trouble { reason: Some(reason), message, .. }, _) => {
            ConditionUpdate::no(*reason, format!("{count}; {message}"))
        }
        (.., Some(obstacle)) => ConditionUpdate::no(Reason::Starting, format!("{count}; {obstacle}")),
        _ => ConditionUpdate::no(Reason::Starting, format!("{count}; the others start")),
    })
}

/// Whether `pod` waits in the pool of the workflow called `workflow`.
#[must_use]
pub fn is_in(pod: &Pod, workflow: &str) -> bool {
    pod.labels().get(names::LABEL_WARM_POOL).is_some_and(|known| known == workflow)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        api::status::JobResultType,
        limits::Defaults,
        wire::{CapabilityKey, Keys},
    };
    use k8s_openapi::{api::core::v1::ResourceRequirements, apimachinery::pkg::apis::meta::v1::Time};
    use serde_json::Value;

    fn settings() -> Settings {
        Settings {
            courier_image: "courier".to_owned(),
            courier_pull_policy: None,
            courier_resources: ResourceRequirements::default(),
            keys: Keys { current: CapabilityKey::new(&[7; 32]).unwrap(), previous: None },
            defaults: Defaults::default(),
            gateway_namespace: None,
            priority_classes: BTreeMap::new(),
            deadline_result: JobResultType::Cancelled,
        }
    }

    fn workflow(patch: &Value) -> OmotesWorkflow {
        let annotations = json!({names::ANNOTATION_WARM: names::WAIT_FOR_INPUT});
        let container = json!({"name": "main", "image": "i"});
        let mut spec = json!({
            "typeName": "heat",
            "template": {"metadata": {"annotations": annotations}, "spec": {"containers": [container]}},
            "warmPool": {"size": 3},
        });
        spec.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        let metadata = json!({"name": "heat", "namespace": "ns", "uid": "w", "generation": 1});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    struct ObservedPool {
        now: Timestamp,
        workflow: OmotesWorkflow,
        pool: Pool,
    }

    /// A little world: steps have their effects at once.
    struct PoolWorld {
        observed: ObservedPool,
        made: usize,
    }

    impl PoolWorld {
        fn new(patch: &Value) -> Self {
            let workflow = workflow(patch);
            let form = form(&workflow, &settings());
            let observed = ObservedPool { now: time(0), workflow, pool: Pool { form, ..Pool::default() } };
            Self { observed, made: 0 }
        }

        fn settle(&mut self) -> Option<Timestamp> {
            for _ in 0..5 {
                let ObservedPool { now, workflow, pool } = &self.observed;
                let (steps, wake) = plan(pool, workflow, wanted(workflow), *now);
                if steps.is_empty() {
                    return wake;
                }
                for step in steps {
                    self.execute(step);
                }
            }
            panic!("the plan does not come to rest");
        }

        fn execute(&mut self, step: WorkflowStep) {
            let pool = &mut self.observed.pool;
            match step {
                WorkflowStep::CreateWarmPod(mut pod) => {
                    self.made += 1;
                    pod.metadata.name = Some(format!("pod-{}", self.made));
                    pod.metadata.creation_timestamp = Some(Time(self.observed.now));
                    pool.pods.push(WarmPod {
                        pod: Arc::new(*pod),
                        main: "main".to_owned(),
                        is_promised: false,
                        obstacle: None,
                    });
                }
                WorkflowStep::DeleteWarmPod { name, failure, .. } => {
                    pool.pods.retain(|known| known.pod.name_any() != name);
                    if let Some(failure) = failure {
                        pool.trouble.grow(self.observed.now, Reason::PodsFail, failure, 0.0);
                    }
                }
                other => panic!("{other:?}"),
            }
        }

        fn set(&mut self, name: &str, status: &Value) {
            let known = self.observed.pool.pods.iter_mut().find(|known| known.pod.name_any() == name).unwrap();
            let mut pod = (*known.pod).clone();
            pod.status = Some(serde_json::from_value(status.clone()).unwrap());
            known.pod = Arc::new(pod);
        }

        fn make_ready(&mut self, name: &str) {
            let since = self.observed.now.to_string();
            let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": since}]);
            self.set(name, &json!({"phase": "Running", "conditions": ready}));
        }

        /// Its program ends, and another container goes on.
        fn end(&mut self, name: &str, lived: i64) {
            let now = self.observed.now;
            let started = (now - SignedDuration::from_secs(lived)).to_string();
            let ended = json!({"exitCode": 3, "startedAt": started, "finishedAt": now.to_string()});
            let main = json!({"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": {"terminated": ended}});
            self.set(name, &json!({"phase": "Running", "containerStatuses": [main]}));
        }

        fn recovers(&self) -> bool {
            has_recovered(&self.observed.pool.pods, &self.observed.pool.trouble, self.observed.now)
        }

        fn names(&self) -> Vec<String> {
            self.observed.pool.pods.iter().map(|known| known.pod.name_any()).collect()
        }

        fn said(&self) -> String {
            let workflow = &self.observed.workflow;
            let said = verdict(&self.observed.pool, workflow, wanted(workflow)).unwrap();
            format!("{} {}: {}", if said.holds { "True" } else { "False" }, said.reason, said.message)
        }
    }

    #[test]
    fn as_many_pods_wait_as_are_wanted() {
        for (patch, expected) in [
            (json!({}), 3),
            (json!({"maxConcurrentJobs": 2}), 2),
            (json!({"suspend": true}), 0),
            (json!({"warmPool": null}), 0),
            (json!({"jobDefaults": {"courier": {"enabled": false}}}), 0),
            (json!({"template": {"spec": {"containers": [{"name": "main", "image": "i"}]}}}), 0),
        ] {
            let mut world = PoolWorld::new(&patch);
            assert_eq!((world.settle(), world.names().len()), (None, expected), "{patch}");
        }
    }

    #[test]
    fn one_that_got_a_job_is_replaced_and_one_that_is_promised_is_not_counted() {
        let mut world = PoolWorld::new(&json!({}));
        world.settle();
        world.make_ready("pod-1");
        assert_eq!(world.said(), "False Starting: 1 of 3 pods wait for a job; the others start");
        world.observed.pool.pods[1].is_promised = true;
        world.settle();
        assert_eq!(world.names(), ["pod-1", "pod-2", "pod-3", "pod-4"]);
        world.observed.workflow = workflow(&json!({"warmPool": {"size": 1}}));
        world.settle();
        assert_eq!(world.names(), ["pod-1", "pod-2"], "the ready one stays, and a promise is kept");
    }

    #[test]
    fn pods_of_another_form_are_replaced() {
        let mut world = PoolWorld::new(&json!({}));
        world.settle();
        for code in [9, 8] {
            let before = world.names();
            let workflow = workflow(&json!({"jobDefaults": {"exitCodes": {"softAborted": code}}}));
            world.observed.pool.form = form(&workflow, &settings());
            world.settle();
            assert!(world.names().len() == 3 && world.names().iter().all(|name| !before.contains(name)));
        }
        let same = form(&workflow(&json!({"description": "x", "maxConcurrentJobs": 9})), &settings());
        assert_eq!(same, form(&workflow(&json!({})), &settings()), "what no pod shows changes no pod");
    }

    #[test]
    fn pods_that_fail_are_made_again_ever_more_slowly() {
        let mut world = PoolWorld::new(&json!({}));
        world.settle();
        world.make_ready("pod-1");
        world.observed.now += SignedDuration::from_secs(3600);
        for (made, wait) in [(2, 5), (4, 10), (6, 20)] {
            // Both fail at once, which is one failure, and the old pod that is ready says nothing of them.
            world.set(&format!("pod-{made}"), &json!({"phase": "Failed"}));
            world.end(&format!("pod-{}", made + 1), 59);
            let due = world.observed.now + SignedDuration::from_secs(wait);
            assert_eq!((world.settle(), world.names().len()), (Some(due), 1));
            assert_eq!(world.said(), "False PodsFail: 1 of 3 pods wait for a job; it ended without a word");
            assert!(!world.recovers());
            world.observed.now = due;
            world.settle();
        }
        world.observed.now += SignedDuration::from_secs(1);
        world.make_ready("pod-8");
        world.make_ready("pod-9");
        assert_eq!(world.said(), "True Ready: 3 of 3 pods wait for a job");
        assert!(!world.recovers());
        world.observed.now += SignedDuration::from_secs(60);
        assert!(world.recovers());
        world.end("pod-9", 60);
        world.observed.pool.trouble = Trouble::default();
        assert_eq!((world.settle(), world.names().len()), (None, 3), "it had only waited in vain");
    }

    #[test]
    fn a_secret_that_cannot_be_put_makes_and_removes_nothing() {
        let mut world = PoolWorld::new(&json!({}));
        world.settle();
        world.observed.pool.form = None;
        world.observed.pool.pods.pop();
        world.settle();
        assert_eq!(world.names().len(), 2);
    }
}

//! The properties that the core holds, over a model world: a cluster and a broker in a few maps.
//!
//! The world is driven by random histories in which the operator dies after any step and forgets everything, the broker
//! goes away, the kubelet starts and ends pods or is cut off, limits pass, and a user aborts or deletes the job. However
//! it went, once things are quiet the end is the same: one result, one terminal status, nothing left.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{Pod, ResourceRequirements},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;
use omotes_operator::{
    api::{
        OmotesJob, OmotesJobStatus, names,
        status::{AbortCause, AbortStage, AttemptStatus, Phase, ResultType, TerminationCause},
        stop::{Abort, AbortMode},
    },
    limits::{Defaults, whole_second},
    plan::{
        self, Observed, Plan, Settings, Step,
        inquiry::{Inquiry, inquiry},
        observed::{BrokerSight, Claim, Preparation, ProgressReport, ResultSight, Sight, attempt_of},
    },
    wire::{CapabilityKey, CommitRecord, CourierOutput, Digest, JobStatus, TerminationRecord},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::bed::merged;

/// The template's grace, and that of a pod with a courier, in seconds.
const GRACE: i64 = 5;
const FLUSH: i64 = 120;
const UID: &str = "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11";

/// What a process remembers; lost when it dies.
#[derive(Default)]
struct Memory {
    queues: Option<Timestamp>,
    witnessed: bool,
    sent: Option<(Timestamp, bool)>,
    progress: Option<ProgressReport>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the history")]
struct World {
    now: Timestamp,
    job: Option<OmotesJob>,
    pod: Option<Pod>,
    broker_up: bool,
    /// The kubelet is cut off: it starts and ends nothing.
    node_lost: bool,
    listening_since: Timestamp,
    queues: BTreeSet<String>,
    output: Option<Bytes>,
    secret: bool,
    results: Vec<(String, Bytes)>,
    statuses: Vec<JobStatus>,
    pods_made: usize,
    /// The operator took the job on.
    taken_on: bool,
    /// The job had to go while the broker was away.
    given_up: bool,
    /// Its queues go by their own time to live, because the broker was away for too long.
    left_to_ttl: bool,
    writes: Vec<&'static str>,
    memory: Memory,
    settings: Settings,
}

/// How the model's program ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Success,
    Failure,
    Killed,
    OutOfMemory,
    OutputLost,
    /// The courier says that it sent an output that the broker does not have.
    OutputVanished,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Wait(i64),
    Start,
    Finish(End),
    Delete,
    /// Immediately or gracefully, after so many seconds.
    Abort(bool, i64),
    Disrupt,
    NodeLost,
    NodeBack,
    Suspend(bool),
    BrokerDown,
    BrokerUp,
    Progress(u8),
    Crash,
    /// The operator carries out at most so many steps, then dies.
    ReconcileThenCrash(usize),
    Reconcile,
}

fn settings() -> Settings {
    Settings {
        courier_image: "courier".to_owned(),
        courier_pull_policy: None,
        courier_resources: ResourceRequirements::default(),
        capability_key: CapabilityKey::new(&[7; 32]).unwrap(),
        defaults: Defaults::default(),
        deadline_result: ResultType::Cancelled,
    }
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

impl World {
    fn new(patch: &Value) -> Self {
        let job: Value = json!({
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesJob",
            "metadata": {"name": "job", "namespace": "ns", "uid": UID, "generation": 1, "resourceVersion": "1", "creationTimestamp": time(0).to_string()},
            "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}], "terminationGracePeriodSeconds": GRACE}}},
        });
        let job = serde_json::from_value(merged(job, &json!({"spec": patch})));
        Self {
            now: time(1) + SignedDuration::from_millis(350),
            job: Some(job.unwrap()),
            pod: None,
            broker_up: true,
            node_lost: false,
            listening_since: time(1),
            queues: BTreeSet::new(),
            output: None,
            secret: false,
            results: Vec::new(),
            statuses: Vec::new(),
            pods_made: 0,
            taken_on: false,
            given_up: false,
            left_to_ttl: false,
            writes: Vec::new(),
            memory: Memory::default(),
            settings: settings(),
        }
    }

    fn observe(&mut self) -> Option<Observed> {
        let job = Arc::new(self.job.clone()?);
        let mut observed = Observed {
            now: self.now,
            job,
            claim: Claim::Ours,
            pod: self.sight(0),
            former: self.sight(1),
            broker: if self.broker_up { BrokerSight::Ready } else { BrokerSight::Unreachable("down".to_owned()) },
            courier_secret: if self.secret { Preparation::Ready(self.now) } else { Preparation::Unknown },
            queues: self.memory.queues.map_or(Preparation::Unknown, Preparation::Ready),
            pod_refusal: None,
            output: Sight::Unreachable,
            result: ResultSight::Unsent,
            progress: self.memory.progress.clone(),
            listening_since: self.listening_since,
            trouble: None,
        };
        match inquiry(&observed, &self.settings) {
            Inquiry::Alive | Inquiry::Unstarted => self.memory.witnessed = true,
            Inquiry::Settled => {}
            Inquiry::Ending { output, .. } => {
                observed.result = self.result_sight();
                if output.is_some() && self.broker_up {
                    observed.output = self.output.clone().map_or(Sight::Absent, Sight::Known);
                }
            }
        }
        Some(observed)
    }

    /// The pod of the attempt that many before the current one.
    fn sight(&self, before: i32) -> Sight<Arc<Pod>> {
        let current = attempt_of(self.job.as_ref().unwrap());
        let name = names::pod_name("job", current - before);
        let pod = self.pod.clone().filter(|pod| pod.name_any() == name);
        pod.map_or(Sight::Absent, |pod| Sight::Known(Arc::new(pod)))
    }

    fn result_sight(&self) -> ResultSight {
        match self.memory.sent {
            Some((at, routed)) => ResultSight::Sent { at, routed },
            None if self.memory.witnessed || !self.broker_up || self.results.is_empty() => ResultSight::Unsent,
            None => ResultSight::Sent { at: self.now, routed: true },
        }
    }

    /// One pass that dies after `limit` steps. Tells when the plan came to rest.
    fn reconcile(&mut self, limit: usize) -> Option<Plan> {
        let mut done = 0;
        for _ in 0..12 {
            let observed = self.observe()?;
            let plan = plan::plan(&observed, &self.settings);
            assert!(plan.wake.is_none_or(|wake| wake > self.now), "wake is in the past: {plan:?}");
            if plan.steps.is_empty() {
                return Some(plan);
            }
            for step in plan.steps {
                if done == limit {
                    self.crash();
                    return None;
                }
                done += 1;
                self.execute(step);
            }
        }
        panic!("the plan does not come to rest");
    }

    fn crash(&mut self) {
        self.memory = Memory::default();
        self.listening_since = self.now;
    }

    fn execute(&mut self, step: Step) {
        self.check_guards(&step);
        match step {
            Step::AddFinalizer => {
                self.taken_on = true;
                self.change_job("finalizer on", |job| job.finalizers_mut().push(names::FINALIZER_CLEANUP.into()));
            }
            Step::EnsureCourierSecret => self.secret = true,
            Step::EnsureQueues { declare, renew: _ } => {
                self.queues.extend(declare.into_iter().map(|queue| queue.name));
                self.memory.queues = Some(self.now);
            }
            Step::PublishStatus { status, .. } => self.statuses.push(status),
            Step::PublishProgress { .. } => self.memory.progress.as_mut().unwrap().sent = true,
            Step::CreatePod(pod) => self.create_pod(*pod),
            Step::DeletePod { uid, resource_version, grace_seconds, .. } => {
                self.delete_pod(&uid, &resource_version, grace_seconds.map_or(FLUSH, i64::from));
            }
            Step::PublishResult(message) => {
                let routed = self.queues.contains(&message.queue);
                self.results.push((message.message_id, message.body));
                self.memory.sent = Some((self.now, routed));
            }
            Step::PatchStatus(status) => {
                let anew = status.attempt.unwrap_or(1) > attempt_of(self.job.as_ref().unwrap());
                if anew {
                    (self.memory.queues, self.memory.progress) = (None, None);
                }
                self.given_up |= status.result.as_ref().is_some_and(|result| result.published_time.is_none());
                self.change_job("status", |job| job.status = Some(read_back(&status)));
            }
            Step::Warn { .. } => {}
            Step::ReleasePod { uid, .. } => {
                self.left_to_ttl |= !self.broker_up;
                self.release_pod(&uid);
            }
            Step::DeleteOutputQueue(queue) => {
                self.queues.remove(&queue);
            }
            Step::DeleteClientQueues(queues) => self.queues.retain(|queue| !queues.contains(queue)),
            Step::RemoveFinalizer => {
                self.left_to_ttl |= !self.broker_up;
                self.change_job("finalizer off", |job| {
                    job.finalizers_mut().retain(|held| held != names::FINALIZER_CLEANUP);
                });
            }
            Step::DeleteJob { .. } => self.user_deletes(),
        }
        self.collect();
    }

    /// What must hold before each step, whatever happened.
    fn check_guards(&self, step: &Step) {
        let job = self.job.as_ref().unwrap();
        let held = job.finalizers().iter().any(|held| held == names::FINALIZER_CLEANUP);
        let terminal = job.status.as_ref().and_then(|status| status.phase).is_some_and(Phase::is_terminal);
        match step {
            Step::CreatePod(_) | Step::EnsureQueues { .. } | Step::PublishStatus { .. } | Step::PublishResult(_) => {
                assert!(!matches!(step, Step::CreatePod(_)) || !job.spec.suspend, "a pod of a suspended job");
                assert!(held, "something outside before the finalizer");
                assert!(!terminal, "something new after the end");
                assert!(self.broker_up || matches!(step, Step::CreatePod(_)), "the broker is away");
            }
            Step::PatchStatus(status) if terminal => {
                let stored = job.status.as_ref().unwrap();
                assert_eq!(
                    (stored.phase, &stored.termination),
                    (status.phase, &status.termination),
                    "terminal is terminal"
                );
            }
            Step::PatchStatus(status) => {
                let stored = job.status.clone().unwrap_or_default();
                let anew = stored.attempt.is_some_and(|attempt| Some(attempt) != status.attempt);
                let kept = anew || stored.deadline_time.is_none() || stored.deadline_time == status.deadline_time;
                let failed = |attempt: &&AttemptStatus| {
                    use TerminationCause::{Error, OOMKilled, OutputLost};
                    matches!(attempt.cause, Error | OOMKilled | OutputLost)
                };
                let counted = status.attempts.iter().filter(failed).count();
                assert!(counted <= 1 + usize::try_from(job.spec.backoff_limit).unwrap(), "more attempts than allowed");
                assert!(kept, "a deadline changes only with the spec");
                let sooner = stored.abort.zip(status.abort.as_ref());
                let sooner =
                    sooner.is_none_or(|(old, new)| new.stop_time <= old.stop_time && new.kill_time <= old.kill_time);
                assert!(sooner, "a stop is never taken back");
            }
            Step::DeletePod { grace_seconds: Some(0), .. } => {
                let policy = job.spec.force_deletion_policy.as_ref().unwrap();
                let end = self.pod.as_ref().and_then(|pod| pod.metadata.deletion_timestamp.clone()).unwrap();
                let due = end.0 + SignedDuration::from_secs(policy.after_seconds - 60);
                assert!(due <= self.now, "forced off before its time");
            }
            Step::DeletePod { grace_seconds: Some(_), .. } => {
                let abort = job.status.as_ref().and_then(|status| status.abort.as_ref());
                assert!(
                    abort.is_some_and(|abort| abort.stop_time.0 <= self.now),
                    "told to stop before that was stored"
                );
            }
            Step::RemoveFinalizer => {
                let pod_alive = self.pod.as_ref().is_some_and(|pod| !pod.finalizers().is_empty());
                assert!(!pod_alive, "the job goes while its pod is there");
            }
            _ => {}
        }
    }

    fn change_job(&mut self, what: &'static str, change: impl FnOnce(&mut OmotesJob)) {
        self.writes.push(what);
        change(self.job.as_mut().unwrap());
    }

    fn create_pod(&mut self, mut pod: Pod) {
        let free = self.pod.as_ref().is_none_or(|former| former.finalizers().is_empty() && ended(former));
        assert!(free, "two pods at once");
        assert!(self.retry_time().is_none_or(|due| due <= self.now), "an attempt before its time");
        self.writes.push("pod create");
        self.pods_made += 1;
        pod.metadata.uid = Some(format!("pod-{}", self.pods_made));
        pod.metadata.resource_version = Some("1".to_owned());
        pod.metadata.creation_timestamp = Some(Time(self.now));
        self.pod = Some(pod);
    }

    /// As the apiserver does: a second deletion counts from the first, and can only shorten the grace; without any it counts
    /// from now.
    fn delete_pod(&mut self, uid: &str, version: &str, grace: i64) {
        let now = self.now;
        let pod = self.pod.as_mut().unwrap();
        assert_eq!((pod.uid().as_deref(), pod.resource_version().as_deref()), (Some(uid), Some(version)));
        self.writes.push("pod delete");
        let meta = &mut pod.metadata;
        let given = meta.deletion_grace_period_seconds;
        let asked =
            meta.deletion_timestamp.as_ref().map_or(now, |end| end.0 - SignedDuration::from_secs(given.unwrap_or(0)));
        let bound = pod.spec.as_ref().unwrap().node_name.is_some();
        let grace = given.unwrap_or(i64::MAX).min(if bound { grace } else { 0 });
        meta.deletion_grace_period_seconds = Some(grace);
        let end = if grace == 0 { now } else { asked + SignedDuration::from_secs(grace) };
        meta.deletion_timestamp = Some(Time(whole_second(end)));
        meta.resource_version = Some(format!("{version}1"));
    }

    fn release_pod(&mut self, uid: &str) {
        let pod = self.pod.as_mut().unwrap();
        assert_eq!(pod.uid().as_deref(), Some(uid));
        self.writes.push("pod finalizer off");
        pod.finalizers_mut().clear();
    }

    /// The apiserver removes what nothing holds, and the garbage collector the pod of a job that is gone.
    fn collect(&mut self) {
        let free = |meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
            meta.deletion_timestamp.is_some() && meta.finalizers.as_ref().is_none_or(Vec::is_empty)
        };
        self.job = self.job.take().filter(|job| !free(&job.metadata));
        self.pod =
            self.pod.take().filter(|pod| !free(&pod.metadata) && (self.job.is_some() || !pod.finalizers().is_empty()));
    }

    fn retry_time(&self) -> Option<Timestamp> {
        self.job.as_ref()?.status.as_ref()?.retry_time.as_ref().map(|time| time.0)
    }

    /// Somebody else deletes the pod, and its program ends.
    fn disrupt(&mut self) {
        let now = self.now;
        if let Some(meta) =
            self.pod.as_mut().filter(|_| !self.node_lost).filter(|pod| !ended(pod)).map(|pod| &mut pod.metadata)
        {
            meta.deletion_grace_period_seconds.get_or_insert(GRACE);
            meta.deletion_timestamp.get_or_insert(Time(whole_second(now) + SignedDuration::from_secs(GRACE)));
        }
        self.finish(End::Failure);
    }

    /// The node of the pod is cut off, and Kubernetes deletes the pod for that.
    fn disrupt_lost(&mut self) {
        self.node_lost = true;
        let meta = &mut self.pod.as_mut().unwrap().metadata;
        meta.deletion_grace_period_seconds = Some(GRACE);
        meta.deletion_timestamp = Some(Time(whole_second(self.now) + SignedDuration::from_secs(GRACE)));
    }

    fn user_deletes(&mut self) {
        if let Some(job) = &mut self.job {
            job.metadata.deletion_timestamp.get_or_insert(Time(self.now));
        }
        self.collect();
    }

    /// Never gentler than before: the schema sees to that.
    fn user_aborts(&mut self, immediate: bool, after: i64) {
        let Some(job) = &mut self.job else { return };
        let before = job.spec.abort.clone();
        let hard = immediate || before.as_ref().is_some_and(|abort| abort.mode == AbortMode::Immediate);
        let after_seconds = before.map_or(after, |abort| abort.after_seconds.min(after));
        let mode = if hard { AbortMode::Immediate } else { AbortMode::Graceful };
        job.spec.abort = Some(Abort { mode, after_seconds, reason: None });
        job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    }

    fn user_suspends(&mut self, wanted: bool) {
        let Some(job) = self.job.as_mut().filter(|job| job.spec.suspend != wanted) else { return };
        job.spec.suspend = wanted;
        job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    }

    /// The kubelet kills what is left at the end of its grace, a second late.
    fn kill(&mut self) {
        let end = self.pod.as_ref().and_then(|pod| pod.metadata.deletion_timestamp.clone());
        if end.is_some_and(|end| end.0 < self.now) {
            self.finish(End::Killed);
        }
    }

    /// Lets time go by as the operator wants to be woken, for so many seconds; the program never ends by itself.
    fn live(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while self.now < end {
            let wake = self.reconcile(usize::MAX).and_then(|plan| plan.wake).unwrap_or(end).min(end);
            let kill = self.pod.as_ref().and_then(|pod| pod.metadata.deletion_timestamp.clone());
            let second = SignedDuration::from_secs(1);
            let kill = kill.filter(|_| !self.node_lost).map(|time| time.0.max(self.now) + second);
            self.now = wake.min(kill.unwrap_or(end));
            self.kill();
        }
        self.reconcile(usize::MAX);
    }

    fn start(&mut self) {
        let now = self.now;
        if let Some(pod) = self
            .pod
            .as_mut()
            .filter(|_| !self.node_lost)
            .filter(|pod| pod.status.is_none() && pod.metadata.deletion_timestamp.is_none())
        {
            pod.spec.as_mut().unwrap().node_name = Some("node".to_owned());
            set_status(
                pod,
                &json!({"phase": "Running", "containerStatuses": [container("main", &json!({"running": {"startedAt": whole(now)}}))]}),
            );
        }
    }

    fn finish(&mut self, end: End) {
        let now = self.now;
        let courier = self.job.as_ref().is_some_and(|job| job.spec.courier.enabled);
        let Some(pod) = self.pod.as_mut().filter(|_| !self.node_lost) else { return };
        let running = pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"));
        if !running {
            return;
        }
        let (code, reason) = match end {
            End::Failure => (3, "Error"),
            End::OutOfMemory => (137, "OOMKilled"),
            End::Killed => (137, "Error"),
            End::Success | End::OutputLost | End::OutputVanished => (0, "Completed"),
        };
        let mut record = String::new();
        if courier && matches!(end, End::Success | End::OutputVanished) {
            let body = CourierOutput::new(Some(Bytes::from_static(b"<esdl/>")), Vec::new()).unwrap().to_body();
            record = TerminationRecord::Committed(CommitRecord {
                attempt: 1,
                sha256: Digest::of(&body),
                bytes: body.len() as u64,
                output_bytes: Some(7),
            })
            .to_json();
            self.output = (end == End::Success).then_some(body);
        }
        let containers = pod.status.as_ref().and_then(|status| status.container_statuses.clone()).unwrap();
        let started = containers[0].state.as_ref().and_then(|state| state.running.clone()?.started_at).unwrap().0;
        let main = json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": whole(started), "finishedAt": whole(now)}});
        let sidecar = json!({"terminated": {"exitCode": 0, "message": record}});
        let phase = if code == 0 { "Succeeded" } else { "Failed" };
        set_status(
            pod,
            &json!({"phase": phase, "containerStatuses": [container("main", &main)], "initContainerStatuses": [container(names::CONTAINER_COURIER, &sidecar)]}),
        );
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wait(seconds) => self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap(),
            Event::Start => self.start(),
            Event::Finish(end) => self.finish(end),
            Event::Delete => self.user_deletes(),
            Event::Abort(immediate, after) => self.user_aborts(immediate, after),
            Event::Disrupt => self.disrupt(),
            Event::NodeLost => self.node_lost = true,
            Event::NodeBack => self.node_lost = false,
            Event::Suspend(wanted) => self.user_suspends(wanted),
            Event::BrokerDown => self.broker_up = false,
            Event::BrokerUp => {
                self.broker_up = true;
                self.listening_since = self.now;
            }
            Event::Progress(percent) => {
                let report = ProgressReport {
                    fraction: f64::from(percent) / 100.0,
                    message: String::new(),
                    heard: self.now,
                    sent: false,
                };
                self.memory.progress = self.pod.as_ref().map(|_| report);
            }
            Event::Crash => self.crash(),
            Event::ReconcileThenCrash(steps) => drop(self.reconcile(steps)),
            Event::Reconcile => drop(self.reconcile(usize::MAX)),
        }
    }

    /// The broker is back, the kubelet does its work, time goes by, until nothing happens any more.
    fn settle(&mut self) {
        self.happen(Event::BrokerUp);
        self.happen(Event::Suspend(false));
        for round in 0..60 {
            self.node_lost &= round < 30;
            self.reconcile(usize::MAX);
            self.happen(Event::Wait(7));
            let stopping = self.pod.as_ref().is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
            self.start();
            self.reconcile(usize::MAX);
            self.finish(if stopping { End::Failure } else { End::Success });
        }
        let plan = self.reconcile(usize::MAX);
        assert!(plan.is_none_or(|plan| plan.steps.is_empty()), "not quiescent");
    }
}

/// As the apiserver gives it back: its times have whole seconds.
fn read_back(status: &OmotesJobStatus) -> OmotesJobStatus {
    serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap()
}

fn ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let unbound = pod.spec.as_ref().unwrap().node_name.is_none() && pod.metadata.deletion_timestamp.is_some();
    unbound || matches!(phase, Some("Succeeded" | "Failed"))
}

fn container(name: &str, state: &Value) -> Value {
    json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

fn whole(now: Timestamp) -> String {
    whole_second(now).to_string()
}

/// What a program did before it was told to stop is its own, and nothing after that is a success.
fn assert_stop(job: &OmotesJob) {
    let status = job.status.as_ref().unwrap();
    let Some(abort) = &status.abort else { return };
    let finished = status.completion_time.as_ref().unwrap();
    let succeeded = status.phase == Some(Phase::Succeeded);
    assert!(!succeeded || finished.0 < abort.stop_time.0, "a success after the stop: {status:?}");
    let settled = matches!(abort.stage, AbortStage::Stopped | AbortStage::Killed | AbortStage::Unconfirmed);
    let by_itself = finished.0 < abort.stop_time.0;
    assert!(settled || by_itself || status.termination.as_ref().unwrap().exit_code.is_none(), "{status:?}");
}

fn set_status(pod: &mut Pod, status: &Value) {
    pod.status = Some(serde_json::from_value(status.clone()).unwrap());
}

fn events() -> impl Strategy<Value = Event> {
    let end = prop_oneof![
        4 => Just(End::Success),
        1 => Just(End::Failure),
        1 => Just(End::OutOfMemory),
        1 => Just(End::OutputLost),
        1 => Just(End::OutputVanished),
    ];
    prop_oneof![
        2 => (1_i64..90).prop_map(Event::Wait),
        3 => Just(Event::Start),
        2 => end.prop_map(Event::Finish),
        1 => Just(Event::Delete),
        1 => (any::<bool>(), 0_i64..60).prop_map(|(immediate, after)| Event::Abort(immediate, after)),
        1 => Just(Event::Disrupt),
        1 => Just(Event::NodeLost),
        1 => Just(Event::NodeBack),
        1 => any::<bool>().prop_map(Event::Suspend),
        1 => Just(Event::BrokerDown),
        2 => Just(Event::BrokerUp),
        1 => (0_u8..=100).prop_map(Event::Progress),
        1 => Just(Event::Crash),
        3 => (0_usize..8).prop_map(Event::ReconcileThenCrash),
        4 => Just(Event::Reconcile),
    ]
}

fn limits() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!({"maxRunSeconds": 100})),
        Just(json!({"expectedDuration": {"numResources": 3, "bufferSeconds": 5}, "startDeadlineSeconds": 90})),
        Just(json!({"maxRunSeconds": 200, "heartbeat": {"timeoutSeconds": 40, "onTimeout": "Abort"}})),
        Just(json!({"heartbeat": {"timeoutSeconds": 20, "onTimeout": "Report"}})),
        Just(json!({"backoffLimit": 2, "retry": {"initialSeconds": 3, "maxSeconds": 9}})),
        Just(json!({"backoffLimit": 1, "maxRunSeconds": 60, "retry": {"initialSeconds": 20, "maxSeconds": 20}})),
        Just(json!({"backoffLimit": 3, "podRetentionPolicy": "Delete", "forceDeletionPolicy": {"afterSeconds": 60}})),
        Just(json!({"podRetentionPolicy": "RetainOnFailure", "suspend": true})),
    ]
}

fn assert_ended_well(world: &World) {
    let told: BTreeSet<&String> = world.results.iter().map(|(id, _)| id).collect();
    let expected = usize::from(world.taken_on && !world.given_up);
    assert_eq!((world.results.len(), told.len()), (expected, expected), "the client is told exactly once");
    assert!(!world.statuses.contains(&JobStatus::Finished), "FINISHED is never sent");
    let held = world.pod.as_ref().is_some_and(|pod| !pod.finalizers().is_empty());
    assert!(!held, "a pod is held for ever");
    let queues: Vec<_> = world.queues.iter().filter(|_| !world.left_to_ttl).collect();
    assert!(!queues.iter().any(|queue| queue.starts_with("omotes.output.")), "an output queue is left: {queues:?}");
    if let Some(job) = &world.job {
        assert_stop(job);
        assert!(job.status.as_ref().and_then(|status| status.phase).is_some_and(Phase::is_terminal));
    } else {
        assert_eq!(world.pod, None, "a pod outlived its job");
        let left: Vec<_> = queues.into_iter().filter(|queue| !queue.ends_with(".result")).collect();
        assert!(left.is_empty(), "queues outlived their job: {left:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn any_history_ends_well(
        history in proptest::collection::vec(events(), 0..40),
        courier: bool,
        owned: bool,
        ttl in proptest::option::of(0_i64..100),
        limits in limits(),
    ) {
        let declare = if owned { "Ensure" } else { "Never" };
        let spec = json!({"queues": {"declare": declare}, "ttlSecondsAfterFinished": ttl});
        // A heartbeat needs the courier.
        let courier = courier || !limits["heartbeat"].is_null();
        let mut world = World::new(&merged(merged(spec, &limits), &json!({"courier": {"enabled": courier}})));
        for event in history {
            world.happen(event);
        }
        world.settle();
        assert_ended_well(&world);
    }
}

/// The whole life of a job, cut after every step, for every step.
#[test]
fn a_crash_after_any_step_changes_nothing() {
    for end in [End::Success, End::Failure, End::OutputLost] {
        for first in 0..12 {
            for second in 0..12 {
                let mut world = World::new(&json!({}));
                world.happen(Event::ReconcileThenCrash(first));
                world.reconcile(usize::MAX);
                world.start();
                world.happen(Event::ReconcileThenCrash(second));
                world.finish(end);
                for limit in 0..12 {
                    world.happen(Event::ReconcileThenCrash(limit));
                }
                world.settle();
                assert_ended_well(&world);
                assert_eq!(world.pods_made, 1, "one pod an attempt");
            }
        }
    }
}

#[test]
fn the_happy_path_writes_six_times() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(2));
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(2));
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    world.user_deletes();
    world.reconcile(usize::MAX);
    assert_eq!(world.writes, ["finalizer on", "pod create", "status", "status", "pod finalizer off", "finalizer off"]);
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running]);
    assert!(world.job.is_none() && world.pod.is_none());
}

#[test]
fn a_broker_that_is_gone_holds_a_deletion_for_a_bounded_time() {
    let mut world = World::new(&json!({}));
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    world.happen(Event::BrokerDown);
    world.user_deletes();
    world.reconcile(usize::MAX);
    world.happen(Event::Wait(5));
    world.finish(End::Failure);
    world.reconcile(usize::MAX);
    assert!(world.job.is_some(), "the client may still be told");
    world.happen(Event::Wait(300));
    world.reconcile(usize::MAX);
    assert!(world.job.is_none() && world.pod.is_none() && world.results.is_empty());
}

type Setup<'a> = &'a dyn Fn(&mut World);

/// A program that never ends by itself, whatever is to stop it: why, how it ended, what the client hears, and when.
#[test]
fn a_job_never_hangs() {
    use TerminationCause::{KilledAfterGrace, NeverStarted, NodeLost};
    let runs = |world: &mut World| {
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
    };
    let cut_off = |world: &mut World| {
        runs(world);
        world.node_lost = true;
    };
    let aborted = |world: &mut World| {
        runs(world);
        world.user_aborts(false, 30);
    };
    let at_once = |world: &mut World| {
        runs(world);
        world.user_aborts(true, 0);
    };
    let hurried = |world: &mut World| {
        runs(world);
        world.user_aborts(false, 0);
        world.live(2);
        world.user_aborts(true, 0);
    };
    let deadline = json!({"expectedDuration": {"numResources": 3, "bufferSeconds": 0}});
    let heartbeat = json!({"heartbeat": {"timeoutSeconds": 40, "onTimeout": "Abort"}});
    let table: [(&str, Value, Setup, AbortCause, TerminationCause, ResultType, i64); 9] = [
        (
            "deadline",
            deadline.clone(),
            &runs,
            AbortCause::DeadlineExceeded,
            KilledAfterGrace,
            ResultType::Cancelled,
            67,
        ),
        ("node lost", deadline, &cut_off, AbortCause::DeadlineExceeded, NodeLost, ResultType::Cancelled, 126),
        (
            "most",
            json!({"maxRunSeconds": 50}),
            &runs,
            AbortCause::DeadlineExceeded,
            KilledAfterGrace,
            ResultType::Cancelled,
            57,
        ),
        (
            "start",
            json!({"startDeadlineSeconds": 90}),
            &|world| drop(world.reconcile(9)),
            AbortCause::StartDeadlineExceeded,
            NeverStarted,
            ResultType::Error,
            90,
        ),
        ("heartbeat", heartbeat, &runs, AbortCause::NoProgress, KilledAfterGrace, ResultType::Error, 47),
        ("abort", json!({}), &aborted, AbortCause::Requested, KilledAfterGrace, ResultType::Cancelled, 38),
        ("abort at once", json!({}), &at_once, AbortCause::Requested, KilledAfterGrace, ResultType::Cancelled, 4),
        ("hurried", json!({}), &hurried, AbortCause::Requested, KilledAfterGrace, ResultType::Cancelled, 5),
        (
            "deleted",
            json!({}),
            &|world| {
                runs(world);
                world.user_deletes();
            },
            AbortCause::Deleted,
            KilledAfterGrace,
            ResultType::Cancelled,
            8,
        ),
    ];
    for (name, spec, setup, cause, end, heard, within) in table {
        let mut world = World::new(&spec);
        world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
        setup(&mut world);
        world.live(within + 2);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        let stage = match end {
            KilledAfterGrace => AbortStage::Killed,
            NodeLost => AbortStage::Unconfirmed,
            _ => AbortStage::Stopped,
        };
        let abort = status.abort.clone().unwrap_or_else(|| panic!("{name}: {status:?}"));
        assert_eq!((abort.cause, abort.stage), (cause, stage), "{name}: {status:?}");
        assert_eq!(status.termination.as_ref().map(|end| end.cause), Some(end), "{name}: {status:?}");
        assert_eq!(status.result.as_ref().map(|result| result.type_), Some(heard), "{name}");
        let took = status.completion_time.unwrap().0.duration_since(time(0)).as_secs();
        assert!((within - 2..=within).contains(&took), "{name} took {took} s and not {within} s");
        assert_eq!(world.results.len(), 1, "{name}");
    }
}

/// Where nobody stops it for that, silence shows and goes.
#[test]
fn a_silent_program_is_reported_until_it_is_heard() {
    let mut world = World::new(&json!({"heartbeat": {"timeoutSeconds": 30}}));
    world.reconcile(usize::MAX);
    world.start();
    let stalled = |world: &World| {
        let status = world.job.as_ref().unwrap().status.clone().unwrap_or_default();
        status.conditions.iter().any(|condition| condition.type_ == "ProgressStalled")
    };
    let mut shown = Vec::new();
    for event in [
        Event::Wait(29),
        Event::Wait(2),
        Event::Progress(40),
        Event::Wait(29),
        Event::BrokerDown,
        Event::Wait(2),
        Event::BrokerUp,
        Event::Wait(31),
    ] {
        world.happen(event);
        world.reconcile(usize::MAX);
        shown.push(stalled(&world));
    }
    assert_eq!(shown, [false, true, false, false, false, false, false, true]);
}

/// A job whose attempts fail: so many as it may have, each a while after the last, and then its end is told once.
#[test]
fn attempts_follow_each_other_until_there_are_no_more() {
    let retry = json!({"backoffLimit": 2, "retry": {"initialSeconds": 10, "maxSeconds": 15}, "maxRunSeconds": 3600});
    let mut world = World::new(&retry);
    let mut waits = Vec::new();
    // The second is disrupted, which does not count.
    for (number, end) in [End::Failure, End::Failure, End::OutOfMemory, End::Failure].into_iter().enumerate() {
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.happen(Event::Wait(20));
        if number == 1 {
            world.disrupt();
        } else {
            world.finish(end);
        }
        world.reconcile(usize::MAX);
        if let Some(due) = world.retry_time() {
            waits.push(due.duration_since(world.now).as_secs());
            world.now = due;
        }
    }
    assert!((5..=10).contains(&waits[0]) && waits[1..].iter().all(|wait| (7..=15).contains(wait)), "{waits:?}");
    let status = world.job.as_ref().unwrap().status.clone().unwrap();
    let causes: Vec<_> = status.attempts.iter().map(|attempt| attempt.cause.as_str()).collect();
    assert_eq!(causes, ["Error", "Disrupted", "OOMKilled", "Error"]);
    assert_eq!((status.phase, status.attempt, status.active_seconds), (Some(Phase::Failed), Some(4), Some(80)));
    assert_eq!((world.pods_made, world.results.len()), (4, 1));
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running], "each is said once");
}

/// The deadline wins over a retry: what the job may run is spent.
#[test]
fn attempts_share_what_the_job_may_run() {
    let mut world =
        World::new(&json!({"backoffLimit": 9, "maxRunSeconds": 50, "retry": {"initialSeconds": 1, "maxSeconds": 1}}));
    for (seconds, left) in [(20, 50), (20, 30), (9, 10)] {
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        let limit = status.deadline_time.unwrap().0.duration_since(status.start_time.unwrap().0);
        assert_eq!(limit, SignedDuration::from_secs(left));
        world.happen(Event::Wait(seconds));
        world.finish(End::Failure);
        world.reconcile(usize::MAX);
        world.happen(Event::Wait(2));
    }
    world.reconcile(usize::MAX);
    world.start();
    world.live(10);
    let status = world.job.as_ref().unwrap().status.clone().unwrap();
    assert_eq!(status.abort.map(|abort| abort.cause), Some(AbortCause::DeadlineExceeded));
    assert_eq!((status.attempt, world.results.len()), (Some(4), 1));
}

/// A suspension stops the program and its clock; what follows is another attempt with what was left.
#[test]
fn a_suspended_job_goes_on_with_what_it_had_left() {
    let mut world = World::new(&json!({"maxRunSeconds": 100, "startDeadlineSeconds": 60, "suspend": true}));
    let status = |world: &World| world.job.as_ref().unwrap().status.clone().unwrap_or_default();
    world.live(500);
    assert_eq!((status(&world).phase, world.pods_made), (Some(Phase::Suspended), 0), "its start deadline stood still");
    world.user_suspends(false);
    world.reconcile(usize::MAX);
    world.start();
    world.live(30);
    world.user_suspends(true);
    world.live(2);
    assert_eq!(status(&world).abort.map(|abort| abort.cause), Some(AbortCause::Suspended));
    world.live(500);
    let suspended = status(&world);
    assert_eq!((suspended.phase, suspended.attempt, suspended.abort), (Some(Phase::Suspended), Some(2), None));
    assert_eq!((suspended.deadline_time, suspended.failures), (None, None));
    let active = suspended.active_seconds.unwrap();
    assert!((30..=32).contains(&active), "what it took to stop does not count: {active} s");
    world.user_suspends(false);
    world.reconcile(usize::MAX);
    world.start();
    world.reconcile(usize::MAX);
    let again = status(&world);
    let left = again.deadline_time.unwrap().0.duration_since(again.start_time.unwrap().0).as_secs();
    assert_eq!((again.phase, left), (Some(Phase::Running), 100 - active));
    world.finish(End::Success);
    world.reconcile(usize::MAX);
    assert_eq!((status(&world).phase, world.pods_made, world.results.len()), (Some(Phase::Succeeded), 2, 1));
    assert_eq!(world.statuses, [JobStatus::Registered, JobStatus::Enqueued, JobStatus::Running], "each is said once");
}

/// Whoever suspended a job may then want its end; and a limit that was lowered below what it ran is one.
#[test]
fn a_suspended_job_can_end() {
    let lowered = |world: &mut World| {
        world.live(30);
        let job = world.job.as_mut().unwrap();
        (job.spec.max_run_seconds, job.metadata.generation) = (Some(10), Some(99));
        world.user_suspends(false);
    };
    let table: [(&str, Setup, AbortCause, TerminationCause, ResultType); 4] = [
        (
            "aborted while it stops",
            &|world| world.user_aborts(false, 600),
            AbortCause::Requested,
            TerminationCause::KilledAfterGrace,
            ResultType::Cancelled,
        ),
        (
            "deleted while it stops",
            &World::user_deletes,
            AbortCause::Deleted,
            TerminationCause::KilledAfterGrace,
            ResultType::Cancelled,
        ),
        (
            "aborted while it is suspended",
            &|world| {
                world.live(30);
                world.user_aborts(false, 600);
            },
            AbortCause::Requested,
            TerminationCause::KilledAfterGrace,
            ResultType::Cancelled,
        ),
        ("lowered", &lowered, AbortCause::DeadlineExceeded, TerminationCause::KilledAfterGrace, ResultType::Cancelled),
    ];
    for (name, then, cause, end, heard) in table {
        let mut world = World::new(&json!({"maxRunSeconds": 3600}));
        world.job.as_mut().unwrap().finalizers_mut().push("test/keeps-it".to_owned());
        world.reconcile(usize::MAX);
        world.start();
        world.live(20);
        world.user_suspends(true);
        world.live(3);
        then(&mut world);
        world.live(20);
        let status = world.job.as_ref().unwrap().status.clone().unwrap();
        assert_eq!(status.abort.as_ref().map(|abort| abort.cause), Some(cause), "{name}: {status:?}");
        assert_eq!(status.termination.as_ref().map(|end| end.cause), Some(end), "{name}: {status:?}");
        assert_eq!(status.result.as_ref().map(|result| result.type_), Some(heard), "{name}");
        assert_eq!((world.pods_made, world.results.len()), (1, 1), "{name}");
    }
}

/// A node that never answers holds the next attempt for as long as the job says, and no longer.
#[test]
fn a_pod_of_a_lost_node_is_forced_off_where_the_job_wants_that() {
    for (policy, expected) in [(json!(null), 1), (json!({"afterSeconds": 300}), 2)] {
        let mut world = World::new(&json!({"forceDeletionPolicy": policy, "retry": {"initialSeconds": 1}}));
        world.reconcile(usize::MAX);
        world.start();
        world.live(10);
        world.disrupt_lost();
        world.live(GRACE + 295);
        assert_eq!(world.pods_made, 1, "not before its time");
        world.live(10);
        assert_eq!(world.pods_made, expected, "{policy}");
        assert!(world.results.is_empty(), "the job goes on");
    }
}

/// Where pods are not to be kept, they go when their end is recorded; those that another controller runs are not touched.
#[test]
fn pods_stay_as_the_job_says() {
    for (policy, end, kept) in [
        ("Retain", End::Success, true),
        ("Retain", End::Failure, true),
        ("RetainOnFailure", End::Success, false),
        ("RetainOnFailure", End::Failure, true),
        ("Delete", End::Success, false),
        ("Delete", End::Failure, false),
    ] {
        let mut world = World::new(&json!({"podRetentionPolicy": policy}));
        world.reconcile(usize::MAX);
        world.start();
        world.reconcile(usize::MAX);
        world.finish(end);
        world.reconcile(usize::MAX);
        assert_eq!(world.pod.is_some(), kept, "{policy} after {end:?}");
    }
    let mut world = World::new(&json!({"managedBy": "example.com/another"}));
    world.live(60);
    world.user_deletes();
    assert!(world.job.is_none() && world.writes.is_empty() && world.queues.is_empty(), "{:?}", world.writes);
}

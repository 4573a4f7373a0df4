//! The model world: a cluster and a broker in a few maps, in which the operator's steps have their effects.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
        queues::QueueDeletionPolicy,
        status::{AttemptStatus, Phase, ResultType, TerminationCause},
        stop::{Abort, AbortMode},
    },
    limits::{Defaults, whole_second},
    plan::{
        self, Observed, Plan, Settings, Step,
        inquiry::{Inquiry, inquiry},
        observed::{
            BrokerSight, Claim, Preparation, ProgressReport, QueueEnd, Redelivery, Refusal, Removal, ResultQueue,
            ResultSight, Sight, WarmSight, attempt_of,
        },
    },
    pods::{self, warm},
    topology,
    wire::{
        CapabilityKey, CommitRecord, CourierOutput, Digest, FailureCause, FailureRecord, JobStatus, TerminationRecord,
    },
    workflow::seats::Seat,
};
use serde_json::{Value, json};

use super::workflows::Workflows;
use crate::support::bed::merged;

/// The template's grace, and that of a pod with a courier, in seconds.
pub const GRACE: i64 = 5;
pub const FLUSH: i64 = 120;
/// The name of the job, and where its input came over the broker its id, too.
pub const NAME: &str = "job";
const KEPT: &str = "omotes.kept.";
const UID: &str = "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11";

/// What a process remembers; lost when it dies.
#[derive(Default)]
pub struct Memory {
    queues: Option<Timestamp>,
    /// When a queue was refused that has other arguments.
    refused: Option<Timestamp>,
    witnessed: bool,
    sent: Option<(Timestamp, bool)>,
    progress: Option<ProgressReport>,
    has_input: bool,
    removal: Option<Removal>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the history")]
pub struct World {
    pub now: Timestamp,
    pub job: Option<OmotesJob>,
    pub pod: Option<Pod>,
    /// A pod that waits for a job.
    pub warm: Option<Pod>,
    /// What came of asking for it, in this pass.
    pub promised: WarmSight,
    pub broker_up: bool,
    /// It is there, and takes no messages.
    pub blocked: bool,
    /// A queue of the job's has other arguments.
    pub differs: bool,
    /// The kubelet is cut off: it starts and ends nothing.
    pub node_lost: bool,
    pub listening_since: Timestamp,
    pub queues: BTreeSet<String>,
    pub output: Option<Bytes>,
    /// The result waits in its queue.
    pub unread: bool,
    /// The broker counts no message where there is one.
    pub miscounts: bool,
    /// A client consumes the job's queues.
    pub attached: bool,
    /// Who removed the result queue, and when.
    pub result_end: Option<(QueueEnd, Timestamp)>,
    /// What came of passing on a kept result, in this pass.
    pub redelivery: Option<Redelivery>,
    pub secret: bool,
    /// The result was sent and is kept, or was kept for as long as it may be.
    pub reached_nobody: bool,
    pub results: Vec<(String, Bytes)>,
    pub statuses: Vec<JobStatus>,
    pub pods_made: usize,
    /// The operator took the job on.
    pub taken_on: bool,
    /// The job had to go while the broker was away.
    pub given_up: bool,
    /// Its queues go by their own time to live: the broker was away for too long, a client consumed them, or the job wants it.
    pub left_to_ttl: bool,
    pub writes: Vec<&'static str>,
    pub memory: Memory,
    pub settings: Settings,
    pub workflows: Workflows,
}

/// How the model's program ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Success,
    Failure,
    Killed,
    OutOfMemory,
    OutputLost,
    /// The courier says that it sent an output that the broker does not have.
    OutputVanished,
}

#[derive(Debug, Clone, Copy)]
pub enum Event {
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
    /// The client reads its result, and perhaps deletes the queue then.
    Read(bool),
    /// A client whose result is kept declares its queue.
    Declare,
    /// Somebody asks for a result that is kept.
    Ask,
    /// The client consumes its queues, or does not any more.
    Attach(bool),
    /// Somebody changes the workflow's template.
    EditWorkflow,
    /// Somebody removes the workflow, or brings it back.
    Workflow(bool),
    /// The workflow's pool has a pod that waits, or has none any more.
    Warm(bool),
    /// The courier of the job's pod could not bring its input.
    InputMissing,
    /// It did.
    InputThere,
    /// There is a seat, or none, or the workflow is suspended.
    Seats(Seat),
    BrokerDown,
    BrokerUp,
    /// The broker takes no messages, or does again.
    Blocked(bool),
    /// Somebody makes a queue of the job's with other arguments, or removes it.
    Differ(bool),
    Progress(u8),
    Crash,
    /// The operator carries out at most so many steps, then dies.
    ReconcileThenCrash(usize),
    Reconcile,
}

pub fn settings() -> Settings {
    Settings {
        courier_image: "courier".to_owned(),
        courier_pull_policy: None,
        courier_resources: ResourceRequirements::default(),
        capability_key: CapabilityKey::new(&[7; 32]).unwrap(),
        defaults: Defaults::default(),
        gateway_namespace: Some("ns".to_owned()),
        priority_classes: BTreeMap::new(),
        deadline_result: ResultType::Cancelled,
    }
}

pub fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

impl World {
    pub fn new(patch: &Value) -> Self {
        let job: Value = json!({
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesJob",
            "metadata": {"name": NAME, "namespace": "ns", "uid": UID, "generation": 1, "resourceVersion": "1", "creationTimestamp": time(0).to_string()},
            "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}], "terminationGracePeriodSeconds": GRACE}}},
        });
        let mut job: OmotesJob = serde_json::from_value(merged(job, &json!({"spec": patch}))).unwrap();
        let queues: BTreeSet<String> = pods::input_queue(&job, &settings().capability_key).into_iter().collect();
        // Something of such a job is there before the job is, so that it is never without the finalizer.
        let taken_on = !queues.is_empty();
        if taken_on {
            job.finalizers_mut().push(names::FINALIZER_CLEANUP.to_owned());
        }
        Self {
            now: time(1) + SignedDuration::from_millis(350),
            job: Some(job),
            pod: None,
            warm: None,
            promised: WarmSight::Unasked,
            broker_up: true,
            blocked: false,
            differs: false,
            node_lost: false,
            listening_since: time(1),
            queues,
            output: None,
            unread: false,
            miscounts: false,
            attached: false,
            result_end: None,
            redelivery: None,
            secret: false,
            reached_nobody: false,
            results: Vec::new(),
            statuses: Vec::new(),
            pods_made: 0,
            taken_on,
            given_up: false,
            left_to_ttl: patch["queues"]["deletionPolicy"] == "Retain",
            writes: Vec::new(),
            memory: Memory::default(),
            settings: settings(),
            workflows: Workflows::new(),
        }
    }

    pub fn observe(&mut self) -> Option<Observed> {
        let job = self.job.clone()?;
        let mut observed = Observed {
            now: self.now,
            job: Arc::new(self.workflows.sight(&job).complete(job.clone())),
            claim: Claim::Ours,
            workflow: self.workflows.sight(&job),
            seat: self.workflows.seat,
            warm: self.promised.clone(),
            pod: self.sight(0),
            former: self.sight(1),
            broker: self.broker(),
            courier_secret: if self.secret { Preparation::Ready(self.now) } else { Preparation::Unknown },
            queues: self.preparation(),
            pod_refusal: None,
            output: Sight::Unreachable,
            result: ResultSight::Unsent,
            has_input: self.memory.has_input,
            progress: self.memory.progress.clone(),
            listening_since: self.listening_since,
            result_queue: self.result_queue(),
            removal: self.memory.removal.unwrap_or(Removal::Untried),
            redelivery: self.redelivery.take().unwrap_or(Redelivery::Untried),
            retained: Vec::new(),
            trouble: None,
        };
        match inquiry(&observed, &self.settings) {
            Inquiry::Alive | Inquiry::Unstarted => self.memory.witnessed = true,
            Inquiry::Settled => {}
            Inquiry::Ending { output, .. } => {
                observed.result = self.result_sight();
                if output.is_some() && self.is_usable() {
                    observed.output = self.output.clone().map_or(Sight::Absent, Sight::Known);
                }
            }
        }
        Some(observed)
    }

    fn broker(&self) -> BrokerSight {
        match (self.broker_up, self.blocked) {
            (false, _) => BrokerSight::Unreachable("down".to_owned()),
            (true, true) => BrokerSight::Blocked("full".to_owned()),
            (true, false) => BrokerSight::Ready,
        }
    }

    fn is_usable(&self) -> bool {
        self.broker() == BrokerSight::Ready
    }

    /// The pod of the attempt that many before the current one.
    pub fn sight(&self, before: i32) -> Sight<Arc<Pod>> {
        let job = self.job.as_ref().unwrap();
        let name = names::pod_of(job, attempt_of(job) - before);
        let pod = [&self.pod, &self.warm].into_iter().flatten().find(|pod| pod.name_any() == name).cloned();
        pod.map_or(Sight::Absent, |pod| Sight::Known(Arc::new(pod)))
    }

    pub fn result_sight(&self) -> ResultSight {
        match self.memory.sent {
            Some((at, routed)) => ResultSight::Sent { at, routed },
            None if self.memory.witnessed || !self.is_usable() || self.results.is_empty() => ResultSight::Unsent,
            None => ResultSight::Sent { at: self.now, routed: true },
        }
    }

    /// One pass that dies after `limit` steps. Tells when the plan came to rest.
    pub fn reconcile(&mut self, limit: usize) -> Option<Plan> {
        let mut done = 0;
        (self.workflows.seat, self.promised) = (Seat::Unknown, WarmSight::Unasked);
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

    pub fn crash(&mut self) {
        self.memory = Memory::default();
        self.listening_since = self.now;
    }

    fn preparation(&self) -> Preparation {
        let refusal = |at| Refusal { at, reason: "ArgumentsDiffer", message: "they differ".to_owned() };
        let refused = self.memory.refused.map(|at| Preparation::Refused(refusal(at)));
        refused.or(self.memory.queues.map(Preparation::Ready)).unwrap_or(Preparation::Unknown)
    }

    pub fn execute(&mut self, step: Step) {
        self.check_guards(&step);
        match step {
            Step::AddFinalizer => {
                self.taken_on = true;
                self.change_job("finalizer on", |job| job.finalizers_mut().push(names::FINALIZER_CLEANUP.into()));
            }
            Step::EnsureCourierSecret => self.secret = true,
            Step::EnsureQueues { declare, .. } if self.differs && !declare.is_empty() => {
                self.memory.refused = Some(self.now);
            }
            Step::EnsureQueues { declare, renew: _ } => {
                self.memory.refused = None;
                self.queues.extend(declare.into_iter().map(|queue| queue.name));
                self.memory.queues = Some(self.now);
            }
            Step::PublishStatus { status, .. } => self.statuses.push(status),
            Step::PublishProgress { .. } => self.memory.progress.as_mut().unwrap().sent = true,
            Step::TakeSeat => self.workflows.ask(),
            Step::TakeWarmPod => self.promise(),
            Step::AssignPod { name, patch } => self.assign_pod(&name, &patch),
            Step::AnnotatePod { patch, .. } => {
                let pod = serde_json::to_value(self.pod.take().unwrap()).unwrap();
                self.pod = Some(serde_json::from_value(merged(pod, &patch)).unwrap());
            }
            Step::CreatePod(pod) => {
                self.workflows.check(self.job.as_ref().unwrap(), &pod);
                self.create_pod(*pod);
            }
            Step::DeletePod { uid, resource_version, grace_seconds, .. } => {
                self.delete_pod(&uid, &resource_version, grace_seconds.map_or(FLUSH, i64::from));
            }
            Step::PublishResult(message) => {
                let routed = self.queues.contains(&message.queue);
                self.unread |= routed;
                self.reached_nobody = !routed;
                if routed {
                    self.queues.remove(&message.kept.name);
                    self.results.push((message.message_id, message.body));
                } else {
                    self.queues.insert(message.kept.name);
                }
                self.memory.sent = Some((self.now, routed));
            }
            Step::DeliverKept { kept, queue, message_id } => self.deliver_kept(&kept, &queue, message_id),
            Step::PatchStatus(status) => {
                let anew = status.attempt.unwrap_or(1) > attempt_of(self.job.as_ref().unwrap());
                if anew {
                    (self.memory.queues, self.memory.refused) = (None, None);
                    (self.memory.progress, self.memory.has_input) = (None, false);
                }
                self.given_up |= status.result.as_ref().is_some_and(|result| result.published_time.is_none());
                self.change_job("status", |job| job.status = Some(read_back(&status)));
            }
            Step::Warn { .. } => {}
            Step::ReleasePod { uid, .. } => {
                self.left_to_ttl |= !self.is_usable();
                self.release_pod(&uid);
            }
            Step::DeleteOwnQueue(queue) => {
                self.queues.remove(&queue);
            }
            Step::DeleteClientQueues { queues, if_empty } => self.delete_client_queues(&queues, &if_empty),
            Step::RemoveFinalizer => {
                self.left_to_ttl |= !self.is_usable();
                self.change_job("finalizer off", |job| {
                    job.finalizers_mut().retain(|held| held != names::FINALIZER_CLEANUP);
                });
            }
            Step::DeleteJob { .. } => self.user_deletes(),
        }
        self.collect();
    }

    /// As the broker tells it: at once, and rightly unless it miscounts.
    fn result_queue(&self) -> ResultQueue {
        let is_there = self.queues.iter().any(|queue| queue.ends_with(".result"));
        match (&self.result_end, is_there) {
            _ if self.results.is_empty() && !self.reached_nobody => ResultQueue::Unknown,
            (_, true) if self.unread && !self.miscounts => ResultQueue::Unread,
            (_, true) => ResultQueue::Read(self.now),
            (Some((how, at)), false) => ResultQueue::Gone { how: how.clone(), at: *at },
            (None, false) => ResultQueue::Gone { how: QueueEnd::Unknown, at: self.now },
        }
    }

    /// Deletes queues as the broker does: not those that somebody consumes, nor, if asked so, those with a message.
    fn delete_client_queues(&mut self, queues: &[String], if_empty: &[String]) {
        let mut removal = Removal::Done;
        for queue in queues.iter().chain(if_empty) {
            let is_result = queue.ends_with(".result");
            if self.attached || (if_empty.contains(queue) && is_result && self.unread) {
                removal = Removal::Refused(self.now);
                // A job that was deleted does not wait for its clients.
                self.left_to_ttl |= self.job.as_ref().is_some_and(|job| job.metadata.deletion_timestamp.is_some());
            } else if self.queues.remove(queue) && is_result {
                self.end_result_queue(QueueEnd::ByOperator);
            }
        }
        self.memory.removal = Some(removal);
    }

    /// The client makes the queue that it wants its result in.
    pub fn client_declares(&mut self) {
        self.queues.extend(self.job.as_ref().map(|job| topology::result_queue(names::JobId::of(job).as_str())));
    }

    fn deliver_kept(&mut self, kept: &str, queue: &str, message_id: String) {
        let routed = self.queues.contains(queue);
        self.redelivery = Some(match self.queues.contains(kept) {
            // A leader that died had passed it on, and the broker counts it.
            false if self.unread => Redelivery::Done(self.now),
            false => Redelivery::Lost,
            true if routed => Redelivery::Done(self.now),
            true => Redelivery::Unroutable,
        });
        if self.queues.contains(kept) && routed {
            assert!(!self.unread, "a result that is there is sent again");
            self.queues.remove(kept);
            (self.unread, self.reached_nobody) = (true, false);
            self.results.push((message_id, Bytes::new()));
        }
    }

    /// Whether a result is kept that its client could have.
    pub fn withholds(&self) -> bool {
        let there =
            |prefix: &str, end: &str| self.queues.iter().any(|queue| queue.starts_with(prefix) && queue.ends_with(end));
        there(KEPT, "") && there("jobs.", ".result")
    }

    fn end_result_queue(&mut self, how: QueueEnd) {
        let policy = self.job.as_ref().map(|job| job.spec.queues.deletion_policy);
        let aged = self.expire_time().is_some_and(|due| due <= self.now);
        let allowed = how != QueueEnd::ByOperator || aged || policy == Some(QueueDeletionPolicy::Delete);
        assert!(!self.unread || allowed, "the operator removed an unread result");
        self.result_end = Some((how, self.now));
        self.unread = false;
    }

    fn expire_time(&self) -> Option<Timestamp> {
        let status = self.job.as_ref()?.status.as_ref()?;
        status.queues.as_ref()?.expire_time.as_ref().map(|time| time.0)
    }

    /// The client reads its result, and perhaps deletes the queue then.
    fn client_reads(&mut self, deletes: bool) {
        let result = self.queues.iter().find(|queue| queue.ends_with(".result")).cloned();
        let Some(result) = result.filter(|_| self.unread) else { return };
        self.unread = false;
        if deletes {
            self.queues.remove(&result);
            self.end_result_queue(QueueEnd::ByUser("client".to_owned()));
        }
    }

    /// What must hold before each step, whatever happened.
    pub fn check_guards(&self, step: &Step) {
        let job = self.job.as_ref().unwrap();
        let held = job.finalizers().iter().any(|held| held == names::FINALIZER_CLEANUP);
        let terminal = job.status.as_ref().and_then(|status| status.phase).is_some_and(Phase::is_terminal);
        match step {
            Step::EnsureQueues { declare, .. } if terminal => {
                assert!(
                    job.annotations().contains_key(names::ANNOTATION_REPUBLISH_RESULT),
                    "nobody asked for {declare:?}"
                );
            }
            Step::CreatePod(_)
            | Step::AssignPod { .. }
            | Step::EnsureQueues { .. }
            | Step::PublishStatus { .. }
            | Step::PublishResult(_) => {
                let begins = matches!(step, Step::CreatePod(_) | Step::AssignPod { .. });
                assert!(!begins || !job.spec.suspend, "a pod of a suspended job");
                assert!(held, "something outside before the finalizer");
                assert!(!terminal, "something new after the end");
                let only_looks = matches!(step, Step::EnsureQueues { declare, .. } if declare.is_empty());
                let can = self.is_usable() || begins || (self.broker_up && only_looks);
                assert!(can, "the broker is away, or takes nothing");
                let input = pods::input_queue(job, &self.settings.capability_key);
                let missing = input.is_some_and(|queue| !self.queues.contains(&queue));
                assert!(!(missing && begins), "a pod without its input");
                self.check_choice(step);
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
                assert!(
                    counted <= 1 + usize::try_from(job.spec.backoff_limit.unwrap_or(0)).unwrap(),
                    "more attempts than allowed"
                );
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
                let noted = self
                    .pod
                    .as_ref()
                    .is_some_and(|pod| pod.annotations().contains_key(names::ANNOTATION_INPUT_MISSING));
                assert!(
                    noted || abort.is_some_and(|abort| abort.stop_time.0 <= self.now),
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

    pub fn change_job(&mut self, what: &'static str, change: impl FnOnce(&mut OmotesJob)) {
        self.writes.push(what);
        change(self.job.as_mut().unwrap());
    }

    /// Where a warm pod would do, which pod an attempt gets is stored before it gets one.
    fn check_choice(&self, step: &Step) {
        let job = self.job.as_ref().unwrap();
        let name = match step {
            Step::CreatePod(pod) => pod.name_any(),
            Step::AssignPod { name, .. } => name.clone(),
            _ => return,
        };
        let completed = self.workflows.sight(job).complete(job.clone());
        let attempt = pods::Attempt { job: &completed, number: attempt_of(job), workflow: None };
        if warm::may_serve(attempt) {
            assert_eq!(names::chosen_pod(job), Some(name), "a pod that was not chosen");
        }
    }

    /// The pool has a pod that waits, if it has none.
    pub fn warm_up(&mut self) {
        if self.warm.is_some() {
            return;
        }
        self.pods_made += 1;
        let mut pod = self.workflows.warm_pod(&self.settings);
        pod.metadata.name = Some(format!("workflow-warm-{}", self.pods_made));
        pod.metadata.uid = Some(format!("pod-{}", self.pods_made));
        pod.metadata.resource_version = Some("1".to_owned());
        pod.metadata.creation_timestamp = Some(Time(self.now));
        pod.spec.as_mut().unwrap().node_name = Some("node".to_owned());
        let running = container("main", &json!({"running": {"startedAt": whole(self.now)}}));
        let ready = json!([{"type": "Ready", "status": "True"}]);
        set_status(&mut pod, &json!({"phase": "Running", "conditions": ready, "containerStatuses": [running]}));
        self.warm = Some(pod);
    }

    fn promise(&mut self) {
        let observed = self.observe().unwrap();
        let form = warm::Form::of(observed.current(), &self.settings, "1");
        let fitting = self.warm.as_ref().filter(|pod| form.fits(pod));
        self.promised = fitting.map_or(WarmSight::None, |pod| WarmSight::Promised(pod.name_any()));
    }

    fn assign_pod(&mut self, name: &str, patch: &Value) {
        let Some(pod) = self.warm.take_if(|pod| pod.name_any() == *name) else { return };
        self.check_vacancy();
        assert_eq!(patch["metadata"]["resourceVersion"], "1");
        let patched = merged(serde_json::to_value(pod).unwrap(), patch);
        self.pod = Some(serde_json::from_value(patched).unwrap());
        self.workflows.check(self.job.as_ref().unwrap(), self.pod.as_ref().unwrap());
        self.writes.push("pod assign");
    }

    fn check_vacancy(&self) {
        let free = self.pod.as_ref().is_none_or(|former| former.finalizers().is_empty() && ended(former));
        assert!(free, "two pods at once");
        assert!(self.retry_time().is_none_or(|due| due <= self.now), "an attempt before its time");
    }

    pub fn create_pod(&mut self, mut pod: Pod) {
        self.check_vacancy();
        self.writes.push("pod create");
        self.pods_made += 1;
        pod.metadata.uid = Some(format!("pod-{}", self.pods_made));
        pod.metadata.resource_version = Some("1".to_owned());
        pod.metadata.creation_timestamp = Some(Time(self.now));
        self.pod = Some(pod);
    }

    /// As the apiserver does: a second deletion counts from the first, and can only shorten the grace; without any it counts
    /// from now.
    pub fn delete_pod(&mut self, uid: &str, version: &str, grace: i64) {
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

    pub fn release_pod(&mut self, uid: &str) {
        let pod = self.pod.as_mut().unwrap();
        assert_eq!(pod.uid().as_deref(), Some(uid));
        self.writes.push("pod finalizer off");
        pod.finalizers_mut().clear();
    }

    /// The apiserver removes what nothing holds, and the garbage collector the pod of a job that is gone.
    pub fn collect(&mut self) {
        let free = |meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
            meta.deletion_timestamp.is_some() && meta.finalizers.as_ref().is_none_or(Vec::is_empty)
        };
        self.job = self.job.take().filter(|job| !free(&job.metadata));
        self.pod =
            self.pod.take().filter(|pod| !free(&pod.metadata) && (self.job.is_some() || !pod.finalizers().is_empty()));
    }

    pub fn retry_time(&self) -> Option<Timestamp> {
        self.job.as_ref()?.status.as_ref()?.retry_time.as_ref().map(|time| time.0)
    }

    /// Somebody else deletes the pod, and its program ends.
    pub fn disrupt(&mut self) {
        self.pod_deleted();
        self.finish(End::Failure);
    }

    /// Somebody else deletes the pod.
    pub fn pod_deleted(&mut self) {
        let now = self.now;
        if let Some(meta) =
            self.pod.as_mut().filter(|_| !self.node_lost).filter(|pod| !ended(pod)).map(|pod| &mut pod.metadata)
        {
            meta.deletion_grace_period_seconds.get_or_insert(GRACE);
            meta.deletion_timestamp.get_or_insert(Time(whole_second(now) + SignedDuration::from_secs(GRACE)));
        }
    }

    /// The node of the pod is cut off, and Kubernetes deletes the pod for that.
    pub fn disrupt_lost(&mut self) {
        self.node_lost = true;
        let meta = &mut self.pod.as_mut().unwrap().metadata;
        meta.deletion_grace_period_seconds = Some(GRACE);
        meta.deletion_timestamp = Some(Time(whole_second(self.now) + SignedDuration::from_secs(GRACE)));
    }

    pub fn user_deletes(&mut self) {
        if let Some(job) = &mut self.job {
            job.metadata.deletion_timestamp.get_or_insert(Time(self.now));
        }
        self.collect();
    }

    /// Never gentler than before: the schema sees to that.
    pub fn user_aborts(&mut self, immediate: bool, after: i64) {
        let Some(job) = &mut self.job else { return };
        let before = job.spec.abort.clone();
        let hard = immediate || before.as_ref().is_some_and(|abort| abort.mode == AbortMode::Immediate);
        let after_seconds = before.map_or(after, |abort| abort.after_seconds.min(after));
        let mode = if hard { AbortMode::Immediate } else { AbortMode::Graceful };
        job.spec.abort = Some(Abort { mode, after_seconds, reason: None });
        job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    }

    pub fn user_suspends(&mut self, wanted: bool) {
        let Some(job) = self.job.as_mut().filter(|job| job.spec.suspend != wanted) else { return };
        job.spec.suspend = wanted;
        job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    }

    /// The kubelet kills what is left at the end of its grace, a second late.
    pub fn kill(&mut self) {
        let end = self.pod.as_ref().and_then(|pod| pod.metadata.deletion_timestamp.clone());
        if end.is_some_and(|end| end.0 < self.now) {
            self.finish(End::Killed);
        }
    }

    /// Lets time go by as the operator wants to be woken, for so many seconds; the program never ends by itself.
    pub fn live(&mut self, seconds: i64) {
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

    pub fn start(&mut self) {
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

    pub fn finish(&mut self, end: End) {
        let now = self.now;
        let courier = self.job.as_ref().is_some_and(|job| job.spec.courier().enabled);
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

    /// The courier of a pod that had waited ends without having brought the input, and the kubelet will start it again.
    fn lose_input(&mut self) {
        let running = |pod: &&mut Pod| !ended(pod) && warm::assigned_time(pod).is_some();
        let Some(pod) = self.pod.as_mut().filter(running) else { return };
        let message = "the job's input is missing".to_owned();
        let record = FailureRecord { attempt: 1, cause: FailureCause::InputMissing, message };
        let last = json!({"terminated": {"exitCode": 1, "message": TerminationRecord::Failed(record).to_json()}});
        let mut courier = container(names::CONTAINER_COURIER, &json!({"waiting": {"reason": "CrashLoopBackOff"}}));
        courier["lastState"] = last;
        let status = pod.status.as_mut().unwrap();
        status.init_container_statuses = serde_json::from_value(json!([courier])).unwrap();
    }

    pub fn happen(&mut self, event: Event) {
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
            Event::Read(deletes) => self.client_reads(deletes),
            Event::Declare if self.queues.iter().any(|queue| queue.starts_with(KEPT)) => self.client_declares(),
            Event::Declare => {}
            Event::Ask => {
                let asked = |job: &mut OmotesJob| {
                    job.annotations_mut().insert(names::ANNOTATION_REPUBLISH_RESULT.to_owned(), String::new());
                };
                self.job.iter_mut().for_each(asked);
            }
            Event::Attach(attached) => self.attached = attached,
            Event::EditWorkflow => self.workflows.edit(),
            Event::Workflow(there) => self.workflows.there = there,
            Event::Warm(true) => self.warm_up(),
            Event::Warm(false) => self.warm = None,
            Event::InputMissing => self.lose_input(),
            Event::InputThere => self.memory.has_input = self.pod.is_some(),
            Event::Seats(terms) => self.workflows.free = terms,
            Event::BrokerDown => self.broker_up = false,
            Event::Blocked(blocked) => self.blocked = blocked,
            Event::Differ(differs) => self.differs = differs,
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
    pub fn settle(&mut self) {
        self.happen(Event::BrokerUp);
        self.happen(Event::Blocked(false));
        self.happen(Event::Differ(false));
        self.happen(Event::Suspend(false));
        self.happen(Event::Attach(false));
        self.happen(Event::Workflow(true));
        self.happen(Event::Seats(Seat::Taken));
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
pub fn read_back(status: &OmotesJobStatus) -> OmotesJobStatus {
    serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap()
}

pub fn ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let unbound = pod.spec.as_ref().unwrap().node_name.is_none() && pod.metadata.deletion_timestamp.is_some();
    unbound || matches!(phase, Some("Succeeded" | "Failed"))
}

pub fn container(name: &str, state: &Value) -> Value {
    json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

pub fn whole(now: Timestamp) -> String {
    whole_second(now).to_string()
}

pub fn set_status(pod: &mut Pod, status: &Value) {
    pod.status = Some(serde_json::from_value(status.clone()).unwrap());
}

//! The model world: a cluster and a broker in a few maps, in which the operator's steps have their effects.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod, ResourceRequirements},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;
use omotes_operator::testing::{
    api::{
        OmotesJob, OmotesJobStatus, Reason, names,
        queues::QueueDeletionPolicy,
        status::{AttemptStatus, ClientStatus, JobResultType, Phase, QueuesState, TerminationCause},
        stop::{Abort, AbortMode},
        time::whole_second,
    },
    limits::Defaults,
    plan::{
        self, Observed, Plan, Settings, Step,
        facts::{
            failure::Failure,
            lookups::{Inquiry, inquiry},
            observed::{
                BrokerSight, Claim, Preparation, ProgressReport, RedeliveryState, Refusal, RefusedResult, Removal,
                ResultSight, Sight, WarmSight, attempt_of,
            },
            owner, pod_state,
            presence::{CREATION_TIMEOUT, is_listed},
            winding,
        },
        phases::failed_pass,
        steps::{FinalMessage, client_status},
    },
    pods::{self, warm},
    result::{QueueEnd, ResultQueue, refused::KeptBecause},
    topology,
    wire::{
        CapabilityKey, CommitRecord, CourierOutput, Digest, EsdlMessage, FailureCause, FailureRecord, JobStatus, Keys,
        ProgressLine, Severity, TerminationRecord,
    },
    workflow::seats::Seat,
};
use serde_json::{Value, json};

use super::workflows::Workflows;
use crate::support::bed::merged;

/// The template's grace, and that of a pod with a courier, in seconds.
pub(crate) const GRACE: i64 = 5;
pub(crate) const FLUSH: i64 = 120;
/// The name of the job, and where its input came over the broker its id, too.
pub(crate) const NAME: &str = "job";
pub(crate) const KEPT: &str = "omotes.kept.";
const UID: &str = "8c0a1f5e-7f66-4d0e-a6a9-2f4a0c2f9d11";

/// What a process remembers; lost when it dies.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    /// The attempt that it is of.
    pub attempt: i32,
    /// The pod that it made, tried to make, or saw.
    pub made: Option<String>,
    /// What it has told the client.
    pub told: Option<ClientStatus>,
    /// When its creation had no answer.
    pub unanswered: Option<Timestamp>,
    pub queues: Option<Timestamp>,
    /// When a queue was refused that has other arguments.
    pub refused: Option<Timestamp>,
    /// When the queue of the result was found to be an earlier job's.
    pub occupied: Option<Timestamp>,
    pub witnessed: bool,
    /// What came of publishing the result.
    pub sent: Option<ResultSight>,
    pub redelivery: Option<RedeliveryState>,
    pub progress: Option<ProgressReport>,
    pub has_input: bool,
    pub ended_by_itself: Option<(String, Timestamp)>,
    pub courier_heard: Option<Timestamp>,
    pub record: Option<TerminationRecord>,
    pub main_ended: Option<Timestamp>,
    pub removal: Option<Removal>,
    pub failure: Option<Failure>,
}

/// What the operator's watch showed last.
#[derive(Clone)]
pub(crate) struct Shown(pub Option<Pod>);

#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the history")]
pub(crate) struct World {
    pub now: Timestamp,
    pub job: Option<OmotesJob>,
    pub pod: Option<Pod>,
    /// A pod that waits for a job.
    pub warm: Option<Pod>,
    /// What came of asking for it, in this pass.
    pub promised: WarmSight,
    pub broker_up: bool,
    /// Since when the broker is as it is, as far as the operator knows.
    pub broker_since: Timestamp,
    /// How often an operator died, or did not learn what came of what it did.
    pub lapses: usize,
    /// It is there, and takes no messages.
    pub blocked: bool,
    /// The job's courier does not reach the broker; otherwise it greets the operator all the time.
    pub courier_cut: bool,
    /// A queue of the job's has other arguments.
    pub differs: bool,
    /// The queue of the result answers nothing: what is published to it arrives, or is lost, when that is over.
    pub silent: bool,
    /// What was published to it meanwhile.
    pub in_flight: Option<(String, Bytes)>,
    /// Cluster and broker refuse everything but the job's status.
    pub denies: bool,
    /// The kubelet is cut off: it starts and ends nothing.
    pub node_lost: bool,
    /// Whatever admits pods adds a container before main and names it the default one. It runs on when main has ended.
    pub injects: bool,
    /// How main of the pod ended, and whether its courier has sent the output.
    pub ended: Option<(End, bool)>,
    /// By how many seconds the clock of the node is ahead.
    pub node_ahead: i64,
    /// Main of the last pod exited with 0 before anything told it to stop.
    pub succeeded_by_itself: bool,
    pub listening_since: Timestamp,
    pub queues: BTreeSet<String>,
    pub output: Option<Bytes>,
    /// The result waits in its queue.
    pub unread: bool,
    /// The result of an earlier job with this jobId waits in the queue.
    pub earlier: bool,
    /// The client took a result.
    pub delivered: bool,
    /// Which queues refuse which results.
    pub refuses: Refuses,
    /// The result that the operator's queue keeps.
    pub kept: Option<(String, Bytes)>,
    /// Results sent again because the broker could not show that they were read.
    pub repeats: usize,
    /// The broker counts no message where there is one.
    pub miscounts: bool,
    /// A client consumes the job's queues.
    pub attached: bool,
    /// Who removed the result queue, and when.
    pub result_end: Option<(QueueEnd, Timestamp)>,
    /// What came of passing on a kept result, in this pass.
    pub redelivery: Option<RedeliveryState>,
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
    /// An operator died when it had kept the result, before that was stored: the sweep finds the copy.
    pub left_to_sweep: bool,
    pub writes: Vec<&'static str>,
    pub memory: Memory,
    pub settings: Settings,
    pub workflows: Workflows,
    /// Whose the job's id is.
    pub claim: Claim,
    /// The pod as the operator's watch last showed it, while the watch lags.
    pub lags: Option<Shown>,
    /// What the operator looked up in this pass.
    looked_up: BTreeMap<String, Sight<Arc<Pod>>>,
}

/// Who carries out the passes: as the operator does, where nothing says otherwise.
pub(crate) trait Executor {
    /// Changes what a pass sees of `world`.
    fn sees(&mut self, _world: &World, _observed: &mut Observed) {}

    /// Changes what was decided.
    fn decides(&mut self, _observed: &Observed, plan: Plan) -> Plan {
        plan
    }

    /// Carries out a step; tells whether it succeeded.
    fn carries_out(&mut self, world: &mut World, step: Step) -> bool {
        world.execute(step)
    }
}

struct Faithful;

impl Executor for Faithful {}

/// What becomes of a step of the operator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cut {
    /// The operator dies before it.
    Dies,
    /// It fails, and nothing comes of it.
    Fails,
    /// It has its effect, and the operator does not learn of it.
    Unanswered,
}

/// How the model's program ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Success,
    Failure,
    Killed,
    OutOfMemory,
    OutputLost,
    /// The courier says that it sent an output that the broker does not have.
    OutputVanished,
}

/// Which queues refuse results with a nack, by a policy of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refuses {
    Nothing,
    /// The client's queue refuses all.
    ByClient,
    /// The client's queue and that of the operator refuse what has an output.
    Outputs,
    /// Both refuse all.
    All,
}

/// What of the cluster ends a pod.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ByCluster {
    /// The kubelet ends it for this reason, and its program exits with this code. The first word is the reason of
    /// `ContainersReady` while containers still run.
    Kubelet { reason: &'static str, message: &'static str, targeted: bool, code: i32 },
    /// The runtime lost its containers.
    Unknown { code: i32, reason: &'static str },
    /// The node lost its power, and all containers were killed; or all but one that had ended with 0 before.
    PowerLoss { helped: bool },
    /// A node refuses the pod.
    Refusal(&'static str),
    /// The node lost main, and its kubelet gives it no id and no times; the state is that of one which waits, or has ended.
    Forgotten { waits: bool },
    /// The node was started anew while an init container ran.
    Reboot,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    Wait(i64),
    Start,
    Finish(End),
    /// The cluster ends the pod.
    ByCluster(ByCluster),
    /// The clock of the node that the next pod is on is ahead by so many seconds.
    NodeAhead(i64),
    /// Main ends, and its pod does not yet.
    MainEnds(End),
    /// The courier of such a pod sends the output where it is asked to, and the operator receives its word or does not.
    CourierSends(bool),
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
    /// The client of an earlier job with this jobId reads its result.
    ReadEarlier,
    /// Queues refuse results, or take them again.
    Refuse(Refuses),
    /// A policy, a message TTL or an administrator removes the result from its queue.
    Purge,
    /// The client consumes its queues, or does not any more.
    Attach(bool),
    /// Somebody changes the workflow's template.
    EditWorkflow,
    /// The workflow shares the slots of another pool, or of none.
    Pool(Option<&'static str>),
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
    /// The queue of the result answers nothing any more, or does again.
    Silent(bool),
    /// The broker takes no messages, or does again.
    Blocked(bool),
    /// Somebody makes a queue of the job's with other arguments, or removes it.
    Differ(bool),
    /// Cluster and broker refuse what the job needs, or do not any more.
    Deny(bool),
    Progress(u8),
    /// The courier loses the broker, or finds it again.
    CourierCut(bool),
    Crash,
    /// The operator carries out at most so many steps, then dies.
    ReconcileThenCrash(usize),
    /// The same, and then this becomes of the next one.
    Cut(usize, Cut),
    /// Somebody changes the labels by which the operator's watch shows the pod.
    Relabel,
    /// Somebody removes the pod's owner.
    Disown,
    /// The watch shows no change any more, or does again.
    WatchLags(bool),
    Reconcile,
}

pub(crate) fn settings() -> Settings {
    Settings {
        courier_image: "courier".to_owned(),
        courier_pull_policy: None,
        courier_resources: ResourceRequirements::default(),
        keys: Keys { current: CapabilityKey::new(&[7; 32]).unwrap(), previous: None },
        defaults: Defaults::default(),
        gateway_namespace: Some("ns".to_owned()),
        priority_classes: BTreeMap::new(),
        deadline_result: JobResultType::Cancelled,
    }
}

pub(crate) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

impl Memory {
    /// Whether the creation of a pod had no answer.
    pub(crate) fn awaits_pod(&self) -> bool {
        self.unanswered.is_some()
    }
}

impl World {
    pub(crate) fn new(patch: &Value) -> Self {
        let job: Value = json!({
            "apiVersion": "omotes.io/v1alpha1",
            "kind": "OmotesJob",
            "metadata": {"name": NAME, "namespace": "ns", "uid": UID, "generation": 1, "resourceVersion": "1", "creationTimestamp": time(0).to_string()},
            "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i"}], "terminationGracePeriodSeconds": GRACE}}},
        });
        let mut job: OmotesJob = serde_json::from_value(merged(job, &json!({"spec": patch}))).unwrap();
        let queues: BTreeSet<String> = pods::input_queue(&job, &settings().keys).into_iter().collect();
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
            broker_since: time(1),
            lapses: 0,
            blocked: false,
            courier_cut: false,
            differs: false,
            silent: false,
            in_flight: None,
            denies: false,
            node_lost: false,
            injects: false,
            ended: None,
            node_ahead: 0,
            succeeded_by_itself: false,
            listening_since: time(1),
            queues,
            output: None,
            unread: false,
            earlier: false,
            delivered: false,
            refuses: Refuses::Nothing,
            kept: None,
            repeats: 0,
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
            left_to_sweep: false,
            writes: Vec::new(),
            memory: Memory::default(),
            settings: settings(),
            workflows: Workflows::new(),
            claim: Claim::Ours,
            lags: None,
            looked_up: BTreeMap::new(),
        }
    }

    pub(crate) fn observe(&mut self) -> Option<Observed> {
        self.witness();
        let job = self.job.clone()?;
        self.remember_attempt(attempt_of(&job));
        let pod = self.sight(0);
        if matches!(&pod, Sight::Known(pod) if owner::is_of(pod, &job)) {
            (self.memory.made, self.memory.unanswered) = (Some(names::pod_of(&job, attempt_of(&job))), None);
        }
        if self.pod.is_some() && !self.courier_cut && self.is_usable() {
            self.memory.courier_heard = Some(self.now);
        }
        let mut observed = Observed {
            now: self.now,
            job: Arc::new(self.workflows.sight(&job).complete(job.clone())),
            claim: self.claim.clone(),
            workflow: self.workflows.sight(&job),
            seat: self.workflows.seat,
            slot_pool: self.workflows.slot_pool.clone(),
            warm: self.promised.clone(),
            pod,
            was_pod_made: self.memory.made == Some(names::pod_of(&job, attempt_of(&job))),
            former: self.sight(1),
            broker: self.broker(),
            broker_since: self.broker_since,
            told: self.memory.told,
            courier_secret: if self.secret { Preparation::Ready(self.now) } else { Preparation::Unknown },
            queues: self.preparation(),
            failure: self.memory.failure.clone(),
            pod_refusal: None,
            output: Sight::Unreachable,
            result: ResultSight::Unsent,
            ended_by_itself: self.witnessed(),
            has_input: self.memory.has_input,
            record: self.memory.record.clone(),
            main_ended: self.memory.main_ended,
            progress: self.memory.progress.clone(),
            courier_heard: self.memory.courier_heard,
            listening_since: self.listening_since,
            result_queue: self.result_queue(),
            removal: self.memory.removal.unwrap_or(Removal::Untried),
            redelivery: self.redelivery.take().or(self.memory.redelivery).unwrap_or(RedeliveryState::Untried),
            retained: Vec::new(),
            pod_events: None,
        };
        if winding::is_winding(&observed) {
            observed.main_ended = Some(*self.memory.main_ended.get_or_insert(self.now));
        }
        match inquiry(&observed, &self.settings) {
            Inquiry::Alive | Inquiry::Unstarted => self.memory.witnessed = true,
            Inquiry::Winding | Inquiry::Unseen | Inquiry::Settled => {}
            Inquiry::Ending { output, needs_output, .. } => {
                observed.result = self.result_sight();
                if output.is_none() && needs_output {
                    observed.output = Sight::Absent;
                }
                if output.is_some() && self.is_usable() {
                    observed.output = self.output.clone().map_or(Sight::Absent, Sight::Known);
                }
            }
        }
        Some(observed)
    }

    /// The process sees what the pod says now.
    pub(crate) fn witness(&mut self) {
        let proof = self.pod.as_ref().filter(|pod| pod_state::ended_by_itself(pod, "main")).and_then(ResourceExt::uid);
        let known = self.memory.ended_by_itself.as_ref().map(|(uid, _)| uid);
        if let Some(uid) = proof.filter(|uid| Some(uid) != known) {
            self.memory.ended_by_itself = Some((uid, self.now));
        }
    }

    fn witnessed(&self) -> Option<Timestamp> {
        let Sight::Known(pod) = self.sight(0) else { return None };
        self.memory.ended_by_itself.as_ref().filter(|(uid, _)| pod.uid().as_ref() == Some(uid)).map(|(_, at)| *at)
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
    pub(crate) fn sight(&self, before: i32) -> Sight<Arc<Pod>> {
        let job = self.job.as_ref().unwrap();
        let number = attempt_of(job) - before;
        let name = names::pod_of(job, number);
        let shown = self.lags.as_ref().map_or(&self.pod, |shown| &shown.0).as_ref().filter(|pod| is_listed(pod));
        let shown = [shown, self.warm.as_ref()].into_iter().flatten().find(|pod| pod.name_any() == name);
        match (shown, self.looked_up.get(&name)) {
            _ if number <= 0 => Sight::Absent,
            (_, Some(looked_up)) => looked_up.clone(),
            (Some(pod), None) => Sight::Known(Arc::new(pod.clone())),
            (None, None) if self.has_seen_the_end_of(&name) => Sight::Absent,
            (None, None) => Sight::Unlisted,
        }
    }

    fn has_seen_the_end_of(&self, name: &str) -> bool {
        let seen = self.memory.made.as_deref() == Some(name) && self.memory.unanswered.is_none();
        seen && self.lags.is_none() && self.pod.as_ref().is_none_or(|pod| pod.name_any() != *name)
    }

    /// As the apiserver tells it: what is not there may still come, where its creation had no answer.
    fn look_up(&mut self, name: String) {
        let pod = [&self.pod, &self.warm].into_iter().flatten().find(|pod| pod.name_any() == name).cloned();
        let made = self.memory.made.as_ref() == Some(&name);
        let pending = made && self.memory.unanswered.is_some_and(|at| self.now < at + CREATION_TIMEOUT);
        let sight = match pod {
            Some(pod) => Sight::Known(Arc::new(pod)),
            None if pending => Sight::Unreachable,
            None => Sight::Absent,
        };
        if made && sight == Sight::Absent {
            (self.memory.made, self.memory.unanswered) = (None, None);
        }
        self.looked_up.insert(name, sight);
    }

    /// The operator has the answer to a change of the pod.
    fn answer(&mut self) {
        if let Some(shown) = &mut self.lags {
            shown.0.clone_from(&self.pod);
        }
        let names: Vec<String> = self.looked_up.keys().cloned().collect();
        for name in names {
            self.look_up(name);
        }
    }

    /// Whether the pod is not any more as the operator sees it, so that the apiserver refuses a change of it.
    fn is_stale(&self) -> bool {
        self.looked_up.is_empty() && self.lags.as_ref().is_some_and(|shown| shown.0 != self.pod)
    }

    /// What is of an attempt is forgotten with it.
    fn remember_attempt(&mut self, number: i32) {
        if std::mem::replace(&mut self.memory.attempt, number) != number {
            (self.memory.queues, self.memory.refused, self.memory.occupied) = (None, None, None);
            (self.memory.record, self.memory.main_ended) = (None, None);
            (self.memory.progress, self.memory.has_input) = (None, false);
            self.memory.courier_heard = None;
        }
    }

    pub(crate) fn result_sight(&self) -> ResultSight {
        match self.memory.sent {
            Some(ref sight) => sight.clone(),
            None if self.in_flight.is_some() && self.is_usable() => {
                ResultSight::Unknown(self.now + SignedDuration::from_secs(2))
            }
            // The broker shows a message, whose ever it is.
            None if self.earlier && self.is_usable() => ResultSight::Sent { at: self.now, routed: true },
            None if self.memory.witnessed || !self.is_usable() || self.results.is_empty() => ResultSight::Unsent,
            None => ResultSight::Sent { at: self.now, routed: true },
        }
    }

    /// One pass that dies after `limit` steps. Tells when the plan came to rest.
    pub(crate) fn reconcile(&mut self, limit: usize) -> Option<Plan> {
        self.cut(limit, Cut::Dies)
    }

    /// One pass that carries out `limit` steps; then this becomes of the next one, and the pass ends.
    pub(crate) fn cut(&mut self, limit: usize, cut: Cut) -> Option<Plan> {
        self.pass(limit, cut, &mut Faithful)
    }

    fn begin_pass(&mut self) {
        self.looked_up.clear();
        (self.workflows.seat, self.promised) = (Seat::Unknown, WarmSight::Unasked);
    }

    /// The same, carried out by `executor`.
    pub(crate) fn pass(&mut self, limit: usize, cut: Cut, executor: &mut dyn Executor) -> Option<Plan> {
        let mut done = 0;
        self.begin_pass();
        for round in 0..13 {
            let mut observed = self.observe()?;
            executor.sees(self, &mut observed);
            let trace = failed_pass::trace(&observed).filter(|_| round == 0);
            let plan = trace.unwrap_or_else(|| executor.decides(&observed, plan::plan(&observed, &self.settings)));
            assert!(plan.wake.is_none_or(|wake| wake > self.now), "wake is in the past: {plan:?}");
            if plan.steps.is_empty() {
                self.memory.failure = None;
                return Some(plan);
            }
            for step in plan.steps {
                if done == limit {
                    self.end_with(step, cut, executor);
                    return None;
                }
                done += 1;
                if self.denies && !matches!(step, Step::PatchStatus(_) | Step::Warn { .. }) {
                    self.fail();
                    return None;
                }
                if !executor.carries_out(self, step) {
                    return None;
                }
            }
        }
        panic!("the plan does not come to rest");
    }

    fn end_with(&mut self, step: Step, cut: Cut, executor: &mut dyn Executor) {
        let tried = match &step {
            Step::CreatePod(pod) => Some(pod.name_any()),
            _ => None,
        };
        let publishes = matches!(step, Step::PublishResult(_));
        let declares = matches!(&step, Step::EnsureQueues { declare, .. } if !declare.is_empty());
        let (memory, lags) = (self.memory.clone(), self.lags.clone());
        match cut {
            Cut::Dies => return self.crash(),
            Cut::Fails => self.lapses += 1,
            Cut::Unanswered => {
                self.lapses += 1;
                executor.carries_out(self, step);
            }
        }
        (self.memory, self.lags) = (memory, lags);
        if tried.is_some() {
            (self.memory.made, self.memory.unanswered) = (tried, Some(self.now));
        }
        if declares {
            (self.memory.occupied, self.memory.refused) = (None, None);
        }
        if publishes {
            self.forgets_what_it_kept();
            (self.memory.sent, self.memory.witnessed) = (None, false);
        }
    }

    fn fail(&mut self) {
        let message = format!("forbidden, at {}", self.now.as_second());
        let since = self.now;
        self.memory.failure.get_or_insert(Failure { since, reason: Reason::QuotaExceeded, message });
    }

    pub(crate) fn crash(&mut self) {
        self.forgets_what_it_kept();
        self.lapses += 1;
        self.broker_since = self.now;
        self.memory = Memory::default();
        self.in_flight = None;
        self.listening_since = self.now;
    }

    /// A broker that comes back may have lost queues, and another process may have sent the result meanwhile.
    pub(crate) fn forget_broker(&mut self) {
        (self.memory.queues, self.memory.witnessed) = (None, false);
    }

    fn forgets_what_it_kept(&mut self) {
        let stored = self.job.as_ref().and_then(|job| job.status.as_ref()).and_then(OmotesJobStatus::kept_until);
        self.left_to_sweep |= self.kept.is_some() && stored.is_none();
    }

    fn preparation(&self) -> Preparation {
        let refusal = |at| Refusal { at, reason: Reason::ArgumentsDiffer, message: "they differ".to_owned() };
        let refused = self.memory.refused.map(|at| Preparation::Refused(refusal(at)));
        let refusal = |at| Refusal { at, reason: Reason::ResultQueueInUse, message: "an earlier job's".to_owned() };
        let retry_at = |at: Timestamp| at + SignedDuration::from_secs(60);
        if let Some(at) = self.memory.occupied {
            return Preparation::Occupied { refusal: refusal(at), retry_at: retry_at(at) };
        }
        refused.or(self.memory.queues.map(Preparation::Ready)).unwrap_or(Preparation::Unknown)
    }

    /// Tells whether the step succeeded.
    pub(crate) fn execute(&mut self, step: Step) -> bool {
        if matches!(step, Step::DeletePod { .. } | Step::AnnotatePod { .. } | Step::AssignPod { .. }) && self.is_stale()
        {
            return false;
        }
        let changes_pod = changes_pod(&step);
        self.check_guards(&step);
        match step {
            Step::LookUpPod { name } => self.look_up(name),
            Step::AddFinalizer => {
                self.taken_on = true;
                self.change_job("finalizer on", |job| job.finalizers_mut().push(names::FINALIZER_CLEANUP.into()));
            }
            Step::EnsureCourierSecret => self.secret = true,
            Step::EnsureQueues { takes: Some(_), .. } if self.earlier => self.memory.occupied = Some(self.now),
            Step::EnsureQueues { declare, .. } if self.differs && !declare.is_empty() => {
                (self.memory.refused, self.memory.occupied) = (Some(self.now), None);
            }
            Step::EnsureQueues { declare, renew: _, takes: _ } => {
                (self.memory.refused, self.memory.occupied) = (None, None);
                self.queues.extend(declare.into_iter().map(|queue| queue.name));
                self.memory.queues = Some(self.now);
            }
            Step::PublishStatus { status, .. } => {
                self.statuses.push(status);
                self.memory.told = self.memory.told.max(client_status(status));
            }
            Step::PublishProgress { .. } => self.memory.progress.as_mut().unwrap().sent = true,
            Step::TakeSeat => self.workflows.ask(),
            Step::TakeWarmPod => self.promise(),
            Step::AssignPod { name, patch } => self.assign_pod(&name, &patch),
            Step::EndPod { patch, .. } => {
                self.writes.push("pod end");
                let pod = serde_json::to_value(self.pod.take().unwrap()).unwrap();
                self.pod = Some(serde_json::from_value(merged(pod, &patch)).unwrap());
            }
            Step::AnnotatePod { patch, .. } | Step::RestoreOwner { patch, .. } => {
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
            Step::PublishResult(message) => self.publish_result(message),
            Step::DeliverKept { queue, because, .. } => self.deliver_kept(&queue, because),
            Step::PatchStatus(status) => {
                let ends = status.phase.is_some_and(Phase::is_terminal) && !self.job.as_ref().unwrap().has_ended();
                self.left_to_ttl |= ends && !self.is_usable();
                self.given_up |= status.result.as_ref().is_some_and(|result| result.published_time.is_none());
                self.in_flight.take_if(|_| self.given_up);
                self.check_words(&status);
                self.change_job("status", |job| job.status = Some(read_back(&status)));
            }
            Step::Warn { .. } => {}
            Step::ReleasePod { uid, .. } => {
                self.left_to_ttl |= !self.is_usable();
                self.release_pod(&uid);
            }
            Step::DeleteOwnQueue(queue) => {
                if queue.starts_with(KEPT) {
                    self.kept = None;
                }
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
        if changes_pod {
            self.answer();
        }
        true
    }

    /// As the broker tells it: at once, and rightly unless it miscounts.
    fn result_queue(&self) -> ResultQueue {
        let is_there = self.queues.iter().any(|queue| queue.ends_with(".result"));
        match (&self.result_end, is_there) {
            _ if self.results.is_empty() && !self.reached_nobody => ResultQueue::Unknown,
            (_, true) if self.unread && !self.miscounts => ResultQueue::Unread,
            (_, true) if self.miscounts || self.delivered => ResultQueue::Read(self.now),
            (_, true) => ResultQueue::Emptied(self.now),
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

    /// What a status says of the result is so: the broker took it, and the client has it.
    fn check_words(&self, status: &OmotesJobStatus) {
        let published = status.conditions.iter().find(|known| known.type_ == "ResultPublished");
        if published.is_some_and(|known| known.status == "True") {
            assert!(!self.results.is_empty(), "no queue took the result: {published:?}");
        }
        let read = status.queues.as_ref().and_then(|queues| queues.state) == Some(QueuesState::Consumed);
        assert!(!read || self.delivered || self.miscounts, "the client has read nothing: {:?}", status.queues);
    }

    /// The client makes the queue that it wants its result in.
    pub(crate) fn client_declares(&mut self) {
        self.queues.extend(self.job.as_ref().map(|job| topology::result_queue(names::JobId::of(job).as_str())));
    }

    /// As the broker's evidence has it: a message that is there shows it, and in a new queue a delivery.
    fn deliver_kept(&mut self, queue: &str, because: KeptBecause) {
        let taken = self.delivered && because == KeptBecause::Unroutable;
        let done = !self.reached_nobody && (self.unread || taken);
        self.memory.redelivery = None;
        self.redelivery = Some(match self.kept.clone() {
            _ if done => RedeliveryState::Done(self.now),
            None => RedeliveryState::Lost,
            Some(_) if !self.queues.contains(queue) => RedeliveryState::Unroutable,
            Some(_) if self.is_refused(true, true) => {
                let retry = RedeliveryState::Refused(self.now + SignedDuration::from_secs(15));
                self.memory.redelivery = Some(retry);
                retry
            }
            Some(kept) => {
                self.repeats += usize::from(!self.reached_nobody);
                (self.unread, self.reached_nobody) = (true, false);
                self.results.push(kept);
                RedeliveryState::Done(self.now)
            }
        });
    }

    /// Whether a result is kept beside its client's queue.
    pub(crate) fn withholds(&self) -> bool {
        let there =
            |prefix: &str, end: &str| self.queues.iter().any(|queue| queue.starts_with(prefix) && queue.ends_with(end));
        there(KEPT, "") && there("jobs.", ".result")
    }

    fn is_refused(&self, to_client: bool, has_output: bool) -> bool {
        match self.refuses {
            Refuses::Nothing => false,
            Refuses::ByClient => to_client,
            Refuses::Outputs => has_output,
            Refuses::All => true,
        }
    }

    fn publish_result(&mut self, message: FinalMessage) {
        let FinalMessage { queue, message_id, body, kept, has_output } = message;
        assert_eq!(self.in_flight, None, "a result is published while it is under way");
        if self.silent {
            self.in_flight = Some((message_id, body));
            (self.memory.sent, self.memory.witnessed) = (None, false);
            return;
        }
        let (at, is_there) = (self.now, self.queues.contains(&queue));
        if is_there && !self.is_refused(true, has_output) {
            self.queues.remove(&kept.name);
            self.kept = None;
            (self.unread, self.reached_nobody) = (true, false);
            self.results.push((message_id, body));
            self.memory.sent = Some(ResultSight::Sent { at, routed: true });
            return;
        }
        let keeps = !self.is_refused(false, has_output);
        self.queues.remove(&kept.name);
        self.kept = None;
        if keeps {
            self.queues.insert(kept.name);
            self.kept = Some((message_id, body));
        }
        self.reached_nobody = true;
        let refused = RefusedResult { at, why: "the model refuses it".to_owned(), kept: keeps, had_output: has_output };
        let unroutable = keeps && !is_there;
        self.memory.sent =
            Some(if unroutable { ResultSight::Sent { at, routed: false } } else { ResultSight::Refused(refused) });
        if is_there {
            self.memory.redelivery = Some(RedeliveryState::Refused(at + SignedDuration::from_secs(15)));
        }
    }

    /// What is under way arrives once its queue answers, where that is still there.
    fn falls_silent(&mut self, silent: bool) {
        self.silent = silent;
        let Some(job) = self.job.as_ref().filter(|_| !silent) else { return };
        let queue = topology::result_queue(names::JobId::of(job).as_str());
        if let Some(arrived) = self.in_flight.take().filter(|_| self.queues.contains(&queue)) {
            (self.unread, self.reached_nobody) = (true, false);
            self.results.push(arrived);
            self.memory.sent = Some(ResultSight::Sent { at: self.now, routed: true });
        }
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
        (self.unread, self.delivered) = (false, true);
        if deletes {
            self.queues.remove(&result);
            self.end_result_queue(QueueEnd::ByUser("client".to_owned()));
        }
    }

    /// What must hold before each step, whatever happened.
    pub(crate) fn check_guards(&self, step: &Step) {
        let job = self.job.as_ref().unwrap();
        let held = job.finalizers().iter().any(|held| held == names::FINALIZER_CLEANUP);
        let terminal = job.status.as_ref().and_then(|status| status.phase).is_some_and(Phase::is_terminal);
        self.check_earlier(step);
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
                let input = pods::input_queue(job, &self.settings.keys);
                let missing = input.is_some_and(|queue| !self.queues.contains(&queue));
                assert!(!(missing && begins), "a pod without its input");
                assert!(
                    !matches!(step, Step::PublishResult(_)) || !self.runs_unstopped(),
                    "told while the program runs"
                );
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
                let edited = stored.observed_generation != job.metadata.generation;
                let kept =
                    anew || edited || stored.deadline_time.is_none() || stored.deadline_time == status.deadline_time;
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

    /// An earlier job's unread result stays, and nothing joins it.
    fn check_earlier(&self, step: &Step) {
        let touches = match step {
            Step::EnsureQueues { takes, .. } => takes.is_none(),
            Step::PublishStatus { .. } | Step::PublishResult(_) | Step::CreatePod(_) | Step::AssignPod { .. } => true,
            Step::DeleteClientQueues { .. } | Step::DeliverKept { .. } => true,
            _ => false,
        };
        assert!(!(self.earlier && touches), "an earlier job's result is unread: {step:?}");
    }

    /// An earlier job with this jobId left its result in the queue.
    pub(crate) fn left_by_an_earlier_job(&mut self) {
        self.client_declares();
        self.earlier = true;
    }

    pub(crate) fn change_job(&mut self, what: &'static str, change: impl FnOnce(&mut OmotesJob)) {
        self.writes.push(what);
        change(self.job.as_mut().unwrap());
    }

    /// Whether the program runs, and nothing stops it.
    fn runs_unstopped(&self) -> bool {
        let Some(pod) = self.pod.as_ref().filter(|_| !self.node_lost) else { return false };
        let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.clone()).unwrap_or_default();
        let mut states = statuses.into_iter().filter(|status| status.name == "main").filter_map(|status| status.state);
        pod.metadata.deletion_timestamp.is_none() && states.any(|state| state.running.is_some())
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
        let attempt = pods::Attempt { job: &completed, number: attempt_of(job), workflow: None, slot_pool: None };
        if warm::may_serve(attempt) {
            assert_eq!(names::chosen_pod(job), Some(name), "a pod that was not chosen");
        }
    }

    /// The pool has a pod that waits, if it has none.
    pub(crate) fn warm_up(&mut self) {
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
        let form = warm::Form::of(observed.current(), &self.settings);
        let fitting = self.warm.as_ref().filter(|pod| form.fits(pod));
        self.promised = fitting.map_or(WarmSight::None, |pod| WarmSight::Promised(pod.name_any()));
    }

    fn assign_pod(&mut self, name: &str, patch: &Value) {
        let Some(pod) = self.warm.take_if(|pod| pod.name_any() == *name) else { return };
        self.check_vacancy();
        assert_eq!(patch["metadata"]["resourceVersion"], "1");
        self.ended = None;
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

    pub(crate) fn create_pod(&mut self, mut pod: Pod) {
        (self.memory.made, self.memory.unanswered) = (Some(pod.name_any()), None);
        // The apiserver has it already: the operator looks at it.
        if self.pod.as_ref().is_some_and(|known| known.name_any() == pod.name_any()) {
            return self.look_up(pod.name_any());
        }
        self.check_vacancy();
        self.writes.push("pod create");
        self.pods_made += 1;
        self.ended = None;
        if self.injects {
            let proxy = serde_json::from_value(json!({"name": "proxy", "image": "i"})).unwrap();
            pod.spec.as_mut().unwrap().containers.insert(0, proxy);
            pod.annotations_mut().insert(names::ANNOTATION_DEFAULT_CONTAINER.to_owned(), "proxy".to_owned());
        }
        pod.metadata.uid = Some(format!("pod-{}", self.pods_made));
        pod.metadata.resource_version = Some("1".to_owned());
        pod.metadata.creation_timestamp = Some(Time(self.now));
        self.pod = Some(pod);
        self.memory.witnessed |= self.is_usable();
    }

    /// As the apiserver does: a second deletion counts from the first, and can only shorten the grace; without any it counts
    /// from now.
    pub(crate) fn delete_pod(&mut self, uid: &str, version: &str, grace: i64) {
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

    pub(crate) fn release_pod(&mut self, uid: &str) {
        let Some(pod) = self.pod.as_mut().filter(|pod| pod.uid().as_deref() == Some(uid)) else { return };
        let forced = pod.metadata.deletion_grace_period_seconds == Some(0);
        let main = pod.status.as_ref().and_then(|status| status.container_statuses.clone()).unwrap_or_default();
        let mut main = main.into_iter().filter(|status| status.name == "main").filter_map(|status| status.state);
        let main_ended = main.any(|state| state.terminated.is_some());
        assert!(forced || ended(pod) || main_ended, "a pod is released while its program may run");
        self.writes.push("pod finalizer off");
        pod.finalizers_mut().clear();
    }

    /// The apiserver removes what nothing holds, and the garbage collector the pod of a job that is gone.
    pub(crate) fn collect(&mut self) {
        let free = |meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
            meta.deletion_timestamp.is_some() && meta.finalizers.as_ref().is_none_or(Vec::is_empty)
        };
        self.job = self.job.take().filter(|job| !free(&job.metadata));
        self.pod =
            self.pod.take().filter(|pod| !free(&pod.metadata) && (self.job.is_some() || !pod.finalizers().is_empty()));
    }

    pub(crate) fn retry_time(&self) -> Option<Timestamp> {
        self.job.as_ref()?.status.as_ref()?.retry_time.as_ref().map(|time| time.0)
    }

    /// Somebody else deletes the pod, and its program ends.
    pub(crate) fn disrupt(&mut self) {
        self.pod_deleted();
        self.finish(End::Failure);
    }

    /// Somebody else deletes the pod.
    pub(crate) fn pod_deleted(&mut self) {
        let now = self.now;
        if let Some(meta) =
            self.pod.as_mut().filter(|_| !self.node_lost).filter(|pod| !ended(pod)).map(|pod| &mut pod.metadata)
        {
            meta.deletion_grace_period_seconds.get_or_insert(GRACE);
            meta.deletion_timestamp.get_or_insert(Time(whole_second(now) + SignedDuration::from_secs(GRACE)));
        }
    }

    /// The node of the pod is cut off, and Kubernetes deletes the pod for that.
    pub(crate) fn disrupt_lost(&mut self) {
        self.node_lost = true;
        let meta = &mut self.pod.as_mut().unwrap().metadata;
        meta.deletion_grace_period_seconds = Some(GRACE);
        meta.deletion_timestamp = Some(Time(whole_second(self.now) + SignedDuration::from_secs(GRACE)));
    }

    pub(crate) fn user_deletes(&mut self) {
        if let Some(meta) =
            self.job.as_mut().map(|job| &mut job.metadata).filter(|meta| meta.deletion_timestamp.is_none())
        {
            meta.deletion_timestamp = Some(Time(self.now));
            meta.generation = meta.generation.map(|generation| generation + 1);
        }
        self.collect();
    }

    /// Never gentler than before: the schema sees to that.
    pub(crate) fn user_aborts(&mut self, immediate: bool, after: i64) {
        let Some(job) = &mut self.job else { return };
        let before = job.spec.abort.clone();
        let hard = immediate || before.as_ref().is_some_and(|abort| abort.mode == AbortMode::Immediate);
        let after_seconds = before.map_or(after, |abort| abort.after_seconds.min(after));
        let mode = if hard { AbortMode::Immediate } else { AbortMode::Graceful };
        job.spec.abort = Some(Abort { mode, after_seconds, reason: None });
        job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    }

    pub(crate) fn user_suspends(&mut self, wanted: bool) {
        let Some(job) = self.job.as_mut().filter(|job| job.spec.suspend != wanted) else { return };
        job.spec.suspend = wanted;
        job.metadata.generation = job.metadata.generation.map(|generation| generation + 1);
    }

    /// The kubelet kills what is left at the end of its grace, a second late.
    pub(crate) fn kill(&mut self) {
        let end = self.pod.as_ref().and_then(|pod| pod.metadata.deletion_timestamp.clone());
        if end.is_some_and(|end| end.0 < self.now) {
            self.finish(End::Killed);
        }
    }

    /// Lets time go by as the operator wants to be woken, for so many seconds; the program never ends by itself.
    pub(crate) fn live(&mut self, seconds: i64) {
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

    /// The pod gets its node, whose kubelet has not started it yet.
    pub(crate) fn schedule(&mut self) {
        let now = whole(self.now);
        let waits = |pod: &&mut Pod| pod.status.is_none() && pod.metadata.deletion_timestamp.is_none();
        let Some(pod) = self.pod.as_mut().filter(waits) else { return };
        pod.spec.as_mut().unwrap().node_name = Some("node".to_owned());
        let scheduled = json!([{"type": "PodScheduled", "status": "True", "lastTransitionTime": now}]);
        let waiting = container("main", &json!({"waiting": {"reason": "ContainerCreating"}}));
        set_status(pod, &json!({"phase": "Pending", "conditions": scheduled, "containerStatuses": [waiting]}));
    }

    /// The kubelet ends a pod that it has not started, because it was deleted.
    pub(crate) fn end_scheduled(&mut self) {
        let told = |pod: &Pod| pod.metadata.deletion_timestamp.is_some() && waits(pod) && !ended(pod);
        if self.pod.as_ref().is_some_and(told) && !self.node_lost {
            self.kubelet_says(&json!({"phase": "Failed"}));
        }
    }

    pub(crate) fn start(&mut self) {
        let (now, kubelets) = (self.now, self.kubelets_time());
        if let Some(pod) = self
            .pod
            .as_mut()
            .filter(|_| !self.node_lost)
            .filter(|pod| waits(pod) && pod.metadata.deletion_timestamp.is_none())
        {
            pod.spec.as_mut().unwrap().node_name = Some("node".to_owned());
            let scheduled = json!([{"type": "PodScheduled", "status": "True", "lastTransitionTime": whole(now)}]);
            let mains = container("main", &json!({"running": {"startedAt": kubelets}}));
            set_status(
                pod,
                &json!({"phase": "Running", "startTime": kubelets, "conditions": scheduled, "containerStatuses": [mains]}),
            );
        }
    }

    /// The second that it is by the node's clock.
    fn kubelets_time(&self) -> String {
        whole(self.now + SignedDuration::from_secs(self.node_ahead))
    }

    /// Main of the pod, where it runs on a node that answers.
    pub(crate) fn running_main(&self) -> Option<ContainerStatus> {
        let pod = self.pod.as_ref().filter(|pod| !self.node_lost && !ended(pod))?;
        let mut known = pod.status.as_ref()?.container_statuses.clone()?.into_iter();
        let mains = known.find(|container| container.name == "main")?;
        mains.state.as_ref()?.running.as_ref()?;
        Some(mains)
    }

    /// Main ends with this code; tells what its kubelet says of it.
    fn end_main(&mut self, main: &ContainerStatus, code: i32, reason: &str) -> Value {
        let told = self.pod.as_ref().is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
        self.succeeded_by_itself = code == 0 && !told;
        let started = main.state.as_ref().and_then(|state| state.running.clone()?.started_at);
        json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": self.kubelets_time()}})
    }

    pub(crate) fn kubelet_says(&mut self, status: &Value) {
        let pod = self.pod.as_mut().unwrap();
        let known = serde_json::to_value(pod.status.clone().unwrap_or_default()).unwrap();
        set_status(pod, &merged(known, status));
    }

    /// The cluster ends the pod, and its program does not end by itself.
    pub(crate) fn end_by_cluster(&mut self, by: ByCluster) {
        let kubelets = self.kubelets_time();
        match by {
            ByCluster::Refusal(reason) => {
                return self
                    .end_unstarted(&json!({"phase": "Failed", "reason": reason, "message": "Pod was rejected"}));
            }
            ByCluster::Reboot => return self.end_unstarted(&rebooted(&kubelets)),
            _ => {}
        }
        let Some(main) = self.running_main() else { return };
        let started = main.state.as_ref().and_then(|state| state.running.clone()?.started_at);
        let (code, word, courier, more) = match by {
            ByCluster::Kubelet { reason, message, targeted, code } => {
                let word = if code == 0 { "Completed" } else { "Error" };
                (
                    code,
                    word,
                    0,
                    json!({"reason": reason, "message": message, "conditions": targeted_by_kubelet(targeted, &kubelets)}),
                )
            }
            ByCluster::Unknown { code, reason } => (code, reason, code, json!({})),
            ByCluster::PowerLoss { .. } | ByCluster::Refusal(_) | ByCluster::Reboot => (137, "Error", 137, json!({})),
            ByCluster::Forgotten { .. } => (137, "ContainerStatusUnknown", 137, json!({})),
        };
        let mains = self.end_main(&main, code, word);
        self.succeeded_by_itself = false;
        let courier = json!({"terminated": {"exitCode": courier, "reason": word, "finishedAt": kubelets}});
        let phase = if code == 0 { "Succeeded" } else { "Failed" };
        let status = json!({
            "phase": phase,
            "containerStatuses": [container("main", &mains)],
            "initContainerStatuses": [container(names::CONTAINER_COURIER, &courier)],
        });
        let status = match by {
            ByCluster::Forgotten { waits } => merged(status, &json!({"containerStatuses": [forgotten(waits)]})),
            ByCluster::PowerLoss { helped: true } => {
                let soon = started.unwrap().0 + SignedDuration::from_secs(1);
                let helper = json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": soon}});
                merged(status, &json!({"containerStatuses": [container("main", &mains), container("helper", &helper)]}))
            }
            _ => status,
        };
        self.kubelet_says(&merged(status, &more));
    }

    /// The pod ends on a node before its program has started.
    fn end_unstarted(&mut self, status: &Value) {
        let waits = |pod: &&mut Pod| pod.status.is_none() && pod.metadata.deletion_timestamp.is_none();
        let Some(pod) = self.pod.as_mut().filter(waits).filter(|_| !self.node_lost) else { return };
        pod.spec.as_mut().unwrap().node_name = Some("node".to_owned());
        set_status(pod, status);
    }

    pub(crate) fn has_courier(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.spec.courier().enabled)
    }

    /// Main ends, and then its pod, where nothing else runs in it.
    pub(crate) fn finish(&mut self, end: End) {
        self.main_ends(end);
        self.pod_ends();
    }

    /// Main ends, and the rest of its pod runs on.
    pub(crate) fn main_ends(&mut self, end: End) {
        let (kubelets, injects, has_courier) = (self.kubelets_time(), self.injects, self.has_courier());
        let Some(pod) = self.pod.as_mut().filter(|_| !self.node_lost && self.ended.is_none()) else { return };
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
        let status = pod.status.clone().unwrap();
        let containers = status.container_statuses.unwrap();
        let started = containers[0].state.as_ref().and_then(|state| state.running.clone()?.started_at).unwrap().0;
        let main = json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": whole(started), "finishedAt": kubelets}});
        let running = json!({"running": {"startedAt": whole(started)}});
        let proxy = injects.then(|| container("proxy", &running));
        let containers: Vec<Value> = proxy.into_iter().chain([container("main", &main)]).collect();
        let courier: Vec<Value> =
            has_courier.then(|| container(names::CONTAINER_COURIER, &running)).into_iter().collect();
        set_status(
            pod,
            &json!({"phase": "Running", "startTime": status.start_time, "conditions": status.conditions, "containerStatuses": containers, "initContainerStatuses": courier}),
        );
        let told = pod.metadata.deletion_timestamp.is_some() || deadline_passed(pod);
        self.succeeded_by_itself = code == 0 && !told;
        self.ended = Some((end, false));
    }

    /// The courier sends the output, where it is asked to: by the kubelet, or by the operator where others run on.
    pub(crate) fn courier_sends(&mut self, received: bool) {
        let asked = |pod: &Pod| {
            let stopping = pod.metadata.deletion_timestamp.is_some() || deadline_passed(pod);
            stopping || pod.annotations().contains_key(names::ANNOTATION_FLUSH)
        };
        let asked = self.pod.as_ref().is_some_and(|pod| !ended(pod) && (!self.injects || asked(pod)));
        let Some((end, sent)) = self.ended.filter(|_| asked && !self.node_lost && self.has_courier()) else { return };
        if !sent {
            self.output = (end != End::OutputVanished && end != End::OutputLost).then(output);
            self.ended = Some((end, end != End::OutputLost));
        }
        if received && end != End::OutputLost && self.is_usable() {
            self.memory.record = Some(commit());
        }
    }

    /// What is left of the pod ends, where something asked for that.
    pub(crate) fn pod_ends(&mut self) {
        let stopping = |pod: &Pod| pod.metadata.deletion_timestamp.is_some() || deadline_passed(pod);
        let ends = self.pod.as_ref().is_some_and(|pod| !ended(pod) && (!self.injects || stopping(pod)));
        if !ends || self.node_lost || self.ended.is_none() {
            return;
        }
        if matches!(self.ended, Some((End::Success | End::OutputVanished, _))) {
            self.courier_sends(false);
        }
        let record = self.ended.filter(|(_, sent)| *sent).map(|_| commit().to_json()).unwrap_or_default();
        let pod = self.pod.as_mut().unwrap();
        let status = pod.status.clone().unwrap();
        let is_late = deadline_passed(pod);
        let mut containers = serde_json::to_value(status.container_statuses.unwrap()).unwrap();
        for other in containers.as_array_mut().unwrap().iter_mut().filter(|known| known["name"] != "main") {
            other["state"] = json!({"terminated": {"exitCode": 137}});
        }
        let succeeded = matches!(self.ended, Some((End::Success | End::OutputLost | End::OutputVanished, _)));
        let phase = if succeeded && !is_late && !self.injects { "Succeeded" } else { "Failed" };
        let sidecar = json!({"terminated": {"exitCode": 0, "message": record}});
        let reason = is_late.then_some("DeadlineExceeded");
        set_status(
            pod,
            &json!({"phase": phase, "reason": reason, "startTime": status.start_time, "conditions": status.conditions, "containerStatuses": containers, "initContainerStatuses": [container(names::CONTAINER_COURIER, &sidecar)]}),
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

    pub(crate) fn happen(&mut self, event: Event) {
        self.take_place(event);
        self.witness();
    }

    fn take_place(&mut self, event: Event) {
        match event {
            Event::Wait(seconds) => self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).unwrap(),
            Event::Start => self.start(),
            Event::Finish(end) => self.finish(end),
            Event::MainEnds(end) => self.main_ends(end),
            Event::ByCluster(by) => self.end_by_cluster(by),
            Event::NodeAhead(seconds) => {
                if self.pod.as_ref().is_none_or(|pod| pod.status.is_none()) {
                    self.node_ahead = seconds;
                }
            }
            Event::CourierSends(received) => self.courier_sends(received),
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
            Event::ReadEarlier => self.earlier = false,
            Event::Refuse(refuses) => self.refuses = refuses,
            Event::Purge => {
                // Nobody knows who read it, so the queues are left to their time to live.
                self.left_to_ttl |= self.unread;
                self.unread = false;
            }
            Event::Attach(attached) => self.attached = attached,
            Event::EditWorkflow => self.workflows.edit(),
            Event::Pool(pool) => self.workflows.pool = pool,
            Event::Workflow(there) => self.workflows.there = there,
            Event::Warm(true) => self.warm_up(),
            Event::Warm(false) => self.warm = None,
            Event::InputMissing => self.lose_input(),
            Event::InputThere => self.memory.has_input = self.pod.is_some(),
            Event::Seats(terms) => self.workflows.free = terms,
            Event::BrokerDown => {
                self.broker_up = false;
                self.broker_since = self.now;
                self.in_flight = None;
            }
            Event::Silent(silent) => self.falls_silent(silent),
            Event::Blocked(blocked) => {
                self.broker_since = self.now;
                self.blocked = blocked;
            }
            Event::Differ(differs) => self.differs = differs,
            Event::Deny(denies) => self.denies = denies,
            Event::BrokerUp => {
                self.broker_up = true;
                self.broker_since = self.now;
                self.listening_since = self.now;
            }
            Event::Progress(percent) => {
                let line = ProgressLine { progress: f64::from(percent) / 100.0, message: String::new() };
                let report = ProgressReport::after(self.memory.progress.as_ref(), line, self.now);
                self.memory.progress = self.pod.as_ref().map(|_| report);
            }
            Event::CourierCut(cut) => self.courier_cut = cut,
            Event::Crash => self.crash(),
            Event::ReconcileThenCrash(steps) => drop(self.reconcile(steps)),
            Event::Cut(steps, cut) => drop(self.cut(steps, cut)),
            Event::Relabel => {
                let relabel =
                    |pod: &mut Pod| pod.labels_mut().insert(names::LABEL_MANAGED_BY.to_owned(), "x".to_owned());
                self.pod.iter_mut().for_each(|pod| drop(relabel(pod)));
            }
            Event::Disown => self.pod.iter_mut().for_each(|pod| pod.metadata.owner_references = None),
            Event::WatchLags(true) => drop(self.lags.get_or_insert_with(|| Shown(self.pod.clone()))),
            Event::WatchLags(false) => self.lags = None,
            Event::Reconcile => drop(self.reconcile(usize::MAX)),
        }
    }

    /// Whether the job has ended, and nothing holds its pod.
    fn is_over(&self) -> bool {
        let held = self.pod.as_ref().is_some_and(|pod| !pod.finalizers().is_empty());
        self.job.as_ref().is_none_or(OmotesJob::has_ended) && !held
    }

    /// The broker is back, the kubelet does its work, time goes by, until nothing happens any more.
    pub(crate) fn settle(&mut self) {
        self.happen(Event::BrokerUp);
        self.happen(Event::Blocked(false));
        self.happen(Event::Silent(false));
        self.happen(Event::CourierCut(false));
        self.happen(Event::Differ(false));
        self.happen(Event::Refuse(Refuses::Nothing));
        self.happen(Event::Deny(false));
        self.happen(Event::Suspend(false));
        self.happen(Event::Attach(false));
        self.happen(Event::Workflow(true));
        self.happen(Event::Seats(Seat::Taken));
        self.happen(Event::WatchLags(false));
        // Long enough for a node that comes back half-way, another attempt, and the flush of its output; longer where several
        // attempts wait for clocks that differ.
        for round in 0..240 {
            if round >= 80 && self.is_over() {
                break;
            }
            self.node_lost &= round < 30;
            self.reconcile(usize::MAX);
            self.happen(Event::Wait(7));
            let stopping = self.pod.as_ref().is_some_and(|pod| pod.metadata.deletion_timestamp.is_some());
            self.start();
            self.reconcile(usize::MAX);
            self.earlier &= round < 10;
            self.finish(if stopping { End::Failure } else { End::Success });
        }
        let plan = self.reconcile(usize::MAX);
        assert!(plan.is_none_or(|plan| plan.steps.is_empty()), "not quiescent");
    }
}

/// Whether the apiserver answers `step` with the pod as it is then.
fn changes_pod(step: &Step) -> bool {
    matches!(
        step,
        Step::CreatePod(_)
            | Step::AssignPod { .. }
            | Step::AnnotatePod { .. }
            | Step::RestoreOwner { .. }
            | Step::EndPod { .. }
            | Step::DeletePod { .. }
            | Step::ReleasePod { .. }
    )
}

/// As the apiserver gives it back: its times have whole seconds.
pub(crate) fn read_back(status: &OmotesJobStatus) -> OmotesJobStatus {
    serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap()
}

pub(crate) fn ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let unbound = pod.spec.as_ref().unwrap().node_name.is_none() && pod.metadata.deletion_timestamp.is_some();
    unbound || matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether no kubelet has started the pod yet.
pub(crate) fn waits(pod: &Pod) -> bool {
    pod.status.as_ref().is_none_or(|status| status.phase.as_deref() == Some("Pending"))
}

/// The kubelet counts from when it took the pod.
fn deadline_passed(pod: &Pod) -> bool {
    let started = pod.status.as_ref().and_then(|status| status.start_time.clone());
    let seconds = pod.spec.as_ref().unwrap().active_deadline_seconds;
    let main = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let finished = main.filter_map(|known| known.state.clone()?.terminated?.finished_at).map(|time| time.0).max();
    let ceiling = started.zip(seconds).map(|(started, seconds)| started.0 + SignedDuration::from_secs(seconds));
    // The operator lowers it to the second after main's end; the ceiling of before is far away.
    ceiling.zip(finished).is_some_and(|(ceiling, finished)| ceiling <= finished + SignedDuration::from_secs(2))
}

fn output() -> Bytes {
    let message = EsdlMessage::new(Severity::Error, "no solution");
    CourierOutput::new(Some(Bytes::from_static(b"<esdl/>")), vec![message]).unwrap().to_body()
}

fn commit() -> TerminationRecord {
    let body = output();
    let (sha256, bytes) = (Digest::of(&body), body.len() as u64);
    TerminationRecord::Committed(CommitRecord { attempt: 1, sha256, bytes, output_bytes: Some(7) })
}

pub(crate) fn container(name: &str, state: &Value) -> Value {
    json!({"name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state})
}

pub(crate) fn whole(now: Timestamp) -> String {
    whole_second(now).to_string()
}

/// What a kubelet 1.37 says of main that ran, and that it cannot find any more.
fn forgotten(waits: bool) -> Value {
    let lost = |message: &str| json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": message}});
    let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
    let gone = lost("The container could not be located when the pod was terminated");
    let mut main = container("main", if waits { &waiting } else { &gone });
    main["lastState"] =
        lost("The container could not be located when the pod was deleted.  The container used to be Running");
    main
}

/// What a kubelet says of a pod in which an init container ran until its node was started anew.
fn rebooted(now: &str) -> Value {
    let lost = json!({"terminated": {"exitCode": 255, "reason": "Unknown", "startedAt": now, "finishedAt": now}});
    let waiting = json!({"waiting": {"reason": "PodInitializing"}});
    json!({
        "phase": "Failed",
        "initContainerStatuses": [container(names::CONTAINER_COURIER_INPUT, &lost)],
        "containerStatuses": [container("main", &waiting)],
    })
}

/// The conditions of a pod that its kubelet ended, with or without the one that says so.
fn targeted_by_kubelet(targeted: bool, now: &str) -> Value {
    let target = json!({"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "lastTransitionTime": now});
    let ready = json!({"type": "ContainersReady", "status": "False", "reason": "PodFailed", "lastTransitionTime": now});
    if targeted { json!([ready, target]) } else { json!([ready]) }
}

pub(crate) fn set_status(pod: &mut Pod, status: &Value) {
    pod.status = Some(serde_json::from_value(status.clone()).unwrap());
}

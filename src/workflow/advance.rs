//! What the operator does for a workflow itself: its revision, its warm pool, its status, and the end of revisions that
//! nobody needs.
//!
//! Ring: core. [`plan`] is total, and every effect is a [`WorkflowStep`].

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;

use crate::api::{
    OmotesWorkflow, OmotesWorkflowStatus, Reason, SlotsStatus,
    condition::{self, ConditionType, ConditionUpdate, Stamp},
};

use crate::pods::main_defect;

use super::{
    Revision, parameters,
    pool::{self, Pool},
    slots::PoolUse,
    step::{WorkflowPlan, WorkflowStep},
};

/// The shortest time between two status writes of one workflow.
pub(crate) const STATUS_PERIOD: SignedDuration = SignedDuration::from_secs(5);
/// How long a revision stays that no job is known to pin: twice as long as a request takes that pins it.
pub(crate) const IDLE_PERIOD: SignedDuration = SignedDuration::from_secs(60);

/// The facts of one pass over one workflow.
#[derive(Debug, Clone)]
pub(crate) struct ObservedWorkflow {
    /// The time of this pass.
    pub now: Timestamp,
    /// The workflow; `None` once it is gone.
    pub workflow: Option<Arc<OmotesWorkflow>>,
    /// The older workflow that has the typeName.
    pub rival: Option<String>,
    /// The revisions of a workflow of this name.
    pub revisions: Vec<HeldRevision>,
    /// Its jobs.
    pub jobs: JobCounts,
    /// How the slots are used that it shares with others.
    pub slots: Option<PoolUse>,
    /// The pods that wait for a job.
    pub pool: Pool,
    /// When this process last wrote its status.
    pub written: Option<Timestamp>,
}

/// A revision that is there.
#[derive(Debug, Clone)]
pub(crate) struct HeldRevision {
    /// The object.
    pub object: Arc<ControllerRevision>,
    /// Since when no job has been seen to pin it; `None` while one does.
    pub idle_since: Option<Timestamp>,
}

/// How many jobs of a workflow there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct JobCounts {
    /// Not ended, and without a seat.
    pub waiting: i32,
    /// With a pod, or about to have one.
    pub running: i32,
    /// Ended.
    pub finished: i32,
}

/// Why no job can be of `workflow`, whose typeName `rival` has, if somebody has it.
#[must_use]
pub(crate) fn refusal(workflow: &OmotesWorkflow, rival: Option<&str>) -> Option<ConditionUpdate> {
    if let Some(rival) = rival {
        let message = format!(
            "spec.typeName {} belongs to OmotesWorkflow {rival}, which was there first: remove one of the two, or create this one anew with another typeName",
            workflow.spec.type_name
        );
        return Some(ConditionUpdate::no(Reason::DuplicateTypeName, message));
    }
    let invalid = parameters::workflow_defect(&workflow.spec)
        .map(|defect| ConditionUpdate::no(Reason::InvalidParameters, defect));
    invalid
        .or_else(|| main_defect(&workflow.spec.template).map(|defect| ConditionUpdate::no(Reason::ProbeOnMain, defect)))
}

/// The status of a workflow whose passes fail so, for this reason. The first pass that stores a status takes it away.
#[must_use]
pub(crate) fn failing_status(
    workflow: &OmotesWorkflow,
    reason: Reason,
    message: &str,
    now: Timestamp,
) -> OmotesWorkflowStatus {
    let mut status = workflow.status.clone().unwrap_or_default();
    let stamp = Stamp { now, generation: workflow.metadata.generation };
    condition::set(&mut status.conditions, ConditionType::Stalled, ConditionUpdate::yes(reason, message), stamp);
    status
}

/// Plans for one workflow.
#[must_use]
pub(crate) fn plan(observed: &ObservedWorkflow) -> WorkflowPlan {
    let mut plan = clear(observed);
    let Some(workflow) = observed.workflow.as_ref().filter(|known| known.metadata.deletion_timestamp.is_none()) else {
        return plan;
    };
    let refusal = refusal(workflow, observed.rival.as_deref());
    let revision = Revision::of(workflow);
    let there = observed.revisions.iter().any(|held| held.object.name_any() == revision.name);
    if refusal.is_none() && !there {
        let object = revision.to_object(&workflow.namespace().unwrap_or_default());
        return WorkflowPlan { steps: vec![WorkflowStep::CreateRevision(Box::new(object))], wake: None };
    }
    let wanted = if refusal.is_none() { pool::wanted(workflow) } else { 0 };
    let (steps, wake) = pool::plan(&observed.pool, workflow, wanted, observed.now);
    plan.steps.extend(steps);
    plan.wake = plan.wake.into_iter().chain(wake).min();
    let status = observed.status(workflow, refusal, revision.name, wanted);
    if workflow.status.as_ref() == Some(&status) {
        return plan;
    }
    match observed.written.map(|written| written + STATUS_PERIOD).filter(|due| observed.now < *due) {
        Some(due) => plan.wake = plan.wake.into_iter().chain([due]).min(),
        None => plan.steps.push(WorkflowStep::PatchStatus(Box::new(status))),
    }
    plan
}

/// Removes what no job has pinned for long enough, and what is not the current revision.
fn clear(observed: &ObservedWorkflow) -> WorkflowPlan {
    let current = observed.workflow.as_ref().map(|workflow| Revision::of(workflow).name);
    let mut plan = WorkflowPlan::default();
    for HeldRevision { object, idle_since } in &observed.revisions {
        let Some(due) = idle_since.map(|since| since + IDLE_PERIOD) else { continue };
        if Some(object.name_any()) == current {
            continue;
        }
        if observed.now < due {
            plan.wake = plan.wake.into_iter().chain([due]).min();
        } else {
            plan.steps.push(WorkflowStep::DeleteRevision {
                name: object.name_any(),
                uid: object.uid().unwrap_or_default(),
                resource_version: object.resource_version().unwrap_or_default(),
            });
        }
    }
    plan
}

impl ObservedWorkflow {
    fn status(
        &self,
        workflow: &OmotesWorkflow,
        refusal: Option<ConditionUpdate>,
        revision: String,
        wanted: usize,
    ) -> OmotesWorkflowStatus {
        let stamp = Stamp { now: self.now, generation: workflow.metadata.generation };
        let before = workflow.status.clone().unwrap_or_default();
        let ready = match &refusal {
            Some(refusal) => refusal.clone(),
            None if workflow.spec.suspend => {
                ConditionUpdate::no(Reason::Suspended, "spec.suspend is true: no job starts until it is false")
            }
            None => ConditionUpdate::yes(Reason::Ready, "its jobs can start"),
        };
        let type_name = &workflow.spec.type_name;
        let current_revision = refusal.is_none().then_some(revision);
        let accepted = refusal
            .unwrap_or_else(|| ConditionUpdate::yes(Reason::Accepted, format!("clients may ask for {type_name}")));
        let mut conditions = before.conditions;
        condition::clear(&mut conditions, [ConditionType::Stalled]);
        condition::set(&mut conditions, ConditionType::Accepted, accepted, stamp);
        condition::set(&mut conditions, ConditionType::Ready, ready, stamp);
        match pool::verdict(&self.pool, workflow, wanted) {
            Some(verdict) => condition::set(&mut conditions, ConditionType::WarmPoolReady, verdict, stamp),
            None => condition::clear(&mut conditions, [ConditionType::WarmPoolReady]),
        }
        match &self.slots {
            Some(slots) => condition::set(&mut conditions, ConditionType::SlotsConsistent, consistency(slots), stamp),
            None => condition::clear(&mut conditions, [ConditionType::SlotsConsistent]),
        }
        OmotesWorkflowStatus {
            observed_generation: workflow.metadata.generation,
            current_revision,
            waiting_jobs: self.jobs.waiting,
            running_jobs: self.jobs.running,
            finished_jobs: self.jobs.finished,
            slots: self.slots.as_ref().map(slots_status),
            ready_warm_pods: pool::ready(&self.pool),
            conditions,
        }
    }
}

fn slots_status(slots: &PoolUse) -> SlotsStatus {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    SlotsStatus {
        pool: slots.pool.clone(),
        max: number(slots.max),
        in_use: number(slots.in_use),
        waiting: number(slots.waiting),
    }
}

/// Whether all workflows of a pool mean the same number of slots.
fn consistency(slots: &PoolUse) -> ConditionUpdate {
    let PoolUse { pool, max, differing, .. } = slots;
    match differing {
        Some([(lowest, least), (highest, most)]) => ConditionUpdate::no(
            Reason::MaxDiffers,
            format!(
                "pool {pool} has {max} slots, the lowest spec.slots.max of its workflows: {least} in OmotesWorkflow {lowest}, {most} in OmotesWorkflow {highest}. Give the same spec.slots.max in every OmotesWorkflow of the pool"
            ),
        ),
        None => {
            ConditionUpdate::yes(Reason::Agreed, format!("every OmotesWorkflow of pool {pool} gives it {max} slots"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn workflow(spec: Value) -> OmotesWorkflow {
        let mut full = json!({"typeName": "heat", "template": {"spec": {"containers": []}}});
        full.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let metadata = json!({"name": "heat", "namespace": "ns", "uid": "u", "generation": 1});
        serde_json::from_value(json!({"metadata": metadata, "spec": full})).unwrap()
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A little world: steps have their effects at once.
    struct WorkflowWorld(ObservedWorkflow);

    impl WorkflowWorld {
        fn new(spec: Value) -> Self {
            Self(ObservedWorkflow {
                now: time(0),
                workflow: Some(Arc::new(workflow(spec))),
                rival: None,
                revisions: Vec::new(),
                jobs: JobCounts::default(),
                slots: None,
                pool: Pool::default(),
                written: None,
            })
        }

        /// Carries plans out until one is empty, and tells its wake.
        fn settle(&mut self) -> Option<Timestamp> {
            for _ in 0..5 {
                let plan = plan(&self.0);
                assert!(plan.wake.is_none_or(|wake| wake > self.0.now));
                if plan.steps.is_empty() {
                    return plan.wake;
                }
                plan.steps.into_iter().for_each(|step| self.execute(step));
            }
            panic!("the plan does not come to rest");
        }

        fn execute(&mut self, step: WorkflowStep) {
            let WorkflowWorld(world) = self;
            match step {
                WorkflowStep::CreateRevision(object) => {
                    world.revisions.push(HeldRevision { object: Arc::new(*object), idle_since: Some(world.now) });
                }
                WorkflowStep::DeleteRevision { name, .. } => {
                    world.revisions.retain(|held| held.object.name_any() != name);
                }
                WorkflowStep::CreateWarmPod(_) | WorkflowStep::DeleteWarmPod { .. } => panic!("nobody wants warm pods"),
                WorkflowStep::PatchStatus(status) => {
                    let mut workflow = (**world.workflow.as_ref().unwrap()).clone();
                    workflow.status = Some(serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap());
                    (world.workflow, world.written) = (Some(Arc::new(workflow)), Some(world.now));
                }
            }
        }

        fn edit(&mut self, change: impl FnOnce(&mut OmotesWorkflow)) {
            let mut edited = (**self.0.workflow.as_ref().unwrap()).clone();
            change(&mut edited);
            edited.metadata.generation = edited.metadata.generation.map(|generation| generation + 1);
            self.0.workflow = Some(Arc::new(edited));
        }

        fn said(&self, type_: ConditionType) -> String {
            let status = self.0.workflow.as_ref().unwrap().status.clone().unwrap();
            let known = condition::get(&status.conditions, type_).unwrap();
            format!("{} {}", known.status, known.reason)
        }
    }

    #[test]
    fn a_workflow_gets_its_revision_then_says_so() {
        let mut world = WorkflowWorld::new(json!({}));
        assert_eq!(world.settle(), None);
        assert_eq!((world.said(ConditionType::Accepted).as_str(), world.0.revisions.len()), ("True Accepted", 1));
        world.edit(|workflow| workflow.spec.suspend = true);
        world.0.now = time(10);
        world.settle();
        assert_eq!((world.said(ConditionType::Ready).as_str(), world.0.revisions.len()), ("False Suspended", 1));
    }

    #[test]
    fn who_comes_second_or_contradicts_itself_gets_none() {
        let date = json!({"parameters": [{"keyName": "a", "dateTime": {"default": "2030-02-30T00:00:00Z"}}]});
        for (spec, rival, reason) in
            [(json!({}), Some("other"), "False DuplicateTypeName"), (date, None, "False InvalidParameters")]
        {
            let mut world = WorkflowWorld::new(spec);
            world.0.rival = rival.map(str::to_owned);
            world.settle();
            assert_eq!((world.said(ConditionType::Accepted).as_str(), world.0.revisions.len()), (reason, 0));
            assert_eq!(world.said(ConditionType::Ready), reason);
        }
    }

    #[test]
    fn a_failure_is_shown_until_a_pass_comes_to_its_status() {
        let mut world = WorkflowWorld::new(json!({}));
        world.settle();
        let workflow = world.0.workflow.clone().unwrap();
        let status = failing_status(&workflow, Reason::QuotaExceeded, "no room", time(1));
        world.execute(WorkflowStep::PatchStatus(Box::new(status)));
        assert_eq!(world.said(ConditionType::Stalled), "True QuotaExceeded");
        assert_eq!(world.said(ConditionType::Accepted), "True Accepted");
        world.0.now = time(10);
        world.settle();
        let conditions = world.0.workflow.as_ref().unwrap().status.clone().unwrap().conditions;
        assert_eq!(condition::get(&conditions, ConditionType::Stalled), None);
    }

    #[test]
    fn counts_are_written_when_they_change_and_not_more_often() {
        let mut world = WorkflowWorld::new(json!({}));
        world.settle();
        world.0.now = time(1);
        assert_eq!(world.settle(), None, "nothing but time changed");
        world.0.jobs.waiting = 3;
        assert_eq!(world.settle(), Some(time(5)));
        world.0.now = time(5);
        assert_eq!(world.settle(), None);
        assert_eq!(world.0.workflow.as_ref().unwrap().status.as_ref().unwrap().waiting_jobs, 3);
    }

    #[test]
    fn a_pool_whose_workflows_disagree_says_so() {
        let mut world = WorkflowWorld::new(json!({"slots": {"pool": "solver", "max": 5}}));
        let agreed = PoolUse { pool: "solver".to_owned(), max: 5, in_use: 2, waiting: 1, differing: None };
        world.0.slots = Some(agreed.clone());
        world.settle();
        assert_eq!(world.said(ConditionType::SlotsConsistent), "True Agreed");
        world.0.now = time(10);
        let differing = Some([("heat".to_owned(), 3), ("cold".to_owned(), 5)]);
        world.0.slots = Some(PoolUse { max: 3, differing, ..agreed });
        world.settle();
        assert_eq!(world.said(ConditionType::SlotsConsistent), "False MaxDiffers");
        let status = world.0.workflow.as_ref().unwrap().status.clone().unwrap();
        let shown = SlotsStatus { pool: "solver".to_owned(), max: 3, in_use: 2, waiting: 1 };
        assert_eq!(status.slots, Some(shown));
        (world.0.now, world.0.slots) = (time(20), None);
        world.edit(|workflow| workflow.spec.slots = None);
        world.settle();
        let status = world.0.workflow.as_ref().unwrap().status.clone().unwrap();
        assert_eq!((status.slots, condition::get(&status.conditions, ConditionType::SlotsConsistent)), (None, None));
    }

    #[test]
    fn a_revision_goes_when_nobody_needs_it_any_more() {
        let mut world = WorkflowWorld::new(json!({}));
        world.settle();
        world.edit(|workflow| workflow.spec.description = "new".to_owned());
        world.0.revisions[0].idle_since = None;
        world.0.now = time(100);
        world.settle();
        assert_eq!(world.0.revisions.len(), 2, "a job pins the former one");
        world.0.revisions[0].idle_since = Some(time(100));
        assert_eq!(world.settle(), Some(time(160)));
        world.0.now = time(160);
        world.settle();
        assert_eq!(world.0.revisions.len(), 1, "the current one stays, pinned or not");
        (world.0.workflow, world.0.now) = (None, time(161));
        world.settle();
        assert!(world.0.revisions.is_empty(), "nothing is left of a workflow that is gone");
    }
}

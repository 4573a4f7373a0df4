//! What carries the passes out, and what can be broken in it on purpose: a search that finds nothing wrong proves something only
//! if it finds what is.

use std::sync::Arc;

use kube::ResourceExt;
use omotes_operator::testing::{
    api::names,
    plan::{
        Observed, Plan, Step,
        facts::observed::{ResultSight, Sight},
    },
};

use crate::convergence::world::{Executor, World};

/// A mistake in how the operator's decisions are prepared or carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Where it is not known whether a pod is there one is made, under a name of its own.
    CreatesWithoutALook,
    /// The broker is not asked whether it has the result.
    ForgetsTheResult,
    /// The job's finalizer goes before its pod has ended.
    ReleasesTooEarly,
    /// Nothing is woken by time.
    NeverWakes,
    /// The status is not stored, and that is not noticed.
    StoresNothing,
    /// The cause of a stop is not read back: whoever takes over decides anew.
    ForgetsTheStop,
}

/// Carries out the steps of one pass.
pub(crate) struct Hands {
    fault: Option<Fault>,
    /// Each step: whether it has an effect outside of the process.
    pub steps: Vec<bool>,
    /// Steps that are more than a look, or the renewal of a lease.
    pub works: usize,
    looked: bool,
}

impl Hands {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { fault, steps: Vec::new(), works: 0, looked: false }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// What was created without an answer is looked for before it is created again.
    fn check_look(&self, world: &World, step: &Step) {
        let Step::CreatePod(pod) = step else { return };
        let tried = world.memory.unanswered.is_some() && world.memory.made.as_ref() == Some(&pod.name_any());
        assert!(self.looked || !tried, "a pod is created again without a look");
    }
}

impl Executor for Hands {
    fn sees(&mut self, world: &World, observed: &mut Observed) {
        if self.has(Fault::CreatesWithoutALook) && world.lapses > 0 && observed.status().start_time.is_none() {
            (observed.pod, observed.was_pod_made) = (Sight::Absent, false);
        }
        if self.has(Fault::ForgetsTheResult) && world.memory.sent.is_none() {
            observed.result = ResultSight::Unsent;
        }
        if self.has(Fault::ForgetsTheStop)
            && world.lapses > 0
            && !observed.is_terminal()
            && let Some(status) = Arc::make_mut(&mut observed.job).status.as_mut()
        {
            status.abort = None;
        }
    }

    fn decides(&mut self, observed: &Observed, plan: Plan) -> Plan {
        let attempt = observed.attempt();
        let creates = plan.steps.iter().any(|step| matches!(step, Step::CreatePod(_)));
        assert!(!creates || attempt == 1 || observed.former != Sight::Unlisted, "an attempt begins without a look");
        let held = observed.job.finalizers().iter().any(|held| held == names::FINALIZER_CLEANUP);
        if self.has(Fault::ReleasesTooEarly) && observed.deletion().is_some() && held {
            return Plan::steps(vec![Step::RemoveFinalizer]);
        }
        plan
    }

    fn carries_out(&mut self, world: &mut World, mut step: Step) -> bool {
        self.check_look(world, &step);
        let looks = matches!(step, Step::LookUpPod { .. });
        let has_effect = !looks && !matches!(step, Step::TakeSeat | Step::TakeWarmPod | Step::Warn { .. });
        self.steps.push(has_effect);
        self.looked |= looks;
        self.works += usize::from(has_effect && !matches!(step, Step::EnsureQueues { .. }));
        match &mut step {
            Step::CreatePod(pod) if self.has(Fault::CreatesWithoutALook) => {
                pod.metadata.name = Some(format!("{}-{}", pod.name_any(), world.pods_made));
            }
            Step::PatchStatus(_) if self.has(Fault::StoresNothing) => return true,
            _ => {}
        }
        world.execute(step)
    }
}

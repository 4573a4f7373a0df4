//! What each step of a plan is carried out by.
//!
//! Ring: shell. Each step tells what was learned from it, so that the next plan of the same pass builds on it.

use kube::{ResourceExt, api::DeleteParams};

use crate::{
    broker::DeleteCondition,
    controller::{context::Context, error::Error, execute::exactly, secret, state::State},
    plan::{Observed, Step, steps::client_status},
    wire::{JobProgressUpdate, JobStatusUpdate},
};

use super::{
    allowance, declare, job, pod, remove,
    results::{self, Update, publish_update},
};

/// Carries out `steps` in order, and stops at the first that fails.
pub(crate) async fn execute(steps: Vec<Step>, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    for step in steps {
        carry_out(step, observed, context).await?;
    }
    Ok(())
}

pub(crate) async fn carry_out(step: Step, observed: &mut Observed, context: &Context) -> Result<(), Error> {
    match step {
        Step::AddFinalizer => job::set_finalizer(true, observed, context).await,
        Step::RemoveFinalizer => job::set_finalizer(false, observed, context).await,
        Step::EnsureCourierSecret => ensure_courier_secret(observed, context).await,
        Step::EnsureQueues { declare, renew, takes } => {
            declare::ensure_queues(&declare, &renew, takes.as_ref(), observed, context).await
        }
        Step::PublishStatus { queue, job_id, status } => {
            let body = JobStatusUpdate::new(&job_id, status).to_body();
            publish_update(&queue, body, Update::Status, context).await?;
            observed.told = observed.told.max(client_status(status));
            context.state.memories.change(&observed.uid(), |memory| memory.told = observed.told);
            Ok(())
        }
        Step::PublishProgress { queue, job_id, fraction, message } => {
            if allowance::may_tell(&queue, observed, context).await? {
                let body = JobProgressUpdate { uuid: job_id, progress: fraction, message }.to_body();
                if !publish_update(&queue, body, Update::Progress, context).await? {
                    allowance::pause(observed, context);
                }
            }
            mark_progress_sent(observed, &context.state);
            Ok(())
        }
        Step::TakeSeat => {
            (observed.seat, observed.slot_pool) = context.state.take_seat(observed);
            Ok(())
        }
        Step::TakeWarmPod => {
            observed.warm = context.state.take_warm_pod(observed, &context.settings);
            Ok(())
        }
        Step::AssignPod { name, patch } => pod::assign(&name, &patch, observed, context).await,
        Step::AnnotatePod { name, patch } => pod::annotate(&name, &patch, observed, context).await,
        Step::RestoreOwner { name, patch } => pod::restore_owner(&name, &patch, observed, context).await,
        Step::EndPod { name, patch } => pod::end(&name, &patch, observed, context).await,
        Step::LookUpPod { name } => pod::look_up(&name, observed, context).await,
        Step::CreatePod(pod) => pod::create(&pod, observed, context).await,
        Step::DeletePod { name, uid, resource_version, grace_seconds } => {
            let how = DeleteParams { grace_period_seconds: grace_seconds, ..exactly(uid, resource_version) };
            pod::delete(&name, &how, observed, context).await
        }
        Step::PublishResult(message) => results::publish(message, observed, context).await,
        Step::DeliverKept { kept, queue, message_id, because } => {
            results::pass_on(&kept, &queue, (message_id, because), observed, context).await
        }
        Step::PatchStatus(status) => job::patch_status(*status, observed, context).await,
        Step::Warn { reason, note } => job::warn(reason, note, observed, context).await,
        Step::ReleasePod { name, uid } => pod::release(&name, &uid, observed, context).await,
        Step::DeleteOwnQueue(queue) => remove::delete_queue(&queue, DeleteCondition::Always, context).await.map(drop),
        Step::DeleteClientQueues { queues, if_empty } => {
            remove::delete_client_queues(&queues, &if_empty, observed, context).await
        }
        Step::DeleteJob { uid, resource_version } => job::delete(uid, resource_version, observed, context).await,
    }
}

async fn ensure_courier_secret(observed: &mut Observed, context: &Context) -> Result<(), Error> {
    observed.courier_secret =
        secret::ensure(&observed.job.namespace().unwrap_or_default(), observed.now, context).await?;
    Ok(())
}

fn mark_progress_sent(observed: &mut Observed, state: &State) {
    let Some(report) = &mut observed.progress else { return };
    report.sent = true;
    let told = report.clone();
    state.memories.change(&observed.uid(), |memory| {
        if let Some(known) = memory.of_attempt.progress.as_mut().filter(|known| known.says_the_same(&told)) {
            known.sent = true;
        }
    });
}

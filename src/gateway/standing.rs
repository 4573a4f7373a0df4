//! Whose a uuid is, as far as the jobs tell.
//!
//! Ring: shell.

use kube::ResourceExt;

use crate::{
    api::{OmotesJob, names::JobId},
    intake::UuidState,
};

use super::{
    delay::{Delay, kube_delay},
    shared::Gateway,
};

impl Gateway {
    /// Whose a uuid is. The cache has every job that this process made; one that another process made just before it ended
    /// may not be there yet.
    pub(super) async fn standing(&self, uuid: &str, seen_before: bool) -> Result<UuidState, Delay> {
        if let Some(holder) = self.jobs.holder(uuid) {
            let ours = holder.namespace == self.placement.namespace;
            let job = self.jobs.get(&holder.name).filter(|_| ours);
            return Ok(job.as_deref().map_or(UuidState::Taken, standing_of));
        }
        if let Some(job) = self.jobs.get(uuid) {
            return Ok(standing_of(&job));
        }
        if !seen_before {
            return Ok(UuidState::New);
        }
        let job = self.jobs.look_up(uuid).await.map_err(kube_delay("looking whether the job is there already"))?;
        Ok(job.as_ref().map_or(UuidState::New, standing_of))
    }
}

/// Whose `job` is: one that came over AMQP is named by its uuid, and reads its input at the broker.
pub(super) fn standing_of(job: &OmotesJob) -> UuidState {
    let esdl = job.spec.input.as_ref().and_then(|input| input.esdl.as_ref());
    let came = esdl.is_some_and(|esdl| esdl.from_broker.is_some()) && JobId::of(job).as_str() == job.name_any();
    if came { UuidState::Stored } else { UuidState::Taken }
}

//! The ESDL that the caches leave out of a job, read again where the job needs it.
//!
//! Ring: shell.

use std::sync::Arc;

use kube::ResourceExt;

use crate::{
    api::OmotesJob,
    controller::{
        context::Context,
        error::{Error, kube_error},
        state::inline_of,
    },
    plan::{Observed, steps::Step},
};

/// Whether one of `steps` gives the job its ESDL, and that was left out. The schema refuses an empty one.
pub(crate) fn lack_esdl(steps: &[Step], job: &OmotesJob) -> bool {
    let inline = || job.spec.input.as_ref()?.esdl.as_ref()?.inline.as_ref();
    steps.iter().any(Step::brings_input) && inline().is_some_and(String::is_empty)
}

/// Reads the ESDL that was left out of the job.
pub(crate) async fn complete(observed: &mut Observed, context: &Context) -> Result<(), Error> {
    let jobs = context.clients.jobs_in(&observed.job.namespace().unwrap_or_default());
    let read = jobs.get(&observed.job.name_any()).await;
    let mut read = read.map_err(kube_error("reading the job's ESDL"))?;
    // A successor of that name has another; the watch tells of it.
    if read.uid() != observed.job.uid() {
        return Err(Error::Replaced);
    }
    if let (Some(whole), Some(left_out)) = (inline_of(&mut read), inline_of(Arc::make_mut(&mut observed.job))) {
        *left_out = std::mem::take(whole);
    }
    Ok(())
}

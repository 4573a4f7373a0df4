//! The steps that tell the client of a job how far it is.
//!
//! Ring: core.

use crate::{
    api::status::ClientStatus,
    plan::{
        facts::observed::{BrokerSight, Observed, ProgressReport},
        steps::Step,
    },
    topology,
    wire::JobStatus,
};

/// What a client hears of a job that was taken on, once.
pub(crate) fn greeting(observed: &Observed) -> impl Iterator<Item = Step> {
    let first = observed.client_status().is_none();
    let greeting = [JobStatus::Registered, JobStatus::Enqueued].map(|status| tell(observed, status));
    greeting.into_iter().filter(move |_| first)
}

/// That the program runs, if the client has not heard it and can now.
pub(crate) fn tell_running(observed: &Observed) -> Option<Step> {
    let news = observed.client_status() < Some(ClientStatus::Running) && observed.broker == BrokerSight::Ready;
    news.then(|| tell(observed, JobStatus::Running))
}

/// Tells the client a status.
pub(crate) fn tell(observed: &Observed, status: JobStatus) -> Step {
    let job_id = observed.job_id().to_string();
    Step::PublishStatus { queue: topology::status_queue(&job_id), job_id, status }
}

/// The step that passes on progress the client has not heard.
pub(crate) fn unsent_progress(observed: &Observed) -> Option<Step> {
    let report = observed.progress.as_ref().filter(|report| !report.sent && observed.broker == BrokerSight::Ready)?;
    let ProgressReport { fraction, message, heard: _, sent: _ } = report;
    let job_id = observed.job_id().to_string();
    Some(Step::PublishProgress {
        queue: topology::progress_queue(&job_id),
        job_id,
        fraction: *fraction,
        message: message.clone(),
    })
}

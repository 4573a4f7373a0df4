//! What the job's client has been told.
//!
//! Ring: core.

use crate::{api::status::ClientStatus, plan::facts::observed::Observed};

impl Observed {
    /// What the client has heard last of the way to the program. Earlier versions of the operator did not store it.
    pub(crate) fn client_status(&self) -> Option<ClientStatus> {
        let unstored = || {
            let was_enqueued = self.attempt() > 1 || self.waits_for_seat() || self.is_seated();
            let told = if self.was_running() { ClientStatus::Running } else { ClientStatus::Enqueued };
            (self.was_running() || was_enqueued).then_some(told)
        };
        let stored = self.job.status.as_ref().and_then(|status| status.client_status);
        stored.max(self.told).or_else(unstored)
    }
}

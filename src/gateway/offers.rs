//! What clients may ask for: told to all of them at every connection, at every change, and whenever one asks.
//!
//! Ring: shell.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::{
    broker::{Announcer, BrokerError, Inbox, Incoming},
    intake,
};

use super::shared::Gateway;

/// All that is asked and changed in this time gets one answer: each goes to every client.
const PERIOD: Duration = Duration::from_secs(1);

/// Tells clients until the consumer of their questions ends.
pub(super) async fn announce(gateway: &Gateway, mut questions: Inbox, announcer: Announcer) -> BrokerError {
    let mut changes = gateway.jobs.workflow_changes();
    loop {
        changes.mark_unchanged();
        if let Err(error) = gateway.announce_once(&announcer).await {
            return error;
        }
        let due = Instant::now() + PERIOD;
        let asked = tokio::select! {
            // A question is answered at once; a change waits for its period.
            biased;
            question = questions.next() => answer_all(question, &mut questions, due).await,
            // Whoever tells of changes lives as long as this.
            Ok(()) = changes.changed() => {
                sleep_until(due).await;
                Ok(())
            }
        };
        if let Err(error) = asked {
            return error;
        }
    }
}

/// Takes in the questions up to `due`: one answer is for all.
async fn answer_all(
    first: Result<Incoming, BrokerError>,
    questions: &mut Inbox,
    due: Instant,
) -> Result<(), BrokerError> {
    first?.done().await?;
    loop {
        tokio::select! {
            // Questions without end put the answer off no longer than that.
            biased;
            () = sleep_until(due) => return Ok(()),
            question = questions.next() => question?.done().await?,
        }
    }
}

impl Gateway {
    async fn announce_once(&self, announcer: &Announcer) -> Result<(), BrokerError> {
        let workflows = self.workflows();
        announcer.announce(&intake::offer(&workflows).to_body()).await?;
        debug!(count = workflows.len(), "told clients what they may ask for");
        self.metrics.count_broadcast();
        Ok(())
    }
}

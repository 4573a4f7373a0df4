//! Looks at a queue before a job uses it: whether an earlier job left something in it.
//!
//! Ring: shell; the rules are in [`crate::result`].

use super::Broker;
use super::error::BrokerError;
use super::terms::{DeleteCondition, Deletion, QueueSight};
use crate::result::QueueLookup;
use crate::result::held::{Occupant, Vacancy, vacancy};
use crate::topology::QueueDeclaration;

impl Broker {
    /// What the management API says of this very queue; `None` where there is no such API. No lease is renewed.
    ///
    /// # Errors
    /// When there is no connection.
    pub(crate) async fn look_at(&self, queue: &str) -> Result<Option<QueueLookup>, BrokerError> {
        let session = self.shared.session()?;
        let Some(management) = &session.management else { return Ok(None) };
        Ok(Some(management.queue(queue).await))
    }

    /// Sees to it that `queue` is a job's own before the job uses it: that of an earlier job is replaced where it is empty
    /// and unused. Tells what is in it where it is not.
    ///
    /// Caveats: the lease of a queue that seems empty is renewed; that of one known to hold messages is not, where there is
    /// a management API.
    ///
    /// # Errors
    /// When the broker did not answer.
    pub(crate) async fn vacate(&self, queue: &QueueDeclaration) -> Result<Option<Occupant>, BrokerError> {
        let counted = match self.look_at(&queue.name).await? {
            Some(QueueLookup::Absent) => return Ok(None),
            Some(QueueLookup::Present(facts)) => Some(facts),
            Some(QueueLookup::Unreachable(_)) | None => None,
        };
        let messages = counted.and_then(|facts| facts.messages).unwrap_or(0);
        if messages > 0 {
            return Ok(Some(Occupant { messages, consumers: 0 }));
        }
        let found = match self.look_up(std::slice::from_ref(&queue.name)).await?.first() {
            Some(QueueSight::Present { messages, consumers }) => {
                Occupant { messages: u64::from(*messages), consumers: u64::from(*consumers) }
            }
            Some(QueueSight::Missing) | None => return Ok(None),
        };
        match vacancy(counted.as_ref(), found, queue.expires_ms) {
            Vacancy::Free => Ok(None),
            Vacancy::Occupied(occupant) => Ok(Some(occupant)),
            Vacancy::Replace => {
                let deletion = self.delete_queue(&queue.name, DeleteCondition::IfUnusedAndEmpty).await?;
                let used = counted.is_some_and(|facts| facts.was_used());
                Ok((deletion == Deletion::StillWanted && used).then_some(found))
            }
        }
    }
}

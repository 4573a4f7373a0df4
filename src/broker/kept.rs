//! Results whose queue is gone: kept in a queue of the operator's own, and passed on when theirs is there again.
//!
//! Ring: shell.
//!
//! Guarantees: of each job at most one result is kept, however often it is put there. Passing it on leaves it there, until
//! its job's status says that the broker confirmed it; it is not sent a second time while the broker shows that it is in
//! its queue.

use bytes::Bytes;
use jiff::Timestamp;

use super::Broker;
use super::bounds::TRANSFER_TIMEOUT;
use super::error::{BrokerError, is_missing};
use super::session::Session;
use super::shared::bounded;
use super::terms::{Outgoing, Routing};
use crate::result::published::AGAIN;
use crate::result::refused::KeptBecause;
use crate::result::{Evidence, Obstacle, QueueFacts, QueueLookup};
use crate::topology::QueueDeclaration;

/// What became of a result that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redelivery {
    /// It is in its queue, or was read there.
    Delivered,
    /// Its queue is gone, or gone again; the result is still kept.
    Unroutable,
    /// It is too early to say whether it was sent before; ask again at that time.
    TooEarly(Timestamp),
    /// Nothing is kept any more.
    NothingKept,
}

impl Broker {
    /// Keeps a result in `kept`, in the place of one that is there.
    ///
    /// # Errors
    /// When the broker did not confirm it.
    pub async fn keep_result(&self, kept: &QueueDeclaration, message: Outgoing) -> Result<(), BrokerError> {
        self.ensure_queues(std::slice::from_ref(kept)).await?;
        let session = self.shared.usable()?;
        let keeping = async {
            match self.shared.publish_within_limits(&session, &kept.name, message.clone()).await {
                // The queue holds one message; under a policy that rejects more, the same result is in the way.
                Err(BrokerError::QueueLimit { obstacle: Obstacle::QueueFull(_), .. } | BrokerError::Nacked) => {
                    session.purge(&kept.name).await?;
                    self.shared.publish_within_limits(&session, &kept.name, message).await
                }
                outcome => outcome,
            }
        };
        let outcome = bounded(&session, TRANSFER_TIMEOUT, "keep a result", keeping).await;
        match outcome.map_err(BrokerError::while_publishing)? {
            Routing::Routed => Ok(()),
            Routing::Unroutable => Err(BrokerError::unreachable(format!("queue {} vanished at once", kept.name))),
        }
    }

    /// Passes the result in `kept` on to `queue`, unless it is or was there already. It stays in `kept`, too.
    ///
    /// # Errors
    /// When the broker did not answer; then it may have arrived. When the queue refuses it
    /// ([`BrokerError::is_refusal`]) it is still kept.
    pub async fn deliver_kept(
        &self,
        kept: &str,
        queue: &str,
        message_id: String,
        because: KeptBecause,
    ) -> Result<Redelivery, BrokerError> {
        match self.sight_of_kept(queue, &message_id, because).await? {
            Evidence::Published => {}
            Evidence::Unknown { retry_at } => return Ok(Redelivery::TooEarly(retry_at)),
            Evidence::QueueGone => return Ok(Redelivery::Unroutable),
            Evidence::NotPublished | Evidence::Unavailable => {
                let session = self.shared.session()?;
                let fetching = session.fetch_kept(kept);
                let fetched = bounded(&session, TRANSFER_TIMEOUT, "fetch a kept result", fetching).await?;
                let Some(body) = fetched else { return Ok(Redelivery::NothingKept) };
                let message = Outgoing { body, message_id: Some(message_id) };
                match self.publish_result(queue, message).await {
                    Ok(Routing::Routed) => {}
                    Ok(Routing::Unroutable) => return Ok(Redelivery::Unroutable),
                    Err(BrokerError::Unanswered { .. }) => {
                        return Ok(Redelivery::TooEarly(self.shared.clock.now() + AGAIN));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Redelivery::Delivered)
    }

    /// Whether a kept result is in its queue. A deletion of the queue says nothing here: the result was kept because of one.
    /// Nor does a counted publish: RabbitMQ 3.10 counts one that no queue took for a queue of that name made later. Nor does
    /// what a queue that refused it holds and delivered: it was perhaps full of other messages.
    async fn sight_of_kept(
        &self,
        queue: &str,
        message_id: &str,
        because: KeptBecause,
    ) -> Result<Evidence, BrokerError> {
        let session = self.shared.session()?;
        let sight = match &session.management {
            Some(management) => Some(match management.queue(queue).await {
                QueueLookup::Present(facts) => QueueLookup::Present(without_others(facts, because)),
                sight => sight,
            }),
            None => None,
        };
        Ok(self.shared.judge(&session, (queue, message_id), Timestamp::MAX, sight))
    }
}

/// What a queue shows of a kept result alone.
fn without_others(facts: QueueFacts, because: KeptBecause) -> QueueFacts {
    match because {
        KeptBecause::Unroutable => QueueFacts { published: None, ..facts },
        KeptBecause::Refused => {
            QueueFacts { published: None, acknowledged: None, messages: facts.messages.map(|_| 0), ..facts }
        }
    }
}

impl Session {
    /// The message in a queue, which stays there; `None` where there is none, or no such queue.
    async fn fetch_kept(&self, queue: &str) -> Result<Option<Bytes>, BrokerError> {
        let channel = self.errand().await?;
        match channel.get(queue).await {
            Ok(Some(message)) => {
                // Unacknowledged messages return to their queue when the channel closes.
                channel.close().await?;
                Ok(Some(message.body))
            }
            Ok(None) => Ok(None),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue that was full refused the result for what it held.
    #[test]
    fn another_message_is_no_result() {
        let facts =
            QueueFacts { messages: Some(1), published: Some(1), acknowledged: Some(1), ..QueueFacts::default() };
        let refused = without_others(facts, KeptBecause::Refused);
        assert_eq!((refused.messages, refused.published, refused.acknowledged), (Some(0), None, None));
        let unroutable = without_others(facts, KeptBecause::Unroutable);
        assert_eq!((unroutable.messages, unroutable.published, unroutable.acknowledged), (Some(1), None, Some(1)));
    }
}

//! Results whose queue is gone: kept in a queue of the operator's own, and passed on when theirs is there again.
//!
//! Ring: shell.
//!
//! Guarantees: of each job at most one result is kept, however often it is put there. It is removed only once the broker
//! has confirmed that it is in the job's own queue, and is not sent there a second time while the broker shows that it is.

use bytes::Bytes;
use jiff::Timestamp;
use lapin::options::BasicGetOptions;

use super::error::{BrokerError, is_missing};
use super::management::{QueueFacts, Sight};
use super::session::{GOOD_BYE, Session, name};
use super::{Broker, DeleteCondition, Evidence, Outgoing, Routing, TRANSFER_TIMEOUT, bounded};
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
        let keeping = session.publish_result(&kept.name, &message);
        match bounded(&session, TRANSFER_TIMEOUT, "keep a result", keeping).await? {
            Routing::Routed => Ok(()),
            Routing::Unroutable => Err(BrokerError::unreachable(format!("queue {} vanished at once", kept.name))),
        }
    }

    /// Passes the result in `kept` on to `queue`, unless it is or was there already.
    ///
    /// # Errors
    /// When the broker did not answer; then it may have arrived.
    pub async fn deliver_kept(&self, kept: &str, queue: &str, message_id: String) -> Result<Redelivery, BrokerError> {
        match self.sight_of_kept(queue).await? {
            Evidence::Published => {}
            Evidence::Unknown { retry_at } => return Ok(Redelivery::TooEarly(retry_at)),
            Evidence::QueueGone => return Ok(Redelivery::Unroutable),
            Evidence::NotPublished | Evidence::Unavailable => {
                let session = self.shared.session()?;
                let fetching = session.fetch_kept(kept);
                let fetched = bounded(&session, TRANSFER_TIMEOUT, "fetch a kept result", fetching).await?;
                let Some(body) = fetched else { return Ok(Redelivery::NothingKept) };
                let message = Outgoing { body, message_id: Some(message_id) };
                if self.publish_result(queue, message).await? == Routing::Unroutable {
                    return Ok(Redelivery::Unroutable);
                }
            }
        }
        self.delete_queue(kept, DeleteCondition::Always).await?;
        Ok(Redelivery::Delivered)
    }

    /// Whether a kept result is in its queue. A deletion of the queue says nothing here: the result was kept because of one.
    /// Nor does a counted publish: RabbitMQ 3.10 counts one that no queue took for a queue of that name made later.
    async fn sight_of_kept(&self, queue: &str) -> Result<Evidence, BrokerError> {
        let session = self.shared.session()?;
        let sight = match &session.management {
            Some(management) => Some(match management.queue(queue).await {
                Sight::Present(facts) => Sight::Present(QueueFacts { published: None, ..facts }),
                sight => sight,
            }),
            None => None,
        };
        Ok(self.shared.judge(&session, queue, Timestamp::MAX, sight))
    }
}

impl Session {
    /// The message in a queue, which stays there; `None` where there is none, or no such queue.
    async fn fetch_kept(&self, queue: &str) -> Result<Option<Bytes>, BrokerError> {
        let channel = self.errand().await?;
        match channel.basic_get(name(queue)?, BasicGetOptions::default()).await {
            Ok(Some(message)) => {
                // Unacknowledged messages return to their queue when the channel closes.
                channel.close(GOOD_BYE.0, GOOD_BYE.1.into()).await?;
                Ok(Some(message.delivery.data.into()))
            }
            Ok(None) => Ok(None),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

//! What comes from a queue by itself.
//!
//! Ring: shell.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;

use super::delivery::Delivery;
use super::error::AmqpError;
#[cfg(feature = "testing")]
use super::simulated;

/// A queue's messages. The stream ends when the broker ends the consumer; the broker does so when this is dropped.
pub(crate) struct Consumer(Inner);

enum Inner {
    Lapin(lapin::Consumer),
    #[cfg(feature = "testing")]
    Simulated(simulated::Consumer),
}

impl Stream for Consumer {
    type Item = Result<Delivery, AmqpError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Inner::Lapin(consumer) => {
                Pin::new(consumer).poll_next(context).map(|next| next.map(|delivery| Ok(delivery?.into())))
            }
            #[cfg(feature = "testing")]
            Inner::Simulated(consumer) => {
                Pin::new(consumer).poll_next(context).map(|next| next.map(|delivery| Ok(delivery?.into())))
            }
        }
    }
}

impl From<lapin::Consumer> for Consumer {
    fn from(consumer: lapin::Consumer) -> Self {
        Self(Inner::Lapin(consumer))
    }
}

#[cfg(feature = "testing")]
impl From<simulated::Consumer> for Consumer {
    fn from(consumer: simulated::Consumer) -> Self {
        Self(Inner::Simulated(consumer))
    }
}

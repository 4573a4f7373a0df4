//! What the broker says of a message that was published.
//!
//! Ring: shell.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::AmqpError;
#[cfg(feature = "testing")]
use super::simulated;

/// The broker's answer, once it is there. It keeps no channel open.
#[derive(Debug)]
pub(crate) struct Confirm(Inner);

#[derive(Debug)]
enum Inner {
    Lapin(lapin::PublisherConfirm),
    #[cfg(feature = "testing")]
    Simulated(simulated::Confirm),
}

/// That answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// It has the message.
    Taken,
    /// No queue takes it. The broker returned it, and acknowledged it after that.
    Returned,
    /// It does not take the message.
    Refused,
    /// The channel confirms nothing.
    NotRequested,
}

impl Future for Confirm {
    type Output = Result<Confirmation, AmqpError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Inner::Lapin(confirm) => Pin::new(confirm).poll(context).map(|answer| Ok(Confirmation::from(&answer?))),
            #[cfg(feature = "testing")]
            Inner::Simulated(confirm) => Pin::new(confirm).poll(context).map(|answer| Ok(answer?.into())),
        }
    }
}

impl From<lapin::PublisherConfirm> for Confirm {
    fn from(confirm: lapin::PublisherConfirm) -> Self {
        Self(Inner::Lapin(confirm))
    }
}

impl From<&lapin::Confirmation> for Confirmation {
    fn from(confirmation: &lapin::Confirmation) -> Self {
        match confirmation {
            lapin::Confirmation::Ack(None) => Self::Taken,
            lapin::Confirmation::Ack(Some(_)) => Self::Returned,
            lapin::Confirmation::Nack(_) => Self::Refused,
            lapin::Confirmation::NotRequested => Self::NotRequested,
        }
    }
}

#[cfg(feature = "testing")]
impl From<simulated::Confirm> for Confirm {
    fn from(confirm: simulated::Confirm) -> Self {
        Self(Inner::Simulated(confirm))
    }
}

#[cfg(feature = "testing")]
impl From<simulated::Outcome> for Confirmation {
    fn from(outcome: simulated::Outcome) -> Self {
        match outcome {
            simulated::Outcome::Taken => Self::Taken,
            simulated::Outcome::Returned => Self::Returned,
            simulated::Outcome::Refused => Self::Refused,
            simulated::Outcome::NotRequested => Self::NotRequested,
        }
    }
}

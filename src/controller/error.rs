//! What can fail in a pass, and when to try again.
//!
//! Ring: shell.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    api::Reason, backoff::Growth, broker::BrokerError, denial::Denial, plan::facts::failure::Failure, words::kube_words,
};

/// A pass over a job failed. The next one starts from what is then there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The apiserver refused or did not answer.
    #[error("{doing}: {}", kube_words(source))]
    Kube {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: kube::Error,
    },
    /// The broker refused or did not answer.
    #[error("{doing}: {source}")]
    Broker {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: BrokerError,
    },
    /// Another job took the job's name, and the watch does not show it yet.
    #[error("the job was deleted, and another one has its name")]
    Replaced,
    /// The credentials for couriers cannot be read.
    #[error("reading the courier's credentials: {0}")]
    Credentials(String),
    /// The plan did not come to rest, which is a mistake in the operator.
    #[error("the plan did not come to rest after {0} rounds; this is a bug of the operator")]
    Restless(usize),
}

/// The apiserver refused or did not answer when `doing` was tried.
pub(crate) fn kube_error(doing: &'static str) -> impl FnOnce(kube::Error) -> Error {
    move |source| Error::Kube { doing, source }
}

/// The broker refused or did not answer when `doing` was tried.
pub(crate) fn broker_error(doing: &'static str) -> impl FnOnce(BrokerError) -> Error {
    move |source| Error::Broker { doing, source }
}

/// A pass over a job that failed, and when it began.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(crate) struct Failed {
    /// When it began.
    pub(crate) began: Timestamp,
    /// Why it failed.
    pub(crate) source: Error,
}

/// What an error means for the next try. Closed, because it labels a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Category {
    /// Somebody else changed the object: look again at once.
    Conflict,
    /// Nobody answered.
    Unreachable,
    /// Somebody has to change something.
    Refused,
    /// A mistake in the operator.
    Internal,
}

impl Category {
    /// The metric's label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Internal => "internal",
        }
    }
}

impl Error {
    /// The error as it is shown on the job; the pass began at `since`.
    pub(crate) fn failure(&self, since: Timestamp) -> Failure {
        let (reason, remedy) = self.reason();
        Failure { since, reason, message: format!("{self}. {remedy}; the operator tries again within a minute") }
    }

    fn reason(&self) -> (Reason, &'static str) {
        match self {
            Self::Kube { source: kube::Error::Api(status), .. } => match Denial::of(status) {
                Some(denial) => (denial.reason(), denial.remedy()),
                None => (Reason::ApiServerError, "Look after the apiserver"),
            },
            Self::Kube { source: kube::Error::SerdeError(_), .. } | Self::Restless(_) => {
                (Reason::InternalError, "Report it with the operator's log")
            }
            Self::Kube { .. } => (Reason::ApiServerError, "Look after the apiserver and the network between"),
            Self::Replaced => (Reason::ApiServerError, "Nothing needs to be done: the watch will show it"),
            Self::Broker { source, .. } => (source.reason(), source.remedy()),
            Self::Credentials(_) => {
                (Reason::CredentialsUnreadable, "Give the operator's Secret the URI that couriers connect to")
            }
        }
    }

    /// What the error means for the next try.
    pub(crate) fn category(&self) -> Category {
        match self {
            Self::Kube { source: kube::Error::Api(status), .. } => match status.code {
                404 | 409 => Category::Conflict,
                429 | 500.. => Category::Unreachable,
                _ => Category::Refused,
            },
            Self::Kube { source: kube::Error::SerdeError(_), .. } | Self::Restless(_) => Category::Internal,
            Self::Kube { .. } => Category::Unreachable,
            Self::Replaced => Category::Conflict,
            Self::Broker { source, .. } if source.is_transient() => Category::Unreachable,
            Self::Broker { .. } => Category::Refused,
            Self::Credentials(_) => Category::Refused,
        }
    }
}

/// How long to wait before the next try, after `failures` (from 1) in a row: 0.5 to 1 of a time that grows from 50 ms to
/// 5 s for a conflict, from 0.5 s to 30 s for what is unreachable, and from 2 s to 45 s for all else. `jitter` is 0 to 1.
pub(crate) fn backoff(category: Category, failures: u32, jitter: f64) -> Duration {
    let (first, most) = match category {
        Category::Conflict => (Duration::from_millis(50), Duration::from_secs(5)),
        Category::Unreachable => (Duration::from_millis(500), Duration::from_secs(30)),
        Category::Refused | Category::Internal => (Duration::from_secs(2), Duration::from_secs(45)),
    };
    Growth { first, most }.delay(failures, jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_a_bound_and_never_below_half() {
        let waits: Vec<_> = (1..=12).map(|failures| backoff(Category::Unreachable, failures, 1.0)).collect();
        assert!(waits.is_sorted() && waits[11] == Duration::from_secs(30));
        assert_eq!(backoff(Category::Unreachable, 1, 0.0), Duration::from_millis(250));
        // A job runs within a minute of the repair.
        for category in [Category::Conflict, Category::Unreachable, Category::Refused, Category::Internal] {
            assert!(backoff(category, 99, 1.0) <= Duration::from_secs(45), "{}", category.as_str());
        }
        assert!(backoff(Category::Refused, 1, 0.0) > backoff(Category::Conflict, 1, 1.0));
    }
}

//! Why something that a client asked for is not done yet.
//!
//! Ring: shell.

use tower::timeout::error::Elapsed;

use crate::{broker::BrokerError, denial::Denial, words::kube_words};

/// Why something that a client asked for is not done yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Delay {
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
    /// The quota of the jobs' namespace is used up, or an earlier submission waits for room in it.
    #[error("no room for the job: {0}")]
    NoRoom(String),
    /// The same submission is being stored.
    #[error("the same submission is being stored")]
    InHand,
    /// Whether the client has its answer already cannot be known yet.
    #[error("whether the client was answered before is not known yet")]
    TooEarly,
    /// The system gives no random bytes.
    #[error("sealing the job's input: {0}")]
    Random(getrandom::Error),
}

pub(super) fn kube_delay(doing: &'static str) -> impl FnOnce(kube::Error) -> Delay {
    move |source| match source {
        kube::Error::Api(status) if Denial::of(&status) == Some(Denial::Quota) => Delay::NoRoom(status.message),
        source => Delay::Kube { doing, source },
    }
}

pub(super) fn broker_delay(doing: &'static str) -> impl FnOnce(BrokerError) -> Delay {
    move |source| Delay::Broker { doing, source }
}

impl Delay {
    /// Why later messages may pass the one that waits; `None` where they would fare no better: apiserver or broker take
    /// nothing from anybody. A broker without a connection ends the gateway's turn.
    pub(super) fn lets_pass(&self) -> Option<&'static str> {
        match self {
            Self::NoRoom(_) => Some("Quota"),
            Self::Kube { source: kube::Error::Api(status), .. } => {
                let is_overload = matches!(status.code, 429 | 500..) && Denial::of(status).is_none();
                (!is_overload).then_some("Refused")
            }
            // The apiserver waits for something that this request needs: a webhook, for instance.
            Self::Kube { source: kube::Error::Service(source), .. } if source.is::<Elapsed>() => Some("Unanswered"),
            Self::Broker { source: BrokerError::Unreachable { .. } | BrokerError::Unanswered { .. }, .. } => {
                Some("Unanswered")
            }
            Self::Kube { source: kube::Error::SerdeError(_), .. } => Some("Refused"),
            Self::Kube { .. } | Self::Broker { source: BrokerError::Blocked { .. }, .. } => None,
            Self::Broker { .. } => Some("Refused"),
            Self::InHand | Self::TooEarly | Self::Random(_) => Some("Unsettled"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::pending, time::Duration};

    use axum::http::{Request, Response};
    use kube::{Client, client::Body, core::Status};
    use tower::{Service, service_fn, timeout::TimeoutLayer};

    use super::*;

    fn answered(code: u16, message: &str) -> Delay {
        let status = Status { code, message: message.to_owned(), ..Status::default() };
        kube_delay("storing the job")(kube::Error::Api(status.boxed()))
    }

    fn broker(source: BrokerError) -> Delay {
        broker_delay("putting the job's input to the broker")(source)
    }

    async fn fails<S>(service: S) -> Delay
    where
        S: Service<Request<Body>, Response = Response<Body>, Error: Into<tower::BoxError>, Future: Send>
            + Send
            + 'static,
    {
        let client = Client::new(service, "default");
        kube_delay("storing the job")(client.request_text(Request::new(vec![])).await.unwrap_err())
    }

    /// What concerns one submission alone holds up no other.
    #[tokio::test(start_paused = true)]
    async fn only_what_all_suffer_from_lets_nothing_pass() {
        let never = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
        let black_hole = tower::Layer::layer(&TimeoutLayer::new(Duration::from_secs(40)), never);
        let queue = || "omotes.input.x".to_owned();
        let text = || "queue limit in vhost 'omotes' (3) is reached".to_owned();
        for (delay, reason) in [
            (answered(403, "exceeded quota: q"), "Quota"),
            (answered(500, "failed calling webhook \"w\": context deadline exceeded"), "Refused"),
            (answered(409, "the object has been modified"), "Refused"),
            (fails(black_hole).await, "Unanswered"),
            (broker(BrokerError::LimitReached { reason: text() }), "Refused"),
            (broker(BrokerError::ArgumentsDiffer { queue: queue(), detail: text() }), "Refused"),
            (broker(BrokerError::Refused { reason: text() }), "Refused"),
            (broker(BrokerError::Nacked), "Refused"),
            (broker(BrokerError::Unanswered { reason: text(), publishing: true }), "Unanswered"),
            (broker(BrokerError::unreachable("the connection was lost")), "Unanswered"),
            (Delay::InHand, "Unsettled"),
            (Delay::TooEarly, "Unsettled"),
        ] {
            assert_eq!(delay.lets_pass(), Some(reason), "{delay}");
        }
        let broken = service_fn(async |_: Request<Body>| {
            Err::<Response<Body>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
        });
        for delay in [
            answered(429, "too many requests"),
            answered(500, "etcdserver: leader changed"),
            answered(503, "apiserver is shutting down"),
            fails(broken).await,
            broker(BrokerError::Blocked { reason: "low on memory".to_owned() }),
        ] {
            assert_eq!(delay.lets_pass(), None, "{delay}");
        }
    }
}

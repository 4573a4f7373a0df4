//! The operator's client for the apiserver.
//!
//! Ring: shell.

use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use kube::{
    Client,
    client::{Body, ClientBuilder},
};
use tower::{
    BoxError, Service,
    limit::{ConcurrencyLimitLayer, RateLimitLayer},
    timeout::TimeoutLayer,
    util::MapResponseLayer,
};

use super::own_clock::OwnClock;

/// Requests to the apiserver that may be under way at once; watches count only until they have begun.
const REQUESTS_IN_FLIGHT: usize = 64;
/// A webhook has at most 30 s for its answer, and then the apiserver names it. It ends a request after 60 s by itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// A client that neither floods the apiserver nor waits for it for ever.
pub(super) fn client<S, B>(service: ClientBuilder<S>, requests_per_second: u64, clock: OwnClock) -> Client
where
    S: Service<Request<Body>, Response = Response<B>, Error: Into<BoxError>, Future: Send> + Send + 'static,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let look = move |answer: Response<B>| clock.look_at(answer);
    service
        .with_layer(&MapResponseLayer::new(look))
        .with_layer(&TimeoutLayer::new(REQUEST_TIMEOUT))
        .with_layer(&ConcurrencyLimitLayer::new(REQUESTS_IN_FLIGHT))
        .with_layer(&RateLimitLayer::new(requests_per_second, Duration::from_secs(1)))
        .build()
}

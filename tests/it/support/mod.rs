//! What the tests against the real cluster and broker share.
//!
//! They need the test bed with the operator installed (`make up`, then `. target/testbed/env`); `make test` sees to it.

pub(crate) mod attacker;
pub(crate) mod audit;
pub(crate) mod bed;
pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod ghost;
pub(crate) mod operator;
pub(crate) mod proxy;
pub(crate) mod sdk;
pub(crate) mod wire;

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

/// Asks `look` again and again until it answers, at most for `limit`; then panics with `what` and its last word.
pub(crate) async fn until<T, F: Future<Output = Result<T, String>>>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(last) if start.elapsed() > limit => panic!("{what}: not within {limit:?}; last seen: {last}"),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

/// A UUID that no other test has.
pub(crate) fn random_uuid() -> String {
    let digits = format!("{:032x}", fastrand::u128(..));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

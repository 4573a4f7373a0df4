//! A management API without a network: a function answers in its place.
//!
//! Ring: shell. For simulations alone. Its URI names a host as any other does, and that host is simulated in the thread that
//! says so: two simulations in two threads know nothing of each other.

use std::{cell::RefCell, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{StatusCode, Url};
use tokio::time::sleep;

thread_local! {
    static HOSTS: RefCell<BTreeMap<String, Answers>> = const { RefCell::new(BTreeMap::new()) };
}

/// The status and the body of an answer; `None` is no answer.
type Answer = Option<(u16, String)>;

/// From a request's path to its answer.
#[derive(Clone)]
pub(super) struct Answers(Arc<dyn Fn(&str) -> Answer + Send + Sync>);

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

/// Has `answer` stand for the management API of `host`, in all that this thread runs.
pub fn simulate_management(host: &str, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) {
    HOSTS.with_borrow_mut(|hosts| drop(hosts.insert(host.to_owned(), Answers(Arc::new(answer)))));
}

impl Answers {
    /// What answers for the host of `base`, where it is simulated.
    pub(super) fn of(base: &Url) -> Option<Self> {
        HOSTS.with_borrow(|hosts| hosts.get(base.host_str()?).cloned())
    }

    /// The answer to a request for `url`, which is waited for until `limit`.
    pub(super) async fn get(&self, url: &Url, limit: Duration) -> Result<(StatusCode, Bytes), String> {
        let Some((status, body)) = self.0(url.path()) else {
            sleep(limit).await;
            return Err(format!("no answer within {limit:?}"));
        };
        let status = StatusCode::from_u16(status).map_err(|error| error.to_string())?;
        Ok((status, body.into()))
    }
}

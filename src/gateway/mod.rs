//! The AMQP side for OMOTES' clients: takes what they submit and delete, and says what they may ask for.
//!
//! Ring: shell. It never decides: `intake` does, and from there on a job is an `OmotesJob` like any other.
//!
//! # Guarantees
//! - A submission is acknowledged when its OmotesJob is stored, or its client has its answer; until then the broker has it.
//!   While no apiserver is there, all wait at the broker but the few that are worked on at once; one that hangs lets as many
//!   more come here as [`mod@line`] holds.
//! - Nothing that a client sends ends the consumer, or holds up what another sends. What nobody can do anything with is
//!   rejected, counted, and spoken of once a minute. What the apiserver refuses is answered at once; what waits for room in a
//!   quota, or for another answer of the apiserver's or the broker's, is passed by what comes later ([`mod@line`]).
//! - Exchange and queues are declared anew, and all clients are told the workflows, at every connection.
//!
//! # Assumptions
//! This process leads, and the caches are complete before the first message is taken: whose a uuid is, is known.

mod answer;
mod attempt;
mod create;
mod delay;
mod deletions;
mod line;
mod offers;
mod patience;
mod shared;
mod standing;
mod submissions;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::{
    backoff::Backoff,
    broker::{Broker, BrokerError, ClientInboxes, Inbox, Incoming},
    clock::Clock,
    controller::JobsHandle,
    telemetry::Metrics,
    wire::NamespaceKey,
};

use line::{Line, Place};
use patience::DELAYS;
use shared::Gateway;

pub(crate) use shared::GatewayOptions;

/// A connection that lived this long shows that the broker is well.
const STABLE: Duration = Duration::from_secs(10);
/// Between two looks for messages that may pass those that wait.
const PASS_PERIOD: Duration = Duration::from_millis(200);
/// Caches and broker are looked after so often before the first message is taken.
const READY_PERIOD: Duration = Duration::from_millis(200);

/// Takes messages until it is aborted.
pub(crate) async fn run(
    jobs: JobsHandle,
    broker: Broker,
    clock: Clock,
    metrics: Arc<Metrics>,
    key: NamespaceKey,
    options: GatewayOptions,
) {
    let gateway = Arc::new(Gateway::new(jobs, broker, clock, metrics, key, options));
    let mut backoff = Backoff::new(DELAYS.0, DELAYS.1);
    let mut said = String::new();
    loop {
        gateway.ready().await;
        let began = Instant::now();
        let error = gateway.serve().await.to_string();
        if began.elapsed() > STABLE {
            backoff.reset();
            said.clear();
        }
        if gateway.is_broker_ready() && error != said {
            warn!(error, "submissions are not taken for now; the operator tries again");
            said = error;
        }
        sleep(backoff.next_delay()).await;
    }
}

impl Gateway {
    /// Waits until whose a uuid is, is known, and somebody can be told.
    async fn ready(&self) {
        let offers_known = || self.jobs.workflows().is_some();
        let is_listed = || self.jobs.are_listed();
        while !(is_listed() && offers_known() && self.is_broker_ready()) {
            sleep(READY_PERIOD).await;
        }
    }

    /// Takes messages as long as one connection lives.
    async fn serve(self: &Arc<Self>) -> BrokerError {
        let clients = match self.broker.open_clients().await {
            Ok(clients) => clients,
            Err(error) => return error,
        };
        info!(namespace = self.placement.namespace, "taking submissions from OMOTES' clients");
        let over = clients.over();
        let ClientInboxes { submissions, deletions, requests, announcer, .. } = clients;
        tokio::select! {
            // Nothing is taken from a connection that has ended.
            biased;
            () = over => BrokerError::unreachable("the connection ended"),
            error = self.take_all(submissions, submissions::take) => error,
            error = self.take_all(deletions, deletions::take) => error,
            error = offers::announce(self, requests, announcer) => error,
        }
    }

    /// Takes the messages of one queue until its consumer ends. While some wait here others are fetched past them.
    async fn take_all<F: Future<Output = Result<(), BrokerError>>>(
        self: &Arc<Self>,
        mut inbox: Inbox,
        take: impl Fn(Arc<Self>, Incoming, Place) -> F,
    ) -> BrokerError {
        let line = Arc::<Line>::default();
        let mut here = FuturesUnordered::new();
        loop {
            let lets_pass = line.lets_pass(here.len(), inbox.prefetch());
            let news = tokio::select! {
                // The broker bounds how many come before those that are here are done.
                biased;
                message = inbox.next() => message.map(Some),
                Some(taken) = here.next() => Result::map(taken, |()| None),
                () = sleep(PASS_PERIOD), if lets_pass => inbox.fetch().await,
            };
            match news {
                Ok(None) => {}
                Ok(Some(message)) => {
                    let bytes = message.body.len();
                    let taking = take(Arc::clone(self), message, line.place(bytes));
                    here.push(line.keep_where_it_panics(taking, bytes, || self.hold("Panicked")));
                }
                Err(error) => return error,
            }
        }
    }
}

//! The one connection to the broker, kept alive.
//!
//! Ring: shell.
//!
//! Connects, takes the exclusive leader queue, declares the operator's own exchange and queues, consumes, and begins anew
//! whenever any of that ends.
//!
//! Guarantees: nobody publishes over a connection that does not hold the leader queue. URI and certificates are read
//! again for every attempt, so that a rotated Secret needs no restart. Failures are logged when they change, not when
//! they repeat.

use std::convert::Infallible;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use lapin::Event;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::backoff::Backoff;
use super::consumers::{hear_events, hear_progress, open_events, open_progress};
use super::dial::dial;
use super::endpoint::Endpoint;
use super::error::BrokerError;
use super::management::{Management, ManagementError};
use super::session::Session;
use super::{BrokerState, OPERATION_TIMEOUT, Shared};
use crate::topology::{EVENT_EXCHANGE, LEADER_QUEUE};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MOST_DELAY: Duration = Duration::from_secs(30);
/// The broker notices a dead leader by its heartbeats; its successor should not add much.
const MOST_LEADER_DELAY: Duration = Duration::from_secs(2);
/// A connection that lived this long shows that the broker is well.
const STABLE: Duration = Duration::from_secs(10);
/// Some ends of a connection come without an event.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// A good-bye is polite, not necessary.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps the connection until `shutdown`.
pub(super) async fn supervise(shared: Arc<Shared>, shutdown: impl Future<Output = ()>) {
    tokio::select! {
        () = shutdown => {}
        () = keep_connected(&shared) => {}
    }
    let session = shared.session().ok();
    shared.lost("the operator is stopping");
    if let Some(session) = session {
        good_bye(&session).await;
    }
}

async fn keep_connected(shared: &Shared) {
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_DELAY);
    loop {
        let began = Instant::now();
        let reason = live(shared).await;
        shared.lost(&reason);
        if began.elapsed() > STABLE {
            backoff.reset();
        }
        sleep(backoff.next_delay()).await;
    }
}

/// The life of one connection, up to the reason of its end.
async fn live(shared: &Shared) -> String {
    let config = &shared.config;
    let endpoint = match Endpoint::read(&config.amqp_uri_file, there(config.ca_file.as_deref())) {
        Ok(endpoint) => endpoint,
        Err(error) => return error.to_string(),
    };
    let Err(error) = connect(shared, &endpoint).await;
    endpoint.scrub(&error.into_reason())
}

async fn connect(shared: &Shared, endpoint: &Endpoint) -> Result<Infallible, BrokerError> {
    let name = &shared.config.connection_name;
    let connection = dial(endpoint, name).await?;
    let events = connection.events_listener();
    let management = management(shared, endpoint).await;
    let session = Arc::new(Session::new(connection, endpoint.clone(), management, name));
    let ended = serve(shared, &session, events).await;
    good_bye(&session).await;
    ended
}

/// A file that is there now: a Secret may get it later, or lose it.
fn there(file: Option<&Path>) -> Option<&Path> {
    file.filter(|file| file.exists())
}

async fn serve(
    shared: &Shared,
    session: &Arc<Session>,
    events: impl Stream<Item = Event>,
) -> Result<Infallible, BrokerError> {
    wait_for_leadership(shared, session).await?;
    session.declare_exchange().await?;
    let progress = open_progress(session).await?;
    let deletions = event_consumer(shared, session).await?;
    shared.ready(session);
    Err(tokio::select! {
        error = watch_connection(shared, session, events) => error,
        error = hear_progress(shared, progress) => error,
        error = hear_events(shared, session, deletions) => error,
        () = session.over() => BrokerError::unreachable("the connection was used up"),
    })
}

/// Waits until no other connection holds the leader queue.
async fn wait_for_leadership(shared: &Shared, session: &Session) -> Result<(), BrokerError> {
    let mut backoff = Backoff::new(FIRST_DELAY, MOST_LEADER_DELAY);
    loop {
        let claim = timeout(OPERATION_TIMEOUT, session.claim_leadership()).await;
        match claim.unwrap_or_else(|_| Err(BrokerError::unreachable("no answer to the claim of the leader queue"))) {
            Err(BrokerError::Locked { .. }) => shared
                .awaiting_leadership(&format!("waiting for another operator to let go of the queue {LEADER_QUEUE}")),
            claimed => return claimed,
        }
        sleep(backoff.next_delay()).await;
    }
}

/// The consumer of queue deletions; `None` where the broker has no event exchange for the operator.
async fn event_consumer(shared: &Shared, session: &Session) -> Result<Option<lapin::Consumer>, BrokerError> {
    let opened = open_events(session).await;
    shared.stats.set_event_exchange(opened.is_ok());
    match opened {
        Ok(consumer) => Ok(Some(consumer)),
        Err(error @ (BrokerError::Refused { .. } | BrokerError::ArgumentsDiffer { .. })) => {
            let vhost = session.endpoint.vhost();
            shared.say_once(&format!(
                "no event exchange, so deletions of result queues are not heard: {error}; enable rabbitmq_event_exchange, set event_exchange.vhost = {vhost}, \
                 and let the operator's user read {EVENT_EXCHANGE}"
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The management API, where there is one that can be used. One that does not answer yet is kept: it starts later than the
/// broker itself.
async fn management(shared: &Shared, endpoint: &Endpoint) -> Option<Management> {
    let Some(file) = there(shared.config.management_uri_file.as_deref()) else {
        shared.say_once("no management API is configured, so after a crash a result may be sent a second time");
        return None;
    };
    let opened = Management::read(file, endpoint);
    let checked = match &opened {
        Ok(management) => management.check().await,
        Err(_) => Ok(()),
    };
    let problem = opened.as_ref().err().or(checked.as_ref().err());
    shared.stats.set_management(problem.is_none());
    if let Some(problem) = problem {
        shared.say_once(&format!("{problem}; until this is mended a result may be sent a second time after a crash"));
    }
    opened.ok().filter(|_| !matches!(checked, Err(ManagementError::NotCounting)))
}

/// Follows the connection's state until it is lost.
async fn watch_connection(shared: &Shared, session: &Session, events: impl Stream<Item = Event>) -> BrokerError {
    let mut events = pin!(events);
    let mut check = interval(CHECK_EVERY);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let error = tokio::select! {
            event = events.next() => match event {
                Some(Event::ConnectionBlocked(reason)) => { shared.blocked(&reason); None }
                Some(Event::ConnectionUnblocked) => { shared.unblocked(); None }
                Some(Event::Error(error)) => Some(error.into()),
                Some(_) => None,
                None => Some(BrokerError::unreachable("the connection ended")),
            },
            _ = check.tick() => Some(BrokerError::unreachable("the connection was lost")),
        };
        // Errors of single channels are told here too, and are no concern of the connection.
        if let Some(error) = error.filter(|_| !session.connection.status().connected()) {
            return error;
        }
    }
}

async fn good_bye(session: &Session) {
    // It may be broken, or blocked by the broker, and then it is dropped.
    let _ = timeout(CLOSE_TIMEOUT, session.close()).await;
}

impl Shared {
    fn ready(&self, session: &Arc<Session>) {
        tracing::info!(broker = %session.endpoint, "connected to the broker");
        *self.slot() = Some(session.clone());
        self.stats.connect();
        self.enter(BrokerState::Ready { since: Timestamp::now() });
        self.mailbox.put(super::BrokerEvent::Connected);
    }

    fn blocked(&self, reason: &str) {
        tracing::warn!(reason, "the broker takes no messages for now");
        self.stats.set_blocked(true);
        self.enter(BrokerState::Blocked { since: Timestamp::now(), reason: reason.to_owned() });
    }

    fn unblocked(&self) {
        tracing::info!("the broker takes messages again");
        self.stats.set_blocked(false);
        self.enter(BrokerState::Ready { since: Timestamp::now() });
        self.mailbox.put(super::BrokerEvent::Unblocked);
    }

    fn lost(&self, reason: &str) {
        let had = self.slot().take().is_some();
        self.stats.disconnect();
        if had {
            self.mailbox.put(super::BrokerEvent::Lost);
        }
        if self.unreachable(reason) {
            tracing::warn!(reason, "no connection to the broker");
        }
    }

    fn awaiting_leadership(&self, reason: &str) {
        if self.unreachable(reason) {
            tracing::info!(reason, "not leading at the broker yet");
        }
    }

    /// Keeps since when. True when there is news in it.
    fn unreachable(&self, reason: &str) -> bool {
        let before = self.state.borrow().clone();
        match before {
            BrokerState::Unreachable { reason: known, .. } if known == reason => return false,
            BrokerState::Unreachable { since, .. } => {
                self.enter(BrokerState::Unreachable { since, reason: reason.to_owned() });
            }
            BrokerState::Ready { .. } | BrokerState::Blocked { .. } => {
                self.enter(BrokerState::Unreachable { since: Timestamp::now(), reason: reason.to_owned() });
            }
        }
        true
    }

    fn enter(&self, state: BrokerState) {
        self.state.send_replace(state);
    }
}

//! The one connection to the broker, kept alive.
//!
//! Ring: shell.
//!
//! Connects, takes the exclusive leader queue, declares the operator's own exchange and queues, consumes, and begins anew
//! whenever any of that ends.
//!
//! Guarantees: nobody publishes over a connection that does not hold the leader queue. URI and certificates are read
//! again for every attempt, those of the second connection and of the management API also while this one lives, so that a
//! rotated Secret needs no restart. Failures are logged when they change, not when they repeat.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::bounds::OPERATION_TIMEOUT;
use super::consumers::{hear_events, open_events};
use super::dial::dial;
use super::endpoint::{Endpoint, there};
use super::error::BrokerError;
use super::management::{Management, ManagementError};
use super::progress::{hear_common, hear_namespaces, open_common};
use super::session::Session;
use super::shared::Shared;
use super::terms::{BrokerEvent, BrokerState};
use super::transport::{Consumer, Event};
use crate::backoff::Backoff;
use crate::result::QueueLookup;
use crate::topology::{EVENT_EXCHANGE, LEADER_QUEUE, courier_progress_queue};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MOST_DELAY: Duration = Duration::from_secs(30);
/// The broker notices a dead leader by its heartbeats; its successor should not add much.
const MOST_LEADER_DELAY: Duration = Duration::from_secs(2);
/// A connection that lived this long shows that the broker is well.
const STABLE: Duration = Duration::from_secs(10);
/// Some ends of a connection come without an event.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// Twice as long as the management API takes by default to show a queue's policy.
const POLICY_DELAY: Duration = Duration::from_secs(10);
/// A policy may be set, or removed, while the operator runs.
const POLICY_EVERY: Duration = Duration::from_mins(5);
/// A good-bye is polite, not necessary.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps the connection until `shutdown`.
pub(super) async fn supervise(shared: Arc<Shared>, shutdown: impl Future<Output = ()>) {
    tokio::select! {
        // At the end no other connection is begun.
        biased;
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
    shared.forget_notices();
    let read = Endpoint::read(&config.amqp_uri_file, there(config.ca_file.as_deref()));
    let endpoint = match read.and_then(|endpoint| endpoint.encrypted(config.requires_tls, &config.amqp_uri_file)) {
        Ok(endpoint) => endpoint,
        Err(error) => return error.to_string(),
    };
    let Err(error) = connect(shared, &endpoint).await;
    endpoint.scrub(&error.into_reason())
}

async fn connect(shared: &Shared, endpoint: &Endpoint) -> Result<Infallible, BrokerError> {
    let name = &shared.config.connection_name;
    let connection = dial(&shared.config.connector, endpoint, name).await?;
    shared.stats.set_encrypted(endpoint.is_encrypted());
    if !endpoint.is_encrypted() {
        shared.warn_once(&format!(
            "the connection to {endpoint} is not encrypted: passwords and results can be read on their way. Write amqps:// into the broker's Secret"
        ));
    }
    let events = connection.events();
    let management = management(shared, endpoint).await;
    let session = Arc::new(Session::new(connection, endpoint.clone(), management, shared.clock.now(), &shared.config));
    let ended = serve(shared, &session, events).await;
    good_bye(&session).await;
    ended
}

async fn serve(
    shared: &Shared,
    session: &Arc<Session>,
    events: impl Stream<Item = Event>,
) -> Result<Infallible, BrokerError> {
    wait_for_leadership(shared, session).await?;
    session.declare_exchange().await?;
    let progress = open_common(session).await?;
    let deletions = event_consumer(shared, session).await?;
    shared.ready(session);
    Err(tokio::select! {
        // Why the connection is given up comes before what follows from that.
        biased;
        () = session.over() => BrokerError::unreachable(session.why_over()),
        error = watch_connection(shared, session, events) => error,
        error = hear_common(shared, session, progress) => error,
        never = hear_namespaces(shared, session) => match never {},
        never = check_progress_limit(shared, session) => match never {},
        error = hear_events(shared, session, deletions) => error,
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
async fn event_consumer(shared: &Shared, session: &Session) -> Result<Option<Consumer>, BrokerError> {
    let opened = open_events(session).await;
    shared.stats.set_event_exchange(opened.is_ok());
    match opened {
        Ok(consumer) => Ok(Some(consumer)),
        Err(
            error @ (BrokerError::Refused { .. }
            | BrokerError::LimitReached { .. }
            | BrokerError::ArgumentsDiffer { .. }),
        ) => {
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
    let opened = Management::read(file, shared.config.ca_file.as_deref(), endpoint, shared.config.requires_tls);
    let checked = match &opened {
        Ok(management) => management.check().await,
        Err(_) => Ok(()),
    };
    let problem = opened.as_ref().err().or(checked.as_ref().err());
    shared.stats.set_management(problem.is_none());
    if let Some(problem) = problem {
        shared.say_once(&format!("{problem}; until this is mended a result may be sent a second time after a crash"));
    }
    let opened = opened.ok();
    if let Some(management) = &opened {
        check_default_type(shared, management, endpoint.vhost()).await;
    }
    opened.filter(|_| !matches!(checked, Err(ManagementError::NotCounting)))
}

/// Without a limit on bytes the couriers' common queue may fill the broker's disk. The management API shows a queue's policy
/// some seconds after the queue.
async fn check_progress_limit(shared: &Shared, session: &Session) -> Infallible {
    let queue = courier_progress_queue().name;
    let vhost = session.endpoint.vhost();
    let notice = format!(
        "queue {queue} holds messages of any size, and whoever may read the couriers' credentials can publish to it: run \
         `rabbitmqctl set_policy -p {vhost} --apply-to queues omotes-progress '^omotes\\.progress$' '{{\"max-length-bytes\": 67108864}}'`"
    );
    sleep(POLICY_DELAY).await;
    loop {
        match session.sight(&queue).await {
            Some(QueueLookup::Present(facts)) if facts.limits.max_length_bytes.is_none() => shared.say_once(&notice),
            Some(QueueLookup::Present(_)) => shared.withdraw(&notice),
            Some(QueueLookup::Absent | QueueLookup::Unreachable(_)) | None => {}
        }
        sleep(POLICY_EVERY).await;
    }
}

/// Only classic queues can be deleted on conditions, and clients declare theirs without a type.
async fn check_default_type(shared: &Shared, management: &Management, vhost: &str) {
    if let Some(type_) = management.other_default_type().await {
        shared.say_once(&format!(
            "queues that clients declare in vhost {vhost} become {type_} queues, its default_queue_type, and OMOTES' queues are to be classic: \
             run `rabbitmqctl update_vhost_metadata {vhost} --default-queue-type classic`, and delete the {type_} queues that clients have declared"
        ));
    }
}

/// Follows the connection's state until it is lost.
async fn watch_connection(shared: &Shared, session: &Session, events: impl Stream<Item = Event>) -> BrokerError {
    let mut events = pin!(events);
    let mut check = interval(CHECK_EVERY);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let error = tokio::select! {
            // An event says why.
            biased;
            event = events.next() => match event {
                Some(Event::Blocked(reason)) => { shared.blocked(&reason); None }
                Some(Event::Unblocked) => { shared.unblocked(); None }
                Some(Event::Error(error)) => Some(error.into()),
                Some(Event::Other) => None,
                None => Some(BrokerError::unreachable("the connection ended")),
            },
            _ = check.tick() => Some(BrokerError::unreachable("the connection was lost")),
        };
        // Errors of single channels are told here too, and are no concern of the connection.
        if let Some(error) = error.filter(|_| !session.connection.is_connected()) {
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
        self.enter(BrokerState::Ready { since: self.clock.now() });
        self.mailbox.put(BrokerEvent::Connected);
    }

    fn blocked(&self, reason: &str) {
        tracing::warn!(reason, "the broker takes no messages for now");
        self.stats.set_blocked(true);
        self.enter(BrokerState::Blocked { since: self.clock.now(), reason: reason.to_owned() });
    }

    fn unblocked(&self) {
        tracing::info!("the broker takes messages again");
        self.stats.set_blocked(false);
        self.enter(BrokerState::Ready { since: self.clock.now() });
        self.mailbox.put(BrokerEvent::Unblocked);
    }

    fn lost(&self, reason: &str) {
        let had = self.slot().take().is_some();
        self.stats.disconnect();
        if had {
            self.mailbox.put(BrokerEvent::Lost);
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
                self.enter(BrokerState::Unreachable { since: self.clock.now(), reason: reason.to_owned() });
            }
        }
        true
    }

    fn enter(&self, state: BrokerState) {
        self.state.send_replace(state);
    }
}

//! An apiserver in memory.
//!
//! It is the service under a [`kube::Client`]: it reads HTTP and answers with HTTP. One store is shared by all clients, each
//! of which has a name. Nothing happens by itself, and nothing takes time: the only clock is the event loop's, which may be
//! paused. The same requests in the same order have the same answers.
//!
//! # Guarantees
//! It does what `tests/golden/apiserver-transcript.txt` says; `super::conformance` holds a real apiserver to the same lines.
//!
//! # Caveats
//! Left out: authentication and permissions, admission but for namespaces, schemas (defaults, pruning, validation, CEL) but for
//! what of a pod's spec cannot change, quotas, `managedFields`, JSON patch, streaming lists, caches that are behind, evictions,
//! and all paths that the operator does not use. What a file simplifies stands at its head.

mod collect;
mod control;
mod delete;
mod faults;
mod kinds;
mod patch;
mod read;
mod refusal;
mod request;
mod requests;
mod select;
mod store;
mod watch;
mod write;

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{Request, Response, header};
use futures::{StreamExt as _, stream};
use jiff::{Timestamp, fmt::rfc2822};
use kube::{Client, client::Body};
use serde_json::Value;
use tokio::{sync::mpsc::UnboundedReceiver, time::sleep};

use crate::support::audit;

pub(crate) use faults::Fault;
pub(crate) use refusal::Refusal;
pub(crate) use requests::Requests;

use faults::Faults;
use request::Asked;
use store::Store;
use watch::{Piece, Watches};

/// How long a watch lasts that does not say so.
const WATCH_SECONDS: u64 = 1800;

/// An apiserver in memory. Clones are the same one.
#[derive(Clone)]
pub(crate) struct SimulatedApiserver(Arc<Mutex<State>>);

struct State {
    store: Store,
    watches: Watches,
    faults: Faults,
    log: Vec<audit::Request>,
    /// How long a request is on its way, and its answer.
    delay: Duration,
}

/// What a request is answered with.
enum Answer {
    Object(u16, Value),
    Events(UnboundedReceiver<Piece>, Duration),
}

type Reply = Response<axum::body::Body>;

impl SimulatedApiserver {
    /// One without objects, whose clock shows `epoch` now. Needs a Tokio runtime.
    pub(crate) fn start(epoch: Timestamp) -> Self {
        let (watches, faults) = (Watches::default(), Faults::default());
        let store = Store::new(epoch);
        Self(Arc::new(Mutex::new(State { store, watches, faults, log: Vec::new(), delay: Duration::ZERO })))
    }

    /// A client called `name`, with this namespace as its default.
    pub(crate) fn client(&self, name: &str, namespace: &str) -> Client {
        Client::new(self.way(name), namespace)
    }

    /// The way of the client called `name`, on which it may build a client of its own.
    pub(crate) fn way(&self, name: &str) -> Way {
        Way { apiserver: self.clone(), client: name.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(self, client: String, request: Request<Body>) -> io::Result<Reply> {
        let asked = Asked::read(&client, request).await;
        let delay = self.lock().delay;
        on_its_way(delay).await;
        let fault = self.lock().faults.of(&asked);
        let reply = match &fault {
            Some(Fault::Refuse(refusal)) => self.lock().refuse(&asked, refusal),
            Some(Fault::Disconnect | Fault::Silence) => {
                self.lock().note(&asked, 0);
                return if matches!(fault, Some(Fault::Silence)) { pending().await } else { Err(broken()) };
            }
            Some(Fault::Late(delay)) => {
                let (apiserver, delay) = (self.clone(), *delay);
                let serving = tokio::spawn(async move {
                    sleep(delay).await;
                    apiserver.lock().serve(&asked)
                });
                serving.await.map_err(|_| broken())?
            }
            Some(Fault::LoseReply | Fault::HoldReply) | None => self.lock().serve(&asked),
        };
        match fault {
            Some(Fault::LoseReply) => return Err(broken()),
            Some(Fault::HoldReply) => {
                let gate = self.lock().faults.gate();
                gate.await.map_err(|_| broken())?;
            }
            _ => {}
        }
        on_its_way(delay).await;
        Ok(reply)
    }
}

/// Without a delay, nothing else happens meanwhile.
async fn on_its_way(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the simulated connection ended")
}

impl State {
    fn serve(&mut self, asked: &Asked) -> Reply {
        let answer = self.act(asked);
        self.watches.distribute(&self.store);
        match answer {
            Ok(Answer::Object(code, object)) => {
                self.note(asked, code);
                self.reply(code, axum::body::Body::from(object.to_string()))
            }
            Ok(Answer::Events(events, limit)) => {
                self.note(asked, 200);
                self.reply(200, axum::body::Body::from_stream(until(limit, events)))
            }
            Err(refusal) => self.refuse(asked, &refusal),
        }
    }

    fn act(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        let target = asked.target()?;
        let is_main = target.subresource.is_empty();
        let store = &mut self.store;
        let object = match asked.verb {
            "get" => read::get(store, asked)?,
            "list" => read::list(store, asked)?,
            "watch" => {
                let seconds = asked.parameter("timeoutSeconds").parse().unwrap_or(WATCH_SECONDS);
                let events = self.watches.begin(store, asked)?;
                return Ok(Answer::Events(events, Duration::from_secs(seconds)));
            }
            "create" if is_main && target.name.is_empty() => {
                return Ok(Answer::Object(201, write::create(store, asked)?));
            }
            "update" if !target.name.is_empty() => write::replace(store, asked)?,
            "patch" if !target.name.is_empty() => patch::patch(store, asked)?,
            "delete" if is_main => delete::delete(store, asked)?,
            _ => {
                let message = "the server does not allow this method on the requested resource";
                return Err(Refusal::new(405, "MethodNotAllowed", message));
            }
        };
        Ok(Answer::Object(200, object))
    }

    fn refuse(&mut self, asked: &Asked, refusal: &Refusal) -> Reply {
        self.note(asked, refusal.code);
        let mut reply = self.reply(refusal.code, axum::body::Body::from(refusal.status().to_string()));
        if let Some(seconds) = refusal.retry_after {
            reply.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        reply
    }

    fn reply(&self, code: u16, body: axum::body::Body) -> Reply {
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.store.now());
        let head = Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
        head.header(header::DATE, date.unwrap_or_default()).body(body).unwrap()
    }

    /// Puts a request on record; one without an answer has the code 0.
    fn note(&mut self, asked: &Asked, code: u16) {
        let target = asked.target.as_ref();
        let part = |part: fn(&request::Target) -> &str| target.map(part).unwrap_or_default().to_owned();
        self.log.push(audit::Request {
            user: asked.client.clone(),
            verb: asked.verb.to_owned(),
            resource: part(|target| target.kind.plural),
            subresource: part(|target| &target.subresource),
            namespace: part(|target| &target.namespace),
            name: part(|target| &target.name),
            code: i64::from(code),
            forbidden: false,
            received: self.store.now(),
            body: asked.body.clone(),
        });
    }
}

/// What comes within `limit`.
fn until(limit: Duration, mut events: UnboundedReceiver<Piece>) -> impl futures::Stream<Item = Piece> + Send {
    stream::poll_fn(move |context| events.poll_recv(context)).take_until(Box::pin(sleep(limit)))
}

/// The way of one client to the apiserver.
#[derive(Clone)]
pub(crate) struct Way {
    apiserver: SimulatedApiserver,
    client: String,
}

impl tower::Service<Request<Body>> for Way {
    type Response = Reply;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Reply>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.apiserver.clone().answer(self.client.clone(), request))
    }
}

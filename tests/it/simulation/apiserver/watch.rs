//! Watches: what each is sent, and what is held back.
//!
//! Simplified: a bookmark comes only when the test says so, and a watch from a version that is still to come waits for it.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{
    kinds::Kind,
    refusal::Refusal,
    request::{Asked, Form},
    requests::Requests,
    select::{Selection, shown},
    store::{Change, Store},
};

/// A piece of an answer's body.
pub(super) type Piece = Result<Bytes, io::Error>;

/// All watches that are open.
#[derive(Default)]
pub(super) struct Watches {
    begun: u64,
    open: BTreeMap<u64, Watch>,
    held: Vec<Requests>,
    /// Up to where all watches were sent what changed.
    sent: u64,
}

struct Watch {
    client: String,
    kind: &'static Kind,
    selection: Selection,
    form: Form,
    sender: UnboundedSender<Piece>,
    /// What is held back, the oldest first.
    waiting: VecDeque<Value>,
}

impl Watches {
    /// Opens a watch from the version that it names; from what is there now where it names none.
    pub(super) fn begin(&mut self, store: &Store, asked: &Asked) -> Result<UnboundedReceiver<Piece>, Refusal> {
        if asked.parameter("sendInitialEvents") == "true" {
            return Err(Refusal::not_simulated("streaming lists"));
        }
        let (kind, selection) = (asked.target()?.kind, Selection::of(asked)?);
        let (sender, receiver) = mpsc::unbounded_channel();
        let (client, form) = (asked.client.clone(), asked.form);
        let mut watch = Watch { client, kind, selection, form, sender, waiting: VecDeque::new() };
        let from = asked.parameter("resourceVersion").parse().unwrap_or(0);
        if from == 0 {
            let objects = store.snapshot(kind, store.revision()).into_iter();
            let objects = objects.filter(|object| watch.selection.takes(object));
            watch.waiting = objects.map(|object| event("ADDED", &shown(&object, form))).collect();
        } else if from < store.oldest() {
            watch.waiting.push_back(expired(from, store.oldest()));
            watch.send(usize::MAX);
            return Ok(receiver);
        } else {
            watch.waiting = store.changes_after(from).filter_map(|change| watch.event(change)).collect();
        }
        self.begun += 1;
        if !self.is_held(&watch) {
            watch.send(usize::MAX);
        }
        self.open.insert(self.begun, watch);
        Ok(receiver)
    }

    /// Sends each watch what changed for it.
    pub(super) fn distribute(&mut self, store: &Store) {
        for change in store.changes_after(self.sent) {
            for watch in self.open.values_mut() {
                watch.waiting.extend(watch.event(change));
            }
        }
        self.sent = store.revision();
        self.send_all();
    }

    fn send_all(&mut self) {
        let held = &self.held;
        let free = self.open.values_mut().filter(|watch| !held.iter().any(|held| watch.is_one_of(held)));
        free.for_each(|watch| watch.send(usize::MAX));
        self.open.retain(|_, watch| !watch.sender.is_closed());
    }

    fn is_held(&self, watch: &Watch) -> bool {
        self.held.iter().any(|held| watch.is_one_of(held))
    }

    fn matching(&mut self, which: &Requests) -> impl Iterator<Item = &mut Watch> {
        self.open.values_mut().filter(|watch| watch.is_one_of(which))
    }

    pub(super) fn hold(&mut self, which: Requests) {
        self.held.push(which);
    }

    pub(super) fn release(&mut self, which: &Requests) {
        self.held.retain(|held| held != which);
        self.send_all();
    }

    pub(super) fn let_through(&mut self, which: &Requests, count: usize) {
        self.matching(which).for_each(|watch| watch.send(count));
    }

    /// Sends each the version that it has got to.
    pub(super) fn bookmark(&mut self, which: &Requests, store: &Store) {
        for watch in self.matching(which) {
            let metadata = json!({"resourceVersion": store.revision().to_string(), "creationTimestamp": null});
            let (api_version, kind) = (watch.kind.api_version(), watch.kind.name);
            let object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
            watch.waiting.push_back(event("BOOKMARK", &object));
        }
        self.send_all();
    }

    /// Ends watches with this as their last word; what is held back for them is lost.
    pub(super) fn end(&mut self, which: &Requests, last: &dyn Fn() -> Option<Piece>) {
        for (_, watch) in self.open.extract_if(.., |_, watch| watch.is_one_of(which)) {
            if let Some(piece) = last() {
                // Fails where the client has gone.
                drop(watch.sender.send(piece));
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

impl Watch {
    fn is_one_of(&self, which: &Requests) -> bool {
        which.include(&self.client, "watch", self.kind.plural)
    }

    /// What this watch sees of a change: what enters or leaves its selection is added or deleted.
    fn event(&self, change: &Change) -> Option<Value> {
        if change.kind != self.kind {
            return None;
        }
        let takes = |object: &&Value| self.selection.takes(object);
        let (before, after) = (change.before.as_ref().filter(takes), change.after.as_ref().filter(takes));
        match (before, after) {
            (Some(_), Some(after)) => Some(event("MODIFIED", &shown(after, self.form))),
            (None, Some(after)) => Some(event("ADDED", &shown(after, self.form))),
            (Some(before), None) => {
                let mut last = shown(before, self.form);
                last["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                Some(event("DELETED", &last))
            }
            (None, None) => None,
        }
    }

    fn send(&mut self, count: usize) {
        for event in self.waiting.drain(..count.min(self.waiting.len())) {
            // Fails where the client has gone.
            drop(self.sender.send(Ok(line(&event))));
        }
    }
}

fn event(what: &str, object: &Value) -> Value {
    json!({"type": what, "object": object})
}

fn expired(from: u64, oldest: u64) -> Value {
    event("ERROR", &Refusal::expired(format!("too old resource version: {from} ({oldest})")).status())
}

/// The last word to a watch whose versions are forgotten.
pub(super) fn expiry(store: &Store) -> Bytes {
    line(&expired(store.oldest(), store.revision()))
}

fn line(event: &Value) -> Bytes {
    Bytes::from(format!("{event}\n"))
}

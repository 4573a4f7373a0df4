//! What goes wrong, and with which requests.

use std::{collections::VecDeque, time::Duration};

use tokio::sync::oneshot;

use super::{refusal::Refusal, request::Asked, requests::Requests};

/// Decides for each request whether it goes wrong: by client, verb, resource and name.
pub(super) type Judge = Box<dyn FnMut(&str, &str, &str, &str) -> Option<Fault> + Send>;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It has no effect, and this answer.
    Refuse(Refusal),
    /// It has no effect, and its connection ends.
    Disconnect,
    /// It has no effect and no answer.
    Silence,
    /// It has its effect, and its connection ends before the answer.
    LoseReply,
    /// It is on its way for so long, whatever becomes of its client.
    Late(Duration),
    /// It has its effect, and its answer comes when the test says so.
    HoldReply,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    Always,
}

/// All that is to go wrong.
#[derive(Default)]
pub(super) struct Faults {
    rules: VecDeque<(Requests, Fault, Times)>,
    held: Vec<oneshot::Sender<()>>,
    judge: Option<Judge>,
}

impl Faults {
    pub(super) fn once(&mut self, which: Requests, fault: Fault) {
        self.rules.push_back((which, fault, Times::Once));
    }

    pub(super) fn always(&mut self, which: Requests, fault: Fault) {
        self.rules.push_back((which, fault, Times::Always));
    }

    pub(super) fn judge_by(&mut self, judge: Judge) {
        self.judge = Some(judge);
    }

    pub(super) fn mend(&mut self) {
        self.rules.clear();
    }

    /// What becomes of this request, by the first rule that is for it.
    pub(super) fn of(&mut self, asked: &Asked) -> Option<Fault> {
        let resource = asked.resource();
        let is_meant = |rule: &(Requests, Fault, Times)| rule.0.include(&asked.client, asked.verb, &resource);
        let Some(place) = self.rules.iter().position(is_meant) else {
            return self.judge.as_mut()?(&asked.client, asked.verb, &resource, asked.name());
        };
        let (_, fault, times) = self.rules.get(place)?.clone();
        if times == Times::Once {
            self.rules.remove(place);
        }
        Some(fault)
    }

    /// What an answer waits for that is held back.
    pub(super) fn gate(&mut self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.held.push(sender);
        receiver
    }

    pub(super) fn release(&mut self) {
        for gate in self.held.drain(..) {
            // Fails where the client has gone.
            let _ = gate.send(());
        }
    }
}

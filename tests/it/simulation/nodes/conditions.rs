//! Conditions of pods, and times as Kubernetes writes them.

use jiff::Timestamp;
use serde_json::{Value, json};

/// A condition of a pod.
pub(super) struct Condition {
    type_: &'static str,
    status: &'static str,
    reason: String,
    message: String,
}

impl Condition {
    pub(super) fn holds(type_: &'static str) -> Self {
        Self { type_, status: "True", reason: String::new(), message: String::new() }
    }

    pub(super) fn fails(type_: &'static str) -> Self {
        Self { status: "False", ..Self::holds(type_) }
    }

    pub(super) fn because(self, reason: &str, message: &str) -> Self {
        Self { reason: reason.to_owned(), message: message.to_owned(), ..self }
    }

    /// The cluster ends the pod.
    pub(super) fn disruption_target(reason: &str, message: &str) -> Self {
        Self::holds("DisruptionTarget").because(reason, message)
    }

    /// Puts it into a pod's status. Its time changes only with its status.
    pub(super) fn set(&self, status: &mut Value, now: Timestamp) {
        let mut new = json!({"type": self.type_, "status": self.status, "lastTransitionTime": whole(now)});
        for (field, text) in [("reason", &self.reason), ("message", &self.message)] {
            if !text.is_empty() {
                new[field] = json!(text);
            }
        }
        if !status["conditions"].is_array() {
            status["conditions"] = json!([]);
        }
        let Some(all) = status["conditions"].as_array_mut() else { return };
        match all.iter_mut().find(|known| known["type"] == self.type_) {
            Some(known) => {
                if known["status"] == new["status"] {
                    new["lastTransitionTime"] = known["lastTransitionTime"].take();
                }
                *known = new;
            }
            None => all.push(new),
        }
    }
}

/// A time of Kubernetes has whole seconds.
pub(super) fn whole(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

//! A container, and what its kubelet says of it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{self, Pod};
use serde_json::{Value, json};

use super::{conditions::whole, program::Exit};

/// A container as its kubelet knows it.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub name: String,
    image: String,
    pub role: Role,
    pub state: State,
    last: Option<Ended>,
    restarts: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Init,
    Sidecar,
    Regular,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Waiting { reason: String, message: String },
    Running(Timestamp),
    Ended(Ended),
}

/// How a container ended; without times where it was never there.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    exit: Exit,
    times: Option<(Timestamp, Timestamp)>,
}

/// All containers of `pod`, in the order of their starts, as they wait.
pub(super) fn all(pod: &Pod) -> Vec<Container> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let reason =
        if spec.init_containers.as_ref().is_none_or(Vec::is_empty) { "ContainerCreating" } else { "PodInitializing" };
    let init_role = |container: &v1::Container| match container.restart_policy.as_deref() {
        Some("Always") => Role::Sidecar,
        _ => Role::Init,
    };
    let inits = spec.init_containers.iter().flatten().map(|container| (container, init_role(container)));
    let regulars = spec.containers.iter().map(|container| (container, Role::Regular));
    inits.chain(regulars).map(|(container, role)| Container::new(container, role, reason)).collect()
}

impl Container {
    fn new(container: &v1::Container, role: Role, reason: &str) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            role,
            state: State::Waiting { reason: reason.to_owned(), message: String::new() },
            last: None,
            restarts: 0,
        }
    }

    pub(super) fn wait(&mut self, reason: &str, message: &str) {
        self.state = State::Waiting { reason: reason.to_owned(), message: message.to_owned() };
    }

    /// Starts, or starts again.
    pub(super) fn start(&mut self, now: Timestamp) {
        if let State::Ended(end) = &self.state {
            self.last = Some(end.clone());
        }
        self.restarts += i32::from(self.last.is_some());
        self.state = State::Running(now);
    }

    pub(super) fn end(&mut self, exit: Exit, now: Timestamp) {
        let times = if let State::Running(since) = self.state { Some((since, now)) } else { None };
        self.state = State::Ended(Ended { exit, times });
    }

    /// Waits to be started again.
    pub(super) fn back_off(&mut self, message: &str) {
        if let State::Ended(end) = &self.state {
            self.last = Some(end.clone());
        }
        self.wait("CrashLoopBackOff", message);
    }

    /// Is not started again, nor for the first time: how it ended last, where it did, is how it ended.
    pub(super) fn give_up(&mut self) {
        if !matches!(self.state, State::Waiting { .. }) {
            return;
        }
        let message = "The container could not be located when the pod was terminated";
        let exit = Exit { reason: "ContainerStatusUnknown".to_owned(), ..Exit::killed().saying(message) };
        self.state = State::Ended(self.last.take().unwrap_or(Ended { exit, times: None }));
    }

    /// Whether that is so of one that never started.
    pub(super) fn never_started(&self) -> bool {
        matches!(&self.state, State::Ended(Ended { times: None, .. }))
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    pub(super) fn has_begun(&self) -> bool {
        !self.is_waiting() || self.last.is_some()
    }

    /// The exit code of a container that has ended.
    pub(super) fn code(&self) -> Option<i32> {
        if let State::Ended(end) = &self.state { Some(end.exit.code) } else { None }
    }

    /// Whether the next container may start, as far as this init container goes.
    pub(super) fn is_initialized(&self) -> bool {
        match self.role {
            Role::Init => self.code() == Some(0),
            Role::Sidecar => self.is_running(),
            Role::Regular => true,
        }
    }

    fn is_ready(&self) -> bool {
        if self.role == Role::Init { self.is_initialized() } else { self.is_running() }
    }

    /// Its status, in the pod with this UID.
    pub(super) fn status(&self, uid: &str) -> Value {
        let mut status = json!({
            "name": self.name, "image": self.image, "imageID": "", "ready": self.is_ready(), "restartCount": self.restarts,
            "started": self.is_running() && self.role != Role::Init,
            "state": self.state.status(), "lastState": self.last.as_ref().map_or_else(|| json!({}), Ended::status),
        });
        if self.has_begun() && !self.never_started() {
            status["containerID"] = json!(format!("simulated://{uid}/{}/{}", self.name, self.restarts));
        }
        status
    }
}

impl State {
    fn status(&self) -> Value {
        match self {
            Self::Waiting { reason, message } => json!({"waiting": with_message(json!({"reason": reason}), message)}),
            Self::Running(since) => json!({"running": {"startedAt": whole(*since)}}),
            Self::Ended(end) => end.status(),
        }
    }
}

impl Ended {
    fn status(&self) -> Value {
        let mut end = json!({"exitCode": self.exit.code, "reason": self.exit.reason});
        if let Some((started, finished)) = self.times {
            (end["startedAt"], end["finishedAt"]) = (json!(whole(started)), json!(whole(finished)));
        }
        json!({"terminated": with_message(end, &self.exit.message)})
    }
}

fn with_message(mut value: Value, message: &str) -> Value {
    if !message.is_empty() {
        value["message"] = json!(message);
    }
    value
}

//! How an attempt ended, as its pod says it.
//!
//! Ring: core. Types alone: [`super::pod_state`] reads them from a pod, [`super::outcome`] judges them.

use jiff::Timestamp;

use crate::wire::TerminationRecord;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Main's exit, where it ran and its code is known.
    pub exit: Option<Exit>,
    /// What the courier left; `None` where it left nothing that can be read.
    pub courier: Option<TerminationRecord>,
    /// The pod's own reason and message, such as `Evicted`.
    pub pod: Option<(String, String)>,
    /// The reason of the pod's condition `DisruptionTarget`, where that is true.
    pub target: Option<String>,
    /// What its node did to the containers.
    pub node: Option<NodeFault>,
    /// What kept main from starting, or the first other container that failed, and how: an init container, say.
    pub culprit: Option<String>,
    /// When somebody asked for the pod's end, and why, where that is known.
    pub stop: Option<Stop>,
    /// When the kubelet began to stop the pod, because its `activeDeadlineSeconds` were over.
    pub ceiling: Option<Timestamp>,
    /// Main was last seen running, and nobody knows how it ended: the node is gone.
    pub lost: bool,
    /// The pod waited for a job, and main had ended before it got this one.
    pub was_over: bool,
}

/// Somebody asked for a pod's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// When, in whole seconds; where it is not exact, at some time before.
    pub at: Timestamp,
    /// Whether that is known. Once its containers have ended the kubelet deletes a pod that was to stop for good, and the
    /// time of the first request is lost.
    pub is_exact: bool,
    /// Why: `the node is drained`, say; empty where nobody said so.
    pub why: String,
}

/// Main's exit.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// The exit code; 137 may be a kill.
    pub code: i32,
    /// The kubelet's word for it: `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown`.
    pub reason: String,
    /// When main started, or the nearest possible time where its node's clock is wrong.
    pub started: Option<Timestamp>,
    /// When main ended, in whole seconds, where its node's clock is to be believed.
    pub finished: Option<Timestamp>,
    /// Main's last words: its termination message or the tail of its log.
    pub words: String,
}

/// What a node did to the containers of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeFault {
    /// It admitted none of them.
    Refusal,
    /// They were killed at once, as by a loss of power.
    PowerLoss,
    /// It lost one that had started, as by a reboot, and main never ran.
    Forgot,
}

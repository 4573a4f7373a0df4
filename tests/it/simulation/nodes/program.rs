//! What the regular containers of pods do.

use std::time::Duration;

use bytes::Bytes;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use omotes_operator::testing::api::names;

/// The operator's own label, which it does not show.
const LABEL_ATTEMPT: &str = "omotes.io/attempt";

/// Chooses what a regular container does, when it starts. For main of a warm pod that is when its courier has brought the
/// input.
pub(crate) type Programs = Box<dyn Fn(&Start) -> Program + Send + Sync>;

/// The start of a regular container.
pub(crate) struct Start<'a> {
    pub pod: &'a Pod,
    pub container: &'a str,
}

impl Start<'_> {
    /// The name of the job; empty where there is none.
    pub(crate) fn job(&self) -> &str {
        self.label(names::LABEL_JOB_NAME)
    }

    /// Which attempt of its job it is; 0 where there is no job.
    pub(crate) fn attempt(&self) -> i32 {
        self.label(LABEL_ATTEMPT).parse().unwrap_or_default()
    }

    fn label(&self, key: &str) -> &str {
        self.pod.labels().get(key).map(String::as_str).unwrap_or_default()
    }
}

/// How a container ends, and what it leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    pub code: i32,
    /// As the kubelet has it.
    pub reason: String,
    /// The termination message.
    pub message: String,
    /// The output of main, for its courier.
    pub output: Option<Bytes>,
}

impl Exit {
    pub(crate) fn code(code: i32) -> Self {
        let reason = if code == 0 { "Completed" } else { "Error" };
        Self { code, reason: reason.to_owned(), message: String::new(), output: None }
    }

    /// Ended by SIGTERM.
    pub(crate) fn terminated() -> Self {
        Self::code(143)
    }

    /// Ended by SIGKILL.
    pub(crate) fn killed() -> Self {
        Self::code(137)
    }

    pub(crate) fn out_of_memory() -> Self {
        Self { reason: "OOMKilled".to_owned(), ..Self::killed() }
    }

    /// With this termination message.
    pub(crate) fn saying(self, message: &str) -> Self {
        Self { message: message.to_owned(), ..self }
    }

    /// With this output.
    pub(crate) fn leaving(self, output: &'static [u8]) -> Self {
        Self { output: Some(Bytes::from_static(output)), ..self }
    }
}

/// What a regular container does.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(super) start: Outset,
    /// How it ends by itself, and after how long.
    pub(super) end: Option<(Duration, Exit)>,
    pub(super) at_sigterm: AtSigterm,
}

/// Whether a container starts.
#[derive(Debug, Clone)]
pub(super) enum Outset {
    Starts,
    /// It waits for ever, with this reason and message of its kubelet.
    Waits(String, String),
}

/// What a program does when it is told to stop.
#[derive(Debug, Clone)]
pub(super) enum AtSigterm {
    Dies,
    Ends(Duration, Exit),
    Ignores,
}

impl Program {
    /// Runs until it is told to stop.
    pub(crate) fn forever() -> Self {
        Self { start: Outset::Starts, end: None, at_sigterm: AtSigterm::Dies }
    }

    /// Ends by itself.
    pub(crate) fn ends(after: Duration, exit: Exit) -> Self {
        Self { end: Some((after, exit)), ..Self::forever() }
    }

    /// Cannot be started, for this reason of the kubelet, such as `ImagePullBackOff`.
    pub(crate) fn cannot_start(reason: &str, message: &str) -> Self {
        Self { start: Outset::Waits(reason.to_owned(), message.to_owned()), ..Self::forever() }
    }

    /// The same, but it ignores SIGTERM.
    pub(crate) fn deaf(self) -> Self {
        Self { at_sigterm: AtSigterm::Ignores, ..self }
    }

    /// The same, but it ends so long after SIGTERM and so.
    pub(crate) fn at_sigterm(self, after: Duration, exit: Exit) -> Self {
        Self { at_sigterm: AtSigterm::Ends(after, exit), ..self }
    }
}

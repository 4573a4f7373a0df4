//! The side of the job's pod: brings input in, carries progress and output out.
//!
//! Ring: shell. The same binary as the operator, as init container ([`input()`]), as native sidecar
//! ([`run`]), or, in a pod that waits for a job, as both ([`wait`]).
//!
//! The job's own program knows files only: it reads `/omotes/input`, appends to `/omotes/progress`, and leaves
//! `/omotes/output/output.esdl` and `messages.json`. The courier decides nothing: it says in its termination message what
//! became of the output, and the operator acts on that.
//!
//! Guarantees:
//! - A commit record is written only after the broker confirmed that the output is in a queue.
//! - No file is sent but a regular one of the job's own: a link to somewhere else is refused.
//! - A broker that is away never holds up the job; at the job's end it is waited for as long as the pod allows.
//! - Memory: about twice the output, three times while a broker sends it back.
//!
//! Assumes that `shutdown` is the kubelet's SIGTERM, which a native sidecar gets when all other containers have ended.

mod fetch;
mod flush;
mod input;
mod link;
mod output;
mod report;
mod settings;
mod tail;
mod warm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use settings::{CourierSettings, SettingsError, WaitingSettings};
pub use warm::wait;

use crate::wire::{FailureRecord, TerminationRecord};

/// Where things are in the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
    termination_log: PathBuf,
}

impl Default for Layout {
    /// The layout of a pod.
    fn default() -> Self {
        Self::new("/omotes", "/dev/termination-log")
    }
}

impl Layout {
    /// A layout with another root folder, for tests. Neither path may go through links.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, termination_log: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), termination_log: termination_log.into() }
    }

    fn input_folder(&self) -> PathBuf {
        self.root.join("input")
    }

    fn input(&self) -> PathBuf {
        self.input_folder().join("input.esdl")
    }

    /// Where Kubernetes puts the job's files when the courier brings the ESDL.
    fn source(&self) -> PathBuf {
        self.root.with_file_name("omotes-source")
    }

    /// Where the courier of a warm pod reads which job it got.
    fn assignment(&self) -> PathBuf {
        self.source().join("assignment.json")
    }

    fn progress(&self) -> PathBuf {
        self.root.join("progress")
    }

    fn output_folder(&self) -> PathBuf {
        self.root.join("output")
    }

    fn output(&self) -> PathBuf {
        self.output_folder().join("output.esdl")
    }

    fn messages(&self) -> PathBuf {
        self.output_folder().join("messages.json")
    }

    fn termination_log(&self) -> &Path {
        &self.termination_log
    }
}

/// Prepares the pod's folders and waits for the input: the init container.
pub async fn input(settings: &CourierSettings, layout: &Layout, shutdown: impl Future<Output = ()>) -> ExitCode {
    tokio::select! {
        prepared = input::prepare(settings, layout) => match prepared {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => fail(layout, failure),
        },
        () = shutdown => ExitCode::FAILURE,
    }
}

/// Carries progress until `shutdown`, then the output: the native sidecar.
pub async fn run(settings: &CourierSettings, layout: &Layout, shutdown: impl Future<Output = ()>) -> ExitCode {
    let mut link = link::Link::new(settings.endpoint.clone(), settings.connection_name());
    let latest = tail::follow(settings, layout, &mut link, shutdown).await;
    let flushed = flush::flush(settings, layout, &mut link, latest).await;
    let code = match flushed {
        Ok(record) => {
            tracing::info!(bytes = record.bytes, sha256 = %record.sha256, "the broker has the output");
            report::write(layout.termination_log(), &TerminationRecord::Committed(record))
        }
        Err(failure) => fail(layout, failure),
    };
    link.close().await;
    code
}

fn fail(layout: &Layout, failure: FailureRecord) -> ExitCode {
    tracing::error!(cause = failure.cause.as_str(), "{}", failure.message);
    report::write(layout.termination_log(), &TerminationRecord::Failed(failure));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    /// The folders of a pod, somewhere else.
    pub(super) struct Pod {
        pub(super) layout: Layout,
    }

    impl Pod {
        /// As the pod starts.
        pub(super) fn empty() -> Self {
            let folder = std::env::temp_dir().join(format!("omotes-courier-{:016x}", fastrand::u64(..)));
            fs::create_dir_all(folder.join("omotes")).unwrap();
            let folder = folder.canonicalize().unwrap();
            Self { layout: Layout::new(folder.join("omotes"), folder.join("termination-log")) }
        }

        /// As the job's program finds it.
        pub(super) fn prepared() -> Self {
            let pod = Self::empty();
            fs::create_dir(pod.layout.output_folder()).unwrap();
            pod
        }

        pub(super) fn write(&self, name: &str, text: &str) {
            let path = self.layout.root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        pub(super) fn append(&self, name: &str, text: &str) {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(self.layout.root.join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
    }

    impl Drop for Pod {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.layout.root.parent().unwrap());
        }
    }

    #[tokio::test]
    async fn a_failure_is_the_last_word() {
        let pod = Pod::prepared();
        fs::create_dir(pod.layout.output()).unwrap();
        let settings = settings::tests::lonely();
        run(&settings, &pod.layout, std::future::ready(())).await;
        let record = TerminationRecord::parse(&fs::read_to_string(pod.layout.termination_log()).unwrap());
        assert!(matches!(record, Ok(TerminationRecord::Failed(_))), "{record:?}");
    }
}

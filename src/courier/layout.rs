//! Where the courier finds and leaves things in its pod.
//!
//! Ring: shell; plain paths.

use std::path::{Path, PathBuf};

/// Where things are in the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) root: PathBuf,
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

    pub(super) fn input_folder(&self) -> PathBuf {
        self.root.join("input")
    }

    pub(super) fn input(&self) -> PathBuf {
        self.input_folder().join("input.esdl")
    }

    /// Where Kubernetes puts the job's files when the courier brings the ESDL.
    pub(super) fn source(&self) -> PathBuf {
        self.root.with_file_name("omotes-source")
    }

    /// Where the courier of a warm pod reads which job it got.
    pub(super) fn assignment(&self) -> PathBuf {
        self.source().join("assignment.json")
    }

    /// Where the courier reads that the output is wanted now.
    pub(super) fn flush_request(&self) -> PathBuf {
        self.root.with_file_name("omotes-control").join("flush")
    }

    pub(super) fn progress(&self) -> PathBuf {
        self.root.join("progress")
    }

    pub(super) fn output_folder(&self) -> PathBuf {
        self.root.join("output")
    }

    pub(super) fn output(&self) -> PathBuf {
        self.output_folder().join("output.esdl")
    }

    pub(super) fn messages(&self) -> PathBuf {
        self.output_folder().join("messages.json")
    }

    pub(super) fn termination_log(&self) -> &Path {
        &self.termination_log
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;

    /// The folders of a pod, somewhere else.
    pub(in super::super) struct Pod {
        pub(in super::super) layout: Layout,
    }

    impl Pod {
        /// As the pod starts.
        pub(in super::super) fn empty() -> Self {
            let folder = std::env::temp_dir().join(format!("omotes-courier-{:016x}", fastrand::u64(..)));
            fs::create_dir_all(folder.join("omotes")).unwrap();
            let folder = folder.canonicalize().unwrap();
            Self { layout: Layout::new(folder.join("omotes"), folder.join("termination-log")) }
        }

        /// As the job's program finds it.
        pub(in super::super) fn prepared() -> Self {
            let pod = Self::empty();
            fs::create_dir(pod.layout.output_folder()).unwrap();
            pod
        }

        pub(in super::super) fn write(&self, name: &str, text: &str) {
            let path = self.layout.root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        pub(in super::super) fn append(&self, name: &str, text: &str) {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(self.layout.root.join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
    }

    impl Drop for Pod {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.layout.root.parent().unwrap());
        }
    }
}

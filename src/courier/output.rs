//! What the job left behind.
//!
//! Ring: shell.
//!
//! The job owns the folder that this reads from, and the courier may run as another user with a password in its
//! environment. So nothing is read but a regular file that really is at its place: a link to `/proc/self/environ` would
//! hand that password to the job's client.
//!
//! Guarantees: what cannot be read is an error that names file, owner, mode, reader and remedy. Never waits for a file,
//! whatever the job puts in its place meanwhile.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::{fs::OFlags, io::Errno, process::geteuid};

use super::layout::Layout;
use crate::wire::{CourierOutput, EsdlMessage, OutputError, Severity, parse_messages};

/// The broker takes no larger messages, whatever its configuration.
const MAX_OUTPUT_BYTES: u64 = 512 * 1024 * 1024;
/// A thousand long remarks.
const MAX_MESSAGES_BYTES: u64 = 16 * 1024 * 1024;

/// Why a file of the job cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnreadableFile {
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
    #[error("{} is not a regular file: write the file itself, not a link to it", .0.display())]
    NotRegular(PathBuf),
    #[error(
        "{} cannot be read: {about} with mode {mode:04o}, the courier runs as user {reader}; declare runAsUser on the main container, so that the courier \
         runs as the same user, or make it readable for all with chmod", path.display()
    )]
    Denied { path: PathBuf, about: String, mode: u32, reader: u32 },
    #[error("{} has more than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("{} is not UTF-8 from byte {offset} on: write ESDL as UTF-8 text", path.display())]
    NotUtf8 { path: PathBuf, offset: usize },
    #[error("{} cannot be read: {error}", path.display())]
    Failed { path: PathBuf, error: io::Error },
}

/// Reads what the job left. Blocking.
pub(super) fn collect(layout: &Layout) -> Result<CourierOutput, UnreadableFile> {
    let path = layout.output();
    let esdl = present(read(&path, MAX_OUTPUT_BYTES))?;
    CourierOutput::new(esdl.map(Bytes::from), messages(layout)).map_err(|error| match error {
        OutputError::NotUtf8 { offset } => UnreadableFile::NotUtf8 { path, offset },
        OutputError::Malformed(text) => UnreadableFile::Failed { path, error: io::Error::other(text) },
    })
}

/// Remarks are never worth a result: what cannot be read becomes a remark.
fn messages(layout: &Layout) -> Vec<EsdlMessage> {
    match present(read(&layout.messages(), MAX_MESSAGES_BYTES)) {
        Ok(json) => json.map(|json| parse_messages(&json)).unwrap_or_default(),
        Err(error) => {
            vec![EsdlMessage::new(Severity::Warning, format!("the messages of this job were left out: {error}"))]
        }
    }
}

fn present(read: Result<Vec<u8>, UnreadableFile>) -> Result<Option<Vec<u8>>, UnreadableFile> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(UnreadableFile::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, UnreadableFile> {
    let failed = |error| UnreadableFile::Failed { path: path.to_owned(), error };
    let file = open_regular(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut content = Vec::with_capacity(usize::try_from(length.min(limit)).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(UnreadableFile::TooLarge { path: path.to_owned(), limit });
    }
    Ok(content)
}

/// Opens a regular file that is really at this place: neither it nor any folder above it is a link.
pub(super) fn open_regular(path: &Path) -> Result<File, UnreadableFile> {
    let seen = path.symlink_metadata().map_err(|error| explain(path, None, error))?;
    // Opening a device may have an effect.
    if !seen.is_file() {
        return Err(UnreadableFile::NotRegular(path.to_owned()));
    }
    let failed = |error| explain(path, Some(&seen), error);
    let file = unfollowed(OpenOptions::new().read(true)).open(path).map_err(failed)?;
    // The job may have replaced it, or its folder, meanwhile. The kernel knows what was opened.
    let opened = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(failed)?;
    let is_it = opened == path && file.metadata().map_err(failed)?.is_file();
    if is_it { Ok(file) } else { Err(UnreadableFile::NotRegular(path.to_owned())) }
}

/// Opens no link, and waits for no other end of a pipe.
pub(super) fn unfollowed(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

fn explain(path: &Path, seen: Option<&Metadata>, error: io::Error) -> UnreadableFile {
    let path = path.to_owned();
    match error.kind() {
        _ if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => UnreadableFile::NotRegular(path),
        io::ErrorKind::NotFound => UnreadableFile::Missing(path),
        io::ErrorKind::PermissionDenied => denied(path, seen),
        _ => UnreadableFile::Failed { path, error },
    }
}

fn denied(path: PathBuf, seen: Option<&Metadata>) -> UnreadableFile {
    // The file of a closed folder cannot even be looked at.
    let folder = path.parent().and_then(|folder| folder.metadata().ok());
    let (about, of) = if seen.is_some() { ("it", seen) } else { ("its folder", folder.as_ref()) };
    let owner = of.map_or_else(|| "another user".to_owned(), |of| format!("user {}", of.uid()));
    let mode = of.map_or(0, |of| of.permissions().mode() & 0o7777);
    let reader = geteuid().as_raw();
    UnreadableFile::Denied { path, about: format!("{about} belongs to {owner}"), mode, reader }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::super::layout::tests::Pod;
    use super::*;

    #[test]
    fn output_and_remarks_are_optional() {
        let pod = Pod::prepared();
        assert_eq!(collect(&pod.layout).unwrap(), CourierOutput::new(None, Vec::new()).unwrap());
        pod.write("output/output.esdl", "<esdl/>");
        pod.write("output/messages.json", r#"[{"technicalMessage": "a", "severity": "INFO"}]"#);
        let expected = CourierOutput::new(Some("<esdl/>".into()), vec![EsdlMessage::new(Severity::Info, "a")]);
        assert_eq!(collect(&pod.layout).unwrap(), expected.unwrap());
    }

    #[test]
    fn unreadable_remarks_become_a_remark() {
        let pod = Pod::prepared();
        symlink("/etc/hostname", pod.layout.messages()).unwrap();
        let output = collect(&pod.layout).unwrap();
        assert_eq!(output.output_bytes(), None);
        let remark = messages(&pod.layout).remove(0);
        assert!(remark.technical_message.contains("not a regular file"), "{}", remark.technical_message);
    }

    #[test]
    fn a_link_is_refused_wherever_it_is() {
        let pod = Pod::prepared();
        symlink("/proc/self/environ", pod.layout.output()).unwrap();
        assert!(matches!(collect(&pod.layout), Err(UnreadableFile::NotRegular(_))));

        let pod = Pod::empty();
        pod.write("elsewhere/output.esdl", "secret");
        symlink(pod.layout.root.join("elsewhere"), pod.layout.output_folder()).unwrap();
        assert!(matches!(collect(&pod.layout), Err(UnreadableFile::NotRegular(_))));
    }

    #[test]
    fn a_folder_in_its_place_is_refused() {
        let pod = Pod::prepared();
        std::fs::create_dir(pod.layout.output()).unwrap();
        assert!(matches!(collect(&pod.layout), Err(UnreadableFile::NotRegular(_))));
    }

    /// A program that puts a pipe or a link in place of its output, again and again, neither stops the courier nor has it
    /// read something else.
    #[test]
    fn what_is_swapped_in_a_loop_is_never_waited_for() {
        let pod = Pod::prepared();
        let (output, elsewhere) = (pod.layout.output(), pod.layout.root.join("elsewhere"));
        std::fs::create_dir(&elsewhere).unwrap();
        let [file, pipe, link] = ["file", "pipe", "link"].map(|name| elsewhere.join(name));
        let read_often = {
            let output = output.clone();
            // However rarely the other thread runs, the file is there at last.
            move || {
                let (mut reads, mut seen) = (0, 0);
                while reads < 200_000 || seen == 0 {
                    reads += 1;
                    seen += u32::from(is_expected(&read(&output, MAX_OUTPUT_BYTES)));
                }
            }
        };
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            read_often();
            done.send(())
        });
        let began = Instant::now();
        loop {
            mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
            symlink("/proc/self/environ", &link).unwrap();
            std::fs::write(&file, "<esdl/>").unwrap();
            for next in [&file, &pipe, &link] {
                std::fs::rename(next, &output).unwrap();
            }
            match ended.try_recv() {
                Ok(()) => break,
                Err(end) => assert!(end == mpsc::TryRecvError::Empty, "it read something else"),
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the courier waits, or has never read the file");
        }
    }

    /// Whether it is the file; panics where it is something else than what is refused.
    fn is_expected(seen: &Result<Vec<u8>, UnreadableFile>) -> bool {
        match seen {
            Ok(text) => text == b"<esdl/>" || panic!("{text:?}"),
            Err(UnreadableFile::NotRegular(_) | UnreadableFile::Missing(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let pod = Pod::prepared();
        std::fs::write(pod.layout.output(), b"<esdl>\xff").unwrap();
        let error = collect(&pod.layout).unwrap_err();
        assert!(matches!(error, UnreadableFile::NotUtf8 { offset: 6, .. }), "{error}");
    }

    #[test]
    fn more_than_the_limit_is_not_read() {
        let pod = Pod::prepared();
        pod.write("output/output.esdl", "12345");
        assert!(matches!(read(&pod.layout.output(), 4), Err(UnreadableFile::TooLarge { limit: 4, .. })));
        assert_eq!(read(&pod.layout.output(), 5).unwrap(), b"12345");
    }

    #[test]
    fn a_denied_file_is_explained_with_owner_mode_reader_and_remedy() {
        let pod = Pod::prepared();
        pod.write("output/output.esdl", "x");
        std::fs::set_permissions(pod.layout.output(), std::fs::Permissions::from_mode(0o600)).unwrap();
        let seen = pod.layout.output().metadata().unwrap();
        let text = explain(&pod.layout.output(), Some(&seen), io::ErrorKind::PermissionDenied.into()).to_string();
        let user = geteuid().as_raw();
        assert!(
            text.contains(&format!("it belongs to user {user} with mode 0600, the courier runs as user {user}")),
            "{text}"
        );
        assert!(text.contains("runAsUser") && text.contains("chmod"), "{text}");
        let text = explain(&pod.layout.output(), None, io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(text.contains("its folder belongs to"), "{text}");
    }
}

//! Following the job's progress file.
//!
//! Ring: shell.
//!
//! Guarantees: only the newest line counts, and it is sent at most once a second. Each new line is life, also one that says
//! the same again, and a file that was written anew is read anew. A last line without a newline counts once it is whole.
//! The operator is greeted after each connect and once a minute. A broker that is away holds up nothing. Memory is bounded,
//! whatever the job writes. The file is never waited for, even if the job put something else in its place.

use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::layout::Layout;
use super::link::Link;
use super::output::open_regular;
use super::settings::CourierSettings;
use crate::wire::{CourierMessage, CourierNotice, ProgressLine, parse_progress_line};

/// The first line is on its way at once; one look is one `stat`.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const SEND_EVERY: Duration = Duration::from_secs(1);
/// A courier that sends nothing for longer is taken for one without a connection: [`crate::plan::phases::courier`].
const GREET_EVERY: Duration = Duration::from_secs(60);
/// Longer lines are no progress.
const MAX_LINE: usize = 8 * 1024;
/// Only the last line counts: of what was written since the last look, no more than this is read.
const MAX_CHUNK: u64 = 64 * 1024;
/// So many bytes before the position tell a longer file from one that was written anew.
const MARK: usize = 64;

/// Sends what the file says until `shutdown`; returns what was not sent any more.
pub(super) async fn follow(
    settings: &CourierSettings,
    layout: &Layout,
    link: &mut Link,
    shutdown: impl Future<Output = ()>,
) -> Option<CourierMessage> {
    let now = Instant::now();
    let mut sender =
        ProgressSender { settings, tail: Tail::of(layout.progress()), unsent: None, send_from: now, greet_from: now };
    tokio::select! {
        () = sender.send_all(link) => {}
        () = shutdown => {}
    }
    sender.look();
    sender.unsent.map(|line| settings.message(CourierNotice::Progress(line)))
}

/// Sends the newest line, where there is a new one.
struct ProgressSender<'a> {
    settings: &'a CourierSettings,
    tail: Tail,
    unsent: Option<ProgressLine>,
    send_from: Instant,
    greet_from: Instant,
}

impl ProgressSender<'_> {
    async fn send_all(&mut self, link: &mut Link) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            self.look();
            self.greet(link).await;
            if Instant::now() >= self.send_from {
                self.send(link).await;
            }
        }
    }

    fn look(&mut self) {
        self.unsent = self.tail.newest().or(self.unsent.take());
    }

    async fn greet(&mut self, link: &mut Link) {
        if link.is_connected() && Instant::now() < self.greet_from {
            return;
        }
        let greeting = self.settings.message(self.settings.greeting.clone()).to_body();
        if link.connect().await && link.post(&greeting).await {
            self.greet_from = Instant::now() + GREET_EVERY;
        }
    }

    /// What cannot be sent now waits, until something newer replaces it.
    async fn send(&mut self, link: &mut Link) {
        let Some(newest) = self.unsent.clone().filter(|_| link.is_connected()) else { return };
        self.send_from = Instant::now() + SEND_EVERY;
        let body = self.settings.message(CourierNotice::Progress(newest)).to_body();
        if link.post(&body).await {
            self.unsent = None;
            self.greet_from = Instant::now() + GREET_EVERY;
        }
    }
}

/// Reads lines from where it read before.
struct Tail {
    path: PathBuf,
    position: u64,
    /// Which file it was, and when it was written last.
    seen: Option<FileVersion>,
    /// The bytes before `position`.
    mark: Vec<u8>,
    partial: Vec<u8>,
    /// The rest of a line whose beginning was too long, or was skipped.
    skipping: bool,
}

#[derive(Clone, Copy, PartialEq)]
struct FileVersion {
    file: (u64, u64),
    written: (i64, i64),
}

impl Tail {
    fn of(path: PathBuf) -> Self {
        Self { path, position: 0, seen: None, mark: Vec::new(), partial: Vec::new(), skipping: false }
    }

    /// The last progress among the lines that were completed since the last look.
    fn newest(&mut self) -> Option<ProgressLine> {
        // A file that cannot be read now may be readable at the next look.
        let chunk = self.read_on().ok().filter(|chunk| !chunk.is_empty())?;
        let mut newest = None;
        for byte in chunk {
            match byte {
                b'\n' => newest = self.end_of_line().or(newest),
                _ if self.partial.len() < MAX_LINE => self.partial.push(byte),
                _ => self.skipping = true,
            }
        }
        self.whole_without_newline().or(newest)
    }

    /// The progress in a last line without a newline: a part of it is no JSON.
    fn whole_without_newline(&mut self) -> Option<ProgressLine> {
        let whole = parse_progress_line(&self.partial).filter(|_| !self.skipping)?;
        self.partial.clear();
        Some(whole)
    }

    fn end_of_line(&mut self) -> Option<ProgressLine> {
        let line = std::mem::take(&mut self.partial);
        let skipped = std::mem::take(&mut self.skipping);
        if skipped { None } else { parse_progress_line(&line) }
    }

    fn read_on(&mut self) -> io::Result<Vec<u8>> {
        let mut file = open_regular(&self.path).map_err(io::Error::other)?;
        let metadata = file.metadata()?;
        let seen =
            FileVersion { file: (metadata.dev(), metadata.ino()), written: (metadata.mtime(), metadata.mtime_nsec()) };
        if self.is_another(seen, metadata.len(), &mut file)? {
            *self = Self::of(std::mem::take(&mut self.path));
        }
        self.seen = Some(seen);
        self.skip_to_last(metadata.len());
        file.seek(io::SeekFrom::Start(self.position))?;
        let mut chunk = Vec::new();
        // No further than the length belongs to the time of writing that was seen.
        file.take(metadata.len() - self.position).read_to_end(&mut chunk)?;
        self.position += chunk.len() as u64;
        self.mark.extend(&chunk);
        self.mark.drain(..self.mark.len().saturating_sub(MARK));
        Ok(chunk)
    }

    /// Whether what was read before is not there any more: the file was replaced, cut, or written over.
    fn is_another(&self, seen: FileVersion, length: u64, file: &mut std::fs::File) -> io::Result<bool> {
        let Some(before) = self.seen else { return Ok(false) };
        if before == seen && length == self.position {
            return Ok(false);
        }
        if before.file != seen.file || length <= self.position {
            return Ok(true);
        }
        let mut mark = vec![0; self.mark.len()];
        file.seek(io::SeekFrom::Start(self.position - mark.len() as u64))?;
        file.read_exact(&mut mark)?;
        Ok(mark != self.mark)
    }

    fn skip_to_last(&mut self, length: u64) {
        if length - self.position > MAX_CHUNK {
            self.position = length - MAX_CHUNK;
            self.mark.clear();
            self.partial.clear();
            self.skipping = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::Pod;
    use super::*;

    fn line(progress: f64) -> ProgressLine {
        ProgressLine { progress, message: String::new() }
    }

    fn tail(pod: &Pod) -> Tail {
        Tail::of(pod.layout.progress())
    }

    #[test]
    fn only_complete_lines_count_and_the_last_of_them() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        assert_eq!(tail.newest(), None);
        pod.append("progress", "{\"progress\": 0.1}\n{\"progress\": 0.2}\nnoise\n{\"progr");
        assert_eq!(tail.newest(), Some(line(0.2)));
        assert_eq!(tail.newest(), None);
        pod.append("progress", "ess\": 0.3}\n");
        assert_eq!(tail.newest(), Some(line(0.3)));
    }

    #[test]
    fn a_truncated_file_is_read_from_its_start() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        pod.append("progress", "{\"progress\": 0.5}\n{\"progress\": 0.6}\n");
        assert_eq!(tail.newest(), Some(line(0.6)));
        pod.write("progress", "{\"progress\": 0.1}\n");
        assert_eq!(tail.newest(), Some(line(0.1)));
    }

    /// Each of them is life. Some programs write the file anew for each line.
    #[test]
    fn the_same_line_again_is_a_new_one() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        for _ in 0..2 {
            pod.append("progress", "{\"progress\": 0.5}\n");
            assert_eq!((tail.newest(), tail.newest()), (Some(line(0.5)), None));
        }
        for _ in 0..2 {
            // The kernel's time of a file moves on every few milliseconds.
            std::thread::sleep(Duration::from_millis(20));
            pod.write("progress", "{\"progress\": 0.6}\n{\"progress\": 0.5}\n");
            assert_eq!((tail.newest(), tail.newest()), (Some(line(0.5)), None));
        }
    }

    /// Python's `Path.write_text(json.dumps(...))`: the file is one object, without a newline.
    #[test]
    fn a_whole_object_needs_no_newline() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(20));
            pod.write("progress", "{\"progress\": 0.5}");
            assert_eq!((tail.newest(), tail.newest()), (Some(line(0.5)), None));
        }
        pod.append("progress", "\n{\"progress\": 0.6}\n{\"progress\": 0.");
        assert_eq!(tail.newest(), Some(line(0.6)), "a part is no progress");
        pod.append("progress", "75}");
        assert_eq!(tail.newest(), Some(line(0.75)));
        pod.append("progress", "\n");
        assert_eq!(tail.newest(), None, "taken before");
        pod.append("progress", &format!("{}{{\"progress\": 0.9}}", "x".repeat(MAX_LINE + 1)));
        assert_eq!(tail.newest(), None, "the end of a long line");
    }

    #[test]
    fn a_file_that_is_written_over_by_a_longer_one_is_read_from_its_start() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        pod.write("progress", "{\"progress\": 0.5}\n");
        assert_eq!(tail.newest(), Some(line(0.5)));
        pod.write("progress", "{\"progress\": 0.25, \"other\": 1}\n");
        assert_eq!(tail.newest(), Some(line(0.25)));
    }

    #[test]
    fn a_file_that_is_put_in_its_place_is_read_from_its_start() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        pod.write("progress", "{\"progress\": 0.5}\n{\"progr");
        assert_eq!(tail.newest(), Some(line(0.5)));
        for _ in 0..2 {
            pod.write("next", "{\"progress\": 0.75}\n{\"progress\": 0.9}\n");
            std::fs::rename(pod.layout.root.join("next"), pod.layout.progress()).unwrap();
            assert_eq!(tail.newest(), Some(line(0.9)));
        }
    }

    #[test]
    fn long_lines_and_long_files_take_no_memory() {
        let pod = Pod::empty();
        let mut tail = tail(&pod);
        pod.append("progress", &format!("{}\n{{\"progress\": 0.1}}\n", "x".repeat(MAX_LINE + 1)));
        assert_eq!(tail.newest(), Some(line(0.1)));
        pod.append("progress", &"{\"progress\": 0.2}\n".repeat(100_000));
        pod.append("progress", "{\"progress\": 0.9}\n");
        assert_eq!(tail.newest(), Some(line(0.9)));
        assert!(tail.partial.capacity() <= 2 * MAX_LINE);
    }

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let pod = Pod::empty();
        pod.write("elsewhere", "{\"progress\": 0.5}\n");
        std::os::unix::fs::symlink(pod.layout.root.join("elsewhere"), pod.layout.progress()).unwrap();
        assert_eq!(tail(&pod).newest(), None);
    }
}

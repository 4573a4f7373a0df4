//! Following the job's progress file.
//!
//! Ring: shell.
//!
//! Guarantees: only the newest progress counts, and it is said at most once a second and only when it changed. A broker
//! that is away holds up nothing. Memory is bounded, whatever the job writes. The file is never waited for, even if the
//! job put something else in its place.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::link::Link;
use super::output::open_regular;
use super::{CourierSettings, Layout};
use crate::topology::PROGRESS_KEY;
use crate::wire::{CourierProgress, ProgressLine, parse_progress_line};

const LOOK_EVERY: Duration = Duration::from_millis(500);
const SAY_EVERY: Duration = Duration::from_secs(1);
/// Longer lines are no progress.
const MAX_LINE: usize = 8 * 1024;
/// Only the last line counts: of what was written since the last look, no more than this is read.
const MAX_CHUNK: u64 = 64 * 1024;

/// Says what the file says until `shutdown`; returns what was not said any more.
pub(super) async fn follow(
    settings: &CourierSettings,
    layout: &Layout,
    link: &mut Link,
    shutdown: impl Future<Output = ()>,
) -> Option<CourierProgress> {
    let mut teller = Teller {
        settings,
        tail: Tail::of(layout.progress()),
        unsaid: None,
        said: None,
        say_from: Instant::now(),
        announces: settings.announces,
    };
    tokio::select! {
        () = teller.tell(link) => {}
        () = shutdown => {}
    }
    teller.look();
    teller.unsaid.map(|line| settings.progress(line))
}

/// Says the newest line, where there is something new to say.
struct Teller<'a> {
    settings: &'a CourierSettings,
    tail: Tail,
    unsaid: Option<ProgressLine>,
    said: Option<ProgressLine>,
    say_from: Instant,
    /// The operator has not been told yet that the input is there.
    announces: bool,
}

impl Teller<'_> {
    async fn tell(&mut self, link: &mut Link) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            self.look();
            if Instant::now() >= self.say_from {
                self.say(link).await;
            }
        }
    }

    fn look(&mut self) {
        if let Some(line) = self.tail.newest() {
            self.unsaid = Some(line).filter(|line| self.said.as_ref() != Some(line));
        }
    }

    /// What cannot be said now stays unsaid, until something newer replaces it.
    async fn say(&mut self, link: &mut Link) {
        if self.announces {
            self.announces = !link.post(PROGRESS_KEY, &self.settings.arrival().to_body()).await;
        }
        let Some(newest) = self.unsaid.clone().filter(|_| !self.announces) else { return };
        self.say_from = Instant::now() + SAY_EVERY;
        let body = self.settings.progress(newest.clone()).to_body();
        if link.post(PROGRESS_KEY, &body).await {
            self.unsaid = None;
            self.said = Some(newest);
        }
    }
}

/// Reads complete lines from where it read before.
struct Tail {
    path: PathBuf,
    position: u64,
    partial: Vec<u8>,
    /// The rest of a line whose beginning was too long, or was skipped.
    skipping: bool,
}

impl Tail {
    fn of(path: PathBuf) -> Self {
        Self { path, position: 0, partial: Vec::new(), skipping: false }
    }

    /// The last progress among the lines that were completed since the last look.
    fn newest(&mut self) -> Option<ProgressLine> {
        // A file that cannot be read now may be readable at the next look.
        let chunk = self.read_on().ok()?;
        let mut newest = None;
        for byte in chunk {
            match byte {
                b'\n' => newest = self.end_of_line().or(newest),
                _ if self.partial.len() < MAX_LINE => self.partial.push(byte),
                _ => self.skipping = true,
            }
        }
        newest
    }

    fn end_of_line(&mut self) -> Option<ProgressLine> {
        let line = std::mem::take(&mut self.partial);
        let skipped = std::mem::take(&mut self.skipping);
        if skipped { None } else { parse_progress_line(&line) }
    }

    fn read_on(&mut self) -> io::Result<Vec<u8>> {
        let (mut file, length) = open_progress(&self.path)?;
        if length < self.position {
            *self = Self::of(std::mem::take(&mut self.path));
        }
        if length - self.position > MAX_CHUNK {
            self.position = length - MAX_CHUNK;
            self.partial.clear();
            self.skipping = true;
        }
        let mut chunk = Vec::new();
        io::Seek::seek(&mut file, io::SeekFrom::Start(self.position))?;
        io::Read::read_to_end(&mut io::Read::take(file, MAX_CHUNK), &mut chunk)?;
        self.position += chunk.len() as u64;
        Ok(chunk)
    }
}

fn open_progress(path: &Path) -> io::Result<(std::fs::File, u64)> {
    let file = open_regular(path).map_err(io::Error::other)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Pod;
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

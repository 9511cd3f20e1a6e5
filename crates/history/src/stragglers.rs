//! Programs that write to a file which has been replaced under them.
//!
//! The original opens the file, waits for its lock, and writes, without looking whether the name has come
//! to stand for another file meanwhile. Its lines end up in a file that nobody can see any more. As long as
//! that file is open here, they can be read from it.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use buildbook_fsio::{Appender, Durability, Lock};

use crate::Result;

/// How long the old file must stay as it is before nobody is expected any more.
const QUIET: Duration = Duration::from_millis(3);
/// How long somebody who was seen waiting is expected at most. It may have died.
const LIMIT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(1);

/// Those who may still write to a file that was replaced.
pub(crate) struct Stragglers {
    /// How much of the old file is in the new one.
    taken: u64,
    /// How many were waiting for its lock.
    expected: usize,
    /// Since when they can have it.
    since: Instant,
}

impl Stragglers {
    /// Gives back the lock on the old file, to be called when that has lost its name. Those who wait for the lock are
    /// known to the kernel only as long as it is held.
    pub(crate) fn behind(lock: Lock, taken: u64) -> Stragglers {
        let expected = locks_of(lock.file()).into_iter().filter(|lock| lock.waits).count();
        lock.release();
        Stragglers { taken, expected, since: Instant::now() }
    }

    /// Appends to the new file what is written to the old one until it seems to be the last. The time since the lock
    /// was given back counts as quiet, whatever was done in it: who wrote has left its lines, and who waits or writes
    /// is seen. It does not count for those who were expected: what took that time may have held them up, too.
    pub(crate) fn carry_over(mut self, old: &File, path: &Path) -> Result<()> {
        let start = Instant::now();
        let mut quiet_since = self.since;
        let mut seen = 0;
        loop {
            // Looked at before the lines: who has given its lock back in between has left all that it wrote.
            let is_locked = !locks_of(old).is_empty();
            let mut lines = self.news(old).map_err(io("read", path))?;
            let is_late = start.elapsed() > LIMIT;
            if is_late && lines.last().is_some_and(|byte| *byte != b'\n') {
                lines.push(b'\n');
            }
            let whole = memchr::memrchr(b'\n', &lines).map_or(0, |end| end + 1);
            if let Some(lines) = lines.get(..whole).filter(|lines| !lines.is_empty()) {
                Appender::open(path)?.append(lines, Durability::Synced)?;
                self.taken += whole as u64;
                seen += memchr::memchr_iter(b'\n', lines).count();
            }
            if !lines.is_empty() || is_locked {
                quiet_since = Instant::now();
            }
            let quiet = quiet_since.elapsed();
            if is_late || (seen >= self.expected && quiet > QUIET) {
                return Ok(());
            }
            // Not a whole pause longer than is needed.
            std::thread::sleep(QUIET.checked_sub(quiet).map_or(PAUSE, |left| left.min(PAUSE)));
        }
    }

    /// What the old file has grown by.
    fn news(&self, old: &File) -> io::Result<Vec<u8>> {
        let length = old.metadata()?.len();
        let mut bytes = vec![0; usize::try_from(length.saturating_sub(self.taken)).unwrap_or(0)];
        old.read_exact_at(&mut bytes, self.taken)?;
        Ok(bytes)
    }
}

/// Whether a path still leads to an open file.
pub(crate) fn has_the_name(file: &File, path: &Path) -> Result<bool> {
    let opened = file.metadata().map_err(io("look at", path))?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io("look at", path)(error).into()),
    }
}

/// A lock by `lockf`, held or waited for.
struct ForeignLock {
    waits: bool,
}

/// The locks by `lockf` on a file that the kernel tells of: none on other systems than Linux, and none of
/// processes that this one cannot see, so that only the quiet time is left.
fn locks_of(file: &File) -> Vec<ForeignLock> {
    let (Ok(metadata), Ok(locks)) = (file.metadata(), std::fs::read_to_string("/proc/locks")) else {
        return Vec::new();
    };
    parse_locks(&locks, metadata.ino())
}

/// Lines such as `2: -> POSIX  ADVISORY  WRITE 4711 08:02:1234 0 EOF`, with an arrow before those who wait.
/// The device is not compared, because some file systems name two: a lock too many costs a moment.
fn parse_locks(locks: &str, inode: u64) -> Vec<ForeignLock> {
    let suffix = format!(":{inode}");
    let of_file = locks.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let waits = line.contains("->");
        (words.any(|word| word == "POSIX") && words.any(|word| word.ends_with(&suffix)))
            .then_some(ForeignLock { waits })
    });
    of_file.collect()
}

pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> buildbook_fsio::Error {
    let path = path.to_owned();
    move |source| buildbook_fsio::Error::Io { operation, path, source }
}

#[cfg(test)]
mod tests {
    use buildbook_atomic_swap::replace_file;
    use buildbook_fsio::{append_lines, op};

    use super::*;

    /// What the replacement of a file left: who is expected, the old file, somebody who has it open, and where the new
    /// one is.
    fn replaced(folder: &Path, expected: usize) -> (Stragglers, File, File, std::path::PathBuf) {
        let path = folder.join("history.jsonl");
        append_lines(&path, b"old\n", Durability::Cached).unwrap();
        let lock = Lock::acquire(&path).unwrap();
        let (old, straggler) = (lock.file().try_clone().unwrap(), op::open_or_create(&path).unwrap());
        replace_file(&path, b"new\n", Durability::Cached).unwrap();
        (Stragglers { expected, ..Stragglers::behind(lock, 4) }, old, straggler, path)
    }

    #[test]
    fn somebody_who_was_seen_waiting_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (stragglers, old, straggler, path) = replaced(folder.path(), 2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for line in [b"one\n", b"two\n"] {
                    std::thread::sleep(QUIET * 10);
                    op::write_all(&straggler, &path, line).unwrap();
                }
            });
            stragglers.carry_over(&old, &path).unwrap();
        });
        assert_eq!(std::fs::read(&path).unwrap(), b"new\none\ntwo\n");
    }

    #[test]
    fn somebody_who_was_seen_waiting_is_waited_for_however_long_the_device_took() {
        let folder = tempfile::tempdir().unwrap();
        let (mut stragglers, old, straggler, path) = replaced(folder.path(), 1);
        stragglers.since = stragglers.since.checked_sub(LIMIT * 2).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(QUIET * 5);
                op::write_all(&straggler, &path, b"one\n").unwrap();
            });
            stragglers.carry_over(&old, &path).unwrap();
        });
        assert_eq!(std::fs::read(&path).unwrap(), b"new\none\n");
    }

    #[test]
    fn who_wrote_while_the_device_was_waited_for_is_taken_over_and_the_next_is_waited_for() {
        let is_next_taken_over = || {
            let folder = tempfile::tempdir().unwrap();
            let (mut stragglers, old, straggler, path) = replaced(folder.path(), 0);
            op::write_all(&straggler, &path, b"one\n").unwrap();
            // As if the sync of the name had taken longer than anybody is waited for.
            stragglers.since = stragglers.since.checked_sub(QUIET * 2).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while std::fs::read(&path).unwrap() != b"new\none\n" {
                        std::thread::yield_now();
                    }
                    op::write_all(&straggler, &path, b"two\n").unwrap();
                });
                stragglers.carry_over(&old, &path).unwrap();
            });
            let found = std::fs::read(&path).unwrap();
            assert!(found.starts_with(b"new\none\n"));
            found.ends_with(b"two\n")
        };
        // On a busy machine the next may come too late, but not each time.
        assert!((0..1000).any(|_| is_next_taken_over()));
    }

    #[test]
    fn the_time_that_the_device_took_counts_as_quiet() {
        let is_quick = || {
            let folder = tempfile::tempdir().unwrap();
            let (mut stragglers, old, _straggler, path) = replaced(folder.path(), 0);
            stragglers.since = stragglers.since.checked_sub(QUIET * 2).unwrap();
            let start = Instant::now();
            stragglers.carry_over(&old, &path).unwrap();
            start.elapsed() < QUIET
        };
        // A busy machine may take as long for nothing, but not each time.
        assert!((0..1000).any(|_| is_quick()));
    }

    #[test]
    fn somebody_who_died_is_not_waited_for_for_ever_and_what_it_wrote_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (stragglers, old, straggler, path) = replaced(folder.path(), 1);
        op::write_all(&straggler, &path, b"to").unwrap();
        stragglers.carry_over(&old, &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new\nto\n");
    }

    #[test]
    fn those_who_wait_are_told_from_those_who_have_it() {
        let locks = "1: OFDLCK ADVISORY  WRITE -1 fe:00:1234 0 EOF\n\
                     1: -> POSIX  ADVISORY  WRITE 4711 fe:00:1234 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 4712 fe:00:1234 0 EOF\n\
                     3: -> FLOCK  ADVISORY  WRITE 4713 fe:00:1234 0 EOF\n\
                     4: -> POSIX  ADVISORY  WRITE 4714 fe:00:12345 0 EOF\n";
        let found: Vec<bool> = parse_locks(locks, 1234).into_iter().map(|lock| lock.waits).collect();
        assert_eq!(found, [true, false]);
    }
}

//! The same system calls without anything around them.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Not so small that calls cost more than bytes, not so large that the bytes leave the processor's cache.
const BUFFER: usize = 128 << 10;

/// As many threads as there are processors.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The names in a folder, in its order.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| entry?.file_name().into_string().ok().context("a name that is no text")).collect()
}

/// Reads a file from its beginning to its end, and counts the bytes.
pub(crate) fn read(path: &Path, buffer: &mut [u8]) -> Result<u64> {
    let mut file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut bytes = 0;
    loop {
        match file.read(buffer)? {
            0 => return Ok(bytes),
            count => bytes += count as u64,
        }
    }
}

pub(crate) fn buffer() -> Vec<u8> {
    vec![0; BUFFER]
}

/// Reads the histories of all packages, and counts the bytes.
pub(crate) fn read_all(packages: &Path) -> Result<u64> {
    let bytes = AtomicU64::new(0);
    each_on_all_cores(packages, buffer, |buffer, path| {
        bytes.fetch_add(read(&path.join("history.jsonl"), buffer)?, Ordering::Relaxed);
        Ok(())
    })?;
    Ok(bytes.into_inner())
}

/// Looks at the histories of all packages without opening them, and adds up their lengths.
pub(crate) fn look_at_all(packages: &Path) -> Result<u64> {
    look_at_each(packages, &["history.jsonl"])
}

/// Looks at these files in each folder of a folder; what is not there has no length.
pub(crate) fn look_at_each(folder: &Path, names: &[&str]) -> Result<u64> {
    let bytes = AtomicU64::new(0);
    each_on_all_cores(
        folder,
        || (),
        |(), path| {
            for name in names {
                match fs::symlink_metadata(path.join(name)) {
                    Ok(metadata) => bytes.fetch_add(metadata.len(), Ordering::Relaxed),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
                    Err(error) => return Err(error.into()),
                };
            }
            Ok(())
        },
    )?;
    Ok(bytes.into_inner())
}

/// Lists a folder, then has all cores do something with the paths in it.
fn each_on_all_cores<S>(
    folder: &Path,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, PathBuf) -> Result<()> + Sync,
) -> Result<()> {
    const SHARE: usize = 64;
    let names = names(folder)?;
    let next = AtomicUsize::new(0);
    let worker = || -> Result<()> {
        let mut state = state();
        loop {
            let start = next.fetch_add(SHARE, Ordering::Relaxed);
            let Some(rest) = names.get(start..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            for name in rest.iter().take(SHARE) {
                work(&mut state, folder.join(name))?;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..threads()).map(|_| scope.spawn(worker)).collect();
        let mut done = worker();
        for worker in workers {
            done = match worker.join() {
                Ok(other) => done.and(other),
                Err(_) => bail!("a thread panicked"),
            };
        }
        done
    })
}

/// Opens a file for appending, and makes it where it is missing: to ask for that at once costs more each time.
pub(crate) fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    let file = match options.open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => options.create(true).open(path),
        opened => opened,
    };
    file.with_context(|| format!("cannot open {}", path.display()))
}

/// The calls by which one line is added as the book promises: a lock against programs of either kind, a look whether the
/// name still stands for the file and whether it ends in a whole line, one write, and the locks given back.
pub(crate) fn append(file: &File, path: &Path, line: &[u8]) -> Result<()> {
    file.lock()?;
    record_lock(file, libc::F_WRLCK)?;
    let (here, there) = (file.metadata()?, fs::symlink_metadata(path)?);
    ensure!(here.ino() == there.ino(), "somebody replaced the file");
    let mut last = [b'\n'];
    if here.len() > 0 {
        file.read_exact_at(&mut last, here.len() - 1)?;
    }
    ensure!(last == *b"\n", "the file ends in the middle of a line");
    (&*file).write_all(line)?;
    record_lock(file, libc::F_UNLCK)?;
    Ok(file.unlock()?)
}

/// One lock, one write, one unlock: no promise but that lines do not mix.
pub(crate) fn append_lean(file: &File, line: &[u8]) -> Result<()> {
    record_lock(file, libc::F_WRLCK)?;
    (&*file).write_all(line)?;
    record_lock(file, libc::F_UNLCK)
}

fn record_lock(file: &File, kind: libc::c_int) -> Result<()> {
    fcntl(file, FcntlArg::F_OFD_SETLKW(&whole_file(kind)))?;
    Ok(())
}

/// Whether somebody has locked a file.
pub(crate) fn is_locked(file: &File) -> Result<bool> {
    let mut lock = whole_file(libc::F_WRLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    #[expect(clippy::cast_possible_truncation, reason = "the constants are small; the field is a short")]
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

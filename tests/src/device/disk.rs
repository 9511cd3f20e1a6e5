//! A disk with a cache that forgets.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use super::{Mounted, fuse};
use crate::rng::Rng;

/// What a write that was not flushed may be torn into: no file system expects more of a device than this.
const PAGE: usize = 4096;

/// A disk that lasts as long as the value.
///
/// It is one file in a file system that this process serves, for a loop device to stand on. What the file system on
/// it writes arrives here in order, and so do its flushes.
#[derive(Debug)]
pub struct Disk {
    platters: Arc<Platters>,
    // Before the folder, so that there is nothing mounted in it any more when it goes.
    mounted: Mounted,
    _folder: TempDir,
}

/// What becomes of the writes that were not flushed when the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivors {
    /// None of them reached the platters.
    None,
    /// All of them did: the kindest of disks.
    All,
    /// Chance decides for each page, in whichever order: half of them did, roughly.
    Some(u64),
}

/// The moment at which a disk freezes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Before any request.
    Any,
    /// Before a flush, when there is the most to lose.
    Flush,
}

/// Everything that the server of the disk and its owner share.
#[derive(Debug)]
pub(super) struct Platters {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    flushed: Vec<u8>,
    current: Vec<u8>,
    /// What has been written since the last flush, page by page.
    cached: Vec<(usize, Vec<u8>)>,
    /// When the disk freezes: before which request, and after how many more.
    stop: Option<(Before, u64)>,
    frozen: bool,
}

impl Disk {
    /// Plugs in a disk with these contents, all flushed.
    ///
    /// # Errors
    ///
    /// The system's answer, where it has no FUSE or does not let this user mount.
    pub fn plug_in(contents: Vec<u8>) -> Result<Disk> {
        let folder = tempfile::tempdir()?;
        let platters = Arc::new(Platters {
            state: Mutex::new(State {
                flushed: contents.clone(),
                current: contents,
                cached: Vec::new(),
                stop: None,
                frozen: false,
            }),
            changed: Condvar::new(),
        });
        let mounted = fuse::serve(folder.path(), Arc::clone(&platters)).context("cannot serve a disk")?;
        Ok(Disk { platters, mounted, _folder: folder })
    }

    /// The file that is the disk.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.mounted.path().join(fuse::FILE)
    }

    /// Lets at least so many more writes and flushes through, and at some moment none, for as long as the guard lives.
    /// If nobody writes that much in the given time, the disk freezes then.
    pub fn freeze(&self, before: Before, requests: u64, at_most: Duration) -> Frozen<'_> {
        let mut state = self.platters.lock();
        state.stop = Some((before, requests));
        let waited = self.platters.changed.wait_timeout_while(state, at_most, |state| !state.frozen);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.frozen, state.stop) = (true, None);
        Frozen { platters: &self.platters }
    }
}

/// A disk that lets no request through, until the guard is dropped.
#[derive(Debug)]
#[must_use = "the disk goes on when it is dropped"]
pub struct Frozen<'a> {
    platters: &'a Platters,
}

impl Frozen<'_> {
    /// What is on the disk if the power goes at this moment.
    #[must_use]
    pub fn cut(&self, survivors: Survivors) -> Vec<u8> {
        let state = self.platters.lock();
        let mut rng = match survivors {
            Survivors::None => return state.flushed.clone(),
            Survivors::All => return state.current.clone(),
            Survivors::Some(seed) => Rng::named(seed, "power cut"),
        };
        let mut image = state.flushed.clone();
        for (offset, page) in &state.cached {
            if rng.chance(50) {
                put(&mut image, *offset, page);
            }
        }
        image
    }

    /// How many pages the disk has not flushed.
    #[must_use]
    pub fn unflushed(&self) -> usize {
        self.platters.lock().cached.len()
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.platters.lock().frozen = false;
        self.platters.changed.notify_all();
    }
}

impl Platters {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn size(&self) -> u64 {
        self.lock().current.len() as u64
    }

    pub(super) fn read(&self, offset: u64, size: u32) -> Vec<u8> {
        let state = self.lock();
        let size = usize::try_from(size).unwrap_or_default();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(state.current.len());
        let end = start.saturating_add(size).min(state.current.len());
        state.current.get(start..end).unwrap_or_default().to_vec()
    }

    /// Puts data into the cache. `false` when it does not fit on the disk.
    pub(super) fn write(&self, offset: u64, data: &[u8]) -> bool {
        let mut state = self.thawed(Before::Any);
        let Ok(offset) = usize::try_from(offset) else { return false };
        if !put(&mut state.current, offset, data) {
            return false;
        }
        let mut at = offset;
        let mut rest = data;
        while !rest.is_empty() {
            // Pages are those of the disk, not those of the write.
            let (page, others) = rest.split_at((PAGE - at % PAGE).min(rest.len()));
            state.cached.push((at, page.to_vec()));
            at += page.len();
            rest = others;
        }
        true
    }

    /// Takes everything from the cache to the platters.
    pub(super) fn flush(&self) {
        let mut state = self.thawed(Before::Flush);
        for (offset, page) in std::mem::take(&mut state.cached) {
            put(&mut state.flushed, offset, &page);
        }
    }

    /// The state when the next request may go through. While the disk is frozen, none does.
    fn thawed(&self, request: Before) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if let Some((before, left)) = state.stop {
            state.stop = Some((before, left.saturating_sub(1)));
            if left == 0 && (before == Before::Any || before == request) {
                state.frozen = true;
                self.changed.notify_all();
            }
        }
        self.changed.wait_while(state, |state| state.frozen).unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(disk: &mut [u8], offset: usize, data: &[u8]) -> bool {
    let place = offset.checked_add(data.len()).and_then(|end| disk.get_mut(offset..end));
    place.map(|place| place.copy_from_slice(data)).is_some()
}

/// The contents of a file that will be a disk.
pub(super) fn contents(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platters(size: usize) -> Platters {
        let state = State {
            flushed: vec![0; size],
            current: vec![0; size],
            cached: Vec::new(),
            stop: None,
            frozen: false,
        };
        Platters { state: Mutex::new(state), changed: Condvar::new() }
    }

    #[test]
    fn what_was_written_is_read_at_once_and_kept_when_flushed() {
        let platters = platters(3 * PAGE);
        assert!(platters.write(4000, &[7; 200]));
        assert_eq!(platters.read(4000, 200), [7; 200]);
        assert_eq!(platters.lock().flushed, [0; 3 * PAGE]);
        let pages: Vec<_> = platters.lock().cached.iter().map(|(at, page)| (*at, page.len())).collect();
        assert_eq!(pages, [(4000, 96), (4096, 104)]);
        platters.flush();
        let state = platters.lock();
        assert_eq!(state.flushed, state.current);
        assert!(state.cached.is_empty());
    }

    #[test]
    fn nothing_lies_beyond_the_end() {
        let platters = platters(PAGE);
        assert!(!platters.write(PAGE as u64 - 1, &[1, 2]));
        assert_eq!(platters.read(PAGE as u64 - 1, 9), [0]);
        assert!(platters.read(u64::MAX, 9).is_empty());
    }
}

//! One cache for several memos of one process.

use std::sync::Arc;

use crate::Result;
use crate::cache::Cache;
use crate::contents::KnownFiles;
use crate::settings::Settings;

/// A cache that several memos of one process use, also at the same time and on several threads; see
/// [`Memo::sharing`](crate::Memo::sharing).
///
/// A memo that has its cache for itself reads everything that earlier builds remembered about files and entries, and
/// leaves it to later ones with what is new. For one that is asked little, that is nearly all of its work, and it grows
/// with what is remembered. Here the first memo reads, and [`SharedCache::finish`] leaves.
///
/// When a process is killed before that, what is new is not remembered: later builds look at more files again, and give
/// the same results.
#[derive(Debug, Clone)]
pub struct SharedCache {
    pub(crate) cache: Arc<Cache>,
    pub(crate) known: Arc<KnownFiles>,
}

impl SharedCache {
    /// The cache that is named in settings, with their durability and clock. Nothing is touched.
    #[must_use]
    pub fn new(settings: &Settings) -> SharedCache {
        SharedCache { cache: Arc::new(Cache::new(settings)), known: Arc::default() }
    }

    /// Leaves what was learned to later builds, and removes the staging area. To be called when no memo that shares the
    /// cache is at work any more; if one is used later, this is to be called again.
    ///
    /// # Errors
    ///
    /// The first thing that failed; the others were done all the same. No result is wrong for it: later builds have more
    /// to do, unless this is called again and does not fail. That others hold the lock of what is remembered is waited for
    /// during two seconds, each time that something is to be written.
    pub fn finish(&self) -> Result<()> {
        let (remembered, ended) = (self.cache.remember(&self.known), self.cache.end_session());
        remembered.and(ended)
    }
}

//! What a memo is made with.

use std::fmt;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use buildbook_fsio::Durability;

use crate::env::Env;

/// Tells the time of day: `SystemTime::now`, or what a test makes of it. File systems stamp files with the same
/// clock; a file is only taken for unchanged if its stamps are old by it.
pub type Clock = fn() -> SystemTime;

/// What a memo is made with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The folder in which tools run and from which relative paths start. It must be absolute.
    pub cwd: PathBuf,
    /// The folder of the cache. It is made when something is put there, and several builds may share it. Taking
    /// something out is quickest when it is on the same file system as the build.
    pub cache: PathBuf,
    /// The environment of the build.
    pub env: Env,
    /// How many processes run at once, at most.
    pub max_spawn: NonZero<usize>,
    /// How many threads read, hash and write files.
    pub file_threads: NonZero<usize>,
    /// Whether what is put into the cache is on the device before it is entered. A cache that is not synced can
    /// lose entries in a power cut; it gives no wrong answer either way, because nothing is taken out unverified.
    pub durability: Durability,
    /// Whether the build gives the same results wherever `cwd` is. Paths below `cwd` are in the keys from there on
    /// then, and not in full, so that the same build in another place takes its results from the cache. Results
    /// that contain the place, such as debugging information, are wrong there.
    pub relocatable: bool,
    /// Tells the time of day.
    pub clock: Clock,
}

impl Settings {
    /// The usual settings: the cache in `_memo/cache` below `cwd`, no environment, as many processes and threads as
    /// there are processors, synced, bound to its place. `clock` is `SystemTime::now` outside of tests.
    #[must_use]
    pub fn new(cwd: impl AsRef<Path>, clock: Clock) -> Settings {
        let cwd = cwd.as_ref();
        let processors = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Settings {
            cwd: cwd.to_owned(),
            cache: cwd.join("_memo").join("cache"),
            env: Env::new(),
            max_spawn: processors,
            file_threads: processors,
            durability: Durability::Synced,
            relocatable: false,
            clock,
        }
    }

    /// Sets the folder of the cache.
    #[must_use]
    pub fn cache(mut self, cache: impl Into<PathBuf>) -> Settings {
        self.cache = cache.into();
        self
    }

    /// Sets the environment of the build.
    #[must_use]
    pub fn env(mut self, env: Env) -> Settings {
        self.env = env;
        self
    }

    /// Sets how many processes run at once, at most.
    #[must_use]
    pub fn max_spawn(mut self, max_spawn: NonZero<usize>) -> Settings {
        self.max_spawn = max_spawn;
        self
    }

    /// Sets how many threads read, hash and write files.
    #[must_use]
    pub fn file_threads(mut self, file_threads: NonZero<usize>) -> Settings {
        self.file_threads = file_threads;
        self
    }

    /// Sets whether what is put into the cache is synced.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Settings {
        self.durability = durability;
        self
    }

    /// Sets whether the build gives the same results wherever `cwd` is.
    #[must_use]
    pub fn relocatable(mut self, relocatable: bool) -> Settings {
        self.relocatable = relocatable;
        self
    }
}

/// Makes a path absolute and gives it its one spelling: no `.`, no doubled separators. `..` stays, because what it
/// means depends on links. `cwd` has its one spelling already.
pub(crate) fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    if !is_plain(path) {
        return cwd.join(path).components().collect();
    }
    let mut joined = PathBuf::with_capacity(cwd.as_os_str().len() + 1 + path.as_os_str().len());
    joined.push(cwd);
    joined.push(path);
    joined
}

/// Whether a path is spelled as [`absolute`] would spell it. This is so for nearly all, and quick to see.
fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    let names = bytes.strip_prefix(b"/").unwrap_or(bytes);
    // The beginning of a name is what tells.
    let mut at_start = true;
    for (position, byte) in names.iter().enumerate() {
        let is_odd =
            at_start && matches!((byte, names.get(position + 1)), (b'/', _) | (b'.', None | Some(b'/')));
        if is_odd {
            return false;
        }
        at_start = *byte == b'/';
    }
    !at_start
}

/// Whether to show a closure's existence.
pub(crate) struct Hidden<T>(pub(crate) T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for (path, spelled) in [
            ("a", "/w/a"),
            ("./a/./b//c/", "/w/a/b/c"),
            ("/x//y", "/x/y"),
            ("", "/w"),
            (".", "/w"),
            ("a/.b/..c", "/w/a/.b/..c"),
            ("//a", "/a"),
            ("/a//", "/a"),
            ("../a", "/w/../a"),
            ("/", "/"),
            ("a/", "/w/a"),
            ("a/.", "/w/a"),
            ("..", "/w/.."),
            (".a/b.", "/w/.a/b."),
        ] {
            assert_eq!(absolute(Path::new("/w"), Path::new(path)).as_os_str(), spelled, "{path}");
        }
    }
}

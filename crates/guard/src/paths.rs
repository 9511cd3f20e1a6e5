//! Paths, each stored once and numbered.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::hash::BuildHasher;
use std::mem;
use std::num::NonZeroU32;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::hash::Secret;

/// The paths that were named, numbered from 0 in the order in which they first were. None is ever forgotten.
///
/// The standard map would keep each path on the heap, and visit them all whenever it grows. Here they lie in one
/// piece, and what is looked up is a table of eight bytes for each, which is the difference between a million paths
/// that a processor's cache holds and a million that it does not.
#[derive(Debug)]
pub(crate) struct Paths<S = Secret> {
    hasher: S,
    /// The bytes of all paths, one after the other.
    bytes: Vec<u8>,
    /// Where each path ends, and the next begins.
    ends: Vec<usize>,
    /// Each path in the first free place at or after the one that its hash says, the first place following the
    /// last. The length is a power of two, and at least a quarter of the places are free.
    places: Vec<Option<Entry>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    /// The path's number, and one more.
    ordinal: NonZeroU32,
}

/// Where a path that is not there belongs.
struct Vacancy {
    place: usize,
    hash: u32,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self::with_hasher(Secret::new())
    }
}

impl<S: BuildHasher> Paths<S> {
    fn with_hasher(hasher: S) -> Self {
        Self { hasher, bytes: Vec::new(), ends: Vec::new(), places: vec![None; 4] }
    }

    /// The number of a path. If it is new, it is the count of those before it.
    pub(crate) fn intern(&mut self, path: &Path) -> u32 {
        // All that are here are spelled plainly: what is found needs no look at its spelling.
        let vacancy = match self.look_up(path.as_os_str().as_bytes()) {
            Ok(number) => return number,
            Err(vacancy) => vacancy,
        };
        match plain(path) {
            Cow::Borrowed(path) => self.insert(path.as_os_str().as_bytes(), &vacancy),
            Cow::Owned(path) => {
                let bytes = path.as_os_str().as_bytes();
                self.look_up(bytes).unwrap_or_else(|vacancy| self.insert(bytes, &vacancy))
            }
        }
    }

    /// The number of a path that was named before.
    pub(crate) fn find(&self, path: &Path) -> Option<u32> {
        self.look_up(plain(path).as_os_str().as_bytes()).ok()
    }

    /// The path of a number.
    pub(crate) fn get(&self, number: u32) -> Option<&Path> {
        let number = number as usize;
        let end = *self.ends.get(number)?;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(Path::new(OsStr::from_bytes(&self.bytes[start..end])))
    }

    fn look_up(&self, path: &[u8]) -> Result<u32, Vacancy> {
        let hash = self.hasher.hash_one(path) as u32;
        let is_path = |number| self.get(number).is_some_and(|found| found.as_os_str().as_bytes() == path);
        let mut place = first_place(hash, &self.places);
        while let Some(entry) = self.places[place] {
            let number = entry.ordinal.get() - 1;
            if entry.hash == hash && is_path(number) {
                return Ok(number);
            }
            place = next_place(place, &self.places);
        }
        Err(Vacancy { place, hash })
    }

    fn insert(&mut self, path: &[u8], vacancy: &Vacancy) -> u32 {
        self.bytes.extend_from_slice(path);
        self.ends.push(self.bytes.len());
        let ordinal = u32::try_from(self.ends.len()).ok().and_then(NonZeroU32::new);
        let ordinal = ordinal.expect("memory ends before four thousand million paths");
        self.places[vacancy.place] = Some(Entry { hash: vacancy.hash, ordinal });
        if self.ends.len() > self.places.len() / 4 * 3 {
            self.grow();
        }
        ordinal.get() - 1
    }

    fn grow(&mut self) {
        let larger = vec![None; self.places.len() * 2];
        for entry in mem::replace(&mut self.places, larger).into_iter().flatten() {
            let mut place = first_place(entry.hash, &self.places);
            while self.places[place].is_some() {
                place = next_place(place, &self.places);
            }
            self.places[place] = Some(entry);
        }
    }
}

fn first_place(hash: u32, places: &[Option<Entry>]) -> usize {
    hash as usize & (places.len() - 1)
}

fn next_place(place: usize, places: &[Option<Entry>]) -> usize {
    (place + 1) & (places.len() - 1)
}

/// The path without the spellings that mean nothing to [`Path`], so that paths are equal when their bytes are.
fn plain(path: &Path) -> Cow<'_, Path> {
    let bytes = path.as_os_str().as_bytes();
    // Without a way out in the middle, many bytes are looked at in one step.
    let has_odd_name = bytes.array_windows().fold(false, |is_odd, [before, byte]| {
        is_odd | ((*before == b'/') & ((*byte == b'/') | (*byte == b'.')))
    });
    let is_suspect = has_odd_name || bytes.ends_with(b"/");
    if is_suspect { Cow::Owned(path.components().collect()) } else { Cow::Borrowed(path) }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_that_path_takes_for_equal_have_one_number() {
        let table = [
            ("a/b", "a//b", true),
            ("a/b", "a/./b", true),
            ("a/b", "a/b/", true),
            ("a/b", "a/b/.", true),
            ("/a", "//a", true),
            ("/", "//", true),
            ("/", "/.", true),
            ("a/.b", "a/.//.b", true),
            ("", ".", false),
            ("a", "./a", false),
            ("a", "b/../a", false),
            ("a", "/a", false),
            ("a", "A", false),
            ("ab", "a/b", false),
        ];
        for (one, other, are_equal) in table {
            assert_eq!(Path::new(one) == Path::new(other), are_equal, "{one} and {other} as `Path`");
            let mut paths = Paths::new();
            assert_eq!(paths.intern(Path::new(one)), 0);
            assert_eq!(paths.find(Path::new(other)), are_equal.then_some(0), "{one} and {other}");
            assert_eq!(paths.intern(Path::new(other)), u32::from(!are_equal));
        }
    }

    /// Hashes that say nothing, next to the end of every table.
    struct Colliding;

    impl BuildHasher for Colliding {
        type Hasher = Constant;

        fn build_hasher(&self) -> Constant {
            Constant
        }
    }

    struct Constant;

    impl Hasher for Constant {
        fn finish(&self) -> u64 {
            u64::MAX - 1
        }

        fn write(&mut self, _: &[u8]) {}
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_a_list_that_is_searched(
            names in proptest::collection::vec("[./a]{0,5}", 0..40),
        ) {
            fn check<S: BuildHasher>(mut paths: Paths<S>, names: &[String]) -> Result<(), TestCaseError> {
                let mut list: Vec<&Path> = Vec::new();
                for name in names {
                    let name = Path::new(name);
                    let known = list.iter().position(|path| *path == name);
                    prop_assert_eq!(paths.find(name), known.map(|number| number as u32));
                    let number = known.unwrap_or(list.len());
                    if known.is_none() {
                        list.push(name);
                    }
                    prop_assert_eq!(paths.intern(name), number as u32);
                    prop_assert_eq!(paths.get(number as u32), Some(name));
                }
                prop_assert_eq!(paths.get(list.len() as u32), None);
                Ok(())
            }
            check(Paths::new(), &names)?;
            check(Paths::with_hasher(Colliding), &names)?;
        }
    }
}

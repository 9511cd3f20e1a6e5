//! Files that operations use, and what these contained.

use std::path::PathBuf;

use buildbook_guard::FileId;

use crate::contents::Content;

/// A file of a build. Its number says whether two are the same, which their paths would say more slowly.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) id: FileId,
    pub(crate) path: PathBuf,
}

/// A file that an operation has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) content: Content,
    pub(crate) file: FileId,
    /// Whether it was used again, or something was made from it, without another look.
    pub(crate) is_relied_on: bool,
}

/// Files that operations have used.
#[derive(Debug, Default)]
pub(crate) struct UsedFiles {
    /// For each file of the build how many were used when it was first, and it with them; 0 if it was not. There may be
    /// many more files than are used.
    ordinals: Vec<u32>,
    files: Vec<Used>,
}

impl UsedFiles {
    pub(crate) fn get_mut(&mut self, file: FileId) -> Option<&mut Used> {
        let ordinal = *self.ordinals.get(file.index())?;
        self.files.get_mut(ordinal.checked_sub(1)? as usize)
    }

    /// What a file contained when it was used before. From now on, something rests on that.
    pub(crate) fn rely_on(&mut self, file: FileId) -> Option<Content> {
        let used = self.get_mut(file)?;
        used.is_relied_on = true;
        Some(used.content)
    }

    /// Adds a file that is not there.
    pub(crate) fn insert(&mut self, used: Used) {
        let index = used.file.index();
        self.files.push(used);
        if self.ordinals.len() <= index {
            self.ordinals.resize(index + 1, 0);
        }
        if let Some(ordinal) = self.ordinals.get_mut(index) {
            *ordinal = u32::try_from(self.files.len()).expect("numbers of files are no larger");
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Used> {
        self.files.iter()
    }
}

#[cfg(test)]
mod tests {
    use buildbook_guard::Guard;

    use super::*;
    use crate::digest::Digest;
    use crate::identity::Identity;

    #[test]
    fn files_are_found_by_their_numbers_in_whatever_order_they_are_used() {
        let mut guard: Guard<()> = Guard::new();
        let ids = ["a", "b", "c", "d"].map(|path| guard.file(path));
        let content = |inode| {
            let identity = Identity { device: 1, inode, size: 3, modified: (4, 5), changed: (6, 7) };
            Content { digest: Digest::of(b"same"), mode: 0o644, identity }
        };
        let mut used = UsedFiles::default();
        for place in [2, 0, 3] {
            assert!(used.get_mut(ids[place]).is_none());
            used.insert(Used { content: content(place as u64), file: ids[place], is_relied_on: false });
        }
        assert!(used.rely_on(ids[1]).is_none());
        assert_eq!(used.rely_on(ids[0]), Some(content(0)));
        assert_eq!(used.get_mut(ids[3]).map(|used| used.content), Some(content(3)));
        let all: Vec<_> = used.iter().map(|used| (used.file, used.is_relied_on)).collect();
        assert_eq!(all, [(ids[2], false), (ids[0], true), (ids[3], false)]);
    }
}

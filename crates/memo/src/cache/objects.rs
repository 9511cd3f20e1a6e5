//! Payloads: putting them into the cache.

use std::fs::Permissions;
use std::io::{self, Seek as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use buildbook_fsio::{op, open_file};

use super::{Blob, Cache, fine_if_gone};
use crate::contents::{Content, Contents};
use crate::digest::Digest;
use crate::identity::Identity;
use crate::look::Look;
use crate::{Error, Result};

/// How often a file is copied again that changes while it is being copied.
const ATTEMPTS: usize = 5;
/// Nobody has business writing to an object.
const OBJECT_MODE: u32 = 0o444;

impl Cache {
    /// Puts a copy of a file into the cache; `None` when the file is not there. What the copy contains is what is
    /// hashed, so the name of an object is right whatever happens to the file meanwhile.
    pub(crate) fn keep_file(&self, path: &Path, contents: &Contents) -> Result<Option<(Blob, Content)>> {
        for _ in 0..ATTEMPTS {
            let Some(file) = open_file(path)? else { return Ok(None) };
            let before = file.metadata().map_err(Error::io("look at", path))?;
            if let Some(content) = contents.remembered(&Look::from(&before))
                && self.has_object(&content.digest, before.len())
            {
                return Ok(Some((blob(&content, before.len()), content)));
            }
            let staged = self.stage()?;
            // This call shares the blocks of the file where the file system can do that.
            io::copy(&mut &file, &mut staged.file()).map_err(Error::io("copy", path))?;
            let (digest, bytes) = digest_of_staged(&staged)?;
            let after = file.metadata().map_err(Error::io("look at", path))?;
            let Look { identity, mode, .. } = Look::from(&before);
            if identity != Identity::of(&after) {
                continue;
            }
            let content = Content { digest, mode, identity };
            if !self.has_object(&digest, bytes) {
                self.settle_object(&staged, &digest)?;
            }
            return Ok(Some((blob(&content, bytes), content)));
        }
        Err(Error::ReadsChanged { paths: vec![path.to_owned()] })
    }

    /// Puts bytes into the cache, as a file with these rights.
    pub(crate) fn keep_bytes(&self, bytes: &[u8], mode: u32) -> Result<Blob> {
        let blob = Blob { digest: Digest::of(bytes), bytes: bytes.len() as u64, mode };
        if !self.has_object(&blob.digest, blob.bytes) {
            let staged = self.stage()?;
            op::write_all(staged.file(), staged.path(), bytes)?;
            self.settle_object(&staged, &blob.digest)?;
        }
        Ok(blob)
    }

    /// Takes a payload out of the cache, if it is there and what it should be. Otherwise what is there is dropped.
    pub(crate) fn load(&self, blob: &Blob) -> Result<Option<Vec<u8>>> {
        let Some((path, file)) = self.open_object(&blob.digest)? else { return Ok(None) };
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut &file, &mut bytes).map_err(Error::io("read", &path))?;
        if bytes.len() as u64 == blob.bytes && Digest::of(&bytes) == blob.digest {
            return Ok(Some(bytes));
        }
        self.drop_object(&blob.digest)?;
        Ok(None)
    }

    /// Removes an object that is not what its name says.
    pub(crate) fn drop_object(&self, digest: &Digest) -> Result<()> {
        fine_if_gone(op::unlink(&self.object_path(digest)))
    }

    /// Whether there is an object of this name and length, to be used by a new entry: a trim takes it for used now.
    /// Whether it is what it should be shows when it is taken out.
    fn has_object(&self, digest: &Digest, bytes: u64) -> bool {
        let Ok(Some((_, file))) = self.open_object(digest) else { return false };
        let is_it = file.metadata().is_ok_and(|metadata| metadata.len() == bytes);
        // A cache of somebody else's may refuse. At worst, the entry finds its object gone, and the operation runs.
        let _ = file.set_modified((self.clock)());
        is_it
    }

    fn settle_object(&self, staged: &super::session::Staged, digest: &Digest) -> Result<()> {
        let mode = Permissions::from_mode(OBJECT_MODE);
        staged.file().set_permissions(mode).map_err(Error::io("set the rights of", staged.path()))?;
        self.settle(staged, &self.object_path(digest))
    }
}

/// What a staged file contains, read back from its beginning.
pub(super) fn digest_of_staged(staged: &super::session::Staged) -> Result<(Digest, u64)> {
    let mut file = staged.file();
    let result = file.rewind().and_then(|()| Digest::of_reader(file));
    result.map_err(Error::io("read", staged.path()))
}

fn blob(content: &Content, bytes: u64) -> Blob {
    Blob { digest: content.digest, bytes, mode: content.mode }
}

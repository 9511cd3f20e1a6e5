//! Putting files where they belong, in one step.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use buildbook_atomic_swap::replace_file_with;
use buildbook_fsio::{Durability, create_folders, op};

use super::objects::digest_of_staged;
use super::session::Staged;
use super::{Blob, Cache};
use crate::contents::{Content, Contents};
use crate::digest::Digest;
use crate::identity::Identity;
use crate::look::Look;
use crate::{Error, Result};

/// What became of a file that was to be taken out of the cache.
pub(crate) enum Restored {
    /// It is in its place.
    Placed(Content),
    /// It was in its place already, whole and with its rights.
    WasThere(Content),
    /// The cache does not have it, or not as it was put there. What it had was dropped; nothing was placed.
    Damaged(PathBuf),
}

impl Cache {
    /// Takes a payload out of the cache and puts it where it belongs, with the rights that it had. The copy is
    /// verified before it gets its name; whatever had the name before is replaced.
    pub(crate) fn restore(&self, blob: &Blob, target: &Path, contents: &Contents) -> Result<Restored> {
        if let Some(content) = is_there(blob, target, contents) {
            return Ok(Restored::WasThere(content));
        }
        let Some((object, file)) = self.open_object(&blob.digest)? else {
            return Ok(Restored::Damaged(self.object_path(&blob.digest)));
        };
        let staged = self.stage()?;
        io::copy(&mut &file, &mut staged.file()).map_err(Error::io("copy", &object))?;
        if digest_of_staged(&staged)? != (blob.digest, blob.bytes) {
            self.drop_object(&blob.digest)?;
            return Ok(Restored::Damaged(object));
        }
        place(&staged, blob.digest, Some(blob.mode), target, contents).map(Restored::Placed)
    }

    /// Writes a file in one step. Without a mode, it has the rights 0666 less the umask.
    pub(crate) fn write(
        &self,
        bytes: &[u8],
        mode: Option<u32>,
        target: &Path,
        contents: &Contents,
    ) -> Result<Content> {
        let staged = self.stage()?;
        op::write_all(staged.file(), staged.path(), bytes)?;
        place(&staged, Digest::of(bytes), mode, target, contents)
    }

    /// Copies a file in one step. `None` when it is not there any more as it was.
    pub(crate) fn copy(
        &self,
        source: &Path,
        expected: &Content,
        mode: u32,
        target: &Path,
        contents: &Contents,
    ) -> Result<Option<Content>> {
        let staged = self.stage()?;
        let file = std::fs::File::open(source).map_err(Error::io("read", source))?;
        io::copy(&mut &file, &mut staged.file()).map_err(Error::io("copy", source))?;
        if digest_of_staged(&staged)?.0 != expected.digest {
            return Ok(None);
        }
        place(&staged, expected.digest, Some(mode), target, contents).map(Some)
    }
}

/// What a file contains if that and its rights are those of a payload. A link to such a file is not such a file.
pub(crate) fn is_there(blob: &Blob, target: &Path, contents: &Contents) -> Option<Content> {
    let look = contents.look(target).ok()?;
    if !look.is_file || look.identity.size != blob.bytes {
        return None;
    }
    let content = contents.remembered(&look).or_else(|| contents.of(target).ok())?;
    ((content.digest, content.mode) == (blob.digest, blob.mode)).then_some(content)
}

/// Gives a staged file its place.
fn place(
    staged: &Staged,
    digest: Digest,
    mode: Option<u32>,
    target: &Path,
    contents: &Contents,
) -> Result<Content> {
    if let Some(mode) = mode {
        let set = staged.file().set_permissions(Permissions::from_mode(mode));
        set.map_err(Error::io("set the rights of", staged.path()))?;
    }
    let look = || staged.file().metadata().map_err(Error::io("look at", target));
    let before = Identity::of(&look()?);
    match op::rename(staged.path(), target) {
        Err(error) if error.is_not_found() => {
            create_folders(target.parent().unwrap_or(Path::new("/")))?;
            match op::rename(staged.path(), target) {
                Err(error) if error.kind() == Some(io::ErrorKind::CrossesDevices) => {
                    return across(staged, digest, target, contents);
                }
                other => other?,
            }
        }
        Err(error) if error.kind() == Some(io::ErrorKind::CrossesDevices) => {
            return across(staged, digest, target, contents);
        }
        other => other?,
    }
    staged.keep();
    let Look { identity, mode, .. } = Look::from(&look()?);
    if !identity.has_contents_of(&before) {
        // Somebody was quick to write to it.
        return Err(Error::ReadsChanged { paths: vec![target.to_owned()] });
    }
    Ok(Content { digest, mode, identity })
}

/// The cache is on another file system, so that renaming does not do.
fn across(staged: &Staged, digest: Digest, target: &Path, contents: &Contents) -> Result<Content> {
    digest_of_staged(staged)?;
    let source = std::fs::File::open(staged.path()).map_err(Error::io("read", staged.path()))?;
    replace_file_with(target, Durability::Cached, |mut writer| {
        io::copy(&mut &source, &mut writer).map(drop)
    })?;
    let rights = staged.file().metadata().map_err(Error::io("look at", staged.path()))?.permissions();
    std::fs::set_permissions(target, rights).map_err(Error::io("set the rights of", target))?;
    let content = contents.of(target)?;
    if content.digest == digest {
        Ok(content)
    } else {
        Err(Error::ReadsChanged { paths: vec![target.to_owned()] })
    }
}

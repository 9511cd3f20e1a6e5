//! Copying a file.

use super::{Output, Work, blob_of};
use crate::cache::Blob;
use crate::cache::is_there;
use crate::used::Named;
use crate::{Error, Result};

/// A file to be copied.
#[derive(Debug)]
pub(crate) struct CopyRequest {
    pub(crate) source: Named,
    pub(crate) target: Named,
    pub(crate) mode: u32,
}

/// Copies a file, unless its copy is there. The cache would only hold what the source holds.
pub(super) fn copy(work: &Work, request: &CopyRequest) -> Result<(Output, bool)> {
    let contents = &work.shared.contents;
    let CopyRequest { source, target, mode } = request;
    let expected = contents.use_of(source.id, &source.path)?;
    let wanted = Blob { mode: *mode, ..blob_of(&expected) };
    if let Some(content) = is_there(&wanted, &target.path, contents) {
        contents.note_sight(target, content)?;
        return Ok((Output::Nothing, true));
    }
    let copied = work.shared.cache.copy(&source.path, &expected, *mode, &target.path, contents)?;
    let copied = copied.ok_or_else(|| Error::ReadsChanged { paths: vec![source.path.clone()] })?;
    contents.note_use(target, copied)?;
    Ok((Output::Nothing, false))
}

//! Copying a file.

use std::path::PathBuf;

use super::{Output, Work, blob_of};
use crate::cache::Blob;
use crate::cache::is_there;
use crate::{Error, Result};

/// A file to be copied.
#[derive(Debug)]
pub(crate) struct CopyRequest {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) mode: u32,
}

/// Copies a file, unless its copy is there. The cache would only hold what the source holds.
pub(super) fn copy(work: &Work, request: &CopyRequest) -> Result<(Output, bool)> {
    let contents = &work.shared.contents;
    let source = contents.use_of(&request.source)?;
    let wanted = Blob { mode: request.mode, ..blob_of(&source) };
    if let Some(content) = is_there(&wanted, &request.target, contents) {
        contents.note_sight(&request.target, content)?;
        return Ok((Output::Nothing, true));
    }
    let copied = work.shared.cache.copy(&request.source, &source, request.mode, &request.target, contents)?;
    let copied = copied.ok_or_else(|| Error::ReadsChanged { paths: vec![request.source.clone()] })?;
    contents.note_use(&request.target, copied)?;
    Ok((Output::Nothing, false))
}

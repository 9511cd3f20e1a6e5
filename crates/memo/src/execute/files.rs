//! Reading files and making folders.

use std::path::Path;

use buildbook_fsio::create_folders;

use super::{Output, Work};
use crate::Result;
use crate::used::Named;

/// Reads a file for a task.
pub(super) fn read(work: &Work, file: &Named) -> Result<(Output, bool)> {
    let (content, bytes) = work.shared.contents.bytes_of(&file.path)?;
    work.shared.contents.note_use(file, content)?;
    Ok((Output::Bytes(bytes), false))
}

/// Makes a folder and those above it.
pub(super) fn make_folder(folder: &Path) -> Result<(Output, bool)> {
    let is_there = folder.is_dir();
    create_folders(folder)?;
    Ok((Output::Nothing, is_there))
}

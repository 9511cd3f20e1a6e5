//! Writing a file.

use std::path::Path;

use super::{Output, Work, add_reads, blob_of};
use crate::cache::{Blob, Entry, Found, is_there};
use crate::contents::Content;
use crate::digest::Digest;
use crate::key::{Key, KeyBuilder};
use crate::settings::Hidden;
use crate::used::Named;
use crate::{Error, Result};

/// A function that makes the contents of a file.
pub(crate) type Make = Box<dyn FnOnce() -> Result<Vec<u8>> + Send>;

/// A file to be written.
#[derive(Debug)]
pub(crate) struct WriteRequest {
    pub(crate) file: Named,
    pub(crate) mode: u32,
    pub(crate) reads: Vec<Named>,
    pub(crate) source: WriteSource,
}

/// Where the contents come from.
#[derive(Debug)]
pub(crate) enum WriteSource {
    /// They are known. Nothing needs to be looked up: the file has them or gets them.
    Bytes(Vec<u8>),
    /// A function makes them from the reads and from what the salt stands for.
    Made { salt: Vec<u8>, make: Hidden<Make> },
    /// The file has them already. They are to be found when a function would have to make them.
    There { salt: Vec<u8>, content: Digest },
    /// Nowhere: they are not to be found any more.
    Forgotten { salt: Vec<u8> },
}

/// Writes a file, if it is not there.
pub(super) fn write(work: &mut Work, request: WriteRequest) -> Result<(Output, bool)> {
    let WriteRequest { file, mode, reads, source } = request;
    let contents_of_reads = work.contents_of(&reads)?;
    let (bytes, key) = match source {
        WriteSource::Bytes(bytes) => (bytes, None),
        WriteSource::Made { salt, make } if salt.is_empty() => (make.0()?, None),
        WriteSource::Made { salt, make } => {
            let key = key(work, &file.path, mode, &salt, &reads, &contents_of_reads);
            if work.revive(&key, std::slice::from_ref(&file)).is_some() {
                return Ok((Output::Nothing, true));
            }
            (make.0()?, Some(key))
        }
        WriteSource::There { salt, content } => {
            let key = key(work, &file.path, mode, &salt, &reads, &contents_of_reads);
            return keep(work, &key, &file, (content, mode), reads.iter().zip(&contents_of_reads));
        }
        WriteSource::Forgotten { salt } => {
            let key = key(work, &file.path, mode, &salt, &reads, &contents_of_reads);
            let cache = &work.shared.cache;
            if let Found::Entry(_) = cache.find(&key)? {
                cache.drop_entry(&key)?;
            }
            return Ok((Output::Nothing, false));
        }
    };
    work.check_reads(reads.iter().zip(&contents_of_reads))?;
    let wanted = Blob { digest: Digest::of(&bytes), bytes: bytes.len() as u64, mode };
    let contents = &work.shared.contents;
    let there = is_there(&wanted, &file.path, contents);
    let was_there = there.is_some();
    let content = match there {
        Some(content) => content,
        None => work.shared.cache.write(&bytes, Some(mode), &file.path, contents)?,
    };
    contents.note_use(&file, content)?;
    if let Some(key) = key {
        match work.shared.cache.keep_bytes(&bytes, mode) {
            Ok(_) => work.record(&key, &Entry { exit: None, output: None, writes: vec![blob_of(&content)] }),
            Err(error) => work.problems.push(error),
        }
        // The function ran.
        return Ok((Output::Nothing, false));
    }
    Ok((Output::Nothing, was_there))
}

fn key(work: &Work, path: &Path, mode: u32, salt: &[u8], reads: &[Named], contents: &[Content]) -> Key {
    let names = &work.shared.names;
    let mut key = KeyBuilder::new("write 1");
    names.add(&mut key, "write", path);
    key.number("mode", u64::from(mode));
    key.field("salt", salt);
    add_reads(&mut key, names, reads, contents);
    key.finish()
}

/// Puts a file into the cache that is there.
fn keep<'a>(
    work: &mut Work,
    key: &Key,
    file: &Named,
    expected: (Digest, u32),
    reads: impl Iterator<Item = (&'a Named, &'a Content)>,
) -> Result<(Output, bool)> {
    let contents = &work.shared.contents;
    let (blob, content) = match work.shared.cache.keep_file(&file.path, contents) {
        Ok(Some((blob, content))) => (Some(blob), content),
        Ok(None) => return Err(Error::ReadsMissing { paths: vec![file.path.clone()] }),
        Err(error) => {
            work.problems.push(error);
            (None, work.shared.contents.of(&file.path)?)
        }
    };
    if (content.digest, content.mode) != expected {
        return Err(Error::ReadsChanged { paths: vec![file.path.clone()] });
    }
    work.check_reads(reads)?;
    if let Some(blob) = blob {
        work.record(key, &Entry { exit: None, output: None, writes: vec![blob] });
    }
    work.shared.contents.note_use(file, content)?;
    Ok((Output::Nothing, false))
}

//! What a layer says of itself, and when it was last used.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::PathBuf;

use buildbook_fsio::{Facts, OpenFolder, read_file};
use buildbook_json::{Kept, strict_record};
use buildbook_layout::{LayerTree, Timestamp};
use serde::Deserialize;

use crate::{Error, Result};

/// The largest description that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// The description of a layer, `layer.json`.
#[derive(Debug)]
pub(crate) enum Metadata {
    /// It is there.
    Known(Known),
    /// There is none: the layer is being made, or its maker died.
    Missing,
    /// It is there and makes no sense.
    Corrupt(Error),
    /// It cannot be read.
    Unreadable(Error),
}

#[derive(Debug, Default)]
pub(crate) struct Known {
    /// References to the layers that it was built upon: `parent_hashes`, in older files `hashes` and, for
    /// documentation, `dep_doc_hashes`.
    pub(crate) parents: Vec<String>,
    /// `created_at`, in older files `created`.
    pub(crate) created: Option<Timestamp>,
}

impl Metadata {
    pub(crate) fn read(layer: &LayerTree) -> Self {
        let path = layer.metadata();
        match read_file(&path, LIMIT) {
            Ok(Some(bytes)) => Metadata::of(&bytes, || path),
            Ok(None) => Metadata::Missing,
            Err(error) => Metadata::Unreadable(error.into()),
        }
    }

    /// Reads it from the layer's open folder, into memory that serves for one after another, and returns what the system
    /// says about the file that was read.
    pub(crate) fn read_in(layer: &OpenFolder, name: &OsStr, bytes: &mut Vec<u8>) -> (Self, Option<Facts>) {
        match layer.read_file(name, LIMIT, bytes) {
            Ok(Some(facts)) => (Metadata::of(bytes, || layer.path().join(name)), Some(facts)),
            Ok(None) => (Metadata::Missing, None),
            Err(error) => (Metadata::Unreadable(error.into()), None),
        }
    }

    fn of(bytes: &[u8], path: impl FnOnce() -> PathBuf) -> Self {
        match parse(bytes) {
            Ok(known) => Metadata::Known(known),
            Err(source) => Metadata::Corrupt(Error::MalformedMetadata { path: path(), source }),
        }
    }
}

/// The keys that tell what a collection needs to know. A key that is there twice is refused, because one of the
/// two would hide what the other says.
#[derive(Deserialize)]
struct Description {
    parent_hashes: Option<Vec<String>>,
    hashes: Option<Vec<String>>,
    dep_doc_hashes: Option<Vec<String>>,
    #[serde(default)]
    created_at: Kept<String>,
    #[serde(default)]
    created: Kept<f64>,
}

/// The original writes bytes that are not UTF-8 into strings as they are, so the text is taken as it comes.
fn parse(bytes: &[u8]) -> buildbook_json::Result<Known> {
    // Whether it is text is found out much sooner than how it could be made into some.
    let text = str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let description: Description = strict_record(&text)?;
    let Description { parent_hashes, hashes, dep_doc_hashes, created_at, created } = description;
    let parents = [parent_hashes, hashes, dep_doc_hashes].into_iter().flatten().flatten();
    let created_at = created_at.value().and_then(|text| text.parse().ok());
    let created = created.value().and_then(Timestamp::from_unix_f64);
    Ok(Known {
        parents: parents.map(|hash| hash.to_ascii_lowercase()).collect(),
        created: created_at.max(created),
    })
}

/// The latest time of the files that change when a layer is made or used. A layer that was never used again
/// has no `last_used`, so that alone says nothing.
pub(crate) fn last_touched(layer: &LayerTree) -> Result<Option<Timestamp>> {
    let mut latest = None;
    for path in [layer.path().to_owned(), layer.metadata(), layer.last_used()] {
        match fs::symlink_metadata(&path) {
            Ok(metadata) => latest = latest.max(modified(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("look at", &path)(error)),
        }
    }
    Ok(latest)
}

fn modified(metadata: &fs::Metadata) -> Option<Timestamp> {
    metadata.modified().ok().and_then(Timestamp::from_system_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_of_all_versions_are_read() {
        let table: [(&[u8], &[&str], Option<&str>); 6] = [
            (br#"{"package":"a.1","exit_status":0,"hashes":["build-0123456789AB"],"created":1773060884.0}"#,
                &["build-0123456789ab"], Some("2026-03-09T12:54:44Z")),
            (br#"{"exit_status":0,"parent_hashes":["0123456789abcdef0123456789abcdef","b"],"created_at":"2026-03-09T12:54:44Z"}"#,
                &["0123456789abcdef0123456789abcdef", "b"], Some("2026-03-09T12:54:44Z")),
            (br#"{"exit_status":-1,"parent_hashes":null,"created_at":"soon"}"#, &[], None),
            (b"{\"failed_dep\":\"\xff\"}", &[], None),
            (br#"{"hashes":["a"],"doc":{"status":"ok"},"dep_doc_hashes":["doc-0123456789ab"]}"#,
                &["a", "doc-0123456789ab"], None),
            (b"{}", &[], None),
        ];
        for (bytes, parents, created) in table {
            let known = parse(bytes).unwrap();
            assert_eq!(known.parents, parents);
            assert_eq!(known.created.map(|time| time.to_string()).as_deref(), created);
        }
    }

    #[test]
    fn what_hides_parents_is_corrupt() {
        for bytes in [
            &b""[..],
            b"{ not json",
            b"[]",
            br#"[["a"],null,null,null,null]"#,
            br#"{"hashes":"a"}"#,
            br#"{"parent_hashes":[1]}"#,
            br#"{"parent_hashes":["0123456789ab"],"parent_hashes":[]}"#,
            b"{}x",
        ] {
            assert!(parse(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}

//! From a line to entries.

use std::borrow::Cow;

use buildbook_fsio::LineRef;
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category as Fault;

use crate::{EntryRef, Problem, Reason, canonical};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How often a broken line is read over in search of entries. Each crash leaves a false start, which costs
/// little; the limit keeps a hostile line from being read from end to end again and again.
const READS: usize = 4;

/// Hands out the entries of a line, first to last, and says what is wrong with the line unless it is
/// empty or exactly one entry.
#[inline]
pub(crate) fn parse_line(line: LineRef<'_>, mut each: impl FnMut(EntryRef<'_>)) -> Option<Problem> {
    if let Ok(text) = str::from_utf8(line.bytes)
        && let Some(entry) = canonical::read(text)
    {
        each(entry);
        return None;
    }
    parse_unusual_line(line, each)
}

/// As [`parse_line`], whatever the line.
#[inline(never)]
fn parse_unusual_line(line: LineRef<'_>, mut each: impl FnMut(EntryRef<'_>)) -> Option<Problem> {
    let problem = |reason, salvaged| Some(Problem { line: None, offset: line.offset, reason, salvaged });
    if line.is_too_long() {
        return problem(Reason::TooLong { bytes: line.length }, 0);
    }
    let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
    let bytes = if line.offset == 0 { bytes.strip_prefix(BOM).unwrap_or(bytes) } else { bytes };
    if bytes.is_empty() {
        return None;
    }
    // The original writes the bytes of error texts as they are, whatever their encoding.
    let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
    let error = match serde_json::from_str::<EntryRef<'_>>(&text) {
        Ok(entry) => {
            each(entry);
            return None;
        }
        Err(error) => error,
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return problem(Reason::Blank, 0);
    }
    if serde_json::from_str::<IgnoredAny>(&text).is_ok() {
        return problem(Reason::NotAnEntry(without_place(&error)), 0);
    }
    let salvaged = salvage(&text, each);
    let reason = if salvaged > 0 {
        Reason::Glued
    } else if bytes.contains(&0) {
        Reason::Nul
    } else if error.classify() == Fault::Eof {
        Reason::CutOff
    } else {
        Reason::NotJson
    };
    problem(reason, salvaged)
}

/// The line of serde_json's message is always 1, and its column counts from a place nobody sees.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

/// Looks for whole entries among debris. Quotes inside a text are escaped, so `{"` begins an object
/// wherever it stands, and what is found was written as an entry.
fn salvage(text: &str, mut each: impl FnMut(EntryRef<'_>)) -> usize {
    let (mut rest, mut found, mut read) = (text, 0, 0);
    while read < READS * text.len() {
        let Some(next) = memmem::find(rest.as_bytes(), b"{\"").and_then(|start| rest.get(start..)) else {
            break;
        };
        let used = match first_value::<EntryRef<'_>>(next) {
            Ok((entry, used)) => {
                found += 1;
                each(entry);
                used
            }
            Err(failed_after) => {
                read += failed_after;
                // A whole object of another kind is passed over with what is in it.
                match first_value::<IgnoredAny>(next) {
                    Ok((_, used)) => used,
                    Err(failed_after) => {
                        read += failed_after;
                        1
                    }
                }
            }
        };
        read += used;
        rest = next.get(used..).unwrap_or_default();
    }
    found
}

/// The value at the start of a text and how many bytes it has, or after how many bytes it turned out not
/// to be there.
fn first_value<'a, T: Deserialize<'a>>(text: &'a str) -> Result<(T, usize), usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, values.byte_offset())),
        Some(Err(error)) => Err(error.column()),
        None => Err(0),
    }
}

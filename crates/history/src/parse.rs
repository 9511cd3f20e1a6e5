//! From a line to entries.

use std::borrow::Cow;

use buildbook_fsio::Line;
use memchr::memmem;
use serde::de::IgnoredAny;
use serde_json::error::Category as Fault;

use crate::{EntryRef, Problem, Reason};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How often a search for entries in a broken line may fail. Each crash leaves one false start; the limit
/// keeps a hostile line from being read from end to end again and again.
const FALSE_STARTS: usize = 64;

/// Hands out the entries of a line, first to last, and says what is wrong with the line unless it is
/// empty or exactly one entry.
pub(crate) fn parse_line(line: &Line, mut each: impl FnMut(EntryRef<'_>)) -> Option<Problem> {
    let problem = |reason, salvaged| Some(Problem { line: None, offset: line.offset, reason, salvaged });
    if line.is_too_long() {
        return problem(Reason::TooLong { bytes: line.length }, 0);
    }
    let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(&line.bytes);
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
    let (mut rest, mut found, mut false_starts) = (text, 0, 0);
    while false_starts < FALSE_STARTS {
        let Some(next) = memmem::find(rest.as_bytes(), b"{\"").and_then(|start| rest.get(start..)) else {
            break;
        };
        let mut entries = serde_json::Deserializer::from_str(next).into_iter::<EntryRef<'_>>();
        let used = match entries.next() {
            Some(Ok(entry)) => {
                found += 1;
                each(entry);
                entries.byte_offset()
            }
            // A whole object of another kind is passed over with what is in it.
            _ => {
                false_starts += 1;
                let mut any = serde_json::Deserializer::from_str(next).into_iter::<IgnoredAny>();
                if let Some(Ok(_)) = any.next() { any.byte_offset() } else { 1 }
            }
        };
        rest = next.get(used..).unwrap_or_default();
    }
    found
}

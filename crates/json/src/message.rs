//! Messages of a length that can be read.

use serde::de::Error as _;

use crate::Error;

/// The longest message that is handed on whole, in bytes. Messages repeat what they are about.
const LONGEST: usize = 300;

/// Keeps the beginning of a message that repeats a long text, and the place that it is about.
#[must_use]
pub fn shortened(error: Error) -> Error {
    let message = error.to_string();
    if message.len() <= LONGEST {
        return error;
    }
    let beginning: String = message.chars().take(LONGEST / 2).collect();
    let (line, column) = (error.line(), error.column());
    Error::custom(format!("{beginning}… at line {line} column {column}"))
}

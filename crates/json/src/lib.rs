//! JSON records that others may have written: other versions of this library, the original, a text editor.
//!
//! * [`record`] reads a struct from an object. Of a key that is there twice the first counts, as for the original, and
//!   a key that is not known takes no memory, however much stands behind it. [`object`] does so for an object
//!   within another.
//! * [`strict_record`] refuses a key that is there twice, where one value must not hide another.
//! * [`Kept`] is a value that may be of another kind than it should: it is passed over then, and the record is read
//!   all the same. What can be kept says so with [`Keep`].
//! * [`record_of_bytes`] takes text that is not UTF-8 as well as it can be read.
//! * [`shortened`] cuts a message that repeats a long text.
//!
//! # What this crate does not do
//!
//! It opens no file and writes nothing; records are written with serde as they are. It is no reader for what a person
//! writes and should be told about, such as a plan: there, a key that is there twice is a mistake.
//!
//! # Example
//!
//! ```
//! use buildbook_json::{Kept, record};
//!
//! #[derive(serde::Deserialize)]
//! struct Repository {
//!     path: String,
//!     #[serde(default)]
//!     commit: Kept<String>,
//! }
//!
//! let read: Repository = record(r#"{"path": "opam", "path": "other", "since": {"a": [1]}, "commit": 7}"#)?;
//! assert_eq!((read.path.as_str(), read.commit.value()), ("opam", None));
//! assert!(record::<Repository>("[\"opam\", \"c0ffee\"]").is_err(), "a list is no record");
//! # Ok::<(), buildbook_json::Error>(())
//! ```

mod keep;
mod message;
mod object;

pub use keep::{Keep, Kept};
pub use message::shortened;
pub use object::{object, record, record_of_bytes, strict_record};
/// What is wrong with a text, and where.
pub use serde_json::Error;

/// The result of reading a text.
pub type Result<T> = serde_json::Result<T>;

//! Pretend books, and other support for tests, benches and `cargo xtask fixtures`.
//!
//! * [`generate`] writes a whole book of any size from a [`Spec`]: the same spec gives the same bytes, modes
//!   and times, on every machine and every day. Its [`Manifest`] says what a reader must find.
//! * [`cases`] are small books that something happened to: a power cut, a full disk, a program of another
//!   version, a stray file. Each says what a correct reader answers.
//! * [`golden`] and [`golden_copy`] give the files that the original library wrote.
//! * [`device`] makes machines on which things go wrong: a disk whose power is cut, a mount that cannot be written to.
//! * [`soak`] has worker processes that are killed at any moment, and a judge of what they leave.
//! * [`Snapshot`] is everything that can be seen of a tree: for asserting that a command changed nothing, or
//!   nothing else.
//!
//! Names and places come from `buildbook-layout`. Everything else is written here byte by byte and not through
//! the crates under test, because what they write is no evidence for what they read.
//!
//! # Example
//!
//! ```
//! use buildbook_tests::{Snapshot, Spec, generate};
//!
//! # fn main() -> anyhow::Result<()> {
//! let folder = tempfile::tempdir()?;
//! let spec = Spec { packages: 5, layers: 8, ..Spec::default() };
//! let manifest = generate(&folder.path().join("one"), &spec)?;
//! assert_eq!(manifest.packages.len(), 5);
//!
//! generate(&folder.path().join("two"), &spec)?;
//! let [one, two] = [Snapshot::take(&folder.path().join("one"))?, Snapshot::take(&folder.path().join("two"))?];
//! assert_eq!(one.differences(&two), Vec::<String>::new());
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "crash")]
pub mod crash;
pub mod device;
mod farm;
mod generate;
mod golden;
mod hostile;
mod json;
pub mod properties;
mod rng;
mod snapshot;
pub mod soak;
mod spec;
mod tree;

pub use generate::generate;
pub use golden::{golden, golden_copy};
pub use hostile::{Case, Part, case, cases};
pub use json::Json;
pub use snapshot::Snapshot;
pub use spec::{LayerFacts, Manifest, PackageFacts, Spec, UniverseFacts};
pub use tree::Tree;

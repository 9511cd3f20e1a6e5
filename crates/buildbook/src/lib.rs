//! The book of a build farm: one crate that re-exports the parts

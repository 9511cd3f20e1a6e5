//! What somebody may plant in a book, or say to it, who means no good.
//!
//! What a server may answer to a notification is with the crate that asks (`buildbook-notify`) and in the corpus of
//! `replies`.

mod links;
mod names;
mod size;
mod special;

pub(crate) use size::{read_a_huge_line, read_dense_documents, read_many_packages};

//! Things that are not a history where one should be.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use anyhow::Result;

use super::sound::{self, BASALT, PACKAGES, RECORD};
use super::{ALL, ANVIL_ALONE, Case, Part};
use crate::Tree;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "empty_history",
        about: "a history of no bytes",
        answer: "the package is listed without entries, and there is no problem",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 0)],
        problems: &[],
        write: empty,
    },
    Case {
        name: "missing_history",
        about: "the folder of a package without a history",
        answer: "the other package is read; this one has no entries, which is no problem",
        entries: ANVIL_ALONE,
        problems: &[],
        write: missing,
    },
    Case {
        name: "history_is_a_folder",
        about: "a folder where a history should be",
        answer: "it is reported with its path, the other package is read",
        entries: ANVIL_ALONE,
        problems: &[Part::Histories],
        write: folder,
    },
    Case {
        name: "history_is_a_fifo",
        about: "a FIFO where a history should be",
        answer: "nobody waits for it; it is reported, the other package is read",
        entries: ANVIL_ALONE,
        problems: &[Part::Histories],
        write: fifo,
    },
    Case {
        name: "history_is_a_link",
        about: "a link to the history of another package",
        answer: "it is reported and not followed, the other package is read",
        entries: ANVIL_ALONE,
        problems: &[Part::Histories],
        write: link,
    },
    Case {
        name: "bad_package_names",
        about: "folders whose names are no package names",
        answer: "they are skipped or reported, and nothing outside the folder is touched",
        entries: ALL,
        problems: &[],
        write: bad_names,
    },
    Case {
        name: "packages_is_a_file",
        about: "a file where the folder of packages should be",
        answer: "it is reported, and runs and layers are read",
        entries: &[],
        problems: &[Part::Histories],
        write: packages_is_a_file,
    },
];

fn empty(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file(BASALT, "")
}

fn missing(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.remove(BASALT)
}

fn folder(tree: &mut Tree) -> Result<()> {
    missing(tree)?;
    tree.folder(BASALT)
}

fn fifo(tree: &mut Tree) -> Result<()> {
    missing(tree)?;
    tree.fifo(BASALT)
}

fn link(tree: &mut Tree) -> Result<()> {
    missing(tree)?;
    tree.link(BASALT, "../anvil.1.2.0/history.jsonl")
}

fn bad_names(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let too_long = format!("{}.1", "x".repeat(220));
    let names: [&[u8]; 7] = [
        b".hidden.1",
        b"nothing-after-the-dot.",
        b"two\nlines.1",
        b"\xff\xfe.1",
        b"-rf.1",
        b"a b.1",
        too_long.as_bytes(),
    ];
    for name in names {
        let folder = Path::new(PACKAGES).join(OsStr::from_bytes(name));
        tree.file(folder.join("history.jsonl"), format!("{RECORD}\n"))?;
    }
    Ok(())
}

fn packages_is_a_file(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.remove(PACKAGES)?;
    tree.file(PACKAGES, "not a folder\n")
}

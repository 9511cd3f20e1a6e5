//! The index, the locks, and files that are not of the book.

use anyhow::Result;

use super::sound::{self, BASALT, DOCS, PACKAGES, RECORD, RUN, STATUS};
use super::{ALL, Case, Part};
use crate::Tree;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "corrupt_status",
        about: "an index that was cut off",
        answer: "it is reported as corrupt, which is not the same as missing",
        entries: ALL,
        problems: &[Part::Status],
        write: corrupt_status,
    },
    Case {
        name: "missing_status",
        about: "no index",
        answer: "it is called missing, and can be made",
        entries: ALL,
        problems: &[],
        write: missing_status,
    },
    Case {
        name: "status_is_a_folder",
        about: "a folder where the index should be",
        answer: "it is reported with its path",
        entries: ALL,
        problems: &[Part::Status],
        write: status_is_a_folder,
    },
    Case {
        name: "locks_of_all_kinds",
        about: "lock files of every name and every text, held by nobody",
        answer: "none is listed as held, whatever its text says",
        entries: ALL,
        problems: &[],
        write: locks,
    },
    Case {
        name: "lock_is_a_fifo",
        about: "a FIFO, a folder and a dangling link among the locks",
        answer: "nobody waits for the FIFO; each is reported or skipped",
        entries: ALL,
        problems: &[],
        write: lock_is_a_fifo,
    },
    Case {
        name: "foreign_files",
        about: "README, *.old, *.new, *.tmp and hidden files everywhere",
        answer: "they are ignored and survive every command",
        entries: ALL,
        problems: &[],
        write: foreign,
    },
    Case {
        name: "leftovers",
        about: "temporary files and folders of replacements that were cut off",
        answer: "readers ignore them; recovery removes them and touches no target",
        entries: ALL,
        problems: &[],
        write: leftovers,
    },
    Case {
        name: "two_platforms",
        about: "the same package on two platforms",
        answer: "neither is taken for the other: a command that needs one asks which",
        entries: ALL,
        problems: &[],
        write: two_platforms,
    },
    Case {
        name: "no_book",
        about: "an empty folder",
        answer: "there is no book, or an empty one; nothing is made by looking",
        entries: &[],
        problems: &[],
        write: nothing,
    },
];

fn nothing(_: &mut Tree) -> Result<()> {
    Ok(())
}

fn two_platforms(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let other = BASALT.replace("debian-12-x86_64", "fedora-43-arm64");
    tree.file(other, format!("{RECORD}\n"))
}

fn corrupt_status(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file(STATUS, "{\n  \"generated\": \"2026-03-02T07:0")
}

fn missing_status(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.remove(STATUS)
}

fn status_is_a_folder(tree: &mut Tree) -> Result<()> {
    missing_status(tree)?;
    tree.folder(STATUS)
}

fn locks(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    const UNIVERSE: &str = "0123456789abcdef0123456789abcdef";
    let whole = "4001\n1772431200\nbuild-aaaaaaaaaaaa\n/tmp/pretend_run/build.log\n";
    let table = [
        ("build-anvil.1.2.0.lock".to_owned(), whole),
        (format!("build-anvil.1.2.0-{UNIVERSE}.lock"), whole),
        (format!("doc-anvil.1.2.0-{UNIVERSE}.lock"), "4002\n1772431200\n\n\n"),
        ("doc-basalt.0.9.lock".to_owned(), "4003\n1772431200\n"),
        ("tool-odoc.lock".to_owned(), "4004\n1772431200\ndoc-aaaaaaaaaaaa"),
        ("tool-odoc-5.3.0.lock".to_owned(), ""),
        ("build-dune-kit.3.1-rc1.lock".to_owned(), "not a number\nnor a time\n"),
        ("build-early.1.lock".to_owned(), "-1\n99999999999999999999\n"),
        ("build-.lock".to_owned(), whole),
        ("build-nodot.lock".to_owned(), "\0\0\0\0"),
        ("other-anvil.1.2.0.lock".to_owned(), whole),
        ("build-anvil.1.2.0.txt".to_owned(), whole),
        (".lock".to_owned(), whole),
    ];
    for (name, note) in table {
        tree.file(format!("locks/{name}"), note)?;
    }
    tree.file("debian-12-x86_64/build-aaaaaaaaaaaa.lock", "")
}

fn lock_is_a_fifo(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.fifo("locks/build-anvil.1.2.0.lock")?;
    tree.folder("locks/build-basalt.0.9.lock")?;
    tree.link("locks/tool-odoc.lock", "/nonexistent/lock")
}

/// Names that other programs and people give, and that sound like ours.
fn foreign(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    for folder in [
        "",
        "logs",
        "logs/runs",
        RUN,
        "locks",
        "debian-12-x86_64",
        PACKAGES,
        "html",
        "html/p",
        DOCS,
        "html/u",
    ] {
        for name in
            ["README", "README.old", "notes.new", "status.json.tmp", ".DS_Store", ".keep.new-bb", "x~"]
        {
            tree.file(format!("./{folder}/{name}"), "mine\n")?;
        }
        tree.file(format!("./{folder}/backup.old/README"), "mine\n")?;
    }
    Ok(())
}

/// What replacements leave when they are cut off, by the names that ours give and the original gave.
fn leftovers(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file("debian-12-x86_64/.status.json.tmp-bb0000000001", "{ \"generated\"")?;
    tree.file("debian-12-x86_64/packages/basalt.0.9/.history.jsonl.tmp-bb0000000002", "{\"ts\"")?;
    tree.file("debian-12-x86_64/packages/basalt.0.9/history.jsonl.tmp", "{\"ts\"")?;
    tree.file(format!("{RUN}/.progress.json.tmp-bb0000000003"), "")?;
    tree.link("logs/.latest.tmp-bb0000000004", "runs/2026-03-02-060000")?;
    sound::layer(tree, "debian-12-x86_64/.build-cccccccccccc.trash-bb0000000005", "copper.1")?;
    sound::layer(tree, "debian-12-x86_64/.build-dddddddddddd.new-bb0000000006", "dune.1")?;
    tree.file("html/p/anvil/.1.2.0.new-bb0000000007/doc/index.html", "<title>half")?;
    tree.file("html/p/anvil/.1.2.0.old-bb0000000008/doc/index.html", "<title>anvil</title>\n")
}

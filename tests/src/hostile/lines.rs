//! Histories with lines that are no records.

use anyhow::Result;

use super::sound::{self, BASALT, RECORD};
use super::{ALL, Case, Part};
use crate::Tree;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "torn_tail",
        about: "the last line was cut off by a power cut",
        answer: "the lines before it are read, one is reported; the next append begins a line of its own",
        entries: ALL,
        problems: &[Part::Histories],
        write: torn_tail,
    },
    Case {
        name: "nul_tail",
        about: "the file system kept the length but not the bytes: NULs at the end",
        answer: "the lines before them are read, one is reported",
        entries: ALL,
        problems: &[Part::Histories],
        write: nul_tail,
    },
    Case {
        name: "bom",
        about: "an editor put a byte order mark in front of the first line",
        answer: "the first line is read or reported, the second is read",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 1)],
        problems: &[],
        write: bom,
    },
    Case {
        name: "glued_lines",
        about: "two records on one line, as after an append to a torn tail",
        answer: "the line is reported, the others are read",
        entries: ALL,
        problems: &[Part::Histories],
        write: glued,
    },
    Case {
        name: "spaces_line",
        about: "a line of spaces and an empty line",
        answer: "all records are read; the line of spaces may be reported, the empty one is not",
        entries: ALL,
        problems: &[],
        write: spaces,
    },
    Case {
        name: "invalid_utf8",
        about: "an error text that is not UTF-8, as the original writes it",
        answer: "the record is read with replacement characters",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 3)],
        problems: &[],
        write: invalid_utf8,
    },
    Case {
        name: "crlf",
        about: "line ends of another system",
        answer: "all records are read and there is no problem",
        entries: ALL,
        problems: &[],
        write: crlf,
    },
    Case {
        name: "duplicate_keys",
        about: "a record that has its category twice",
        answer: "it is read, and the first one counts",
        entries: &[("anvil.1.2.0", 3), ("basalt.0.9", 3)],
        problems: &[],
        write: duplicate_keys,
    },
    Case {
        name: "odd_values",
        about: "JSON that is no record: a list, a number, missing keys, values of other types",
        answer: "each such line is reported, the others are read",
        entries: ALL,
        problems: &[Part::Histories],
        write: odd_values,
    },
    Case {
        name: "long_line",
        about: "a record of three megabytes",
        answer: "memory stays bounded; the other records are read",
        entries: ALL,
        problems: &[],
        write: long,
    },
    Case {
        name: "no_line_end",
        about: "a good last record without its line end",
        answer: "all records are read; the next append begins a line of its own",
        entries: ALL,
        problems: &[],
        write: no_line_end,
    },
];

fn with_tail(tree: &mut Tree, tail: impl AsRef<[u8]>) -> Result<()> {
    sound::write(tree)?;
    tree.append(BASALT, tail)
}

fn torn_tail(tree: &mut Tree) -> Result<()> {
    with_tail(tree, r#"{"ts":"2026-03-0"#)
}

fn nul_tail(tree: &mut Tree) -> Result<()> {
    with_tail(tree, [0; 512])
}

fn bom(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let first = RECORD.replace("2026-03-02", "2026-03-01");
    tree.file(BASALT, format!("\u{feff}{first}\n{RECORD}\n"))
}

fn glued(tree: &mut Tree) -> Result<()> {
    with_tail(tree, format!("{{\"ts\":\"2026-03-0{RECORD}\n{RECORD}{RECORD}\n"))
}

fn spaces(tree: &mut Tree) -> Result<()> {
    with_tail(tree, "   \n\n")
}

fn invalid_utf8(tree: &mut Tree) -> Result<()> {
    let (before, after) = RECORD.split_once("exit 2").unwrap_or((RECORD, ""));
    with_tail(tree, [before.as_bytes(), b"caf\xe9 \xe2\x96", after.as_bytes(), b"\n"].concat())
}

fn crlf(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let first = RECORD.replace("2026-03-02", "2026-03-01");
    tree.file(BASALT, format!("{first}\r\n{RECORD}\r\n"))
}

fn duplicate_keys(tree: &mut Tree) -> Result<()> {
    with_tail(tree, RECORD.replace(r#""compiler""#, r#""category":"success","compiler""#) + "\n")
}

fn odd_values(tree: &mut Tree) -> Result<()> {
    let blessed_is_a_text = RECORD.replace("true", "\"true\"");
    let error_is_a_number = RECORD.replace("\"exit 2\"", "5");
    let no_category = RECORD.replace(r#""category":"build_failure","#, "");
    let lines =
        ["[1,2,3]", "\"a text\"", "null", "42", "{}", &blessed_is_a_text, &error_is_a_number, &no_category];
    with_tail(tree, lines.join("\n") + "\n")
}

fn long(tree: &mut Tree) -> Result<()> {
    with_tail(tree, RECORD.replace("exit 2", &"x".repeat(3 << 20)) + "\n")
}

fn no_line_end(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    let first = RECORD.replace("2026-03-02", "2026-03-01");
    tree.file(BASALT, format!("{first}\n{RECORD}"))
}

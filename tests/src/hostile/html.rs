//! Documentation whose references cannot be known.

use anyhow::Result;

use super::sound::{self, DOCS};
use super::{ALL, Case, Part};
use crate::Tree;

const FORGOTTEN: &str = "html/u/22222222222222222222222222222222";

pub(super) const CASES: &[Case] = &[
    Case {
        name: "universes_unreadable",
        about: "a reference file that is not JSON",
        answer: "it is reported and no universe is removed",
        entries: ALL,
        problems: &[Part::Html],
        write: universes_unreadable,
    },
    Case {
        name: "universes_missing",
        about: "published documentation without a reference file",
        answer: "its universes cannot be known: gc says so or keeps them",
        entries: ALL,
        problems: &[],
        write: universes_missing,
    },
    Case {
        name: "half_finished_swap",
        about: "our publication was cut off between its two renames: no target, old and new beside it",
        answer: "recovery publishes the new contents; until then no universe is removed",
        entries: ALL,
        problems: &[],
        write: half_finished_swap,
    },
    Case {
        name: "half_finished_swap_v1",
        about: "the original's publication was cut off: no target, `.old` and `.new` beside it",
        answer: "both copies survive, and no universe is removed",
        entries: ALL,
        problems: &[],
        write: half_finished_swap_v1,
    },
];

/// The sound book with a universe that nothing refers to.
fn with_forgotten_universe(tree: &mut Tree) -> Result<()> {
    sound::write(tree)?;
    tree.file(format!("{FORGOTTEN}/copper/1/doc/index.html"), "<title>copper</title>\n")
}

fn universes_unreadable(tree: &mut Tree) -> Result<()> {
    with_forgotten_universe(tree)?;
    tree.file("html/p/basalt/0.9/doc/index.html", "<title>basalt</title>\n")?;
    tree.file("html/p/basalt/0.9/universes.json", r#"{"universes":["2222"#)
}

fn universes_missing(tree: &mut Tree) -> Result<()> {
    with_forgotten_universe(tree)?;
    tree.remove(format!("{DOCS}/universes.json"))
}

fn half_finished_swap(tree: &mut Tree) -> Result<()> {
    cut_off_between_renames(
        tree,
        "html/p/anvil/.1.2.0.old-bbpublish001",
        "html/p/anvil/.1.2.0.new-bbpublish001",
    )
}

fn half_finished_swap_v1(tree: &mut Tree) -> Result<()> {
    cut_off_between_renames(tree, "html/p/anvil/1.2.0.old", "html/p/anvil/1.2.0.new")
}

/// The target has been put aside, and the new contents, complete, have not taken its place.
fn cut_off_between_renames(tree: &mut Tree, old: &str, new: &str) -> Result<()> {
    with_forgotten_universe(tree)?;
    tree.rename(DOCS, old)?;
    tree.file(format!("{new}/doc/index.html"), "<title>anvil, rebuilt</title>\n")?;
    tree.file(format!("{new}/universes.json"), r#"{"universes":["22222222222222222222222222222222"]}"#)
}

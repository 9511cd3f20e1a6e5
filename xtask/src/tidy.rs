//! Rules that no compiler knows.
//!
//! Each rule is a function from the files of the project to findings, and each finding says what to do. What a
//! lint of clippy can see is in `.clippy.toml` and in the manifest of the workspace instead.

mod crates;
mod direction;
mod documents;
mod files;
mod source;
mod tree;

use anyhow::{Result, ensure};

use crate::shell;
use tree::{Finding, Tree};

struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Result<Vec<Finding>>,
}

const RULES: &[Rule] = &[
    Rule { name: "no large file", check: files::size },
    Rule { name: "no build output", check: files::output },
    Rule { name: "no place of one machine", check: files::places },
    Rule { name: "no address of a package registry", check: files::registries },
    Rule { name: "no stray whitespace", check: files::whitespace },
    Rule { name: "no stub, debug print or ignored test", check: source::stubs },
    Rule { name: "one subject for a file", check: source::length },
    Rule { name: "a crate says what it is", check: crates::description },
    Rule { name: "a crate begins with its documentation", check: crates::documentation },
    Rule { name: "lints are the workspace's", check: crates::lints },
    Rule { name: "a dependency has a reason", check: crates::reasons },
    Rule { name: "tests depend on no version of ours", check: crates::dev_dependencies },
    Rule { name: "dependencies go downwards", check: direction::downwards },
    Rule { name: "the changelog has this version", check: documents::changelog },
    Rule { name: "documents name tests that exist", check: documents::named_tests },
];

pub(crate) fn run() -> Result<()> {
    let tree = Tree::of_git(&shell::root())?;
    let mut errors = 0;
    for rule in RULES {
        for finding in (rule.check)(&tree)? {
            errors += usize::from(finding.is_error);
            println!("{finding} ({})", rule.name);
        }
    }
    ensure!(errors == 0, "{errors} findings to mend");
    println!("{} files keep {} rules", tree.files().len(), RULES.len());
    Ok(())
}

//! Finding what changes files in the code, so that nothing is without a row.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

use super::procedure::Procedure;

/// What a line that changes files, or recovers or locks them, has in it.
const CALLS: [&str; 28] = [
    "op::create_new",
    "op::open_or_create",
    "op::create_folder",
    "op::write_all",
    "op::set_len",
    "op::sync_file",
    "op::rename",
    "op::exchange",
    "op::symlink",
    "op::hard_link",
    "op::unlink",
    "append_lines(",
    "Appender::open(",
    "replace_file(",
    "replace_file_with(",
    "replace_file_synced(",
    "replace_symlink(",
    "Swap::prepare(",
    "retire(",
    "recover(",
    "remove_tree(",
    "remove_trees(",
    "sync_folder(",
    "create_folders(",
    ".write_note(",
    "Lock::acquire",
    "Lock::try_acquire",
    ".try_for_each(sync_folder)",
];

/// Places that no row covers, and why none is needed.
const EXCEPTIONS: [(&str, &str); 3] = [
    (
        "memo/cache/place.rs across",
        "replaces a file as `replace_file_with` does, where the cache is on another file system than the build",
    ),
    (
        "history/stragglers.rs carry_over",
        "appends as every append does, and only what a foreign writer wrote at that moment",
    ),
    ("gc/sweep.rs put_back", "one rename, when a publisher was quicker; its own tests fail each way of it"),
];

/// Crates that no row covers, and why none is needed.
const CRATES: [(&str, &str); 2] = [
    ("fsio", "the seam itself: each of its functions is a step of the rows, and its own tests stop it"),
    ("cli", "a program, which no other can link: its steps are the rows of the functions that it calls"),
];

/// The functions that change files and that no procedure covers, and what procedures cover that is not there:
/// a sentence each.
///
/// # Errors
///
/// When the source cannot be read.
pub fn uncovered(workspace: &Path, procedures: &[Procedure]) -> Result<Vec<String>> {
    let sites = sites(&workspace.join("crates"))?;
    let covered: BTreeSet<&str> =
        procedures.iter().flat_map(|procedure| procedure.covers.iter().copied()).collect();
    let excepted: BTreeSet<&str> = EXCEPTIONS.iter().map(|(site, _)| *site).collect();
    let is_known = |site: &str| covered.contains(site) || excepted.contains(site);
    let missing = sites.iter().filter(|site| !is_known(site)).map(|site| {
        format!("{site} changes files and is in no row of the crash matrix: name it in the `covers` of one")
    });
    let stale = covered
        .union(&excepted)
        .filter(|site| !sites.contains(**site))
        .map(|site| format!("{site} is in a row of the crash matrix, and changes no files or is not there"));
    Ok(missing.chain(stale).collect())
}

fn sites(crates: &Path) -> Result<BTreeSet<String>> {
    let mut sites = BTreeSet::new();
    for entry in WalkDir::new(crates).sort_by_file_name() {
        let entry = entry?;
        let path = entry.path().strip_prefix(crates).unwrap_or(entry.path());
        let mut parts = path.iter().map(|part| part.to_string_lossy());
        let (Some(of), Some(kind)) = (parts.next(), parts.next()) else { continue };
        let is_source = kind == "src" && path.extension().is_some_and(|extension| extension == "rs");
        if !is_source || CRATES.iter().any(|(exempt, _)| *exempt == of) {
            continue;
        }
        let file: Vec<_> = parts.collect();
        let text = fs::read_to_string(entry.path())
            .with_context(|| format!("cannot read {}", entry.path().display()))?;
        sites.extend(functions(&text).map(|function| format!("{of}/{} {function}", file.join("/"))));
    }
    Ok(sites)
}

/// The functions of a file that have such a call, up to its tests.
fn functions(text: &str) -> impl Iterator<Item = String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut function = String::new();
    let mut found = BTreeSet::new();
    for line in code.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        if let Some((before, rest)) = line.split_once("fn ")
            && before.split_whitespace().all(|word| word.starts_with("pub") || word == "const")
        {
            function = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            // The name of a function is no call of it.
            let body = rest.split_once('(').map_or("", |(_, body)| body);
            if has_call(body) {
                found.insert(function.clone());
            }
        } else if !line.starts_with("use ") && !line.starts_with("pub use ") && has_call(line) {
            found.insert(function.clone());
        }
    }
    found.into_iter()
}

fn has_call(line: &str) -> bool {
    CALLS.iter().any(|call| {
        line.match_indices(call).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            let is_whole = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '.'));
            // A method, or the end of `FolderLock`.
            is_whole || call.starts_with(['.', 'L'])
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_with_the_function_that_they_are_in() {
        let text = "use fsio::op;\n\
            pub fn one() {\n    op::rename(a, b);\n}\n\
            /// Calls op::unlink itself.\n\
            fn two(path: &Path) {\n    // op::unlink\n    one()\n}\n\
            pub(crate) fn retire(path: &Path) -> Result<()> {\n    move_beside(path)\n}\n\
            fn three() {\n    let lock = FolderLock::acquire(path)?;\n}\n\
            #[cfg(test)]\nmod tests {\n    fn four() {\n        op::rename(a, b);\n    }\n}\n";
        assert_eq!(functions(text).collect::<Vec<_>>(), ["one", "three"]);
    }
}

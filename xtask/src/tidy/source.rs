//! What may be in a Rust file.

use anyhow::Result;

use super::tree::{Finding, Tree};

const LONGEST: usize = 500;
const LONG: usize = 400;

pub(super) fn stubs(tree: &Tree) -> Result<Vec<Finding>> {
    let macros = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let ignore = format!("#[{}", "ignore");
    let mut findings = Vec::new();
    for file in tree.with_extension(&["rs"]) {
        for (index, line) in tree.text(file).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            if code.trim_start().starts_with(&ignore) {
                findings.push(Finding::on_line(
                    file,
                    index + 1,
                    "a test that never runs: mend it or remove it",
                ));
            }
            if let Some(found) = macros.iter().find(|name| calls(code, name)) {
                findings.push(Finding::on_line(
                    file,
                    index + 1,
                    format!("`{found}…)` was left behind: finish or remove it"),
                ));
            }
        }
    }
    Ok(findings)
}

/// Whether a macro of exactly this name is called: `my_dbg!(` is another.
fn calls(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(index, _)| {
        let before = code.get(..index).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '"' && c != '`')
    })
}

pub(super) fn length(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.with_extension(&["rs"]) {
        let lines = tree.text(file).lines().count();
        if lines > LONGEST {
            findings.push(Finding::in_file(
                file,
                format!("{lines} lines, more than {LONGEST}: give its second subject a file of its own"),
            ));
        } else if lines > LONG {
            let advice = format!("{lines} lines, more than {LONG}: is it still one subject?");
            findings.push(Finding::in_file(file, advice).only_a_warning());
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Example;
    use super::*;

    #[test]
    fn what_was_left_behind_is_found() {
        let ignored = format!("    #[{}]\n    fn t() {{}}\n", "ignore = \"slow\"");
        let stub = format!("fn f() {{ {}!() }}\n", "todo");
        let print = format!("let x = {}!(y);\n", "dbg");
        let fine = format!("// {}!() is a stub\nmy_{}!(x);\n", "todo", "dbg");
        let example = Example::of(&[("a.rs", &ignored), ("b.rs", &stub), ("c.rs", &print), ("d.rs", &fine)]);
        let found = example.findings(stubs);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn long_files_are_warned_of_and_longer_ones_refused() {
        let (fine, long, longest) = ("\n".repeat(400), "\n".repeat(401), "\n".repeat(501));
        let example =
            Example::of(&[("a.rs", &fine), ("b.rs", &long), ("c.rs", &longest), ("d.md", &longest)]);
        let found = example.findings(length);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("warning: b.rs") && found[1].starts_with("c.rs"), "{found:?}");
    }
}

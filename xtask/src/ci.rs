//! Everything that must pass, one step after another.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{bench, fixtures, outside, packaging, shell, supply, tidy};

/// Options of `cargo xtask ci`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only this step; may be given several times.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Name the steps.
    #[arg(long)]
    list: bool,
}

struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Result<()>,
}

/// In the order in which they run: what fails most often and costs least comes first.
const STEPS: &[Step] = &[
    Step { name: "tidy", about: "rules that no compiler knows", run: tidy::run },
    Step { name: "supply", about: "packages of others: sources, licences, build scripts", run: supply::run },
    Step { name: "fmt", about: "the form of the code", run: fmt },
    Step { name: "clippy", about: "lints, warnings are errors", run: clippy },
    Step { name: "test", about: "all tests", run: test },
    Step { name: "fixtures", about: "pretend books are the same every time", run: fixtures::check_default },
    Step { name: "bench", about: "what measures: form, lints, tests", run: bench::check },
    Step { name: "doc", about: "documentation, warnings are errors", run: doc },
    Step { name: "outside", about: "each part alone, in a crate outside the workspace", run: outside::run },
    Step { name: "package", about: "each crate from its own tarball", run: packaging::run },
];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        for step in STEPS {
            println!("{:<9} {}", step.name, step.about);
        }
        return Ok(());
    }
    let steps = select(&arguments.only)?;
    let start = Instant::now();
    for step in &steps {
        println!("\n== {}: {}", step.name, step.about);
        let start = Instant::now();
        let seconds = || start.elapsed().as_secs_f64();
        (step.run)().with_context(|| {
            let (name, seconds) = (step.name, seconds());
            format!("the step `{name}` failed after {seconds:.1} s (alone: cargo xtask ci --only {name})")
        })?;
        println!("== {}: passed in {:.1} s", step.name, seconds());
    }
    println!("\n{} of {} steps passed in {:.1} s", steps.len(), STEPS.len(), start.elapsed().as_secs_f64());
    Ok(())
}

fn select(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|step| step.name == *name)) {
        bail!("there is no step `{unknown}`; --list names them");
    }
    Ok(STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)).collect())
}

fn fmt() -> Result<()> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    shell::run(&mut shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn test() -> Result<()> {
    shell::run(&mut shell::cargo(&["test", "--workspace"]))
}

fn doc() -> Result<()> {
    shell::run(shell::cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_selected_by_name_and_keep_their_order() {
        let names = |only: &[&str]| -> Vec<&str> {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            select(&only).unwrap().iter().map(|step| step.name).collect()
        };
        assert_eq!(names(&["test", "fmt"]), ["fmt", "test"]);
        assert_eq!(names(&[]).len(), STEPS.len());
        assert!(select(&["nothing".to_owned()]).is_err());
    }
}

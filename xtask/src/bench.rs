//! `cargo xtask bench`: builds what measures and what is measured, and runs it.
//!
//! The measuring itself is in `tests/benches`, a workspace of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// The workspace of what measures, from the root.
const FOLDER: &str = "tests/benches";

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Put the table into `docs/benchmarks.md`, and the figures beside it as JSON.
    #[arg(long)]
    write: bool,
    /// What the measuring program is told, `--help` for instance.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
    options: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let release =
        |arguments: &[&str]| shell::run(&mut shell::cargo(&[&["build", "--release"], arguments].concat()));
    release(&["--package", "buildbook-cli"])?;
    let target = target();
    let (manifest, folder) = (format!("{FOLDER}/Cargo.toml"), target.to_string_lossy());
    release(&["--manifest-path", &manifest, "--target-dir", &folder])?;
    let mut bench = Command::new(target.join("release/buildbook-benches"));
    bench.arg("--data").arg(target.join("data"));
    bench.arg("--program").arg(shell::target().join("release/buildbook"));
    if arguments.write {
        let docs = shell::root().join("docs");
        bench.arg("--document").arg(docs.join("benchmarks.md"));
        bench.arg("--json").arg(docs.join("benchmarks.json"));
    }
    shell::run(bench.args(&arguments.options))
}

/// Looks whether what measures is in form and compiles. It is not in the workspace, so nothing else would tell that it
/// lags behind what it measures.
pub(crate) fn check() -> Result<()> {
    let manifest = format!("{FOLDER}/Cargo.toml");
    shell::run(&mut shell::cargo(&["fmt", "--manifest-path", &manifest, "--check"]))?;
    let target = target();
    let mut clippy = shell::cargo(&["clippy", "--locked", "--all-targets", "--manifest-path", &manifest]);
    shell::run(clippy.arg("--target-dir").arg(target).args(["--", "-D", "warnings"]))
}

/// Where what measures is built, and where its data are.
fn target() -> PathBuf {
    shell::target().join("benches")
}

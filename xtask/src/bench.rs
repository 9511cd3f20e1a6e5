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
    /// Only these rows, by number.
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<u8>,
    /// How often each side of a row is measured.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Small sizes: whether everything runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// Also write what was measured to this file, as JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    json: Option<PathBuf>,
    /// Put the table into `docs/benchmarks.md`, and the figures beside it as JSON.
    #[arg(long, conflicts_with_all = ["quick", "only"])]
    write: bool,
    /// Name the rows.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let build =
        |what: &[&str]| shell::run(&mut shell::cargo(&[&["build", "--release", "--locked"], what].concat()));
    let (target, manifest) = (target(), format!("{FOLDER}/Cargo.toml"));
    build(&["--package", "buildbook-cli"])?;
    build(&["--manifest-path", &manifest, "--target-dir", &target.to_string_lossy()])?;
    let mut bench = Command::new(target.join("release/buildbook-benches"));
    bench.arg("--data").arg(target.join("data"));
    bench.arg("--program").arg(shell::target().join("release/buildbook"));
    bench.arg(format!("--rounds={}", arguments.rounds));
    bench.args(arguments.only.iter().map(|row| format!("--only={row}")));
    bench.args(arguments.quick.then_some("--quick")).args(arguments.list.then_some("--list"));
    if arguments.write {
        let docs = shell::root().join("docs");
        bench.arg("--document").arg(docs.join("benchmarks.md"));
        bench.arg("--json").arg(docs.join("benchmarks.json"));
    } else if let Some(file) = &arguments.json {
        bench.arg("--json").arg(file);
    }
    shell::run(&mut bench)
}

/// Looks whether what measures is in form, compiles, and judges rightly. It is not in the workspace, so nothing else
/// would tell that it lags behind what it measures.
pub(crate) fn check() -> Result<()> {
    let manifest = format!("{FOLDER}/Cargo.toml");
    let here = |task: &str| {
        let mut cargo = shell::cargo(&[task, "--locked", "--manifest-path", &manifest, "--target-dir"]);
        cargo.arg(target());
        cargo
    };
    shell::run(&mut shell::cargo(&["fmt", "--manifest-path", &manifest, "--check"]))?;
    shell::run(here("clippy").args(["--all-targets", "--", "-D", "warnings"]))?;
    shell::run(here("test").args(["--quiet", "--bins"]))
}

/// Where what measures is built, and where its data are.
fn target() -> PathBuf {
    shell::target().join("benches")
}

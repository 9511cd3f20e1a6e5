//! Each fuzz target in turn.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::shell;

/// Options of `cargo xtask fuzz`. It needs a nightly compiler and `cargo install cargo-fuzz`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How long all targets together are tried.
    #[arg(long, default_value_t = 13)]
    minutes: u64,
    /// Only this target; may be given several times.
    #[arg(long, value_name = "TARGET")]
    only: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let folder = shell::root().join("tests/fuzz");
    let manifest =
        fs::read_to_string(folder.join("Cargo.toml")).context("cannot read the list of targets")?;
    let mut targets = targets(&manifest);
    if let Some(unknown) = arguments.only.iter().find(|name| !targets.contains(&name.as_str())) {
        bail!("there is no target `{unknown}`: there are {}", targets.join(", "));
    }
    targets.retain(|target| arguments.only.is_empty() || arguments.only.iter().any(|name| name == target));
    let seconds = (arguments.minutes * 60 / targets.len().max(1) as u64).max(1);
    let mut findings = Vec::new();
    for target in &targets {
        let (executions, found) = fuzz(&folder, target, seconds)?;
        println!("{target:<12} {executions:>10} executions, {found} findings");
        if found > 0 {
            findings.push(*target);
        }
    }
    ensure!(
        findings.is_empty(),
        "findings of {} are in tests/fuzz/artifacts: mend the cause, and put the input into the corpus",
        findings.join(", ")
    );
    Ok(())
}

/// The names of the binaries in the manifest.
fn targets(manifest: &str) -> Vec<&str> {
    let binaries = manifest.split("[[bin]]").skip(1);
    binaries
        .filter_map(|text| {
            text.lines().find_map(|line| line.strip_prefix("name = ")?.trim_matches('"').into())
        })
        .collect()
}

/// Runs a target for some seconds; what it finds out goes to the folder of build output and leaves the corpus as it is.
fn fuzz(folder: &Path, target: &str, seconds: u64) -> Result<(u64, usize)> {
    let found_out = shell::target().join("fuzz").join(target);
    fs::create_dir_all(&found_out).with_context(|| format!("cannot make {}", found_out.display()))?;
    let (limit, start) = (format!("-max_total_time={seconds}"), Instant::now());
    // The name finds the front of cargo, which chooses the toolchain; the variable would name that of this program.
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "run", "--fuzz-dir", "."]).current_dir(folder).stdin(Stdio::null());
    command.arg(target).arg(&found_out).arg(folder.join("corpus").join(target));
    command.args([
        "--",
        &limit,
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
    ]);
    let output =
        command.env_remove("RUSTUP_TOOLCHAIN").output().context("cannot run cargo fuzz: is it installed?")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let Some(executions) = executions(&said) else {
        bail!("{target} did not run:\n{}", last_lines(&said));
    };
    if output.status.success() {
        return Ok((executions, 0));
    }
    println!("{target} failed after {:.0} s:\n{}", start.elapsed().as_secs_f64(), last_lines(&said));
    Ok((executions, 1))
}

fn executions(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok())
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_binaries_of_the_manifest() {
        let manifest = "[package]\nname = \"x\"\n\n[[bin]]\nname = \"lines\"\npath = \"p\"\n\n[[bin]]\nname = \"names\"\n";
        assert_eq!(targets(manifest), ["lines", "names"]);
    }

    #[test]
    fn the_number_of_executions_is_read_from_what_the_fuzzer_says() {
        assert_eq!(executions("#1 x\nstat::number_of_executed_units: 4711\nstat::x: 1\n"), Some(4711));
        assert_eq!(executions("error: no such command"), None);
    }
}

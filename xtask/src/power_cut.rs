//! `cargo xtask power-cut`: cut the power of disks while processes write to them, more often than the tests do.

use anyhow::{Result, bail};

use crate::shell;

/// Options of `cargo xtask power-cut`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many cuts there are for each file system.
    #[arg(long, default_value_t = 100)]
    cuts: u64,
    /// Where chance begins: another number makes other cuts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The test that is part of the suite, with other numbers.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let tests = ["test", "--quiet", "--package", "buildbook-tests", "--test", "it", "--"];
    let these = ["survives_a_power_cut", "--nocapture", "--test-threads=1"];
    let mut cargo = shell::cargo(&[tests.as_slice(), &these].concat());
    cargo.env("BUILDBOOK_POWER_CUTS", arguments.cuts.to_string());
    cargo.env("BUILDBOOK_POWER_CUT_SEED", arguments.seed.to_string());
    let (stdout, stderr) = shell::read(&mut cargo)?;
    for line in stdout.lines().chain(stderr.lines()).filter(|line| line.contains(" cuts, ")) {
        println!("{}", line.trim_start_matches('.'));
    }
    // Nobody who asks for cuts is content with none.
    if let Some(reason) = stderr.lines().find(|line| line.starts_with("skipped: ")) {
        bail!("{reason}");
    }
    Ok(())
}

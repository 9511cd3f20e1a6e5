//! The project's chores: `cargo xtask TASK`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "talks to a person, asks the environment for cargo, and works on folders that it made itself"
)]

mod bench;
mod ci;
mod crash_matrix;
mod fixtures;
mod fuzz;
mod manifest;
mod outside;
mod packaging;
mod power_cut;
mod shell;
mod soak;
mod supply;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write pretend books: one whole, and one for everything that can happen to a book.
    Fixtures(fixtures::Arguments),
    /// Measure the book beside what somebody would use instead.
    Bench(bench::Arguments),
    /// Run everything that must pass before a change is merged.
    Ci(ci::Arguments),
    /// Kill writers at any moment, and look whether what they had acknowledged is there.
    Soak(soak::Arguments),
    /// A worker of `soak`.
    #[command(hide = true)]
    SoakWorker(soak::Worker),
    /// Stop and fail every procedure at each of its file operations, and say what is left.
    CrashMatrix(crash_matrix::Arguments),
    /// Cut the power of disks while processes write to them, and look whether what was synced is there. Needs root.
    PowerCut(power_cut::Arguments),
    /// Try the readers with bytes that a fuzzer makes up.
    Fuzz(fuzz::Arguments),
    /// Look at what others wrote and we build: sources, licences, build scripts.
    Supply,
    /// Look for what no compiler complains about.
    Tidy,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Fixtures(arguments) => fixtures::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Soak(arguments) => soak::run(&arguments),
        Task::SoakWorker(worker) => soak::work(&worker),
        Task::CrashMatrix(arguments) => crash_matrix::run(&arguments),
        Task::PowerCut(arguments) => power_cut::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Supply => supply::run(),
        Task::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Where in this program it happened is of no use to whoever must mend it.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! The `buildbook` program.

mod args;
mod commands;
mod context;
mod failure;
mod output;
mod plan;
mod run;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    // Read before any thread is started: afterwards the time zone cannot be asked for safely.
    let utc_offset = time::UtcOffset::current_local_offset().unwrap_or(time::UtcOffset::UTC);
    let arguments = args::Arguments::parse();
    match commands::dispatch(&arguments, utc_offset) {
        Ok(status) => status.into(),
        Err(failure) => {
            output::say(&format!("buildbook: {failure}"));
            failure.status().into()
        }
    }
}

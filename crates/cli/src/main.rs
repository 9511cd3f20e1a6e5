//! The `buildbook` program.

mod args;
mod commands;
mod context;
mod digest;
mod failure;
mod output;
mod plan;
mod run;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser as _;
use signal_hook::consts::SIGXFSZ;

fn main() -> ExitCode {
    // Read before any thread is started: afterwards the time zone cannot be asked for safely.
    let utc_offset = time::UtcOffset::current_local_offset().unwrap_or(time::UtcOffset::UTC);
    // A file that reaches the limit on file sizes is an error, to be told with its path, and no reason to die in the
    // middle of a write. Where the signal cannot be caught, it is as it would have been.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    let arguments = args::Arguments::parse();
    match commands::dispatch(&arguments, utc_offset) {
        Ok(status) => status.into(),
        Err(failure) => {
            output::say(&format!("buildbook: {failure}"));
            failure.status().into()
        }
    }
}

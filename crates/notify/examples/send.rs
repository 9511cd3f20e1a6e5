//! Sends one message: `send CHANNEL MESSAGE`, or `send --dry-run CHANNEL MESSAGE`.
//!
//! Settings are taken from the environment. The exit status is 0 when the message was delivered, 1
//! when it was not, and 2 for wrong usage.

#![expect(
    clippy::disallowed_methods,
    reason = "an example is a program, and a program reads its environment"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program")]

use std::error::Error as _;
use std::process::ExitCode;

use buildbook_notify::{Channel, Error, Notifier, Policy, Settings};

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let dry_run = arguments.first().is_some_and(|first| first == "--dry-run");
    if dry_run {
        arguments.remove(0);
    }
    let [channel, message] = arguments.as_slice() else {
        eprintln!("usage: send [--dry-run] slack|zulip|telegram|email|stdout MESSAGE");
        return ExitCode::from(2);
    };
    match run(channel, message, dry_run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut next = error.source();
            while let Some(source) = next {
                eprintln!("  because: {source}");
                next = source.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(channel: &str, message: &str, dry_run: bool) -> Result<(), Error> {
    let channel: Channel = channel.parse()?;
    let settings = Settings::from_lookup(channel, |name| std::env::var(name).ok())?;
    let notifier = Notifier::new(settings, Policy::default());
    if dry_run {
        for payload in notifier.payloads(message)? {
            println!("{} ({})\n{}", payload.target, payload.content_type, payload.body);
        }
    } else {
        let receipt = notifier.send(message)?;
        eprintln!("{channel}: {} part(s), {} attempt(s)", receipt.parts, receipt.attempts);
    }
    Ok(())
}

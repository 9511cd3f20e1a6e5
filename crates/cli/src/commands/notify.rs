//! `notify CHANNEL MESSAGE`: one message.

use std::io::Read as _;

use anyhow::Context as _;
use buildbook::notify::{Channel, Error, Notifier, Policy, Settings};

use crate::args;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Status};
use crate::output;

/// The longest message that is taken, in bytes. Services take far less.
const LIMIT: u64 = 64 << 20;

pub(super) fn run(context: &Context, arguments: &args::Notify) -> Outcome {
    let channel: Channel = arguments.channel.parse().map_err(|error: Error| {
        let channels = Channel::ALL.map(Channel::name).join(", ");
        Failure::usage(anyhow::anyhow!("{}; the channels are {channels}", output::explained(&error)))
    })?;
    if context.json && channel == Channel::Stdout && !arguments.dry_run {
        let why = "--json prints one document, and the channel stdout the message alone";
        return Err(Failure::usage(anyhow::anyhow!(why)));
    }
    let message = message(&arguments.message)?;
    let settings = Settings::from_lookup(channel, environment).map_err(Failure::usage)?;
    let notifier = Notifier::new(settings, Policy::default());
    if arguments.dry_run {
        let payloads = notifier.payloads(&message).map_err(Failure::usage)?;
        if context.json {
            output::json(&serde_json::json!({ "payloads": payloads }))?;
        } else {
            for payload in payloads {
                output::text(&format!("{}\n{}\n\n{}\n", payload.target, payload.content_type, payload.body))?;
            }
        }
        return Ok(Status::Done);
    }
    let receipt = notifier.send(&message).map_err(Failure::failed)?;
    if receipt.cut > 0 {
        let cut = receipt.cut;
        output::say(&format!("buildbook: the message was too long: {cut} bytes at its end were left out"));
    }
    if context.json {
        output::json(&serde_json::json!({ "receipts": [receipt] }))?;
    }
    Ok(Status::Done)
}

/// Settings come from the environment, which no other program on the machine can read, as it could a command line.
#[expect(
    clippy::disallowed_methods,
    reason = "the program reads the environment, so that the library need not"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn message(argument: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LIMIT).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

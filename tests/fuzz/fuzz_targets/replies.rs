//! See `buildbook_tests::properties::check_replies`.
#![no_main]

use std::time::Duration;

use buildbook_notify::{Channel, Notifier, Policy, Settings};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, reply)) = bytes.split_first() else { return };
    buildbook_tests::properties::check_replies(reply, |address, secret| deliver(*first, address, secret));
});

fn deliver(first: u8, address: &str, secret: &str) -> String {
    let channel = [Channel::Slack, Channel::Zulip, Channel::Telegram][usize::from(first) % 3];
    let settings = Settings::from_lookup(channel, |name| {
        Some(match name {
            "SLACK_WEBHOOK_URL" => format!("{address}/{secret}"),
            "ZULIP_SERVER" | "TELEGRAM_API_URL" => address.to_owned(),
            "ZULIP_BOT_EMAIL" => "bot@example.org".to_owned(),
            "ZULIP_BOT_API_KEY" | "TELEGRAM_BOT_TOKEN" => secret.to_owned(),
            "ZULIP_STREAM" => "builds".to_owned(),
            "TELEGRAM_CHAT_ID" => "1".to_owned(),
            _ => return None,
        })
    });
    let limit = Duration::from_secs(2);
    let policy = Policy {
        connect_timeout: limit,
        attempt_timeout: limit,
        max_attempts: 1,
        budget: limit,
        ..Policy::default()
    };
    match Notifier::new(settings.expect("all settings are there"), policy).send("a message") {
        Ok(receipt) => format!("{receipt:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

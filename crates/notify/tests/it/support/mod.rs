//! What the tests share: settings by name, a hasty policy, and servers.

#![cfg_attr(
    not(all(feature = "http", feature = "email")),
    allow(dead_code, reason = "each feature needs a part of what both need")
)]

#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "email")]
pub mod mailbox;
pub mod raw;
#[cfg(all(feature = "http", feature = "email"))]
pub mod tls;

use std::error::Error as _;
use std::time::Duration;

use buildbook_notify::{Channel, Error, Notifier, Policy, Settings};

pub const TOKEN: &str = "123456:AAE-token_of_the-bot";
pub const API_KEY: &str = "zulip-api-key-9f8e7d";
pub const HOOK: &str = "services/T0000/B0000/slack-hook-key-5c4b3a";
pub const PASSWORD: &str = "smtp password 7a6b5c";

/// Texts that broke the original, or that would break a careless successor.
pub const NASTY: &[&str] = &[
    "plain",
    "it's \"quoted\" `and` $(substituted) ${HOME} \\ back\\\\slash \\n \\t \\0",
    "'; touch MARKER; : '",
    "a&to=other + 100% =?utf-8?q?x?= #frag;x",
    "two\nlines\r\nthree\rlines\n\n",
    ".\n..\n.leading dots\nFrom the beginning\n",
    "\u{1}\u{2}\u{7f}\u{1b}[31mred\u{1b}[0m\ttab\u{0}nul",
    "gr\u{fc}\u{df}e \u{1f600}\u{1f468}\u{200d}\u{1f469} \u{202e}rtl\u{2028}",
    "-n",
    "  kept spaces  ",
    "=3D=\n=20",
];

/// Short waits, so that a test that has to wait is still quick.
pub fn hasty() -> Policy {
    Policy {
        connect_timeout: Duration::from_millis(800),
        attempt_timeout: Duration::from_millis(800),
        max_attempts: 2,
        first_backoff: Duration::from_millis(5),
        max_wait: Duration::from_secs(3),
        budget: Duration::from_secs(8),
    }
}

/// A policy for deliveries that succeed: generous, since the machine may be busy.
pub fn patient() -> Policy {
    Policy {
        connect_timeout: Duration::from_secs(20),
        attempt_timeout: Duration::from_secs(60),
        budget: Duration::from_secs(120),
        ..hasty()
    }
}

pub fn settings(channel: Channel, values: &[(&str, &str)]) -> Result<Settings, Error> {
    let find = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::from_lookup(channel, find)
}

pub fn notifier(channel: Channel, policy: Policy, values: &[(&str, &str)]) -> Notifier {
    Notifier::new(settings(channel, values).unwrap(), policy)
}

/// Slack, Zulip and Telegram, all speaking to one server.
#[cfg(feature = "http")]
pub fn chats(origin: &str, policy: Policy) -> Vec<Notifier> {
    vec![slack(origin, policy), zulip(origin, policy), telegram(origin, policy)]
}

#[cfg(feature = "http")]
pub fn slack(origin: &str, policy: Policy) -> Notifier {
    notifier(Channel::Slack, policy, &[("SLACK_WEBHOOK_URL", &format!("{origin}/{HOOK}"))])
}

#[cfg(feature = "http")]
pub fn zulip(origin: &str, policy: Policy) -> Notifier {
    let values = [
        ("ZULIP_SERVER", origin),
        ("ZULIP_BOT_EMAIL", "bot@example.org"),
        ("ZULIP_BOT_API_KEY", API_KEY),
        ("ZULIP_STREAM", "build farm & friends+1"),
    ];
    notifier(Channel::Zulip, policy, &values)
}

#[cfg(feature = "http")]
pub fn telegram(origin: &str, policy: Policy) -> Notifier {
    let values =
        [("TELEGRAM_API_URL", origin), ("TELEGRAM_BOT_TOKEN", TOKEN), ("TELEGRAM_CHAT_ID", "-100123")];
    notifier(Channel::Telegram, policy, &values)
}

#[cfg(feature = "email")]
pub fn mail(server: &str, policy: Policy, more: &[(&str, &str)]) -> Notifier {
    let mut values = vec![
        ("EMAIL_TO", "ops@example.org"),
        ("EMAIL_FROM", "Farm <farm@example.org>"),
        ("SMTP_SERVER", server),
    ];
    // What a test gives takes the place of what is usual.
    values.splice(0..0, more.iter().copied());
    notifier(Channel::Email, policy, &values)
}

/// Everything that an error shows: its text, its debugging text, and both of each source.
pub fn shown(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!("{source}\n{source:?}\n"));
        next = source.source();
    }
    text
}

/// Fails when an error shows anything that it must not.
pub fn assert_hidden(error: &Error) {
    let text = shown(error);
    for secret in
        [TOKEN, API_KEY, HOOK, PASSWORD, "AAE-token", "slack-hook-key", "Ym90QGV4YW1wbGUub3JnO", "T0000"]
    {
        assert!(!text.contains(secret), "{secret} is shown in {text}");
    }
}

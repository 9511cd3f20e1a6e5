//! The ways to tell somebody, and the settings each of them reads.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A way to tell somebody.
///
/// Written and read as `slack`, `zulip`, `telegram`, `email` and `stdout`; reading ignores case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Channel {
    /// A Slack incoming webhook, or a service that speaks the same (Mattermost, Rocket.Chat).
    Slack,
    /// A topic in a Zulip stream.
    Zulip,
    /// A Telegram chat, by a bot.
    Telegram,
    /// E-mail, handed to a mail server by SMTP.
    Email,
    /// The standard output of this process.
    Stdout,
}

impl Channel {
    /// Every channel, in the order in which they are documented.
    pub const ALL: [Channel; 5] =
        [Channel::Slack, Channel::Zulip, Channel::Telegram, Channel::Email, Channel::Stdout];

    /// The channel's name, as [`FromStr`] reads it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Slack => "slack",
            Channel::Zulip => "zulip",
            Channel::Telegram => "telegram",
            Channel::Email => "email",
            Channel::Stdout => "stdout",
        }
    }

    /// Whether this build of the crate can deliver to the channel (see the cargo features).
    pub fn is_built(self) -> bool {
        match self {
            Channel::Slack | Channel::Zulip | Channel::Telegram => cfg!(feature = "http"),
            Channel::Email => cfg!(feature = "email"),
            Channel::Stdout => true,
        }
    }

    /// The settings that the channel reads, in the order in which they are documented.
    ///
    /// This is data, so that a program can print it as help instead of repeating it. Each setting
    /// can also be given as `NAME_FILE`, the path of a file that holds the value.
    pub fn settings(self) -> &'static [Setting] {
        match self {
            Channel::Slack => SLACK,
            Channel::Zulip => ZULIP,
            Channel::Telegram => TELEGRAM,
            Channel::Email => EMAIL,
            Channel::Stdout => &[],
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Channel {
    type Err = Error;

    /// Reads a name in any case; anything else is [`Error::UnknownChannel`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| Error::UnknownChannel { name: text.to_owned() })
    }
}

/// What is to be known about one setting of a [`Channel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// The name to look up, in the original's spelling where the original had it.
    pub name: &'static str,
    /// What happens when the setting is absent.
    pub need: Need,
    /// Whether the value is kept out of every error and every debugging output.
    pub secret: bool,
    /// One line for the operator.
    pub meaning: &'static str,
}

/// What happens when a setting is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Need {
    /// Nothing can be sent: [`Error::MissingSetting`].
    Required,
    /// The feature that it belongs to is off, or a default described in `meaning` applies.
    Optional,
}

const fn required(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, need: Need::Required, secret: false, meaning }
}

const fn optional(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, need: Need::Optional, secret: false, meaning }
}

const fn secret(setting: Setting) -> Setting {
    Setting { secret: true, ..setting }
}

/// The name of the topic and the subject when the operator chose none.
#[cfg(any(feature = "http", feature = "email"))]
pub(crate) const DEFAULT_TITLE: &str = "buildbook";

const CA: Setting = optional(
    "NOTIFY_CA",
    "certificates (PEM) of the authorities to trust instead of the built-in ones; usually given as NOTIFY_CA_FILE",
);

const SLACK: &[Setting] = &[secret(required("SLACK_WEBHOOK_URL", "the address of the incoming webhook")), CA];

const ZULIP: &[Setting] = &[
    required("ZULIP_BOT_EMAIL", "the bot's e-mail address"),
    secret(required("ZULIP_BOT_API_KEY", "the bot's API key")),
    required("ZULIP_SERVER", "the address of the server, such as https://example.zulipchat.com"),
    required("ZULIP_STREAM", "the stream (channel) to write to"),
    optional("ZULIP_TOPIC", "the topic to write under, at most 60 characters; buildbook when absent"),
    CA,
];

const TELEGRAM: &[Setting] = &[
    secret(required("TELEGRAM_BOT_TOKEN", "the bot's token")),
    required("TELEGRAM_CHAT_ID", "the number or @name of the chat"),
    optional("TELEGRAM_API_URL", "the address of the bot server; https://api.telegram.org when absent"),
    CA,
];

const EMAIL: &[Setting] = &[
    required("EMAIL_TO", "the recipients' addresses, separated by commas"),
    required("EMAIL_FROM", "the sender's address"),
    optional("EMAIL_SUBJECT", "the subject; buildbook when absent"),
    optional(
        "SMTP_SERVER",
        "the mail server, HOST or HOST:PORT; localhost when absent, and port 25 on this machine, 587 elsewhere, 465 with wrapper",
    ),
    optional(
        "SMTP_TLS",
        "required (STARTTLS or nothing), wrapper (TLS from the first byte), opportunistic, or none; \
         when absent, required, and on this machine none without a log-in and opportunistic with one",
    ),
    optional("SMTP_USERNAME", "the name to log in with; no log-in when absent"),
    secret(optional("SMTP_PASSWORD", "the password that belongs to SMTP_USERNAME")),
    CA,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_in_any_case() {
        for channel in Channel::ALL {
            for text in [channel.to_string(), channel.to_string().to_uppercase()] {
                assert_eq!(text.parse::<Channel>().expect("own name"), channel);
            }
            let json = serde_json::to_string(&channel).expect("a name");
            assert_eq!(json, format!("\"{channel}\""));
            assert_eq!(serde_json::from_str::<Channel>(&json).expect("own name"), channel);
        }
        for text in ["", "slack ", "mail", "Sl\u{e1}ck"] {
            assert!(matches!(text.parse::<Channel>(), Err(Error::UnknownChannel { name }) if name == text));
        }
    }
}

//! Slack, Zulip and Telegram: three ways to post one text.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::tls::RootCerts;

use crate::channel::DEFAULT_TITLE;
use crate::error::Cause;
use crate::http::{self, Address, Post, Reply};
use crate::lookup::Lookup;
use crate::retry::{Failure, Retries, Try};
use crate::secret::{HIDDEN, Redactor, Secret};
use crate::split::{Limit, Part, Unit, split};
use crate::{Channel, Error, Payload, Receipt};

/// Since August 2018 Slack cuts off what is beyond 40,000 characters, for webhooks too (its change
/// log of April 2018); a message of more than about 4,000 it shows as several.
const SLACK_LIMIT: Limit = Limit { size: 40_000, unit: Unit::Utf16 };

/// Zulip's API documents 10,000 bytes in one place and characters in another; bytes are safe.
const ZULIP_LIMIT: Limit = Limit { size: 10_000, unit: Unit::Bytes };

/// Zulip shortens a longer topic, so two topics could become one.
const ZULIP_TOPIC: usize = 60;

/// Telegram's bot API takes 1 to 4096 characters, and counts positions in UTF-16 code units.
const TELEGRAM_LIMIT: Limit = Limit { size: 4_096, unit: Unit::Utf16 };

const TELEGRAM_API: &str = "https://api.telegram.org";

/// What stays as it is in a form; every other byte is written as `%XX`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A chat service, where it is and what it needs.
#[derive(Clone)]
pub(crate) struct Chat {
    service: Service,
    address: Address,
    /// The address as it may be shown.
    shown: String,
    roots: Option<RootCerts>,
    redactor: Redactor,
}

#[derive(Clone)]
enum Service {
    Slack,
    Zulip { authorization: Secret, stream: String, topic: String },
    Telegram { chat_id: String },
}

impl Chat {
    pub(crate) fn slack(ask: &Lookup<'_>) -> Result<Self, Error> {
        const URL: &str = "SLACK_WEBHOOK_URL";
        let url = ask.required(URL)?;
        let address = http::address(ask, URL, &url)?;
        // Who knows the path can post. A server may repeat a piece of it, the last one being the key.
        let path =
            url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
        let pieces = path.split(['/', '?', '&', '=', '#']).filter(|piece| piece.len() >= 8);
        let secrets = [url.as_str(), path].into_iter().chain(pieces).map(str::to_owned).collect::<Vec<_>>();
        Ok(Self {
            shown: format!("{}/{HIDDEN}", origin(&url, &address)),
            service: Service::Slack,
            address,
            roots: http::roots(ask)?,
            redactor: Redactor::new(secrets),
        })
    }

    pub(crate) fn zulip(ask: &Lookup<'_>) -> Result<Self, Error> {
        let email = ask.required("ZULIP_BOT_EMAIL")?;
        if email.contains(':') {
            return Err(ask.malformed("ZULIP_BOT_EMAIL", "holds a colon, which ends a name when logging in"));
        }
        let key = ask.required("ZULIP_BOT_API_KEY")?;
        let url = base(ask, "ZULIP_SERVER", ask.required("ZULIP_SERVER")?)? + "/api/v1/messages";
        let stream = ask.required("ZULIP_STREAM")?;
        let topic = ask.optional("ZULIP_TOPIC")?.unwrap_or_else(|| DEFAULT_TITLE.to_owned());
        if topic.chars().count() > ZULIP_TOPIC {
            return Err(ask.malformed("ZULIP_TOPIC", "is longer than 60 characters"));
        }
        let credentials = BASE64_STANDARD.encode(format!("{email}:{key}"));
        Ok(Self {
            address: http::address(ask, "ZULIP_SERVER", &url)?,
            shown: url,
            service: Service::Zulip {
                authorization: Secret::new(format!("Basic {credentials}")),
                stream,
                topic,
            },
            roots: http::roots(ask)?,
            redactor: Redactor::new([key, credentials]),
        })
    }

    pub(crate) fn telegram(ask: &Lookup<'_>) -> Result<Self, Error> {
        const TOKEN: &str = "TELEGRAM_BOT_TOKEN";
        let token = ask.required(TOKEN)?;
        // The token becomes a piece of the path, and must not become more of the address than that.
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'_')) {
            return Err(ask.malformed(TOKEN, "holds a character that no token has"));
        }
        let chat_id = ask.required("TELEGRAM_CHAT_ID")?;
        let api = ask.optional("TELEGRAM_API_URL")?.unwrap_or_else(|| TELEGRAM_API.to_owned());
        let api = base(ask, "TELEGRAM_API_URL", api)?;
        Ok(Self {
            address: http::address(ask, "TELEGRAM_API_URL", &format!("{api}/bot{token}/sendMessage"))?,
            shown: format!("{api}/bot{HIDDEN}/sendMessage"),
            service: Service::Telegram { chat_id },
            roots: http::roots(ask)?,
            redactor: {
                // The key is what follows the colon, however the colon itself is written.
                let key = token.split_once(':').map_or("", |(_, key)| key).to_owned();
                Redactor::new([token.replace(':', "%3A"), token, key])
            },
        })
    }

    pub(crate) fn channel(&self) -> Channel {
        match self.service {
            Service::Slack => Channel::Slack,
            Service::Zulip { .. } => Channel::Zulip,
            Service::Telegram { .. } => Channel::Telegram,
        }
    }

    fn parts<'a>(&self, message: &'a str) -> Vec<Part<'a>> {
        split(
            message,
            match self.service {
                Service::Slack => SLACK_LIMIT,
                Service::Zulip { .. } => ZULIP_LIMIT,
                Service::Telegram { .. } => TELEGRAM_LIMIT,
            },
        )
    }

    /// The bytes to post for one text.
    fn body(&self, text: &str) -> String {
        match &self.service {
            Service::Slack => json!({ "text": text }).to_string(),
            Service::Telegram { chat_id } => json!({ "chat_id": chat_id, "text": text }).to_string(),
            Service::Zulip { stream, topic, .. } => {
                form(&[("type", "stream"), ("to", stream), ("topic", topic), ("content", text)])
            }
        }
    }

    fn content_type(&self) -> &'static str {
        match self.service {
            Service::Slack | Service::Telegram { .. } => "application/json; charset=utf-8",
            Service::Zulip { .. } => "application/x-www-form-urlencoded",
        }
    }

    /// What would be posted for `message`, in order.
    pub(crate) fn payloads(&self, message: &str) -> Vec<Payload> {
        let payload = |part: Part<'_>| {
            let text = part.render();
            Payload {
                channel: self.channel(),
                target: format!("POST {}", self.shown),
                content_type: self.content_type(),
                body: self.body(&text),
                text,
            }
        };
        self.parts(message).into_iter().map(payload).collect()
    }

    /// Posts every part of `message`, each only after the one before was taken.
    pub(crate) fn deliver(&self, message: &str, mut retries: Retries<'_>) -> Result<Receipt, Error> {
        let (channel, parts) = (self.channel(), self.parts(message));
        for (delivered, part) in parts.iter().enumerate() {
            let body = self.body(&part.render());
            retries.run(|attempt| self.attempt(&body, attempt)).map_err(|error| match delivered {
                0 => error,
                _ => Error::Partly { channel, delivered, parts: parts.len(), source: Box::new(error) },
            })?;
        }
        Ok(Receipt {
            channel,
            parts: parts.len(),
            attempts: retries.attempts,
            cut: parts.last().map_or(0, |part| part.cut),
        })
    }

    fn attempt(&self, body: &str, attempt: Try) -> Result<(), Failure> {
        let authorization = match &self.service {
            Service::Zulip { authorization, .. } => Some(authorization),
            Service::Slack | Service::Telegram { .. } => None,
        };
        let post = Post {
            url: &self.address.url,
            authorization,
            content_type: self.content_type(),
            body,
            roots: self.roots.as_ref(),
        };
        match http::post(&post, attempt.connect, attempt.limit) {
            Ok(reply) => self.judge(&reply, attempt.number),
            Err(error) => Err(self.failure(&error, attempt.number)),
        }
    }

    /// Whether a reply means that the message was taken.
    ///
    /// As in the original every 2xx does, unless the service says the contrary in its own words.
    fn judge(&self, reply: &Reply, attempts: u32) -> Result<(), Failure> {
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or(Value::Null);
        let (channel, server, status) = (self.channel(), self.address.server.clone(), reply.status);
        match status {
            200..=299 if !self.contradicts(&answer) => Ok(()),
            429 => {
                let retry_after = reply.retry_after.max(asked_wait(&answer));
                let error = Error::RateLimited { channel, server, retry_after, attempts };
                Err(Failure::Temporary { error, wait: retry_after })
            }
            // 408 says that the request did not arrive in time, so that it was not acted upon.
            408 | 500..=599 => {
                let wait = reply.retry_after;
                let reply = self.words(reply, &answer);
                let error = Error::ServerTrouble { channel, server, status, reply, attempts };
                Err(Failure::Temporary { error, wait })
            }
            300..=399 => {
                let reply = "a redirect, which is not followed".to_owned();
                Err(Failure::Final(Error::Refused { channel, server, status, reply }))
            }
            _ => {
                let reply = self.words(reply, &answer);
                Err(Failure::Final(Error::Refused { channel, server, status, reply }))
            }
        }
    }

    fn contradicts(&self, answer: &Value) -> bool {
        match self.service {
            Service::Slack => false,
            Service::Zulip { .. } => answer.get("result").is_some_and(|result| result == "error"),
            Service::Telegram { .. } => answer.get("ok").is_some_and(|ok| ok == &Value::Bool(false)),
        }
    }

    /// The server's reason: where the service puts it, otherwise the beginning of the body.
    fn words(&self, reply: &Reply, answer: &Value) -> String {
        let reason = ["description", "msg"].iter().find_map(|key| answer.get(key).and_then(Value::as_str));
        self.redactor.clean(reason.unwrap_or(&reply.body))
    }

    fn failure(&self, error: &ureq::Error, attempts: u32) -> Failure {
        use std::io::ErrorKind;

        let (channel, server) = (self.channel(), self.address.server.clone());
        let source = Cause(self.redactor.clean(&error.to_string()));
        let temporary = |error| Failure::Temporary { error, wait: None };
        match error {
            ureq::Error::Timeout(_) => temporary(Error::TimedOut { channel, server, attempts }),
            ureq::Error::Io(io) if matches!(io.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                temporary(Error::TimedOut { channel, server, attempts })
            }
            // The TLS layer reports what it does not accept as invalid data.
            ureq::Error::Io(io) if io.kind() == ErrorKind::InvalidData => {
                Failure::Final(Error::Tls { channel, server, source })
            }
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::TlsRequired => {
                Failure::Final(Error::Tls { channel, server, source })
            }
            ureq::Error::Io(_) | ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                temporary(Error::Unreachable { channel, server, attempts, source })
            }
            _ => Failure::Final(Error::BadReply { channel, server, source }),
        }
    }
}

/// The address of a server to which a path is added: without a query, and without a slash at its end.
fn base(ask: &Lookup<'_>, name: &'static str, text: String) -> Result<String, Error> {
    http::address(ask, name, &text)?;
    if text.contains(['?', '#']) {
        return Err(ask.malformed(name, "has a query, and a path is to be added to it"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Scheme and server of an address.
fn origin(url: &str, address: &Address) -> String {
    let scheme = url.split_once("://").map_or("https", |(scheme, _)| scheme);
    format!("{scheme}://{}", address.server)
}

/// The body of a form; every byte of a value that could mean something is encoded.
fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// The wait that Telegram and Zulip name in the body of a 429.
fn asked_wait(answer: &Value) -> Option<Duration> {
    let telegram = answer.get("parameters").and_then(|parameters| parameters.get("retry_after"));
    let seconds = telegram.or_else(|| answer.get("retry-after")).and_then(Value::as_f64);
    seconds.and_then(http::seconds_to_wait)
}

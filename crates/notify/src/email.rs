//! E-mail: reading its settings and writing the message.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lettre::Message;
use lettre::message::header::{
    ContentTransferEncoding, ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0,
};
use lettre::message::{Body, Mailbox, Mailboxes};
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};

use crate::channel::DEFAULT_TITLE;
use crate::lookup::{Lookup, is_this_machine};
use crate::retry::Retries;
use crate::secret::{Redactor, Secret};
use crate::smtp::{self, Job};
use crate::{Channel, Error, Payload, Receipt};

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// STARTTLS, or nothing is sent.
    Required,
    /// TLS from the first byte.
    Wrapper,
    /// STARTTLS where the server offers it.
    Opportunistic,
    /// No TLS.
    None,
}

impl Security {
    const ALL: [Security; 4] =
        [Security::Required, Security::Wrapper, Security::Opportunistic, Security::None];

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|security| security.name().eq_ignore_ascii_case(text))
    }

    fn name(self) -> &'static str {
        match self {
            Security::Required => "required",
            Security::Wrapper => "wrapper",
            Security::Opportunistic => "opportunistic",
            Security::None => "none",
        }
    }

    /// Whether nothing can be read or changed on the way.
    fn protects(self) -> bool {
        matches!(self, Security::Required | Security::Wrapper)
    }
}

/// A mail server, where it is and what it needs.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) tls: TlsParameters,
    pub(crate) login: Option<(String, Secret)>,
    pub(crate) redactor: Redactor,
}

impl Server {
    /// Host and port, for errors.
    pub(crate) fn name(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Who writes to whom, over which server.
#[derive(Clone)]
pub(crate) struct Mail {
    from: Mailbox,
    to: Vec<Mailbox>,
    subject: String,
    server: Server,
}

impl Mail {
    pub(crate) fn read(ask: &Lookup<'_>) -> Result<Self, Error> {
        const ADDRESS: &str = "is not a list of e-mail addresses";
        let to: Mailboxes =
            ask.required("EMAIL_TO")?.parse().map_err(|_| ask.malformed("EMAIL_TO", ADDRESS))?;
        let from: Mailbox = ask
            .required("EMAIL_FROM")?
            .parse()
            .map_err(|_| ask.malformed("EMAIL_FROM", "is not an e-mail address"))?;
        let to: Vec<Mailbox> = to.into_iter().collect();
        if to.is_empty() {
            return Err(ask.malformed("EMAIL_TO", ADDRESS));
        }
        Ok(Self {
            from,
            to,
            subject: ask.optional("EMAIL_SUBJECT")?.unwrap_or_else(|| DEFAULT_TITLE.to_owned()),
            server: server(ask)?,
        })
    }

    /// The message with its headers.
    ///
    /// The text always travels in base64. No other encoding keeps every byte: the others turn line
    /// ends into those of the mail system, add one at the end, and leave lines that begin with
    /// `From ` to be changed on delivery.
    fn compose(&self, text: &str) -> Result<Message, Error> {
        let malformed = |name, reason| Error::MalformedSetting { channel: Channel::Email, name, reason };
        let body = Body::new_with_encoding(text.as_bytes().to_vec(), ContentTransferEncoding::Base64)
            .map_err(|_| malformed("EMAIL_TO", "cannot be written to in base64"))?;
        let mut builder = Message::builder().from(self.from.clone()).subject(self.subject.as_str());
        for recipient in &self.to {
            builder = builder.to(recipient.clone());
        }
        builder
            // The same id on every attempt, so that a repeated message can be recognised.
            .message_id(None)
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN)
            // Asks programs on the other side not to answer (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .body(body)
            .map_err(|_| malformed("EMAIL_FROM", "and EMAIL_TO do not make an e-mail"))
    }

    pub(crate) fn payload(&self, text: &str) -> Result<Payload, Error> {
        let message = self.compose(text)?;
        Ok(Payload {
            channel: Channel::Email,
            target: format!("SMTP {} ({})", self.server.name(), self.server.security.name()),
            content_type: "message/rfc822",
            text: text.to_owned(),
            body: String::from_utf8_lossy(&message.formatted()).into_owned(),
        })
    }

    /// Hands the message to the server. One refused recipient refuses it for all: nobody is left
    /// out without an error.
    pub(crate) fn deliver(&self, text: &str, mut retries: Retries<'_>) -> Result<Receipt, Error> {
        let message = self.compose(text)?;
        let job = Arc::new(Job {
            server: self.server.clone(),
            envelope: message.envelope().clone(),
            bytes: message.formatted(),
        });
        retries.run(|attempt| smtp::attempt(&job, attempt))?;
        Ok(Receipt { channel: Channel::Email, parts: 1, attempts: retries.attempts, cut: 0 })
    }
}

/// Reads the settings of the mail server and applies the safe defaults.
fn server(ask: &Lookup<'_>) -> Result<Server, Error> {
    const SERVER: &str = "SMTP_SERVER";
    const TLS: &str = "SMTP_TLS";
    let text = ask.optional(SERVER)?.unwrap_or_else(|| "localhost".to_owned());
    let (host, port) =
        host_and_port(&text).ok_or_else(|| ask.malformed(SERVER, "is neither HOST nor HOST:PORT"))?;
    let here = is_this_machine(&host);
    let login = match (ask.optional("SMTP_USERNAME")?, ask.optional("SMTP_PASSWORD")?) {
        (None, None) => None,
        (Some(username), Some(password)) => Some((username, Secret::new(password))),
        (None, Some(_)) => return Err(ask.malformed("SMTP_PASSWORD", "is set without SMTP_USERNAME")),
        (Some(_), None) => return Err(ask.malformed("SMTP_USERNAME", "is set without SMTP_PASSWORD")),
    };
    let security = match ask.optional(TLS)? {
        Some(text) => Security::read(&text)
            .ok_or_else(|| ask.malformed(TLS, "is none of required, wrapper, opportunistic and none"))?,
        // Nobody can listen in between, and the certificate that a distribution makes for its mail
        // server is one that nobody trusts. Servers that ask for a password do want TLS first.
        None if here && login.is_none() => Security::None,
        None if here => Security::Opportunistic,
        None => Security::Required,
    };
    if login.is_some() && !here && !security.protects() {
        return Err(ask.insecure(TLS));
    }
    let port = port.unwrap_or(match security {
        Security::Wrapper => 465,
        _ if here => 25,
        _ => 587,
    });
    let redactor = redactor(login.as_ref());
    Ok(Server { tls: tls(ask, &host)?, host, port, security, login, redactor })
}

/// Splits `HOST`, `HOST:PORT`, `[ADDRESS]` or `[ADDRESS]:PORT`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, rest) = bracketed.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, rest)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(digits) => Some(digits.parse().ok().filter(|port| *port != 0)?),
        None if rest.is_empty() => None,
        None => return None,
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    (!host.is_empty() && host.chars().all(plain)).then(|| (host.to_owned(), port))
}

/// A server may repeat what it was sent to log in, as text or in base64.
fn redactor(login: Option<&(String, Secret)>) -> Redactor {
    let Some((username, password)) = login else { return Redactor::default() };
    let password = password.reveal();
    Redactor::new([
        password.to_owned(),
        BASE64_STANDARD.encode(password),
        BASE64_STANDARD.encode(format!("\0{username}\0{password}")),
    ])
}

/// What to demand of the server's certificate.
fn tls(ask: &Lookup<'_>, host: &str) -> Result<TlsParameters, Error> {
    const CA: &str = "NOTIFY_CA";
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(pem) = ask.text(CA)? {
        if !pem.contains("-----BEGIN CERTIFICATE-----") {
            return Err(ask.malformed(CA, "holds no certificate"));
        }
        let authority = Certificate::from_pem(pem.as_bytes()).map_err(|_| ask.malformed(CA, "is not PEM"))?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    tls.build().map_err(|_| ask.malformed(CA, "holds a certificate that cannot be used"))
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn a_server_is_a_host_with_or_without_a_port() {
        let some = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(host_and_port("mail.example.org"), some("mail.example.org", None));
        assert_eq!(host_and_port("localhost:2525"), some("localhost", Some(2525)));
        assert_eq!(host_and_port("[::1]:25"), some("::1", Some(25)));
        assert_eq!(host_and_port("[::1]"), some("::1", None));
        for text in
            ["", ":25", "a:", "a:0", "a:65536", "a:b", "::1", "[::1", "[x]", "[::1]25", "a b", "u@h", "a/b"]
        {
            assert_eq!(host_and_port(text), None, "{text:?}");
        }
    }
}

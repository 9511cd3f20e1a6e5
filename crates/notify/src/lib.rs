//! Tell somebody: Slack, Zulip, Telegram, e-mail, standard output.
//!
//! A message is one text. It is posted or mailed from this process, without a shell and without
//! starting a program, over TLS, and it arrives byte for byte. [`Notifier::send`] returns once a server
//! has taken it, or an [`Error`] that says what to do about it: correct a setting, try later, or
//! give up. Every wait is bounded by a [`Policy`]. Secrets come from the settings or from files
//! that the settings name, and appear in no error and no debugging output.
//!
//! # Example
//!
//! ```
//! use buildbook_notify::{Channel, Error, Notifier, Policy, Settings};
//!
//! // A program would look names up in its environment.
//! let lookup = |name: &str| match name {
//!     "ZULIP_SERVER" => Some("https://example.zulipchat.com".to_owned()),
//!     "ZULIP_BOT_EMAIL" => Some("farm-bot@example.zulipchat.com".to_owned()),
//!     "ZULIP_BOT_API_KEY" => Some("the key".to_owned()),
//!     "ZULIP_STREAM" => Some("build farm".to_owned()),
//!     _ => None,
//! };
//! # if !Channel::Zulip.is_built() { return Ok(()) }
//! let settings = Settings::from_lookup("zulip".parse()?, lookup)?;
//! assert_eq!(settings.channel(), Channel::Zulip);
//!
//! // What would be sent, with the secrets left out; `send` sends it.
//! let notifier = Notifier::new(settings, Policy::default());
//! let payloads = notifier.payloads("12 packages are broken")?;
//! assert_eq!(payloads.len(), 1);
//! assert_eq!(payloads[0].target, "POST https://example.zulipchat.com/api/v1/messages");
//! assert_eq!(
//!     payloads[0].body,
//!     "type=stream&to=build%20farm&topic=buildbook&content=12%20packages%20are%20broken",
//! );
//!
//! // A setting that is not there is an error with its name.
//! let missing = Settings::from_lookup(Channel::Slack, |_| None);
//! assert!(matches!(missing, Err(Error::MissingSetting { name: "SLACK_WEBHOOK_URL", .. })));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Channels and settings
//!
//! [`Channel::settings`] lists the settings as data. Their names are those of the original library;
//! each can also be given as `NAME_FILE`, the path of a file that holds the value. `NOTIFY_CA` (or
//! rather `NOTIFY_CA_FILE`) replaces the certificate authorities that are built in, for servers with
//! certificates of one's own.
//!
//! | channel | what is sent | longest part |
//! |---|---|---|
//! | Slack | JSON `{"text"}` posted to the webhook | 40,000 UTF-16 units |
//! | Zulip | form `type=stream`, `to`, `topic`, `content`, basic authentication | 10,000 bytes |
//! | Telegram | JSON `{"chat_id","text"}` posted to `…/bot<token>/sendMessage` | 4,096 UTF-16 units |
//! | e-mail | one `text/plain` message in UTF-8 to all recipients | none |
//! | stdout | the message and a line feed | none |
//!
//! A longer message becomes up to five numbered parts, split at line ends where possible; the rest
//! is cut with a mark, and counted in the [`Receipt`].
//!
//! # What it does not do
//!
//! - It does not read the environment, and it takes no proxy from there.
//! - It does not write a message down: what could not be sent when the time is over is for the
//!   caller to keep. Delivery is *at least once*, see [`Notifier::send`].
//! - It does not know the markup of the services. A text with `<!channel>` or `@**all**` in it does
//!   there what it says; composing the text, and quoting what comes from logs, is the caller's part.
//!   A service may still drop or refuse characters that it does not like, such as NUL.
//! - It does not stop a mail session that takes too long: the caller goes on, and a thread and a
//!   socket stay with the server for each attempt as long as that sends a byte now and then.
//! - It does not tell answers that a listener in between puts before the handshake of `STARTTLS`
//!   from those under TLS, because the SMTP client keeps what it has read. To other machines
//!   `SMTP_TLS=wrapper` (port 465) is the safe choice.
//! - It logs nothing. The HTTP client underneath tells the `log` crate, at level debug, the address
//!   it contacts, which for Slack and Telegram is a secret: a program that installs a logger should
//!   leave out the target `ureq`.
//!
//! # Cargo features
//!
//! `http` (Slack, Zulip, Telegram) and `email`, both on by default. Without them there is neither
//! HTTP nor TLS in the tree, the channels keep their names, and using them is [`Error::NotBuilt`].

mod channel;
mod error;
mod notifier;
mod policy;
mod settings;
mod stdout;

#[cfg(feature = "http")]
mod chat;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod split;

#[cfg(feature = "email")]
mod email;
#[cfg(feature = "email")]
mod smtp;

#[cfg(any(feature = "http", feature = "email"))]
mod lookup;
#[cfg(any(feature = "http", feature = "email"))]
mod retry;
#[cfg(any(feature = "http", feature = "email"))]
mod secret;

pub use channel::{Channel, Need, Setting};
pub use error::{Cause, Error};
pub use notifier::{Notifier, Payload, Receipt, send};
pub use policy::Policy;
pub use settings::Settings;
pub use stdout::write_message;

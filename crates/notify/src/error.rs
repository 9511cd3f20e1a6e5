//! Why a message was not delivered.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::Channel;

/// Why a message was not delivered, by what can be done about it.
///
/// No text of an error, nor its `Debug`, nor anything in its chain of sources holds a token, a key,
/// a password, or the path of a webhook: what servers and other crates say is cleaned first.
/// `server` is the host and port, which are no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no channel of this name; [`Channel::ALL`] are the ones there are.
    #[error("unknown channel {name:?}")]
    UnknownChannel {
        /// The name as given.
        name: String,
    },
    /// The crate was built without the cargo feature that this channel needs.
    #[error("this build cannot deliver to {channel}")]
    NotBuilt {
        /// The channel asked for.
        channel: Channel,
    },
    /// A setting that the channel needs is absent or empty.
    #[error("cannot notify by {channel}: neither {name} nor {name}_FILE is set")]
    MissingSetting {
        /// The channel asked for.
        channel: Channel,
        /// The name of the setting.
        name: &'static str,
    },
    /// A setting is given twice, as itself and as a file; neither is preferred silently.
    #[error("cannot notify by {channel}: both {name} and {name}_FILE are set")]
    AmbiguousSetting {
        /// The channel asked for.
        channel: Channel,
        /// The name of the setting.
        name: &'static str,
    },
    /// A setting has a value that cannot be used. The value is not repeated, it may be a secret.
    #[error("cannot notify by {channel}: {name} {reason}")]
    MalformedSetting {
        /// The channel asked for.
        channel: Channel,
        /// The name of the setting.
        name: &'static str,
        /// What is wrong with the value.
        reason: &'static str,
    },
    /// The file that holds a setting could not be read.
    #[error("cannot notify by {channel}: cannot read {path:?}, named by {name}_FILE")]
    SettingFile {
        /// The channel asked for.
        channel: Channel,
        /// The name of the setting, without `_FILE`.
        name: &'static str,
        /// The file. It is `***` where a secret is expected and what was given begins neither with `/`
        /// nor with `.`: it may be the secret itself.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A secret would have to travel unprotected to another machine, so nothing was sent.
    #[error("cannot notify by {channel}: {name} would send a secret without TLS to another machine")]
    Insecure {
        /// The channel asked for.
        channel: Channel,
        /// The setting to change.
        name: &'static str,
    },
    /// The message is empty or nothing but white space, which services refuse.
    #[error("cannot notify by {channel}: the message is empty")]
    EmptyMessage {
        /// The channel asked for.
        channel: Channel,
    },
    /// The server could not be reached, or the connection broke before it answered.
    #[error("cannot notify by {channel}: no connection to {server} (attempts: {attempts})")]
    Unreachable {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// How often it was tried.
        attempts: u32,
        /// What the system or the client said.
        source: Cause,
    },
    /// The server did not answer in time. The message may have been delivered all the same.
    #[error("cannot notify by {channel}: no answer from {server} in time (attempts: {attempts})")]
    TimedOut {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// No protected connection could be made: a certificate that is not trusted, no TLS at all
    /// where TLS is required, or something else than TLS on that port.
    #[error("cannot notify by {channel}: no secure connection to {server}")]
    Tls {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// What the client said.
        source: Cause,
    },
    /// The server wants fewer messages, and asks for a wait that the [`Policy`](crate::Policy)
    /// does not allow, or kept asking.
    #[error("cannot notify by {channel}: {server} limits the rate of messages (attempts: {attempts})")]
    RateLimited {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// How long the server asks to wait, where it said so.
        retry_after: Option<Duration>,
        /// How often it was tried.
        attempts: u32,
    },
    /// The server has trouble of its own (HTTP 5xx and 408, SMTP 4xx), at every attempt.
    #[error("cannot notify by {channel}: {server} failed with {status} (attempts: {attempts}): {reply}")]
    ServerTrouble {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// The HTTP status or the SMTP reply code.
        status: u16,
        /// The server's words, cleaned and shortened.
        reply: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The server does not want this message, this recipient or these credentials. Trying again
    /// does not help.
    #[error("cannot notify by {channel}: {server} refused with {status}: {reply}")]
    Refused {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// The HTTP status or the SMTP reply code.
        status: u16,
        /// The server's words, cleaned and shortened.
        reply: String,
    },
    /// The server lacks what the settings or the addresses need: a way to log in, or addresses
    /// beyond ASCII.
    #[error("cannot notify by {channel}: {server} lacks what is needed")]
    Unsupported {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// What the client said.
        source: Cause,
    },
    /// The server answered with something that is not the protocol.
    #[error("cannot notify by {channel}: the answer of {server} makes no sense")]
    BadReply {
        /// The channel asked for.
        channel: Channel,
        /// Host and port.
        server: String,
        /// What the client said.
        source: Cause,
    },
    /// The first parts of a long message were delivered, a later one was not. Sending the whole
    /// message again repeats the first ones.
    #[error("notified by {channel} in part: {delivered} of {parts} parts")]
    Partly {
        /// The channel asked for.
        channel: Channel,
        /// Parts that were delivered.
        delivered: usize,
        /// Parts there are.
        parts: usize,
        /// Why the next part was not delivered.
        source: Box<Error>,
    },
    /// The output could not be written; its reader may have gone.
    #[error("cannot notify by stdout: cannot write")]
    Output {
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether the same message may well be delivered later without anybody changing anything.
    ///
    /// True for a server that is unreachable, silent, busy or in trouble. The message may have been
    /// delivered already when the answer was lost, so sending it again may repeat it.
    pub fn is_temporary(&self) -> bool {
        match self {
            Error::Unreachable { .. }
            | Error::TimedOut { .. }
            | Error::RateLimited { .. }
            | Error::ServerTrouble { .. } => true,
            Error::Partly { source, .. } => source.is_temporary(),
            _ => false,
        }
    }

    /// Whether the operator has to change a setting before anything can be delivered.
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Error::UnknownChannel { .. }
                | Error::NotBuilt { .. }
                | Error::MissingSetting { .. }
                | Error::AmbiguousSetting { .. }
                | Error::MalformedSetting { .. }
                | Error::SettingFile { .. }
                | Error::Insecure { .. }
        )
    }
}

/// What another crate said about a failure, as cleaned text.
///
/// The original error is not kept: its text may hold an address that is a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub(crate) String);

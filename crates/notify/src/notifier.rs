//! Sending a message, and showing what would be sent.

use crate::settings::Target;
use crate::{Channel, Error, Policy, Settings, write_message};

/// Tells somebody over one channel.
///
/// ```
/// use buildbook_notify::{Notifier, Policy, Settings};
///
/// let notifier = Notifier::new(Settings::stdout(), Policy::default());
/// let receipt = notifier.send("12 packages are broken")?;
/// assert_eq!((receipt.parts, receipt.attempts), (1, 1));
/// # Ok::<(), buildbook_notify::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Notifier {
    settings: Settings,
    policy: Policy,
}

impl Notifier {
    /// Puts settings and policy together. Nothing is contacted.
    pub fn new(settings: Settings, policy: Policy) -> Self {
        Self { settings, policy }
    }

    /// The channel of this notifier.
    pub fn channel(&self) -> Channel {
        self.settings.channel()
    }

    /// The limits of this notifier.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Delivers `message` and returns when the server has taken it, or when the policy forbids to
    /// go on trying.
    ///
    /// The message arrives byte for byte. One that is too long for a service is sent in up to five
    /// numbered parts; if that is not enough the rest is cut, with a mark that says how much, and
    /// counted in [`Receipt::cut`].
    ///
    /// Delivery is *at least once*: when an answer is lost after the server took the message, the
    /// next attempt repeats it. Nothing is written to disk, so a message is lost with the process.
    ///
    /// # Errors
    ///
    /// Every variant of [`Error`] that is not about settings. [`Error::Partly`] says that the first
    /// parts of a long message did arrive.
    pub fn send(&self, message: &str) -> Result<Receipt, Error> {
        self.check(message)?;
        match &self.settings.target {
            Target::Stdout => write_message(&mut std::io::stdout().lock(), message),
            #[cfg(feature = "http")]
            Target::Chat(chat) => chat.deliver(message, self.retries()),
            #[cfg(feature = "email")]
            Target::Mail(mail) => mail.deliver(message, self.retries()),
        }
    }

    /// What [`send`](Self::send) would send, in order, with secrets left out. Nothing is contacted.
    ///
    /// # Errors
    ///
    /// [`Error::EmptyMessage`], and for e-mail [`Error::MalformedSetting`].
    pub fn payloads(&self, message: &str) -> Result<Vec<Payload>, Error> {
        self.check(message)?;
        match &self.settings.target {
            Target::Stdout => Ok(vec![Payload {
                channel: Channel::Stdout,
                target: "standard output".to_owned(),
                content_type: "text/plain; charset=utf-8",
                text: message.to_owned(),
                body: format!("{message}\n"),
            }]),
            #[cfg(feature = "http")]
            Target::Chat(chat) => Ok(chat.payloads(message)),
            #[cfg(feature = "email")]
            Target::Mail(mail) => Ok(vec![mail.payload(message)?]),
        }
    }

    fn check(&self, message: &str) -> Result<(), Error> {
        if message.trim().is_empty() {
            return Err(Error::EmptyMessage { channel: self.channel() });
        }
        Ok(())
    }

    #[cfg(any(feature = "http", feature = "email"))]
    fn retries(&self) -> crate::retry::Retries<'_> {
        crate::retry::Retries::new(&self.policy, &crate::retry::SystemClock)
    }
}

/// Reads the settings of `channel` and delivers `message` with the default [`Policy`].
///
/// This is the original's `send`: where that returned a number and lost the reason, the error says
/// what went wrong and a program turns it into its exit status.
///
/// # Errors
///
/// Those of [`Settings::from_lookup`] and of [`Notifier::send`].
pub fn send(
    channel: Channel,
    message: &str,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Receipt, Error> {
    let settings = Settings::from_lookup(channel, lookup)?;
    Notifier::new(settings, Policy::default()).send(message)
}

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The channel it went over.
    pub channel: Channel,
    /// In how many parts the message was sent.
    pub parts: usize,
    /// How many attempts all parts took together; more than `parts` when something was repeated.
    pub attempts: u32,
    /// How many bytes at the end of the message were cut because the service takes no more.
    pub cut: usize,
}

/// One thing that would be sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Payload {
    /// The channel it would go over.
    pub channel: Channel,
    /// Where it would go: an address without its secrets, or a mail server.
    pub target: String,
    /// The media type of `body`.
    pub content_type: &'static str,
    /// The text that somebody would read.
    pub text: String,
    /// The exact bytes that would be sent. An e-mail's date and message id are made anew each time.
    pub body: String,
}

//! Where a message goes, and with which credentials.

use std::fmt;

#[cfg(feature = "http")]
use crate::chat::Chat;
#[cfg(feature = "email")]
use crate::email::Mail;
#[cfg(any(feature = "http", feature = "email"))]
use crate::lookup::Lookup;
use crate::{Channel, Error};

/// Where a message goes, and with which credentials: checked, and ready for a
/// [`Notifier`](crate::Notifier).
///
/// `Debug` shows the channel and nothing else.
#[derive(Clone)]
pub struct Settings {
    pub(crate) target: Target,
}

/// What each kind of channel needs in order to deliver.
#[derive(Clone)]
pub(crate) enum Target {
    Stdout,
    #[cfg(feature = "http")]
    Chat(Chat),
    #[cfg(feature = "email")]
    Mail(Box<Mail>),
}

impl Settings {
    /// Reads and checks the settings that `channel` needs; [`Channel::settings`] lists them.
    ///
    /// `lookup` answers for a name, usually from the environment. For every `NAME` it is also asked
    /// for `NAME_FILE`, the path of a file that holds the value (line ends at its end are dropped),
    /// so that a secret need not be in the environment. These files are read here, and nothing else
    /// is: no server is contacted.
    ///
    /// # Errors
    ///
    /// [`Error::NotBuilt`], [`Error::MissingSetting`], [`Error::AmbiguousSetting`],
    /// [`Error::MalformedSetting`], [`Error::SettingFile`], and [`Error::Insecure`] for an address
    /// that would carry a secret without TLS to another machine.
    pub fn from_lookup(channel: Channel, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        #[cfg(any(feature = "http", feature = "email"))]
        let ask = Lookup { channel, find: &lookup };
        let target = match channel {
            Channel::Stdout => Target::Stdout,
            #[cfg(feature = "http")]
            Channel::Slack => Target::Chat(Chat::slack(&ask)?),
            #[cfg(feature = "http")]
            Channel::Zulip => Target::Chat(Chat::zulip(&ask)?),
            #[cfg(feature = "http")]
            Channel::Telegram => Target::Chat(Chat::telegram(&ask)?),
            #[cfg(feature = "email")]
            Channel::Email => Target::Mail(Box::new(Mail::read(&ask)?)),
            #[cfg(not(all(feature = "http", feature = "email")))]
            _ => {
                drop(lookup);
                return Err(Error::NotBuilt { channel });
            }
        };
        Ok(Self { target })
    }

    /// The settings of standard output, of which there are none.
    pub fn stdout() -> Self {
        Self { target: Target::Stdout }
    }

    /// The channel these settings are for.
    pub fn channel(&self) -> Channel {
        match &self.target {
            Target::Stdout => Channel::Stdout,
            #[cfg(feature = "http")]
            Target::Chat(chat) => chat.channel(),
            #[cfg(feature = "email")]
            Target::Mail(_) => Channel::Email,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("channel", &self.channel()).finish_non_exhaustive()
    }
}

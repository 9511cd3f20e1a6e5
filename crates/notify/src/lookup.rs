//! Reading one setting: from the caller's look-up, or from the file that it names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::{Channel, Error};

/// A file with a setting is longer than this only by mistake; a bundle of certificates is not.
const MAX_FILE: u64 = 4 << 20;

/// The caller's settings, asked on behalf of one channel.
pub(crate) struct Lookup<'a> {
    pub(crate) channel: Channel,
    pub(crate) find: &'a dyn Fn(&str) -> Option<String>,
}

impl Lookup<'_> {
    /// A setting of one line without which nothing can be sent.
    pub(crate) fn required(&self, name: &'static str) -> Result<String, Error> {
        self.optional(name)?.ok_or(Error::MissingSetting { channel: self.channel, name })
    }

    /// A setting of one line; an empty one counts as absent, as shells and CI systems mean it.
    ///
    /// Control characters are refused: a line break in a subject, an address or a header would let
    /// its value add headers of its own.
    pub(crate) fn optional(&self, name: &'static str) -> Result<Option<String>, Error> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        let value = value.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Ok(None);
        }
        if value.chars().any(char::is_control) {
            return Err(self.malformed(name, "holds a line break or another control character"));
        }
        Ok(Some(value.to_owned()))
    }

    /// A setting of any number of lines, from `NAME` or from the file that `NAME_FILE` names.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, Error> {
        let given = |name: &str| (self.find)(name).filter(|value| !value.is_empty());
        match (given(name), given(&format!("{name}_FILE"))) {
            (None, None) => Ok(None),
            (Some(value), None) => Ok(Some(value)),
            (None, Some(path)) => self.file(name, path.into()).map(Some),
            (Some(_), Some(_)) => Err(Error::AmbiguousSetting { channel: self.channel, name }),
        }
    }

    fn file(&self, name: &'static str, path: PathBuf) -> Result<String, Error> {
        let bytes = match read_bounded(&path) {
            Ok(bytes) => bytes,
            Err(source) => {
                let path = self.showable(name, path);
                return Err(Error::SettingFile { channel: self.channel, name, path, source });
            }
        };
        if bytes.len() as u64 > MAX_FILE {
            return Err(self.malformed(name, "is in a file of more than 4 MiB"));
        }
        String::from_utf8(bytes).map_err(|_| self.malformed(name, "is in a file that is not UTF-8"))
    }

    /// A secret that was put where the name of its file belongs is not shown. What begins like a path
    /// is taken for one.
    fn showable(&self, name: &str, path: PathBuf) -> PathBuf {
        let is_secret = self.channel.settings().iter().any(|setting| setting.name == name && setting.secret);
        let like_a_path = matches!(path.as_os_str().as_encoded_bytes(), [b'/' | b'.', ..]);
        if is_secret && !like_a_path { PathBuf::from("***") } else { path }
    }

    pub(crate) fn malformed(&self, name: &'static str, reason: &'static str) -> Error {
        Error::MalformedSetting { channel: self.channel, name, reason }
    }

    pub(crate) fn insecure(&self, name: &'static str) -> Error {
        Error::Insecure { channel: self.channel, name }
    }
}

/// Reads at most one byte more than allowed, so that a device that never ends does not either.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether what is sent to `host` stays on this machine, so that nobody can listen in between.
///
/// Only the literal loopback addresses and `localhost` count; a name that merely resolves to such
/// an address today does not.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_literal_loopback_is_this_machine() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["", "127.1", "127.0.0.1.example.org", "localhost.example.org", "0.0.0.0", "10.0.0.1", "::2"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}

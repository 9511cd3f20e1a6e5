//! What a name must be like to become one component of a path.

use std::fmt;

/// The longest name, in bytes. Linux file systems stop at 255; the rest is room for the suffixes of
/// locks, logs and temporary files.
pub const MAX_NAME_BYTES: usize = 200;

/// A name that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} is not valid: {reason}")]
pub struct InvalidName {
    /// What the name was meant to be, such as `package`.
    pub what: &'static str,
    /// The name, shortened to its first 80 characters.
    pub name: String,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a name cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It has no characters.
    Empty,
    /// It has more than [`MAX_NAME_BYTES`] bytes.
    TooLong,
    /// It has a `/`, which would begin another folder.
    Separator,
    /// It begins with a dot: `.`, `..`, or a name that could be taken for a temporary file.
    LeadingDot,
    /// It has a NUL, another control character, or one that changes the direction of text.
    Control,
    /// It is not spelled in the way that this kind of name is; the text says how.
    Shape(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Empty => f.write_str("it is empty"),
            Reason::TooLong => write!(f, "it is longer than {MAX_NAME_BYTES} bytes"),
            Reason::Separator => f.write_str("it contains a path separator"),
            Reason::LeadingDot => f.write_str("it begins with a dot"),
            Reason::Control => f.write_str("it contains a control character"),
            Reason::Shape(shape) => write!(f, "it is not {shape}"),
        }
    }
}

impl InvalidName {
    pub(crate) fn new(what: &'static str, name: &str, reason: Reason) -> Self {
        InvalidName { what, name: name.chars().take(80).collect(), reason }
    }
}

/// Checks what every name of the book must satisfy.
pub(crate) fn check(what: &'static str, name: &str) -> Result<(), InvalidName> {
    let reason = if name.is_empty() {
        Reason::Empty
    } else if name.len() > MAX_NAME_BYTES {
        Reason::TooLong
    } else if name.contains('/') {
        Reason::Separator
    } else if name.starts_with('.') {
        Reason::LeadingDot
    } else if name.chars().any(|c| c.is_control() || changes_direction(c)) {
        Reason::Control
    } else {
        return Ok(());
    };
    Err(InvalidName::new(what, name, reason))
}

/// Marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm. A name with one
/// of them is shown as something else than it is.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Gives a validated string type the conversions that all of them share.
macro_rules! name_type {
    ($type:ident, $what:literal) => {
        impl $type {
            /// The name as it is spelled on disk.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::InvalidName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                $crate::component::check($what, name)?;
                Self::check_shape(name).map_err(|reason| $crate::InvalidName::new($what, name, reason))?;
                Ok($type(name.to_owned()))
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::InvalidName;

            fn try_from(name: String) -> Result<Self, Self::Error> {
                name.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}
pub(crate) use name_type;

/// The platform of a cache, its folder below the root: `debian-12-x86_64`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Platform(String);

name_type!(Platform, "platform");

impl Platform {
    /// The folders of the root that belong to no platform cannot be named as one.
    fn check_shape(name: &str) -> Result<(), Reason> {
        match name {
            "logs" | "locks" | "html" => Err(Reason::Shape("a platform: the book uses this name itself")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component() {
        let table = [
            ("debian-12-x86_64", None),
            ("a..b", None),
            ("café", None),
            ("", Some(Reason::Empty)),
            (".", Some(Reason::LeadingDot)),
            ("..", Some(Reason::LeadingDot)),
            (".hidden", Some(Reason::LeadingDot)),
            ("a/b", Some(Reason::Separator)),
            ("/etc", Some(Reason::Separator)),
            ("a\0b", Some(Reason::Control)),
            ("a\nb", Some(Reason::Control)),
            ("a\u{7f}b", Some(Reason::Control)),
            ("evil\u{202e}gpj.exe", Some(Reason::Control)),
        ];
        for (name, expected) in table {
            assert_eq!(check("name", name).err().map(|e| e.reason), expected, "{name:?}");
        }
        assert_eq!(check("name", &"x".repeat(MAX_NAME_BYTES)), Ok(()));
        let long = check("name", &"x".repeat(10_000)).expect_err("too long");
        assert_eq!(long.reason, Reason::TooLong);
        assert_eq!(long.name.len(), 80, "an error does not repeat ten thousand bytes");
    }

    #[test]
    fn the_folders_of_the_root_are_not_platforms() {
        for name in ["logs", "locks", "html"] {
            assert!(name.parse::<Platform>().is_err(), "{name}");
        }
    }
}

//! One line of a plan: what it is, what becomes of it, and why.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use buildbook_layout::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// Something that a collection looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Item {
    /// Where it is.
    #[serde(serialize_with = "crate::error::lossy")]
    pub path: PathBuf,
    /// Its name in its folder.
    pub name: String,
    /// For what goes, the bytes of disk that its removal frees, after those before it in the plan have gone. A
    /// file with several names is counted where the last of them goes, and not at all while one of them stays.
    /// For what stays, the bytes that it takes.
    pub bytes: u64,
    /// When it was last used, as far as its files tell.
    pub last_used: Option<Timestamp>,
    /// What becomes of it.
    #[serde(flatten)]
    pub decision: Decision,
    /// Which file or folder this was, should another have its name by the time of the removal.
    #[serde(skip)]
    pub(crate) identity: Identity,
    /// The names of items that go too and that this one needs. They stay if it does.
    #[serde(skip)]
    pub(crate) needs: Vec<String>,
    /// Whether it is a layer that nobody has finished.
    #[serde(skip)]
    pub(crate) incomplete: bool,
    /// Whether it could have been built upon any other item. It goes before them, and they stay if it does.
    #[serde(skip)]
    pub(crate) secretive: bool,
}

impl Item {
    /// Whether it is to go.
    #[must_use]
    pub fn goes(&self) -> bool {
        matches!(self.decision, Decision::Remove(_))
    }
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity(pub(crate) u64, pub(crate) u64);

/// What becomes of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Keep(KeepReason),
    /// It goes.
    Remove(RemoveReason),
}

/// Why something stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// Something that is needed refers to it.
    Referenced,
    /// Another layer that stays was built upon it.
    ParentOf(String),
    /// A layer that stays does not say what it was built upon.
    MaybeParentOf(String),
    /// Somebody holds its lock.
    Locked,
    /// Its lock cannot be looked at.
    LockUnknown,
    /// It is being published, or its publisher died, and recovery has not run.
    InProgress,
    /// It was used less than the minimum age ago.
    Younger(Duration),
    /// Its description makes no sense, or cannot be read.
    MetadataUnknown,
    /// It cannot be read.
    Unreadable,
    /// A file system is mounted in it.
    Mounted,
    /// It is a file or a link, where a folder is expected.
    NotAFolder,
    /// Its name is not of the kind that is collected.
    ForeignName,
    /// The limit of the policy is reached without it.
    EnoughFreed,
}

/// Why something goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveReason {
    /// Nothing refers to it, and it was not used for so long.
    Unneeded(Duration),
    /// A removal that was cut off has left it.
    Interrupted,
}

impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeepReason::Referenced => f.write_str("referenced"),
            KeepReason::ParentOf(child) => write!(f, "parent of {child}"),
            KeepReason::MaybeParentOf(child) => {
                write!(f, "may be a parent of {child}, whose description cannot be read")
            }
            KeepReason::Locked => f.write_str("locked"),
            KeepReason::LockUnknown => f.write_str("its lock cannot be looked at"),
            KeepReason::InProgress => f.write_str("being published, or waiting for recovery"),
            KeepReason::Younger(age) => write!(f, "used less than {} ago", Span(*age)),
            KeepReason::MetadataUnknown => f.write_str("its description cannot be read"),
            KeepReason::Unreadable => f.write_str("it cannot be read"),
            KeepReason::Mounted => f.write_str("a file system is mounted in it"),
            KeepReason::NotAFolder => f.write_str("not a folder"),
            KeepReason::ForeignName => f.write_str("its name is none that is collected"),
            KeepReason::EnoughFreed => f.write_str("enough is freed without it"),
        }
    }
}

impl fmt::Display for RemoveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemoveReason::Unneeded(idle) => write!(f, "unreferenced, and unused for {}", Span(*idle)),
            RemoveReason::Interrupted => f.write_str("left by a removal that was cut off"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Keep(reason) => write!(f, "keep, {reason}"),
            Decision::Remove(reason) => write!(f, "remove, {reason}"),
        }
    }
}

/// `action` and `reason`.
impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (action, reason) = match self {
            Decision::Keep(reason) => ("keep", reason.to_string()),
            Decision::Remove(reason) => ("remove", reason.to_string()),
        };
        let mut fields = serializer.serialize_struct("Decision", 2)?;
        fields.serialize_field("action", action)?;
        fields.serialize_field("reason", &reason)?;
        fields.end()
    }
}

/// A span of time in its largest whole unit.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = [(86_400, "day"), (3600, "hour"), (60, "minute")]
            .into_iter()
            .find(|(length, _)| seconds >= *length)
            .map_or((seconds, "second"), |(length, unit)| (seconds / length, unit));
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        let table = [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute"),
            (7200, "2 hours"),
            (86_400 * 30 + 5, "30 days"),
        ];
        for (seconds, text) in table {
            assert_eq!(Span(Duration::from_secs(seconds)).to_string(), text);
        }
    }

    #[test]
    fn reasons_are_words() {
        let keep = Decision::Keep(KeepReason::ParentOf("build-0123456789ab".to_owned()));
        assert_eq!(keep.to_string(), "keep, parent of build-0123456789ab");
        let remove = Decision::Remove(RemoveReason::Unneeded(Duration::from_secs(31 * 86_400)));
        assert_eq!(
            serde_json::to_string(&remove).unwrap(),
            r#"{"action":"remove","reason":"unreferenced, and unused for 31 days"}"#
        );
    }
}

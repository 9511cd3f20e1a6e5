//! The names that this crate makes beside a target.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Sets our names apart from everybody else's.
const MARK: &str = "bb";
const RANDOM_CHARACTERS: usize = 10;

/// Something beside a target, under a name that this crate makes. Its owner may be alive and busy with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// What it stands beside.
    pub target: PathBuf,
    /// What it is.
    pub role: Role,
    /// What the names of one swap have in common.
    pub(crate) ticket: String,
}

/// What a name beside a target stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// `tmp`: the new contents of a file, or a new symbolic link.
    Temporary,
    /// `new`: the new contents of a folder; after an exchange, the old ones.
    Staging,
    /// `old`: the old contents of a folder, put aside where the system cannot exchange folders.
    Old,
    /// `trash`: on its way out.
    Trash,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::Temporary => "tmp",
            Role::Staging => "new",
            Role::Old => "old",
            Role::Trash => "trash",
        }
    }

    /// What a name stands for, if it is one that this crate makes. Its owner may be alive and busy with it.
    #[must_use]
    pub fn of(name: &OsStr) -> Option<Role> {
        parts(name).map(|(_, role, _)| role)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The folder of a target and its name. A target without a folder is in the current one.
pub(crate) fn split(target: &Path) -> Result<(&Path, &OsStr)> {
    let no_name = || Error::NoName { path: target.to_owned() };
    let name = target.file_name().ok_or_else(no_name)?;
    let folder = target.parent().ok_or_else(no_name)?;
    Ok((if folder.as_os_str().is_empty() { Path::new(".") } else { folder }, name))
}

/// Makes something beside a target under a name that nobody has. `make` is called with names until it
/// says something else than `AlreadyExists`.
pub(crate) fn make_beside<T>(
    target: &Path,
    role: Role,
    mut make: impl FnMut(&Path) -> buildbook_fsio::Result<T>,
) -> Result<(PathBuf, T)> {
    let (folder, name) = split(target)?;
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(format!(".{role}-{MARK}"));
    let mut last_error = None;
    let made = tempfile::Builder::new()
        .prefix(&prefix)
        .rand_bytes(RANDOM_CHARACTERS)
        .disable_cleanup(true)
        .make_in(folder, |candidate| {
            make(candidate).map_err(|error| {
                let kind = error.kind().unwrap_or(io::ErrorKind::Other);
                last_error = Some(error);
                io::Error::from(kind)
            })
        });
    match (made, last_error) {
        (Ok(made), _) => {
            let (file, path) = made.into_parts();
            Ok((path.to_path_buf(), file))
        }
        (Err(_), Some(error)) => Err(error.into()),
        (Err(source), None) => {
            let (operation, path) = ("make a name beside", target.to_owned());
            Err(buildbook_fsio::Error::Io { operation, path, source }.into())
        }
    }
}

/// The name of another role of the same swap.
pub(crate) fn sibling(staging: &Path, target: &Path, role: Role) -> Result<PathBuf> {
    let (folder, name) = split(target)?;
    let ticket = parse(folder, staging.file_name().unwrap_or_default())
        .map(|leftover| leftover.ticket)
        .ok_or_else(|| Error::NoName { path: staging.to_owned() })?;
    let mut file_name = std::ffi::OsString::from(".");
    file_name.push(name);
    file_name.push(format!(".{role}-{MARK}{ticket}"));
    Ok(folder.join(file_name))
}

/// Reads a name. Anything that is not exactly one of ours is `None`.
fn parse(folder: &Path, name: &OsStr) -> Option<Leftover> {
    let (target, role, ticket) = parts(name)?;
    Some(Leftover { path: folder.join(name), target: folder.join(target), role, ticket: ticket.to_owned() })
}

/// The name of the target, which need not be text, the role, and the ticket.
fn parts(name: &OsStr) -> Option<(&OsStr, Role, &str)> {
    let (rest, ticket) = split_at_last(name.as_bytes().strip_prefix(b".")?, b'-')?;
    let ticket = str::from_utf8(ticket.strip_prefix(MARK.as_bytes())?).ok()?;
    let (target, role) = split_at_last(rest, b'.')?;
    let role = [Role::Temporary, Role::Staging, Role::Old, Role::Trash]
        .into_iter()
        .find(|candidate| candidate.as_str().as_bytes() == role)?;
    let ticket_is_ours =
        ticket.len() == RANDOM_CHARACTERS && ticket.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_a_name = !matches!(target, b"" | b"." | b"..");
    (ticket_is_ours && is_a_name).then(|| (OsStr::from_bytes(target), role, ticket))
}

fn split_at_last(bytes: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().rposition(|byte| *byte == mark)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// Whether a folder has the name of one that is being prepared.
pub(crate) fn is_staging(folder: &Path) -> bool {
    let leftover = folder.file_name().and_then(|name| parse(Path::new(""), name));
    leftover.is_some_and(|leftover| leftover.role == Role::Staging)
}

/// Lists the names in a folder that this crate makes, sorted. Some may belong to a writer that is at work
/// right now. A folder that is missing has none. Nothing is changed.
///
/// # Errors
///
/// The system's answer when the folder cannot be read.
pub fn find_leftovers(folder: &Path) -> Result<Vec<Leftover>> {
    let unreadable =
        |source| buildbook_fsio::Error::Io { operation: "read the folder", path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        found.extend(parse(folder, &entry.file_name()));
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        let parse = |name: &str| parse(Path::new("f"), OsStr::new(name));
        let ours = parse(".status.json.tmp-bb0aZ3456789").unwrap();
        assert_eq!((ours.target.as_path(), ours.role), (Path::new("f/status.json"), Role::Temporary));
        assert_eq!(Role::of(OsStr::new(".status.json.tmp-bb0aZ3456789")), Some(Role::Temporary));
        let dotted = parse(".a.new-1.0.old-bb0123456789").unwrap();
        assert_eq!((dotted.target.as_path(), dotted.role), (Path::new("f/a.new-1.0"), Role::Old));
        let bytes = OsStr::from_bytes(b".\xff.trash-bb0123456789");
        assert_eq!(super::parse(Path::new("f"), bytes).unwrap().target.as_os_str().as_bytes(), b"f/\xff");
        for name in [
            "status.json.tmp",
            "site.new",
            "site.old",
            ".site.new",
            "README.old",
            ".site.new-123",
            "site.new-bb0123456789",
            ".site.new-bb012345678",
            ".site.new-bb01234567890",
            ".site.new-bb012345678é",
            ".site.other-bb0123456789",
            "..new-bb0123456789",
            "...new-bb0123456789",
            "....new-bb0123456789",
            ".new-bb0123456789",
            ".site.tmp-42-0a1b2c",
        ] {
            assert_eq!(parse(name), None, "{name}");
            assert_eq!(Role::of(OsStr::new(name)), None, "{name}");
        }
    }
}

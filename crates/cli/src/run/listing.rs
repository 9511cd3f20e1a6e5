//! What is in a folder, so that it can be made again: folders, files by their digests, links, and their rights.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};

use buildbook::fsio;
use buildbook::memo::Digest;
use serde::{Deserialize, Serialize};

/// One thing in a folder. Paths start in it; that of the folder itself is empty.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Item {
    Folder { path: String, mode: u32 },
    File { path: String, mode: u32, sha256: String },
    Link { path: String, to: String },
}

impl Item {
    fn path(&self) -> &str {
        let (Item::Folder { path, .. } | Item::File { path, .. } | Item::Link { path, .. }) = self;
        path
    }
}

/// Lists a folder: itself, then everything after the folder that it is in. An error says, in words, what cannot be listed.
pub(super) fn of(folder: &Path) -> Result<Vec<Item>, String> {
    let mut items = vec![item(folder, String::new())?];
    let mut next = 0;
    while let Some(known) = items.get(next) {
        next += 1;
        let Item::Folder { path, .. } = known else { continue };
        let place = folder.join(path);
        let parent = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&place).map_err(|error| told(&place, &error))? {
            let name = entry.map_err(|error| told(&place, &error))?.file_name();
            names.push(name.into_string().map_err(|name| format!("the name {name:?} is not UTF-8"))?);
        }
        names.sort();
        for name in names {
            items.push(item(&place.join(&name), format!("{parent}{name}"))?);
        }
    }
    Ok(items)
}

fn item(place: &Path, path: String) -> Result<Item, String> {
    let metadata = std::fs::symlink_metadata(place).map_err(|error| told(place, &error))?;
    if metadata.is_symlink() {
        let to = std::fs::read_link(place).map_err(|error| told(place, &error))?;
        let to =
            to.into_os_string().into_string().map_err(|to| format!("the link to {to:?} is not UTF-8"))?;
        return Ok(Item::Link { path, to });
    }
    if !metadata.is_dir() && !metadata.is_file() {
        return Err(format!("{path:?} is neither a file nor a folder nor a link"));
    }
    if metadata.is_dir() {
        // The other bits of a folder are those of the one that it was made in.
        return Ok(Item::Folder { path, mode: metadata.permissions().mode() & 0o777 });
    }
    let mode = rights(&metadata).ok_or_else(|| format!("{path:?} runs as somebody else"))?;
    let sha256 = file_digest(place).map_err(|error| told(place, &error))?;
    Ok(Item::File { path, mode, sha256 })
}

/// The rights of a file, unless they let it run as somebody else.
pub(super) fn rights(metadata: &Metadata) -> Option<u32> {
    let mode = metadata.permissions().mode() & 0o7777;
    (mode & 0o7000 == 0).then_some(mode)
}

/// The digest of a file.
pub(super) fn file_digest(path: &Path) -> io::Result<String> {
    Ok(Digest::of_reader(File::open(path)?)?.0.to_string())
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Whether every path stays in the folder, and the first is the folder.
pub(super) fn is_sound(items: &[Item]) -> bool {
    let is_inside =
        |item: &Item| Path::new(item.path()).components().all(|c| matches!(c, Component::Normal(_)));
    matches!(items.first(), Some(Item::Folder { path, .. }) if path.is_empty())
        && items.iter().all(is_inside)
        && items.iter().skip(1).all(|item| !item.path().is_empty())
}

/// Makes the folders of a listing, in the one that is there.
pub(super) fn make_folders(items: &[Item], folder: &Path) -> fsio::Result<()> {
    items.iter().skip(1).try_for_each(|item| match item {
        Item::Folder { path, .. } => fsio::op::create_folder(&folder.join(path)),
        Item::File { .. } | Item::Link { .. } => Ok(()),
    })
}

/// Makes the links of a listing and gives the folders their rights, when all files are there.
pub(super) fn finish(items: &[Item], folder: &Path) -> Result<(), String> {
    // What is in a folder comes before its rights, which may forbid to put anything there.
    for item in items.iter().rev() {
        let place: PathBuf = folder.join(item.path());
        match item {
            Item::Link { to, .. } => {
                fsio::op::symlink(Path::new(to), &place).map_err(|error| fsio::explained(&error))?;
            }
            Item::Folder { mode, .. } => {
                let set = std::fs::symlink_metadata(&place).and_then(|metadata| {
                    let others = metadata.permissions().mode() & 0o7000;
                    std::fs::set_permissions(&place, Permissions::from_mode(others | mode))
                });
                set.map_err(|error| told(&place, &error))?;
            }
            Item::File { .. } => {}
        }
    }
    Ok(())
}

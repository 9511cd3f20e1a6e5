//! What the order of operations must be like, so that a power cut can take nothing that was promised.
//!
//! A file system may write contents and names to the device in any order, except that what was synced is there. So a
//! file that is not synced counts as empty, and a name that is not synced as what it was before:
//!
//! 1. what is published under a name that readers know was synced before, files and folders;
//!    And so was what was added to other files, which may have been taken out of what is replaced;
//! 2. when a durable procedure returns, every such name was synced after its last change, and every file that was
//!    written in place;
//! 3. before something is removed for good, the folder it is in was synced since a name that readers know
//!    changed there: otherwise the name could come back and stand for half of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use buildbook::fsio::op::Operation;
use buildbook_fsio::faults::Call;

/// What a durable procedure did against the rules, a sentence each.
pub(super) fn violations(calls: &[Call], root: &Path, unsynced: &[&str]) -> Vec<String> {
    let mut device = Device::default();
    for name in unsynced {
        device.name_changed(&root.join(name));
    }
    for call in calls {
        device.take(call);
    }
    device.at_return();
    device.violations
}

/// What the device may not have yet.
#[derive(Default)]
struct Device {
    /// Files with contents that were not synced.
    files: BTreeSet<PathBuf>,
    /// For each folder, the names in it that were not synced.
    names: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// Files that were made to be added to.
    grown: BTreeSet<PathBuf>,
    violations: Vec<String>,
}

impl Device {
    fn take(&mut self, call: &Call) {
        let path = call.path.as_path();
        match call.operation {
            Operation::Write | Operation::SetLen => {
                self.files.insert(path.to_owned());
            }
            Operation::SyncFile => {
                self.files.remove(path);
            }
            Operation::SyncFolder => {
                self.names.remove(path);
            }
            // Everything of the book is on one file system here.
            Operation::SyncFileSystem => {
                self.files.clear();
                self.names.clear();
            }
            Operation::Rename | Operation::RenameToFreeName => {
                let from = call.from.as_deref().unwrap_or(path);
                self.published(from, path);
                self.forget(path);
                self.moved(from, path);
                // The old name may come back only if readers know it.
                if is_known(from) || is_known(path) {
                    self.name_changed(from);
                    self.name_changed(path);
                }
            }
            Operation::Exchange => {
                let other = call.from.as_deref().unwrap_or(path);
                self.published(other, path);
                self.forget(path);
                self.moved(other, path);
                self.name_changed(path);
            }
            Operation::Unlink => self.forget(path),
            Operation::RemoveTree => {
                let changed = path.parent().and_then(|folder| self.names.get(folder));
                if let Some(name) = changed.and_then(|names| names.iter().find(|name| is_known(name))) {
                    self.violations.push(format!(
                        "{} is removed before the change of {} is synced",
                        shown(path),
                        shown(name)
                    ));
                }
                self.forget(path);
            }
            Operation::OpenOrCreate => {
                self.grown.insert(path.to_owned());
                self.name_changed(path);
            }
            // A file, a folder, a link or a name has been made.
            _ => self.name_changed(path),
        }
    }

    /// Rule 1.
    fn published(&mut self, from: &Path, to: &Path) {
        if is_known(from) || !is_known(to) {
            return;
        }
        let files = self.files.iter().filter(|file| file.starts_with(from));
        let folders = self.names.keys().filter(|folder| folder.starts_with(from));
        let early =
            files.chain(folders).map(|path| format!("{} is published before it is synced", shown(path)));
        let names = self.names.values().flatten().filter(|name| self.grown.contains(*name));
        let others = self.files.iter().chain(names).filter(|file| is_known(file) && !is_lock(file));
        let others = others.map(|file| format!("{} is replaced before {} is synced", shown(to), shown(file)));
        let early: Vec<String> = early.chain(others).collect();
        self.violations.extend(early);
    }

    /// Rule 2.
    fn at_return(&mut self) {
        let files = self.files.iter().filter(|file| is_known(file) && !is_lock(file));
        let files = files.map(|file| format!("{} was written and not synced", shown(file)));
        let names = self.names.values().flatten().filter(|name| is_known(name) && !is_lock(name));
        let names = names.map(|name| format!("the name {} was not synced", shown(name)));
        let late: Vec<String> = files.chain(names).collect();
        self.violations.extend(late);
    }

    fn name_changed(&mut self, path: &Path) {
        if let Some(folder) = path.parent() {
            self.names.entry(folder.to_owned()).or_default().insert(path.to_owned());
        }
    }

    fn moved(&mut self, from: &Path, to: &Path) {
        let new_place = |path: &Path| path.strip_prefix(from).map_or(path.to_owned(), |rest| join(to, rest));
        self.files = self.files.iter().map(|file| new_place(file)).collect();
        let names = std::mem::take(&mut self.names);
        for (folder, inside) in names {
            let inside = inside.iter().map(|name| if name == from { name.clone() } else { new_place(name) });
            self.names.entry(new_place(&folder)).or_default().extend(inside);
        }
    }

    /// What is gone need not be synced.
    fn forget(&mut self, path: &Path) {
        self.files.retain(|file| !file.starts_with(path));
        self.names.retain(|folder, _| !folder.starts_with(path));
        for names in self.names.values_mut() {
            names.remove(path);
        }
        self.names.retain(|_, names| !names.is_empty());
    }
}

fn join(folder: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { folder.to_owned() } else { folder.join(rest) }
}

/// Whether readers look at a name, rather than only the procedure that made it.
fn is_known(path: &Path) -> bool {
    path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
}

/// The file of a lock is worth nothing after a power cut.
fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

/// Names without their random characters.
fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match name.split_once("-bb") {
        Some((start, _)) if name.starts_with('.') => format!("{start}-bb…"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::*;

    fn judge(calls: &[(Operation, &str, &str)]) -> Vec<String> {
        let call = |&(operation, from, path): &(Operation, &str, &str)| Call {
            operation,
            path: Path::new("/r").join(path),
            from: (!from.is_empty()).then(|| Path::new("/r").join(from)),
        };
        violations(&calls.iter().map(call).collect::<Vec<_>>(), Path::new("/r"), &[])
    }

    const FILE: [(Operation, &str, &str); 5] = [
        (CreateFile, "", ".f.tmp-bb0123456789"),
        (Write, "", ".f.tmp-bb0123456789"),
        (SyncFile, "", ".f.tmp-bb0123456789"),
        (Rename, ".f.tmp-bb0123456789", "f"),
        (SyncFolder, "", ""),
    ];

    #[test]
    fn a_file_is_synced_before_its_name_and_its_name_before_the_end() {
        assert_eq!(judge(&FILE), [""; 0]);
        let without = |gone: usize| {
            let mut calls = FILE.to_vec();
            calls.remove(gone);
            judge(&calls)
        };
        assert_eq!(
            without(2),
            [".f.tmp-bb… is published before it is synced", "f was written and not synced"]
        );
        assert_eq!(without(4), ["the name f was not synced"]);
        let mut late = FILE;
        late.swap(2, 3);
        assert!(!judge(&late).is_empty(), "a sync that comes after the name is too late");
    }

    #[test]
    fn the_old_contents_stay_until_the_new_name_is_synced() {
        let mut calls = vec![
            (CreateFolder, "", ".d.new-bb0123456789"),
            (CreateFile, "", ".d.new-bb0123456789/f"),
            (SyncFolder, "", ".d.new-bb0123456789"),
            (Exchange, ".d.new-bb0123456789", "d"),
            (SyncFolder, "", ""),
            (RenameToFreeName, ".d.new-bb0123456789", ".d.trash-bb0123456789"),
            (RemoveTree, "", ".d.trash-bb0123456789"),
        ];
        assert_eq!(judge(&calls), [""; 0]);
        calls.swap(4, 6);
        assert_eq!(judge(&calls), [".d.trash-bb… is removed before the change of d is synced"]);
        calls.swap(4, 6);
        calls.remove(2);
        assert_eq!(
            judge(&calls),
            [".d.new-bb… is published before it is synced", "the name f was not synced"]
        );
    }

    #[test]
    fn a_sync_of_the_file_system_is_as_good_as_one_of_each_file_and_folder() {
        let publish = [
            (CreateFolder, "", ".d.new-bb0123456789"),
            (CreateFile, "", ".d.new-bb0123456789/f"),
            (Write, "", ".d.new-bb0123456789/f"),
            (RenameToFreeName, ".d.new-bb0123456789", "d"),
            (SyncFolder, "", ""),
        ];
        assert_eq!(judge(&publish).len(), 5, "{:?}", judge(&publish));
        let (before, after) = publish.split_at(3);
        assert_eq!(judge(&[before, &[(SyncFileSystem, "", "")], after].concat()), [""; 0]);
        let (before, after) = publish.split_at(4);
        let late = judge(&[before, &[(SyncFileSystem, "", "")], after].concat());
        assert!(late.iter().all(|violation| violation.ends_with(" is synced")), "{late:?}");
        assert!(!late.is_empty(), "it says nothing of what comes before it");
    }

    #[test]
    fn what_was_taken_out_of_a_file_is_synced_elsewhere_before_the_file_is_replaced() {
        let aside = [(OpenOrCreate, "", "x"), (Write, "", "x"), (SyncFile, "", "x"), (SyncFolder, "", "")];
        assert_eq!(judge(&[&aside[..], &FILE[..]].concat()), [""; 0]);
        for gone in [2, 3] {
            let mut aside = aside.to_vec();
            let late = aside.remove(gone);
            let calls = [&aside[..], &FILE[..], &[late]].concat();
            assert_eq!(judge(&calls), ["f is replaced before x is synced"]);
        }
    }

    #[test]
    fn what_was_known_must_be_gone_for_good_before_it_is_removed() {
        let calls =
            [(RenameToFreeName, "d", ".d.trash-bb0123456789"), (RemoveTree, "", ".d.trash-bb0123456789")];
        assert_eq!(judge(&calls).len(), 2, "{:?}", judge(&calls));
        assert_eq!(judge(&[calls[0], (SyncFolder, "", ""), calls[1]]), [""; 0]);
    }
}

//! Which files are opened while something is done, by whomever.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

/// Does some work, and counts how often each file in these folders was opened meanwhile, by its name in its folder. The
/// folders themselves and what is in folders in them do not count.
pub(crate) fn opened<'a, T>(
    folders: impl IntoIterator<Item = &'a Path>,
    work: impl FnOnce() -> T,
) -> (T, BTreeMap<(usize, OsString), usize>) {
    let watch = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
    // Of two equal events in a row the kernel tells one, so that it is asked for what lies between them.
    let asked_for = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_CLOSE;
    let watches: Vec<_> =
        folders.into_iter().map(|folder| watch.add_watch(folder, asked_for).unwrap()).collect();
    let done = work();
    let mut opened = BTreeMap::new();
    while let Ok(events) = watch.read_events() {
        for event in events {
            assert!(
                !event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW),
                "more was opened than could be counted"
            );
            if !event.mask.contains(AddWatchFlags::IN_OPEN) {
                continue;
            }
            let number = watches.iter().position(|watch| *watch == event.wd).unwrap();
            if let Some(name) = event.name.filter(|_| !event.mask.contains(AddWatchFlags::IN_ISDIR)) {
                *opened.entry((number, name)).or_default() += 1;
            }
        }
    }
    (done, opened)
}

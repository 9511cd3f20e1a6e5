//! An index that reads only what has changed since the last one.

use std::ops::Range;

use buildbook_fsio::in_parallel;
use buildbook_history::{Follower, History, OpenFolder, Stamp};
use buildbook_layout::{PackageId, RunId, Timestamp};

use crate::cache::{self, Cache, Memories};
use crate::clock::Clock;
use crate::generate::{generate, share_of};
use crate::part::Part;
use crate::recall::Visit;
use crate::scan::Scan;
use crate::window::Window;
use crate::{Generated, Problem, Result, Status};

/// Says what [`generate`] says, and reads only what has changed since `cache` was made.
///
/// Every history is looked at; one that is as it was is not opened. What is to be remembered for the next time is in
/// `cache` afterwards, and [`Cache::write`] writes it. A cache of anything else than these histories does no harm.
///
/// # Errors
///
/// As [`generate`].
pub fn generate_incremental(
    history: &History,
    run_id: &RunId,
    previous: Option<&Status>,
    now: Timestamp,
    cache: &mut Cache,
) -> Result<Generated> {
    // What is wrong with the folder is told by listing it.
    let opened = history.open_folder().ok().flatten();
    let Some((folder, stamp)) = opened.and_then(|folder| folder.stamp().ok().map(|stamp| (folder, stamp)))
    else {
        return generate(history, run_id, previous, now);
    };
    let window = Window::new(run_id, previous);
    let mut clock = Clock::default();
    if let Some(stamp) = &cache.stamp {
        clock.note(stamp);
    }
    let memories = cache.open();
    let listing = list(history, &stamp, &clock, &memories)?;
    let stamps = look(&folder, &listing.packages);
    stamps.iter().flatten().for_each(|stamp| clock.note(stamp));
    let shares = in_parallel(listing.packages.len(), share_of(listing.packages.len()), |range| {
        visit_share(&folder, &window, &clock, &memories, &listing, &stamps, range)
    });

    let folder = listing.is_complete.then_some(stamp);
    let is_as_remembered = folder == memories.folder
        && listing.packages.len() == memories.packages.len()
        && shares.iter().all(|share| share.fresh.is_empty());
    if !is_as_remembered && listing.packages.len() <= cache::MOST_PACKAGES {
        let bytes = put_together(&stamp, &listing, &memories, &shares);
        cache.set(bytes);
    }
    let parts = shares.into_iter().map(|share| share.part).collect();
    Ok(Generated::from_parts(parts, listing.problems, &window, now))
}

/// The packages.
struct Listing {
    packages: Vec<PackageId>,
    /// By package, which memory is its own, if there is one.
    remembered: Vec<Option<usize>>,
    problems: Vec<Problem>,
    /// Whether the packages are all as long as the folder's stamp stays the same.
    is_complete: bool,
}

fn list(history: &History, folder: &Stamp, clock: &Clock, memories: &Memories<'_>) -> Result<Listing> {
    if memories.folder == Some(*folder)
        && let Some(packages) = names(memories)
    {
        let remembered = (0..packages.len()).map(Some).collect();
        return Ok(Listing { packages, remembered, problems: Vec::new(), is_complete: true });
    }
    let is_past = clock.is_past(folder);
    let found = history.packages()?;
    let mut known = memories.packages.iter().enumerate().peekable();
    let remembered = found.packages.iter().map(|package| {
        while known.next_if(|(_, memory)| memory.package < package.as_str()).is_some() {}
        known.next_if(|(_, memory)| memory.package == package.as_str()).map(|(index, _)| index)
    });
    Ok(Listing {
        remembered: remembered.collect(),
        // What a link leads to can change without the folder.
        is_complete: is_past && !found.has_links && found.problems.is_empty(),
        packages: found.packages,
        problems: found.problems.into_iter().map(|source| Problem::Folder { source }).collect(),
    })
}

/// The names of all packages that are remembered, if all of them are names.
fn names(memories: &Memories<'_>) -> Option<Vec<PackageId>> {
    let all = &memories.packages;
    let shares = in_parallel(all.len(), share_of(all.len()), |range| {
        let some = all.get(range).unwrap_or_default();
        some.iter().map(|memory| memory.package.parse().ok()).collect::<Option<Vec<PackageId>>>()
    });
    let mut packages = Vec::with_capacity(all.len());
    for share in shares {
        packages.append(&mut share?);
    }
    Some(packages)
}

fn look(folder: &OpenFolder, packages: &[PackageId]) -> Vec<Option<Stamp>> {
    let shares = in_parallel(packages.len(), share_of(packages.len()), |range| {
        let mut follower = Follower::new(folder);
        let some = packages.get(range).unwrap_or_default();
        // Whatever could not be looked at is told when it cannot be read.
        some.iter().map(|package| follower.look(package).ok().flatten()).collect::<Vec<_>>()
    });
    shares.concat()
}

/// What comes of one share of the packages.
struct Share {
    part: Part,
    /// What is to be remembered of each package, in their order.
    pieces: Vec<Piece>,
    fresh: Vec<u8>,
}

enum Piece {
    /// What is remembered already: which memory.
    Kept(usize),
    /// The next so many bytes of what is fresh.
    Fresh(usize),
}

fn visit_share(
    folder: &OpenFolder,
    window: &Window,
    clock: &Clock,
    memories: &Memories<'_>,
    listing: &Listing,
    stamps: &[Option<Stamp>],
    range: Range<usize>,
) -> Share {
    let mut scan = Scan::new(folder, window);
    let mut share =
        Share { part: Part::default(), pieces: Vec::with_capacity(range.len()), fresh: Vec::new() };
    let start = range.start;
    for (index, package) in (start..).zip(listing.packages.get(range).unwrap_or_default()) {
        let kept = listing.remembered.get(index).copied().flatten();
        let visit = Visit {
            package,
            stamp: stamps.get(index).copied().flatten(),
            memory: kept.and_then(|kept| memories.packages.get(kept)).copied(),
            clock,
        };
        let length = share.fresh.len();
        let is_as_remembered = scan.visit(&visit, &mut share.part, &mut share.fresh);
        share.pieces.push(match kept {
            Some(kept) if is_as_remembered => Piece::Kept(kept),
            _ => Piece::Fresh(share.fresh.len() - length),
        });
    }
    scan.end_share(&mut share.part);
    share
}

/// The next cache.
fn put_together(folder: &Stamp, listing: &Listing, memories: &Memories<'_>, shares: &[Share]) -> Vec<u8> {
    let memory = |index: &usize| memories.packages.get(*index).map_or(&[][..], |memory| memory.bytes);
    let mut pieces: Vec<&[u8]> = Vec::with_capacity(listing.packages.len());
    for share in shares {
        let mut fresh = share.fresh.as_slice();
        for piece in &share.pieces {
            pieces.push(match piece {
                Piece::Kept(index) => memory(index),
                Piece::Fresh(length) => fresh.split_off(..*length).unwrap_or_default(),
            });
        }
    }
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = Vec::with_capacity(length + 256);
    cache::begin(&mut bytes, folder, listing.is_complete, pieces.len());
    pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
    cache::end(&mut bytes);
    bytes
}

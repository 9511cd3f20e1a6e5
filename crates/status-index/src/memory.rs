//! What is remembered of one package: what its history was like, and what was said of it.

use buildbook_history::{Position, Stamp};
use buildbook_layout::{Category, Kind, PackageId};

use crate::bounds::Bounds;
use crate::bytes::{Rest, put_i64, put_optional_text, put_text, put_u32, put_u64};
use crate::facts::Texts;
use crate::fold::Verdict;
use crate::{Change, Standing, What};

/// The part that is looked at each time. The others lie behind it, undecoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory<'a> {
    /// All of it, as it was written down.
    pub(crate) bytes: &'a [u8],
    pub(crate) package: &'a str,
    /// `None` for a history that has to be read each time.
    pub(crate) history: Option<Known<'a>>,
}

/// A history that can be known again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) position: Position,
    /// Whether an equal stamp says that nothing has changed.
    pub(crate) is_settled: bool,
    pub(crate) rest: Rest<'a>,
}

/// Nothing that is remembered of a package has fewer bytes: its length, a name and what kind it is.
pub(crate) const LEAST_BYTES: usize = 6;

const IS_KNOWN: u8 = 1;
const IS_SETTLED: u8 = 2;
const HAS_TAIL: u8 = 4;

/// Begins what is remembered of a package. [`end`] must follow.
pub(crate) fn begin(bytes: &mut Vec<u8>, package: &PackageId, history: Option<(&Position, bool)>) -> usize {
    let start = bytes.len();
    put_u32(bytes, 0);
    put_text(bytes, package.as_str());
    let Some((position, is_settled)) = history else {
        bytes.push(0);
        return start;
    };
    let flags = [(true, IS_KNOWN), (is_settled, IS_SETTLED), (position.tail.is_some(), HAS_TAIL)];
    bytes.push(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum());
    put_stamp(bytes, &position.stamp);
    if let Some(tail) = position.tail {
        put_u64(bytes, tail);
    }
    start
}

/// Ends what began at `start`: notes how long it is.
pub(crate) fn end(bytes: &mut [u8], start: usize) {
    let length = bytes.len().saturating_sub(start + 4);
    if let (Some(place), Ok(length)) = (bytes.get_mut(start..start + 4), u32::try_from(length)) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// The next of many.
pub(crate) fn take<'a>(rest: &mut Rest<'a>) -> Option<Memory<'a>> {
    let all = rest.0;
    let length = usize::try_from(rest.u32()?).ok()?;
    let mut own = Rest(rest.bytes(length)?);
    let package = own.text()?;
    let flags = own.u8()?;
    let history = if flags & IS_KNOWN == 0 {
        None
    } else {
        let stamp = take_stamp(&mut own)?;
        let tail = if flags & HAS_TAIL == 0 { None } else { Some(own.u64()?) };
        let is_settled = flags & IS_SETTLED != 0;
        Some(Known { position: Position::new(stamp, tail), is_settled, rest: own })
    };
    Some(Memory { bytes: all.get(..length + 4)?, package, history })
}

pub(crate) fn put_stamp(bytes: &mut Vec<u8>, stamp: &Stamp) {
    for number in [stamp.device, stamp.inode, stamp.length] {
        put_u64(bytes, number);
    }
    for (seconds, nanoseconds) in [stamp.modified, stamp.changed] {
        put_i64(bytes, seconds);
        put_u32(bytes, nanoseconds);
    }
}

pub(crate) fn take_stamp(rest: &mut Rest<'_>) -> Option<Stamp> {
    let (device, inode, length) = (rest.u64()?, rest.u64()?, rest.u64()?);
    let mut time = || Some((rest.i64()?, rest.u32()?));
    Some(Stamp { device, inode, length, modified: time()?, changed: time()? })
}

/// Writes down what was said of a package, and for which runs it holds.
pub(crate) fn put_verdict(bytes: &mut Vec<u8>, texts: &Texts<'_>, bounds: &Bounds, verdict: &Verdict) {
    bounds.put(bytes, texts);
    bytes.push(u8::from(verdict.is_new));
    let mut counted: Vec<(u32, bool, u64)> = Vec::new();
    for &(category, stands, count) in &verdict.counted {
        match counted.iter_mut().find(|one| (one.0, one.1) == (category, stands)) {
            Some((_, _, sum)) => *sum += count,
            None => counted.push((category, stands, count)),
        }
    }
    put_u32(bytes, u32::try_from(counted.len()).unwrap_or(u32::MAX));
    for (category, stands, count) in counted {
        put_text(bytes, texts.category_text(category));
        bytes.push(u8::from(stands));
        put_u64(bytes, count);
    }
    put_u32(bytes, u32::try_from(verdict.standings.len()).unwrap_or(u32::MAX));
    verdict.standings.iter().for_each(|standing| put_standing(bytes, standing));
    put_u32(bytes, u32::try_from(verdict.changes.len()).unwrap_or(u32::MAX));
    verdict.changes.iter().for_each(|change| put_change(bytes, change));
}

/// Reads what was said of a package, which follows the bounds, and leaves what follows that.
pub(crate) fn take_verdict(
    rest: &mut Rest<'_>,
    texts: &mut Texts<'_>,
    package: &PackageId,
    verdict: &mut Verdict,
) -> Option<()> {
    verdict.is_new = rest.flag()?;
    verdict.counted.clear();
    for _ in 0..rest.u32()? {
        let (category, stands) = (texts.category_number(rest.text()?), rest.flag()?);
        // No history has more builds, and a number that is not true could not be added up.
        let count = u32::try_from(rest.u64()?).ok()?;
        verdict.counted.push((category, stands, u64::from(count)));
    }
    verdict.standings.clear();
    for _ in 0..rest.u32()? {
        verdict.standings.push(take_standing(rest, package)?);
    }
    verdict.changes.clear();
    for _ in 0..rest.u32()? {
        verdict.changes.push(take_change(rest, package)?);
    }
    Some(())
}

fn put_standing(bytes: &mut Vec<u8>, standing: &Standing) {
    put_text(bytes, standing.category.as_str());
    bytes.push(u8::from(standing.blessed));
    put_text(bytes, &standing.build_hash);
    put_text(bytes, &standing.run);
    put_text(bytes, &standing.ts);
    put_text(bytes, &standing.since_run);
    put_text(bytes, &standing.since_ts);
    put_optional_text(bytes, standing.failed_dep.as_deref());
}

fn take_standing(rest: &mut Rest<'_>, package: &PackageId) -> Option<Standing> {
    let category = Category::from(rest.text()?);
    Some(Standing {
        package: package.clone(),
        kind: category.kind(),
        category,
        blessed: rest.flag()?,
        build_hash: rest.text()?.to_owned(),
        run: rest.text()?.to_owned(),
        ts: rest.text()?.to_owned(),
        since_run: rest.text()?.to_owned(),
        since_ts: rest.text()?.to_owned(),
        failed_dep: rest.optional_text()?.map(str::to_owned),
    })
}

fn put_change(bytes: &mut Vec<u8>, change: &Change) {
    put_text(bytes, &change.build_hash);
    bytes.push(u8::from(change.blessed));
    put_text(bytes, change.from_status.as_str());
    put_text(bytes, change.to_status.as_str());
    put_optional_text(bytes, change.from_hash.as_deref());
    put_optional_text(bytes, change.run.as_deref());
    put_optional_text(bytes, change.what.map(What::as_str));
}

fn take_change(rest: &mut Rest<'_>, package: &PackageId) -> Option<Change> {
    let build_hash = rest.text()?.to_owned();
    let blessed = rest.flag()?;
    let (from_status, to_status) = (Category::from(rest.text()?), Category::from(rest.text()?));
    let kind: Kind = to_status.kind();
    Some(Change {
        package: package.clone(),
        build_hash,
        blessed,
        from_status,
        to_status,
        kind,
        from_hash: rest.optional_text()?.map(str::to_owned),
        run: rest.optional_text()?.map(str::to_owned),
        what: match rest.optional_text()? {
            None => None,
            Some(word) => Some(What::parse(word)?),
        },
    })
}

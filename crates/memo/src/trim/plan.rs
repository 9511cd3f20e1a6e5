//! Deciding what goes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::TrimKind;
use super::survey::{CacheSurvey, Found};
use crate::Error;
use crate::digest::Digest;

/// What may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrimPolicy {
    /// How many bytes of disk the cache may take. What was not used for longest goes first.
    pub max_bytes: u64,
    /// What was used less than this long ago stays, whatever else is true of it. When something was used is known to
    /// ten minutes, so that it should be some hours. Builds that are at work put objects
    /// into the cache some time before the entries that need them.
    pub min_age: Duration,
}

/// What happens to a file of a cache, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrimDecision {
    /// It goes.
    Remove(RemoveReason),
    /// It stays.
    Keep(KeepReason),
}

/// Why a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoveReason {
    /// It is an entry that is not as it was written. No build takes it for an answer.
    Damaged,
    /// The cache takes more than it may, and this was not used for longest.
    OverLimit,
    /// It is an object that no entry needs.
    Unneeded,
}

/// Why a file stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepReason {
    /// It was used just now.
    Recent,
    /// The cache takes no more than it may.
    WithinLimit,
    /// It is an object of an entry that stays.
    Needed,
    /// It is an object that may be needed by an entry that could not be looked at.
    MaybeNeeded,
}

/// A file of a cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrimItem {
    /// What it is.
    pub kind: TrimKind,
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes of disk it takes.
    pub bytes: u64,
    /// When it was used.
    pub last_used: SystemTime,
    /// What happens to it.
    pub decision: TrimDecision,
    pub(super) digest: Digest,
    pub(super) needs: Vec<Digest>,
}

/// A decision about everything in a cache. It can be shown, and it can be executed.
#[derive(Debug)]
#[non_exhaustive]
pub struct TrimPlan {
    /// The entries, those first that were not used for longest, then the objects.
    pub items: Vec<TrimItem>,
    /// What could not be looked at. It stays.
    pub problems: Vec<Error>,
    pub(super) folder: PathBuf,
}

impl TrimItem {
    /// Whether it goes.
    #[must_use]
    pub fn goes(&self) -> bool {
        matches!(self.decision, TrimDecision::Remove(_))
    }
}

impl TrimPlan {
    /// What goes, in the order in which it goes.
    pub fn removals(&self) -> impl Iterator<Item = &TrimItem> {
        self.items.iter().filter(|item| item.goes())
    }

    /// How many bytes of disk the cache takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }

    /// How many bytes of disk the plan frees. Objects whose blocks are shared with files of a build free less, because
    /// the file system does not say how many of them are.
    #[must_use]
    pub fn bytes_to_free(&self) -> u64 {
        self.removals().map(|item| item.bytes).sum()
    }
}

/// Decides about everything in a cache. It touches nothing.
#[must_use]
pub fn plan_trim(survey: CacheSurvey, policy: &TrimPolicy, now: SystemTime) -> TrimPlan {
    let CacheSurvey { folder, mut entries, objects, problems, is_need_unknown } = survey;
    entries.sort_by_key(|entry| (entry.last_used, entry.digest));
    let is_recent = |found: &Found| {
        // What is from the future was used just now, by another clock.
        now.duration_since(found.last_used).map_or(true, |age| age < policy.min_age)
    };

    let sizes: HashMap<Digest, u64> = objects
        .iter()
        .filter(|object| !is_recent(object))
        .map(|object| (object.digest, object.bytes))
        .collect();
    let mut needed: HashMap<Digest, usize> = HashMap::new();
    for digest in entries.iter().filter_map(|entry| entry.needs.as_ref()).flatten() {
        *needed.entry(*digest).or_default() += 1;
    }
    let mut taken: u64 = entries.iter().chain(&objects).map(|found| found.bytes).sum();
    // What goes whatever the limit is.
    let unneeded =
        |object: &&Found| !is_need_unknown && !needed.contains_key(&object.digest) && !is_recent(object);
    taken -= objects.iter().filter(unneeded).map(|object| object.bytes).sum::<u64>();
    taken -= entries.iter().filter(|entry| entry.needs.is_none()).map(|entry| entry.bytes).sum::<u64>();

    let mut items = Vec::with_capacity(entries.len() + objects.len());
    for entry in entries {
        let decision = match &entry.needs {
            None => TrimDecision::Remove(RemoveReason::Damaged),
            Some(_) if is_recent(&entry) => TrimDecision::Keep(KeepReason::Recent),
            Some(_) if taken <= policy.max_bytes => TrimDecision::Keep(KeepReason::WithinLimit),
            Some(needs) => {
                taken -= entry.bytes;
                for digest in needs {
                    let count = needed.entry(*digest).or_default();
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        taken -= sizes.get(digest).copied().unwrap_or_default();
                    }
                }
                TrimDecision::Remove(RemoveReason::OverLimit)
            }
        };
        items.push(item(TrimKind::Entry, entry, decision));
    }
    for object in objects {
        let decision = match needed.get(&object.digest) {
            Some(1..) => TrimDecision::Keep(KeepReason::Needed),
            _ if is_recent(&object) => TrimDecision::Keep(KeepReason::Recent),
            Some(0) => TrimDecision::Remove(RemoveReason::OverLimit),
            None if is_need_unknown => TrimDecision::Keep(KeepReason::MaybeNeeded),
            None => TrimDecision::Remove(RemoveReason::Unneeded),
        };
        items.push(item(TrimKind::Object, object, decision));
    }
    TrimPlan { items, problems, folder }
}

fn item(kind: TrimKind, found: Found, decision: TrimDecision) -> TrimItem {
    let Found { path, digest, bytes, last_used, needs } = found;
    TrimItem { kind, path, bytes, last_used, decision, digest, needs: needs.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::UNIX_EPOCH;

    fn found(name: &str, bytes: u64, used: u64, needs: Option<&[&str]>) -> Found {
        Found {
            path: name.into(),
            digest: Digest::of(name.as_bytes()),
            bytes,
            last_used: UNIX_EPOCH + Duration::from_secs(used),
            needs: needs.map(|needs| needs.iter().map(|name| Digest::of(name.as_bytes())).collect()),
        }
    }

    /// The old entry has an object of its own and one that it shares with the newer one.
    fn survey() -> CacheSurvey {
        CacheSurvey {
            folder: PathBuf::new(),
            entries: vec![
                found("newer", 1, 200, Some(&["shared", "of newer"])),
                found("old", 1, 100, Some(&["shared", "of old", "of old"])),
                found("damaged", 1, 990, None),
                found("recent", 1, 990, Some(&["of recent"])),
            ],
            objects: vec![
                found("shared", 10, 100, None),
                found("of old", 100, 100, None),
                found("of newer", 1_000, 100, None),
                found("of recent", 10_000, 100, None),
                found("of nobody", 100_000, 100, None),
                found("of somebody soon", 1_000_000, 990, None),
            ],
            problems: Vec::new(),
            is_need_unknown: false,
        }
    }

    fn goes(max_bytes: u64) -> (Vec<String>, u64) {
        let policy = TrimPolicy { max_bytes, min_age: Duration::from_secs(60) };
        let plan = plan_trim(survey(), &policy, UNIX_EPOCH + Duration::from_secs(1_000));
        assert_eq!(plan.bytes(), 1_111_114);
        let names = plan.removals().map(|item| item.path.display().to_string()).collect();
        (names, plan.bytes_to_free())
    }

    #[test]
    fn the_longest_unused_goes_first_and_shared_objects_go_with_the_last() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(goes(u64::MAX), (list(&["damaged", "of nobody"]), 100_001));
        assert_eq!(goes(1_011_113), (list(&["damaged", "of nobody"]), 100_001));
        assert_eq!(goes(1_011_112), (list(&["old", "damaged", "of old", "of nobody"]), 100_102));
        let all = list(&["old", "newer", "damaged", "shared", "of old", "of newer", "of nobody"]);
        assert_eq!(goes(1_011_011), (all.clone(), 101_113));
        assert_eq!(goes(0), (all, 101_113), "what is recent stays");
    }

    #[test]
    fn nothing_counts_as_unneeded_while_it_is_not_known_what_every_entry_needs() {
        let policy = |max_bytes| TrimPolicy { max_bytes, min_age: Duration::from_secs(60) };
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let goes = |max_bytes| {
            let survey = CacheSurvey { is_need_unknown: true, ..survey() };
            let plan = plan_trim(survey, &policy(max_bytes), now);
            let of_nobody = plan.items.iter().find(|item| item.path == Path::new("of nobody")).unwrap();
            assert_eq!(of_nobody.decision, TrimDecision::Keep(KeepReason::MaybeNeeded));
            plan.removals().map(|item| item.path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(goes(1_111_113), ["damaged"], "it counts all the same");
        assert_eq!(goes(1_111_112), ["old", "damaged", "of old"]);
    }
}

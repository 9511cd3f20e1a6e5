//! What is to be said of one package. A pure function over its history: this is the one place that decides
//! what changed.
//!
//! A build is one hash of one kind. Entries of runs later than the index are left out; the others are taken
//! in the order of their runs.
//!
//! * How the package stands is its newest blessed result of each kind, and what is compared is how it stood
//!   after the runs before: the last blessed result of each run, of whatever hash. So a package that breaks
//!   because its dependencies moved, and its hash with them, is a change.
//! * All other builds, and a blessed one where none was blessed before, are compared each with its own past.

use std::collections::HashMap;

use buildbook_layout::{Category, Kind, PackageId};

use crate::facts::{Fact, Facts};
use crate::window::{Place, Window};
use crate::{Change, Standing, What};

/// All that is to be said of one package.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) standings: Vec<Standing>,
    pub(crate) changes: Vec<Change>,
    /// Categories of the builds that are counted, and whether each stands for the package.
    pub(crate) counted: Vec<(Category, bool)>,
    /// Whether there is nothing of it before.
    pub(crate) is_new: bool,
}

pub(crate) fn judge(package: &PackageId, facts: &Facts, window: &Window) -> Verdict {
    let order =
        facts.by_run().into_iter().map(|index| (index, window.place(facts.run_id(&facts.all[index]))));
    let order: Vec<(usize, Place)> = order.filter(|(_, place)| *place != Place::Later).collect();
    let mut verdict = Verdict {
        is_new: !order.is_empty() && order.iter().all(|(_, place)| *place == Place::Now),
        ..Verdict::default()
    };
    let mut builds: HashMap<(u32, Kind), Past> = HashMap::new();
    for &(index, place) in &order {
        builds.entry(build_of(facts, index)).or_default().see(facts, index, place);
    }
    for kind in [Kind::Build, Kind::Doc] {
        let blessed = ends_of_runs(facts, &order, kind);
        let Some(&(newest, _)) = blessed.last() else {
            verdict.standings.extend(standing_of_newest(package, facts, &order, kind));
            continue;
        };
        let row: Vec<usize> = blessed.iter().map(|(index, _)| *index).collect();
        verdict.standings.push(standing(package, facts, newest, &row));
        verdict.counted.push((facts.category(&facts.all[newest]), true));
        let mut past = Past::default();
        blessed.iter().for_each(|(index, place)| past.see(facts, *index, *place));
        verdict.changes.extend(change(package, facts, &past));
        let build = builds.entry(build_of(facts, newest)).or_default();
        build.is_counted = true;
        // How the package stands has been compared; the build's own past would say the same again.
        build.is_compared = past.now.is_some() && past.before.is_some();
    }
    for past in builds.values() {
        if !past.is_compared {
            verdict.changes.extend(change(package, facts, past));
        }
        if let (Some(newest), false) = (past.now.or(past.before), past.is_counted) {
            verdict.counted.push((facts.category(&facts.all[newest]), false));
        }
    }
    verdict.changes.sort_by(|one, other| (one.kind, &one.build_hash).cmp(&(other.kind, &other.build_hash)));
    verdict
}

/// The newest entries of a row of them.
#[derive(Debug, Default)]
struct Past {
    now: Option<usize>,
    before: Option<usize>,
    /// As `before`, leaving out trouble with the machine or the network.
    conclusive: Option<usize>,
    is_compared: bool,
    is_counted: bool,
}

impl Past {
    fn see(&mut self, facts: &Facts, index: usize, place: Place) {
        match place {
            Place::Now => self.now = Some(index),
            Place::Before => {
                self.before = Some(index);
                if !is_infra(facts, &facts.all[index]) {
                    self.conclusive = Some(index);
                }
            }
            Place::Later => {}
        }
    }
}

fn build_of(facts: &Facts, index: usize) -> (u32, Kind) {
    (facts.all[index].hash, facts.all[index].kind)
}

/// The last blessed result of each run.
fn ends_of_runs(facts: &Facts, order: &[(usize, Place)], kind: Kind) -> Vec<(usize, Place)> {
    let mut ends: Vec<(usize, Place)> = Vec::new();
    for &(index, place) in order {
        let fact = &facts.all[index];
        if !fact.blessed || fact.kind != kind {
            continue;
        }
        match ends.last_mut() {
            Some(last) if facts.are_of_one_run(&facts.all[last.0], fact) => *last = (index, place),
            _ => ends.push((index, place)),
        }
    }
    ends
}

/// Nothing was ever blessed: the newest result counts, and the past of its build.
fn standing_of_newest(
    package: &PackageId,
    facts: &Facts,
    order: &[(usize, Place)],
    kind: Kind,
) -> Option<Standing> {
    let of_kind = order.iter().map(|(index, _)| *index).filter(|index| facts.all[*index].kind == kind);
    let newest = of_kind.clone().next_back()?;
    let row: Vec<usize> = of_kind.filter(|index| facts.all[*index].hash == facts.all[newest].hash).collect();
    Some(standing(package, facts, newest, &row))
}

/// A standing that lasts since the first of those entries in `row`, up to its end, that say the same.
fn standing(package: &PackageId, facts: &Facts, index: usize, row: &[usize]) -> Standing {
    let fact = &facts.all[index];
    let since = row.iter().rev().map(|index| &facts.all[*index]);
    let since = since.take_while(|other| other.category == fact.category).last().unwrap_or(fact);
    Standing {
        package: package.clone(),
        kind: fact.kind,
        category: facts.category(fact),
        blessed: fact.blessed,
        build_hash: facts.hash(fact).to_owned(),
        run: facts.run(fact).to_owned(),
        ts: facts.ts(fact).to_owned(),
        since_run: facts.run(since).to_owned(),
        since_ts: facts.ts(since).to_owned(),
        failed_dep: facts.failed_dep(fact).map(str::to_owned),
    }
}

fn change(package: &PackageId, facts: &Facts, past: &Past) -> Option<Change> {
    let (now, before) = (&facts.all[past.now?], &facts.all[past.before?]);
    if now.category == before.category {
        return None;
    }
    let conclusive = past.conclusive.map(|index| &facts.all[index]);
    Some(Change {
        package: package.clone(),
        build_hash: facts.hash(now).to_owned(),
        blessed: now.blessed,
        from_status: facts.category(before),
        to_status: facts.category(now),
        kind: now.kind,
        from_hash: Some(facts.hash(before).to_owned()),
        run: Some(facts.run(now).to_owned()),
        what: Some(what(facts, conclusive, now)),
    })
}

/// Names a change by its result and the last one before it that says something about the package.
fn what(facts: &Facts, before: Option<&Fact>, now: &Fact) -> What {
    if is_infra(facts, now) {
        return What::InfraFailure;
    }
    let Some(before) = before else {
        return if now.succeeded { What::InfraCleared } else { What::NewFailure };
    };
    // A build without a layer has no hash, so two of them need not have had the same inputs.
    let is_same_build = now.hash == before.hash && !matches!(facts.hash(now), "" | "none");
    match (before.succeeded, now.succeeded) {
        _ if before.category == now.category => What::InfraCleared,
        (_, false) if is_blocked(facts, now) => What::Blocked,
        (false, true) if is_blocked(facts, before) => What::Unblocked,
        (false, false) => What::StillFailingNewCause,
        (true, true) => What::Other,
        _ if is_same_build => What::Unstable,
        (true, false) => What::NewFailure,
        (false, true) => What::Recovered,
    }
}

fn is_infra(facts: &Facts, fact: &Fact) -> bool {
    facts.category_text(fact) == Category::TRANSIENT_FAILURE
}

/// Later versions of the original have a word of their own for documentation.
fn is_blocked(facts: &Facts, fact: &Fact) -> bool {
    matches!(facts.category_text(fact), Category::DEPENDENCY_FAILURE | "doc_dependency_failure")
}

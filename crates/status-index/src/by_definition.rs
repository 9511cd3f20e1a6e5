//! The same verdicts as those of `fold`, found the slow way, from all entries at once: what the fold is compared with.

use std::collections::HashMap;

use buildbook_layout::{Kind, PackageId};

use crate::facts::{Fact, Texts};
use crate::fold::Verdict;
use crate::window::Place;
use crate::{Change, Standing, What};

/// All entries of a package in the order of the file.
pub(crate) struct Facts<'a> {
    pub(crate) all: &'a [Fact],
    pub(crate) texts: &'a Texts<'a>,
}

pub(crate) fn judge(package: &PackageId, facts: &Facts<'_>) -> Verdict {
    let mut order: Vec<usize> = (0..facts.all.len()).collect();
    order.sort_by(|one, other| facts.texts.order(facts.all[*one].run, facts.all[*other].run));
    let order = order.into_iter().map(|index| (index, facts.texts.place(facts.all[index].run)));
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
        verdict.counted.push((facts.all[newest].category, true, 1));
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
            verdict.counted.push((facts.all[newest].category, false, 1));
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
    fn see(&mut self, facts: &Facts<'_>, index: usize, place: Place) {
        match place {
            Place::Now => self.now = Some(index),
            Place::Before => {
                self.before = Some(index);
                if !facts.texts.is_infra(facts.all[index].category) {
                    self.conclusive = Some(index);
                }
            }
            Place::Later => {}
        }
    }
}

fn build_of(facts: &Facts<'_>, index: usize) -> (u32, Kind) {
    (facts.all[index].hash, facts.all[index].kind)
}

/// The last blessed result of each run.
fn ends_of_runs(facts: &Facts<'_>, order: &[(usize, Place)], kind: Kind) -> Vec<(usize, Place)> {
    let mut ends: Vec<(usize, Place)> = Vec::new();
    for &(index, place) in order {
        let fact = &facts.all[index];
        if !fact.blessed || fact.kind != kind {
            continue;
        }
        match ends.last_mut() {
            Some(last) if facts.texts.are_of_one_run(&facts.all[last.0], fact) => *last = (index, place),
            _ => ends.push((index, place)),
        }
    }
    ends
}

/// Nothing was ever blessed: the newest result counts, and the past of its build.
fn standing_of_newest(
    package: &PackageId,
    facts: &Facts<'_>,
    order: &[(usize, Place)],
    kind: Kind,
) -> Option<Standing> {
    let of_kind = order.iter().map(|(index, _)| *index).filter(|index| facts.all[*index].kind == kind);
    let newest = of_kind.clone().next_back()?;
    let row: Vec<usize> = of_kind.filter(|index| facts.all[*index].hash == facts.all[newest].hash).collect();
    Some(standing(package, facts, newest, &row))
}

/// A standing that lasts since the first of those entries in `row`, up to its end, that say the same.
fn standing(package: &PackageId, facts: &Facts<'_>, index: usize, row: &[usize]) -> Standing {
    let fact = &facts.all[index];
    let since = row.iter().rev().map(|index| &facts.all[*index]);
    let since = since.take_while(|other| other.category == fact.category).last().unwrap_or(fact);
    Standing {
        package: package.clone(),
        kind: fact.kind,
        category: facts.texts.category(fact.category),
        blessed: fact.blessed,
        build_hash: facts.texts.hash(fact.hash).to_owned(),
        run: facts.texts.run(fact.run).to_owned(),
        ts: fact.ts.as_str().to_owned(),
        since_run: facts.texts.run(since.run).to_owned(),
        since_ts: since.ts.as_str().to_owned(),
        failed_dep: fact.failed_dep.map(|text| facts.texts.failed_dep(text).to_owned()),
    }
}

fn change(package: &PackageId, facts: &Facts<'_>, past: &Past) -> Option<Change> {
    let (now, before) = (&facts.all[past.now?], &facts.all[past.before?]);
    if now.category == before.category {
        return None;
    }
    let conclusive = past.conclusive.map(|index| &facts.all[index]);
    Some(Change {
        package: package.clone(),
        build_hash: facts.texts.hash(now.hash).to_owned(),
        blessed: now.blessed,
        from_status: facts.texts.category(before.category),
        to_status: facts.texts.category(now.category),
        kind: now.kind,
        from_hash: Some(facts.texts.hash(before.hash).to_owned()),
        run: Some(facts.texts.run(now.run).to_owned()),
        what: Some(what(facts, conclusive, now)),
    })
}

/// Names a change by its result and the last one before it that says something about the package.
fn what(facts: &Facts<'_>, before: Option<&Fact>, now: &Fact) -> What {
    if facts.texts.is_infra(now.category) {
        return What::InfraFailure;
    }
    let Some(before) = before else {
        return if now.succeeded { What::InfraCleared } else { What::NewFailure };
    };
    // A build without a layer has no hash, so two of them need not have had the same inputs.
    let is_same_build = now.hash == before.hash && !matches!(facts.texts.hash(now.hash), "" | "none");
    match (before.succeeded, now.succeeded) {
        _ if before.category == now.category => What::InfraCleared,
        (_, false) if facts.texts.is_blocked(now.category) => What::Blocked,
        (false, true) if facts.texts.is_blocked(before.category) => What::Unblocked,
        (false, false) => What::StillFailingNewCause,
        (true, true) => What::Other,
        _ if is_same_build => What::Unstable,
        (true, false) => What::NewFailure,
        (false, true) => What::Recovered,
    }
}

//! A fold, written down, so that entries that are added later can be taken without those before them.
//!
//! What is written down has only entries of runs before the ones that an index is of. Any index whose runs are later
//! can go on from there; entries of later runs are written down beside it, one by one.

use crate::bytes::{Rest, put_optional_text, put_text, put_u32};
use crate::facts::{Fact, Short, Texts};
use crate::fold::{Build, Fold, OfKind, index_of};
use crate::past::{Past, Seen, Since};

/// A history with more recent entries than this is read from its start again.
const RECENT: usize = 200;

/// A fold of what came before, and the entries since.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Empty as long as there is nothing since, and it would be the fold as it is.
    base: Vec<u8>,
    recent: Vec<Fact>,
    is_of_no_use: bool,
}

impl State {
    pub(crate) fn clear(&mut self, is_wanted: bool) {
        self.base.clear();
        self.recent.clear();
        self.is_of_no_use = !is_wanted;
    }

    /// Notes the next entry of a run before the others, before the fold takes it.
    pub(crate) fn note_before(&mut self) {
        // It should have come before those that are noted one by one.
        self.is_of_no_use |= !self.recent.is_empty();
    }

    /// Notes the next entry of a run that is not before the others, before the fold takes it.
    pub(crate) fn note_recent(&mut self, texts: &Texts<'_>, fold: &Fold, fact: &Fact) {
        if self.is_of_no_use {
            return;
        }
        if self.recent.is_empty() {
            put_fold(&mut self.base, texts, fold);
        }
        self.recent.push(fact.clone());
        self.is_of_no_use = self.recent.len() > RECENT;
    }

    /// Writes everything down, unless that would take more than `limit` bytes.
    pub(crate) fn put(&mut self, bytes: &mut Vec<u8>, texts: &Texts<'_>, fold: &Fold, limit: usize) -> bool {
        if self.is_of_no_use {
            return false;
        }
        if self.recent.is_empty() {
            put_fold(&mut self.base, texts, fold);
        }
        let start = bytes.len();
        bytes.extend_from_slice(&self.base);
        put_u32(bytes, u32::try_from(self.recent.len()).unwrap_or(u32::MAX));
        for fact in &self.recent {
            put_fact(bytes, texts, fact);
        }
        let is_small = bytes.len() - start <= limit;
        if !is_small {
            bytes.truncate(start);
        }
        is_small
    }
}

/// Reads what was written down: the fold, and the entries since.
pub(crate) fn take_state(
    bytes: &[u8],
    texts: &mut Texts<'_>,
    fold: &mut Fold,
    recent: &mut Vec<Fact>,
) -> Option<()> {
    let mut rest = Rest(bytes);
    take_fold(&mut rest, texts, fold)?;
    for _ in 0..rest.u32()? {
        recent.push(take_fact(&mut rest, texts)?);
    }
    rest.0.is_empty().then_some(())
}

fn put_fold(bytes: &mut Vec<u8>, texts: &Texts<'_>, fold: &Fold) {
    bytes.push(u8::from(fold.has_before));
    put_optional_text(bytes, fold.last_run.map(|run| texts.run(run)));
    for of_kind in [&fold.build, &fold.doc] {
        put_past(bytes, texts, &of_kind.past);
        put_since(bytes, texts, of_kind.since.as_ref());
        for fact in [&of_kind.last, &of_kind.newest] {
            bytes.push(u8::from(fact.is_some()));
            if let Some(fact) = fact {
                put_fact(bytes, texts, fact);
            }
        }
    }
    let count = fold.builds.iter().flatten().count();
    put_u32(bytes, u32::try_from(count).unwrap_or(u32::MAX));
    for build in fold.builds.iter().flatten() {
        put_past(bytes, texts, &build.past);
        // Once something is blessed, nobody asks since when another build fares as it does.
        let newest_before = build.past.before.filter(|seen| {
            let is_doc = texts.kind(seen.category) == buildbook_layout::Kind::Doc;
            if is_doc { fold.doc.last.is_none() } else { fold.build.last.is_none() }
        });
        put_since(bytes, texts, newest_before.and(build.since.as_ref()));
    }
}

fn take_fold(rest: &mut Rest<'_>, texts: &mut Texts<'_>, fold: &mut Fold) -> Option<()> {
    fold.clear();
    fold.has_before = rest.flag()?;
    fold.last_run = rest.optional_text()?.map(|run| texts.run_number(run));
    for of_kind in [&mut fold.build, &mut fold.doc] {
        *of_kind = OfKind {
            past: take_past(rest, texts)?,
            since: take_since(rest, texts)?,
            last: if rest.flag()? { Some(take_fact(rest, texts)?) } else { None },
            newest: if rest.flag()? { Some(take_fact(rest, texts)?) } else { None },
        };
    }
    for _ in 0..rest.u32()? {
        let (past, since) = (take_past(rest, texts)?, take_since(rest, texts)?);
        let seen = past.before?;
        let index = index_of(seen.hash, texts.kind(seen.category));
        if fold.builds.len() <= index {
            fold.builds.resize_with(index + 1, || None);
        }
        *fold.builds.get_mut(index)? = Some(Build { past, since });
    }
    Some(())
}

/// All of it is before; nothing asks for the runs.
fn put_past(bytes: &mut Vec<u8>, texts: &Texts<'_>, past: &Past) {
    let Some(before) = past.before else {
        bytes.push(0);
        return;
    };
    let same = past.conclusive.is_some_and(|conclusive| {
        (conclusive.hash, conclusive.category, conclusive.succeeded)
            == (before.hash, before.category, before.succeeded)
    });
    bytes.push(match past.conclusive {
        None => 1,
        Some(_) if same => 2,
        Some(_) => 3,
    });
    put_seen(bytes, texts, before);
    if let (Some(conclusive), false) = (past.conclusive, same) {
        put_seen(bytes, texts, conclusive);
    }
}

fn take_past(rest: &mut Rest<'_>, texts: &mut Texts<'_>) -> Option<Past> {
    let form = rest.u8()?;
    let before = if form == 0 { None } else { Some(take_seen(rest, texts)?) };
    let conclusive = match form {
        0 | 1 => None,
        2 => before,
        3 => Some(take_seen(rest, texts)?),
        _ => return None,
    };
    Some(Past { now: None, before, conclusive })
}

fn put_seen(bytes: &mut Vec<u8>, texts: &Texts<'_>, seen: Seen) {
    put_text(bytes, texts.hash(seen.hash));
    put_text(bytes, texts.category_text(seen.category));
    bytes.push(u8::from(seen.succeeded));
}

fn take_seen(rest: &mut Rest<'_>, texts: &mut Texts<'_>) -> Option<Seen> {
    let hash = texts.hash_number(rest.text()?);
    let category = texts.category_number(rest.text()?);
    Some(Seen { run: 0, hash, category, blessed: false, succeeded: rest.flag()? })
}

fn put_since(bytes: &mut Vec<u8>, texts: &Texts<'_>, since: Option<&Since>) {
    bytes.push(u8::from(since.is_some()));
    if let Some(since) = since {
        put_text(bytes, texts.category_text(since.category));
        put_text(bytes, texts.run(since.run));
        put_text(bytes, since.ts.as_str());
    }
}

#[expect(clippy::option_option, reason = "without one, there is still something to say")]
fn take_since(rest: &mut Rest<'_>, texts: &mut Texts<'_>) -> Option<Option<Since>> {
    if !rest.flag()? {
        return Some(None);
    }
    let category = texts.category_number(rest.text()?);
    let run = texts.run_number(rest.text()?);
    Some(Some(Since { category, run, ts: Short::new(rest.text()?) }))
}

fn put_fact(bytes: &mut Vec<u8>, texts: &Texts<'_>, fact: &Fact) {
    put_text(bytes, texts.run(fact.run));
    put_text(bytes, texts.hash(fact.hash));
    put_text(bytes, texts.category_text(fact.category));
    put_optional_text(bytes, fact.failed_dep.map(|failed_dep| texts.failed_dep(failed_dep)));
    bytes.push(u8::from(fact.blessed));
    bytes.push(u8::from(fact.succeeded));
    put_text(bytes, fact.ts.as_str());
}

fn take_fact(rest: &mut Rest<'_>, texts: &mut Texts<'_>) -> Option<Fact> {
    let run = texts.run_number(rest.text()?);
    let hash = texts.hash_number(rest.text()?);
    let category = texts.category_number(rest.text()?);
    let failed_dep = rest.optional_text()?.map(|text| texts.failed_dep_number(text));
    Some(Fact {
        run,
        place: texts.place(run),
        hash,
        category,
        failed_dep,
        kind: texts.kind(category),
        blessed: rest.flag()?,
        succeeded: rest.flag()?,
        ts: Short::new(rest.text()?),
    })
}

//! What a row of entries comes to: its newest ones, since when it says the same, and what has changed.

use buildbook_layout::{Kind, PackageId};

use crate::facts::{Fact, Short, Texts};
use crate::window::Place;
use crate::{Change, What};

/// The newest entries of a row of them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Past {
    pub(crate) now: Option<Seen>,
    pub(crate) before: Option<Seen>,
    /// As `before`, leaving out trouble with the machine or the network.
    pub(crate) conclusive: Option<Seen>,
}

/// What a comparison needs of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) run: u32,
    pub(crate) hash: u32,
    pub(crate) category: u32,
    pub(crate) blessed: bool,
    pub(crate) succeeded: bool,
}

/// The first of the last entries of a row that say the same.
#[derive(Debug, Clone)]
pub(crate) struct Since {
    pub(crate) category: u32,
    pub(crate) run: u32,
    pub(crate) ts: Short,
}

impl Seen {
    fn of(fact: &Fact) -> Seen {
        Seen {
            run: fact.run,
            hash: fact.hash,
            category: fact.category,
            blessed: fact.blessed,
            succeeded: fact.succeeded,
        }
    }
}

impl Since {
    #[inline]
    pub(crate) fn renew(since: &mut Option<Since>, fact: &Fact) {
        if since.as_ref().is_none_or(|since| since.category != fact.category) {
            *since = Some(Since { category: fact.category, run: fact.run, ts: fact.ts.clone() });
        }
    }
}

impl Past {
    #[inline]
    pub(crate) fn see(&mut self, texts: &Texts<'_>, fact: &Fact) {
        match fact.place {
            Place::Now => self.now = Some(Seen::of(fact)),
            Place::Before => {
                self.before = Some(Seen::of(fact));
                if !texts.is_infra(fact.category) {
                    self.conclusive = self.before;
                }
            }
            Place::Later => {}
        }
    }

    pub(crate) fn change(&self, package: &PackageId, texts: &Texts<'_>, kind: Kind) -> Option<Change> {
        let (now, before) = (self.now?, self.before?);
        if now.category == before.category {
            return None;
        }
        Some(Change {
            package: package.clone(),
            build_hash: texts.hash(now.hash).to_owned(),
            blessed: now.blessed,
            from_status: texts.category(before.category),
            to_status: texts.category(now.category),
            kind,
            from_hash: Some(texts.hash(before.hash).to_owned()),
            run: Some(texts.run(now.run).to_owned()),
            what: Some(what(texts, self.conclusive, now)),
        })
    }
}

/// Names a change by its result and the last one before it that says something about the package.
fn what(texts: &Texts<'_>, before: Option<Seen>, now: Seen) -> What {
    if texts.is_infra(now.category) {
        return What::InfraFailure;
    }
    let Some(before) = before else {
        return if now.succeeded { What::InfraCleared } else { What::NewFailure };
    };
    // A build without a layer has no hash, so two of them need not have had the same inputs.
    let is_same_build = now.hash == before.hash && !matches!(texts.hash(now.hash), "" | "none");
    match (before.succeeded, now.succeeded) {
        _ if before.category == now.category => What::InfraCleared,
        (_, false) if texts.is_blocked(now.category) => What::Blocked,
        (false, true) if texts.is_blocked(before.category) => What::Unblocked,
        (false, false) => What::StillFailingNewCause,
        (true, true) => What::Other,
        _ if is_same_build => What::Unstable,
        (true, false) => What::NewFailure,
        (false, true) => What::Recovered,
    }
}

//! What of a `status.json` can be used, whoever wrote it.
//!
//! The file is read once from front to back, and only what can be used is kept, so that a hostile file takes little
//! memory beyond its own size. A million packages may be in it; a number of items that no farm has is not kept.

use std::fmt::Display;

use buildbook_json::{Keep, Kept, object};
use buildbook_layout::{Category, PackageId};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess};

use crate::{Change, Totals, What};

/// How many items of a list are kept.
const MOST_ITEMS: usize = 2_000_000;

/// How many categories are counted. There are some twenty.
const MOST_CATEGORIES: usize = 10_000;

/// How many problems of a file are told apart. A file can have one for every two bytes.
const MOST_PROBLEMS: usize = 1000;

/// The keys of the file. A value of the wrong kind spoils nothing but itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    pub(crate) version: Kept<u64>,
    pub(crate) generated: Kept<String>,
    pub(crate) run_id: Kept<String>,
    pub(crate) blessed_totals: Kept<Counts>,
    pub(crate) non_blessed_totals: Kept<Counts>,
    pub(crate) changes_since_last: Kept<Items<Change>>,
    pub(crate) new_packages: Kept<Items<NewPackage>>,
    pub(crate) since: Kept<String>,
}

/// The problems of a file: the first of them, and how many more there are.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    first: Vec<String>,
    more: u64,
}

impl Problems {
    fn add(&mut self, problem: impl Display) {
        if self.first.len() < MOST_PROBLEMS {
            self.first.push(problem.to_string());
        } else {
            self.more += 1;
        }
    }

    /// Takes the totals behind a key, and what is wrong with them.
    pub(crate) fn of_totals(&mut self, key: &str, counts: Kept<Counts>) -> Totals {
        match counts {
            Kept::Missing => Totals::new(),
            Kept::Unusable => {
                self.add(format_args!("{key}: it is not an object"));
                Totals::new()
            }
            Kept::Value(counts) => {
                for category in counts.bad {
                    self.add(format_args!("{key}: the count of {category:?} is not a number"));
                }
                self.more += counts.more_bad;
                if counts.beyond > 0 {
                    let beyond = counts.beyond;
                    self.add(format_args!(
                        "{key}: {beyond} counts after the first {MOST_CATEGORIES} are left out"
                    ));
                }
                counts.totals
            }
        }
    }

    /// Takes the list behind a key, and what is wrong with it.
    pub(crate) fn of_list<T, U: From<T>>(&mut self, key: &str, items: Kept<Items<T>>) -> Vec<U> {
        match items {
            Kept::Missing => Vec::new(),
            Kept::Unusable => {
                self.add(format_args!("{key}: it is not a list"));
                Vec::new()
            }
            Kept::Value(items) => {
                for number in items.bad {
                    self.add(format_args!("{key}: item {number} is not complete"));
                }
                self.more += items.more_bad;
                if items.beyond > 0 {
                    let beyond = items.beyond;
                    self.add(format_args!("{key}: {beyond} items after the first {MOST_ITEMS} are left out"));
                }
                items.good.into_iter().map(U::from).collect()
            }
        }
    }

    pub(crate) fn into_list(mut self) -> Vec<String> {
        if self.more > 0 {
            self.first.push(format!("and {} more", self.more));
        }
        self.first
    }
}

/// Totals, with the beginnings of the words whose count is none.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    totals: Totals,
    bad: Vec<String>,
    more_bad: u64,
    beyond: u64,
}

impl Keep for Counts {
    fn from_object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        let mut counts = Counts::default();
        while let Some((category, count)) = map.next_entry::<String, Kept<u64>>()? {
            let Some(count) = count.value() else {
                if counts.bad.len() < MOST_PROBLEMS {
                    counts.bad.push(category.chars().take(80).collect());
                } else {
                    counts.more_bad += 1;
                }
                continue;
            };
            if counts.totals.len() < MOST_CATEGORIES {
                // Of a key that is there twice the first counts.
                counts.totals.entry(Category::new(category)).or_insert(count);
            } else {
                counts.beyond += 1;
            }
        }
        Ok(Some(counts))
    }
}

/// A list, with the numbers of the items that cannot be used, from 1.
#[derive(Debug)]
pub(crate) struct Items<T> {
    good: Vec<T>,
    bad: Vec<u64>,
    more_bad: u64,
    beyond: u64,
}

impl<T: Keep> Keep for Items<T> {
    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut items = Items { good: Vec::new(), bad: Vec::new(), more_bad: 0, beyond: 0 };
        let mut number = 0;
        while let Some(item) = list.next_element::<Kept<T>>()? {
            number += 1;
            match item.value() {
                Some(item) if items.good.len() < MOST_ITEMS => items.good.push(item),
                Some(_) => items.beyond += 1,
                None if items.bad.len() < MOST_PROBLEMS => items.bad.push(number),
                None => items.more_bad += 1,
            }
        }
        Ok(Some(items))
    }
}

/// A package in a list of names.
#[derive(Debug)]
pub(crate) struct NewPackage(PackageId);

impl From<NewPackage> for PackageId {
    fn from(package: NewPackage) -> Self {
        package.0
    }
}

impl Keep for NewPackage {
    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(NewPackage)
    }
}

/// The keys of a change.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ChangeRecord {
    package: Kept<String>,
    build_hash: Kept<String>,
    blessed: Kept<bool>,
    from: Kept<String>,
    to: Kept<String>,
    from_hash: Kept<String>,
    run: Kept<String>,
    what: Kept<String>,
}

impl Keep for Change {
    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        object(map).map(ChangeRecord::complete)
    }
}

impl ChangeRecord {
    fn complete(self) -> Option<Change> {
        let to_status = Category::new(self.to.value()?);
        Some(Change {
            package: self.package.value()?.parse().ok()?,
            build_hash: self.build_hash.value()?,
            blessed: self.blessed.value()?,
            from_status: Category::new(self.from.value()?),
            // The original has no such key: the category tells.
            kind: to_status.kind(),
            to_status,
            from_hash: self.from_hash.value(),
            run: self.run.value(),
            what: self.what.value().and_then(|word| What::parse(&word)),
        })
    }
}

//! One entry of a history, and its spelling.
//!
//! A line of `history.jsonl` is one JSON object. Keys are written in this order; readers do not depend
//! on it, and of a key that is there twice the first counts.
//!
//! | key | value | when it is missing |
//! |---|---|---|
//! | `ts` | time in UTC, `YYYY-MM-DDTHH:MM:SSZ` | not an entry |
//! | `run` | run id | not an entry |
//! | `build_hash` | hash or layer name; `none` or empty when there is none | not an entry |
//! | `status` | `success` or `failure` | not an entry |
//! | `category` | one word, an open set | not an entry |
//! | `compiler` | version | empty |
//! | `blessed` | boolean | not an entry |
//! | `error`, `failed_dep`, `failed_dep_hash`, `universe` | text or null | none |

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use buildbook_layout::{Category, Timestamp};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What happened to one build of a package in one run.
///
/// It is written as it stands here, as compact JSON; what is `None` is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When the build ended, in UTC. Kept as it is spelled; see [`Entry::timestamp`].
    pub ts: String,
    /// The run that it belongs to.
    pub run: String,
    /// The hash of the build's inputs, or the name of its layer.
    pub build_hash: String,
    /// [`Entry::SUCCESS`] or [`Entry::FAILURE`].
    pub status: String,
    /// How it ended, in one word.
    pub category: Category,
    /// The version of the compiler; empty when it is not known.
    pub compiler: String,
    /// Whether this is the build that stands for the package, among those with other dependencies.
    pub blessed: bool,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The package whose failure is the cause of this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_dep: Option<String>,
    /// The hash of the build that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_dep_hash: Option<String>,
    /// The set of dependencies that documentation was generated with. An empty one is not written.
    #[serde(skip_serializing_if = "is_empty")]
    pub universe: Option<String>,
}

fn is_empty(universe: &Option<String>) -> bool {
    universe.as_deref().unwrap_or_default().is_empty()
}

impl Entry {
    /// The `status` of what succeeded.
    pub const SUCCESS: &'static str = "success";
    /// The `status` of what did not.
    pub const FAILURE: &'static str = "failure";

    /// When the build ended; `None` if the text is not a time in UTC.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::parse(&self.ts).ok()
    }

    /// Whether the status is [`Entry::SUCCESS`].
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == Self::SUCCESS
    }
}

/// An [`Entry`] that borrows from the line it was read from, for passing over many entries quickly.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of Entry")]
pub struct EntryRef<'a> {
    pub ts: Cow<'a, str>,
    pub run: Cow<'a, str>,
    pub build_hash: Cow<'a, str>,
    pub status: Cow<'a, str>,
    pub category: Cow<'a, str>,
    pub compiler: Cow<'a, str>,
    pub blessed: bool,
    pub error: Option<Cow<'a, str>>,
    pub failed_dep: Option<Cow<'a, str>>,
    pub failed_dep_hash: Option<Cow<'a, str>>,
    pub universe: Option<Cow<'a, str>>,
}

impl EntryRef<'_> {
    /// Copies what is borrowed.
    #[must_use]
    pub fn into_entry(self) -> Entry {
        Entry {
            ts: self.ts.into_owned(),
            run: self.run.into_owned(),
            build_hash: self.build_hash.into_owned(),
            status: self.status.into_owned(),
            category: Category::new(self.category),
            compiler: self.compiler.into_owned(),
            blessed: self.blessed,
            error: self.error.map(Cow::into_owned),
            failed_dep: self.failed_dep.map(Cow::into_owned),
            failed_dep_hash: self.failed_dep_hash.map(Cow::into_owned),
            universe: self.universe.map(Cow::into_owned),
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        EntryRef::deserialize(deserializer).map(EntryRef::into_entry)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for EntryRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor(PhantomData))
    }
}

/// Written by hand because a derived one refuses a key that is there twice.
struct EntryVisitor<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for EntryVisitor<'a> {
    type Value = EntryRef<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut ts, mut run, mut build_hash, mut status, mut category) = (None, None, None, None, None);
        let (mut compiler, mut blessed, mut error) = (None, None, None);
        let (mut failed_dep, mut failed_dep_hash, mut universe) = (None, None, None);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key.0 {
                "ts" => first(&mut ts, &mut map)?,
                "run" => first(&mut run, &mut map)?,
                "build_hash" => first(&mut build_hash, &mut map)?,
                "status" => first(&mut status, &mut map)?,
                "category" => first(&mut category, &mut map)?,
                "compiler" => first(&mut compiler, &mut map)?,
                "blessed" => first(&mut blessed, &mut map)?,
                "error" => first(&mut error, &mut map)?,
                "failed_dep" => first(&mut failed_dep, &mut map)?,
                "failed_dep_hash" => first(&mut failed_dep_hash, &mut map)?,
                "universe" => first(&mut universe, &mut map)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let required = |found: Option<Text<'a>>, key| found.map(|text| text.0).ok_or_else(|| missing(key));
        Ok(EntryRef {
            ts: required(ts, "ts")?,
            run: required(run, "run")?,
            build_hash: required(build_hash, "build_hash")?,
            status: required(status, "status")?,
            category: required(category, "category")?,
            compiler: optional(compiler).unwrap_or_default(),
            blessed: blessed.ok_or_else(|| missing("blessed"))?,
            error: optional(error),
            failed_dep: optional(failed_dep),
            failed_dep_hash: optional(failed_dep_hash),
            universe: optional(universe),
        })
    }
}

fn missing<E: serde::de::Error>(key: &'static str) -> E {
    E::missing_field(key)
}

/// What is null is as good as missing.
fn optional<'a>(found: Option<Option<Text<'a>>>) -> Option<Cow<'a, str>> {
    found.flatten().map(|text| text.0)
}

/// Reads a value into its place, or passes over it when the place is taken.
fn first<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    place: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        map.next_value::<IgnoredAny>().map(drop)
    } else {
        map.next_value().map(|value| *place = Some(value))
    }
}

/// A text that is borrowed where it can be. serde does so for `&str`, which cannot hold escapes, and not
/// for `Cow`.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<'a>(PhantomData<&'a str>);
        impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
            type Value = Text<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            ts: "2026-03-09T12:54:44Z".into(),
            run: "2026-03-09-125400".into(),
            build_hash: "build-a1b2c3d4e5f6".into(),
            status: Entry::FAILURE.into(),
            category: Category::new(Category::DEPENDENCY_FAILURE),
            compiler: "5.3.0".into(),
            blessed: true,
            error: Some("line one\nline \"two\"\t\u{1b}\u{7f} é".into()),
            failed_dep: Some("dep.1".into()),
            failed_dep_hash: Some("build-000000000001".into()),
            universe: Some("u".into()),
        }
    }

    #[test]
    fn keys_are_written_in_the_order_of_the_format() {
        assert_eq!(
            serde_json::to_string(&entry()).unwrap(),
            r#"{"ts":"2026-03-09T12:54:44Z","run":"2026-03-09-125400","build_hash":"build-a1b2c3d4e5f6","#
                .to_owned()
                + r#""status":"failure","category":"dependency_failure","compiler":"5.3.0","blessed":true,"#
                + r#""error":"line one\nline \"two\"\t\u001b"#
                + "\u{7f} é\","
                + r#""failed_dep":"dep.1","failed_dep_hash":"build-000000000001","universe":"u"}"#
        );
    }

    #[test]
    fn what_is_not_there_is_left_out_but_the_compiler_is_always_written() {
        let bare = Entry {
            compiler: String::new(),
            error: None,
            failed_dep: None,
            failed_dep_hash: None,
            universe: Some(String::new()),
            ..entry()
        };
        let text = serde_json::to_string(&bare).unwrap();
        assert!(text.ends_with(r#""category":"dependency_failure","compiler":"","blessed":true}"#), "{text}");
    }

    #[test]
    fn what_is_written_is_read() {
        let text = serde_json::to_string(&entry()).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            serde_json::from_value::<Entry>(value).unwrap(),
            entry(),
            "also when nothing can be borrowed"
        );
    }

    #[test]
    fn texts_without_escapes_are_borrowed() {
        let line =
            r#"{"ts":"t","run":"r\u0031","build_hash":"h","status":"s","category":"c","blessed":false}"#;
        let entry: EntryRef<'_> = serde_json::from_str(line).unwrap();
        assert!(matches!((&entry.ts, &entry.run), (Cow::Borrowed("t"), Cow::Owned(run)) if run == "r1"));
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_first_counts() {
        let line = r#"{"ts":"1","ts":"2","run":"1","run":7,"build_hash":"h","status":"s","category":"c",
            "blessed":true,"blessed":"no","error":null,"error":"late"}"#;
        let entry: Entry = serde_json::from_str(line).unwrap();
        assert_eq!(
            (entry.ts.as_str(), entry.run.as_str(), entry.blessed, entry.error),
            ("1", "1", true, None)
        );
    }

    #[test]
    fn wrong_types_and_missing_keys_are_refused_by_name() {
        let good: serde_json::Value = serde_json::to_value(entry()).unwrap();
        for key in ["ts", "run", "build_hash", "status", "category", "blessed"] {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(key);
            let error = serde_json::from_str::<Entry>(&bad.to_string()).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{key}`")), "{error}");
        }
        for key in good.as_object().unwrap().keys() {
            let mut bad = good.clone();
            bad[key] = 5.into();
            assert!(serde_json::from_str::<Entry>(&bad.to_string()).is_err(), "{key}");
        }
        for key in ["compiler", "error", "failed_dep", "failed_dep_hash", "universe"] {
            let mut null = good.clone();
            null[key] = serde_json::Value::Null;
            assert!(serde_json::from_str::<Entry>(&null.to_string()).is_ok(), "{key}");
        }
    }

    #[test]
    fn times_are_utc_or_none() {
        assert_eq!(entry().timestamp().unwrap().as_unix(), 1_773_060_884);
        assert_eq!(Entry { ts: "not a time".into(), ..entry() }.timestamp(), None);
    }
}

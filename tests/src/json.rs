//! JSON as the original spells it.
//!
//! An own writer of eighty lines, because the order of keys, the escapes and the line breaks are what is to be
//! tried, and because the writer under test must not write its own examination.

use std::fmt::Write as _;

/// A value, with the keys of objects in the order in which they are to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, or anything else, spelled like this.
    Raw(String),
    /// A text.
    Text(String),
    /// `[…]`.
    List(Vec<Json>),
    /// `{…}`. Keys may be there twice.
    Object(Vec<(String, Json)>),
}

/// Columns that the pretty form fills before it breaks a line.
const WIDTH: usize = 78;

impl Json {
    /// An object.
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
        Json::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A list of anything that has a spelling in JSON.
    pub fn list<T: Into<Json>>(items: impl IntoIterator<Item = T>) -> Json {
        Json::List(items.into_iter().map(Into::into).collect())
    }

    /// A number of seconds as the original spells it: always with a point.
    #[must_use]
    pub fn seconds(seconds: i64) -> Json {
        Json::Raw(format!("{seconds}.0"))
    }

    /// Adds a member at the end of an object, and does nothing to any other value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> Json {
        if let Json::Object(members) = &mut self {
            members.push((key.to_owned(), value.into()));
        }
        self
    }

    /// Adds a member if there is a value for it.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Into<Json>>) -> Json {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Everything on one line, without a space.
    #[must_use]
    pub fn compact(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, ",", ":", "", "");
        out
    }

    /// [`Json::compact`] and a line end: one record of a `.jsonl` file.
    #[must_use]
    pub fn line(&self) -> String {
        self.compact() + "\n"
    }

    /// Indented by two; what fits on a line stays on it. Without a line end, as the original leaves it.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(&mut out, 0, 0);
        out
    }

    fn write(&self, out: &mut String, comma: &str, colon: &str, open: &str, close: &str) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Raw(text) => out.push_str(text),
            Json::Text(text) => quote(out, text),
            Json::List(items) if items.is_empty() => out.push_str("[]"),
            Json::Object(members) if members.is_empty() => out.push_str("{}"),
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "[" } else { comma });
                    out.push_str(if index == 0 { open } else { "" });
                    item.write(out, comma, colon, open, close);
                }
                out.push_str(close);
                out.push(']');
            }
            Json::Object(members) => {
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "{" } else { comma });
                    out.push_str(if index == 0 { open } else { "" });
                    quote(out, key);
                    out.push_str(colon);
                    value.write(out, comma, colon, open, close);
                }
                out.push_str(close);
                out.push('}');
            }
        }
    }

    fn write_pretty(&self, out: &mut String, indent: usize, used: usize) {
        let mut flat = String::new();
        self.write(&mut flat, ", ", ": ", " ", " ");
        if used + flat.chars().count() <= WIDTH {
            out.push_str(&flat);
            return;
        }
        let inner = indent + 2;
        match self {
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "[\n" } else { ",\n" });
                    let _ = write!(out, "{:inner$}", "");
                    item.write_pretty(out, inner, inner);
                }
                let _ = write!(out, "\n{:indent$}]", "");
            }
            Json::Object(members) => {
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "{\n" } else { ",\n" });
                    let _ = write!(out, "{:inner$}", "");
                    quote(out, key);
                    out.push_str(": ");
                    value.write_pretty(out, inner, inner + key.chars().count() + 4);
                }
                let _ = write!(out, "\n{:indent$}}}", "");
            }
            _ => out.push_str(&flat),
        }
    }
}

/// Control characters and the delete character are escaped, everything else is as it is.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text)
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Json {
        Json::Raw(number.to_string())
    }
}

impl From<i32> for Json {
    fn from(number: i32) -> Json {
        Json::Raw(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_the_original() {
        assert_eq!(
            Json::from("\"\\\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}/é").compact(),
            r#""\"\\\b\f\n\r\t\u0000\u001f\u007f/é""#
        );
    }

    #[test]
    fn keys_keep_their_order_and_lists_their_commas() {
        let value =
            Json::object([("b", 1.into()), ("a", Json::list(["x", "y"])), ("c", Json::List(Vec::new()))])
                .with("d", Json::Null)
                .with_some("e", None::<&str>)
                .with_some("f", Some(true));
        assert_eq!(value.compact(), r#"{"b":1,"a":["x","y"],"c":[],"d":null,"f":true}"#);
        assert_eq!(value.pretty(), r#"{ "b": 1, "a": [ "x", "y" ], "c": [], "d": null, "f": true }"#);
    }

    #[test]
    fn what_does_not_fit_has_a_line_for_each_member() {
        let long = "x".repeat(70);
        let value = Json::object([("a", Json::list([long.as_str(), "b"])), ("c", Json::seconds(3))]);
        assert_eq!(
            value.pretty(),
            format!("{{\n  \"a\": [\n    \"{long}\",\n    \"b\"\n  ],\n  \"c\": 3.0\n}}")
        );
    }
}

//! Reading one JSON object, whoever wrote it.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// The longest message about a text that is handed on whole, in bytes. Messages repeat what they are about.
const LONGEST_MESSAGE: usize = 300;

/// Reads a record from an object. Of a key that is there twice the first counts, as for the original, and a key
/// that is not known takes no memory, however much stands behind it.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let mut reader = serde_json::Deserializer::from_str(text);
    T::deserialize(Record(&mut reader)).and_then(|record| reader.end().map(|()| record)).map_err(shortened)
}

/// Keeps the beginning of a long message, and the place that it is about.
fn shortened(error: serde_json::Error) -> serde_json::Error {
    let message = error.to_string();
    if message.len() <= LONGEST_MESSAGE {
        return error;
    }
    let beginning: String = message.chars().take(LONGEST_MESSAGE / 2).collect();
    let (line, column) = (error.line(), error.column());
    serde::de::Error::custom(format!("{beginning}… at line {line} column {column}"))
}

/// Hands only the first of each known key to what reads a record.
struct Record<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Record<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Object { fields, visitor })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Object<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Firsts { map, missing: self.fields.to_vec() })
    }
}

struct Firsts<A> {
    map: A,
    /// The known keys that were not there so far.
    missing: Vec<&'static str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Firsts<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if let Some(at) = self.missing.iter().position(|missing| *missing == key) {
                self.missing.swap_remove(at);
                let key: StringDeserializer<A::Error> = key.into_deserializer();
                return seed.deserialize(key).map(Some);
            }
            self.map.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Solve;

    #[test]
    fn an_object_is_read_and_nothing_else_is() {
        let solve = |solved, failed| Some(Solve { solved, failed });
        let table = [
            (r#"{"solved":1,"failed":2}"#, solve(1, 2)),
            (r#"{"failed":2,"x":{"solved":[9,{}]},"solved":1}"#, solve(1, 2)),
            (r#"{"solved":1,"failed":2,"solved":"x","failed":9,"x":1,"x":2}"#, solve(1, 2)),
            (r#"{"solved":1}"#, None),
            (r#"{"solved":1,"failed":2}{}"#, None),
            (r#"{"solved":1,"failed":2"#, None),
            ("[1,2]", None),
            ("null", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse::<Solve>(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_message_does_not_repeat_a_long_text() {
        let long = format!("{{\"failed\":0,\n\"solved\":\"{}\"}}", "é".repeat(100_000));
        let error = parse::<Solve>(&long).unwrap_err();
        assert!(error.to_string().len() < 2 * LONGEST_MESSAGE, "{} bytes", error.to_string().len());
        assert!(error.to_string().starts_with("invalid type: string \"éé"), "{error}");
        assert_eq!(error.line(), 2);
    }
}

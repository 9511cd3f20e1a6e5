//! One object, read into a struct.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use crate::{Result, shortened};

/// Reads a struct from a text that is one object.
///
/// # Errors
///
/// What is wrong with the text, and where; see [`shortened`].
pub fn record<T: DeserializeOwned>(text: &str) -> Result<T> {
    read(text, Lenient(PhantomData))
}

/// Reads a struct as [`record`] does, unless one of its keys is there twice: for records in which one value must not
/// hide another.
///
/// # Errors
///
/// As [`record`]; and for a known key that is there twice.
pub fn strict_record<T: DeserializeOwned>(text: &str) -> Result<T> {
    read(text, Strict(PhantomData))
}

/// Reads a struct as [`record`] does. Bytes that are not UTF-8 become replacement characters: the original writes
/// file names and error texts as they are.
///
/// # Errors
///
/// As [`record`].
pub fn record_of_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    record(&String::from_utf8_lossy(bytes))
}

/// Reads a struct from what a visitor is handed for an object.
///
/// # Errors
///
/// What is wrong with the text, as the reader says it.
pub fn object<'de, T: DeserializeOwned, A: MapAccess<'de>>(map: A) -> std::result::Result<T, A::Error> {
    T::deserialize(Object(map))
}

fn read<'de, V: Visitor<'de>>(text: &'de str, visitor: V) -> Result<V::Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(visitor).and_then(|record| reader.end().map(|()| record)).map_err(shortened)
}

struct Strict<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Strict<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct Lenient<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Lenient<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
        object(map)
    }
}

/// Hands only the first of each known key to what reads a struct.
struct Object<A>(A);

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Object<A> {
    type Error = A::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> std::result::Result<V::Value, A::Error> {
        visitor.visit_map(Firsts { map: self.0, missing: fields.to_vec() })
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> std::result::Result<V::Value, A::Error> {
        visitor.visit_map(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Firsts<A> {
    map: A,
    /// The known keys that were not there so far.
    missing: Vec<&'static str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Firsts<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> std::result::Result<Option<K::Value>, A::Error> {
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

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> std::result::Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

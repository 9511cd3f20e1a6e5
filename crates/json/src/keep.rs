//! Values that are kept if they are of the right kind.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value of a record that may be of another kind than it should. Whatever stands there, the rest of the record can be
/// read; what cannot be kept takes no memory.
///
/// Two kinds of values are an error all the same, because nothing can hold them: a number such as `1e999`, and a text
/// with half of a surrogate pair, such as `"\ud800"`. Within a value that is passed over they are not looked at.
///
/// A field of this type needs `#[serde(default)]`, or the key must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Kept<T> {
    /// There is no such key, or its value is `null`.
    #[default]
    Missing,
    /// The value is of another kind.
    Unusable,
    /// The value.
    Value(T),
}

impl<T> Kept<T> {
    /// The value, if it is there and could be kept.
    pub fn value(self) -> Option<T> {
        match self {
            Kept::Value(value) => Some(value),
            Kept::Missing | Kept::Unusable => None,
        }
    }
}

/// What can be made from which kinds of values. A kind that is not spelled out cannot be used.
pub trait Keep: Sized {
    /// Makes it from a text.
    #[must_use]
    fn from_text(_text: &str) -> Option<Self> {
        None
    }

    /// Makes it from a boolean.
    #[must_use]
    fn from_flag(_flag: bool) -> Option<Self> {
        None
    }

    /// Makes it from a whole number that is not negative.
    #[must_use]
    fn from_whole(_number: u64) -> Option<Self> {
        None
    }

    /// Makes it from any other number. A whole number is one as well: see [`Keep::from_whole`].
    #[must_use]
    fn from_real(_number: f64) -> Option<Self> {
        None
    }

    /// Makes it from a list.
    ///
    /// # Errors
    ///
    /// What is wrong with the text. An item that cannot be used is no error: read it as [`Kept`].
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_seq(list).map(|IgnoredAny| None)
    }

    /// Makes it from an object; see [`object`](crate::object).
    ///
    /// # Errors
    ///
    /// What is wrong with the text.
    fn from_object<'de, A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_map(map).map(|IgnoredAny| None)
    }
}

impl Keep for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Keep for bool {
    fn from_flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl Keep for u64 {
    fn from_whole(number: u64) -> Option<Self> {
        Some(number)
    }
}

impl Keep for f64 {
    #[expect(clippy::cast_precision_loss, reason = "as JSON has it, whose numbers are all of one kind")]
    fn from_whole(number: u64) -> Option<Self> {
        Some(number as f64)
    }

    fn from_real(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl<'de, T: Keep> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyKind(PhantomData))
    }
}

struct AnyKind<T>(PhantomData<T>);

impl<'de, T: Keep> Visitor<'de> for AnyKind<T> {
    type Value = Kept<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Kept<T>, E> {
        Ok(Kept::Missing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Kept<T>, E> {
        Ok(kept(T::from_flag(flag)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Kept<T>, E> {
        Ok(kept(T::from_whole(number)))
    }

    #[expect(clippy::cast_precision_loss, reason = "as JSON has it, whose numbers are all of one kind")]
    fn visit_i64<E>(self, number: i64) -> Result<Kept<T>, E> {
        Ok(kept(match u64::try_from(number) {
            Ok(number) => T::from_whole(number),
            Err(_) => T::from_real(number as f64),
        }))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Kept<T>, E> {
        Ok(kept(T::from_real(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kept<T>, E> {
        Ok(kept(T::from_text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Kept<T>, A::Error> {
        T::from_list(list).map(kept)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kept<T>, A::Error> {
        T::from_object(map).map(kept)
    }
}

fn kept<T>(value: Option<T>) -> Kept<T> {
    value.map_or(Kept::Unusable, Kept::Value)
}

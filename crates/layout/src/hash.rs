//! Hashes, and the folders named after them.

use crate::component::{Reason, name_type};

/// How many digits of a hash name a layer.
const LAYER_DIGITS: usize = 12;

/// The hash of a build's inputs: 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildHash(String);

name_type!(BuildHash, "build hash");

impl BuildHash {
    fn check_shape(name: &str) -> Result<(), Reason> {
        if name.len() == 32 && is_lower_hex(name) {
            Ok(())
        } else {
            Err(Reason::Shape("32 lower-case hexadecimal digits"))
        }
    }

    /// Takes the first 16 bytes of a digest.
    #[must_use]
    pub fn from_digest(digest: &[u8; 32]) -> Self {
        let mut digits = String::with_capacity(32);
        let halves = digest.iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
        halves.filter_map(|half| char::from_digit(half.into(), 16)).for_each(|digit| digits.push(digit));
        BuildHash(digits)
    }

    /// The folder of the layer that this hash names: `build-` and the first twelve digits.
    #[must_use]
    pub fn layer(&self) -> LayerName {
        let digits = self.0.get(..LAYER_DIGITS).unwrap_or_default();
        LayerName(["build-", digits].concat())
    }
}

/// The folder of a layer: `build-<12 hex>`, `doc-<12 hex>`, or, as later versions of the original
/// spell it, `<12 hex>` alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerName(String);

name_type!(LayerName, "layer");

/// What a layer holds, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LayerKind {
    /// `build-<12 hex>`.
    Build,
    /// `doc-<12 hex>`.
    Doc,
    /// `<12 hex>`: the kind is written inside.
    Plain,
}

impl LayerName {
    fn check_shape(name: &str) -> Result<(), Reason> {
        let (_, digits) = split_layer(name);
        if digits.len() == LAYER_DIGITS && is_lower_hex(digits) {
            Ok(())
        } else {
            Err(Reason::Shape("build-, doc- or nothing, and 12 lower-case hexadecimal digits"))
        }
    }

    /// Which of the three spellings this is.
    #[must_use]
    pub fn kind(&self) -> LayerKind {
        split_layer(&self.0).0
    }

    /// The twelve digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        split_layer(&self.0).1
    }

    /// Whether a hash, in full or shortened, with or without a prefix, names this layer. References to
    /// layers are spelled in all these ways.
    #[must_use]
    pub fn is_named_by(&self, hash: &str) -> bool {
        let (kind, digits) = split_layer(hash);
        let same_kind = kind == LayerKind::Plain || self.kind() == LayerKind::Plain || kind == self.kind();
        same_kind && digits.get(..LAYER_DIGITS) == Some(self.digits())
    }
}

fn split_layer(name: &str) -> (LayerKind, &str) {
    if let Some(digits) = name.strip_prefix("build-") {
        (LayerKind::Build, digits)
    } else if let Some(digits) = name.strip_prefix("doc-") {
        (LayerKind::Doc, digits)
    } else {
        (LayerKind::Plain, name)
    }
}

/// A set of dependencies that documentation was generated against: 32 lower-case hexadecimal digits,
/// also the name of its folder below `html/u`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Universe(String);

name_type!(Universe, "universe");

impl Universe {
    fn check_shape(name: &str) -> Result<(), Reason> {
        BuildHash::check_shape(name)
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_hash_names_its_layer() {
        let hash: BuildHash = FULL.parse().unwrap();
        assert_eq!(hash.layer().as_str(), "build-0123456789ab");
        let mut digest = [0xab; 32];
        digest[..3].copy_from_slice(&[0x00, 0x07, 0xf0]);
        assert_eq!(BuildHash::from_digest(&digest).as_str(), format!("0007f0{}", "ab".repeat(13)));
        assert!("0123".parse::<BuildHash>().is_err());
        assert!(FULL.to_uppercase().parse::<BuildHash>().is_err());
    }

    #[test]
    fn all_spellings_of_a_layer_are_known() {
        let table = [
            ("build-0123456789ab", Some(LayerKind::Build)),
            ("doc-0123456789ab", Some(LayerKind::Doc)),
            ("0123456789ab", Some(LayerKind::Plain)),
            ("build-0123456789a", None),
            ("build-0123456789abc", None),
            ("build-g00000000001", None),
            ("packages", None),
            ("base", None),
        ];
        for (name, kind) in table {
            assert_eq!(name.parse::<LayerName>().ok().map(|layer| layer.kind()), kind, "{name}");
        }
    }

    #[test]
    fn a_reference_may_be_full_short_or_prefixed() {
        let layer: LayerName = "build-0123456789ab".parse().unwrap();
        for reference in [FULL, "0123456789ab", "build-0123456789ab"] {
            assert!(layer.is_named_by(reference), "{reference}");
        }
        for reference in ["doc-0123456789ab", "0123456789a", "fedcba987654", "", "none", "ééééééééé"]
        {
            assert!(!layer.is_named_by(reference), "{reference}");
        }
        let plain: LayerName = "0123456789ab".parse().unwrap();
        assert!(plain.is_named_by("build-0123456789ab"));
    }
}

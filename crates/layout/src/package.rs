//! Packages, named by name and version.

use crate::component::{Reason, name_type};

/// A package at a version, spelled `name.version`: `astring.0.8.5`.
///
/// The name ends at the first dot, because names have none and versions usually do. A name without a
/// dot is accepted for folders that other programs made; it has no version. A version does not begin with a
/// dot, so that name and version can each be a folder.
///
/// The order is that of the spelling, which is also the order in which files are listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageId(String);

name_type!(PackageId, "package");

impl PackageId {
    fn check_shape(name: &str) -> Result<(), Reason> {
        match name.split_once('.') {
            Some((_, "")) => Err(Reason::Shape("NAME.VERSION: nothing follows the dot")),
            // The version is a folder of its own in the published documentation, where `..` would lead out.
            Some((_, version)) if version.starts_with('.') => {
                Err(Reason::Shape("NAME.VERSION: the version begins with a dot"))
            }
            _ => Ok(()),
        }
    }

    /// The name without the version.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(name, _)| name)
    }

    /// What follows the first dot.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.0.split_once('.').map(|(_, version)| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_follows_the_first_dot() {
        let table = [
            ("astring.0.8.5", "astring", Some("0.8.5")),
            ("ocaml-variants.5.2.0+ox", "ocaml-variants", Some("5.2.0+ox")),
            ("dune-kit.3.1.4~beta2+x", "dune-kit", Some("3.1.4~beta2+x")),
            ("odoc", "odoc", None),
        ];
        for (text, name, version) in table {
            let package: PackageId = text.parse().unwrap();
            assert_eq!((package.name(), package.version()), (name, version));
            assert_eq!(package.to_string(), text);
        }
        assert!("odoc.".parse::<PackageId>().is_err());
    }

    #[test]
    fn a_version_is_one_component_too() {
        for text in ["a..", "a...", "a..hidden"] {
            assert!(text.parse::<PackageId>().is_err(), "{text}");
        }
        assert!("a.1..2".parse::<PackageId>().is_ok());
    }

    #[test]
    fn json_cannot_smuggle_a_bad_name_in() {
        let good: PackageId = serde_json::from_str(r#""a.1""#).unwrap();
        assert_eq!(serde_json::to_string(&good).unwrap(), r#""a.1""#);
        let bad = serde_json::from_str::<PackageId>(r#""../a.1""#).expect_err("a path is not a name");
        assert!(bad.to_string().contains("path separator"), "{bad}");
    }
}

//! What a run is doing.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a run is doing, one word in the file. A run goes through the phases in the order given here.
///
/// The set is open: a word that another writer uses is read as [`Phase::Other`], and written back as it
/// was.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Phase {
    /// `solving`: choosing versions for each target.
    Solving,
    /// `blessings`: choosing, for each package, the build whose documentation is published.
    Blessings,
    /// `building`: building packages and generating documentation.
    Building,
    /// `gc`: removing what nothing needs.
    Gc,
    /// `completed`: nothing is left to do.
    Completed,
    /// A word that this version does not know.
    Other(String),
}

impl Phase {
    /// The word as it is in the file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Phase::Solving => "solving",
            Phase::Blessings => "blessings",
            Phase::Building => "building",
            Phase::Gc => "gc",
            Phase::Completed => "completed",
            Phase::Other(word) => word,
        }
    }
}

impl From<String> for Phase {
    fn from(word: String) -> Self {
        match word.as_str() {
            "solving" => Phase::Solving,
            "blessings" => Phase::Blessings,
            "building" => Phase::Building,
            "gc" => Phase::Gc,
            "completed" => Phase::Completed,
            _ => Phase::Other(word),
        }
    }
}

impl From<&str> for Phase {
    fn from(word: &str) -> Self {
        Phase::from(word.to_owned())
    }
}

/// Every word is a phase.
impl FromStr for Phase {
    type Err = Infallible;

    fn from_str(word: &str) -> Result<Self, Infallible> {
        Ok(Phase::from(word))
    }
}

impl From<Phase> for String {
    fn from(phase: Phase) -> String {
        match phase {
            Phase::Other(word) => word,
            known => known.as_str().to_owned(),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        let table = [
            ("solving", Phase::Solving),
            ("blessings", Phase::Blessings),
            ("building", Phase::Building),
            ("gc", Phase::Gc),
            ("completed", Phase::Completed),
            ("Building", Phase::Other("Building".to_owned())),
            ("uploading", Phase::Other("uploading".to_owned())),
            ("", Phase::Other(String::new())),
        ];
        for (word, phase) in table {
            assert_eq!(word.parse::<Phase>(), Ok(phase.clone()));
            assert_eq!(phase.as_str(), word);
            assert_eq!(String::from(phase.clone()), word);
            assert_eq!(format!("{phase:>10}"), format!("{word:>10}"));
        }
    }
}
